/* dotenv.c - claims about reading a .env text: what Compose v2 reads, mistakes with their places,
 * and that no input breaks it. Who reads a line differently is in dotenv_differences.c. */
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/domain/dotenv.h"
#include "lib/domain/validate.h"
#include "tests/tap.h"

static struct arena *arena;
static struct dotenv file;

static bool read_bytes(const char *bytes, size_t len, const struct dotenv_options *options)
{
    struct err err = {0};
    arena_reset(arena);
    if (dotenv_read(arena, bytes, len, options, &file, &err) == 0)
        return true;
    printf("# %s\n", err.user);
    return false;
}

static bool read_text(const char *text)
{
    return read_bytes(text, strlen(text), NULL);
}

/* The value of KEY in a text without mistakes. */
static const char *value_of(const char *text, const char *key)
{
    const struct dotenv_entry *entry;
    if (!read_text(text))
        return "(not read)";
    if (file.error_count > 0) {
        printf("# %d:%d %s\n", file.errors[0].line, file.errors[0].column, file.errors[0].sentence);
        return "(error)";
    }
    entry = dotenv_find(&file, key);
    return entry != NULL ? entry->value : "(none)";
}

static bool refuses(const char *text, int line, int column, const char *sentence)
{
    if (!read_text(text))
        return false;
    for (size_t i = 0; i < dotenv_errors(&file); i++)
        if (file.errors[i].line == line && file.errors[i].column == column
            && strstr(file.errors[i].sentence, sentence) != NULL)
            return true;
    printf("# %zu errors in: %.80s\n", file.error_count, text);
    for (size_t i = 0; i < dotenv_errors(&file); i++)
        printf("#   %d:%d %s\n", file.errors[i].line, file.errors[i].column,
               file.errors[i].sentence);
    return false;
}

/* --- values --- */

static void the_table_of_lines_is_read_as_compose_reads_it(void)
{
    CHECK_STR(value_of("C=hash#tag", "C"), "hash#tag");
    CHECK_STR(value_of("D=val # c", "D"), "val");
    CHECK_STR(value_of("HOME=/h\nE=\"a $HOME \\n\"", "E"), "a /h \n");
    CHECK_STR(value_of("F='x $H \\n'", "F"), "x $H \\n");
    CHECK_STR(value_of("G='it\\'s'", "G"), "it's");
    CHECK_STR(value_of("A=1\nL=$A-x", "L"), "1-x");
    CHECK_STR(value_of("M=$$x", "M"), "$x");
    CHECK_STR(value_of("I: yaml", "I"), "yaml");
    CHECK(refuses("Q\n", 1, 1, "no \"=\""));
    CHECK_STR(value_of("K=\"multi\nline\"", "K"), "multi\nline");
    CHECK(refuses("V='abc\\'\nW=1\n", 1, 3, "not closed: \\' stands for a quote"));
    CHECK_STR(value_of("S=`id`", "S"), "`id`");
    CHECK(refuses("R=\"open\n", 1, 3, "not closed"));
    CHECK(refuses("O-dash=2\n", 1, 1, "Write O_dash."));
    CHECK(refuses("N.dot=1\n", 1, 1, "Write N_dot."));
}

static void bare_values(void)
{
    CHECK_STR(value_of("A=", "A"), "");
    CHECK_STR(value_of("A=\nB=2\n", "A"), "");
    CHECK_STR(value_of("A=  two words \t\n", "A"), "two words");
    CHECK_STR(value_of("A=it's \"so\"", "A"), "it's \"so\"");
    CHECK_STR(value_of("A=a\\nb\\", "A"), "a\\nb\\");
    CHECK_STR(value_of("A=x\t#y", "A"), "x\t#y");
    CHECK_STR(value_of("A=#x", "A"), "#x");
    CHECK(refuses("A= # x", 1, 4, "takes this comment for the value"));
    CHECK_STR(value_of("A=x #", "A"), "x");
    CHECK_STR(value_of("A=a=b:c", "A"), "a=b:c");
    CHECK_STR(value_of("  export \t A \t=\t1", "A"), "1");
    CHECK_STR(value_of("export=1", "export"), "1");
    CHECK_STR(value_of("exports=1", "exports"), "1");
    CHECK_STR(value_of("A:b", "A"), "b");
    CHECK_STR(value_of("\xef\xbb\xbf"
                       "A=1\r\nB=2 # c\r\n",
                       "A"),
              "1");
    CHECK_STR(value_of("A=1\r\nB=2 # c\r\n", "B"), "2");
    CHECK_STR(value_of("A=x\xc2\xa0\xe3\x80\x80\n", "A"), "x");
    CHECK_STR(value_of("A=cost: 5$", "A"), "cost: 5$");
    CHECK_STR(value_of("A=$5 $( $}", "A"), "$5 $( $}");
}

static void escapes_in_quotes(void)
{
    CHECK_STR(value_of("A=\"\\n\\t\\\\\\\"\\$X\"", "A"), "\n\t\\\"$X");
    CHECK_STR(value_of("A=\"\\q \\c \\' \\` \\}\"", "A"), "\\q \\c \\' \\` \\}");
    CHECK_STR(value_of("A=\"\\0101\\0351\"", "A"), "A\xc3\xa9");
    CHECK_STR(value_of("A=\"\\0 \\012 \\0400 \\0180\"", "A"), "\\ \\12 \\400 \\180");
    CHECK_STR(value_of("A='a\\\\'", "A"), "a\\\\");
    CHECK_STR(value_of("A='\\n\\\"'", "A"), "\\n\\\"");
    CHECK_STR(value_of("A=\"x\" # c\nB=1", "A"), "x");
    CHECK_STR(value_of("A='x'#c", "A"), "x");
    CHECK_STR(value_of("A=''", "A"), "");
    CHECK_STR(value_of("A=\"\\\\\"", "A"), "\\");
    CHECK_STR(value_of("A=\"\\\\n\"", "A"), "\\n");
    CHECK(refuses("A=\"a\\rb\"", 1, 5, "carriage return"));
    CHECK(refuses("A=\"a\\0000\"", 1, 5, "NUL byte"));
    CHECK(refuses("A=\"\\a\"", 1, 4, "control character"));
    CHECK(refuses("A=\"\\0233\"", 1, 4, "control character"));
}

static void references_are_filled_in(void)
{
    CHECK_STR(value_of("A=1\nB=${A}${A}$A", "B"), "111");
    CHECK_STR(value_of("B=${X:-d}", "B"), "d");
    CHECK_STR(value_of("A=\nB=${A:-d}|${A-d}", "B"), "d|");
    CHECK_STR(value_of("A=1\nB=${A:+r}|${X:+r}|${A+r}|${X+r}", "B"), "r||r|");
    CHECK_STR(value_of("A=1\nB=${A:?e}${A?e}", "B"), "11");
    CHECK_STR(value_of("A=1\nB=${X:-${Y:-<$A>}}", "B"), "<1>");
    CHECK_STR(value_of("B=${X:-{\"json\":1}}", "B"), "{\"json\":1}");
    CHECK_STR(value_of("B=${X:-{}}", "B"), "{}");
    CHECK_STR(value_of("B=\"${WL_D:-\\}${WL_D:-$}{\"", "B"), "\\${");
    CHECK_STR(value_of("A=1\nB='${A}'", "B"), "${A}");
    CHECK_STR(value_of("A=$$$$A", "A"), "$$A");
    CHECK_STR(value_of("A='$x'\nB=$A", "B"), "$x");
    CHECK(refuses("A=pa$word", 1, 5, "not set above"));
    CHECK(refuses("A=\"\xc3\xa9\\n$word\"", 1, 7, "Write $$ or use single quotes"));
    CHECK(refuses("A=\"x\ny ${LATER} z\"", 2, 3, "refers to LATER, which is not set above"));
    CHECK(refuses("A=\"x\ny ${LATER} z\"\nLATER=1", 2, 3, "set only below, in line 3"));
    CHECK(refuses("A=$LATER\nB=1\nLATER=1", 1, 3, "LATER, which is set only below, in line 3"));
    CHECK(refuses("A=$A", 1, 3, "not set above"));
    CHECK(refuses("A=\nB=${A:?e}", 2, 3, "requires A, which is not set above or is empty"));
    CHECK(refuses("B=${X?e}", 1, 3, "requires X"));
    CHECK_STR(value_of("A=1\nB=${A:-${X?e}}", "B"), "1");
    CHECK(refuses("B=x${", 1, 4, "cannot read"));
    CHECK(refuses("B=${}", 1, 3, "cannot read"));
    CHECK(refuses("B=${A!x}", 1, 3, "cannot read"));
    CHECK(refuses("B=${A:x}", 1, 3, "cannot read"));
    CHECK(refuses("B=${A:-x", 1, 3, "cannot read"));
    CHECK(refuses("B=$\xc5\xbf", 1, 3, "not set above"));
    CHECK(strstr(file.errors[0].sentence, "\xc5\xbf") == NULL);
}

static void a_mistake_is_not_told_again_where_it_is_referred_to(void)
{
    CHECK(read_text("A=\"open\nB=$A\nC=${A:-x}\n"));
    CHECK_INT(file.error_count, 1);
    CHECK_INT(file.count, 3);
    CHECK(!file.entries[1].has_value && !file.entries[2].has_value);
}

/* --- mistakes --- */

static void all_mistakes_are_told_with_their_places(void)
{
    static const char text[] = "A=1\n\n# c\n2B=x\nC\nA=2\nD='x' y\nE=\"a\nF=1\n  G=$nope\n";
    CHECK(read_text(text));
    CHECK_INT(file.error_count, 6);
    CHECK(refuses(text, 4, 1, "Write _2B."));
    CHECK(refuses(text, 5, 1, "write C= and a value"));
    CHECK(refuses(text, 6, 1, "A stands in line 1 and again in line 6"));
    CHECK(refuses(text, 7, 7, "text behind the closing quote"));
    CHECK(refuses(text, 8, 3, "not closed"));
    CHECK(refuses(text, 10, 5, "not set above"));
    for (size_t i = 1; i < file.error_count; i++)
        CHECK(file.errors[i - 1].line <= file.errors[i].line);
    CHECK(refuses("A=\"x\nB=\"y\nC=1\n", 2, 4, "The quote in line 1 is closed here"));
    CHECK(refuses("just words\n", 1, 1, "This line has no \"=\""));
    CHECK(refuses("=x\n", 1, 1, "no name before this"));
    CHECK(refuses("A B=1\n", 1, 1, "Write A_B."));
    CHECK(refuses("LD_PRELOAD=x\n", 1, 1, "refused"));
    CHECK(refuses("'A'=x\n", 1, 1, "A key has"));
}

static void what_is_no_text_is_refused(void)
{
    CHECK(refuses("A=a\rb\n", 1, 4, "carriage return"));
    CHECK(refuses("# c\n# \x1b[31m\nA=1\n", 2, 3, "control character"));
    CHECK(refuses("A=\xff\n", 1, 1, "not valid UTF-8"));
    CHECK(refuses("A=\"x\r\ny\"\r\n", 1, 5, "Windows line ends"));
    CHECK(read_bytes("A=a\0b\nB=1", 9, NULL) && file.error_count == 1 && file.errors[0].column == 4
          && strstr(file.errors[0].sentence, "NUL byte") != NULL);
}

static void a_text_from_a_form_has_its_line_ends_put_right(void)
{
    static const struct dotenv_options form = {.is_form = true};
    static const char text[] = "# a\r\nA=\"x\r\n\\\r\ny\\n\" # n\r\nB='p\r\nq'\r\n# end";
    CHECK(read_bytes(text, strlen(text), &form));
    CHECK_INT(file.error_count, 0);
    CHECK_STR(file.entries[0].value, "x\n\\\ny\n");
    CHECK_STR(file.entries[0].comment, "# a\n# n\n");
    CHECK_STR(file.entries[1].value, "p\nq");
    CHECK_STR(file.tail, "# end\n");
}

static void sentences_repeat_nothing_of_a_value(void)
{
    static const char *const texts[] = {"PASSWORD=sesame$opens`x`#y;z ~\n",
                                        "PASSWORD=\"sesame\\a opens\n",
                                        "PASSWORD='ses\\'ame' opens\n",
                                        "PASSWORD=\"sesame $(opens) `x` \\n $$\"\n",
                                        "sesame/opens+Zr==\n",
                                        "sesameopens/sesameopens\n",
                                        "sesameopenssesameopenssesameopenssesameopens0\n",
                                        "PASSWORD=${sesame opens}\n",
                                        "PASSWORD=sesame\ropens\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK(read_text(texts[i]) && file.error_count + file.warning_count > 0);
        for (size_t k = 0; k < dotenv_errors(&file) + file.warning_count; k++) {
            const char *sentence = k < dotenv_errors(&file)
                                       ? file.errors[k].sentence
                                       : file.warnings[k - dotenv_errors(&file)].sentence;
            CHECK(strstr(sentence, "sesame") == NULL && strstr(sentence, "opens") == NULL);
            CHECK(k >= dotenv_errors(&file) || strstr(file.errors[k].key, "sesame") == NULL);
        }
    }
}

/* --- comments, hidden values, lenient reading --- */

static void comments_stay_with_their_keys(void)
{
    CHECK(read_text("# top\n\n  # more\nA=1 # one\n\nB='x'#two\nC=3\n# end\n\n"));
    CHECK_INT(file.error_count, 0);
    CHECK_STR(file.entries[0].comment, "# top\n\n  # more\n# one\n");
    CHECK_STR(file.entries[1].comment, "\n#two\n");
    CHECK_STR(file.entries[2].comment, "");
    CHECK_STR(file.tail, "# end\n\n");
    CHECK_INT(file.entries[0].line, 4);
    CHECK_INT(file.entries[0].column, 3);
    CHECK_INT(file.entries[1].line, 6);
    CHECK(read_text("# only this") && file.count == 0);
    CHECK_STR(file.tail, "# only this\n");
    CHECK(read_text("") && file.count == 0 && file.tail[0] == '\0');
}

static bool stands_for_hidden(void *context, const char *key, const char *value, size_t len)
{
    ++*(int *)context;
    return key[0] != '\0' && len == 8 && strcmp(value, "<hidden>") == 0;
}

static void a_reference_to_a_hidden_value_is_refused(void)
{
    static const char text[] = "H=<hidden>\nI=$H\nJ=${H:-x}\nK=${X:-$H}\nL=1\nM=${L:-$H}\n";
    int asked = 0;
    struct dotenv_options options = {.is_hidden = stands_for_hidden, .context = &asked};
    CHECK(read_bytes(text, strlen(text), &options));
    CHECK_INT(file.error_count, 3);
    CHECK_STR(file.errors[0].sentence,
              "This refers to H, whose value is hidden. Write the value itself.");
    CHECK_INT(file.errors[2].column, 8);
    CHECK(file.entries[0].is_hidden && file.entries[0].has_value && !file.entries[4].is_hidden);
    CHECK(file.entries[5].has_value);
    CHECK_INT(asked, 3);
    for (size_t i = 0; i < file.warning_count; i++)
        CHECK(strcmp(file.warnings[i].key, "H") != 0);
}

static void an_example_is_read_leniently(void)
{
    static const struct dotenv_options lenient = {.is_lenient = true};
    static const char text[] = "A\nexport B\nC=$HOME/x ${Y?e} ${Z:-z}\nC=again\nno no\n";
    CHECK(read_bytes(text, strlen(text), &lenient));
    CHECK_INT(file.error_count, 0);
    CHECK_INT(file.count, 3);
    CHECK(file.entries[0].is_alone && !file.entries[0].has_value);
    CHECK_STR(file.entries[1].key, "B");
    CHECK_STR(file.entries[2].value, "$HOME/x ${Y?e} z");
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

/* --- limits and malformed input --- */

static void limits_hold(void)
{
    size_t len = DOTENV_TEXT_MAX + 1;
    char *big = malloc(len + 1);
    struct err err = {0};
    memset(big, '#', len);
    CHECK(dotenv_read(arena, big, len, NULL, &file, &err) != 0 && err.code == ERR_TOO_LARGE);
    CHECK(read_bytes(big, len - 1, NULL) && file.count == 0);
    memcpy(big, "A=", 2);
    CHECK(read_bytes(big, VALIDATE_ENV_VALUE_MAX + 2, NULL) && file.error_count == 0);
    CHECK_INT(file.entries[0].len, VALIDATE_ENV_VALUE_MAX);
    CHECK(read_bytes(big, VALIDATE_ENV_VALUE_MAX + 3, NULL) && file.error_count == 1
          && strstr(file.errors[0].sentence, "Store it as a file") != NULL);
    size_t n = 0;
    for (int i = 0; i < 502; i++)
        n += (size_t)snprintf(big + n, len - n, "K%d=v\n", i);
    CHECK(read_bytes(big, n, NULL) && file.count == DOTENV_KEYS_MAX && file.error_count == 2);
    n = 0;
    for (int i = 0; i < 300; i++)
        n += (size_t)snprintf(big + n, len - n, "!%d\n", i);
    CHECK(read_bytes(big, n, NULL) && file.error_count == 300
          && dotenv_errors(&file) == DOTENV_ERRORS_MAX);
    free(big);
}

/* Each is what would be slow if the work grew with the square of the text, or without end. */
static void hostile_texts_take_no_time(void)
{
    static const char *const pieces[] = {
        "${A:-{",  "${A:-{}", "$a",  "${A:-}",  "${A:-{\\0175\\0175", "\\\"", "A=1\n", "'\n", "\"",
        "${A:-${", "$$",      "#\n", "${A:-x}{"};
    size_t max = (size_t)1024 * 1024; /* what is worse than linear shows here as well */
    char *text = malloc(max + 20);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        for (int end = 0; end < 3; end++) {
            size_t len = strlen(pieces[i]), n = (size_t)snprintf(text, 10, "T=%s", end ? "\"" : "");
            int64_t begun = clock_mono_ms();
            while (n + len < max)
                n += (size_t)snprintf(text + n, len + 1, "%s", pieces[i]);
            n += (size_t)snprintf(text + n, 10, "%s\n", end == 2 ? "}}}}\"" : end == 1 ? "\"" : "");
            CHECK(read_bytes(text, n, NULL));
            if (clock_mono_ms() - begun > 1000)
                printf("# %s took %lld ms\n", pieces[i], (long long)(clock_mono_ms() - begun));
            CHECK(clock_mono_ms() - begun < 20000);
        }
    }
    free(text);
    /* Values that double in each line. */
    char doubling[600 * 20] = "V0=xxxxxxxxxxxxxxxx\n";
    size_t n = strlen(doubling);
    for (int i = 1; i < 490; i++)
        n += (size_t)snprintf(doubling + n, sizeof doubling - n, "V%d=$V%d$V%d\n", i, i - 1, i - 1);
    CHECK(read_bytes(doubling, n, NULL) && file.error_count > 0);
    struct err err = {0};
    char many[100 * 20 + 200000];
    n = (size_t)snprintf(many, 10, "V0=");
    memset(many + n, 'x', 130000);
    n += 130000;
    n += (size_t)snprintf(many + n, 2, "\n");
    for (int i = 1; i < 100; i++)
        n += (size_t)snprintf(many + n, sizeof many - n, "V%d=$V0\n", i);
    arena_reset(arena);
    CHECK(dotenv_read(arena, many, n, NULL, &file, &err) != 0 && err.code == ERR_TOO_LARGE);
}

static void malformed_text_never_breaks_it(void)
{
    static const char alphabet[] = "AB=: \t\n\r'\"\\$${}#-+?:`~x01n\xc3\xa9\xc2\xa0\xff\0\x01;(";
    unsigned seed = 99;
    for (int round = 0; round < 20000; round++) {
        char text[80];
        size_t len = next_random(&seed) % sizeof text;
        struct dotenv_options options = {.is_form = round % 2 == 1, .is_lenient = round % 3 == 1};
        /* In a block of its exact size, so that a sanitizer sees one byte too far. */
        char *exact = malloc(len + 1);
        for (size_t i = 0; i < len; i++)
            exact[i] = alphabet[next_random(&seed) % (sizeof alphabet - 1)];
        char *block = realloc(exact, len > 0 ? len : 1);
        CHECK(read_bytes(block, len, &options));
        for (size_t i = 0; i < file.count; i++) {
            const struct dotenv_entry *e = file.entries + i;
            CHECK(e->line > 0 && e->column > 0 && e->value[e->len] == '\0');
            if (file.error_count == 0 && e->has_value)
                CHECK(validate_env_value("", e->value, e->len, NULL) == 0
                      && memchr(e->value, '\r', e->len) == NULL);
        }
        for (size_t i = 0; i < dotenv_errors(&file); i++)
            CHECK(file.errors[i].line > 0 && file.errors[i].column > 0
                  && file.errors[i].sentence[0] != '\0'
                  && str_is_utf8(file.errors[i].key, strlen(file.errors[i].key)));
        free(block);
    }
}

int main(void)
{
    arena = arena_new(DOTENV_ARENA(DOTENV_TEXT_MAX));
    if (arena == NULL)
        return 1;
    TAP_RUN(the_table_of_lines_is_read_as_compose_reads_it);
    TAP_RUN(bare_values);
    TAP_RUN(escapes_in_quotes);
    TAP_RUN(references_are_filled_in);
    TAP_RUN(a_mistake_is_not_told_again_where_it_is_referred_to);
    TAP_RUN(all_mistakes_are_told_with_their_places);
    TAP_RUN(what_is_no_text_is_refused);
    TAP_RUN(a_text_from_a_form_has_its_line_ends_put_right);
    TAP_RUN(sentences_repeat_nothing_of_a_value);
    TAP_RUN(comments_stay_with_their_keys);
    TAP_RUN(a_reference_to_a_hidden_value_is_refused);
    TAP_RUN(an_example_is_read_leniently);
    TAP_RUN(limits_hold);
    TAP_RUN(hostile_texts_take_no_time);
    TAP_RUN(malformed_text_never_breaks_it);
    arena_free(arena);
    return tap_done();
}

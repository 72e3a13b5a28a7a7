/* Terminal output as spans: colours, everything else gone, any bytes survive as clean text. */
#include "tests/tap.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/domain/ansi.h"

/* "class|text;class|text;" of a line. */
static const char *spans(const char *line, size_t len)
{
    static char out[4096];
    json_t *list = ansi_to_spans(line, len), *pair;
    size_t i, used = 0;

    out[0] = '\0';
    json_array_foreach(list, i, pair)
    {
        int n = snprintf(out + used, sizeof out - used, "%s|%s;",
                         json_string_value(json_array_get(pair, 0)),
                         json_string_value(json_array_get(pair, 1)));

        used += n > 0 && (size_t)n < sizeof out - used ? (size_t)n : 0;
    }
    json_decref(list);
    return out;
}

static void expect(const char *line, const char *want)
{
    CHECK_STR(spans(line, strlen(line)), want);
}

static void colours_and_weight_become_classes(void)
{
    expect("", "");
    expect("plain", "|plain;");
    expect("\033[31mred\033[0m not", "fg1|red;| not;");
    expect("\033[1;4;92;41mx", "b u fg10 bg1|x;");
    expect("\033[mreset", "|reset;");
    expect("\033[2;3mx\033[22my\033[23mz", "dim i|x;i|y;|z;");
    expect("\033[31m\033[32mgreen", "fg2|green;");
    expect("\033[97;107mx\033[39;49my", "fg15 bg15|x;|y;");
    expect("\033[4mx\033[4:0my\033[21mz", "u|x;|y;u|z;");
}

static void many_colours_become_the_nearest_of_sixteen(void)
{
    expect("\033[38;5;9mx", "fg9|x;");
    expect("\033[38;5;196mx", "fg9|x;");
    expect("\033[48;5;21mx", "bg4|x;");
    expect("\033[38;2;250;5;5mx", "fg9|x;");
    expect("\033[38:2::0:205:0mx", "fg2|x;");
    expect("\033[38:2:0:205:0mx", "fg2|x;");
    expect("\033[38:5:12mx\033[0my", "fg12|x;|y;");
    expect("\033[38;5;250;1mx", "b fg7|x;");
    expect("\033[38;5mx", "|x;");
    expect("\033[38mx", "|x;");
    expect("\033[38;2;1mx", "|x;");
    expect("\033[38;5;999mx", "|x;");
    expect("\033[38;2;99999;0;0mx", "fg9|x;");
}

static void inverse_swaps_the_two(void)
{
    expect("\033[7mx", "bg7|x;");
    expect("\033[31;42;7mx", "fg2 bg1|x;");
    expect("\033[31;7mx\033[27my", "bg1|x;fg1|y;");
}

static void every_other_control_goes(void)
{
    expect("a\033[2Kb\033[10;20Hc\033[?25ld", "|abcd;");
    expect("\033]0;title\ax\033]8;;http://x\033\\link", "|xlink;");
    expect("\033(Ba\033=b\0337c", "|abc;");
    expect("\033P1$rq\033\\x\033_apc\033\\y\033^pm\033\\z\033Xsos\033\\w", "|xyzw;");
    expect("a\a\b\x01\x7F"
           "b",
           "|ab;");
    expect("\033[>4;2mx", "|x;");
    expect("\033[1 mx", "|x;");
    expect("cut \033[31", "|cut ;");
    expect("cut \033", "|cut ;");
    expect("cut \033]0;title", "|cut ;");
    expect("a\xC2\x85"
           "b\xC2\x9B"
           "31mc",
           "|ab;fg1|c;");
}

static void a_return_keeps_what_a_terminal_would_show(void)
{
    expect("10%\r50%\r100%", "|100%;");
    expect("line\r\n", "|line;");
    expect("line\r", "|line;");
    expect("\033[32mold\rnew", "fg2|new;");
    expect("\ra", "|a;");
    expect("\r\r\r", "");
}

static void tabs_become_spaces_to_the_next_stop(void)
{
    expect("\tx", "|        x;");
    expect("ab\tx", "|ab      x;");
    expect("\xC3\xBC\tx", "|\xC3\xBC       x;");
}

static void invalid_bytes_become_replacement_characters(void)
{
    expect("a\xFF"
           "b",
           "|a\xEF\xBF\xBD"
           "b;");
    expect("\xC3", "|\xEF\xBF\xBD;");
    expect("\xED\xA0\x80", "|\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD;");
    CHECK_STR(spans("a\0b", 3), "|ab;");
}

static bool is_class(const char *word)
{
    static const char *const WORDS[] = {"b", "dim", "i", "u"};
    int64_t n;

    for (size_t i = 0; i < COUNT_OF(WORDS); i++) {
        if (strcmp(word, WORDS[i]) == 0)
            return true;
    }
    if (str_starts(word, "fg"))
        return str_to_int64(word + 2, 1, 15, &n);
    return str_starts(word, "bg") && str_to_int64(word + 2, 0, 15, &n);
}

static bool classes_are_known(const char *classes)
{
    char copy[64], *rest = copy;

    if (!str_copy(copy, sizeof copy, classes))
        return false;
    while (copy[0] != '\0' && rest != NULL) {
        char *word = strsep(&rest, " ");

        if (!is_class(word))
            return false;
    }
    return true;
}

/* What every result must be, whatever went in. */
static bool is_clean(const json_t *list)
{
    size_t i;
    json_t *pair;

    if (!json_is_array(list) || json_array_size(list) > 512)
        return false;
    json_array_foreach(list, i, pair)
    {
        const json_t *text = json_array_get(pair, 1);
        const char *bytes = json_string_value(text);
        size_t len = json_string_length(text);

        if (json_array_size(pair) != 2 || bytes == NULL || len == 0 || !str_is_utf8(bytes, len)
            || str_has_control(bytes, len, false)
            || !classes_are_known(json_string_value(json_array_get(pair, 0))))
            return false;
    }
    return true;
}

static void any_garbage_gives_clean_spans(void)
{
    /* Bytes that matter, so that random lines are full of half sequences. */
    static const char ALPHABET[] = "\033\033\033[[]]mmKH;;::0123456789?> ()\\\a\b\r\t\n\x7F\xC2\x9B"
                                   "\x9C\xE2\x82\xAC\xF0\x9F\xFF\xC0PX^_aZ\0";
    uint64_t seed = 12345;
    int dirty = 0;

    for (int round = 0; round < 200000; round++) {
        char line[48];
        size_t len = 0;
        json_t *list;

        for (; len < sizeof line; len++) {
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            line[len] = ALPHABET[(seed >> 33) % (sizeof ALPHABET - 1)];
            if (seed >> 58 == 0)
                break;
        }
        list = ansi_to_spans(line, len);
        dirty += is_clean(list) ? 0 : 1;
        json_decref(list);
    }
    CHECK_INT(dirty, 0);
}

static void long_lines_and_many_spans_are_bounded(void)
{
    size_t len = 1 << 20;
    char *line = malloc(len);
    json_t *list;

    CHECK(line != NULL);
    if (line == NULL)
        return;
    for (size_t i = 0; i < len; i++)
        line[i] = "\033[31ma\033[32mb"[i % 12];
    list = ansi_to_spans(line, len);
    CHECK(is_clean(list));
    CHECK_INT(json_array_size(list), 512);
    json_decref(list);
    memset(line, '\t', len);
    list = ansi_to_spans(line, len);
    CHECK(is_clean(list));
    json_decref(list);
    memset(line, 0xFF, len);
    list = ansi_to_spans(line, len);
    CHECK(is_clean(list));
    json_decref(list);
    free(line);
}

int main(void)
{
    TAP_RUN(colours_and_weight_become_classes);
    TAP_RUN(many_colours_become_the_nearest_of_sixteen);
    TAP_RUN(inverse_swaps_the_two);
    TAP_RUN(every_other_control_goes);
    TAP_RUN(a_return_keeps_what_a_terminal_would_show);
    TAP_RUN(tabs_become_spaces_to_the_next_stop);
    TAP_RUN(invalid_bytes_become_replacement_characters);
    TAP_RUN(any_garbage_gives_clean_spans);
    TAP_RUN(long_lines_and_many_spans_are_bounded);
    return tap_done();
}

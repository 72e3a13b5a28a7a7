/* envfile.c - one text, read alike by dash, by busybox sh and by the rules of systemd.exec(5); and
 * the forms for Compose and for people, read back by dotenv.h. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/crypto/crypto.h"
#include "lib/domain/dotenv.h"
#include "lib/domain/envfile.h"
#include "lib/domain/validate.h"
#include "tests/tap.h"

static char folder[64];

/* The value of `key` after a shell has read the file, as od would see it: out gets the bytes. */
static size_t by_shell(const char *const *shell, const char *text, size_t len, char *out,
                       size_t size)
{
    char path[100];
    int ends[2], n = 0;
    snprintf(path, sizeof path, "%s/env", folder);
    FILE *file = fopen(path, "we");
    fwrite(text, 1, len, file);
    fclose(file);
    CHECK(pipe(ends) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        setenv("LC_ALL", "C", 1);
        execlp(shell[0], shell[0], shell[1], shell[2], ". \"$0\"; printf '%s' \"$KEY\"", path,
               (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    size_t got = 0;
    while ((n = (int)read(ends[0], out + got, size - got)) > 0)
        got += (size_t)n;
    close(ends[0]);
    waitpid(pid, NULL, 0);
    return got;
}

static const char *const DASH[] = {"dash", "-e", "-c"};
static const char *const BASH[] = {"bash", "-e", "-c"};
static const char *const BUSYBOX[] = {"busybox", "sh", "-c"};

/* systemd.exec(5): a value in double quotes may span lines; a backslash preserves " \ ` $ and joins
 * lines before a newline, otherwise it stays; spaces after the closing quote are dropped. */
static size_t by_systemd(const char *text, size_t len, char *out)
{
    size_t at = strlen("KEY="), n = 0;
    CHECK(text[at] == '"');
    at++;
    while (at < len && text[at] != '"') {
        if (text[at] == '\\' && at + 1 < len) {
            at++;
            if (text[at] == '\n') {
                at++;
                continue;
            }
            if (strchr("\"\\`$", text[at]) == NULL)
                out[n++] = '\\';
        }
        out[n++] = text[at++];
    }
    CHECK(at + 2 == len && text[at] == '"' && text[at + 1] == '\n');
    return n;
}

static void check_value(const char *value, size_t len)
{
    struct buf text;
    struct err err = {0};
    static char out[300000];
    buf_init(&text, 600000);
    CHECK(envfile_add(&text, ENVFILE_SHELL, "KEY", value, len, &err) == 0);
    bool same =
        by_shell(DASH, text.data, text.len, out, sizeof out) == len && memcmp(out, value, len) == 0;
    same = same && by_shell(BUSYBOX, text.data, text.len, out, sizeof out) == len
           && memcmp(out, value, len) == 0;
    same = same && by_systemd(text.data, text.len, out) == len && memcmp(out, value, len) == 0;
    CHECK(same);
    if (!same)
        printf("# value: %.200s\n", value);
    buf_deinit(&text);
}

static void values_arrive_byte_for_byte(void)
{
    static const char *const values[] = {"",
                                         "plain",
                                         "two words",
                                         " lead and trail ",
                                         "it's",
                                         "\"quoted\"",
                                         "$HOME ${HOME} $(id) `id`",
                                         "back\\slash",
                                         "end\\",
                                         "\\n",
                                         "\\\\",
                                         "\\\"",
                                         "\\$",
                                         "a\nb\n\nc",
                                         "\n",
                                         "line\\\ncontinued",
                                         "tab\there",
                                         "cr\rhere",
                                         "\r\n",
                                         "#comment",
                                         "; semi & amp | pipe > < ( ) { } [ ] * ? ~ !",
                                         "!history",
                                         "%d %s %%",
                                         "export X=1",
                                         "'\\''",
                                         "'\"'\"'",
                                         "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91",
                                         "\x01\x02\x1b[31m\x7f",
                                         "=",
                                         "a=b",
                                         "KEY=\"x\"",
                                         "\"",
                                         "\"\"",
                                         "'",
                                         "`",
                                         "$",
                                         "$$",
                                         "\\`",
                                         "~/x"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        check_value(values[i], strlen(values[i]));
}

static void random_values_arrive_byte_for_byte(void)
{
    static const char special[] = "\"\\`$'\n\r\t #;=&|(){}<>!*?~%aZ0\x01\x7f";
    for (int round = 0; round < 150; round++) {
        char value[64];
        uint8_t dice[64];
        crypto_random(dice, sizeof dice);
        size_t len = dice[0] % 60;
        for (size_t i = 0; i < len; i++)
            value[i] = special[dice[i + 1] % (sizeof special - 1)];
        value[len] = '\0';
        check_value(value, len);
    }
}

static void the_longest_value_arrives(void)
{
    static char value[131000];
    memset(value, '$', sizeof value);
    check_value(value, sizeof value);
}

static void what_cannot_be_written_is_refused(void)
{
    struct buf text;
    struct err err = {0};
    buf_init(&text, 100);
    CHECK(envfile_add(&text, ENVFILE_SHELL, "KEY", "a\0b", 3, &err) != 0);
    CHECK_STR(err.field, "KEY");
    CHECK(envfile_add(&text, ENVFILE_SHELL, "KEY", "\xff", 1, &err) != 0);
    CHECK(envfile_add(&text, ENVFILE_SHELL, "1KEY", "a", 1, &err) != 0);
    CHECK(envfile_add(&text, ENVFILE_SHELL, "A B", "a", 1, &err) != 0);
    CHECK(envfile_add(&text, ENVFILE_SHELL, "", "a", 1, &err) != 0);
    CHECK(envfile_add(&text, ENVFILE_SHELL, "A$(id)", "a", 1, &err) != 0);
    CHECK_INT(text.len, 0);
    char big[200];
    memset(big, 'x', sizeof big);
    CHECK(envfile_add(&text, ENVFILE_SHELL, "KEY", big, sizeof big, &err) != 0
          && err.code == ERR_TOO_LARGE);
    buf_deinit(&text);
}

/* --- for people, and back --- */

static struct arena *arena;

static bool reads_back(enum envfile_format format, const char *value, size_t len)
{
    struct buf text;
    struct dotenv file;
    struct err err = {0};
    bool same;
    buf_init(&text, 4 * 1024 * 1024);
    arena_reset(arena);
    same = envfile_add(&text, format, "BEFORE", "1", 1, &err) == 0
           && envfile_add(&text, format, "KEY", value, len, &err) == 0
           && envfile_add(&text, format, "AFTER", "2", 1, &err) == 0
           && dotenv_read(arena, text.data, text.len, NULL, &file, &err) == 0
           && file.error_count == 0 && file.count == 3 && file.entries[1].len == len
           && memcmp(file.entries[1].value, value, len) == 0
           && strcmp(file.entries[2].value, "2") == 0;
    if (!same)
        printf("# format %d: %.200s\n", (int)format, text.data);
    buf_deinit(&text);
    return same;
}

static void random_values_are_read_back_as_they_were(void)
{
    static const char *const pieces[] = {
        "\"",       "\\",  "`",  "$", "'",  "\n", "\t",  " ",    "#",        " #",
        "=",        "{",   "}",  "(", ")",  "!",  "~",   "%",    ":",        "a",
        "n",        "0",   "07", "A", "${", "$$", "\\'", "WL_D", "\xc3\xa9", "\xf0\x9f\x94\x91",
        "\xc2\xa0", "\\\""};
    unsigned seed = 20261125;
    int wrong = 0;
    for (int round = 0; round < 20000 && wrong < 10; round++) {
        char value[200];
        size_t len = 0;
        for (unsigned n = (unsigned)round % 24; n > 0; n--) {
            seed = seed * 1664525U + 1013904223U;
            const char *piece = pieces[(seed >> 8) % (sizeof pieces / sizeof *pieces)];
            memcpy(value + len, piece, strlen(piece));
            len += strlen(piece);
        }
        value[len] = '\0';
        wrong += reads_back(ENVFILE_PEOPLE, value, len) ? 0 : 1;
        wrong += reads_back(ENVFILE_COMPOSE, value, len) ? 0 : 1;
    }
    CHECK_INT(wrong, 0);
}

static void the_longest_value_is_read_back(void)
{
    static char value[VALIDATE_ENV_VALUE_MAX];
    memset(value, '\\', sizeof value);
    CHECK(reads_back(ENVFILE_PEOPLE, value, sizeof value));
    CHECK(reads_back(ENVFILE_COMPOSE, value, sizeof value));
    memset(value, '\'', sizeof value);
    CHECK(reads_back(ENVFILE_PEOPLE, value, sizeof value));
}

static void people_get_the_plainest_form(void)
{
    static const struct {
        const char *value, *line;
        bool is_portable;
    } rows[] = {
        {"", "K=\n", true},
        {"https://a.b/c%20d,e+f=g@h:1", "K=https://a.b/c%20d,e+f=g@h:1\n", true},
        {"two words", "K='two words'\n", true},
        {"a$b`c\"\\d!", "K='a$b`c\"\\d!'\n", true},
        {"a\nb", "K='a\nb'\n", true},
        {"it's", "K=\"it's\"\n", true},
        {"it's $5", "K=\"it's \\$5\"\n", false},
        {"it's \"so\"", "K=\"it's \\\"so\\\"\"\n", false},
        {"c:\\", "K=\"c:\\\\\"\n", false},
        {"don't!", "K=\"don't!\"\n", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct envfile_row row = {.key = "K", .bytes = rows[i].value, .len = strlen(rows[i].value)};
        bool is_portable = !rows[i].is_portable;
        struct buf text;
        buf_init(&text, 1000);
        CHECK(envfile_add_row(&text, &row, &is_portable, NULL) == 0);
        CHECK_STR(text.data, rows[i].line);
        CHECK_INT(is_portable, rows[i].is_portable);
        CHECK(reads_back(ENVFILE_PEOPLE, row.bytes, row.len));
        buf_deinit(&text);
    }
}

/* What is called portable means the same to the shells (node: see lib/domain/envfile.h). */
static void portable_rows_mean_the_same_to_shells(void)
{
    static const char *const pieces[] = {"\"", "\\", "`", "$", "'",  "\n", " ", "#", "=", "a",
                                         "$(", "!",  "~", "%", "${", "*",  ";", "&", "A", "0"};
    static char out[1000];
    unsigned seed = 7;
    for (int round = 0, compared = 0; compared < 120; round++) {
        char value[100] = "";
        struct envfile_row row = {.key = "KEY", .bytes = value};
        struct buf text;
        bool is_portable = false;
        for (unsigned n = (unsigned)round % 6; n > 0; n--) {
            seed = seed * 1664525U + 1013904223U;
            const char *piece = pieces[(seed >> 8) % (sizeof pieces / sizeof *pieces)];
            snprintf(value + strlen(value), 4, "%s", piece);
        }
        row.len = strlen(value);
        buf_init(&text, 1000);
        CHECK(envfile_add_row(&text, &row, &is_portable, NULL) == 0);
        if (is_portable) {
            compared++;
            CHECK(by_shell(DASH, text.data, text.len, out, sizeof out) == row.len
                  && memcmp(out, value, row.len) == 0);
            CHECK(by_shell(BASH, text.data, text.len, out, sizeof out) == row.len
                  && memcmp(out, value, row.len) == 0);
        }
        buf_deinit(&text);
    }
}

static void a_text_is_written_back_with_its_comments(void)
{
    static const char text[] = "# top\n\n  # about A\nA=1\n\n# note\nB='x y'\n# end\n";
    struct dotenv file;
    struct buf out;
    struct err err = {0};
    buf_init(&out, 1000);
    arena_reset(arena);
    CHECK(dotenv_read(arena, text, strlen(text), NULL, &file, &err) == 0 && file.error_count == 0);
    for (size_t i = 0; i < file.count; i++) {
        const struct dotenv_entry *e = file.entries + i;
        struct envfile_row row = {e->comment, e->key, e->value, e->len};
        CHECK(envfile_add_row(&out, &row, NULL, &err) == 0);
    }
    CHECK(envfile_add_comment(&out, file.tail, &err) == 0);
    CHECK_STR(out.data, text);
    buf_deinit(&out);
}

static void what_people_cannot_be_given_is_refused(void)
{
    struct buf out;
    struct err err = {0};
    struct envfile_row row = {"# a\nB=2\n", "KEY", "x", 1};
    buf_init(&out, 1000);
    CHECK(envfile_add(&out, ENVFILE_PEOPLE, "KEY", "a\rb", 3, &err) != 0);
    CHECK_STR(err.field, "KEY");
    CHECK(envfile_add_row(&out, &row, NULL, &err) != 0 && err.code == ERR_INPUT);
    CHECK(envfile_add_comment(&out, "# a\rB=2", &err) != 0);
    CHECK(envfile_add_comment(&out, "# \xff", &err) != 0);
    CHECK(strstr(out.data, "B=2") == NULL);
    buf_deinit(&out);
}

int main(void)
{
    struct err err = {0};
    if (crypto_start(&err) != 0)
        return 1;
    snprintf(folder, sizeof folder, "/tmp/wl-envfile-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    TAP_RUN(values_arrive_byte_for_byte);
    TAP_RUN(random_values_arrive_byte_for_byte);
    TAP_RUN(the_longest_value_arrives);
    TAP_RUN(what_cannot_be_written_is_refused);
    arena = arena_new(DOTENV_ARENA(DOTENV_TEXT_MAX));
    TAP_RUN(random_values_are_read_back_as_they_were);
    TAP_RUN(the_longest_value_is_read_back);
    TAP_RUN(people_get_the_plainest_form);
    TAP_RUN(portable_rows_mean_the_same_to_shells);
    TAP_RUN(a_text_is_written_back_with_its_comments);
    TAP_RUN(what_people_cannot_be_given_is_refused);
    arena_free(arena);
    char path[100];
    snprintf(path, sizeof path, "%s/env", folder);
    unlink(path);
    rmdir(folder);
    return tap_done();
}

/* envfile.c - one text, read alike by dash, by busybox sh and by the rules of systemd.exec(5). */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/crypto/crypto.h"
#include "lib/domain/envfile.h"
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
    char path[100];
    snprintf(path, sizeof path, "%s/env", folder);
    unlink(path);
    rmdir(folder);
    return tap_done();
}

/* Shell assignments, proven against real shells: every byte arrives exactly, nothing is run. */
#include "tests/tap.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/fs.h"
#include "lib/base/io.h"
#include "lib/base/proc.h"
#include "lib/domain/shell.h"

static char folder[] = "/tmp/wl-shell-XXXXXX";
static char input_path[64], output_path[64];

static const char *const DASH[] = {"dash", NULL};
static const char *const BUSYBOX[] = {"busybox", "sh", NULL};
static const struct {
    const char *path;
    const char *const *argv;
} SHELLS[] = {{"/bin/dash", DASH}, {"/bin/busybox", BUSYBOX}};

/* Run one shell with `script` on its standard input; its output goes into `out`. */
static bool run(size_t shell, const struct buf *script, struct buf *out)
{
    struct proc_spec spec = proc_spec_init();
    int status = -1;
    pid_t pid;

    buf_reset(out);
    if (fs_write_atomic(input_path, script->data, script->len, 0600, NULL) != 0)
        return false;
    spec.path = SHELLS[shell].path;
    spec.argv = SHELLS[shell].argv;
    spec.stdin_fd = open(input_path, O_RDONLY | O_CLOEXEC);
    spec.stdout_fd = open(output_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    pid = proc_start(&spec, NULL);
    io_close(&spec.stdin_fd);
    io_close(&spec.stdout_fd);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0
           && fs_read_all(output_path, out, NULL) == 0;
}

/* The value through both ways an assignment is read: by the shell itself, and by eval of what
 * standard input holds. */
static void arrives(const char *bytes, size_t len)
{
    static const char *const BEFORE[] = {"", "eval \"$(cat <<'THE END OF IT'\n"};
    static const char *const AFTER[] = {"", "THE END OF IT\n)\"\n"};
    struct buf script, out;

    buf_init(&script, 8 << 20);
    buf_init(&out, 8 << 20);
    for (size_t shell = 0; shell < COUNT_OF(SHELLS); shell++) {
        for (size_t way = 0; way < COUNT_OF(BEFORE); way++) {
            buf_reset(&script);
            buf_add_str(&script, BEFORE[way]);
            CHECK(shell_assign(&script, "WL_VALUE", bytes, len, NULL) == 0);
            buf_add_str(&script, AFTER[way]);
            buf_add_str(&script, "printf '%s' \"$WL_VALUE\"\n");
            CHECK(run(shell, &script, &out));
            CHECK(out.len == len && memcmp(out.data, bytes, len) == 0);
        }
    }
    buf_deinit(&script);
    buf_deinit(&out);
}

static void every_byte_arrives_alone_and_among_others(void)
{
    char all[255 * 3];

    for (size_t i = 0; i < 255; i++) {
        all[i] = (char)(i + 1);
        all[255 + i] = (char)(255 - i);
        all[510 + i] = (char)(i * 2 % 255 + 1);
    }
    arrives(all, sizeof all);
    for (int c = 1; c < 256; c++) {
        char one[3] = {(char)c, '\'', (char)c};

        arrives(one, 1);
        if (c == '\\' || c == '\'' || c == '\n' || c == '$' || c == '`' || c > 0x7E)
            arrives(one, 3);
    }
}

static void nasty_strings_arrive_and_run_nothing(void)
{
    static const char *const NASTY[] = {
        "",
        "'",
        "''",
        "'''''",
        "'; touch /tmp/wl-shell-was-here; '",
        "$(touch /tmp/wl-shell-was-here)",
        "`touch /tmp/wl-shell-was-here`",
        "${IFS}\"\\\"",
        "\\",
        "\\'",
        "'\\''",
        "\n",
        "\n\n\n",
        " leading and trailing ",
        "a\nb=c\nexit 1\n",
        "\r\n",
        "-n -e %s %d \\033",
        "\x1B[31m",
        "THE END OF I",
        "~/*?[a-z]{a,b}!1 #x",
        "\xE2\x82\xAC \xF0\x9F\x9A\x80 \xC3\x28 \xFF\xFE",
        "\x81\x82\x83\x84\x85\x86\x87\x88'\x81'\x88", /* bytes dash uses inside */
        "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n",
    };

    (void)unlink("/tmp/wl-shell-was-here"); /* of a run in which it was executed */
    for (size_t i = 0; i < COUNT_OF(NASTY); i++)
        arrives(NASTY[i], strlen(NASTY[i]));
    CHECK(!fs_exists("/tmp/wl-shell-was-here"));
    (void)unlink("/tmp/wl-shell-was-here");
}

static void random_bytes_arrive(void)
{
    uint64_t seed = 99;
    char bytes[2000];

    for (int round = 0; round < 40; round++) {
        size_t len = 0;

        for (; len < sizeof bytes; len++) {
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            bytes[len] = (char)((seed >> 33) % 255 + 1);
            if (seed >> 60 == 0)
                bytes[len] = '\'';
            if (seed >> 54 == 1)
                break;
        }
        arrives(bytes, len);
    }
}

static void a_mebibyte_arrives(void)
{
    size_t len = 1 << 20;
    char *bytes = malloc(len);

    CHECK(bytes != NULL);
    if (bytes == NULL)
        return;
    for (size_t i = 0; i < len; i++)
        bytes[i] = "it's $(all) `here`\n\\\xFF"[i % 21];
    arrives(bytes, len);
    free(bytes);
}

static void a_nul_byte_is_refused_by_name(void)
{
    struct buf out;
    struct err err = {0};

    buf_init(&out, 100);
    CHECK(shell_assign(&out, "WL_SET_TITLE", "a\0b", 3, &err) == -1);
    CHECK_INT(err.code, ERR_INPUT);
    CHECK_STR(err.field, "WL_SET_TITLE");
    CHECK(shell_assign(&out, "X", "\0", 1, &err) == -1);
    CHECK_INT(out.len, 0);
    buf_deinit(&out);
}

static void only_capital_names_are_written(void)
{
    static const char *const BAD[] = {"",    "1A",  "a",   "A-B",      "A B",
                                      "A=B", "A;B", "A\n", "\xC3\x84", "A$(x)"};
    struct buf out;

    buf_init(&out, 100);
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        struct err err = {0};

        CHECK(shell_assign(&out, BAD[i], "x", 1, &err) == -1);
        CHECK_INT(err.code, ERR_INTERNAL);
    }
    CHECK_INT(out.len, 0);
    CHECK(shell_assign(&out, "_A1", "x", 1, NULL) == 0);
    CHECK_STR(out.data, "_A1='x'\n");
    buf_deinit(&out);
}

static void a_full_buffer_is_an_error(void)
{
    struct err err = {0};
    struct buf out;

    buf_init(&out, 10);
    CHECK(shell_assign(&out, "NAME", "value too long", 14, &err) == -1);
    CHECK_INT(err.code, ERR_TOO_LARGE);
    buf_deinit(&out);
}

int main(void)
{
    if (mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(input_path, sizeof input_path, "%s/in", folder);
    (void)snprintf(output_path, sizeof output_path, "%s/out", folder);
    TAP_RUN(every_byte_arrives_alone_and_among_others);
    TAP_RUN(nasty_strings_arrive_and_run_nothing);
    TAP_RUN(random_bytes_arrive);
    TAP_RUN(a_mebibyte_arrives);
    TAP_RUN(a_nul_byte_is_refused_by_name);
    TAP_RUN(only_capital_names_are_written);
    TAP_RUN(a_full_buffer_is_an_error);
    return fs_remove_tree(folder, NULL) == 0 ? tap_done() : 1;
}

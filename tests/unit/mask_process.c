/* mask_process.c - the mask process itself: frames in, a log of whole masked records out. */
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/fs.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/joblog.h"
#include "tests/tap.h"
#include "worker/mask/frame.h"
#include "worker/mask/mask.h"

static char path[200];
static struct {
    pid_t pid;
    int pipe, control;
} mask;

/* Start mask_main in a child with its descriptors as the supervisor gives them. */
static void start(const char *secret, long long max)
{
    int ends[2], sockets[2], file = open(path, O_RDWR | O_CREAT | O_APPEND, 0640);
    char b64[400], config[600];
    struct err err = {0};

    CHECK(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0 && file >= 0);
    fflush(stdout);
    mask.pid = fork();
    if (mask.pid == 0) {
        int fds[3] = {ends[0], file, sockets[1]};
        for (int i = 0; i < 3; i++)
            fds[i] = fcntl(fds[i], F_DUPFD, 20);
        dup2(fds[0], 0);
        dup2(fds[1], MASK_LOG_FD);
        dup2(fds[2], MASK_CONTROL_FD);
        for (int fd = 5; fd < 40; fd++)
            close(fd);
        exit(mask_main()); /* not _exit: the leak check is part of exit */
    }
    close(ends[0]);
    close(sockets[1]);
    close(file);
    mask.pipe = ends[1];
    mask.control = sockets[0];
    crypto_b64(b64, sizeof b64, secret, strlen(secret));
    snprintf(config, sizeof config, "{\"max\":%lld,\"hide\":[\"%s\"]}", max, b64);
    CHECK(io_frame_write(mask.control, config, strlen(config), clock_mono_ms() + 2000, &err) == 0);
}

static void put(char kind, int step, int64_t origin, const char *bytes, size_t len)
{
    char out[MASK_FRAME_MAX];
    struct mask_frame frame = {.host = 0,
                               .step = (uint8_t)step,
                               .kind = kind,
                               .origin = origin,
                               .body = bytes,
                               .len = len};
    size_t n = mask_frame_write(out, &frame);
    CHECK(write(mask.pipe, out, n) == (ssize_t)n);
}

static void say(int step, int64_t origin, const char *text)
{
    put('o', step, origin, text, strlen(text));
}

static char wait_answer(void)
{
    char byte = 0;
    struct err err = {0};
    bool eof = false;
    CHECK(io_read_exact(mask.control, &byte, 1, clock_mono_ms() + 5000, &eof, &err) == 0 && !eof);
    return byte;
}

static int stop(void)
{
    int status = -1;
    close(mask.pipe);
    CHECK(waitpid(mask.pid, &status, 0) == mask.pid);
    close(mask.control);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static long masked; /* the sum of the log's m records */

/* The log as "kind origin text|kind origin text|", without times and m records. */
static const char *log_text(void)
{
    static struct buf out;
    struct buf file;
    struct joblog_record r;
    size_t at = 0;
    ptrdiff_t n;
    struct err err = {0};
    if (out.max == 0)
        buf_init(&out, 64 * 1024 * 1024);
    buf_reset(&out);
    masked = 0;
    buf_init(&file, 64 * 1024 * 1024);
    CHECK(fs_read_all(path, &file, &err) == 0);
    while (at < file.len && (n = joblog_parse(file.data + at, file.len - at, &r)) > 0) {
        if (r.kind == 'm')
            masked += strtol(r.text, NULL, 10);
        else
            buf_printf(&out, "%c %lld %.*s|", r.kind, (long long)r.origin, (int)r.text_len, r.text);
        at += (size_t)n;
    }
    CHECK_INT(at, file.len);
    buf_deinit(&file);
    return out.data;
}

static void lines_become_records_with_their_origin(void)
{
    start("topsecret", 1000000);
    say(1, 0, "one\ntwo\nthr");
    say(1, 11, "ee\n");
    put('f', 1, 0, "", 0);
    put('w', 1, 0, "of ours: topsecret", 18);
    CHECK_INT(stop(), 0);
    CHECK_STR(log_text(), "o 4 one|o 8 two|o 14 three|w -1 of ours: ***|");
    unlink(path);
}

static void a_value_split_at_every_byte_is_hidden(void)
{
    static const char *const text = "a topsecret-Zo9 b\n";
    size_t len = strlen(text);
    for (size_t cut = 1; cut < len; cut++) {
        start("topsecret-Zo9", 1000000);
        put('o', 2, 0, text, cut);
        put('y', 0, 0, "", 0);
        CHECK(wait_answer() == 'y');
        put('o', 2, (int64_t)cut, text + cut, len - cut);
        put('f', 2, 0, "", 0);
        CHECK_INT(stop(), 0);
        const char *got = log_text();
        CHECK(strstr(got, "topsec") == NULL && strstr(got, "-Zo9") == NULL);
        CHECK(strstr(got, "***") != NULL && strstr(got, " 18 ") != NULL);
        unlink(path);
    }
}

static void streams_do_not_mix(void)
{
    start("topsecret", 1000000);
    say(1, 0, "top");
    say(2, 0, "secret\n");
    say(1, 3, "less\n");
    CHECK_INT(stop(), 0);
    CHECK_STR(log_text(), "o 7 secret|o 8 topless|");
    unlink(path);
}

static void an_unfinished_line_is_shown_after_a_while_but_no_beginning_of_a_value(void)
{
    start("topsecret", 1000000);
    say(1, 0, "Password: topse");
    clock_sleep_ms(500);
    CHECK_STR(log_text(), "p 10 Password: |");
    say(1, 15, "cret!\n");
    CHECK_INT(stop(), 0);
    CHECK_STR(log_text(), "p 10 Password: |o 21 ***!|");
    unlink(path);
}

static void a_new_runner_that_sends_bytes_again_repeats_none(void)
{
    start("topsecret", 1000000);
    say(1, 0, "first\nsecond tops");
    put('y', 0, 0, "", 0);
    CHECK(wait_answer() == 'y');
    CHECK_STR(log_text(), "o 6 first|p 13 second |");
    say(1, 13, "topsecret\nthird\n"); /* from the origin that the file shows */
    CHECK_INT(stop(), 0);
    CHECK_STR(log_text(), "o 6 first|p 13 second |o 23 ***|o 29 third|");
    unlink(path);
}

static void after_a_crash_the_next_mask_goes_on(void)
{
    start("topsecret", 1000000);
    say(1, 0, "first\nsecond tops");
    put('y', 0, 0, "", 0);
    CHECK(wait_answer() == 'y');
    kill(mask.pid, SIGKILL);
    stop();
    FILE *f = fopen(path, "a"); /* a torn record */
    fputs("2026-11-21T01:40:46.123Z 0 1 o 1", f);
    fclose(f);
    start("topsecret", 1000000);
    say(1, 13, "topsecret\n");
    CHECK_INT(stop(), 0);
    CHECK_STR(log_text(), "o 6 first|p 13 second |o 23 ***|");
    CHECK_INT(masked, 1); /* not also by the one that was killed */
    unlink(path);
}

static void what_is_hidden_is_counted_once_and_before_the_verdict(void)
{
    start("topsecret", 1000000);
    say(1, 0, "topsecret topsecrettopsecret ***\n");
    say(2, 0, "dG9wc2VjcmV0 tops");
    put('y', 0, 0, "", 0);
    CHECK(wait_answer() == 'y');
    log_text();
    CHECK_INT(masked, 4);
    say(2, 17, "ecret");
    put('f', 2, 0, "", 0);
    put('w', 1, 0, "of ours: topsecret", 18);
    put('v', 255, 0, "{}", 2);
    CHECK_INT(stop(), 0);
    const char *got = log_text();
    CHECK_INT(masked, 6);
    CHECK_STR(got + strlen(got) - strlen("|v -1 {}|"), "|v -1 {}|");
    struct buf file;
    struct err err = {0};
    buf_init(&file, 100000);
    CHECK(fs_read_all(path, &file, &err) == 0);
    const char *last = strrchr(file.data, 'v'); /* a reader takes the verdict for the end */
    CHECK(last != NULL && strcmp(last, "v - {}\n") == 0);
    buf_deinit(&file);
    unlink(path);
}

static void output_beyond_the_limit_is_cut_and_our_own_lines_go_on(void)
{
    char line[1001];
    memset(line, 'x', sizeof line);
    line[999] = '\n';
    start("topsecret", 20000);
    for (int i = 0; i < 200; i++)
        put('o', 1, i * 1000, line, 1000);
    put('w', 1, 0, "still here", 10);
    CHECK_INT(stop(), 0);
    start("topsecret", 20000); /* a new mask knows that the limit was reached */
    put('o', 1, 200000, line, 1000);
    put('v', 255, 0, "{}", 2);
    CHECK_INT(stop(), 0);
    const char *got = log_text();
    const char *cut = strstr(got, "|t -1 Output is cut off here");
    CHECK(cut != NULL && strstr(cut + 1, "|t ") == NULL && strstr(cut + 1, "xxx") == NULL);
    CHECK(strstr(got, "|w -1 still here|v -1 {}|") != NULL);
    struct stat st;
    CHECK(stat(path, &st) == 0 && st.st_size < 24000);
    unlink(path);
}

static void bytes_without_newline_and_binary_arrive(void)
{
    static char big[4000];
    memset(big, 'q', sizeof big);
    start("topsecret", 1000000);
    for (int i = 0; i < 5; i++)
        put('o', 1, i * 4000, big, sizeof big);
    put('o', 1, 20000, "\0\xff\r\n", 4);
    CHECK_INT(stop(), 0);
    struct buf file;
    struct err err = {0};
    size_t at = 0, q = 0;
    struct joblog_record r = {0};
    ptrdiff_t n;
    buf_init(&file, 1000000);
    CHECK(fs_read_all(path, &file, &err) == 0);
    while (at < file.len && (n = joblog_parse(file.data + at, file.len - at, &r)) > 0) {
        for (size_t i = 0; i < r.text_len; i++)
            q += r.text[i] == 'q';
        at += (size_t)n;
    }
    CHECK_INT(q, 20000);
    CHECK(r.kind == 'o' && r.origin == 20004 && r.text_len >= 3);
    CHECK(memcmp(r.text + r.text_len - 3, "\0\xff\r", 3) == 0);
    buf_deinit(&file);
    unlink(path);
}

int main(void)
{
    struct err err = {0};
    if (crypto_start(&err) != 0)
        return 1;
    log_init("test", LOG_LEVEL_ERROR);
    snprintf(path, sizeof path, "%s/wl-mask-%d.log",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", (int)getpid());
    TAP_RUN(lines_become_records_with_their_origin);
    TAP_RUN(a_value_split_at_every_byte_is_hidden);
    TAP_RUN(streams_do_not_mix);
    TAP_RUN(an_unfinished_line_is_shown_after_a_while_but_no_beginning_of_a_value);
    TAP_RUN(a_new_runner_that_sends_bytes_again_repeats_none);
    TAP_RUN(after_a_crash_the_next_mask_goes_on);
    TAP_RUN(what_is_hidden_is_counted_once_and_before_the_verdict);
    TAP_RUN(output_beyond_the_limit_is_cut_and_our_own_lines_go_on);
    TAP_RUN(bytes_without_newline_and_binary_arrive);
    return tap_done();
}

/* Descriptors: deadlines hold on blocking ones too, frames arrive whole or are an error. */
#include "tests/tap.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"

static int a, b; /* the two ends */

static void open_sockets(void)
{
    int fds[2] = {-1, -1};

    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    a = fds[0];
    b = fds[1];
}

static void close_both(void)
{
    io_close(&a);
    io_close(&b);
    CHECK_INT(a, -1);
}

static void a_frame_arrives_as_it_was_sent(void)
{
    struct buf in;
    struct err err = {0};
    bool eof = true;

    open_sockets();
    buf_init(&in, IO_FRAME_MAX);
    CHECK(io_frame_write(a, "a\0b", 3, clock_mono_ms() + 1000, &err) == 0);
    CHECK(io_frame_write(a, "", 0, clock_mono_ms() + 1000, &err) == 0);
    CHECK(io_frame_read(b, &in, clock_mono_ms() + 1000, &eof, &err) == 0);
    CHECK(!eof && in.len == 3 && memcmp(in.data, "a\0b", 4) == 0);
    buf_reset(&in);
    CHECK(io_frame_read(b, &in, clock_mono_ms() + 1000, &eof, &err) == 0);
    CHECK(!eof && in.len == 0);
    io_close(&a);
    CHECK(io_frame_read(b, &in, clock_mono_ms() + 1000, &eof, &err) == 0);
    CHECK(eof);
    buf_deinit(&in);
    close_both();
}

static void a_large_frame_passes_a_small_pipe(void)
{
    size_t len = 3 << 20;
    char *bytes = malloc(len);
    struct err err = {0};
    int fds[2];
    pid_t child;
    int status = -1;

    CHECK(bytes != NULL && pipe2(fds, O_CLOEXEC) == 0);
    memset(bytes, 'x', len);
    child = fork();
    if (child == 0) {
        struct buf in;
        bool eof = false;

        (void)close(fds[1]);
        buf_init(&in, IO_FRAME_MAX);
        _exit(io_frame_read(fds[0], &in, clock_mono_ms() + 20000, &eof, &err) == 0 && in.len == len
                      && in.data[len - 1] == 'x'
                  ? 0
                  : 1);
    }
    CHECK(io_frame_write(fds[1], bytes, len, clock_mono_ms() + 20000, &err) == 0);
    (void)close(fds[1]);
    (void)close(fds[0]);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    free(bytes);
}

static void too_large_frames_are_refused_on_both_sides(void)
{
    struct err err = {0};
    struct buf in;
    bool eof = false;

    open_sockets();
    CHECK(io_frame_write(a, "", IO_FRAME_MAX + 1, clock_mono_ms() + 1000, &err) == -1);
    CHECK_INT(err.code, ERR_TOO_LARGE);
    CHECK(io_write_all(a, "\xFF\xFF\xFF\xFF", 4, clock_mono_ms() + 1000, &err) == 0);
    buf_init(&in, IO_FRAME_MAX);
    CHECK(io_frame_read(b, &in, clock_mono_ms() + 1000, &eof, &err) == -1);
    CHECK_INT(err.code, ERR_TOO_LARGE);
    buf_deinit(&in);
    close_both();
}

static void a_cut_frame_is_an_error_not_an_end(void)
{
    static const char *const CUT[] = {"\0\0", "\0\0\0\5", "\0\0\0\5abc"};
    static const size_t LENGTHS[] = {2, 4, 7};

    for (size_t i = 0; i < 3; i++) {
        struct err err = {0};
        struct buf in;
        bool eof = false;

        open_sockets();
        buf_init(&in, 100);
        CHECK(io_write_all(a, CUT[i], LENGTHS[i], clock_mono_ms() + 1000, &err) == 0);
        io_close(&a);
        CHECK(io_frame_read(b, &in, clock_mono_ms() + 1000, &eof, &err) == -1);
        CHECK(!eof);
        CHECK_INT(in.len, 0);
        buf_deinit(&in);
        close_both();
    }
}

static void reading_stops_at_its_deadline(void)
{
    char byte;
    bool eof = false;
    struct err err = {0};
    int64_t before = clock_mono_ms();

    open_sockets();
    CHECK(io_read_exact(a, &byte, 1, before + 50, &eof, &err) == -1);
    CHECK_INT(err.code, ERR_BUSY);
    CHECK(clock_mono_ms() - before < 2000);
    CHECK_INT(io_wait(a, POLLIN, 0), 0);
    CHECK_INT(io_wait(a, POLLOUT, 0), 1);
    CHECK_INT(io_wait(9999, POLLIN, 0), -1);
    close_both();
}

/* Nobody reads: a blocking write would hang for ever. */
static void writing_stops_at_its_deadline_also_when_blocking(void)
{
    static char bytes[4 << 20];
    struct err err = {0};
    int64_t before = clock_mono_ms();
    int fds[2];

    open_sockets();
    CHECK(io_write_all(a, bytes, sizeof bytes, before + 100, &err) == -1);
    CHECK_INT(err.code, ERR_BUSY);
    close_both();
    CHECK(pipe2(fds, O_CLOEXEC) == 0);
    CHECK(io_write_all(fds[1], bytes, sizeof bytes, clock_mono_ms() + 100, &err) == -1);
    CHECK_INT(err.code, ERR_BUSY);
    CHECK(clock_mono_ms() - before < 5000);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void a_closed_reader_is_an_error_and_no_signal(void)
{
    struct err err = {0};

    open_sockets();
    io_close(&b);
    CHECK(io_write_all(a, "x", 1, clock_mono_ms() + 1000, &err) == -1);
    CHECK_INT(err.code, ERR_INTERNAL);
    close_both();
}

static void flags_change_both_ways(void)
{
    open_sockets();
    CHECK(io_set_nonblocking(a, true) == 0 && (fcntl(a, F_GETFL) & O_NONBLOCK) != 0);
    CHECK(io_set_nonblocking(a, false) == 0 && (fcntl(a, F_GETFL) & O_NONBLOCK) == 0);
    CHECK(io_set_cloexec(a, false) == 0 && (fcntl(a, F_GETFD) & FD_CLOEXEC) == 0);
    CHECK(io_set_cloexec(a, true) == 0 && (fcntl(a, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(io_set_nonblocking(9999, true) == -1);
    close_both();
}

int main(void)
{
    TAP_RUN(a_frame_arrives_as_it_was_sent);
    TAP_RUN(a_large_frame_passes_a_small_pipe);
    TAP_RUN(too_large_frames_are_refused_on_both_sides);
    TAP_RUN(a_cut_frame_is_an_error_not_an_end);
    TAP_RUN(reading_stops_at_its_deadline);
    TAP_RUN(writing_stops_at_its_deadline_also_when_blocking);
    TAP_RUN(a_closed_reader_is_an_error_and_no_signal);
    TAP_RUN(flags_change_both_ways);
    return tap_done();
}

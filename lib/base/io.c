/* io.c - descriptors with deadlines. Works on blocking and non-blocking ones: it waits with poll()
 * before every call, and never hands the kernel more than it can take without blocking. */
#include "lib/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"

static int change_flag(int fd, int get, int set, int flag, bool on)
{
    int flags = fcntl(fd, get);

    if (flags == -1)
        return -1;
    return fcntl(fd, set, on ? flags | flag : flags & ~flag) == -1 ? -1 : 0;
}

int io_set_nonblocking(int fd, bool on)
{
    return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

int io_set_cloexec(int fd, bool on)
{
    return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

int io_wait(int fd, short events, int64_t mono_deadline)
{
    struct pollfd p = {.fd = fd, .events = events};

    for (;;) {
        int n = poll(&p, 1, clock_left_ms(mono_deadline));

        if (n > 0)
            return (p.revents & POLLNVAL) != 0 ? -1 : 1;
        if (n == 0 && clock_left_ms(mono_deadline) == 0)
            return 0;
        if (n == -1 && errno != EINTR)
            return -1;
    }
}

static int deadline_passed(struct err *err, const char *verb)
{
    err_set(err, ERR_BUSY, "Another part of Windlass did not answer in time. Try again.");
    return err_detail(err, "%s: the deadline passed", verb);
}

/* Whether a write that poll() allowed may still block: pipes promise only PIPE_BUF bytes. */
static size_t safe_chunk(int fd)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);

    if (flags != -1 && (flags & O_NONBLOCK) != 0)
        return SIZE_MAX;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return SIZE_MAX;
    return PIPE_BUF;
}

static ssize_t write_some(int fd, const char *bytes, size_t len, bool *is_socket, size_t chunk)
{
    if (*is_socket) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n != -1 || errno != ENOTSOCK)
            return n;
        *is_socket = false;
    }
    return write(fd, bytes, len < chunk ? len : chunk);
}

int io_write_all(int fd, const void *bytes, size_t len, int64_t mono_deadline, struct err *err)
{
    const char *at = bytes;
    bool is_socket = true; /* until the first call says otherwise */
    size_t chunk = safe_chunk(fd);

    while (len > 0) {
        int ready = io_wait(fd, POLLOUT, mono_deadline);
        ssize_t n;

        if (ready == 0)
            return deadline_passed(err, "write");
        if (ready == -1)
            return err_errno(err, "poll for writing");
        n = write_some(fd, at, len, &is_socket, chunk);
        if (n == -1 && errno != EINTR && errno != EAGAIN)
            return err_errno(err, "write");
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

int io_read_exact(int fd, void *bytes, size_t len, int64_t mono_deadline, bool *eof,
                  struct err *err)
{
    char *at = bytes;
    size_t got = 0;

    *eof = false;
    while (got < len) {
        int ready = io_wait(fd, POLLIN, mono_deadline);
        ssize_t n;

        if (ready == 0)
            return deadline_passed(err, "read");
        if (ready == -1)
            return err_errno(err, "poll for reading");
        n = read(fd, at + got, len - got);
        if (n == -1 && errno != EINTR && errno != EAGAIN)
            return err_errno(err, "read");
        if (n == 0 && got == 0) {
            *eof = true;
            return 0;
        }
        if (n == 0) {
            err_set(err, ERR_INTERNAL,
                    "Another part of Windlass stopped in the middle of a "
                    "message. The program's log says which.");
            return err_detail(err, "end of file after %zu of %zu bytes", got, len);
        }
        if (n > 0)
            got += (size_t)n;
    }
    return 0;
}

int io_frame_write(int fd, const void *bytes, size_t len, int64_t mono_deadline, struct err *err)
{
    unsigned char head[4] = {(unsigned char)(len >> 24), (unsigned char)(len >> 16),
                             (unsigned char)(len >> 8), (unsigned char)len};

    if (len > IO_FRAME_MAX) {
        err_set(err, ERR_TOO_LARGE, "A message between parts of Windlass is too large.");
        return err_detail(err, "frame of %zu bytes, at most %zu", len, IO_FRAME_MAX);
    }
    if (io_write_all(fd, head, sizeof head, mono_deadline, err) != 0)
        return -1;
    return io_write_all(fd, bytes, len, mono_deadline, err);
}

int io_frame_read(int fd, struct buf *out, int64_t mono_deadline, bool *eof, struct err *err)
{
    unsigned char head[4];
    bool cut = false;
    size_t len;
    char *room;

    if (io_read_exact(fd, head, sizeof head, mono_deadline, eof, err) != 0)
        return -1;
    if (*eof)
        return 0;
    len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | (size_t)head[3];
    room = len <= IO_FRAME_MAX ? buf_reserve(out, len) : NULL;
    if (room == NULL) {
        err_set(err, ERR_TOO_LARGE, "A message between parts of Windlass is too large.");
        return err_detail(err, "incoming frame of %zu bytes", len);
    }
    if (io_read_exact(fd, room, len, mono_deadline, &cut, err) != 0)
        return -1;
    if (cut) {
        err_set(err, ERR_INTERNAL,
                "Another part of Windlass stopped in the middle of a message. "
                "The program's log says which.");
        return err_detail(err, "end of file after a frame's length");
    }
    out->len += len;
    return 0;
}

void io_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

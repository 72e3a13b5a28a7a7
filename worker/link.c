/* Frames (lib/base/io.h: four bytes of length, big endian, then JSON) on a non-blocking socket. */
#include "worker/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/base/io.h"
#include "lib/crypto/crypto.h"

#define OUT_MAX (IO_FRAME_MAX + (size_t)64 * 1024)
#define IN_MAX  ((size_t)1024 * 1024)
#define CHUNK   ((size_t)16 * 1024)

void link_init(struct link *link)
{
    memset(link, 0, sizeof *link);
    link->fd = -1;
    buf_init(&link->in, IN_MAX + CHUNK + 4);
    buf_init(&link->out, OUT_MAX);
}

void link_open(struct link *link, int fd)
{
    link_close(link);
    link->fd = fd;
    (void)io_set_nonblocking(fd, true);
}

void link_close(struct link *link)
{
    io_close(&link->fd);
    buf_wipe(&link->out); /* a begin frame holds a key */
    buf_deinit(&link->in);
    buf_deinit(&link->out);
    buf_init(&link->in, IN_MAX + CHUNK + 4);
    buf_init(&link->out, OUT_MAX);
}

static int broken(struct err *err, const char *what)
{
    err_set(err, ERR_INTERNAL, "A helper process of the worker failed.");
    return err_detail(err, "%s", what);
}

int link_send(struct link *link, json_t *frame, struct err *err)
{
    int rc = -1;
    char *text = json_dumps(frame, JSON_COMPACT);
    size_t len = text == NULL ? 0 : strlen(text);
    char head[4] = {(char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len};
    if (text == NULL || len > IO_FRAME_MAX || link->fd < 0) {
        broken(err, "a frame cannot be sent");
        goto out;
    }
    buf_add(&link->out, head, sizeof head);
    buf_add(&link->out, text, len);
    rc = buf_ok(&link->out) ? link_write(link, err) : broken(err, "frames pile up");
out:
    if (text != NULL)
        crypto_wipe(text, len);
    free(text);
    json_decref(frame);
    return rc;
}

bool link_wants_write(const struct link *link)
{
    return link->fd >= 0 && link->out.len > 0;
}

int link_write(struct link *link, struct err *err)
{
    while (link->out.len > 0) {
        ssize_t n = send(link->fd, link->out.data, link->out.len, MSG_NOSIGNAL);
        if (n == -1 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (n <= 0)
            return broken(err, "the child does not read any more");
        crypto_wipe(link->out.data, (size_t)n);
        buf_consume(&link->out, (size_t)n);
    }
    if (link->out.cap > CHUNK) { /* a begin frame is large, and there may be hundreds of links */
        buf_deinit(&link->out);
        buf_init(&link->out, OUT_MAX);
    }
    return 0;
}

int link_read(struct link *link, bool *eof, struct err *err)
{
    for (;;) {
        if (link->in.len > IN_MAX)
            return 0; /* take frames first */
        char *room = buf_reserve(&link->in, CHUNK);
        if (room == NULL)
            return broken(err, "no memory for a frame");
        ssize_t n = read(link->fd, room, CHUNK);
        if (n > 0) {
            link->in.len += (size_t)n;
            continue;
        }
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1 && errno == EAGAIN)
            return 0;
        *eof = true; /* end of file, or a reset: the child is gone either way */
        return 0;
    }
}

int link_next(struct link *link, json_t **frame, struct err *err)
{
    const unsigned char *b = (const unsigned char *)link->in.data;
    *frame = NULL;
    if (link->in.len < 4)
        return 0;
    size_t len = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
    if (len > IN_MAX - 4)
        return broken(err, "a frame of the child is too long");
    if (link->in.len < 4 + len)
        return 0;
    *frame = json_loadb(link->in.data + 4, len, JSON_REJECT_DUPLICATES, NULL);
    buf_consume(&link->in, 4 + len);
    if (!json_is_object(*frame)) {
        json_decref(*frame);
        *frame = NULL;
        return broken(err, "a frame of the child is not an object");
    }
    return 0;
}

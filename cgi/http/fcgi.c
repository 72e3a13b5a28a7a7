/* fcgi.c - libfcgi behind transport.h.
 *
 * Why connections are accepted here and not by FCGX_Accept_r: that call blocks without a deadline,
 * first for a connection and then for its head, and cannot be polled (measured: reliability notes
 * on libfcgi 2.4.2). Lent a descriptor, with no listener of its own, it reads one head and comes
 * back. `keepConnection` must be set before, or it closes the lent descriptor first; `detached`
 * makes its close immediate (else it lingers up to two seconds for the peer). */
#include "cgi/http/fcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "lib/base/io.h"

struct fcgi {
    struct transport transport; /* first: transports are cast back to us */
    FCGX_Request request;
};

int fcgi_start(struct err *err)
{
    signal(SIGPIPE, SIG_IGN);
    if (FCGX_Init() != 0)
        return err_set(err, ERR_INTERNAL, "FastCGI could not be started.");
    return 0;
}

int fcgi_accept_fd(int listener, int deadline_ms)
{
    struct timeval limit = {.tv_sec = deadline_ms / 1000, .tv_usec = deadline_ms % 1000 * 1000};
    int fd;

    do {
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0
        || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0) {
        io_close(&fd);
        return -1;
    }
    return fd;
}

static const char *fcgi_param(struct transport *transport, const char *name)
{
    return FCGX_GetParam(name, ((struct fcgi *)transport)->request.envp);
}

static ptrdiff_t fcgi_read(struct transport *transport, void *bytes, size_t len)
{
    FCGX_Stream *in = ((struct fcgi *)transport)->request.in;
    int want = len > 65536 ? 65536 : (int)len;
    int got = FCGX_GetStr(bytes, want, in);

    if (got == 0 && FCGX_GetError(in) != 0)
        return -1;
    return got;
}

static int fcgi_write(struct transport *transport, const void *bytes, size_t len)
{
    FCGX_Stream *out = ((struct fcgi *)transport)->request.out;
    const char *next = bytes;

    while (len > 0) {
        int part = len > 65536 ? 65536 : (int)len;

        if (FCGX_PutStr(next, part, out) != part)
            return -1;
        next += part;
        len -= (size_t)part;
    }
    return 0;
}

struct fcgi *fcgi_begin(int connection)
{
    struct fcgi *fcgi = calloc(1, sizeof *fcgi);

    if (fcgi == NULL) {
        io_close(&connection);
        return NULL;
    }
    fcgi->transport =
        (struct transport){.param = fcgi_param, .read = fcgi_read, .write = fcgi_write};
    if (FCGX_InitRequest(&fcgi->request, -1, 0) != 0) {
        io_close(&connection);
        free(fcgi);
        return NULL;
    }
    fcgi->request.ipcFd = connection;
    fcgi->request.keepConnection = 1; /* else FCGX_Accept_r begins by closing it */
    fcgi->request.detached = 1;
    if (FCGX_Accept_r(&fcgi->request) != 0) {
        FCGX_Free(&fcgi->request, 1);
        free(fcgi);
        return NULL;
    }
    return fcgi;
}

struct transport *fcgi_transport(struct fcgi *fcgi)
{
    return &fcgi->transport;
}

int fcgi_flush(struct fcgi *fcgi)
{
    return FCGX_FFlush(fcgi->request.out) == 0 ? 0 : -1;
}

int fcgi_fd(const struct fcgi *fcgi)
{
    return fcgi->request.ipcFd;
}

void fcgi_end(struct fcgi *fcgi)
{
    if (fcgi == NULL)
        return;
    /* One request per connection: nginx opens a new one each time (fastcgi_keep_conn stays off,
     * since a kept connection would pin a whole process). */
    fcgi->request.keepConnection = 0;
    FCGX_Finish_r(&fcgi->request);
    free(fcgi);
}

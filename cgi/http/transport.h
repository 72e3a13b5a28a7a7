/* transport.h - where a request comes from and its answer goes: FastCGI (fcgi.h) or a fake in
 * tests (tests/web/lib/fake_transport.h). The dispatcher knows nothing else about the outside. */
#ifndef WL_CGI_HTTP_TRANSPORT_H
#define WL_CGI_HTTP_TRANSPORT_H

#include <stddef.h>

struct transport {
    /* A CGI variable ("REQUEST_METHOD"), or NULL. Valid until the request ends. */
    const char *(*param)(struct transport *transport, const char *name);
    /* The next bytes of the body: how many, 0 at the end, -1 when the peer broke off or was silent
     * for too long. */
    ptrdiff_t (*read)(struct transport *transport, void *bytes, size_t len);
    /* All of them, or -1: the reader is gone or too slow. */
    int (*write)(struct transport *transport, const void *bytes, size_t len);
};

#endif

/* http.h - the one way this program makes an HTTP request to somewhere else (libcurl lives only
 * here).
 *
 * https only unless told; no redirect is followed; no proxy, whatever the environment says; no
 * cookie, no credential; every private, loopback or own address is refused at the socket, after
 * name resolution, unless `allow` lists it; a maximum of bytes and a deadline always. A zeroed
 * struct http_limits is the strictest setting and refuses every body, so nothing is unlimited by
 * forgetting.
 *
 * Only a 2xx answer is success. Errors: ERR_INPUT (URL, refused address), ERR_TOO_LARGE,
 * ERR_REMOTE (name, connection, TLS, deadline, status), ERR_NO_SPACE when writing to fd. Sentences
 * name the cause and the fix and hold no byte of the answer. */
#ifndef WL_NET_HTTP_H
#define WL_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

struct http_limits {
    int64_t max_bytes; /* of the body, as it arrives */
    int connect_ms;    /* 0: 10 s */
    int total_ms;      /* 0: 30 s */
    int quiet_ms;      /* slower than 100 bytes/s for so long is a failure; 0: 20 s */
    bool allow_http;
    const char *const *allow; /* addresses and networks (address.h) that are reachable although
                                 not public; NULL: none */
};

struct http_answer {
    int status;
    int64_t bytes;
    char type[128]; /* Content-Type, "" when none */
};

/* Called about every 100 ms with the bytes so far and the announced total (-1: not known);
 * non-zero stops with ERR_REMOTE "stopped". May be NULL. */
typedef int http_progress_fn(void *context, int64_t done, int64_t total);

/* Process-wide start (libcurl). Once, before any thread. */
int http_start(struct err *err) MUST_USE;

/* GET into memory (appended; also bounded by body->max). */
int http_get(const char *url, const struct http_limits *limits, struct buf *body,
             struct http_answer *answer, struct err *err) MUST_USE;

/* GET into an open file, from its current offset. On failure what was written stays; the caller
 * removes it. */
struct http_download {
    int fd;
    http_progress_fn *progress;
    void *context;
};
int http_get_to_fd(const char *url, const struct http_limits *limits,
                   const struct http_download *download, struct http_answer *answer,
                   struct err *err) MUST_USE;

#endif

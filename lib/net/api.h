/* api.h - calls of a dashboard's JSON API with an API token, for the command line.
 *
 * https with a verified certificate, or plain http to loopback alone (checked at the socket, not
 * only by name): a token never crosses a network readable. Whoever calls has typed the address, so
 * private ones are reachable, unlike with http.h. No redirect is followed, no proxy used, no cookie
 * kept. The token is in memory and in the request's header only. Any status is an answer; -1 means
 * that none came. */
#ifndef WL_NET_API_H
#define WL_NET_API_H

#include <stddef.h>
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

#define API_BODY_MAX   ((size_t)4 * 1024 * 1024)  /* what a dashboard takes */
#define API_ANSWER_MAX ((size_t)16 * 1024 * 1024) /* more than it gives */

struct api_request {
    const char *method;   /* GET, PUT, PATCH */
    const char *base;     /* "https://deploy.example.org", no slash at the end */
    const char *path;     /* "/api/v1/..." , percent-encoded by the caller */
    const char *token;    /* wl_... */
    const char *if_match; /* NULL: no such header */
    const char *body;     /* JSON; NULL: none */
    size_t body_len;
};
struct api_answer {
    int status;
    char etag[64]; /* "" when none */
    char type[128];
    struct buf body; /* wiped by api_answer_deinit: it may hold secrets */
};
void api_answer_init(struct api_answer *answer);
void api_answer_deinit(struct api_answer *answer);

/* ERR_INPUT naming "url" unless it is https, or http to 127.0.0.1, [::1] or localhost; without
 * path, query, user or password. */
int api_check_base(const char *base, struct err *err) MUST_USE;
/* At most 30 s. The answer is reset first. */
int api_call(const struct api_request *request, struct api_answer *answer,
             struct err *err) MUST_USE;

#endif

/* request.h - one HTTP request as the handlers see it. Everything in it lives in req->arena and
 * dies with the request.
 *
 * The dispatcher (dispatch.h) has done, in this order: limits, parse, host, route, method, session,
 * capability, Origin and CSRF, form. A handler reads typed input, calls stores and ask_*, and fills
 * a model. Getters never return NULL: an absent value is "". */
#ifndef WL_CGI_HTTP_REQUEST_H
#define WL_CGI_HTTP_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "db/audit.h"
#include "db/db.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/domain/access.h"

enum method {
    METHOD_NONE = 0,
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,  /* below /api/v1, with an API token alone */
    METHOD_PATCH /* likewise */
};

struct transport; /* transport.h: FastCGI, or a fake in tests */
struct site;      /* site.h: what one process knows: paths, origin, templates */
struct form;      /* form.h */

/* The signed-in person, from the session row; or the owner of the API token, without id_hash and
 * never proved. user_id is "" when nobody is. */
struct session {
    char user_id[32];
    char login[72];
    char name[336];
    char theme[8];
    enum role role; /* highest one granted; the worker checks grants again */
    uint8_t id_hash[32];
    const char *token; /* the cookie's value (or the API token): needed for CSRF and to prove a
                          job's origin; never logged */
    int64_t created_at;
    int64_t seen_at;
    int64_t proved_at;
    int64_t expires_at;
};

struct request {
    struct arena *arena;
    struct db *db;
    const struct site *site;
    struct transport *transport;
    enum method method;
    const char *path;  /* decoded once, begins with /, without the /api/v1 in front */
    const char *url;   /* path and query as they came (percent-encoded), for ?next= */
    const char *ip;    /* the real peer, from nginx */
    const char *agent; /* User-Agent, cut to 200 bytes */
    const char *id;    /* request id: in the log, on error pages, in audit events */
    bool has_slash;    /* the path came with a slash at its end, which is not in `path` */
    bool wants_json;   /* Accept: application/json, or below /api/v1 */
    bool is_api;       /* below /api/v1 */
    bool has_bearer;   /* an API token was sent */
    unsigned scopes;   /* of the API token (lib/domain/scope.h) */
    bool is_https;
    struct session session;
    const char *csrf;        /* the token this page's forms must carry, or "" */
    struct actor actor;      /* for audit_append */
    const struct form *form; /* POST with urlencoded body; NULL otherwise */
    const struct form *query;
    json_t *body; /* POST, PUT or PATCH with an API token: the JSON object sent; NULL otherwise */
    const char *content_type;
    int64_t content_length;
    int64_t body_left;     /* bytes of the body not read yet */
    const char *params[4]; /* the path's {names}, in order */
};

/* {name} of the route's pattern, by position: 0 is the first. */
const char *request_param(const struct request *req, int index);
/* Fields of the query string and of the form. What the dispatcher refused before the handler, with
 * 400 or 422 and the field's name: a field given twice, a value that is not UTF-8 or holds a NUL
 * (but for fields named raw.*, which may hold any bytes: read those with request_field_bytes).
 * Browsers send line ends as CR LF. */
const char *request_query(const struct request *req, const char *name);
int64_t request_query_int(const struct request *req, const char *name, int64_t min, int64_t max,
                          int64_t otherwise);
const char *request_field(const struct request *req, const char *name);
const char *request_field_bytes(const struct request *req, const char *name,
                                size_t *len); /* may hold NUL */
bool request_has_field(const struct request *req, const char *name);
/* All form fields whose name begins with prefix, as a new JSON object without the prefix
 * (settings.*). */
json_t *request_fields_with(const struct request *req, const char *prefix);
const char *request_header(const struct request *req,
                           const char *cgi_name); /* "HTTP_LAST_EVENT_ID" */

#endif

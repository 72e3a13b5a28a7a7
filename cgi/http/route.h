/* route.h - the table of all URLs. cgi/routes.c is the whole of it on one page. Zero denies, zero
 * protects. */
#ifndef WL_CGI_HTTP_ROUTE_H
#define WL_CGI_HTTP_ROUTE_H

#include "cgi/http/request.h"
#include "cgi/http/response.h"
#include "lib/domain/access.h"
#include "lib/domain/scope.h"

enum csrf {
    CSRF_REQUIRED = 0, /* token of the session (or of the pre-session cookie) and Origin */
    CSRF_SAFE_METHOD,  /* GET that changes nothing */
    CSRF_IN_UPLOAD,    /* multipart: the handler's upload_begin checks the token, which must be the
                          first part */
    CSRF_TOKEN_ONLY    /* for API tokens alone, which no browser sends by itself; a session is
                          refused */
};

typedef int handler_fn(struct request *req, struct response *res, struct err *err);

struct route {
    enum method method;  /* GET also serves HEAD */
    const char *pattern; /* "/apps/{app}/{env}/deploy": a {name} matches one segment. One that
                            begins with /api/v1 is there alone, and hides the page below it */
    enum capability capability;
    enum csrf csrf;
    handler_fn *handler;
};

extern const struct route ROUTES[];
extern const size_t ROUTES_COUNT;
/* The scopes of which an API token needs one here (cgi/token_routes.c); SCOPE_NONE: no token gets
 * here. */
unsigned route_scopes(const struct route *route);

#endif

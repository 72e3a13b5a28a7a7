/* bearer.h - requests that bring an API token: "Authorization: Bearer wl_..." on addresses below
 * /api/v1. They have no cookie, hence no CSRF; whose they are is asked of the worker each time,
 * which alone can tell a good token and what its owner may at this moment. */
#ifndef WL_CGI_HTTP_BEARER_H
#define WL_CGI_HTTP_BEARER_H

#include "cgi/http/request.h"
#include "cgi/http/route.h"
#include "lib/base/attr.h"

/* Whether the request brings a bearer token, good or not. Other schemes of Authorization are not
 * ours. */
bool bearer_is_sent(const struct request *req);
/* Fill req->session, scopes and actor with the token's owner, by its role at the route's {app} and
 * {env} (route NULL: none in particular). ERR_INPUT when the request also has a session cookie or
 * is not below /api/v1; ERR_SIGNED_OUT when the token is not good; ERR_THROTTLED; the worker's
 * absence is ERR_BUSY. */
int bearer_read(struct request *req, const struct route *route, struct err *err) MUST_USE;
/* ERR_DENIED, naming the scope, unless the token has one that this route asks for. */
int bearer_check_scope(const struct request *req, const struct route *route,
                       struct err *err) MUST_USE;
/* The value of WWW-Authenticate for a refusal with this status; in the arena, NULL: none. */
const char *bearer_challenge(const struct request *req, const struct route *route, int status);

#endif

/* csrf.h - proof that a form came from one of our own pages: where the browser says the request
 * comes from (Origin, Sec-Fetch-Site), and a token in the form that only such a page can know.
 *
 * The token is a keyed hash under the cookie's own secret: nothing is stored, and a new session has
 * a new token. People not signed in have a visitor cookie for it (login, setup). */
#ifndef WL_CGI_HTTP_CSRF_H
#define WL_CGI_HTTP_CSRF_H

#include "cgi/http/request.h"
#include "lib/base/attr.h"

/* The token of a session or visitor cookie's value, in the arena; NULL when the cookie is not one
 * of ours (43 characters of base64url) or the arena is full. */
const char *csrf_token(struct arena *arena, const char *cookie_value);
/* ERR_DENIED unless Origin is ours, and Sec-Fetch-Site (when sent) says same-origin. A request
 * without an Origin is refused: every browser sends one with POST, and a script can. */
int csrf_check_origin(const struct request *req, struct err *err) MUST_USE;
/* ERR_DENIED unless `given` is req->csrf. Constant time. */
int csrf_check_token(const struct request *req, const char *given, struct err *err) MUST_USE;

#endif

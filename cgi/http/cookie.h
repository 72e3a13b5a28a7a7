/* cookie.h - reading Cookie and writing Set-Cookie (RFC 6265).
 *
 * On https every name has the prefix __Host- (the browser then insists on Secure, Path=/ and no
 * Domain). On plain http, which is only for loopback, the port is in the name instead, because
 * cookies ignore ports and several dashboards may share 127.0.0.1. */
#ifndef WL_CGI_HTTP_COOKIE_H
#define WL_CGI_HTTP_COOKIE_H

#include "cgi/http/site.h"
#include "lib/base/arena.h"

enum cookie { COOKIE_SESSION, COOKIE_VISITOR, COOKIE_FLASH };

/* The value, copied into the arena; NULL when it is absent, there twice, or holds characters
 * outside RFC 6265's cookie-octet. header may be NULL. */
const char *cookie_read(struct arena *arena, const struct site *site, enum cookie which,
                        const char *header);
/* The text of a Set-Cookie header: HttpOnly, SameSite=Lax, Path=/; max_age_s 0 removes it, -1 lasts
 * until the browser closes. NULL when the arena is full. */
const char *cookie_write(struct arena *arena, const struct site *site, enum cookie which,
                         const char *value, int max_age_s);

#endif

/* session.h - who sends this request: from the Cookie header to a living session. */
#ifndef WL_CGI_HTTP_SESSION_H
#define WL_CGI_HTTP_SESSION_H

#include "cgi/http/request.h"
#include "lib/base/attr.h"

/* 0 with session->user_id "" when there is no cookie. ERR_SIGNED_OUT when the cookie's session has
 * ended or never was (the sentence says why); other errors are the database's. On failure *session
 * is that of nobody. Also used by windlass-stream, again and again, for revocation. */
int session_read(struct db *db, const struct site *site, struct arena *arena,
                 const char *cookie_header, struct session *session, struct err *err) MUST_USE;

/* Note that a page was seen; writes at most once a minute. */
int session_seen(struct db *db, const struct session *session, struct err *err) MUST_USE;

#endif

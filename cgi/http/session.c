/* session.c - the cookie's token looked up by its hash. The MAC of the row is checked by the worker
 * whenever something is to be done; a page that is only shown trusts the row. */
#include "cgi/http/session.h"

#include <string.h>
#include "cgi/http/cookie.h"
#include "db/sessions.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

#define CLOCK_SLACK_MS 60000

int session_read(struct db *db, const struct site *site, struct arena *arena,
                 const char *cookie_header, struct session *session, struct err *err)
{
    const char *token = cookie_read(arena, site, COOKIE_SESSION, cookie_header);
    int64_t now = clock_now_ms();
    struct session_row row;

    *session = (struct session){.token = ""};
    if (token == NULL || !site->may_log_in)
        return 0;
    if (strlen(token) != CRYPTO_TOKEN_TEXT - 1)
        return err_set(err, ERR_SIGNED_OUT, "You are signed out. Sign in again.");
    if (session_by_token(db, token, now, &row, err) != 0)
        return -1;
    /* Seen in the future: the clock was set back, and by it this session would live longer. */
    if (row.seen_at > now + CLOCK_SLACK_MS)
        return err_set(err, ERR_SIGNED_OUT,
                       "The dashboard's clock was set back, so sessions ended. Sign in again.");
    str_copy(session->user_id, sizeof session->user_id, row.user_id);
    str_copy(session->login, sizeof session->login, row.login);
    str_copy(session->name, sizeof session->name, row.name);
    str_copy(session->theme, sizeof session->theme, row.theme);
    memcpy(session->id_hash, row.id_hash, sizeof session->id_hash);
    session->role = row.role;
    session->token = token;
    session->created_at = row.created_at;
    session->seen_at = row.seen_at;
    session->proved_at = row.proved_at;
    session->expires_at = row.expires_at;
    return 0;
}

int session_seen(struct db *db, const struct session *session, struct err *err)
{
    struct session_row row = {.seen_at = session->seen_at};

    memcpy(row.id_hash, session->id_hash, sizeof row.id_hash);
    return session_touch(db, &row, clock_now_ms(), err);
}

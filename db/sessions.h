/* sessions.h - who is signed in. The worker writes a row at login, under a MAC (db/vault/vault.h);
 * every page reads it.
 *
 * A session ends 12 h after login, after 30 min without a page, when it is revoked, or when its
 * user is disabled. The web side checks that and trusts the row; before anything is done to a
 * secret or a server, the worker checks the MAC and the grants as well. */
#ifndef WL_DB_SESSIONS_H
#define WL_DB_SESSIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "db/audit.h"
#include "db/db.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/access.h"

#define SESSION_LIFE_MS ((int64_t)12 * 60 * 60 * 1000)
#define SESSION_IDLE_MS ((int64_t)30 * 60 * 1000)

struct session_row {
    uint8_t id_hash[CRYPTO_HASH_BYTES]; /* SHA-256 of the cookie's token text */
    char user_id[CRYPTO_ID_SIZE];
    char login[72];
    char name[336];
    char theme[8];
    enum role role; /* the highest one granted at login */
    int64_t created_at, expires_at, seen_at, proved_at;
    uint8_t mac[CRYPTO_MAC_BYTES];
    uint8_t proved_mac[CRYPTO_MAC_BYTES]; /* of proved_at; zeros: none */
};

/* What the id of a session is: SHA-256 of the token's text. */
void session_hash(const char *token, uint8_t id_hash[CRYPTO_HASH_BYTES]);

/* The session of a token, alive at `now`. ERR_SIGNED_OUT with a sentence that says why when there
 * is none, or it has ended. The MAC is not checked here. */
int session_by_token(struct db *db, const char *token, int64_t now, struct session_row *row,
                     struct err *err) MUST_USE;

/* The same without the idle limit: a job may have waited in the queue for longer. */
int session_for_job(struct db *db, const char *token, int64_t now, struct session_row *row,
                    struct err *err) MUST_USE;

/* Note that a page was seen. Writes (and takes the write lock) at most once a minute. Web only. */
int session_touch(struct db *db, const struct session_row *row, int64_t now,
                  struct err *err) MUST_USE;

/* A user's living sessions, latest first: {id (hex), role, created_at, expires_at, seen_at, ip,
 * agent, is_current}. */
int session_list(struct db *db, const char *user_id, const uint8_t current[CRYPTO_HASH_BYTES],
                 json_t **sessions, struct err *err) MUST_USE;

/* End one of a user's sessions (id as session_list gives it), with the event session.revoke; own
 * transaction. ERR_NOT_FOUND when it is not this user's, or ended already. */
int session_revoke(struct db *db, const struct actor *actor, const char *user_id, const char *id,
                   struct err *err) MUST_USE;

/* End all sessions of a user but `keep` (NULL: all). In the caller's transaction; the caller writes
 * the event. */
int session_revoke_all(struct db *db, const char *user_id, const uint8_t *keep, int64_t *ended,
                       struct err *err) MUST_USE;
/* The same for one session. */
int session_end(struct db *db, const struct session_row *row, struct err *err) MUST_USE;

/* Insert, in the caller's transaction. login, name and theme are not used. Worker only. */
int session_add(struct db *db, const struct session_row *row, const char *ip, const char *agent,
                struct err *err) MUST_USE;
/* Note when the password was entered again (proved_at, proved_mac). Worker only. */
int session_set_proved(struct db *db, const struct session_row *row, struct err *err) MUST_USE;
/* Remove rows that ended more than 30 days ago. Worker only. */
int session_prune(struct db *db, int64_t now, struct err *err) MUST_USE;

#endif

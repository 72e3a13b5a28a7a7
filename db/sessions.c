/* sessions.c - the store of sessions. Only the hash of a cookie's token is stored: who reads this
 * database cannot sign in with what is in it. */
#include "db/sessions.h"

#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "statements.h"

#define TOUCH_EVERY_MS 60000
#define KEEP_ENDED_MS  ((int64_t)30 * 24 * 60 * 60 * 1000)

void session_hash(const char *token, uint8_t id_hash[CRYPTO_HASH_BYTES])
{
    crypto_sha256(token, strlen(token), id_hash);
}

static bool read_row(struct stmt *s, struct session_row *row)
{
    size_t len = 0;
    const void *mac = db_col_blob(s, "mac", &len);

    if (len != CRYPTO_MAC_BYTES)
        return false;
    memcpy(row->mac, mac, len);
    mac = db_col_blob(s, "proved_mac", &len);
    if (len == CRYPTO_MAC_BYTES)
        memcpy(row->proved_mac, mac, len);
    row->role = role_from_name(db_col_text(s, "role"));
    row->created_at = db_col_int(s, "created_at");
    row->expires_at = db_col_int(s, "expires_at");
    row->seen_at = db_col_int(s, "seen_at");
    row->proved_at = db_col_int(s, "proved_at");
    str_copy(row->name, sizeof row->name, db_col_text(s, "name"));
    str_copy(row->theme, sizeof row->theme, db_col_text(s, "theme"));
    return str_copy(row->user_id, sizeof row->user_id, db_col_text(s, "user_id"))
           && str_copy(row->login, sizeof row->login, db_col_text(s, "login"));
}

static int find(struct db *db, const char *token, int64_t now, struct session_row *row,
                struct err *err)
{
    struct stmt *s = db_use(db, SQL_SESSION_BY_HASH);
    bool ended, disabled, whole;
    int r;

    session_hash(token, row->id_hash);
    db_bind_blob(s, ":id_hash", row->id_hash, sizeof row->id_hash);
    r = db_step(s, err);
    if (r < 0)
        return -1;
    if (r == 0)
        return err_set(err, ERR_SIGNED_OUT, "You are signed out. Sign in again.");
    whole = read_row(s, row);
    ended = !db_col_is_null(s, "revoked_at");
    disabled = !db_col_is_null(s, "disabled_at");
    db_done(s);
    if (!whole || ended || disabled)
        return err_set(err, ERR_SIGNED_OUT, "This session was ended. Sign in again.");
    if (now >= row->expires_at)
        return err_set(err, ERR_SIGNED_OUT, "You signed in more than 12 hours ago. Sign in again.");
    return 0;
}

int session_by_token(struct db *db, const char *token, int64_t now, struct session_row *out,
                     struct err *err)
{
    struct session_row row = {0};

    if (find(db, token, now, &row, err) != 0)
        return -1;
    if (now - row.seen_at >= SESSION_IDLE_MS)
        return err_set(err, ERR_SIGNED_OUT,
                       "You were away for more than 30 minutes. Sign in again.");
    *out = row;
    return 0;
}

int session_for_job(struct db *db, const char *token, int64_t now, struct session_row *out,
                    struct err *err)
{
    struct session_row row = {0};

    if (find(db, token, now, &row, err) != 0)
        return -1;
    *out = row;
    return 0;
}

int session_touch(struct db *db, const struct session_row *row, int64_t now, struct err *err)
{
    struct stmt *s;

    /* Asked here as well: an UPDATE that changes nothing still takes the write lock. */
    if (now - row->seen_at < TOUCH_EVERY_MS)
        return 0;
    s = db_use(db, SQL_SESSION_TOUCH);
    db_bind_blob(s, ":id_hash", row->id_hash, sizeof row->id_hash);
    db_bind_int(s, ":now", now);
    return db_run(s, NULL, err);
}

int session_set_proved(struct db *db, const struct session_row *row, struct err *err)
{
    struct stmt *s = db_use(db, SQL_SESSION_SET_PROVED);

    db_bind_blob(s, ":id_hash", row->id_hash, sizeof row->id_hash);
    db_bind_int(s, ":proved_at", row->proved_at);
    db_bind_blob(s, ":proved_mac", row->proved_mac, sizeof row->proved_mac);
    return db_run(s, NULL, err);
}

int session_list(struct db *db, const char *user_id, const uint8_t current[CRYPTO_HASH_BYTES],
                 json_t **sessions, struct err *err)
{
    struct stmt *s = db_use(db, SQL_SESSION_LIST_OF_USER);

    db_bind_text(s, ":user_id", user_id);
    db_bind_blob(s, ":current", current, CRYPTO_HASH_BYTES);
    db_bind_int(s, ":now", clock_now_ms());
    db_bind_int(s, ":idle_ms", SESSION_IDLE_MS);
    return db_rows_json(s, sessions, err);
}

static int end_one(struct db *db, const char *user_id, const uint8_t id_hash[CRYPTO_HASH_BYTES],
                   struct err *err)
{
    struct stmt *s = db_use(db, SQL_SESSION_REVOKE);
    int64_t changes = 0;

    db_bind_blob(s, ":id_hash", id_hash, CRYPTO_HASH_BYTES);
    db_bind_text(s, ":user_id", user_id);
    db_bind_int(s, ":now", clock_now_ms());
    if (db_run(s, &changes, err) != 0)
        return -1;
    return changes == 1 ? 0 : err_set(err, ERR_NOT_FOUND, "This session has ended already.");
}

int session_end(struct db *db, const struct session_row *row, struct err *err)
{
    return end_one(db, row->user_id, row->id_hash, err);
}

int session_revoke(struct db *db, const struct actor *actor, const char *user_id, const char *id,
                   struct err *err)
{
    uint8_t id_hash[CRYPTO_HASH_BYTES];
    struct audit_entry entry = {.actor = actor,
                                .verb = "session.revoke",
                                .target_kind = "user",
                                .target_id = user_id,
                                .target_name = actor->name};

    if (!crypto_unhex(id, id_hash, sizeof id_hash))
        return err_set(err, ERR_NOT_FOUND, "There is no such session.");
    if (db_begin(db, err) != 0)
        return -1;
    if (end_one(db, user_id, id_hash, err) == 0 && audit_append(db, &entry, err) == 0
        && db_commit(db, err) == 0)
        return 0;
    db_rollback(db);
    return -1;
}

int session_revoke_all(struct db *db, const char *user_id, const uint8_t *keep, int64_t *ended,
                       struct err *err)
{
    struct stmt *s = db_use(db, SQL_SESSION_REVOKE_ALL);

    db_bind_text(s, ":user_id", user_id);
    db_bind_blob(s, ":keep", keep, keep == NULL ? 0 : CRYPTO_HASH_BYTES);
    db_bind_int(s, ":now", clock_now_ms());
    return db_run(s, ended, err);
}

int session_add(struct db *db, const struct session_row *row, const char *ip, const char *agent,
                struct err *err)
{
    struct stmt *s = db_use(db, SQL_SESSION_ADD);

    db_bind_blob(s, ":id_hash", row->id_hash, sizeof row->id_hash);
    db_bind_text(s, ":user_id", row->user_id);
    db_bind_text(s, ":role", role_name(row->role));
    db_bind_int(s, ":created_at", row->created_at);
    db_bind_int(s, ":expires_at", row->expires_at);
    db_bind_text(s, ":ip", ip);
    db_bind_text(s, ":agent", agent);
    db_bind_blob(s, ":mac", row->mac, sizeof row->mac);
    return db_run(s, NULL, err);
}

int session_prune(struct db *db, int64_t now, struct err *err)
{
    struct stmt *s = db_use(db, SQL_SESSION_PRUNE);

    db_bind_int(s, ":before", now - KEEP_ENDED_MS);
    return db_run(s, NULL, err);
}

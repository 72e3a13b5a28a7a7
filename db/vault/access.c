/* access.c - the store of grants, verifiers and the set-up token. */
#include "db/vault/access.h"

#include "db/vault/inside.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "statements.h"

/* --- grants --- */

/* Whether a grant for (app, environment) covers what is asked. An environment without its app
 * covers nothing. */
static bool covers(const char *app, const char *environment, const char *asked_app,
                   const char *asked_environment)
{
    if (*app == '\0')
        return *environment == '\0';
    if (strcmp(app, asked_app) != 0)
        return false;
    return *environment == '\0' || strcmp(environment, asked_environment) == 0;
}

/* The highest role of a user's rows; asked_app NULL: of all of them. */
static int highest(struct vault *vault, const char *user_id, const char *asked_app,
                   const char *asked_environment, enum role *role, struct err *err)
{
    struct stmt *s = db_use(vault->db, SQL_ACCESS_OF_USER);
    enum role best = ROLE_NONE;
    int r;

    db_bind_text(s, ":user_id", user_id);
    while ((r = db_step(s, err)) == 1) {
        enum role granted = role_from_name(db_col_text(s, "role"));

        if (granted > best
            && (asked_app == NULL
                || covers(db_col_text(s, "app_id"), db_col_text(s, "environment_id"), asked_app,
                          asked_environment)))
            best = granted;
    }
    if (r < 0)
        return -1;
    *role = best;
    return 0;
}

int vault_role(struct vault *vault, const char *user_id, const char *app_id,
               const char *environment_id, enum role *role, struct err *err)
{
    *role = ROLE_NONE;
    if (*user_id == '\0')
        return 0;
    return highest(vault, user_id, app_id, environment_id, role, err);
}

int vault_role_anywhere(struct vault *vault, const char *user_id, enum role *role, struct err *err)
{
    *role = ROLE_NONE;
    return highest(vault, user_id, NULL, NULL, role, err);
}

int vault_grant(struct vault *vault, const struct grant *grant, struct err *err)
{
    bool removes = grant->role == ROLE_NONE;
    struct stmt *s = db_use(vault->db, removes ? SQL_ACCESS_REMOVE : SQL_ACCESS_PUT);

    db_bind_text(s, ":user_id", grant->user_id);
    db_bind_text(s, ":app_id", grant->app_id);
    db_bind_text(s, ":environment_id", grant->environment_id);
    if (!removes) {
        db_bind_text(s, ":role", role_name(grant->role));
        db_bind_int(s, ":granted_at", clock_now_ms());
        db_bind_text(s, ":granted_by", grant->granted_by);
    }
    return db_run(s, NULL, err);
}

int vault_has_admin(struct vault *vault, bool *has, struct err *err)
{
    struct stmt *s = db_use(vault->db, SQL_ACCESS_ADMINS);

    if (db_one(s, err) != 0)
        return -1;
    *has = db_col_int(s, "count") > 0;
    db_done(s);
    return 0;
}

/* --- verifiers --- */

int vault_credential(struct vault *vault, const char *user_id,
                     char verifier[PASSWORD_VERIFIER_SIZE], struct err *err)
{
    struct stmt *s = db_use(vault->db, SQL_CREDENTIAL_GET);
    int r;

    verifier[0] = '\0';
    db_bind_text(s, ":user_id", user_id);
    r = db_step(s, err);
    if (r == 1) {
        if (!str_copy(verifier, PASSWORD_VERIFIER_SIZE, db_col_text(s, "verifier")))
            verifier[0] = '\0';
        db_done(s);
    }
    return r < 0 ? -1 : 0;
}

int vault_set_credential(struct vault *vault, const char *user_id, const char *verifier,
                         struct err *err)
{
    struct stmt *s = db_use(vault->db, SQL_CREDENTIAL_PUT);

    db_bind_text(s, ":user_id", user_id);
    db_bind_text(s, ":verifier", verifier);
    db_bind_int(s, ":changed_at", clock_now_ms());
    return db_run(s, NULL, err);
}

/* --- set-up --- */

static int refuse_when_set_up(struct vault *vault, struct err *err)
{
    bool has = false;

    if (vault_has_admin(vault, &has, err) != 0)
        return -1;
    if (has)
        return err_set(err, ERR_CONFLICT, "This dashboard is set up already. Sign in instead.");
    return 0;
}

static int clear_setup_token(struct vault *vault, struct err *err)
{
    return db_run(db_use(vault->db, SQL_SETUP_TOKEN_CLEAR), NULL, err);
}

int vault_set_first_admin(struct vault *vault, const char *user_id, const char *verifier,
                          struct err *err)
{
    if (db_begin(vault->db, err) != 0)
        return -1;
    if (refuse_when_set_up(vault, err) == 0
        && vault_set_credential(vault, user_id, verifier, err) == 0
        && vault_grant(vault, &(struct grant){user_id, "", "", ROLE_ADMIN, user_id}, err) == 0
        && clear_setup_token(vault, err) == 0 && db_commit(vault->db, err) == 0)
        return 0;
    db_rollback(vault->db);
    return -1;
}

int vault_new_setup_token(struct vault *vault, char token[CRYPTO_TOKEN_TEXT], struct err *err)
{
    uint8_t hash[CRYPTO_HASH_BYTES];
    struct stmt *s;

    if (db_begin(vault->db, err) != 0)
        return -1;
    if (refuse_when_set_up(vault, err) != 0 || clear_setup_token(vault, err) != 0)
        goto out;
    crypto_new_token(token);
    crypto_sha256(token, strlen(token), hash);
    s = db_use(vault->db, SQL_SETUP_TOKEN_ADD);
    db_bind_blob(s, ":hash", hash, sizeof hash);
    db_bind_int(s, ":expires_at", clock_now_ms() + SETUP_TOKEN_LIFE_MS);
    if (db_run(s, NULL, err) == 0 && db_commit(vault->db, err) == 0)
        return 0;
out:
    db_rollback(vault->db);
    return -1;
}

int vault_check_setup_token(struct vault *vault, const char *token, struct err *err)
{
    uint8_t hash[CRYPTO_HASH_BYTES];
    struct stmt *s = db_use(vault->db, SQL_SETUP_TOKEN_GET);
    int64_t expires_at = 0;
    int r;

    crypto_sha256(token, strlen(token), hash);
    db_bind_blob(s, ":hash", hash, sizeof hash);
    r = db_step(s, err);
    if (r == 1) {
        expires_at = db_col_int(s, "expires_at");
        db_done(s);
    }
    if (r < 0)
        return -1;
    if (r == 0 || clock_now_ms() >= expires_at)
        return err_set(
            err, ERR_DENIED,
            "This set-up link is not valid, or older than 30 minutes. Restart Windlass; it "
            "prints a new one.");
    return 0;
}

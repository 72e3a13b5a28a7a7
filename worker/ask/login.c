/* login.c - verbs setup, login and logout: the only places where a session begins.
 *
 * A login that fails says one thing, whatever was wrong, and takes as long for a user who does not
 * exist (the password is then compared with a fixed dummy). */
#include "worker/ask/question.h"

#include <ctype.h>
#include <unistd.h>
#include "db/users.h"
#include "db/vault/access.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

#define AGENT_MAX 200

int ask_issue_session(struct question *q, const char *user_id, struct err *err)
{
    char token[CRYPTO_TOKEN_TEXT], agent[AGENT_MAX + 1];
    struct session_row row = {.created_at = clock_now_ms()};
    int rc;

    if (vault_role_anywhere(q->vault, user_id, &row.role, err) != 0)
        return -1;
    if (row.role == ROLE_NONE)
        return err_set(err, ERR_DENIED, "You have no rights here yet. Ask an admin for them.");
    crypto_new_token(token);
    session_hash(token, row.id_hash);
    str_copy(row.user_id, sizeof row.user_id, user_id);
    str_copy(agent, sizeof agent, ask_text(q, "agent"));
    row.expires_at = row.created_at + SESSION_LIFE_MS;
    vault_session_mac(q->vault, &row, row.mac);
    rc = session_add(q->shared, &row, q->ip, agent, err);
    if (rc == 0)
        rc = ask_put_text(q, "token", token, err);
    crypto_wipe(token, sizeof token);
    return rc;
}

/* --- setup --- */

/* A user row of an earlier attempt that broke off before the vault was written is taken up again.
 */
static int setup_user(struct question *q, const char *login, char id[CRYPTO_ID_SIZE],
                      struct err *err)
{
    struct audit_entry entry = {.actor = &q->actor,
                                .verb = "user.setup",
                                .target_kind = "user",
                                .target_id = id,
                                .target_name = login};
    struct err cause = {0};
    json_t *user = NULL;

    if (user_by_login(q->shared, login, &user, &cause) == 0) {
        bool fits = str_copy(id, CRYPTO_ID_SIZE, json_string_value(json_object_get(user, "id")));

        json_decref(user);
        return fits ? 0 : err_set(err, ERR_INTERNAL, "The database holds a damaged user.");
    }
    if (cause.code != ERR_NOT_FOUND)
        return ask_fail(err, &cause);
    crypto_new_id(id);
    if (db_begin(q->shared, err) != 0)
        return -1;
    if (user_add(q->shared, id, login, ask_text(q, "name"), err) == 0
        && audit_append(q->shared, &entry, err) == 0 && db_commit(q->shared, err) == 0)
        return 0;
    db_rollback(q->shared);
    return -1;
}

static int setup_session(struct question *q, const char *user_id, const char *login,
                         struct err *err)
{
    struct audit_entry entry = {
        .actor = &q->actor, .verb = "session.login", .target_kind = "user", .target_id = user_id};

    q->actor.kind = "user";
    q->actor.id = user_id;
    q->actor.name = login;
    entry.target_name = login;
    if (db_begin(q->shared, err) != 0)
        return -1;
    if (ask_issue_session(q, user_id, err) == 0 && audit_append(q->shared, &entry, err) == 0
        && db_commit(q->shared, err) == 0)
        return 0;
    db_rollback(q->shared);
    return -1;
}

int ask_setup(struct question *q, struct err *err)
{
    char verifier[PASSWORD_VERIFIER_SIZE] = "", id[CRYPTO_ID_SIZE];
    const char *login = ask_text(q, "login");
    bool has_admin = false;
    struct buf password;
    int slot = -1, rc = -1;

    buf_init(&password, 1);
    if (vault_has_admin(q->vault, &has_admin, err) != 0)
        goto out;
    if (has_admin) {
        err_set(err, ERR_CONFLICT, "This dashboard is set up already. Sign in instead.");
        goto out;
    }
    if (vault_check_setup_token(q->vault, ask_text(q, "setup_token"), err) != 0
        || validate_login("login", login, err) != 0
        || validate_name("name", ask_text(q, "name"), err) != 0
        || ask_sealed_text(q, "password", &password, err) != 0
        || validate_password("password", password.data, login, err) != 0)
        goto out;
    slot = slot_take(q->var_dir, err);
    if (slot < 0 || password_hash(password.data, password.len, verifier, err) != 0)
        goto out;
    close(slot);
    slot = -1;
    if (setup_user(q, login, id, err) == 0
        && vault_set_first_admin(q->vault, id, verifier, err) == 0)
        rc = setup_session(q, id, login, err);
out:
    if (slot >= 0)
        close(slot);
    crypto_wipe(verifier, sizeof verifier);
    buf_wipe(&password);
    buf_deinit(&password);
    return rc;
}

/* --- login --- */

/* *user: the account of that login, NULL when there is none. *right: the password is that of an
 * account in use. */
static int verify(struct question *q, const char *login, const struct buf *password, json_t **user,
                  bool *right, struct err *err)
{
    char verifier[PASSWORD_VERIFIER_SIZE] = "";
    struct err cause = {0};

    *right = false;
    if (user_by_login(q->shared, login, user, &cause) != 0 && cause.code != ERR_NOT_FOUND)
        return ask_fail(err, &cause);
    if (*user != NULL && json_is_null(json_object_get(*user, "disabled_at"))
        && vault_credential(q->vault, json_string_value(json_object_get(*user, "id")), verifier,
                            err)
               != 0)
        return -1;
    *right = password_verify(verifier[0] == '\0' ? NULL : verifier, password->data, password->len);
    crypto_wipe(verifier, sizeof verifier);
    return 0;
}

static int sign_in(struct question *q, const struct throttle *t, const json_t *user,
                   struct err *err)
{
    const char *id = json_string_value(json_object_get(user, "id"));
    struct audit_entry entry = {.actor = &q->actor,
                                .verb = "session.login",
                                .target_kind = "user",
                                .target_id = id,
                                .target_name = json_string_value(json_object_get(user, "login"))};

    q->actor.kind = "user";
    q->actor.id = id;
    q->actor.name = entry.target_name;
    if (db_begin(q->shared, err) != 0)
        return -1;
    if (throttle_succeeded(t, q, err) == 0 && ask_issue_session(q, id, err) == 0
        && audit_append(q->shared, &entry, err) == 0 && db_commit(q->shared, err) == 0)
        return 0;
    db_rollback(q->shared);
    return -1;
}

int ask_login(struct question *q, struct err *err)
{
    char login[65];
    struct throttle t;
    struct buf password;
    json_t *user = NULL;
    bool right = false;
    int slot = -1, rc = -1;

    buf_init(&password, 1);
    str_copy(login, sizeof login, ask_text(q, "login"));
    for (char *c = login; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    if (ask_sealed_text(q, "password", &password, err) != 0)
        goto out;
    slot = slot_take(q->var_dir, err); /* first: who finds no slot has not failed */
    if (slot < 0 || throttle_begin(&t, q, login, err) != 0)
        goto out;
    if (verify(q, login, &password, &user, &right, err) != 0)
        goto out;
    close(slot);
    slot = -1;
    if (right)
        rc = sign_in(q, &t, user, err);
    else if (throttle_failed(&t, q, user, err) == 0)
        err_set(err, ERR_DENIED, "Login or password is wrong.");
out:
    if (slot >= 0)
        close(slot);
    json_decref(user);
    buf_wipe(&password);
    buf_deinit(&password);
    return rc;
}

/* --- logout --- */

int ask_logout(struct question *q, struct err *err)
{
    struct audit_entry entry = {.actor = &q->actor,
                                .verb = "session.logout",
                                .target_kind = "user",
                                .target_id = q->session.user_id,
                                .target_name = q->session.login};

    if (db_begin(q->shared, err) != 0)
        return -1;
    if (session_end(q->shared, &q->session, err) == 0 && audit_append(q->shared, &entry, err) == 0
        && db_commit(q->shared, err) == 0)
        return 0;
    db_rollback(q->shared);
    return -1;
}

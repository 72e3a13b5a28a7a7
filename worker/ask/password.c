/* password.c - verb password.change: the current password is proven again, and every other session
 * ends.
 *
 * Wrong guesses count like failed logins, since a stolen session must not become a way to guess.
 * The event is written first, then the vault: no change without its event. If the vault then fails,
 * a second event says so. */
#include "worker/ask/question.h"

#include <unistd.h>
#include "db/vault/access.h"
#include "lib/domain/validate.h"

static int prove(struct question *q, const struct buf *current, const struct buf *fresh,
                 char verifier[PASSWORD_VERIFIER_SIZE], bool *right, struct err *err)
{
    if (vault_credential(q->vault, q->session.user_id, verifier, err) != 0)
        return -1;
    *right = password_verify(verifier[0] == '\0' ? NULL : verifier, current->data, current->len);
    return *right ? password_hash(fresh->data, fresh->len, verifier, err) : 0;
}

static int append(struct question *q, const char *result, struct err *err)
{
    struct audit_entry entry = {.actor = &q->actor,
                                .verb = "password.change",
                                .target_kind = "user",
                                .target_id = q->session.user_id,
                                .target_name = q->session.login,
                                .result = result};

    return audit_append(q->shared, &entry, err);
}

static void note_failure(struct question *q)
{
    if (db_begin(q->shared, NULL) == 0
        && (append(q, "failed", NULL) != 0 || db_commit(q->shared, NULL) != 0))
        db_rollback(q->shared);
}

static int change(struct question *q, const struct throttle *t, const char *verifier,
                  struct err *err)
{
    int64_t ended = 0;

    if (db_begin(q->shared, err) != 0)
        return -1;
    if (throttle_succeeded(t, q, err) != 0
        || session_revoke_all(q->shared, q->session.user_id, NULL, &ended, err) != 0
        || ask_issue_session(q, q->session.user_id, err) != 0 || append(q, "ok", err) != 0
        || db_commit(q->shared, err) != 0) {
        db_rollback(q->shared);
        return -1;
    }
    if (vault_set_credential(q->vault, q->session.user_id, verifier, err) == 0)
        return 0;
    note_failure(q);
    return -1;
}

int ask_password_change(struct question *q, struct err *err)
{
    char verifier[PASSWORD_VERIFIER_SIZE] = "";
    struct buf current, fresh;
    struct throttle t;
    bool right = false;
    int slot = -1, rc = -1;

    buf_init(&current, 1);
    buf_init(&fresh, 1);
    if (ask_sealed_text(q, "current", &current, err) != 0
        || ask_sealed_text(q, "password", &fresh, err) != 0
        || validate_password("password", fresh.data, q->session.login, err) != 0)
        goto out;
    slot = slot_take(q->var_dir, err);
    if (slot < 0 || throttle_begin(&t, q, q->session.login, err) != 0
        || prove(q, &current, &fresh, verifier, &right, err) != 0)
        goto out;
    close(slot);
    slot = -1;
    if (right)
        rc = change(q, &t, verifier, err);
    else if (throttle_failed(&t, q, NULL, err) == 0)
        err_field(err, "current", "This is not your current password.");
out:
    if (slot >= 0)
        close(slot);
    crypto_wipe(verifier, sizeof verifier);
    buf_wipe(&current);
    buf_deinit(&current);
    buf_wipe(&fresh);
    buf_deinit(&fresh);
    return rc;
}

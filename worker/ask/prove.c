/* prove.c - verb session.prove: the password is entered again, for what needs more than an open
 * browser.
 *
 * The row's proved_at counts only under a MAC: the web side can write that column. Signing in
 * counts as proof as well (created_at is under the session's own MAC). Wrong guesses count like
 * failed logins. */
#include <unistd.h>
#include "db/vault/access.h"
#include "lib/base/clock.h"
#include "worker/ask/question.h"

#define PROOF_LASTS_MS ((int64_t)10 * 60 * 1000)

int ask_require_proof(struct question *q, struct err *err)
{
    const struct session_row *row = &q->session;
    int64_t now = clock_now_ms(), proved_at = row->created_at;

    /* The password was entered for the token, and its scope says that it is for this. */
    if (q->has_token)
        return 0;
    if (row->proved_at > proved_at && vault_session_proof_is_ours(q->vault, row))
        proved_at = row->proved_at;
    if (now - proved_at < PROOF_LASTS_MS)
        return 0;
    return err_set(err, ERR_PROVE,
                   "Enter your password again: it is more than ten minutes since you did.");
}

int ask_prove_password(struct question *q, struct err *err)
{
    char verifier[PASSWORD_VERIFIER_SIZE] = "";
    struct buf password;
    struct throttle t;
    bool right = false;
    int slot = -1, rc = -1;

    if (ask_sealed_text(q, "password", &password, err) != 0)
        goto out;
    slot = slot_take(q->var_dir, err);
    if (slot < 0 || throttle_begin(&t, q, q->session.login, err) != 0
        || vault_credential(q->vault, q->session.user_id, verifier, err) != 0)
        goto out;
    right = password_verify(verifier[0] == '\0' ? NULL : verifier, password.data, password.len);
    if (!right) {
        if (throttle_failed(&t, q, NULL, err) == 0)
            err_field(err, "password", "This is not your password.");
    } else if (db_begin(q->shared, err) == 0) {
        if (throttle_succeeded(&t, q, err) == 0)
            rc = db_commit(q->shared, err);
        db_rollback(q->shared);
    }
out:
    if (slot >= 0)
        close(slot);
    crypto_wipe(verifier, sizeof verifier);
    buf_wipe(&password);
    buf_deinit(&password);
    return rc;
}

int ask_session_prove(struct question *q, struct err *err)
{
    struct session_row *row = &q->session;

    if (ask_prove_password(q, err) != 0)
        return -1;
    row->proved_at = clock_now_ms();
    vault_session_proof(q->vault, row, row->proved_mac);
    if (db_begin(q->shared, err) != 0)
        return -1;
    if (session_set_proved(q->shared, row, err) == 0 && db_commit(q->shared, err) == 0)
        return 0;
    db_rollback(q->shared);
    return -1;
}

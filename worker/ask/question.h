/* question.h - one question of the ask socket while it is answered; for the files of worker/ask.
 *
 * To add a verb: one function here, one line in VERBS (answer.c), one row in docs/architecture.md.
 * An API token asks only the verbs whose line names a scope; ask_require looks at the token's
 * environments as well as at its owner's grants. */
#ifndef WL_WORKER_ASK_QUESTION_H
#define WL_WORKER_ASK_QUESTION_H

#include <jansson.h>
#include <stdbool.h>
#include "db/audit.h"
#include "db/db.h"
#include "db/sessions.h"
#include "db/tokens.h"
#include "db/vault/vault.h"
#include "lib/base/buf.h"
#include "lib/domain/access.h"

struct question {
    const char *var_dir;
    struct db *shared;
    struct vault *vault;
    const json_t *in; /* borrowed */
    json_t *out;      /* the answer's object; verbs add to it */
    int out_fd;       /* an open file that goes with the answer; 0: none. The caller closes it */
    const char *ip;   /* of the browser, as the web side tells: for throttling and the history */
    struct session_row session; /* when the verb needs one: alive, and its MAC is ours. Of an API
                                   token only who it is: no id_hash, never proved. */
    bool has_token;             /* asked with an API token, which is `token` */
    struct token_row token;
    struct actor actor; /* the signed-in user, or nobody */
};

typedef int ask_verb_fn(struct question *q, struct err *err);
ask_verb_fn ask_ping, ask_setup, ask_login, ask_logout, ask_password_change;
ask_verb_fn ask_session_prove;
ask_verb_fn ask_server_add, ask_server_host_key, ask_server_pin;
ask_verb_fn ask_secrets_save, ask_secrets_compare, ask_secrets_reveal;
ask_verb_fn ask_registry_save, ask_registry_password, ask_registry_remove;
ask_verb_fn ask_token_add, ask_token_remove, ask_token_check;

/* Answer one message: finds the verb, checks the session where it needs one, and always leaves an
 * answer in out
 * ({"ok": ...}). Opens nothing: databases and vault are set. */
void ask_answer(struct question *q);

/* Text members of the question; "" when absent or not text. */
const char *ask_text(const struct question *q, const char *name);
/* A sealed text member, opened, NUL-free, at most 2 KiB. Wipe and deinit the buffer. */
int ask_sealed_text(const struct question *q, const char *name, struct buf *out,
                    struct err *err) MUST_USE;
/* The signed-in user's grants must allow it: ERR_DENIED otherwise. app_id "": for the whole
 * dashboard. */
int ask_require(struct question *q, enum capability capability, const char *app_id,
                const char *environment_id, struct err *err) MUST_USE;
int ask_put_text(struct question *q, const char *name, const char *value, struct err *err) MUST_USE;
int ask_put_int(struct question *q, const char *name, int64_t value, struct err *err) MUST_USE;
/* Whether the asker's password was entered in the last ten minutes, by a row the web side cannot
 * have made; else ERR_PROVE with the sentence. */
int ask_require_proof(struct question *q, struct err *err) MUST_USE;
/* Whether the question's sealed "password" is the signed-in person's; own transactions. Wrong ones
 * count like failed logins, since a stolen session must not become a way to guess. */
int ask_prove_password(struct question *q, struct err *err) MUST_USE;
/* Copy *cause into err (either may be NULL). Always -1. */
int ask_fail(struct err *err, const struct err *cause);

/* --- API tokens (tokens.c) --- */

/* Who asks, by the API token `text`: alive, ours, and with one of the scopes `any_of` (0: whatever
 * it has). Fills session, token and actor. ERR_SIGNED_OUT when it is not good (counted against the
 * address), ERR_THROTTLED, ERR_DENIED naming the scope it lacks. */
int ask_open_token(struct question *q, const char *text, unsigned any_of, struct err *err) MUST_USE;

/* --- sessions (login.c) --- */

/* In an open transaction: a new session of this user with its highest role, and its token in the
 * answer. ERR_DENIED when nothing is granted to them. */
int ask_issue_session(struct question *q, const char *user_id, struct err *err) MUST_USE;

/* --- throttling (throttle.c) --- */

struct throttle {
    char account[96]; /* keys of login_failure */
    char address[96];
    int64_t now;
};
/* Count an attempt as failed before it is tried, so that parallel guesses count as well.
 * ERR_THROTTLED with the time to wait, the same for users that exist and those that do not. Own
 * transaction. */
int throttle_begin(struct throttle *t, struct question *q, const char *login,
                   struct err *err) MUST_USE;
/* In an open transaction: it was right after all. */
int throttle_succeeded(const struct throttle *t, struct question *q, struct err *err) MUST_USE;
/* It was wrong: at most one event a minute and address. user: the account if it exists, or NULL.
 * Own transaction. */
int throttle_failed(const struct throttle *t, struct question *q, const json_t *user,
                    struct err *err) MUST_USE;

/* The same by address alone, for API tokens, which nobody guesses: looked at before, counted only
 * when one was not good. The event is token.use denied. */
int throttle_token_begin(struct throttle *t, struct question *q, struct err *err) MUST_USE;
int throttle_token_failed(const struct throttle *t, struct question *q, struct err *err) MUST_USE;

/* --- slots (slots.c): two password hashes at a time on the whole machine --- */

/* Wait for a slot at most 4 s; a queue longer than eight is ERR_THROTTLED at once. Returns a
 * descriptor: closing it (or dying) gives the slot back. */
int slot_take(const char *var_dir, struct err *err) MUST_USE;

#endif

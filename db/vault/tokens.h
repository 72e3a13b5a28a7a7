/* tokens.h - making and believing API tokens (the row itself is in db/tokens.h).
 *
 * Two things make a row of windlass.db worth something to the worker: its MAC, over all that
 * decides what it may do, and that its hash is in the vault. The web side, which can write
 * windlass.db, can make neither: no new token, no wider one, and none that was removed. */
#ifndef WL_DB_VAULT_TOKENS_H
#define WL_DB_VAULT_TOKENS_H

#include "db/audit.h"
#include "db/tokens.h"
#include "db/vault/vault.h"

struct token_new {
    const char *user_id, *login, *name;
    unsigned scopes;
    const json_t *environments; /* list of ids, borrowed; empty: all that the user may */
    int days;                   /* 1..TOKEN_DAYS_MAX */
};
struct token_made {
    struct token_row row;
    char text[TOKEN_TEXT_SIZE]; /* for who asked, and nobody else; wipe it after use */
};
/* Check, make, and store a token with its event token.add; own transaction. *made is written only
 * on success. ERR_INPUT with field name, scopes or days; ERR_CONFLICT for a name that is taken.
 * Scopes beyond the user's present rights are refused here and at each use. */
int token_issue(struct db *shared, struct vault *vault, const struct actor *actor,
                const struct token_new *new_token, struct token_made *made,
                struct err *err) MUST_USE;
/* Remove a token, with its event token.remove; own transaction. It is worth nothing from then on,
 * also when the transaction then fails. */
int token_remove(struct db *shared, struct vault *vault, const struct actor *actor,
                 const struct token_row *row, struct err *err) MUST_USE;
/* ERR_SIGNED_OUT unless the row is one that we made, and not removed. */
int token_check(struct vault *vault, const struct token_row *row, struct err *err) MUST_USE;

#endif

/* access.h - what proves who somebody is (password verifiers, the set-up token) and what they may
 * do (grants).
 *
 * Deny by default: no row, no right. A grant is for everything (app "" and environment ""), for an
 * app (environment
 * ""), or for one environment; the highest of those that match counts. */
#ifndef WL_DB_VAULT_ACCESS_H
#define WL_DB_VAULT_ACCESS_H

#include "db/vault/vault.h"
#include "lib/crypto/unseal.h"
#include "lib/domain/access.h"

/* The role of a user for an environment of an app; app_id "": only what is granted for everything.
 * ROLE_NONE: none. */
int vault_role(struct vault *vault, const char *user_id, const char *app_id,
               const char *environment_id, enum role *role, struct err *err) MUST_USE;
/* The highest role granted anywhere: what pages go by. */
int vault_role_anywhere(struct vault *vault, const char *user_id, enum role *role,
                        struct err *err) MUST_USE;
/* Add or replace one grant; ROLE_NONE removes it. The caller has written the event. */
struct grant {
    const char *user_id, *app_id, *environment_id; /* "" as said above */
    enum role role;
    const char *granted_by; /* user id, or what stands for one */
};
int vault_grant(struct vault *vault, const struct grant *grant, struct err *err) MUST_USE;
/* Whether anybody is admin of everything: while not, set-up is open to who holds the set-up token.
 */
int vault_has_admin(struct vault *vault, bool *has, struct err *err) MUST_USE;

/* verifier "" when the user has none. */
int vault_credential(struct vault *vault, const char *user_id,
                     char verifier[PASSWORD_VERIFIER_SIZE], struct err *err) MUST_USE;
int vault_set_credential(struct vault *vault, const char *user_id, const char *verifier,
                         struct err *err) MUST_USE;
/* First admin: verifier and the grant for everything, in one transaction, and the set-up token is
 * gone. ERR_CONFLICT when there is an admin already. */
int vault_set_first_admin(struct vault *vault, const char *user_id, const char *verifier,
                          struct err *err) MUST_USE;

/* A new set-up token, valid 30 minutes, replacing any other. ERR_CONFLICT when there is an admin
 * already. */
#define SETUP_TOKEN_LIFE_MS ((int64_t)30 * 60 * 1000)
int vault_new_setup_token(struct vault *vault, char token[CRYPTO_TOKEN_TEXT],
                          struct err *err) MUST_USE;
/* ERR_DENIED, with the fix, when it is not the token or it is too old. */
int vault_check_setup_token(struct vault *vault, const char *token, struct err *err) MUST_USE;

#endif

/* registries.h - the password of each registry.
 *
 * A password belongs to an address and a user name, as a pin belongs to an address: when host or
 * login of the registry's row are changed by anybody but the worker (the web side can), the
 * password no longer comes out. Each change is a new row with the next number; the row in
 * windlass.db says which number counts, so a change that breaks off between the two databases
 * leaves the password that was there. */
#ifndef WL_DB_VAULT_REGISTRIES_H
#define WL_DB_VAULT_REGISTRIES_H

#include "db/registries.h"
#include "db/vault/vault.h"

/* Store the password for this id, password_number, host and login. A row with that number, left by
 * a change that broke off, is replaced. */
int vault_put_registry_password(struct vault *vault, const struct registry_row *registry,
                                const void *password, size_t len, struct err *err) MUST_USE;
/* Append the password. ERR_NOT_FOUND when there is none; ERR_CONFLICT, with the fix, when it was
 * stored for another host or login; ERR_INTERNAL when it does not open (altered, or of another
 * place). Wipe the buffer after use. */
int vault_registry_password(struct vault *vault, const struct registry_row *registry,
                            struct buf *password, struct err *err) MUST_USE;
/* {registry_id, number} of all that are stored. */
int vault_registry_passwords(struct vault *vault, json_t **list, struct err *err) MUST_USE;
int vault_remove_registry_password(struct vault *vault, const char *registry_id, int64_t number,
                                   struct err *err) MUST_USE;

#endif

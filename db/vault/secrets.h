/* secrets.h - values of secret sets, kinds secret and write_only, encrypted under the environment's
 * data key. */
#ifndef WL_DB_VAULT_SECRETS_H
#define WL_DB_VAULT_SECRETS_H

#include "db/vault/vault.h"

struct secret_value {
    const char *key;
    const void *bytes;
    size_t len;
};

/* Store the values of a set that windlass.db does not refer to yet (the caller holds its write lock
 * and adds the set afterwards). What a crash left under the same number is replaced. One
 * transaction. */
int vault_put_secrets(struct vault *vault, const char *environment_id, int64_t number,
                      const struct secret_value *values, size_t count, struct err *err) MUST_USE;
/* Append one value. ERR_NOT_FOUND when there is none; ERR_INTERNAL when it does not open (altered,
 * or not of this place). Wipe the buffer after use. */
int vault_get_secret(struct vault *vault, const char *environment_id, int64_t number,
                     const char *key, struct buf *value, struct err *err) MUST_USE;

#endif

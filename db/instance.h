/* instance.h - who this dashboard is: the id that appears in its locks, labels and nonces on
 * targets, and the public halves of its keys. One row, written once when the vault is made
 * (db/vault). */
#ifndef WL_DB_INSTANCE_H
#define WL_DB_INSTANCE_H

#include <stdint.h>
#include "db/db.h"
#include "lib/crypto/crypto.h"

struct instance {
    char id[CRYPTO_ID_SIZE];
    uint8_t seal_key[32];  /* X25519: secrets are sealed to it (lib/crypto/seal.h) */
    uint8_t audit_key[32]; /* Ed25519: audit heads are signed with its other half */
    int64_t created_at;
};

/* ERR_NOT_FOUND before the worker has started for the first time. */
int instance_get(struct db *db, struct instance *instance, struct err *err) MUST_USE;
/* A second row is ERR_CONFLICT. The event instance.create is in the same transaction, which this
 * opens. */
int instance_add(struct db *db, const struct instance *instance, struct err *err) MUST_USE;

#endif

/* audit_row.h - the one place that says which bytes an audit event's hash covers, for the writer
 * (audit.c) and the judge (audit_verify.c). */
#ifndef WL_DB_AUDIT_ROW_H
#define WL_DB_AUDIT_ROW_H

#include <stdint.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/crypto/crypto.h"

/* Every column but prev_hash and hash. Borrowed; app_id and environment_id may be NULL. */
struct audit_row {
    int64_t seq, at;
    const char *actor_kind, *actor_id, *actor_name;
    const char *verb;
    const char *target_kind, *target_id, *target_name;
    const char *app_id, *environment_id;
    const char *ip, *request_id, *result;
    const char *detail; /* the JSON text as stored */
};

/* SHA-256(prev || canonical JSON of the row). Fails when a text is not UTF-8 or memory runs out. */
int audit_row_hash(const struct audit_row *row, const uint8_t prev[CRYPTO_HASH_BYTES],
                   uint8_t hash[CRYPTO_HASH_BYTES], struct err *err) MUST_USE;

#endif

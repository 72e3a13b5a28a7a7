/* secrets.h - secret sets as pages may show them, and drafts on their way to the worker.
 *
 * No value of kind secret or write_only is in this database: an entry has key, kind, form, size,
 * comment, and the plain text of kind plain only. A draft is what a form typed, sealed to the
 * worker's key; it is not a change (no event): the ask verb secrets.save makes the set and its
 * event. */
#ifndef WL_DB_SECRETS_H
#define WL_DB_SECRETS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include "db/db.h"
#include "lib/base/attr.h"
#include "lib/crypto/crypto.h"

/* The newest set's {number, message, created_at, by_name, by_login, entries}; number 0 when there
 * is none. */
int secret_set_current(struct db *db, const char *environment_id, json_t **set,
                       struct err *err) MUST_USE;
/* {key, kind, form, path, plain, size_bytes, comment, changed_in, changed_at} in the order they
 * were typed. */
int secret_set_entries(struct db *db, const char *environment_id, int64_t number, json_t **entries,
                       struct err *err) MUST_USE;
/* Newest first {number, message, created_at, by_name, by_login, entries}. */
int secret_set_history(struct db *db, const char *environment_id, int limit, json_t **sets,
                       struct err *err) MUST_USE;

/* {key, verb: added|changed|removed} from set `from` to set `to` (0: the empty set), by key. */
int secret_set_difference(struct db *db, const char *environment_id, int64_t from, int64_t to,
                          json_t **changes, struct err *err) MUST_USE;

struct secret_draft_entry {
    const char *key, *kind, *comment;
    const void *sealed; /* NULL: keep the value of base_set */
    size_t sealed_len;
};
struct secret_draft {
    const char *environment_id, *user_id;
    int64_t base_set;
    const struct secret_draft_entry *entries;
    size_t count;
};
/* Own transaction, all or nothing. */
int secret_draft_add(struct db *db, const struct secret_draft *draft, char id[CRYPTO_ID_SIZE],
                     struct err *err) MUST_USE;
/* Forget a draft that the worker refused. */
int secret_draft_remove(struct db *db, const char *id, struct err *err) MUST_USE;

#endif

/* secret_values.h - the values of an environment's secret sets, for the env file on the target and
 * for masking.
 *
 * Values of kind plain are in windlass.db, the others in vault.db; here they come together, for the
 * worker alone. The caller owns the list and must call secret_values_free, which overwrites the
 * bytes. */
#ifndef WL_WORKER_SECRET_VALUES_H
#define WL_WORKER_SECRET_VALUES_H

#include <stdbool.h>
#include "db/db.h"
#include "db/vault/vault.h"

struct secret_item {
    char key[129];
    bool is_file;   /* goes to `path` with `mode`; otherwise a line of the env file */
    bool is_hidden; /* kind secret or write_only: to be masked in logs */
    char *path;     /* NULL unless is_file */
    int mode;
    char *bytes; /* NUL-terminated beyond len */
    size_t len;
};
struct secret_values {
    struct secret_item *items;
    size_t count;
};

/* All values of one set that the app sees when it runs, in its order (build-time ones are never
 * sent to a server); number 0 is the empty set. A value that cannot be opened fails the whole. */
int secret_values_of_set(struct db *shared, struct vault *vault, const char *environment_id,
                         int64_t number, struct secret_values *values, struct err *err) MUST_USE;
/* The one value of a key, build-time or not; an empty list when the set has none. */
struct secret_key {
    const char *environment_id, *key;
    int64_t number; /* of the set */
};
int secret_values_one(struct db *shared, struct vault *vault, const struct secret_key *key,
                      struct secret_values *values, struct err *err) MUST_USE;
/* Forget the value of this key, if there is one: what the app is not to see. */
void secret_values_drop(struct secret_values *values, const char *key);
/* The hidden values of this set and the two before it, each once: what the mask process hides. */
int secret_values_to_mask(struct db *shared, struct vault *vault, const char *environment_id,
                          int64_t number, struct secret_values *values, struct err *err) MUST_USE;
void secret_values_free(struct secret_values *values);

#endif

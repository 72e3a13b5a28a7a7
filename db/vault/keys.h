/* keys.h - what a person does with the master key: replace it, write it down, put it back.
 *
 * Every master key has a number, which says nothing of the key itself; the vault holds the number
 * of the key it is under. So a wrong key is told from a damaged vault, and a sheet of paper from
 * the one before it. */
#ifndef WL_DB_VAULT_KEYS_H
#define WL_DB_VAULT_KEYS_H

#include "db/vault/vault.h"

#define VAULT_KEY_ID_SIZE 20 /* "3f2a-99c1-07de-4410" and NUL */

void vault_key_id(const struct vault *vault, char id[VAULT_KEY_ID_SIZE]);
/* It comes from systemd's credential windlass-master.key, which nobody here can write. */
bool vault_key_is_credential(const struct vault *vault);
/* The master key itself, for a recovery sheet. Wipe it after use. */
void vault_copy_master_key(const struct vault *vault, uint8_t key[CRYPTO_KEY_BYTES]);

/* --- replacing it --- */

enum vault_rotate_point {
    ROTATE_BEGUN = 0,   /* both databases are locked */
    ROTATE_KEY_WRITTEN, /* keys/master.key.next is on the disk */
    ROTATE_VALUE,       /* one more value is under the new key (comes again for each) */
    ROTATE_ENCRYPTED,   /* all are; nothing is committed */
    ROTATE_COMMITTED,   /* the vault is under the new key */
    ROTATE_NOTED,       /* the event is in the history */
    ROTATE_RENAMED,     /* the new key is keys/master.key */
    ROTATE_SCRUBBED,    /* the old bytes are gone from the files */
    ROTATE_POINTS
};
const char *vault_rotate_point_name(enum vault_rotate_point point);
/* Told at each point: for a progress display, and for tests that kill the process there. */
struct vault_watch {
    void (*at)(enum vault_rotate_point point, void *context);
    void *context;
};

struct vault_rotation {
    char before[VAULT_KEY_ID_SIZE], after[VAULT_KEY_ID_SIZE];
    bool only_finished; /* an earlier rotation that broke off was finished, and no new one begun */
    int64_t environments, values, servers, registries; /* how much was encrypted anew */
};

/* Encrypt everything in the vault under a new master key, each environment's values under a new
 * data key. One transaction in vault.db decides: killed at any point, everything opens with the key
 * before or everything with the key after, and the next start of the worker or the next rotation
 * finishes what is missing. The event key.rotate is committed with it. The keys for sealing,
 * sessions and signing stay (they are wrapped anew), so nobody is signed out.
 *
 * Other processes may have the vault open: readers go on and find the new key by themselves;
 * writers wait (at most 5 s), to both databases. ERR_CONFLICT when the key is a credential, or when
 * a value does not open (it is named; nothing was changed); ERR_BUSY when somebody else writes for
 * longer than 5 s. When the old bytes cannot be removed because somebody reads for that long, that
 * is ERR_BUSY too, with result->after set: the rotation has taken place. */
int vault_rotate(const char *var_dir, struct db *shared, const struct vault_watch *watch,
                 struct vault_rotation *result, struct err *err) MUST_USE;

/* --- putting it back --- */

struct vault_restored {
    char id[VAULT_KEY_ID_SIZE];
    bool was_there; /* it was in its place already; nothing was written */
    char kept[128]; /* name of the file that the key found in its place was given; "" none */
};
/* Make this keys/master.key, when the vault opens with it (ERR_CONFLICT when not, naming both
 * numbers). A key that was there and does not open the vault is kept beside it. The event
 * key.restore is written first. */
int vault_restore_key(const char *var_dir, struct db *shared, const uint8_t key[CRYPTO_KEY_BYTES],
                      struct vault_restored *result, struct err *err) MUST_USE;

#endif

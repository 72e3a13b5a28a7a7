/* inside.h - what the files of db/vault share. Not for other folders: they see vault.h. */
#ifndef WL_DB_VAULT_INSIDE_H
#define WL_DB_VAULT_INSIDE_H

#include "db/vault/keys.h"
#include "db/vault/vault.h"
#include "lib/crypto/unseal.h"

/* Names in the keyring. 'instance' is not secret, but binds the vault to its dashboard. */
#define KEYRING_INSTANCE    "instance"
#define KEYRING_SEAL        "seal"  /* public and secret half, one after the other */
#define KEYRING_AUDIT       "audit" /* Ed25519 secret; its second half is the public one */
#define KEYRING_SESSION     "session"
#define KEYRING_FINGERPRINT "fingerprint"

/* Where a master key was found. */
enum key_source {
    KEY_FROM_NOWHERE = 0,
    KEY_FROM_FILE,      /* keys/master.key */
    KEY_FROM_NEXT,      /* keys/master.key.next: a rotation has committed, its rename is missing */
    KEY_FROM_CREDENTIAL /* systemd's */
};

struct vault {
    struct db *db;
    char var_dir[4096];
    uint8_t master[CRYPTO_KEY_BYTES];
    char key_id[VAULT_KEY_ID_SIZE]; /* of master; "" while none is loaded */
    enum key_source key_from;
    char instance_id[CRYPTO_ID_SIZE];
    uint8_t seal_public[SEAL_KEY_BYTES], seal_secret[SEAL_KEY_BYTES];
    uint8_t audit_secret[SIGN_SECRET_BYTES];
    uint8_t session_key[CRYPTO_KEY_BYTES];
    uint8_t fingerprint_key[CRYPTO_KEY_BYTES];
};

/* --- ciphertexts --- */

/* Longest "table|row|..." a ciphertext can be bound to. */
#define BELONGS_MAX 1024

/* Which key a ciphertext is under, and which place it belongs to. Borrowed. */
struct lock {
    const uint8_t *key;
    const char *belongs_to;
};
/* Bind the encrypted bytes to the statement's parameter and run it. */
int vault_run_encrypted(struct stmt *s, const char *name, const struct lock *lock,
                        const void *plain, size_t len, struct err *err) MUST_USE;
/* Take one row and append its decrypted column to out. `what` begins the sentence of a failure
 * ("The key for this server"). */
int vault_one_decrypted(struct stmt *s, const char *column, const struct lock *lock,
                        const char *what, struct buf *out, struct err *err) MUST_USE;
/* The same for the row a statement stands on, which stays there. */
int vault_decrypt_column(struct stmt *s, const char *column, const struct lock *lock,
                         const char *what, struct buf *out, struct err *err) MUST_USE;

/* The places (places.c). -1 when the parts do not fit or could be read as another place's. */
int place_of_keyring(char text[BELONGS_MAX], const char *name) MUST_USE;
int place_of_data_key(char text[BELONGS_MAX], const char *environment_id) MUST_USE;
int place_of_secret(char text[BELONGS_MAX], const char *environment_id, int64_t number,
                    const char *key) MUST_USE;
int place_of_server_key(char text[BELONGS_MAX], const char *server_id) MUST_USE;
int place_of_registry_password(char text[BELONGS_MAX], const char *registry_id, int64_t number,
                               const char *host, const char *login) MUST_USE;

/* --- the master key while others may replace it (keyring.c) ---
 *
 * Whoever reads does so optimistically and, when something does not open, asks whether the key was
 * replaced meanwhile:      do rc = read_once(...); while (rc != 0 && vault_key_changed(vault));
 * Whoever encrypts begins with vault_begin, under whose lock no key can be replaced. */

/* True: the vault is under another master key than the one in memory, which was loaded. */
bool vault_key_changed(struct vault *vault);
/* db_begin, with the master key that the vault is under now. */
int vault_begin(struct vault *vault, struct err *err) MUST_USE;

/* Load the master key the vault is under, and decrypt the keyring. db and var_dir are set. */
int keyring_open(struct vault *vault, struct err *err) MUST_USE;
/* Decrypt the keyring into the vault, whose db and master are set. */
int keyring_read(struct vault *vault, struct err *err) MUST_USE;

/* Which master key the vault says it is under; id is "" before the first start with this table. */
struct master_row {
    char id[VAULT_KEY_ID_SIZE];
    bool settled;
};
int master_row_get(struct vault *vault, struct master_row *row, struct err *err) MUST_USE;
int master_row_set(struct vault *vault, const char *id, bool settled, struct err *err) MUST_USE;

/* --- where it lies (master_key.c) ---
 *
 * Files are written and renamed only under the vault's write lock. While nobody holds it, the key
 * that the vault is under is in keys/master.key or in keys/master.key.next, or it is a credential.
 */

struct master_key {
    uint8_t bytes[CRYPTO_KEY_BYTES];
    char id[VAULT_KEY_ID_SIZE];
    enum key_source from;
};
void master_key_id(const uint8_t key[CRYPTO_KEY_BYTES], char id[VAULT_KEY_ID_SIZE]);
/* Find the key with this number ("": whichever there is). ERR_NOT_FOUND when there is none,
 * ERR_CONFLICT when it has another number or cannot be read; the sentence says what to do. */
int master_key_load(const char *var_dir, const char *id, struct master_key *key,
                    struct err *err) MUST_USE;
/* The installed worker has the key with this number as its credential, whatever lies in the file.
 */
bool master_key_is_credential_of_unit(const char *id);
/* A random one, not stored anywhere. */
void master_key_make(struct master_key *key);
/* Write keys/master.key, or (next) keys/master.key.next: whole or not at all, 0400, owned by the
 * owner of vault.db. */
int master_key_write(const char *var_dir, const struct master_key *key, bool next,
                     struct err *err) MUST_USE;
/* keys/master.key.next, which must have this number, becomes keys/master.key; nothing is done when
 * that has it already. */
int master_key_promote(const char *var_dir, const char *id, struct err *err) MUST_USE;
/* Remove keys/master.key.next: its rotation did not take place. */
void master_key_drop_next(const char *var_dir);

/* "<var_dir>/vault/vault.db" */
int vault_path(const char *var_dir, char *path, size_t size, struct err *err) MUST_USE;

/* What follows a rotation's commit, as far as it is not done yet (rotate.c): the key file's name,
 * the event, the old bytes in the write-ahead log. Safe to repeat. */
int vault_settle(struct vault *vault, struct db *shared, const struct vault_watch *watch,
                 struct err *err) MUST_USE;

#endif

/* inside.h - what the files of db/vault share. Not for other folders: they see vault.h. */
#ifndef WL_DB_VAULT_INSIDE_H
#define WL_DB_VAULT_INSIDE_H

#include "db/vault/vault.h"
#include "lib/crypto/unseal.h"

/* Names in the keyring. 'instance' is not secret, but binds the vault to its dashboard. */
#define KEYRING_INSTANCE    "instance"
#define KEYRING_SEAL        "seal"  /* public and secret half, one after the other */
#define KEYRING_AUDIT       "audit" /* Ed25519 secret; its second half is the public one */
#define KEYRING_SESSION     "session"
#define KEYRING_FINGERPRINT "fingerprint"

struct vault {
    struct db *db;
    uint8_t master[CRYPTO_KEY_BYTES];
    char instance_id[CRYPTO_ID_SIZE];
    uint8_t seal_public[SEAL_KEY_BYTES], seal_secret[SEAL_KEY_BYTES];
    uint8_t audit_secret[SIGN_SECRET_BYTES];
    uint8_t session_key[CRYPTO_KEY_BYTES];
    uint8_t fingerprint_key[CRYPTO_KEY_BYTES];
};

/* Longest "table|row|..." a ciphertext can be bound to. */
#define BELONGS_MAX 400

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

/* The master key: read, or (create) made. ERR_NOT_FOUND when there is none. */
int master_key_read(const char *var_dir, uint8_t key[CRYPTO_KEY_BYTES], struct err *err) MUST_USE;
int master_key_create(const char *var_dir, uint8_t key[CRYPTO_KEY_BYTES], struct err *err) MUST_USE;
/* Decrypt the keyring into the vault, whose db and master are set. */
int keyring_read(struct vault *vault, struct err *err) MUST_USE;
/* "<var_dir>/vault/vault.db" */
int vault_path(const char *var_dir, char *path, size_t size, struct err *err) MUST_USE;

#endif

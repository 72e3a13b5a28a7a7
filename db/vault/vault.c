/* vault.c - opening the vault, and what its own keys are used for: unsealing, MACs, fingerprints,
 * signed heads. */
#include "db/vault/inside.h"

#include <inttypes.h>
#include "db/audit.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"

int vault_path(const char *var_dir, char *path, size_t size, struct err *err)
{
    if (!fs_join(path, size, var_dir, "vault/vault.db"))
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    return 0;
}

int vault_open(const char *var_dir, enum db_role role, struct vault **out, struct err *err)
{
    char path[4096];
    struct vault *vault = calloc(1, sizeof *vault);

    if (vault == NULL)
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory to open the vault.");
    if (vault_path(var_dir, path, sizeof path, err) == 0
        && str_copy(vault->var_dir, sizeof vault->var_dir, var_dir)
        && db_open(path, DB_VAULT, role, &vault->db, err) == 0 && keyring_open(vault, err) == 0) {
        *out = vault;
        return 0;
    }
    vault_close(vault);
    return -1;
}

void vault_close(struct vault *vault)
{
    if (vault == NULL)
        return;
    db_close(vault->db);
    crypto_wipe(vault, sizeof *vault);
    free(vault);
}

const char *vault_instance_id(const struct vault *vault)
{
    return vault->instance_id;
}

void vault_key_id(const struct vault *vault, char id[VAULT_KEY_ID_SIZE])
{
    memcpy(id, vault->key_id, VAULT_KEY_ID_SIZE);
}

bool vault_key_is_credential(const struct vault *vault)
{
    return vault->key_from == KEY_FROM_CREDENTIAL;
}

void vault_copy_master_key(const struct vault *vault, uint8_t key[CRYPTO_KEY_BYTES])
{
    memcpy(key, vault->master, CRYPTO_KEY_BYTES);
}

/* --- ciphertexts at rest --- */

int vault_run_encrypted(struct stmt *s, const char *name, const struct lock *lock,
                        const void *plain, size_t len, struct err *err)
{
    uint8_t *ciphertext = malloc(len + VAULT_OVERHEAD);
    int rc;

    if (ciphertext == NULL) {
        db_done(s);
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory to encrypt this.");
    }
    vault_encrypt(lock->key, plain, len, lock->belongs_to, ciphertext);
    db_bind_blob(s, name, ciphertext, len + VAULT_OVERHEAD);
    rc = db_run(s, NULL, err);
    free(ciphertext);
    return rc;
}

int vault_decrypt_column(struct stmt *s, const char *column, const struct lock *lock,
                         const char *what, struct buf *out, struct err *err)
{
    struct err ignored;
    size_t len = 0;
    const uint8_t *ciphertext = db_col_blob(s, column, &len);
    char *room = len < VAULT_OVERHEAD ? NULL : buf_reserve(out, len - VAULT_OVERHEAD);

    if (len < VAULT_OVERHEAD
        || (room != NULL
            && vault_decrypt(lock->key, ciphertext, len, lock->belongs_to, (uint8_t *)room,
                             &ignored)
                   != 0)) {
        err_set(err, ERR_INTERNAL,
                "%s does not open: the vault was altered, or the master key is not the one it was "
                "made with. Restore the vault from a backup.",
                what);
        return err_detail(err, "vault: %s", lock->belongs_to);
    }
    if (room == NULL)
        return err_set(err, ERR_TOO_LARGE, "%s is larger than it may be.", what);
    out->len += len - VAULT_OVERHEAD;
    out->data[out->len] = '\0';
    return 0;
}

int vault_one_decrypted(struct stmt *s, const char *column, const struct lock *lock,
                        const char *what, struct buf *out, struct err *err)
{
    int rc;

    if (db_one(s, err) != 0)
        return err_wrap(err, "%s is not in the vault", what);
    rc = vault_decrypt_column(s, column, lock, what, out, err);
    db_done(s);
    return rc;
}

/* --- boxes sealed to this instance --- */

int vault_unseal(const struct vault *vault, const void *sealed, size_t len, struct buf *out,
                 struct err *err)
{
    char *room;

    if (len < SEAL_OVERHEAD)
        return err_set(err, ERR_INPUT, "This was not sealed to this dashboard.");
    room = buf_reserve(out, len - SEAL_OVERHEAD);
    if (room == NULL)
        return err_set(err, ERR_TOO_LARGE, "A sealed value is larger than it may be.");
    if (unseal_open(vault->seal_public, vault->seal_secret, sealed, len, (uint8_t *)room, err) != 0)
        return -1;
    out->len += len - SEAL_OVERHEAD;
    out->data[out->len] = '\0';
    return 0;
}

int vault_unseal_text(const struct vault *vault, const char *field, const char *text,
                      struct buf *out, struct err *err)
{
    size_t max = strlen(text) / 4 * 3 + 3;
    uint8_t *bytes = malloc(max);
    int len, rc = -1;

    if (bytes == NULL)
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory for this question.");
    len = crypto_unb64url(text, bytes, max);
    if (len < 0)
        err_field(err, field, "This was not sealed to this dashboard. Load the page again.");
    else if ((rc = vault_unseal(vault, bytes, (size_t)len, out, err)) != 0 && err != NULL)
        snprintf(err->field, sizeof err->field, "%s", field);
    free(bytes);
    return rc;
}

/* --- MACs --- */

void vault_session_mac(const struct vault *vault, const struct session_row *row,
                       uint8_t mac[CRYPTO_MAC_BYTES])
{
    char hex[CRYPTO_HASH_HEX], message[256];
    int len;

    crypto_hex(hex, sizeof hex, row->id_hash, sizeof row->id_hash);
    len = snprintf(message, sizeof message, "%s\n%s\n%s\n%" PRId64 "\n%" PRId64, hex, row->user_id,
                   role_name(row->role), row->created_at, row->expires_at);
    crypto_mac(vault->session_key, "session", message, (size_t)len, mac);
}

bool vault_session_is_ours(const struct vault *vault, const struct session_row *row)
{
    uint8_t mac[CRYPTO_MAC_BYTES];

    vault_session_mac(vault, row, mac);
    return row->role != ROLE_NONE && crypto_equal(mac, row->mac, sizeof mac);
}

void vault_session_proof(const struct vault *vault, const struct session_row *row,
                         uint8_t mac[CRYPTO_MAC_BYTES])
{
    char hex[CRYPTO_HASH_HEX], message[256];
    int len;

    crypto_hex(hex, sizeof hex, row->id_hash, sizeof row->id_hash);
    len = snprintf(message, sizeof message, "%s\n%s\n%" PRId64, hex, row->user_id, row->proved_at);
    crypto_mac(vault->session_key, "session_proof", message, (size_t)len, mac);
}

bool vault_session_proof_is_ours(const struct vault *vault, const struct session_row *row)
{
    uint8_t mac[CRYPTO_MAC_BYTES];

    vault_session_proof(vault, row, mac);
    return crypto_equal(mac, row->proved_mac, sizeof mac);
}

void vault_command_proof(const struct vault *vault, const char *job_id, const char *kind,
                         char proof[2 * CRYPTO_MAC_BYTES + 1])
{
    char message[128];
    uint8_t mac[CRYPTO_MAC_BYTES];
    int len = snprintf(message, sizeof message, "%s\n%s", job_id, kind);

    /* Too long is no id of ours: the proof of an empty message proves nothing for any job. */
    crypto_mac(vault->session_key, "command_line", message,
               len < 0 || (size_t)len >= sizeof message ? 0 : (size_t)len, mac);
    crypto_hex(proof, 2 * CRYPTO_MAC_BYTES + 1, mac, sizeof mac);
}

void vault_fingerprint(const struct vault *vault, const void *value, size_t len,
                       uint8_t print[CRYPTO_MAC_BYTES])
{
    crypto_mac(vault->fingerprint_key, "fingerprint", value, len, print);
}

/* --- the signed head --- */

int vault_sign_head(const struct vault *vault, struct db *shared, int64_t *seq, struct err *err)
{
    uint8_t hash[CRYPTO_HASH_BYTES], signature[SIGN_BYTES];
    char message[256];
    size_t len;

    if (audit_unsigned_head(shared, seq, hash, err) != 0)
        return -1;
    if (*seq == 0)
        return 0;
    len = audit_head_message(message, sizeof message, vault->instance_id, *seq, hash);
    if (len == 0)
        return err_set(err, ERR_INTERNAL, "The head of the history could not be signed.");
    sign_detached(vault->audit_secret, message, len, signature);
    return audit_store_head(shared, *seq, hash, signature, err);
}

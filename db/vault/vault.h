/* vault.h - the worker's own store: vault.db, and the keys that make its contents readable.
 *
 * keys/master.key (0400, 64 hex digits and a newline) wraps everything else: the instance's
 * keyring, one data key per environment, the private keys for servers. Each ciphertext is bound to
 * its place ("secret_value|env|number|key" is authenticated with it), so that a row that was
 * swapped, altered or brought back from another set does not open. Only windlass-worker and the
 * `windlass` command link this.
 *
 * In the file's place systemd may give the key as a credential: $CREDENTIALS_DIRECTORY/
 * windlass-master.key, same content, is used when it is there. The key may be replaced while vaults
 * are open (db/vault/keys.h): they notice when something does not open and go on with the new one.
 *
 * The opened struct holds key bytes; vault_close overwrites them. One thread, one process: open it
 * after the last fork. */
#ifndef WL_DB_VAULT_VAULT_H
#define WL_DB_VAULT_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "db/db.h"
#include "db/sessions.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/crypto/crypto.h"

struct vault;

/* At the worker's start, after windlass.db was migrated: make or bring forward vault/vault.db, make
 * the master key and the keyring when the vault is still empty, and the instance row; finish a
 * rotation that broke off. Safe to repeat, and after a crash in the middle. A vault that holds data
 * is never given a new key: a missing, unreadable or wrong one is ERR_CONFLICT, and the sentence
 * says what to do. */
int vault_prepare(const char *var_dir, struct db *shared, struct err *err) MUST_USE;

/* Open what vault_prepare made. role: DB_ROLE_WORKER or DB_ROLE_CLI. */
int vault_open(const char *var_dir, enum db_role role, struct vault **vault,
               struct err *err) MUST_USE;
void vault_close(struct vault *vault);
const char *vault_instance_id(const struct vault *vault);

/* Open a box sealed to this instance (lib/crypto/seal.h), appending to out. ERR_INPUT when it is
 * not one. */
int vault_unseal(const struct vault *vault, const void *sealed, size_t len, struct buf *out,
                 struct err *err) MUST_USE;
/* The same for base64url text, as the ask socket carries it; `field` is named in the error. */
int vault_unseal_text(const struct vault *vault, const char *field, const char *text,
                      struct buf *out, struct err *err) MUST_USE;

/* The MAC of a session row (docs/architecture.md "Session MAC"), and whether a row's is right. */
void vault_session_mac(const struct vault *vault, const struct session_row *row,
                       uint8_t mac[CRYPTO_MAC_BYTES]);
bool vault_session_is_ours(const struct vault *vault, const struct session_row *row);

/* The MAC of a session's proved_at, and whether a row's is right. */
void vault_session_proof(const struct vault *vault, const struct session_row *row,
                         uint8_t mac[CRYPTO_MAC_BYTES]);
bool vault_session_proof_is_ours(const struct vault *vault, const struct session_row *row);

/* What a job added by `windlass` on this machine carries as its proof: hex MAC of job id and kind.
 */
void vault_command_proof(const struct vault *vault, const char *job_id, const char *kind,
                         char proof[2 * CRYPTO_MAC_BYTES + 1]);

/* Equal values of this instance have equal fingerprints; nothing else is told. */
void vault_fingerprint(const struct vault *vault, const void *value, size_t len,
                       uint8_t print[CRYPTO_MAC_BYTES]);

/* Sign the newest audit event when no head covers it yet (one short write). The worker calls it
 * within a second of any event. *seq: the event signed, 0: nothing to do. */
int vault_sign_head(const struct vault *vault, struct db *shared, int64_t *seq,
                    struct err *err) MUST_USE;

#endif

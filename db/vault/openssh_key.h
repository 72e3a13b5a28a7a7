/* openssh_key.h - an Ed25519 pair in the two forms OpenSSH and libssh2 read: the "openssh-key-v1"
 * private key file (OpenSSH's PROTOCOL.key) without a passphrase, since it is stored encrypted as a
 * whole, and the one-line public key of authorized_keys (RFC 4253 section 6.6, RFC 8709). */
#ifndef WL_DB_VAULT_OPENSSH_KEY_H
#define WL_DB_VAULT_OPENSSH_KEY_H

#include "lib/base/buf.h"
#include "lib/crypto/unseal.h"

/* Both append; check buf_ok. The comment is one word. */
void openssh_private_key(struct buf *out, const uint8_t secret_key[SIGN_SECRET_BYTES],
                         const char *comment);
void openssh_public_key(struct buf *out, const uint8_t secret_key[SIGN_SECRET_BYTES],
                        const char *comment);

#endif

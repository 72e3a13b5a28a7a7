/* unseal.h - the worker's side of cryptography: opening sealed boxes, encrypting at rest, verifying
 * passwords, signing. Linked into windlass-worker and the windlass command only; a test greps the
 * symbols of the web programs. */
#ifndef WL_CRYPTO_UNSEAL_H
#define WL_CRYPTO_UNSEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/crypto/seal.h"

void unseal_keypair(uint8_t public_key[SEAL_KEY_BYTES], uint8_t secret_key[SEAL_KEY_BYTES]);
/* out must have room for len - SEAL_OVERHEAD bytes. A box that was altered or made for another key
 * is ERR_INPUT. */
int unseal_open(const uint8_t public_key[SEAL_KEY_BYTES], const uint8_t secret_key[SEAL_KEY_BYTES],
                const uint8_t *sealed, size_t len, uint8_t *out, struct err *err) MUST_USE;

/* At rest: XChaCha20-Poly1305-IETF with associated data (where the value belongs: a swapped row
 * does not open). Layout of the result: 24 bytes of nonce, ciphertext, 16 bytes of tag. */
#define VAULT_OVERHEAD 40
void vault_encrypt(const uint8_t key[32], const void *plain, size_t len, const char *belongs_to,
                   uint8_t *out);
int vault_decrypt(const uint8_t key[32], const uint8_t *in, size_t len, const char *belongs_to,
                  uint8_t *out, struct err *err) MUST_USE;

/* Argon2id, libsodium's INTERACTIVE cost (2 passes, 64 MiB): about 75 ms. The verifier is a
 * printable string. */
#define PASSWORD_VERIFIER_SIZE 128
int password_hash(const char *password, size_t len, char verifier[PASSWORD_VERIFIER_SIZE],
                  struct err *err) MUST_USE;
/* verifier == NULL verifies against a fixed dummy: same time, always false (unknown users look the
 * same). */
bool password_verify(const char *verifier, const char *password, size_t len);

/* Ed25519 (RFC 8032). */
#define SIGN_PUBLIC_BYTES 32
#define SIGN_SECRET_BYTES 64
#define SIGN_BYTES        64
void sign_keypair(uint8_t public_key[SIGN_PUBLIC_BYTES], uint8_t secret_key[SIGN_SECRET_BYTES]);
void sign_detached(const uint8_t secret_key[SIGN_SECRET_BYTES], const void *message, size_t len,
                   uint8_t signature[SIGN_BYTES]);
bool sign_verify(const uint8_t public_key[SIGN_PUBLIC_BYTES], const void *message, size_t len,
                 const uint8_t signature[SIGN_BYTES]);

#endif

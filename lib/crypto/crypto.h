/* crypto.h - random ids, hashes, MACs, encodings. One of the few headers whose .c may include
 * libsodium.
 *
 * crypto_start must have succeeded before anything else here (main calls it). No function
 * allocates. */
#ifndef WL_CRYPTO_CRYPTO_H
#define WL_CRYPTO_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

#define CRYPTO_ID_SIZE                                                                             \
    27 /* public random id: 26 characters of Crockford base32 (130 bits) and NUL */
#define CRYPTO_HASH_BYTES  32 /* SHA-256 */
#define CRYPTO_HASH_HEX    65
#define CRYPTO_MAC_BYTES   32 /* keyed BLAKE2b */
#define CRYPTO_KEY_BYTES   32
#define CRYPTO_TOKEN_BYTES 32 /* session, setup and API tokens */
#define CRYPTO_TOKEN_TEXT  44 /* unpadded base64url of CRYPTO_TOKEN_BYTES and NUL */

int crypto_start(struct err *err) MUST_USE;
void crypto_random(void *bytes, size_t len);
/* A new public id; lower-case letters and digits, safe in URLs, file names and shell words. */
void crypto_new_id(char id[CRYPTO_ID_SIZE]);
bool crypto_is_id(const char *text);
void crypto_new_token(char text[CRYPTO_TOKEN_TEXT]);

void crypto_sha256(const void *bytes, size_t len, uint8_t hash[CRYPTO_HASH_BYTES]);
struct crypto_sha256_state {
    uint64_t opaque[16];
};
void crypto_sha256_init(struct crypto_sha256_state *state);
void crypto_sha256_add(struct crypto_sha256_state *state, const void *bytes, size_t len);
void crypto_sha256_end(struct crypto_sha256_state *state, uint8_t hash[CRYPTO_HASH_BYTES]);

/* Keyed BLAKE2b-256 over `purpose`, NUL and the message, so that a MAC for one purpose never serves
 * another. */
void crypto_mac(const uint8_t key[CRYPTO_KEY_BYTES], const char *purpose, const void *message,
                size_t len, uint8_t mac[CRYPTO_MAC_BYTES]);
bool crypto_equal(const void *a, const void *b, size_t len); /* constant time */
void crypto_wipe(void *bytes, size_t len);

void crypto_hex(char *text, size_t text_size, const void *bytes, size_t len);
bool crypto_unhex(const char *text, void *bytes, size_t len); /* exactly len bytes */
/* Base64url without padding. text_size must be at least CRYPTO_B64_SIZE(len). */
#define CRYPTO_B64_SIZE(len) (((len) + 2) / 3 * 4 + 1)
void crypto_b64url(char *text, size_t text_size, const void *bytes, size_t len);
/* Decodes into at most max bytes; -1 when it is not base64url or does not fit, else the length. */
int crypto_unb64url(const char *text, void *bytes, size_t max);
/* Standard padded base64 (OpenSSH keys and fingerprints). Same conventions. */
void crypto_b64(char *text, size_t text_size, const void *bytes, size_t len);
int crypto_unb64(const char *text, void *bytes, size_t max);

#endif

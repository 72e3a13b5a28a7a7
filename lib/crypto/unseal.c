/* unseal.c - opening, encrypting at rest, passwords, signatures: what only the worker and the
 * windlass command may do. It is in libvault.a, which the web programs are not linked with. */
#include "lib/crypto/unseal.h"

#include <sodium.h>
#include <string.h>

_Static_assert(SEAL_KEY_BYTES == crypto_box_SECRETKEYBYTES, "X25519 key");
_Static_assert(VAULT_OVERHEAD
                   == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
                          + crypto_aead_xchacha20poly1305_ietf_ABYTES,
               "nonce and tag");
_Static_assert(PASSWORD_VERIFIER_SIZE >= crypto_pwhash_STRBYTES, "argon2id string");
_Static_assert(SIGN_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES
                   && SIGN_SECRET_BYTES == crypto_sign_SECRETKEYBYTES
                   && SIGN_BYTES == crypto_sign_BYTES,
               "Ed25519 sizes");

void unseal_keypair(uint8_t public_key[SEAL_KEY_BYTES], uint8_t secret_key[SEAL_KEY_BYTES])
{
    (void)crypto_box_keypair(public_key, secret_key);
}

int unseal_open(const uint8_t public_key[SEAL_KEY_BYTES], const uint8_t secret_key[SEAL_KEY_BYTES],
                const uint8_t *sealed, size_t len, uint8_t *out, struct err *err)
{
    if (len < SEAL_OVERHEAD
        || crypto_box_seal_open(out, sealed, len, public_key, secret_key) != 0) {
        err_set(err, ERR_INPUT,
                "A sealed value cannot be opened: it was altered, or sealed for "
                "another instance. Load the page again and retry.");
        return err_detail(err, "sealed box of %zu bytes", len);
    }
    return 0;
}

void vault_encrypt(const uint8_t key[32], const void *plain, size_t len, const char *belongs_to,
                   uint8_t *out)
{
    uint8_t *nonce = out; /* 192 random bits: no counter is needed to keep nonces apart */

    randombytes_buf(nonce, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        out + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, NULL, plain, len,
        (const uint8_t *)belongs_to, strlen(belongs_to), NULL, nonce, key);
}

int vault_decrypt(const uint8_t key[32], const uint8_t *in, size_t len, const char *belongs_to,
                  uint8_t *out, struct err *err)
{
    const size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;

    if (len < VAULT_OVERHEAD
        || crypto_aead_xchacha20poly1305_ietf_decrypt(
               out, NULL, NULL, in + nonce_bytes, len - nonce_bytes, (const uint8_t *)belongs_to,
               strlen(belongs_to), in, key)
               != 0) {
        err_set(err, ERR_INTERNAL,
                "A stored secret cannot be decrypted: it was altered, or the "
                "master key is not the one it was stored under.");
        return err_detail(err, "%zu bytes at %s", len, belongs_to);
    }
    return 0;
}

int password_hash(const char *password, size_t len, char verifier[PASSWORD_VERIFIER_SIZE],
                  struct err *err)
{
    if (crypto_pwhash_str(verifier, password, len, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE)
        != 0) {
        err_set(err, ERR_BUSY, "There was not enough memory to check a password. Try again.");
        return err_detail(err, "argon2id wants %zu bytes",
                          (size_t)crypto_pwhash_MEMLIMIT_INTERACTIVE);
    }
    return 0;
}

bool password_verify(const char *verifier, const char *password, size_t len)
{
    /* A verifier of random bytes nobody kept, at the cost of password_hash. */
    static const char DUMMY[] = "$argon2id$v=19$m=65536,t=2,p=1$Dup5q1QPWQUC2Ov9aVzn3w$"
                                "RlvVi0MscaT5nvdkqkZi49kF9pd6QTFaIePLqwjns4U";
    char copy[PASSWORD_VERIFIER_SIZE] = {0}; /* libsodium reads all of STRBYTES */
    const char *against = verifier != NULL ? verifier : DUMMY;
    size_t size = strlen(against);
    bool matches;

    if (size >= sizeof copy)
        return false;
    memcpy(copy, against, size);
    matches = crypto_pwhash_str_verify(copy, password, len) == 0;
    return matches && verifier != NULL;
}

void sign_keypair(uint8_t public_key[SIGN_PUBLIC_BYTES], uint8_t secret_key[SIGN_SECRET_BYTES])
{
    (void)crypto_sign_keypair(public_key, secret_key);
}

void sign_detached(const uint8_t secret_key[SIGN_SECRET_BYTES], const void *message, size_t len,
                   uint8_t signature[SIGN_BYTES])
{
    (void)crypto_sign_detached(signature, NULL, message, len, secret_key);
}

bool sign_verify(const uint8_t public_key[SIGN_PUBLIC_BYTES], const void *message, size_t len,
                 const uint8_t signature[SIGN_BYTES])
{
    return crypto_sign_verify_detached(signature, message, len, public_key) == 0;
}

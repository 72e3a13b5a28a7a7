/* crypto.c - random ids and tokens, hashes and MACs: thin, typed names over libsodium, so that no
 * other module chooses an algorithm. */
#include "lib/crypto/crypto.h"

#include <sodium.h>
#include <string.h>

/* Crockford's base32 digits in lower case: no i, l, o, u, so an id read aloud is not mistaken. */
static const char ID_DIGITS[] = "0123456789abcdefghjkmnpqrstvwxyz";

int crypto_start(struct err *err)
{
    if (sodium_init() < 0) {
        err_set(err, ERR_INTERNAL, "The cryptographic library did not start.");
        return err_detail(err, "sodium_init");
    }
    return 0;
}

void crypto_random(void *bytes, size_t len)
{
    randombytes_buf(bytes, len);
}

void crypto_new_id(char id[CRYPTO_ID_SIZE])
{
    uint8_t bytes[CRYPTO_ID_SIZE - 1];

    randombytes_buf(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        id[i] = ID_DIGITS[bytes[i] & 31U]; /* 32 digits: no bias */
    id[sizeof bytes] = '\0';
}

bool crypto_is_id(const char *text)
{
    size_t len = strnlen(text, CRYPTO_ID_SIZE);

    return len == CRYPTO_ID_SIZE - 1 && strspn(text, ID_DIGITS) == len;
}

void crypto_new_token(char text[CRYPTO_TOKEN_TEXT])
{
    uint8_t token[CRYPTO_TOKEN_BYTES];

    randombytes_buf(token, sizeof token);
    crypto_b64url(text, CRYPTO_TOKEN_TEXT, token, sizeof token);
    sodium_memzero(token, sizeof token);
}

void crypto_sha256(const void *bytes, size_t len, uint8_t hash[CRYPTO_HASH_BYTES])
{
    (void)crypto_hash_sha256(hash, bytes, len);
}

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(struct crypto_sha256_state),
               "the opaque state must hold libsodium's");

void crypto_sha256_init(struct crypto_sha256_state *state)
{
    (void)crypto_hash_sha256_init((crypto_hash_sha256_state *)(void *)state);
}

void crypto_sha256_add(struct crypto_sha256_state *state, const void *bytes, size_t len)
{
    (void)crypto_hash_sha256_update((crypto_hash_sha256_state *)(void *)state, bytes, len);
}

void crypto_sha256_end(struct crypto_sha256_state *state, uint8_t hash[CRYPTO_HASH_BYTES])
{
    (void)crypto_hash_sha256_final((crypto_hash_sha256_state *)(void *)state, hash);
}

void crypto_mac(const uint8_t key[CRYPTO_KEY_BYTES], const char *purpose, const void *message,
                size_t len, uint8_t mac[CRYPTO_MAC_BYTES])
{
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, key, CRYPTO_KEY_BYTES, CRYPTO_MAC_BYTES);
    (void)crypto_generichash_update(&state, (const uint8_t *)purpose, strlen(purpose) + 1);
    (void)crypto_generichash_update(&state, message, len);
    (void)crypto_generichash_final(&state, mac, CRYPTO_MAC_BYTES);
    sodium_memzero(&state, sizeof state);
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

void crypto_wipe(void *bytes, size_t len)
{
    sodium_memzero(bytes, len);
}

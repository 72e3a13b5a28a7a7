/* generate.c - random values in the forms that apps want. */
#include "lib/crypto/generate.h"

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "lib/crypto/crypto.h"

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
/* Without 0 and O, 1, l and I: what is read aloud or from paper arrives. 56 signs. */
#define CLEAR "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"

static const struct generate_kind KINDS[] = {
    {"base64-32", "Base64, 32 random bytes", 44, false},
    {"base64-64", "Base64, 64 random bytes", 88, false},
    {"hex-32", "Hexadecimal, 32 random bytes", 64, false},
    {"alnum-32", "32 letters and digits", 32, false},
    {"uuid", "UUID (version 4)", 36, false},
    {"password", "Readable password", 24, false},
    {"ed25519", "Ed25519 key pair (two PEM files)", 0, true},
};

const struct generate_kind *generate_kinds(size_t *count)
{
    *count = COUNT_OF(KINDS);
    return KINDS;
}

const struct generate_kind *generate_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(KINDS); i++)
        if (strcmp(KINDS[i].name, name) == 0)
            return KINDS + i;
    return NULL;
}

/* --- one value --- */

static void add_signs(char *text, size_t count, const char *signs)
{
    uint32_t n = (uint32_t)strlen(signs);
    for (size_t i = 0; i < count; i++)
        text[i] = signs[randombytes_uniform(n)];
    text[count] = '\0';
}

/* Five groups of four and dashes: 116 bits. */
static void make_password(char *text)
{
    for (size_t group = 0; group < 5; group++) {
        add_signs(text + group * 5, 4, CLEAR);
        text[group * 5 + 4] = group < 4 ? '-' : '\0';
    }
}

/* RFC 9562 section 5.4. */
static void make_uuid(char *text)
{
    uint8_t bytes[16];
    char hex[33];
    randombytes_buf(bytes, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0FU) | 0x40U);
    bytes[8] = (uint8_t)((bytes[8] & 0x3FU) | 0x80U);
    crypto_hex(hex, sizeof hex, bytes, sizeof bytes);
    (void)snprintf(text, GENERATE_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
    sodium_memzero(bytes, sizeof bytes);
    sodium_memzero(hex, sizeof hex);
}

int generate_value(const char *name, char text[GENERATE_SIZE], struct err *err)
{
    const struct generate_kind *kind = generate_find(name);
    uint8_t bytes[64];
    if (kind == NULL || kind->is_pair)
        return err_set(err, ERR_INPUT, "There is no generator of that name for a value.");
    randombytes_buf(bytes, sizeof bytes);
    if (strcmp(name, "base64-32") == 0)
        crypto_b64(text, GENERATE_SIZE, bytes, 32);
    else if (strcmp(name, "base64-64") == 0)
        crypto_b64(text, GENERATE_SIZE, bytes, 64);
    else if (strcmp(name, "hex-32") == 0)
        crypto_hex(text, GENERATE_SIZE, bytes, 32);
    else if (strcmp(name, "alnum-32") == 0)
        add_signs(text, 32, ALNUM);
    else if (strcmp(name, "uuid") == 0)
        make_uuid(text);
    else
        make_password(text);
    sodium_memzero(bytes, sizeof bytes);
    return 0;
}

/* --- Ed25519 --- */

/* All but the 32 bytes of the key is the same in each: the DER of the algorithm's name around it.
 */
static void write_pem(char pem[GENERATE_PEM_SIZE], const char *what, const uint8_t *der, size_t len)
{
    char body[CRYPTO_B64_SIZE(64)];
    crypto_b64(body, sizeof body, der, len);
    (void)snprintf(pem, GENERATE_PEM_SIZE, "-----BEGIN %s-----\n%s\n-----END %s-----\n", what, body,
                   what);
    sodium_memzero(body, sizeof body);
}

void generate_pair(char private_pem[GENERATE_PEM_SIZE], char public_pem[GENERATE_PEM_SIZE])
{
    uint8_t private_der[16 + 32] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                    0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
    uint8_t public_der[12 + 32] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                   0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    randombytes_buf(private_der + 16, 32);
    (void)crypto_sign_seed_keypair(public_der + 12, secret, private_der + 16);
    write_pem(private_pem, "PRIVATE KEY", private_der, sizeof private_der);
    write_pem(public_pem, "PUBLIC KEY", public_der, sizeof public_der);
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(private_der, sizeof private_der);
}

/* encode.c - bytes as text and back, by libsodium's constant-time codecs: what goes through here is
 * often a token or a key. A destination that is too small becomes "" (a bug of the caller, but not
 * one that writes past the end). */
#include "lib/crypto/crypto.h"

#include <limits.h>
#include <sodium.h>
#include <string.h>

void crypto_hex(char *text, size_t text_size, const void *bytes, size_t len)
{
    if (text_size == 0)
        return;
    text[0] = '\0';
    if (len <= (text_size - 1) / 2)
        (void)sodium_bin2hex(text, text_size, bytes, len);
}

bool crypto_unhex(const char *text, void *bytes, size_t len)
{
    size_t got = 0;

    if (len > SIZE_MAX / 4 || strnlen(text, 2 * len + 1) != 2 * len)
        return false;
    return sodium_hex2bin(bytes, len, text, 2 * len, NULL, &got, NULL) == 0 && got == len;
}

static void encode(char *text, size_t text_size, const void *bytes, size_t len, int variant)
{
    if (text_size == 0)
        return;
    text[0] = '\0';
    if (len < SIZE_MAX / 2 && sodium_base64_encoded_len(len, variant) <= text_size)
        (void)sodium_bin2base64(text, text_size, bytes, len, variant);
}

static int decode(const char *text, void *bytes, size_t max, int variant)
{
    size_t got = 0;

    if (sodium_base642bin(bytes, max, text, strlen(text), NULL, &got, NULL, variant) != 0
        || got > INT_MAX)
        return -1;
    return (int)got;
}

void crypto_b64url(char *text, size_t text_size, const void *bytes, size_t len)
{
    encode(text, text_size, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

int crypto_unb64url(const char *text, void *bytes, size_t max)
{
    return decode(text, bytes, max, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void crypto_b64(char *text, size_t text_size, const void *bytes, size_t len)
{
    encode(text, text_size, bytes, len, sodium_base64_VARIANT_ORIGINAL);
}

int crypto_unb64(const char *text, void *bytes, size_t max)
{
    return decode(text, bytes, max, sodium_base64_VARIANT_ORIGINAL);
}

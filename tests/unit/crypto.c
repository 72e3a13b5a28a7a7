/* Ids, hashes, MACs and encodings: known answers, and what must be refused. */
#include "tests/tap.h"

#include <string.h>

#include "lib/base/str.h"
#include "lib/crypto/crypto.h"

static const char *sha256_hex(const void *bytes, size_t len)
{
    static char hex[CRYPTO_HASH_HEX];
    uint8_t hash[CRYPTO_HASH_BYTES];

    crypto_sha256(bytes, len, hash);
    crypto_hex(hex, sizeof hex, hash, sizeof hash);
    return hex;
}

/* FIPS 180-2, appendix B. */
static void sha256_has_the_published_answers(void)
{
    CHECK_STR(sha256_hex("abc", 3),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_STR(sha256_hex("", 0),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void sha256_in_pieces_is_sha256(void)
{
    uint8_t whole[CRYPTO_HASH_BYTES], parts[CRYPTO_HASH_BYTES];
    static char bytes[100000];
    struct crypto_sha256_state state;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 31);
    crypto_sha256(bytes, sizeof bytes, whole);
    crypto_sha256_init(&state);
    for (size_t at = 0, step = 1; at < sizeof bytes; at += step, step = step * 3 % 4099 + 1) {
        if (step > sizeof bytes - at)
            step = sizeof bytes - at;
        crypto_sha256_add(&state, bytes + at, step);
    }
    crypto_sha256_end(&state, parts);
    CHECK(crypto_equal(whole, parts, sizeof whole));
}

static void ids_are_safe_words_and_differ(void)
{
    char a[CRYPTO_ID_SIZE], b[CRYPTO_ID_SIZE];
    bool seen[256] = {false};
    int different = 0;

    for (int i = 0; i < 2000; i++) {
        crypto_new_id(a);
        crypto_new_id(b);
        CHECK(crypto_is_id(a));
        CHECK(strcmp(a, b) != 0);
        for (const char *c = a; *c != '\0'; c++)
            seen[(unsigned char)*c] = true;
    }
    for (int c = 0; c < 256; c++)
        different += seen[c] ? 1 : 0;
    CHECK_INT(different, 32);
}

static void what_is_no_id_is_refused(void)
{
    static const char *const BAD[] = {"",
                                      "abc",
                                      "0123456789abcdefghjkmnpqr",
                                      "0123456789abcdefghjkmnpqrst",
                                      "0123456789ABCDEFGHJKMNPQRS",
                                      "0123456789abcdefghjkmnpqri",
                                      "0123456789abcdefghjkmnpqr/",
                                      "0123456789abcdefghjkmnpq\n0"};

    CHECK(crypto_is_id("0123456789abcdefghjkmnpqrs"));
    for (size_t i = 0; i < COUNT_OF(BAD); i++)
        CHECK(!crypto_is_id(BAD[i]));
}

static void tokens_are_256_random_bits_as_text(void)
{
    char a[CRYPTO_TOKEN_TEXT], b[CRYPTO_TOKEN_TEXT];
    uint8_t bytes[CRYPTO_TOKEN_BYTES];

    crypto_new_token(a);
    crypto_new_token(b);
    CHECK_INT(strlen(a), 43);
    CHECK(strcmp(a, b) != 0);
    CHECK_INT(crypto_unb64url(a, bytes, sizeof bytes), CRYPTO_TOKEN_BYTES);
}

static void a_mac_depends_on_key_purpose_and_message(void)
{
    uint8_t key[CRYPTO_KEY_BYTES] = {1}, other[CRYPTO_KEY_BYTES] = {2};
    uint8_t a[CRYPTO_MAC_BYTES], b[CRYPTO_MAC_BYTES];

    crypto_mac(key, "session", "x", 1, a);
    crypto_mac(key, "session", "x", 1, b);
    CHECK(crypto_equal(a, b, sizeof a));
    crypto_mac(other, "session", "x", 1, b);
    CHECK(!crypto_equal(a, b, sizeof a));
    crypto_mac(key, "sessio", "nx", 2, b); /* purpose and message must not run together */
    CHECK(!crypto_equal(a, b, sizeof a));
    crypto_mac(key, "csrf", "x", 1, b);
    CHECK(!crypto_equal(a, b, sizeof a));
}

static void hex_goes_both_ways_and_is_strict(void)
{
    char text[9];
    uint8_t bytes[4] = {0};

    crypto_hex(text, sizeof text, "\x00\xff\x10\xab", 4);
    CHECK_STR(text, "00ff10ab");
    CHECK(crypto_unhex("00FF10ab", bytes, 4) && memcmp(bytes, "\x00\xff\x10\xab", 4) == 0);
    CHECK(!crypto_unhex("00ff10a", bytes, 4));
    CHECK(!crypto_unhex("00ff10abcd", bytes, 4));
    CHECK(!crypto_unhex("00ff10ag", bytes, 4));
    CHECK(!crypto_unhex("00 f10ab", bytes, 4));
    CHECK(!crypto_unhex("", bytes, 4));
    crypto_hex(text, 8, "\x00\xff\x10\xab", 4); /* no room for the NUL */
    CHECK_STR(text, "");
}

/* RFC 4648, section 10. */
static void base64_has_the_published_answers(void)
{
    static const char *const PLAIN[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
    static const char *const CODED[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                        "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    char text[CRYPTO_B64_SIZE(6)], back[8];

    for (size_t i = 0; i < COUNT_OF(PLAIN); i++) {
        size_t len = strlen(PLAIN[i]);

        crypto_b64(text, sizeof text, PLAIN[i], len);
        CHECK_STR(text, CODED[i]);
        CHECK_INT(crypto_unb64(CODED[i], back, sizeof back), len);
        CHECK(memcmp(back, PLAIN[i], len) == 0);
        crypto_b64url(text, CRYPTO_B64_SIZE(len), PLAIN[i], len);
        CHECK(strchr(text, '=') == NULL);
        CHECK_INT(crypto_unb64url(text, back, sizeof back), len);
    }
    crypto_b64url(text, sizeof text, "\xFB\xEF\xFF", 3);
    CHECK_STR(text, "--__");
}

static void malformed_base64_is_refused(void)
{
    static const char *const BAD[] = {"Z",    "Zg=",  "Zg",    "Zm8=x",    "Zm9v\n",    " Zm9v",
                                      "Zm-v", "Zh==", "Zm9=v", "Zm9v====", "\xC3\xBC=="};
    char back[64];

    for (size_t i = 0; i < COUNT_OF(BAD); i++)
        CHECK_INT(crypto_unb64(BAD[i], back, sizeof back), -1);
    CHECK_INT(crypto_unb64url("Zg==", back, sizeof back), -1);
    CHECK_INT(crypto_unb64url("Zm+v", back, sizeof back), -1);
    CHECK_INT(crypto_unb64("Zm9vYmFy", back, 5), -1); /* no room */
}

static void comparing_and_wiping(void)
{
    char bytes[4] = {'a', 'b', 'c', 'd'};

    CHECK(crypto_equal("abcd", bytes, 4) && !crypto_equal("abce", bytes, 4));
    CHECK(crypto_equal("", "", 0));
    crypto_wipe(bytes, sizeof bytes);
    CHECK(crypto_equal("\0\0\0\0", bytes, 4));
}

int main(void)
{
    if (crypto_start(NULL) != 0)
        return 1;
    TAP_RUN(sha256_has_the_published_answers);
    TAP_RUN(sha256_in_pieces_is_sha256);
    TAP_RUN(ids_are_safe_words_and_differ);
    TAP_RUN(what_is_no_id_is_refused);
    TAP_RUN(tokens_are_256_random_bits_as_text);
    TAP_RUN(a_mac_depends_on_key_purpose_and_message);
    TAP_RUN(hex_goes_both_ways_and_is_strict);
    TAP_RUN(base64_has_the_published_answers);
    TAP_RUN(malformed_base64_is_refused);
    TAP_RUN(comparing_and_wiping);
    return tap_done();
}

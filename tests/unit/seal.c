/* Sealing and the vault: what was sealed opens with the right key, in the right place, unchanged,
 * and in no other case. */
#include "tests/tap.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/crypto/crypto.h"
#include "lib/crypto/unseal.h"

static void a_sealed_value_opens_only_unaltered_and_with_its_key(void)
{
    uint8_t public_key[SEAL_KEY_BYTES], secret[SEAL_KEY_BYTES], other_public[SEAL_KEY_BYTES],
        other[SEAL_KEY_BYTES];
    uint8_t box[5 + SEAL_OVERHEAD], again[5 + SEAL_OVERHEAD], plain[5];
    struct err err = {0};

    unseal_keypair(public_key, secret);
    unseal_keypair(other_public, other);
    CHECK(seal_to(public_key, "a\0'$(", 5, box, &err) == 0);
    CHECK(seal_to(public_key, "a\0'$(", 5, again, &err) == 0);
    CHECK(memcmp(box, again, sizeof box) != 0);
    CHECK(unseal_open(public_key, secret, box, sizeof box, plain, &err) == 0);
    CHECK(memcmp(plain, "a\0'$(", 5) == 0);
    CHECK(unseal_open(other_public, other, box, sizeof box, plain, &err) == -1);
    CHECK_INT(err.code, ERR_INPUT);
    for (size_t i = 0; i < sizeof box; i++) {
        box[i] ^= 1;
        CHECK(unseal_open(public_key, secret, box, sizeof box, plain, &err) == -1);
        box[i] ^= 1;
    }
    for (size_t len = 0; len < sizeof box; len++)
        CHECK(unseal_open(public_key, secret, box, len, plain, &err) == -1);
}

static void a_mebibyte_and_nothing_can_be_sealed(void)
{
    size_t len = 1 << 20;
    uint8_t public_key[SEAL_KEY_BYTES], secret[SEAL_KEY_BYTES], box[SEAL_OVERHEAD];
    uint8_t *plain = malloc(len), *sealed = malloc(len + SEAL_OVERHEAD), *back = malloc(len);

    unseal_keypair(public_key, secret);
    if (plain != NULL && sealed != NULL && back != NULL) {
        crypto_random(plain, len);
        CHECK(seal_to(public_key, plain, len, sealed, NULL) == 0);
        CHECK(unseal_open(public_key, secret, sealed, len + SEAL_OVERHEAD, back, NULL) == 0);
        CHECK(memcmp(plain, back, len) == 0);
        CHECK(seal_to(public_key, "", 0, box, NULL) == 0);
        CHECK(unseal_open(public_key, secret, box, sizeof box, back, NULL) == 0);
    }
    free(plain);
    free(sealed);
    free(back);
}

static void a_stored_value_opens_only_where_it_belongs(void)
{
    uint8_t key[32] = {7}, wrong[32] = {8}, stored[6 + VAULT_OVERHEAD], plain[6];
    struct err err = {0};

    vault_encrypt(key, "secret", 6, "secret_value|env1|3|TOKEN", stored);
    CHECK(vault_decrypt(key, stored, sizeof stored, "secret_value|env1|3|TOKEN", plain, &err) == 0);
    CHECK(memcmp(plain, "secret", 6) == 0);
    CHECK(vault_decrypt(key, stored, sizeof stored, "secret_value|env2|3|TOKEN", plain, &err)
          == -1);
    CHECK_INT(err.code, ERR_INTERNAL);
    CHECK(vault_decrypt(wrong, stored, sizeof stored, "secret_value|env1|3|TOKEN", plain, &err)
          == -1);
    for (size_t i = 0; i < sizeof stored; i++) {
        stored[i] ^= 0x80;
        CHECK(vault_decrypt(key, stored, sizeof stored, "secret_value|env1|3|TOKEN", plain, &err)
              == -1);
        stored[i] ^= 0x80;
    }
    for (size_t len = 0; len < sizeof stored; len++)
        CHECK(vault_decrypt(key, stored, len, "secret_value|env1|3|TOKEN", plain, &err) == -1);
}

static void a_password_verifies_against_its_own_verifier_only(void)
{
    char verifier[PASSWORD_VERIFIER_SIZE], second[PASSWORD_VERIFIER_SIZE];

    CHECK(password_hash("correct horse", 13, verifier, NULL) == 0);
    CHECK(password_hash("correct horse", 13, second, NULL) == 0);
    CHECK(strncmp(verifier, "$argon2id$v=19$m=65536,t=2,p=1$", 31) == 0);
    CHECK(strcmp(verifier, second) != 0);
    CHECK(password_verify(verifier, "correct horse", 13));
    CHECK(!password_verify(verifier, "correct horsf", 13));
    CHECK(!password_verify(verifier, "correct horse", 12));
    CHECK(!password_verify(verifier, "", 0));
}

static void a_damaged_verifier_verifies_nothing(void)
{
    static const char *const BAD[] = {"", "x", "$argon2id$", "plain text password",
                                      "$argon2id$v=19$m=65536,t=2,p=1$$"};
    char huge[1000];

    memset(huge, '$', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    for (size_t i = 0; i < COUNT_OF(BAD); i++)
        CHECK(!password_verify(BAD[i], BAD[i], strlen(BAD[i])));
    CHECK(!password_verify(huge, "x", 1));
}

/* The dummy must do the whole work, else response times tell who exists. */
static void an_unknown_user_takes_as_long_as_a_known_one(void)
{
    char verifier[PASSWORD_VERIFIER_SIZE];
    int64_t known, unknown, start;

    CHECK(password_hash("correct horse", 13, verifier, NULL) == 0);
    start = clock_mono_ms();
    for (int i = 0; i < 3; i++)
        CHECK(!password_verify(verifier, "wrong", 5));
    known = clock_mono_ms() - start;
    start = clock_mono_ms();
    for (int i = 0; i < 3; i++)
        CHECK(!password_verify(NULL, "wrong", 5));
    unknown = clock_mono_ms() - start;
    CHECK(unknown * 4 > known);
}

static void a_signature_covers_every_bit(void)
{
    uint8_t public_key[SIGN_PUBLIC_BYTES], secret[SIGN_SECRET_BYTES], signature[SIGN_BYTES];
    char message[] = "windlass-audit-head-v1\nx\n1\n";

    sign_keypair(public_key, secret);
    sign_detached(secret, message, sizeof message, signature);
    CHECK(sign_verify(public_key, message, sizeof message, signature));
    message[3] ^= 1;
    CHECK(!sign_verify(public_key, message, sizeof message, signature));
    message[3] ^= 1;
    signature[0] ^= 1;
    CHECK(!sign_verify(public_key, message, sizeof message, signature));
    signature[0] ^= 1;
    public_key[0] ^= 1;
    CHECK(!sign_verify(public_key, message, sizeof message, signature));
}

int main(void)
{
    if (crypto_start(NULL) != 0)
        return 1;
    TAP_RUN(a_sealed_value_opens_only_unaltered_and_with_its_key);
    TAP_RUN(a_mebibyte_and_nothing_can_be_sealed);
    TAP_RUN(a_stored_value_opens_only_where_it_belongs);
    TAP_RUN(a_password_verifies_against_its_own_verifier_only);
    TAP_RUN(a_damaged_verifier_verifies_nothing);
    TAP_RUN(an_unknown_user_takes_as_long_as_a_known_one);
    TAP_RUN(a_signature_covers_every_bit);
    return tap_done();
}

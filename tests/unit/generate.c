/* generate.c - claims about generated secrets: their form, that they are spread evenly, and that
 * openssl takes the key pairs for its own. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/crypto/generate.h"
#include "tests/tap.h"

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static char folder[64];

static bool is_made_of(const char *text, size_t len, const char *signs)
{
    return strlen(text) == len && strspn(text, signs) == len;
}

static void each_value_has_the_form_and_length_it_is_offered_with(void)
{
    size_t count;
    const struct generate_kind *kinds = generate_kinds(&count);
    char text[GENERATE_SIZE], again[GENERATE_SIZE];
    uint8_t bytes[64];
    CHECK_INT(count, 7);
    for (size_t i = 0; i < count; i++) {
        CHECK(generate_find(kinds[i].name) == kinds + i && kinds[i].label[0] != '\0');
        if (kinds[i].is_pair)
            continue;
        CHECK(generate_value(kinds[i].name, text, NULL) == 0);
        CHECK(generate_value(kinds[i].name, again, NULL) == 0);
        CHECK_INT(strlen(text), kinds[i].length);
        CHECK(strcmp(text, again) != 0);
    }
    CHECK(generate_value("base64-32", text, NULL) == 0 && crypto_unb64(text, bytes, 64) == 32);
    CHECK(generate_value("base64-64", text, NULL) == 0 && crypto_unb64(text, bytes, 64) == 64);
    CHECK(generate_value("hex-32", text, NULL) == 0 && crypto_unhex(text, bytes, 32));
    CHECK(generate_value("alnum-32", text, NULL) == 0 && is_made_of(text, 32, ALNUM));
    CHECK(generate_value("password", text, NULL) == 0 && strpbrk(text, "0O1lI") == NULL);
    CHECK(is_made_of(text, 24, ALNUM "-") && text[4] == '-' && text[19] == '-');
    for (int i = 0; i < 100; i++) {
        CHECK(generate_value("uuid", text, NULL) == 0 && is_made_of(text, 36, "0123456789abcdef-"));
        CHECK(text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-');
        CHECK(text[14] == '4' && strchr("89ab", text[19]) != NULL);
    }
}

static void other_names_are_refused(void)
{
    struct err err = {0};
    char text[GENERATE_SIZE];
    CHECK(generate_find("") == NULL && generate_find("rot13") == NULL);
    CHECK(generate_value("rot13", text, &err) != 0 && err.code == ERR_INPUT);
    CHECK(generate_value("ed25519", text, &err) != 0);
}

/* 64,000 signs over 62: each comes 1032 times, give or take 32. One that a modulus prefers would
 * come a quarter more often: eight times that. */
static void signs_are_spread_evenly(void)
{
    int seen[128] = {0};
    char text[GENERATE_SIZE];
    for (int i = 0; i < 2000; i++) {
        CHECK(generate_value("alnum-32", text, NULL) == 0);
        for (const char *c = text; *c != '\0'; c++)
            seen[(unsigned char)*c & 127]++;
    }
    for (const char *c = ALNUM; *c != '\0'; c++)
        CHECK(seen[(unsigned char)*c] > 1032 - 200 && seen[(unsigned char)*c] < 1032 + 200);
}

/* What a command prints, with `input` on its standard input. */
static int run(const char *command, const char *input, char *out, size_t size)
{
    char path[100], line[400];
    size_t got;
    int status;
    snprintf(path, sizeof path, "%s/in", folder);
    FILE *file = fopen(path, "we");
    fputs(input, file);
    fclose(file);
    snprintf(line, sizeof line, "%s <%s >%s/out 2>/dev/null", command, path, folder);
    status = system(line);
    snprintf(path, sizeof path, "%s/out", folder);
    file = fopen(path, "re");
    got = fread(out, 1, size - 1, file);
    fclose(file);
    out[got] = '\0';
    return status;
}

static void openssl_takes_the_pair_for_its_own(void)
{
    char private_pem[GENERATE_PEM_SIZE], public_pem[GENERATE_PEM_SIZE], out[2000], own[2000];
    if (run("openssl genpkey -algorithm ed25519", "", own, sizeof own) != 0)
        SKIP("there is no openssl with ed25519 on this machine");
    for (int i = 0; i < 5; i++) {
        generate_pair(private_pem, public_pem);
        CHECK(run("openssl pkey", private_pem, out, sizeof out) == 0);
        CHECK_STR(out, private_pem);
        CHECK(run("openssl pkey -pubout", private_pem, out, sizeof out) == 0);
        CHECK_STR(out, public_pem);
        CHECK(run("openssl pkey -pubin", public_pem, out, sizeof out) == 0);
        CHECK_STR(out, public_pem);
    }
    /* All but the key itself is as openssl's own: header, DER in front (16 bytes: 21 signs), end.
     */
    CHECK_INT(strlen(own), strlen(private_pem));
    CHECK(memcmp(own, private_pem, 28 + 21) == 0);
    CHECK_STR(own + 28 + 64, private_pem + 28 + 64);
}

static void a_pair_is_never_the_same(void)
{
    char one[GENERATE_PEM_SIZE], two[GENERATE_PEM_SIZE], public_pem[GENERATE_PEM_SIZE];
    generate_pair(one, public_pem);
    generate_pair(two, public_pem);
    CHECK(strcmp(one, two) != 0);
    CHECK(str_starts(one, "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI"));
    CHECK(str_starts(public_pem, "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA"));
    CHECK(str_ends(public_pem, "\n-----END PUBLIC KEY-----\n"));
}

int main(void)
{
    struct err err = {0};
    snprintf(folder, sizeof folder, "/tmp/wl-generate-XXXXXX");
    if (crypto_start(&err) != 0 || mkdtemp(folder) == NULL)
        return 1;
    TAP_RUN(each_value_has_the_form_and_length_it_is_offered_with);
    TAP_RUN(other_names_are_refused);
    TAP_RUN(signs_are_spread_evenly);
    TAP_RUN(openssl_takes_the_pair_for_its_own);
    TAP_RUN(a_pair_is_never_the_same);
    char path[100];
    snprintf(path, sizeof path, "%s/in", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/out", folder);
    unlink(path);
    rmdir(folder);
    return tap_done();
}

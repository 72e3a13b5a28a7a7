/* secret_lint.c - claims about the hints at values. */
#include <string.h>
#include "lib/crypto/crypto.h"
#include "lib/crypto/generate.h"
#include "lib/domain/secret_lint.h"
#include "tests/tap.h"

static const struct row {
    const char *key, *value;
    unsigned bits;
} ROWS[] = {
    {"PORT", "3000", 0},
    {"NODE_ENV", "production", 0},
    {"LOG_LEVEL", "info", 0},
    {"DEBUG", "false", 0},
    {"NAME", "", 0},
    {"TOKEN_TTL", "3600", 0},
    {"TOKEN_URL", "https://a.example/token", 0},
    {"PASSWORD_FILE", "/run/secrets/pw", 0},
    {"AWS_ACCESS_KEY_ID", "AKIA1", 0},
    {"VAPID_PUBLIC_KEY", "BM1", 0},
    {"CSRF_TOKEN_REQUIRED", "true", 0},
    {"USE_TOKEN", "true", 0},
    {"MONKEY", "see", 0},
    {"API_TOKEN", "q8Zr1vT0pLx5Wd3K", 0},
    {"GREETING", "Gr\xc3\xbc\xc3\x9f Gott", 0},
    {"A", "changeme", SECRET_LINT_PLACEHOLDER},
    {"A", "Change Me", SECRET_LINT_PLACEHOLDER},
    {"A", "please_change_me_now", SECRET_LINT_PLACEHOLDER},
    {"A", "xxxx", SECRET_LINT_PLACEHOLDER},
    {"A", "xxxx-xxxx", SECRET_LINT_PLACEHOLDER},
    {"A", "<password>", SECRET_LINT_PLACEHOLDER},
    {"A", "{{ password }}", SECRET_LINT_PLACEHOLDER},
    {"A", "your-api-key-here", SECRET_LINT_PLACEHOLDER},
    {"A", "YOUR_SECRET", SECRET_LINT_PLACEHOLDER},
    {"A", "todo", SECRET_LINT_PLACEHOLDER},
    {"A", "...", SECRET_LINT_PLACEHOLDER},
    {"A", "postgres://app:password@db/app", SECRET_LINT_PLACEHOLDER},
    {"A", "xmas", 0},
    {"A", "yourself", 0},
    {"A", " x", SECRET_LINT_SPACE},
    {"A", "x\n", SECRET_LINT_SPACE},
    {"A", "x\t", SECRET_LINT_SPACE},
    {"A", " ", SECRET_LINT_SPACE},
    {"A", "\xe2\x80\x9cx\xe2\x80\x9d", SECRET_LINT_LOOKALIKE},
    {"A", "it\xe2\x80\x99s", SECRET_LINT_LOOKALIKE},
    {"A",
     "a\xc2\xa0"
     "b",
     SECRET_LINT_LOOKALIKE},
    {"A",
     "a\xe2\x80\x8b"
     "b",
     SECRET_LINT_LOOKALIKE},
    {"A",
     "\xef\xbb\xbf"
     "b",
     SECRET_LINT_LOOKALIKE},
    {"A", "\xe2\x80\x93x", SECRET_LINT_LOOKALIKE},
    {"API_TOKEN", "short", SECRET_LINT_WEAK},
    {"db_password", "hunter22", SECRET_LINT_WEAK},
    {"STRIPE_KEY", "", SECRET_LINT_WEAK},
    {"APP_SECRET", "aaaaaaaaaaaaaaaaaaaaaaaa", SECRET_LINT_WEAK},
    {"APP_SECRET", "abcdabcdabcdabcdabcd", SECRET_LINT_WEAK},
    {"APP_SECRET", "abcdefghijklmnopqrstuvwxyz", SECRET_LINT_WEAK},
    {"APP_SECRET", "12345678901234567890", SECRET_LINT_WEAK},
    {"SECRET_KEY_BASE", "q8Zr1vT0pLx5Wd3Kq8Zr1vT0pLx5Wd3x", SECRET_LINT_WEAK},
    {"URL", "postgres://u:p@ss@host/db", SECRET_LINT_URL},
    {"URL", "postgres://u:p ss@host/db", SECRET_LINT_URL},
    {"URL", "postgres://u:p/ss@host/db", SECRET_LINT_URL},
    {"URL", "postgres://u:p%40ss@host:5432/db", 0},
    {"URL", "https://host:8080/a@b", 0},
    {"URL", "https://host/a@b?c=d@e", 0},
    {"URL", "mail to: u@x://y@z@", 0},
    {"KEY_PEM", "-----BEGIN PRIVATE KEY-----\\nMII\\n-----END PRIVATE KEY-----", SECRET_LINT_PEM},
    {"KEY_PEM", "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n", 0},
    {"A", "\"x\"", SECRET_LINT_QUOTED},
    {"A", "'x'", SECRET_LINT_QUOTED},
    {"A", "\"", 0},
    {"A", "'x\"", 0},
};

static void each_value_gets_its_hints_and_no_other(void)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        unsigned bits = secret_lint(ROWS[i].key, ROWS[i].value, strlen(ROWS[i].value));
        if (bits != ROWS[i].bits)
            printf("# %s=%s\n", ROWS[i].key, ROWS[i].value);
        CHECK_INT(bits, ROWS[i].bits);
    }
}

static void hints_add_up(void)
{
    CHECK_INT(secret_lint("DB_PASSWORD", "changeme ", 9),
              SECRET_LINT_PLACEHOLDER | SECRET_LINT_SPACE | SECRET_LINT_WEAK);
}

static void what_the_generators_make_is_never_called_weak(void)
{
    size_t count;
    const struct generate_kind *kinds = generate_kinds(&count);
    for (int round = 0; round < 200; round++)
        for (size_t i = 0; i < count; i++) {
            char value[GENERATE_SIZE];
            const char *key = kinds[i].length >= 64 ? "SECRET_KEY_BASE" : "APP_SECRET";
            if (!kinds[i].is_pair)
                CHECK(generate_value(kinds[i].name, value, NULL) == 0
                      && secret_lint(key, value, strlen(value)) == 0);
        }
}

static void each_bit_has_one_rule_with_words(void)
{
    size_t count;
    const struct secret_lint_rule *rules = secret_lint_rules(&count);
    unsigned bits = 0;
    for (size_t i = 0; i < count; i++) {
        CHECK((bits & rules[i].bit) == 0 && rules[i].code[0] != '\0'
              && rules[i].sentence[0] != '\0');
        bits |= rules[i].bit;
    }
    CHECK_INT(count, 7);
    CHECK_INT(bits, 127);
    CHECK_STR(secret_lint_severity_name(SECRET_LINT_WARN), "warn");
    CHECK_STR(secret_lint_severity_name(SECRET_LINT_NOTE), "note");
}

/* In a block of its exact size, so that a sanitizer sees one byte too far. */
static void any_bytes_may_be_looked_at(void)
{
    static const char alphabet[] = "://@-BEGIN \\n\"'x\xe2\x80\x9c\xc2\xa0\0\xff#?your";
    unsigned seed = 5;
    for (int round = 0; round < 20000; round++) {
        size_t len = (size_t)round % 40;
        char *bytes = malloc(len > 0 ? len : 1);
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525U + 1013904223U;
            bytes[i] = alphabet[(seed >> 8) % (sizeof alphabet - 1)];
        }
        CHECK(secret_lint("X_SECRET", bytes, len) <= 127);
        free(bytes);
    }
}

int main(void)
{
    struct err err = {0};
    if (crypto_start(&err) != 0)
        return 1;
    TAP_RUN(each_value_gets_its_hints_and_no_other);
    TAP_RUN(hints_add_up);
    TAP_RUN(what_the_generators_make_is_never_called_weak);
    TAP_RUN(each_bit_has_one_rule_with_words);
    TAP_RUN(any_bytes_may_be_looked_at);
    return tap_done();
}

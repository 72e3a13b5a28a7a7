/* vault_faults.c - somebody writes into vault.db: every byte of a ciphertext, rows swapped within a
 * set, between sets and environments, cut, emptied, removed. Nothing of it is ever a wrong value;
 * the sentence names the key, also where a deploy asks for the whole set. */
#include "tests/db/ask_fixture.h"
#include "tests/db/vault_fixture.h"
#include "worker/secret_values.h"

#define ROW_2 "environment_id = '" ENV "' AND number = 2"
#define ROW_1 "environment_id = '" ENV "' AND number = 1"

/* A set in both databases, as the editor saves it. */
static void save_set(struct asking *a, const char *env, int number, const char *password,
                     const char *token)
{
    struct secret_value values[] = {{"DB_PASSWORD", password, strlen(password)},
                                    {"API_KEY", token, strlen(token)}};
    char text[1200];

    MUST(vault_put_secrets(a->f.vault, env, number, values, 2, &fixture_err));
    snprintf(text, sizeof text,
             "INSERT INTO secret_set (environment_id, number, created_by, created_at) "
             "VALUES ('%s', %d, " ANN ", 1);"
             "INSERT INTO secret_entry (environment_id, number, position, key, kind, fingerprint, "
             "size_bytes, changed_in) VALUES "
             "('%s', %d, 0, 'DB_PASSWORD', 'secret', zeroblob(32), %zu, %d), "
             "('%s', %d, 1, 'API_KEY', 'write_only', zeroblob(32), %zu, %d)",
             env, number, env, number, strlen(password), number, env, number, strlen(token),
             number);
    sql(a, text);
}

/* All values have one length: nothing is refused because of that alone. */
static void start(struct asking *a)
{
    asking_with_environment(a);
    save_set(a, ENV, 1, "the old password", "the old api token");
    save_set(a, ENV, 2, "the new password", "the new api token");
    save_set(a, ENV2, 2, "of another place", "of another place!");
}

static void forge(struct asking *a, const char *text)
{
    CHECK_INT(fixture_sql(a->f.vault_path, text), 0);
}

/* One value by itself is refused, names its key and leaves nothing behind. */
static bool is_refused(struct asking *a, const char *key)
{
    struct err err = {0};
    struct buf out;
    bool refused_well;

    buf_init(&out, 1000);
    refused_well = vault_get_secret(a->f.vault, ENV, 2, key, &out, &err) == -1 && out.len == 0
                   && strstr(err.user, key) != NULL && strstr(err.user, "s2") != NULL;
    if (!refused_well)
        printf("# %s: \"%s\" [%s] %s\n", key, err.user, err.detail, out.data);
    buf_deinit(&out);
    return refused_well;
}

/* The set as a deploy reads it, and what is hidden in logs: refused as a whole, by name. */
static bool set_is_refused(struct asking *a, const char *key)
{
    struct secret_values values;
    struct err err = {0}, mask = {0};
    bool refused_well =
        secret_values_of_set(a->f.shared, a->f.vault, ENV, 2, &values, &err) == -1
        && values.items == NULL && values.count == 0 && strstr(err.user, key) != NULL
        && secret_values_to_mask(a->f.shared, a->f.vault, ENV, 2, &values, &mask) == -1
        && strstr(mask.user, key) != NULL;

    if (!refused_well)
        printf("# set, %s: \"%s\" \"%s\"\n", key, err.user, mask.user);
    return refused_well;
}

static bool is_read(struct asking *a, const char *key, const char *want)
{
    return holds(a->f.vault, ENV, 2, key, want, strlen(want));
}

static void check_refused(const char *text, const char *key, const char *untouched)
{
    struct asking a;

    start(&a);
    forge(&a, text);
    CHECK(is_refused(&a, key));
    CHECK(set_is_refused(&a, key));
    if (untouched != NULL)
        CHECK(
            is_read(&a, untouched,
                    strcmp(untouched, "API_KEY") == 0 ? "the new api token" : "the new password"));
    fixture_end(&a.f);
}

static void without_a_forgery_everything_is_read(void)
{
    struct asking a;
    struct secret_values values;

    start(&a);
    CHECK(is_read(&a, "DB_PASSWORD", "the new password"));
    CHECK(is_read(&a, "API_KEY", "the new api token"));
    CHECK(secret_values_of_set(a.f.shared, a.f.vault, ENV, 2, &values, NULL) == 0);
    CHECK_INT(values.count, 2);
    secret_values_free(&values);
    asking_end(&a);
}

struct column {
    const char *table, *name, *where;
};

/* Change one byte of a ciphertext; the same again changes it back. Its length. */
static size_t flip(struct asking *a, const struct column *column, size_t at, uint8_t mask)
{
    char text[900], forged[501], *hex;
    uint8_t bytes[250];
    size_t len;

    snprintf(text, sizeof text, "SELECT hex(%s) FROM %s WHERE %s", column->name, column->table,
             column->where);
    hex = ask_file(a->f.vault_path, text);
    len = strcspn(hex, "\n") / 2;
    hex[2 * len] = '\0';
    MUST(len > sizeof bytes || at >= len || !crypto_unhex(hex, bytes, len));
    bytes[at] ^= mask;
    crypto_hex(forged, sizeof forged, bytes, len);
    snprintf(text, sizeof text, "UPDATE %s SET %s = x'%s' WHERE %s", column->table, column->name,
             forged, column->where);
    forge(a, text);
    free(hex);
    return len;
}

/* Nonce, ciphertext and tag: every position, one bit and all bits. */
static void every_byte_of_a_value_counts(void)
{
    static const struct column VALUE = {"secret_value", "value_ct", ROW_2 " AND key = 'API_KEY'"};
    static const uint8_t MASKS[] = {0x01, 0xff};
    const size_t len = VAULT_OVERHEAD + strlen("the new api token");
    struct asking a;

    start(&a);
    for (size_t at = 0; at < len; at++)
        for (size_t i = 0; i < COUNT_OF(MASKS); i++) {
            CHECK_INT(flip(&a, &VALUE, at, MASKS[i]), len);
            CHECK(is_refused(&a, "API_KEY"));
            CHECK(set_is_refused(&a, "API_KEY"));
            flip(&a, &VALUE, at, MASKS[i]);
        }
    CHECK(is_read(&a, "API_KEY", "the new api token")); /* it was the flips */
    asking_end(&a);
}

/* A wrong data key opens nothing of its environment; the sentence names the value asked for. */
static void every_byte_of_a_data_key_counts(void)
{
    static const struct column KEY = {"data_key", "secret_ct", "environment_id = '" ENV "'"};
    const size_t len = VAULT_OVERHEAD + CRYPTO_KEY_BYTES;
    struct asking a;

    start(&a);
    for (size_t at = 0; at < len; at++) {
        CHECK_INT(flip(&a, &KEY, at, 0x10), len);
        CHECK(is_refused(&a, "DB_PASSWORD"));
        flip(&a, &KEY, at, 0x10);
    }
    CHECK(is_read(&a, "DB_PASSWORD", "the new password"));
    asking_end(&a);
}

static void two_rows_of_a_set_swapped_are_both_refused(void)
{
    static const char SWAP[] =
        "CREATE TEMP TABLE t AS SELECT key, value_ct FROM secret_value WHERE " ROW_2 ";"
        "UPDATE secret_value SET value_ct = (SELECT value_ct FROM t WHERE t.key <> "
        "secret_value.key) WHERE " ROW_2;

    check_refused(SWAP, "DB_PASSWORD", NULL);
    {
        struct asking a;

        start(&a);
        forge(&a, SWAP);
        CHECK(is_refused(&a, "API_KEY"));
        asking_end(&a);
    }
}

static void the_row_of_an_old_set_is_refused_in_the_new_one(void)
{
    check_refused(
        "UPDATE secret_value SET value_ct = (SELECT value_ct FROM secret_value WHERE " ROW_1
        " AND key = 'DB_PASSWORD') WHERE " ROW_2 " AND key = 'DB_PASSWORD'",
        "DB_PASSWORD", "API_KEY");
    /* The whole old set, renumbered. */
    check_refused("DELETE FROM secret_value WHERE " ROW_2
                  "; UPDATE secret_value SET number = 2 WHERE " ROW_1,
                  "DB_PASSWORD", NULL);
}

static void the_row_of_another_environment_is_refused(void)
{
    check_refused("UPDATE secret_value SET value_ct = (SELECT value_ct FROM secret_value WHERE "
                  "environment_id = '" ENV2 "' AND number = 2 AND key = 'API_KEY') WHERE " ROW_2
                  " AND key = 'API_KEY'",
                  "API_KEY", "DB_PASSWORD");
    /* With its data key. */
    check_refused("UPDATE secret_value SET value_ct = (SELECT value_ct FROM secret_value WHERE "
                  "environment_id = '" ENV2 "' AND number = 2 AND key = 'API_KEY') WHERE " ROW_2
                  " AND key = 'API_KEY'; UPDATE data_key SET secret_ct = (SELECT secret_ct FROM "
                  "data_key WHERE environment_id = '" ENV2 "') WHERE environment_id = '" ENV "'",
                  "DB_PASSWORD", NULL);
    /* Both rows renamed to us. */
    check_refused("DELETE FROM secret_value WHERE " ROW_2 "; DELETE FROM data_key WHERE "
                  "environment_id = '" ENV "'; UPDATE secret_value SET environment_id = '" ENV
                  "' WHERE environment_id = '" ENV2 "'; UPDATE data_key SET environment_id = '" ENV
                  "' WHERE environment_id = '" ENV2 "'",
                  "DB_PASSWORD", NULL);
}

static void cut_emptied_prolonged_and_removed_rows_are_refused(void)
{
    static const char *const SHORTER[] = {"substr(value_ct, 1, length(value_ct) - 1)",
                                          "substr(value_ct, 2)",
                                          "substr(value_ct, 1, 40)",
                                          "substr(value_ct, 1, 39)",
                                          "substr(value_ct, 1, 24)",
                                          "substr(value_ct, 1, 1)",
                                          "x''",
                                          "CAST(value_ct || x'00' AS BLOB)"};
    char text[300];

    for (size_t i = 0; i < COUNT_OF(SHORTER); i++) {
        snprintf(text, sizeof text,
                 "UPDATE secret_value SET value_ct = %s WHERE " ROW_2 " AND key = 'DB_PASSWORD'",
                 SHORTER[i]);
        check_refused(text, "DB_PASSWORD", "API_KEY");
    }
    check_refused("DELETE FROM secret_value WHERE " ROW_2 " AND key = 'API_KEY'", "API_KEY",
                  "DB_PASSWORD");
    check_refused("DELETE FROM data_key", "DB_PASSWORD", NULL);
}

/* They are no values, but the dashboard must not start with a wrong one. */
static void a_changed_byte_in_the_dashboards_own_keys_is_refused_at_the_start(void)
{
    static const char *const WHERE[] = {"name = 'instance'", "name = 'seal'", "name = 'audit'",
                                        "name = 'session'", "name = 'fingerprint'"};
    struct asking a;
    struct vault *vault = NULL;

    start(&a);
    for (size_t i = 0; i < COUNT_OF(WHERE); i++)
        for (size_t at = 0; at < 66; at += 5) { /* in nonce, ciphertext and tag */
            const struct column key = {"keyring", "secret_ct", WHERE[i]};
            struct err err = {0};

            flip(&a, &key, at, 0x04);
            CHECK(vault_open(a.f.var, DB_ROLE_WORKER, &vault, &err) == -1);
            CHECK_INT(err.code, ERR_CONFLICT);
            flip(&a, &key, at, 0x04);
        }
    CHECK(vault_open(a.f.var, DB_ROLE_WORKER, &vault, NULL) == 0);
    vault_close(vault);
    asking_end(&a);
}

int main(void)
{
    TAP_RUN(without_a_forgery_everything_is_read);
    TAP_RUN(every_byte_of_a_value_counts);
    TAP_RUN(every_byte_of_a_data_key_counts);
    TAP_RUN(two_rows_of_a_set_swapped_are_both_refused);
    TAP_RUN(the_row_of_an_old_set_is_refused_in_the_new_one);
    TAP_RUN(the_row_of_another_environment_is_refused);
    TAP_RUN(cut_emptied_prolonged_and_removed_rows_are_refused);
    TAP_RUN(a_changed_byte_in_the_dashboards_own_keys_is_refused_at_the_start);
    return tap_done();
}

/* registry_logins.c - what a deploy gets for the names in its settings, and that it gets nothing
 * when a name is wrong or when somebody altered a row. */
#include "tests/db/registry_fixture.h"

/* --- names that a deploy cannot have --- */

static void a_missing_registry_is_named(void)
{
    struct asking a;

    asking_start(&a);
    added(&a, "team", "ghcr.example", "p");
    CHECK(strstr(load_refused(&a, "team gone", ERR_NOT_FOUND), "gone") != NULL);
    load_refused(&a, " ", ERR_NOT_FOUND);
    load_refused(&a, "team ", ERR_NOT_FOUND);
    load_refused(&a, "../team", ERR_NOT_FOUND);
    load_refused(&a, "team' OR 1=1 --", ERR_NOT_FOUND);
    asking_end(&a);
}

static void two_accounts_for_one_host_are_refused(void)
{
    struct asking a;
    const char *sentence;

    asking_start(&a);
    added(&a, "team", "ghcr.example", "p");
    added(&a, "shop", "ghcr.example", "q");
    sentence = load_refused(&a, "team shop", ERR_INPUT);
    CHECK(strstr(sentence, "team and shop") != NULL && strstr(sentence, "ghcr.example") != NULL);
    load_refused(&a, "team team", ERR_INPUT);
    check_login(&a, "shop", "robot", "q");
    asking_end(&a);
}

/* --- somebody altered a row --- */

static void a_password_leaves_only_for_the_host_and_login_it_was_stored_for(void)
{
    struct asking a;
    const char *id;

    asking_start(&a);
    id = added(&a, "team", "ghcr.example", "p");
    sql(&a, "UPDATE registry SET host = 'evil.example'");
    CHECK(strstr(load_refused(&a, "team", ERR_CONFLICT), "team") != NULL);
    sql(&a, "UPDATE registry SET host = 'ghcr.example', login = 'eve'");
    load_refused(&a, "team", ERR_CONFLICT);
    sql(&a, "UPDATE registry SET host = 'ghcr.example' || char(10) || 'x', login = 'robot'");
    load_refused(&a, "team", ERR_CONFLICT);
    sql(&a, "UPDATE registry SET host = 'ghcr.example', password_number = 2");
    load_refused(&a, "team", ERR_NOT_FOUND);
    sql(&a, "UPDATE registry SET password_number = 1");
    check_login(&a, "team", "robot", "p");
    sql(&a, "UPDATE registry SET host = 'mended.example'");
    must_be_ok(change(&a, id, "robot", "typed again"));
    check_login(&a, "team", "robot", "typed again");
    asking_end(&a);
}

/* After the forgery in the vault, which has two registries, "team" does not open. */
static void closed_after(const char *forgery)
{
    struct asking a;

    asking_start(&a);
    added(&a, "team", "ghcr.example", "p");
    added(&a, "other", "ghcr.example", "q");
    CHECK_INT(fixture_sql(a.f.vault_path, forgery), 0);
    CHECK(strstr(load_refused(&a, "team", ERR_INTERNAL), "team") != NULL);
    asking_end(&a);
}

static void swapped_and_altered_passwords_do_not_open(void)
{
    closed_after("CREATE TABLE t AS SELECT registry_id, password_ct FROM registry_password;"
                 "UPDATE registry_password SET password_ct = (SELECT password_ct FROM t"
                 " WHERE t.registry_id <> registry_password.registry_id)");
    closed_after("UPDATE registry_password SET password_ct = CAST(substr(password_ct, 1, 24)"
                 " || x'5a5a' || substr(password_ct, 27) AS BLOB)");
    closed_after("UPDATE registry_password SET password_ct = x''");
}

/* Both files altered, so that host and login agree: the ciphertext is bound to the old ones. */
static void a_place_altered_in_both_databases_does_not_open(void)
{
    struct asking a;

    asking_start(&a);
    added(&a, "team", "ghcr.example", "p");
    sql(&a, "UPDATE registry SET host = 'evil.example'");
    CHECK_INT(fixture_sql(a.f.vault_path, "UPDATE registry_password SET host = 'evil.example'"), 0);
    load_refused(&a, "team", ERR_INTERNAL);
    asking_end(&a);
}

static void no_password_is_in_a_file_in_the_clear(void)
{
    static const char *const NAMES[] = {"db/windlass.db", "db/windlass.db-wal", "vault/vault.db",
                                        "vault/vault.db-wal"};
    struct asking a;
    struct buf bytes;
    char path[400];
    const char *id;

    asking_start(&a);
    id = added(&a, "team", "ghcr.example", "a-very-visible-one");
    must_be_ok(change(&a, id, "robot", "a-very-visible-two"));
    buf_init(&bytes, 20000000);
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        snprintf(path, sizeof path, "%s/%s", a.f.var, NAMES[i]);
        CHECK_INT(fs_read_all(path, &bytes, NULL), 0);
    }
    CHECK(memmem(bytes.data, bytes.len, "ghcr.example", 12) != NULL);
    CHECK(memmem(bytes.data, bytes.len, "very-visible", 12) == NULL);
    buf_deinit(&bytes);
    asking_end(&a);
}

int main(void)
{
    TAP_RUN(a_missing_registry_is_named);
    TAP_RUN(two_accounts_for_one_host_are_refused);
    TAP_RUN(a_password_leaves_only_for_the_host_and_login_it_was_stored_for);
    TAP_RUN(swapped_and_altered_passwords_do_not_open);
    TAP_RUN(a_place_altered_in_both_databases_does_not_open);
    TAP_RUN(no_password_is_in_a_file_in_the_clear);
    return tap_done();
}

/* ask_registries.c - adding a registry, replacing its password, removing it; also when a change
 * breaks off between the two databases. */
#include <sqlite3.h>
#include "tests/db/registry_fixture.h"
#include "db/vault/inside.h"

static void a_registry_is_added_with_its_password(void)
{
    struct asking a;
    struct registry_logins logins;
    json_t *list = NULL;

    asking_start(&a);
    added(&a, "team", "ghcr.example", "p4ss \xE2\x82\xAC '\"$(id)");
    added(&a, "hub", "index.docker.io", "hub-token");
    added(&a, "lab", "10.0.0.5:5000", "lab-token");
    CHECK_INT(registry_list(a.f.shared, &list, NULL), 0);
    CHECK_INT(json_array_size(list), 3);
    CHECK_STR(json_string_value(json_object_get(json_array_get(list, 0), "slug")), "hub");
    CHECK_STR(json_string_value(json_object_get(json_array_get(list, 0), "host")), "docker.io");
    json_decref(list);
    check_login(&a, "team", "robot", "p4ss \xE2\x82\xAC '\"$(id)");
    CHECK_INT(registry_logins_load(a.f.shared, a.f.vault, "lab team hub", &logins, NULL), 0);
    CHECK_INT(logins.count, 3);
    CHECK_STR(logins.items[0].host, "10.0.0.5:5000");
    CHECK_STR(logins.items[2].password, "hub-token");
    registry_logins_free(&logins);
    CHECK_INT(registry_logins_load(a.f.shared, a.f.vault, "", &logins, NULL), 0);
    CHECK_INT(logins.count, 0);
    registry_logins_free(&logins);
    CHECK_INT(events(&a, "registry.save", "ok"), 3);
    asking_end(&a);
}

static void a_long_password_fits_and_a_longer_one_is_refused(void)
{
    static char password[REGISTRY_PASSWORD_MAX + 2];
    struct asking a;
    json_t *answer;

    asking_start(&a);
    memset(password, 'x', REGISTRY_PASSWORD_MAX);
    added(&a, "team", "ghcr.example", password);
    check_login(&a, "team", "robot", password);
    password[REGISTRY_PASSWORD_MAX] = 'x';
    answer = save(&a, "more", "ghcr.example", "robot", password);
    CHECK_STR(json_string_value(json_object_get(answer, "field")), "password");
    refused(answer, "too-large");
    asking_end(&a);
}

static void what_is_wrong_is_refused_by_its_field(void)
{
    static const struct {
        const char *slug, *host, *login, *password, *field;
    } bad[] = {{"Team", "ghcr.example", "robot", "p", "slug"},
               {"a b", "ghcr.example", "robot", "p", "slug"},
               {"team", "https://ghcr.example", "robot", "p", "host"},
               {"team", "ghcr.example/x", "robot", "p", "host"},
               {"team", "ghcr.example", "", "p", "login"},
               {"team", "ghcr.example", "a:b", "p", "login"},
               {"team", "ghcr.example", "robot", "", "password"},
               {"team", "ghcr.example", "robot", "a\nb", "password"}};
    struct asking a;
    json_t *answer;

    asking_start(&a);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        answer = save(&a, bad[i].slug, bad[i].host, bad[i].login, bad[i].password);
        CHECK_STR(json_string_value(json_object_get(answer, "field")), bad[i].field);
        refused(answer, "input");
    }
    answer = put_question(&a, "registry.save", a.token,
                          json_pack("{s:s, s:s, s:s, s:s}", "slug", "team", "host", "ghcr.example",
                                    "login", "robot", "password", "in-the-clear"));
    CHECK_STR(json_string_value(json_object_get(answer, "field")), "password");
    refused(answer, "input");
    CHECK_INT(events(&a, "registry.save", "ok"), 0);
    CHECK_INT(stored(&a), 0);
    added(&a, "team", "ghcr.example", "p");
    answer = save(&a, "team", "other.example", "robot", "p");
    CHECK_STR(json_string_value(json_object_get(answer, "field")), "slug");
    refused(answer, "conflict");
    CHECK_INT(events(&a, "registry.save", "ok"), 1);
    CHECK_INT(stored(&a), 1);
    asking_end(&a);
}

static void a_password_is_replaced_with_its_login(void)
{
    struct asking a;
    const char *id;

    asking_start(&a);
    id = added(&a, "team", "ghcr.example", "old");
    must_be_ok(change(&a, id, "robot", "new"));
    check_login(&a, "team", "robot", "new");
    must_be_ok(change(&a, id, "another", "newer"));
    check_login(&a, "team", "another", "newer");
    CHECK_INT(stored(&a), 1);
    refused(change(&a, id, "a:b", "x"), "input");
    refused(change(&a, id, "robot", ""), "input");
    refused(change(&a, "nobody", "robot", "x"), "not-found");
    check_login(&a, "team", "another", "newer");
    CHECK_INT(events(&a, "registry.password", "ok"), 2);
    asking_end(&a);
}

static void without_its_event_no_registry_comes_changes_or_goes(void)
{
    struct asking a;
    const char *id;

    asking_start(&a);
    id = added(&a, "team", "ghcr.example", "old");
    fixture_takes_events(&a.f, false);
    fails(save(&a, "more", "ghcr.example", "robot", "p"));
    fails(change(&a, id, "another", "new"));
    fails(removal(&a, id));
    fixture_takes_events(&a.f, true);
    check_login(&a, "team", "robot", "old");
    CHECK_INT(stored(&a), 1);
    asking_end(&a);
}

static void a_removed_registry_takes_its_password_along(void)
{
    struct asking a;
    const char *id;

    asking_start(&a);
    id = added(&a, "team", "ghcr.example", "old");
    must_be_ok(removal(&a, id));
    CHECK_INT(stored(&a), 0);
    CHECK(strstr(load_refused(&a, "team", ERR_NOT_FOUND), "team") != NULL);
    refused(removal(&a, id), "not-found");
    refused(change(&a, id, "robot", "x"), "not-found");
    CHECK_INT(events(&a, "registry.remove", "ok"), 1);
    added(&a, "team", "ghcr.example", "of the next one"); /* the name is free again */
    check_login(&a, "team", "robot", "of the next one");
    asking_end(&a);
}

static void use_in(struct asking *a, const char *names)
{
    char text[200];

    snprintf(text, sizeof text,
             "UPDATE environment SET settings = '{\"registries\":\"%s\"}' WHERE id = '" ENV "'",
             names);
    sql(a, text);
}

static void a_registry_that_is_used_stays(void)
{
    struct asking a;
    const char *id, *sentence;

    asking_with_environment(&a);
    id = added(&a, "team", "ghcr.example", "p");
    use_in(&a, "team");
    sentence = refused(removal(&a, id), "conflict");
    CHECK(strstr(sentence, "shop / production") != NULL);
    use_in(&a, "other team");
    refused(removal(&a, id), "conflict");
    use_in(&a, "team other");
    refused(removal(&a, id), "conflict");
    check_login(&a, "team", "robot", "p");
    CHECK_INT(events(&a, "registry.remove", "ok"), 0);
    use_in(&a, "team-2 my-team teams"); /* other names that hold this one */
    must_be_ok(removal(&a, id));
    asking_end(&a);
}

static void one_that_only_archived_environments_use_may_go(void)
{
    struct asking a;
    const char *id;

    asking_with_environment(&a);
    id = added(&a, "team", "ghcr.example", "p");
    use_in(&a, "team");
    sql(&a, "UPDATE environment SET archived_at = 1 WHERE id = '" ENV "'");
    must_be_ok(removal(&a, id));
    asking_end(&a);
}

static void only_who_may_servers_may(void)
{
    struct asking a;
    const char *id;

    asking_start(&a);
    id = added(&a, "team", "ghcr.example", "p");
    add_user(&a, "u2", "bob", "", "", ROLE_MAINTAINER);
    add_user(&a, "u3", "eve", APP, "", ROLE_ADMIN); /* of one app: not of the dashboard */
    for (int i = 0; i < 2; i++) {
        take_token(a.token, login(&a, i == 0 ? "bob" : "eve", PASSWORD));
        refused(save(&a, "mine", "evil.example", "robot", "p"), "denied");
        refused(change(&a, id, "robot", "x"), "denied");
        refused(removal(&a, id), "denied");
    }
    check_login(&a, "team", "robot", "p");
    a.token[0] = a.token[0] == 'A' ? 'B' : 'A';
    refused(removal(&a, id), "signed-out");
    asking_end(&a);
}

static void there_is_an_end_to_registries(void)
{
    struct asking a;

    asking_start(&a);
    sql(&a, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 199)"
            " INSERT INTO registry (id, slug, host, login, password_number, created_at, changed_at)"
            " SELECT 'id' || i, 'r' || i, 'ghcr.example', 'x', 1, 1, 1 FROM n");
    added(&a, "team", "ghcr.example", "p");
    CHECK(strstr(refused(save(&a, "more", "ghcr.example", "x", "p"), "conflict"), "as many")
          != NULL);
    CHECK_INT(stored(&a), 1);
    asking_end(&a);
}

/* --- a change breaks off between the two databases --- */

/* From now on every commit that touched a registry fails: its rows point to an app that is not
 * there, which is looked at when the transaction ends. */
static void break_commits(struct asking *a)
{
    db_close(a->f.shared);
    sql(a, "ALTER TABLE registry ADD COLUMN broken TEXT DEFAULT 'gone'"
           " REFERENCES app(id) DEFERRABLE INITIALLY DEFERRED");
    MUST(db_open(a->f.shared_path, DB_SHARED, DB_ROLE_WORKER, &a->f.shared, &fixture_err));
}

static void mend_commits(struct asking *a)
{
    db_close(a->f.shared);
    sql(a, "ALTER TABLE registry DROP COLUMN broken");
    MUST(db_open(a->f.shared_path, DB_SHARED, DB_ROLE_WORKER, &a->f.shared, &fixture_err));
}

static void an_addition_that_breaks_off_leaves_nothing(void)
{
    struct asking a;
    json_t *list = NULL, *answer;

    asking_start(&a);
    break_commits(&a);
    answer = save(&a, "team", "ghcr.example", "robot", "p");
    CHECK(json_is_false(json_object_get(answer, "ok")));
    json_decref(answer);
    CHECK_INT(stored(&a), 1); /* it broke off behind the vault, before the commit */
    CHECK_INT(registry_list(a.f.shared, &list, NULL), 0);
    CHECK_INT(json_array_size(list), 0);
    json_decref(list);
    CHECK_INT(events(&a, "registry.save", "ok"), 0);
    mend_commits(&a);
    added(&a, "team", "ghcr.example", "second try");
    CHECK_INT(stored(&a), 1); /* what the first try left is gone */
    check_login(&a, "team", "robot", "second try");
    asking_end(&a);
}

static void a_replacement_that_breaks_off_leaves_the_old_password(void)
{
    struct asking a;
    struct registry_row row;
    const char *id;

    asking_start(&a);
    id = added(&a, "team", "ghcr.example", "old");
    MUST(registry_row_by_id(a.f.shared, id, &row, &fixture_err));
    row.password_number++;
    str_copy(row.login, sizeof row.login, "another");
    MUST(vault_put_registry_password(a.f.vault, &row, "new", 3, &fixture_err)); /* and no more */
    check_login(&a, "team", "robot", "old");
    must_be_ok(change(&a, id, "robot", "newest"));
    check_login(&a, "team", "robot", "newest");
    CHECK_INT(stored(&a), 1);
    row.password_number = 1; /* as a crash behind the commit leaves the one that was replaced */
    MUST(vault_put_registry_password(a.f.vault, &row, "older", 5, &fixture_err));
    CHECK_INT(stored(&a), 2);
    check_login(&a, "team", "robot", "newest");
    added(&a, "other", "other.example", "p");
    CHECK_INT(stored(&a), 2); /* of team and of other: the leftover is gone */
    check_login(&a, "team", "robot", "newest");
    asking_end(&a);
}

static void a_vault_that_cannot_be_written_changes_nothing(void)
{
    struct asking a;
    sqlite3 *other = NULL;
    const char *id;

    asking_start(&a);
    id = added(&a, "team", "ghcr.example", "old");
    db_set_busy_ms(a.f.vault->db, 20);
    CHECK_INT(sqlite3_open(a.f.vault_path, &other), SQLITE_OK);
    CHECK_INT(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    refused(change(&a, id, "another", "new"), "busy");
    refused(save(&a, "other", "ghcr.example", "robot", "p"), "busy");
    CHECK(strstr(refused(removal(&a, id), "busy"), "still in the vault") != NULL);
    sqlite3_close(other);
    CHECK_INT(events(&a, "registry.password", "ok"), 0);
    CHECK_INT(events(&a, "registry.save", "ok"), 1);
    CHECK_INT(events(&a, "registry.remove", "ok"), 1); /* it is removed, and that is what it says */
    load_refused(&a, "team", ERR_NOT_FOUND);
    CHECK_INT(stored(&a), 1);
    added(&a, "other", "other.example", "p");
    CHECK_INT(stored(&a), 1); /* the new one */
    asking_end(&a);
}

int main(void)
{
    TAP_RUN(a_registry_is_added_with_its_password);
    TAP_RUN(a_long_password_fits_and_a_longer_one_is_refused);
    TAP_RUN(what_is_wrong_is_refused_by_its_field);
    TAP_RUN(a_password_is_replaced_with_its_login);
    TAP_RUN(without_its_event_no_registry_comes_changes_or_goes);
    TAP_RUN(a_removed_registry_takes_its_password_along);
    TAP_RUN(a_registry_that_is_used_stays);
    TAP_RUN(one_that_only_archived_environments_use_may_go);
    TAP_RUN(only_who_may_servers_may);
    TAP_RUN(there_is_an_end_to_registries);
    TAP_RUN(an_addition_that_breaks_off_leaves_nothing);
    TAP_RUN(a_replacement_that_breaks_off_leaves_the_old_password);
    TAP_RUN(a_vault_that_cannot_be_written_changes_nothing);
    return tap_done();
}

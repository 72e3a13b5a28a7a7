/* tokens.c - API tokens: made with a password, believed only when ours, worth no more than their
 * owner and their scopes, and gone when removed. */
#include "tests/db/ask_fixture.h"

#include "db/tokens.h"
#include "db/vault/tokens.h"

#define DAY ((int64_t)24 * 60 * 60 * 1000)

/* A table of the test's own. A connection keeps to the schema it was opened with. */
static void make_table(struct asking *a, const char *text)
{
    sql(a, text);
    db_close(a->f.shared);
    MUST(db_open(a->f.shared_path, DB_SHARED, DB_ROLE_WORKER, &a->f.shared, &fixture_err));
}

static json_t *ask_for_token(struct asking *a, const char *session, const char *name,
                             const char *scopes, const char *environments)
{
    return put_question(a, "token.add", session,
                        json_pack("{s:s, s:s, s:s, s:i, s:s}", "name", name, "scopes", scopes,
                                  "environments", environments, "days", 30, "password",
                                  sealed(a, PASSWORD)));
}

static void made(struct asking *a, const char *session, const char *name, const char *scopes,
                 const char *environments, char text[TOKEN_TEXT_SIZE])
{
    json_t *answer = ask_for_token(a, session, name, scopes, environments);

    CHECK(is_ok(answer));
    snprintf(text, TOKEN_TEXT_SIZE, "%s",
             json_is_string(json_object_get(answer, "api_token"))
                 ? json_string_value(json_object_get(answer, "api_token"))
                 : "");
    CHECK(token_is_one(text));
    json_decref(answer);
}

static void succeeds(json_t *answer)
{
    CHECK(is_ok(answer));
    json_decref(answer);
}

static json_t *check(struct asking *a, const char *token, const char *app, const char *env)
{
    return put_question(a, "token.check", token, json_pack("{s:s, s:s}", "app", app, "env", env));
}

static void is_role(json_t *answer, const char *role)
{
    CHECK(is_ok(answer));
    CHECK_STR(json_string_value(json_object_get(answer, "role")), role);
    json_decref(answer);
}

/* A verb that writes, asked with a token: there is no such draft, which only who may write learns.
 */
static json_t *save(struct asking *a, const char *token)
{
    return put_question(a, "secrets.save", token, json_pack("{s:s}", "draft_id", "nothing"));
}

static void a_token_is_made_with_the_password_and_says_whose_it_is(void)
{
    struct asking a;
    char token[TOKEN_TEXT_SIZE], hash[200];
    json_t *answer, *list = NULL;

    asking_with_environment(&a);
    made(&a, a.token, "ci", "secrets:write read", "", token);
    CHECK_INT(events(&a, "token.add", "ok"), 1);
    answer = check(&a, token, "shop", "production");
    CHECK_STR(json_string_value(json_object_get(answer, "login")), "ann");
    CHECK_INT(json_integer_value(json_object_get(answer, "scopes")),
              SCOPE_READ | SCOPE_SECRETS_WRITE);
    CHECK_STR(json_string_value(json_object_get(answer, "token_name")), "ci");
    is_role(answer, "admin");
    CHECK_INT(token_list(a.f.shared, NULL, &list, NULL), 0);
    CHECK_INT(json_array_size(list), 1);
    CHECK_STR(json_string_value(json_object_get(json_array_get(list, 0), "scopes")),
              "read,secrets:write");
    CHECK(json_is_integer(json_object_get(json_array_get(list, 0), "used_at")));
    json_decref(list);
    /* Neither database file holds its text. */
    for (int i = 0; i < 2; i++) {
        snprintf(hash, sizeof hash, "! grep -aq '%s' %.100s*", token + 3,
                 i == 0 ? a.f.shared_path : a.f.vault_path);
        CHECK_INT(system(hash), 0);
    }
    asking_end(&a);
}

static void what_is_wrong_with_a_new_one_is_refused_by_its_field(void)
{
    static const struct {
        const char *name, *scopes, *environments, *field, *code;
    } bad[] = {{"", "read", "", "name", "input"},
               {"a\nb", "read", "", "name", "input"},
               {"ci", "", "", "scopes", "input"},
               {"ci", "read,everything", "", "scopes", "input"},
               {"ci", "read", "shop", "environments", "input"},
               {"ci", "read", "shop/nowhere", "environments", "input"},
               {"taken", "read", "", "name", "conflict"}};
    struct asking a;
    char token[TOKEN_TEXT_SIZE];
    json_t *answer;

    asking_with_environment(&a);
    made(&a, a.token, "taken", "read", "", token);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        answer = ask_for_token(&a, a.token, bad[i].name, bad[i].scopes, bad[i].environments);
        CHECK_STR(json_string_value(json_object_get(answer, "field")), bad[i].field);
        refused(answer, bad[i].code);
    }
    answer = put_question(&a, "token.add", a.token,
                          json_pack("{s:s, s:s, s:i, s:s}", "name", "ci", "scopes", "read", "days",
                                    4000, "password", sealed(&a, PASSWORD)));
    CHECK_STR(json_string_value(json_object_get(answer, "field")), "days");
    refused(answer, "input");
    CHECK_INT(events(&a, "token.add", "ok"), 1);
    asking_end(&a);
}

static void without_the_password_or_a_session_none_is_made(void)
{
    struct asking a;
    char token[TOKEN_TEXT_SIZE];
    json_t *answer;

    asking_with_environment(&a);
    answer = put_question(&a, "token.add", a.token,
                          json_pack("{s:s, s:s, s:i, s:s}", "name", "ci", "scopes", "read", "days",
                                    30, "password", sealed(&a, "four other words there")));
    CHECK_STR(json_string_value(json_object_get(answer, "field")), "password");
    refused(answer, "input");
    refused(ask_for_token(&a, NULL, "ci", "read", ""), "signed-out");
    made(&a, a.token, "ci", "read,secrets:read,secrets:write", "", token);
    /* A token makes no token, removes none, and changes no password. */
    refused(ask_for_token(&a, token, "more", "read", ""), "denied");
    refused(put_question(&a, "token.remove", token, json_pack("{s:s}", "id", "ci")), "denied");
    refused(put_question(&a, "logout", token, json_object()), "denied");
    refused(put_question(&a, "password.change", token, json_object()), "denied");
    CHECK_INT(events(&a, "token.add", "ok"), 1);
    asking_end(&a);
}

static void a_removed_token_is_gone_and_only_its_owner_removes_it(void)
{
    struct asking a;
    char token[TOKEN_TEXT_SIZE], bob[CRYPTO_TOKEN_TEXT];

    asking_with_environment(&a);
    add_user(&a, "bob", "bob", "", "", ROLE_ADMIN);
    take_token(bob, login(&a, "bob", PASSWORD));
    made(&a, a.token, "ci", "read", "", token);
    refused(put_question(&a, "token.remove", bob, json_pack("{s:s}", "id", "ci")), "not-found");
    is_role(check(&a, token, "", ""), "admin");
    succeeds(put_question(&a, "token.remove", a.token, json_pack("{s:s}", "id", "ci")));
    CHECK_INT(events(&a, "token.remove", "ok"), 1);
    refused(check(&a, token, "", ""), "signed-out");
    refused(put_question(&a, "token.remove", a.token, json_pack("{s:s}", "id", "ci")), "not-found");
    /* What the web side can write does not bring it back. */
    sql(&a, "UPDATE token SET removed_at = NULL");
    refused(check(&a, token, "", ""), "signed-out");
    /* Its name is free again. */
    sql(&a, "UPDATE token SET removed_at = 1");
    made(&a, a.token, "ci", "read", "", token);
    asking_end(&a);
}

static void a_row_that_the_web_side_wrote_is_worth_nothing(void)
{
    static const char *const CHANGES[] = {
        "scopes = 'read,secrets:read,secrets:write'",
        "environments = '[]'",
        "expires_at = expires_at + 1",
        "created_at = created_at - 1",
        "user_id = (SELECT id FROM user WHERE login = 'bob')",
        "mac = zeroblob(32)",
        "mac = zeroblob(31)",
    };
    struct asking a;
    struct token_row row;
    uint8_t hash[CRYPTO_HASH_BYTES];
    char token[TOKEN_TEXT_SIZE], statement[300], hex[CRYPTO_HASH_HEX];

    asking_with_environment(&a);
    add_user(&a, "bob", "bob", "", "", ROLE_ADMIN);
    made(&a, a.token, "ci", "read", "shop/production", token);
    make_table(&a, "CREATE TABLE kept AS SELECT * FROM token");
    for (size_t i = 0; i < COUNT_OF(CHANGES); i++) {
        snprintf(statement, sizeof statement, "UPDATE token SET %s", CHANGES[i]);
        sql(&a, statement);
        refused(check(&a, token, "shop", "production"), "signed-out");
        sql(&a, "DELETE FROM token; INSERT INTO token SELECT * FROM kept");
        is_role(check(&a, token, "shop", "production"), "admin");
    }
    /* A row of ours, made to fit a token of somebody's own choice. */
    memset(token + 3, 'A', TOKEN_TEXT_SIZE - 4);
    token_hash(token, hash);
    crypto_hex(hex, sizeof hex, hash, sizeof hash);
    snprintf(statement, sizeof statement, "UPDATE token SET hash = x'%s'", hex);
    sql(&a, statement);
    CHECK_INT(token_by_text(a.f.shared, token, clock_now_ms(), &row, NULL), 0);
    refused(check(&a, token, "shop", "production"), "signed-out");
    asking_end(&a);
}

static void an_expired_token_and_one_of_a_disabled_user_are_refused(void)
{
    struct asking a;
    struct token_row row;
    char token[TOKEN_TEXT_SIZE];

    asking_with_environment(&a);
    made(&a, a.token, "ci", "read", "", token);
    CHECK_INT(token_by_text(a.f.shared, token, clock_now_ms() + 29 * DAY, &row, NULL), 0);
    CHECK_INT(token_by_text(a.f.shared, token, clock_now_ms() + 31 * DAY, &row, NULL), -1);
    is_role(check(&a, token, "", ""), "admin");
    sql(&a, "UPDATE user SET disabled_at = 1 WHERE login = 'ann'");
    refused(check(&a, token, "", ""), "signed-out");
    asking_end(&a);
}

static void a_lowered_role_counts_at_once(void)
{
    struct asking a;
    char bob[CRYPTO_TOKEN_TEXT], token[TOKEN_TEXT_SIZE];

    asking_with_environment(&a);
    add_user(&a, "bob", "bob", "", "", ROLE_MAINTAINER);
    take_token(bob, login(&a, "bob", PASSWORD));
    made(&a, bob, "ci", "secrets:write", "", token);
    is_role(check(&a, token, "shop", "production"), "maintainer");
    refused(save(&a, token), "not-found");
    MUST(vault_grant(a.f.vault, &(struct grant){"bob", "", "", ROLE_DEPLOYER, "test"},
                     &fixture_err));
    is_role(check(&a, token, "shop", "production"), "deployer");
    MUST(vault_grant(a.f.vault, &(struct grant){"bob", "", "", ROLE_NONE, "test"}, &fixture_err));
    is_role(check(&a, token, "shop", "production"), "none");
    asking_end(&a);
}

static void nobody_gives_a_token_what_they_may_not(void)
{
    struct asking a;
    char bob[CRYPTO_TOKEN_TEXT];
    json_t *answer;

    asking_with_environment(&a);
    add_user(&a, "bob", "bob", "", "", ROLE_DEPLOYER);
    take_token(bob, login(&a, "bob", PASSWORD));
    answer = ask_for_token(&a, bob, "ci", "read,secrets:read", "");
    CHECK_STR(json_string_value(json_object_get(answer, "field")), "scopes");
    refused(answer, "input");
    asking_end(&a);
}

static void a_scope_and_an_environment_bound_it(void)
{
    struct asking a;
    char reader[TOKEN_TEXT_SIZE], writer[TOKEN_TEXT_SIZE];

    asking_with_environment(&a);
    made(&a, a.token, "reader", "read,secrets:read", "", reader);
    made(&a, a.token, "writer", "secrets:write", "shop/production", writer);
    CHECK(strstr(refused(save(&a, reader), "denied"), "secrets:write") != NULL);
    refused(save(&a, writer), "not-found");
    is_role(check(&a, writer, "shop", "production"), "admin");
    is_role(check(&a, writer, "other", "production"), "none");
    is_role(check(&a, writer, "shop", "nowhere"), "none");
    is_role(check(&a, writer, "", ""), "none");
    /* By the grants alone the reader reaches all of them. */
    is_role(check(&a, reader, "other", "production"), "admin");
    is_role(check(&a, reader, "", ""), "admin");
    asking_end(&a);
}

static void a_token_for_one_environment_saves_nowhere_else(void)
{
    struct asking a;
    char writer[TOKEN_TEXT_SIZE];

    asking_with_environment(&a);
    made(&a, a.token, "writer", "secrets:write", "shop/production", writer);
    sql(&a,
        "INSERT INTO draft (id, environment_id, user_id, base_set, created_at) SELECT 'd1', '" ENV2
        "', id, 0, 1 FROM user WHERE login = 'ann'");
    CHECK(strstr(refused(put_question(&a, "secrets.save", writer,
                                      json_pack("{s:s, s:s}", "draft_id", "d1", "message", "")),
                         "denied"),
                 "other environments")
          != NULL);
    sql(&a, "UPDATE draft SET environment_id = '" ENV "'");
    succeeds(put_question(&a, "secrets.save", writer,
                          json_pack("{s:s, s:s}", "draft_id", "d1", "message", "")));
    asking_end(&a);
}

static void tokens_that_are_not_good_are_throttled_by_address(void)
{
    struct asking a;
    char good[TOKEN_TEXT_SIZE], bad[TOKEN_TEXT_SIZE], session[CRYPTO_TOKEN_TEXT];

    asking_with_environment(&a);
    made(&a, a.token, "ci", "read", "", good);
    snprintf(bad, sizeof bad, "%s", good);
    bad[10] = bad[10] == 'A' ? 'B' : 'A';
    for (int i = 0; i < 20; i++)
        refused(check(&a, bad, "", ""), "signed-out");
    refused(check(&a, bad, "", ""), "throttled");
    refused(check(&a, good, "", ""), "throttled");
    /* People behind the same address still sign in, and other addresses still work. */
    take_token(session, login(&a, "ann", PASSWORD));
    a.ip = "192.0.2.8";
    is_role(check(&a, good, "", ""), "admin");
    CHECK_INT(events(&a, "token.use", "denied"), 1);
    ask_tick(a.f.shared);
    CHECK_INT(events(&a, "token.use", "denied"), 1); /* a minute has not passed */
    asking_end(&a);
}

static void use_is_noted_once_a_minute(void)
{
    struct asking a;
    char token[TOKEN_TEXT_SIZE];
    json_t *list = NULL;

    asking_with_environment(&a);
    made(&a, a.token, "ci", "read", "", token);
    is_role(check(&a, token, "", ""), "admin");
    sql(&a, "UPDATE token SET used_at = used_at - 30000");
    make_table(&a, "CREATE TABLE before AS SELECT used_at FROM token");
    is_role(check(&a, token, "", ""), "admin");
    CHECK_INT(fixture_sql(a.f.shared_path,
                          "SELECT CASE count(*) WHEN 1 THEN 1 ELSE json('no') END FROM token t, "
                          "before b WHERE t.used_at = b.used_at"),
              0);
    sql(&a, "UPDATE token SET used_at = used_at - 60000");
    is_role(check(&a, token, "", ""), "admin");
    CHECK_INT(token_list(a.f.shared, NULL, &list, NULL), 0);
    CHECK(clock_now_ms() - json_integer_value(json_object_get(json_array_get(list, 0), "used_at"))
          < 20000);
    json_decref(list);
    asking_end(&a);
}

static void without_its_event_no_token_comes_or_goes(void)
{
    struct asking a;
    char token[TOKEN_TEXT_SIZE];

    asking_with_environment(&a);
    made(&a, a.token, "ci", "read", "", token);
    fixture_takes_events(&a.f, false);
    fails(ask_for_token(&a, a.token, "more", "read", ""));
    fails(put_question(&a, "token.remove", a.token, json_pack("{s:s}", "id", "ci")));
    fixture_takes_events(&a.f, true);
    is_role(check(&a, token, "", ""), "admin");
    CHECK_INT(fixture_sql(a.f.vault_path,
                          "SELECT CASE count(*) WHEN 1 THEN 1 ELSE json('no') END FROM token"),
              0);
    asking_end(&a);
}

static void what_is_done_with_a_token_says_so_in_the_history(void)
{
    struct asking a;
    char token[TOKEN_TEXT_SIZE];
    json_t *filter = json_pack("{s:s}", "verb", "secret.save"), *list = NULL;

    asking_with_environment(&a);
    made(&a, a.token, "ci", "secrets:write", "", token);
    sql(&a,
        "INSERT INTO draft (id, environment_id, user_id, base_set, created_at) SELECT 'd1', '" ENV
        "', id, 0, 1 FROM user WHERE login = 'ann';"
        "INSERT INTO draft_entry (draft_id, position, key, kind, sealed) VALUES ('d1', 0, 'A', "
        "'plain', zeroblob(0))");
    fails(put_question(&a, "secrets.save", token,
                       json_pack("{s:s, s:s}", "draft_id", "d1", "message", "")));
    {
        char statement[400], hex[200];
        uint8_t box[SEAL_OVERHEAD + 1];

        MUST(seal_to(a.instance.seal_key, "x", 1, box, &fixture_err));
        crypto_hex(hex, sizeof hex, box, sizeof box);
        snprintf(statement, sizeof statement, "UPDATE draft_entry SET sealed = x'%s'", hex);
        sql(&a, statement);
    }
    succeeds(put_question(&a, "secrets.save", token,
                          json_pack("{s:s, s:s}", "draft_id", "d1", "message", "")));
    CHECK_INT(audit_list(a.f.shared, filter, 0, 10, &list, NULL), 0);
    CHECK_INT(json_array_size(list), 1);
    CHECK_STR(json_string_value(json_object_get(json_object_get(json_array_get(list, 0), "detail"),
                                                "with_token")),
              "ci");
    CHECK_STR(json_string_value(json_object_get(json_array_get(list, 0), "actor_name")), "ann");
    json_decref(list);
    json_decref(filter);
    asking_end(&a);
}

int main(void)
{
    TAP_RUN(a_token_is_made_with_the_password_and_says_whose_it_is);
    TAP_RUN(what_is_wrong_with_a_new_one_is_refused_by_its_field);
    TAP_RUN(without_the_password_or_a_session_none_is_made);
    TAP_RUN(a_removed_token_is_gone_and_only_its_owner_removes_it);
    TAP_RUN(a_row_that_the_web_side_wrote_is_worth_nothing);
    TAP_RUN(an_expired_token_and_one_of_a_disabled_user_are_refused);
    TAP_RUN(a_lowered_role_counts_at_once);
    TAP_RUN(nobody_gives_a_token_what_they_may_not);
    TAP_RUN(a_scope_and_an_environment_bound_it);
    TAP_RUN(a_token_for_one_environment_saves_nowhere_else);
    TAP_RUN(tokens_that_are_not_good_are_throttled_by_address);
    TAP_RUN(use_is_noted_once_a_minute);
    TAP_RUN(without_its_event_no_token_comes_or_goes);
    TAP_RUN(what_is_done_with_a_token_says_so_in_the_history);
    return tap_done();
}

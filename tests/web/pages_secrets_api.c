/* pages_secrets_api.c - the JSON API of secrets, before and behind what the worker decides (a
 * stand-in here; the whole is tests/integration/secrets_cli.mjs): what is refused by which status,
 * that a value is sealed and gone, and that nothing hidden is shown. */
#include "tests/web/lib/pages_world.h"

#include "db/secret_sets.h"
#include "lib/crypto/unseal.h"

#define API    "/api/v1/apps/hello/staging/secrets"
#define TOKEN  "wl_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define CANARY "canary-7Qz-hidden"

static struct stage s;
static struct arena *arena;

/* if_match and body NULL: none. */
static int call(const char *method, const char *uri, const char *if_match, const char *body)
{
    int status;

    s.w.token[0] = '\0';
    world_request(&s.w, method, uri);
    fake_param(&s.w.f, "HTTP_AUTHORIZATION", "Bearer " TOKEN);
    fake_param(&s.w.f, "HTTP_IF_MATCH", if_match);
    if (body != NULL)
        fake_send(&s.w.f, "application/json", body, strlen(body));
    status = world_dispatch(&s.w);
    s.w.f.body = NULL;
    return status;
}

static void answers(const char *words)
{
    CHECK(strstr(fake_body(&s.w.f), words) != NULL);
    if (strstr(fake_body(&s.w.f), words) == NULL)
        printf("#   no %s in: %.400s\n", words, fake_body(&s.w.f));
}

/* s1: PORT is plain, PASSWORD secret. */
static void store_set(int64_t number)
{
    struct secret_row rows[2] = {{.key = "PORT", .kind = "plain", .plain = "8080"},
                                 {.key = "PASSWORD", .kind = "secret"}};
    struct secret_set_new set = {.environment_id = s.env_id,
                                 .number = number,
                                 .message = "A set",
                                 .created_by = s.w.user_id,
                                 .entries = {rows, 2}};
    int64_t next;

    for (size_t i = 0; i < 2; i++) {
        rows[i].form = "env";
        rows[i].stage = "run";
        rows[i].comment = "";
        rows[i].changed_in = number;
        rows[i].size_bytes = 4;
    }
    WORLD_MUST(db_begin(s.w.worker, &world_err));
    WORLD_MUST(secret_set_next_number(s.w.worker, s.env_id, &next, &world_err));
    WORLD_MUST(secret_set_add(s.w.worker, &set, &world_err));
    WORLD_MUST(db_commit(s.w.worker, &world_err));
}

/* Whether the draft that the last question named is still there. */
static bool draft_is_there(struct draft *draft)
{
    json_t *question = json_loads(s.script->question, 0, NULL);
    struct err err = {0};
    int rc = draft_read(s.w.worker, stage_text(question, "draft_id"), arena, draft, &err);

    CHECK(rc == 0 || err.code == ERR_NOT_FOUND);
    json_decref(question);
    return rc == 0;
}

static void the_newest_set_is_shown_without_hidden_values(void)
{
    CHECK_INT(call("GET", API, NULL, NULL), 200);
    CHECK_STR(fake_header(&s.w.f, "ETag"), "\"s0\"");
    store_set(1);
    CHECK_INT(call("GET", API, NULL, NULL), 200);
    CHECK_STR(fake_header(&s.w.f, "ETag"), "\"s1\"");
    CHECK_STR(fake_header(&s.w.f, "Content-Type"), "application/json");
    answers("\"key\":\"PASSWORD\"");
    answers("\"value\":\"8080\"");
    answers("\"message\":\"A set\"");
    /* Who may only write sees no value at all. */
    s.script->token.scopes = SCOPE_SECRETS_WRITE;
    CHECK_INT(call("GET", API, NULL, NULL), 200);
    CHECK(strstr(fake_body(&s.w.f), "8080") == NULL);
    s.script->token.scopes = SCOPE_ALL;
}

static void a_change_names_the_set_that_it_replaces(void)
{
    static const char BODY[] = "{\"entries\":[{\"key\":\"PORT\",\"value\":\"1\"}]}";

    for (int whole = 0; whole < 2; whole++) {
        const char *method = whole ? "PUT" : "PATCH";

        CHECK_INT(call(method, API, NULL, BODY), 428);
        CHECK_INT(call(method, API, "\"s0\"", BODY), 412);
        answers("\"number\":1");
        answers("A set");
        CHECK_STR(fake_header(&s.w.f, "ETag"), "\"s1\"");
        CHECK_INT(call(method, API, "*", BODY), 412);
        CHECK_INT(call(method, API, "s1", BODY), 412);
    }
    CHECK_STR(s.script->verb, "token.check"); /* and the worker was asked no more */
}

static void a_value_is_sealed_and_gone(void)
{
    struct draft draft;
    uint8_t plain[100];

    CHECK_INT(call("PATCH", API, "\"s1\"",
                   "{\"message\":\"why\",\"entries\":[{\"key\":\"PASSWORD\",\"value\":\"" CANARY
                   "\"},{\"key\":\"NEW\",\"value\":\"" CANARY "\",\"comment\":\"for the mailer\"}],"
                   "\"remove\":[]}"),
              200);
    CHECK_STR(s.script->verb, "secrets.save");
    CHECK(strstr(s.script->question, CANARY) == NULL);
    CHECK(strstr(s.script->question, "\"message\":\"why\"") != NULL);
    CHECK(strstr(s.script->question, "\"token\":\"" TOKEN "\"") != NULL);
    answers("\"stored\":true");
    CHECK(strstr(fake_body(&s.w.f), CANARY) == NULL);
    CHECK(draft_is_there(&draft)); /* the stand-in leaves it */
    CHECK_INT(draft.base_set, 1);
    CHECK_INT(draft.entries.count, 3);
    CHECK(draft.entries.rows[0].sealed == NULL); /* PORT stays */
    CHECK_INT(draft.entries.rows[0].keep_set, 1);
    CHECK_STR(draft.entries.rows[2].comment, "# for the mailer\n");
    CHECK_STR(draft.entries.rows[2].kind, "secret");
    CHECK(draft.entries.rows[1].sealed_len == strlen(CANARY) + SEAL_OVERHEAD
          && unseal_open(s.w.site.seal_key, s.seal_secret, draft.entries.rows[1].sealed,
                         draft.entries.rows[1].sealed_len, plain, &world_err)
                 == 0
          && memcmp(plain, CANARY, strlen(CANARY)) == 0);
}

static void a_trial_stores_nothing(void)
{
    struct draft draft;

    CHECK_INT(call("PATCH", API "?dry_run=1", "\"s1\"",
                   "{\"entries\":[{\"key\":\"PORT\",\"value\":\"1\"}],\"remove\":[\"PASSWORD\"]}"),
              200);
    CHECK_STR(s.script->verb, "secrets.compare");
    answers("\"stored\":false");
    answers("\"removed\":[\"PASSWORD\"]");
    CHECK(!draft_is_there(&draft));
    /* A token that may only read may have something compared, and no more. */
    s.script->token.scopes = SCOPE_SECRETS_READ;
    CHECK_INT(call("PATCH", API "?dry_run=1", "\"s1\"", "{\"remove\":[\"PASSWORD\"]}"), 200);
    CHECK_INT(call("PATCH", API, "\"s1\"", "{\"remove\":[\"PASSWORD\"]}"), 403);
    answers("secrets:write");
    s.script->token.scopes = SCOPE_ALL;
}

static void what_is_wrong_is_said_by_its_key(void)
{
    static const struct {
        const char *method, *body, *words;
    } bad[] = {
        {"PATCH", "{\"entries\":{}}", "\"field\":\"entries\""},
        {"PATCH", "{\"entries\":[5]}", "\"field\":\"entries\""},
        {"PATCH", "{\"entries\":[{\"key\":\"A-B\",\"value\":\"" CANARY "\"}]}",
         "\"field\":\"key\""},
        {"PATCH", "{\"entries\":[{\"key\":\"A\"}]}", "\"field\":\"A\""},
        {"PATCH", "{\"entries\":[{\"key\":\"A\",\"value\":{\"x\":\"" CANARY "\"}}]}",
         "\"field\":\"A\""},
        {"PATCH", "{\"entries\":[{\"key\":\"A\",\"value\":\"" CANARY "\",\"kind\":\"loud\"}]}",
         "write_only"},
        {"PATCH", "{\"entries\":[{\"key\":\"A\",\"value\":\"" CANARY "\",\"form\":\"x\"}]}",
         "file"},
        {"PATCH", "{\"entries\":[{\"key\":\"A\",\"value\":\"" CANARY "\",\"mode\":\"0999\"}]}",
         "octal"},
        {"PATCH", "{\"entries\":[{\"key\":\"PORT\",\"value\":\"x\",\"keep\":true}]}", "not both"},
        {"PATCH", "{\"remove\":[\"NOBODY\"]}", "\"field\":\"remove\""},
        {"PATCH", "{\"remove\":\"PORT\"}", "\"field\":\"remove\""},
        {"PUT", "{\"remove\":[\"PORT\"],\"entries\":[]}", "\"field\":\"remove\""},
        {"PUT", "{}", "\"field\":\"entries\""},
        {"PUT", "{\"entries\":[{\"key\":\"PORT\"}]}", "keep"},
        {"PUT", "{\"entries\":[{\"key\":\"NEW\",\"keep\":true}]}", "no value yet"},
        {"PUT", "{\"entries\":[{\"key\":\"PORT\",\"keep\":true},{\"key\":\"PORT\",\"keep\":true}]}",
         "twice"},
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        int status = call(bad[i].method, API, "\"s1\"", bad[i].body);

        CHECK_INT(status, 422);
        CHECK_STR(fake_header(&s.w.f, "Content-Type"), "application/problem+json");
        answers(bad[i].words);
        CHECK(strstr(fake_body(&s.w.f), CANARY) == NULL);
        CHECK_STR(s.script->verb, "token.check");
    }
}

static void a_body_that_is_no_json_object_is_refused(void)
{
    static const char *const BAD[] = {
        "", "[]", "{", "{\"a\":1,\"a\":2}", "\"x\"", "{\"a\":\"\\u0000\"}", "{\"a\":\"\xff\"}"};

    for (size_t i = 0; i < COUNT_OF(BAD); i++)
        CHECK_INT(call("PATCH", API, "\"s1\"", BAD[i]), 400);
    CHECK_INT(call("PATCH", API, "\"s1\"", NULL), 415);
    s.w.token[0] = '\0';
    world_request(&s.w, "PATCH", API);
    fake_param(&s.w.f, "HTTP_AUTHORIZATION", "Bearer " TOKEN);
    fake_send(&s.w.f, "application/x-www-form-urlencoded", "a=b", 3);
    CHECK_INT(world_dispatch(&s.w), 415);
    s.w.f.body = NULL;
}

static void a_set_saved_at_the_last_moment_is_told_too(void)
{
    stage_refuse(&s, "secrets.save", "conflict", "", "Somebody saved s2 while you were editing.");
    CHECK_INT(call("PATCH", API, "\"s1\"", "{\"entries\":[{\"key\":\"PORT\",\"value\":\"1\"}]}"),
              412);
    answers("\"current\"");
    stage_refuse(&s, "", "", "", "");
}

static void a_session_reads_but_cannot_write_here(void)
{
    world_sign_in(&s.w, ROLE_ADMIN);
    CHECK_INT(world_get(&s.w, API), 200);
    CHECK(strstr(fake_body(&s.w.f), "8080") == NULL);
    CHECK_INT(world_get(&s.w, API ".env"), 401);
    for (int whole = 0; whole < 2; whole++) {
        world_request(&s.w, whole ? "PUT" : "PATCH", API);
        fake_param(&s.w.f, "HTTP_ORIGIN", s.w.site.origin);
        fake_send(&s.w.f, "application/json", "{}", 2);
        CHECK_INT(world_dispatch(&s.w), 401);
        s.w.f.body = NULL;
    }
    CHECK_INT(world_post(&s.w, API, "base_set=1"), 405);
    CHECK_STR(fake_header(&s.w.f, "Allow"), "GET, HEAD, PUT, PATCH");
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    arena = arena_new((size_t)8 * 1024 * 1024);
    WORLD_MUST(arena == NULL);
    snprintf(s.script->token.user_id, sizeof s.script->token.user_id, "%s", s.w.user_id);
    snprintf(s.script->token.role, sizeof s.script->token.role, "maintainer");
    s.script->token.scopes = SCOPE_ALL;
    TAP_RUN(the_newest_set_is_shown_without_hidden_values);
    TAP_RUN(a_change_names_the_set_that_it_replaces);
    TAP_RUN(a_value_is_sealed_and_gone);
    TAP_RUN(a_trial_stores_nothing);
    TAP_RUN(what_is_wrong_is_said_by_its_key);
    TAP_RUN(a_body_that_is_no_json_object_is_refused);
    TAP_RUN(a_set_saved_at_the_last_moment_is_told_too);
    TAP_RUN(a_session_reads_but_cannot_write_here);
    arena_free(arena);
    stage_close(&s);
    return tap_done();
}

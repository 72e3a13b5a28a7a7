/* engine_bearer.c - requests with an API token: where they get, with what, and what they are told
 * when they do not. The worker is a stand-in here; what it decides is db/tokens.c's claim. */
#include "tests/web/lib/pages_world.h"

#define TOKEN "wl_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct stage s;

/* A fresh request with the token and without a cookie. */
static void with_token(const char *method, const char *uri)
{
    s.w.token[0] = '\0';
    world_request(&s.w, method, uri);
    fake_param(&s.w.f, "HTTP_AUTHORIZATION", "Bearer " TOKEN);
}

static int get(const char *uri)
{
    with_token("GET", uri);
    return world_dispatch(&s.w);
}

static int send_body(const char *method, const char *uri, const char *type, const char *body)
{
    int status;

    with_token(method, uri);
    fake_send(&s.w.f, type, body, strlen(body));
    status = world_dispatch(&s.w);
    s.w.f.body = NULL;
    return status;
}

static void is_problem(const char *words)
{
    CHECK_STR(fake_header(&s.w.f, "Content-Type"), "application/problem+json");
    CHECK(strstr(fake_body(&s.w.f), words) != NULL);
    if (strstr(fake_body(&s.w.f), words) == NULL)
        printf("#   %.300s\n", fake_body(&s.w.f));
}

static void a_token_reads_what_its_scope_says(void)
{
    s.script->token.scopes = SCOPE_READ;
    CHECK_INT(get("/api/v1/apps"), 200);
    CHECK_STR(fake_header(&s.w.f, "Content-Type"), "application/json");
    CHECK(strstr(fake_body(&s.w.f), "hello") != NULL);
    CHECK_STR(s.script->verb, "token.check");
    CHECK(strstr(s.script->question, "\"token\":\"" TOKEN "\"") != NULL);
    CHECK(fake_header(&s.w.f, "Set-Cookie")[0] == '\0');
    CHECK_INT(get("/api/v1/apps/hello/staging"), 200);
    CHECK(strstr(s.script->question, "\"app\":\"hello\"") != NULL);
    CHECK(strstr(s.script->question, "\"env\":\"staging\"") != NULL);
}

static void a_missing_scope_is_named(void)
{
    s.script->token.scopes = SCOPE_SECRETS_WRITE;
    CHECK_INT(get("/api/v1/apps"), 403);
    is_problem("lacks the scope read");
    CHECK(strstr(fake_header(&s.w.f, "WWW-Authenticate"), "insufficient_scope") != NULL);
    s.script->token.scopes = SCOPE_READ;
}

/* Whether the API has an address of its own where this page's JSON face would be. */
static bool is_hidden(const char *pattern)
{
    for (size_t i = 0; i < ROUTES_COUNT; i++)
        if (strncmp(ROUTES[i].pattern, "/api/v1", 7) == 0
            && strcmp(ROUTES[i].pattern + 7, pattern) == 0)
            return true;
    return false;
}

/* Every route there is: what has no line in token_routes.c, or is not read alone, stays shut. */
static void what_is_not_marked_no_token_reaches(void)
{
    size_t marked = 0;

    s.script->token.scopes = SCOPE_ALL;
    for (size_t i = 0; i < ROUTES_COUNT; i++) {
        char uri[300];

        if (route_scopes(&ROUTES[i]) != SCOPE_NONE) {
            marked++;
            CHECK(ROUTES[i].method != METHOD_POST);
            CHECK(ROUTES[i].capability != CAP_PUBLIC && ROUTES[i].capability != CAP_SELF);
            continue;
        }
        if (strncmp(ROUTES[i].pattern, "/api/v1", 7) == 0 || is_hidden(ROUTES[i].pattern))
            continue;
        snprintf(uri, sizeof uri, "/api/v1%s", ROUTES[i].pattern);
        for (char *c = uri; *c != '\0'; c++)
            if (*c == '{' || *c == '}')
                *c = 'x';
        if (ROUTES[i].method == METHOD_GET)
            CHECK_INT(get(uri), 403);
        else
            CHECK_INT(send_body("POST", uri, "application/json", "{}"), 403);
        is_problem("API tokens do not reach this address");
    }
    CHECK(marked > 5);
    s.script->token.scopes = SCOPE_READ;
}

static void only_below_api_v1(void)
{
    int asked = s.script->asked;

    CHECK_INT(get("/apps"), 400);
    CHECK(strstr(fake_body(&s.w.f), "/api/v1") != NULL);
    CHECK_INT(s.script->asked, asked);
    CHECK_INT(get("/api/v1/api/v1/apps/hello/staging/secrets"), 404);
    CHECK_INT(get("/api/v1/api/v1/apps"), 404);
}

static void a_cookie_and_a_token_together_are_refused(void)
{
    int asked;

    world_sign_in(&s.w, ROLE_ADMIN);
    asked = s.script->asked;
    world_request(&s.w, "GET", "/api/v1/apps");
    fake_param(&s.w.f, "HTTP_AUTHORIZATION", "Bearer " TOKEN);
    CHECK_INT(world_dispatch(&s.w), 400);
    is_problem("cookie");
    CHECK_INT(s.script->asked, asked);
    /* The cookie alone still works, and another scheme of Authorization is not ours. */
    CHECK_INT(world_get(&s.w, "/api/v1/apps"), 200);
    world_request(&s.w, "GET", "/api/v1/apps");
    fake_param(&s.w.f, "HTTP_AUTHORIZATION", "Basic YTpi");
    CHECK_INT(world_dispatch(&s.w), 200);
}

static void a_token_that_is_not_good_is_a_401_with_a_challenge(void)
{
    static const char *const ODD[] = {"Bearer ", "bearer x", "Bearer " TOKEN "\xff",
                                      "Bearer " TOKEN " " TOKEN};

    s.script->token.role[0] = '\0';
    CHECK_INT(get("/api/v1/apps"), 401);
    is_problem("was removed");
    CHECK(strstr(fake_header(&s.w.f, "WWW-Authenticate"), "invalid_token") != NULL);
    CHECK(strstr(fake_body(&s.w.f), TOKEN) == NULL);
    for (size_t i = 0; i < COUNT_OF(ODD); i++) {
        with_token("GET", "/api/v1/apps");
        fake_param(&s.w.f, "HTTP_AUTHORIZATION", ODD[i]);
        CHECK_INT(world_dispatch(&s.w), 401);
    }
    snprintf(s.script->token.role, sizeof s.script->token.role, "admin");
    s.w.token[0] = '\0';
    CHECK_INT(world_get(&s.w, "/api/v1/apps"), 401);
    CHECK_STR(fake_header(&s.w.f, "WWW-Authenticate"), "Bearer realm=\"windlass\"");
}

static void throttling_and_an_absent_worker_are_said(void)
{
    stage_refuse(&s, "token.check", "throttled", "", "Too many tokens. Wait 3 seconds.");
    CHECK_INT(get("/api/v1/apps"), 429);
    is_problem("Wait 3 seconds");
    stage_refuse(&s, "", "", "", "");
    stage_stop_worker(&s);
    CHECK_INT(get("/api/v1/apps"), 503);
    stage_start_worker(&s);
    CHECK_INT(get("/api/v1/apps"), 200);
}

static void the_owner_s_present_role_decides(void)
{
    snprintf(s.script->token.role, sizeof s.script->token.role, "none");
    CHECK_INT(get("/api/v1/apps/hello/staging"), 403);
    is_problem("role");
    snprintf(s.script->token.role, sizeof s.script->token.role, "viewer");
    CHECK_INT(get("/api/v1/apps/hello/staging"), 200);
    snprintf(s.script->token.role, sizeof s.script->token.role, "admin");
}

static void over_plain_http_elsewhere_no_token_is_taken(void)
{
    int asked = s.script->asked;

    s.w.site.may_log_in = false;
    CHECK_INT(get("/api/v1/apps"), 400);
    is_problem("https");
    CHECK_INT(s.script->asked, asked);
    s.w.site.may_log_in = true;
}

static void a_new_token_is_shown_once_on_its_own_page(void)
{
    world_sign_in(&s.w, ROLE_ADMIN);
    CHECK_INT(world_post(&s.w, "/profile/tokens",
                         "name=ci&scope.read=1&environments=hello/staging&days=30&password=pw"),
              200);
    CHECK(stage_shows(&s, TOKEN));
    CHECK_STR(s.script->verb, "token.add");
    CHECK(strstr(s.script->question, "\"scopes\":\"read\"") != NULL);
    CHECK(strstr(s.script->question, "\"days\":30") != NULL);
    CHECK(strstr(s.script->question, "\"pw\"") == NULL);
    CHECK_INT(world_get(&s.w, "/profile"), 200);
    CHECK(!stage_shows(&s, TOKEN));
}

static void a_refused_form_keeps_what_was_typed_but_the_password(void)
{
    CHECK_INT(world_post(&s.w, "/profile/tokens", "name=ci+of+shop&days=0&password=secret-word"),
              422);
    CHECK(stage_shows(&s, "ci of shop"));
    CHECK(stage_shows(&s, "whole number of days"));
    CHECK(stage_shows(&s, "at least one thing"));
    CHECK(!stage_shows(&s, "secret-word"));
    stage_refuse(&s, "token.add", "input", "password", "This is not your password.");
    CHECK_INT(
        world_post(&s.w, "/profile/tokens", "name=ci&scope.secrets%3Aread=1&days=9&password=x"),
        422);
    CHECK(stage_shows(&s, "This is not your password."));
    CHECK(stage_shows(&s, "name=\"scope.secrets:read\" value=\"1\" checked"));
    stage_refuse(&s, "", "", "", "");
}

static void removing_asks_the_worker(void)
{
    CHECK_INT(world_post(&s.w, "/profile/tokens/abc/remove", ""), 303);
    CHECK_STR(s.script->verb, "token.remove");
    CHECK(strstr(s.script->question, "\"id\":\"abc\"") != NULL);
    stage_refuse(&s, "token.remove", "not-found", "", "There is no such token.");
    CHECK_INT(world_post(&s.w, "/profile/tokens/abc/remove", ""), 404);
    stage_refuse(&s, "", "", "", "");
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    snprintf(s.script->token.user_id, sizeof s.script->token.user_id, "%s", s.w.user_id);
    snprintf(s.script->token.role, sizeof s.script->token.role, "admin");
    TAP_RUN(a_token_reads_what_its_scope_says);
    TAP_RUN(a_missing_scope_is_named);
    TAP_RUN(what_is_not_marked_no_token_reaches);
    TAP_RUN(only_below_api_v1);
    TAP_RUN(a_cookie_and_a_token_together_are_refused);
    TAP_RUN(a_token_that_is_not_good_is_a_401_with_a_challenge);
    TAP_RUN(throttling_and_an_absent_worker_are_said);
    TAP_RUN(the_owner_s_present_role_decides);
    TAP_RUN(over_plain_http_elsewhere_no_token_is_taken);
    TAP_RUN(a_new_token_is_shown_once_on_its_own_page);
    TAP_RUN(a_refused_form_keeps_what_was_typed_but_the_password);
    TAP_RUN(removing_asks_the_worker);
    stage_close(&s);
    return tap_done();
}

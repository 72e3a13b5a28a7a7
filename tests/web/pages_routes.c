/* pages_routes.c - the table of routes against a written one: every URL with its method, who may,
 * and an example that renders in strict mode. A route that is new, gone or open to others fails
 * here first. */
#include "tests/web/lib/pages_world.h"

#define V 1 /* viewer and above */
#define D 2 /* deployer and above */
#define M 3 /* maintainer and above */
#define A 4 /* admin */
#define P 0 /* anyone */

#define SECRETS  "/apps/hello/staging/secrets"
#define RELEASES "/apps/hello/staging/releases"

struct expected {
    enum method method;
    const char *pattern;
    int least;           /* the lowest role that may */
    const char *example; /* %J a job, %N the queued job, %D a draft of this role's person */
    int status;          /* of the example for an admin: GETs; of an empty POST */
};

static const struct expected EXPECTED[] = {
    {METHOD_GET, "/healthz", P, "/healthz", 200},
    {METHOD_GET, "/setup/{token}", P, "/setup/abc", 404},
    {METHOD_POST, "/setup/{token}", P, "/setup/abc", 422},
    {METHOD_GET, "/login", P, "/login", 303},
    {METHOD_POST, "/login", P, "/login", 303},
    {METHOD_POST, "/logout", V, "/logout", 303},
    {METHOD_GET, "/", V, "/", 200},
    {METHOD_GET, "/apps", V, "/apps", 200},
    {METHOD_GET, "/apps/new", M, "/apps/new", 200},
    {METHOD_POST, "/apps/new", M, "/apps/new", 422},
    {METHOD_GET, "/apps/{app}", V, "/apps/hello", 200},
    {METHOD_POST, "/apps/{app}/artefacts", M, "/apps/hello/artefacts", 422},
    {METHOD_POST, "/apps/{app}/artefacts/fetch", M, "/apps/hello/artefacts/fetch", 422},
    {METHOD_POST, "/apps/{app}/artefacts/adopt", M, "/apps/hello/artefacts/adopt", 422},
    {METHOD_GET, "/apps/{app}/new", M, "/apps/hello/new", 200},
    {METHOD_POST, "/apps/{app}/new", M, "/apps/hello/new", 422},
    {METHOD_GET, "/apps/{app}/secrets", M, "/apps/hello/secrets", 200},
    {METHOD_GET, "/apps/{app}/{env}", V, "/apps/hello/staging", 200},
    {METHOD_GET, "/apps/{app}/{env}/settings", M, "/apps/hello/staging/settings", 200},
    {METHOD_POST, "/apps/{app}/{env}/settings", M, "/apps/hello/staging/settings", 422},
    {METHOD_GET, "/apps/{app}/{env}/secrets", M, "/apps/hello/staging/secrets", 200},
    {METHOD_POST, "/apps/{app}/{env}/secrets", M, "/apps/hello/staging/secrets", 303},
    {METHOD_GET, "/apps/{app}/{env}/secrets/raw", M, SECRETS "/raw", 200},
    {METHOD_POST, "/apps/{app}/{env}/secrets/raw", M, SECRETS "/raw", 303},
    {METHOD_POST, "/apps/{app}/{env}/secrets/raw/reveal", M, SECRETS "/raw/reveal", 200},
    {METHOD_GET, "/apps/{app}/{env}/secrets/add", M, SECRETS "/add", 200},
    {METHOD_POST, "/apps/{app}/{env}/secrets/add", M, SECRETS "/add", 422},
    {METHOD_GET, "/apps/{app}/{env}/secrets/key/{key}", M, SECRETS "/key/PASSWORD", 200},
    {METHOD_POST, "/apps/{app}/{env}/secrets/key/{key}", M, SECRETS "/key/PASSWORD", 422},
    {METHOD_POST, "/apps/{app}/{env}/secrets/key/{key}/reveal", M, SECRETS "/key/PASSWORD/reveal",
     200},
    {METHOD_GET, "/apps/{app}/{env}/secrets/review/{draft}", M, SECRETS "/review/%D", 200},
    {METHOD_POST, "/apps/{app}/{env}/secrets/review/{draft}", M, SECRETS "/review/%D", 422},
    {METHOD_GET, "/apps/{app}/{env}/secrets/history", M, SECRETS "/history", 200},
    {METHOD_POST, "/apps/{app}/{env}/secrets/restore", M, SECRETS "/restore", 422},
    {METHOD_GET, "/apps/{app}/{env}/secrets/required", M, SECRETS "/required", 200},
    {METHOD_POST, "/apps/{app}/{env}/secrets/required", M, SECRETS "/required", 422},
    {METHOD_GET, "/apps/{app}/{env}/deploy", D, "/apps/hello/staging/deploy", 200},
    {METHOD_POST, "/apps/{app}/{env}/deploy", D, "/apps/hello/staging/deploy", 409},
    {METHOD_POST, "/apps/{app}/{env}/plan", D, "/apps/hello/staging/plan", 422},
    {METHOD_POST, "/apps/{app}/{env}/resume", D, "/apps/hello/staging/resume", 303},
    {METHOD_GET, "/apps/{app}/{env}/operate", V, "/apps/hello/staging/operate", 200},
    {METHOD_GET, "/apps/{app}/{env}/operate/{what}", D, "/apps/hello/staging/operate/stop", 200},
    {METHOD_POST, "/apps/{app}/{env}/operate/{what}", D, "/apps/hello/staging/operate/stop", 409},
    {METHOD_GET, "/apps/{app}/{env}/command", M, "/apps/hello/staging/command", 200},
    {METHOD_POST, "/apps/{app}/{env}/command", M, "/apps/hello/staging/command", 422},
    {METHOD_GET, "/apps/{app}/{env}/logs", D, "/apps/hello/staging/logs", 200},
    {METHOD_POST, "/apps/{app}/{env}/logs", D, "/apps/hello/staging/logs", 422},
    {METHOD_GET, "/apps/{app}/{env}/freeze", V, "/apps/hello/staging/freeze", 200},
    {METHOD_POST, "/apps/{app}/{env}/freeze", M, "/apps/hello/staging/freeze", 303},
    {METHOD_POST, "/apps/{app}/{env}/lock", M, "/apps/hello/staging/lock", 422},
    {METHOD_POST, "/apps/{app}/{env}/unlock", M, "/apps/hello/staging/unlock", 303},
    {METHOD_GET, "/apps/{app}/{env}/releases", V, RELEASES, 200},
    {METHOD_GET, "/apps/{app}/{env}/releases/compare", D, RELEASES "/compare?a=1&b=2", 200},
    {METHOD_GET, "/apps/{app}/{env}/releases/{number}", V, RELEASES "/1", 200},
    {METHOD_GET, "/apps/{app}/{env}/releases/{number}/rollback", D, RELEASES "/1/rollback", 200},
    {METHOD_POST, "/apps/{app}/{env}/releases/{number}/rollback", D, RELEASES "/1/rollback", 422},
    {METHOD_GET, "/jobs", V, "/jobs", 200},
    {METHOD_GET, "/jobs/{id}", V, "/jobs/%J", 200},
    {METHOD_GET, "/jobs/{id}/log", V, "/jobs/%J/log", 200},
    {METHOD_GET, "/jobs/{id}/raw", V, "/jobs/%J/raw", 200},
    {METHOD_POST, "/jobs/{id}/cancel", D, "/jobs/%N/cancel", 303},
    {METHOD_GET, "/servers", V, "/servers", 200},
    {METHOD_GET, "/servers/new", A, "/servers/new", 200},
    {METHOD_POST, "/servers/new", A, "/servers/new", 422},
    {METHOD_POST, "/servers/check", A, "/servers/check", 303},
    {METHOD_GET, "/servers/{slug}", V, "/servers/web-1", 200},
    {METHOD_POST, "/servers/{slug}/pin", A, "/servers/web-2/pin", 303},
    {METHOD_POST, "/servers/{slug}/check", A, "/servers/web-1/check", 303},
    {METHOD_GET, "/registries", V, "/registries", 200},
    {METHOD_GET, "/registries/new", A, "/registries/new", 200},
    {METHOD_POST, "/registries/new", A, "/registries/new", 422},
    {METHOD_GET, "/registries/{slug}", V, "/registries/team", 200},
    {METHOD_POST, "/registries/{slug}", A, "/registries/team", 422},
    {METHOD_POST, "/registries/{slug}/remove", A, "/registries/team/remove", 422},
    {METHOD_GET, "/audit", M, "/audit", 200},
    {METHOD_GET, "/audit/{seq}", M, "/audit/1", 200},
    {METHOD_GET, "/profile", V, "/profile", 200},
    {METHOD_POST, "/profile", V, "/profile", 422},
    {METHOD_POST, "/profile/password", V, "/profile/password", 422},
    {METHOD_POST, "/profile/sessions", V, "/profile/sessions", 404},
    {METHOD_POST, "/profile/tokens", V, "/profile/tokens", 422},
    {METHOD_POST, "/profile/tokens/{id}/remove", V, "/profile/tokens/abc/remove", 303},
};

/* Behind them in the table: what is there for programs alone. web/engine_bearer.c asks them. */
static const struct {
    enum method method;
    const char *pattern;
    enum csrf csrf;
    unsigned scopes;
} API[] = {
    {METHOD_GET, "/api/v1/apps/{app}/{env}/secrets", CSRF_SAFE_METHOD,
     SCOPE_SECRETS_READ | SCOPE_SECRETS_WRITE},
    {METHOD_PUT, "/api/v1/apps/{app}/{env}/secrets", CSRF_TOKEN_ONLY,
     SCOPE_SECRETS_READ | SCOPE_SECRETS_WRITE},
    {METHOD_PATCH, "/api/v1/apps/{app}/{env}/secrets", CSRF_TOKEN_ONLY,
     SCOPE_SECRETS_READ | SCOPE_SECRETS_WRITE},
    {METHOD_GET, "/api/v1/apps/{app}/{env}/secrets.env", CSRF_TOKEN_ONLY, SCOPE_SECRETS_READ},
};

static struct stage s;

/* A draft of the person who is signed in; "none" when nobody is. */
static const char *own_draft(void)
{
    static char id[CRYPTO_ID_SIZE];
    struct secret_draft draft = {.environment_id = s.env_id, .user_id = s.w.user_id, .base_set = 1};
    if (s.w.token[0] == '\0')
        return "none";
    WORLD_MUST(secret_draft_add(s.w.db, &draft, id, &world_err));
    return id;
}

static const char *example_of(const struct expected *e)
{
    static char uri[200];
    const char *mark = strchr(e->example, '%');
    if (mark == NULL)
        return e->example;
    snprintf(uri, sizeof uri, "%.*s%s%s", (int)(mark - e->example), e->example,
             mark[1] == 'J'   ? s.live_job
             : mark[1] == 'D' ? own_draft()
                              : s.queued_job,
             mark + 2);
    return uri;
}

static void the_table_is_the_written_one(void)
{
    CHECK_INT(ROUTES_COUNT, COUNT_OF(EXPECTED) + COUNT_OF(API));
    for (size_t i = 0; i < COUNT_OF(EXPECTED) && i < ROUTES_COUNT; i++) {
        const struct route *route = &ROUTES[i];
        CHECK_STR(route->pattern, EXPECTED[i].pattern);
        CHECK_INT(route->method, EXPECTED[i].method);
        CHECK(route->method == METHOD_GET ? route->csrf == CSRF_SAFE_METHOD
                                          : route->csrf != CSRF_SAFE_METHOD);
        for (int role = ROLE_NONE; role <= ROLE_ADMIN; role++)
            CHECK_INT(role_may((enum role)role, route->capability), role >= EXPECTED[i].least);
    }
}

static void the_api_is_the_written_one(void)
{
    for (size_t i = 0; i < COUNT_OF(API) && ROUTES_COUNT >= COUNT_OF(API); i++) {
        const struct route *route = &ROUTES[ROUTES_COUNT - COUNT_OF(API) + i];
        CHECK_STR(route->pattern, API[i].pattern);
        CHECK_INT(route->method, API[i].method);
        CHECK_INT(route->csrf, API[i].csrf);
        CHECK_INT(route->capability, CAP_SECRETS);
        CHECK_INT(route_scopes(route), API[i].scopes);
    }
}

static int ask_route(const struct expected *e)
{
    return e->method == METHOD_GET ? world_get(&s.w, example_of(e))
                                   : world_post(&s.w, example_of(e), "");
}

static void every_page_renders_in_strict_mode(void)
{
    world_sign_in(&s.w, ROLE_ADMIN);
    for (size_t i = 0; i < COUNT_OF(EXPECTED); i++) {
        int status;
        if (EXPECTED[i].method != METHOD_GET)
            continue;
        status = ask_route(&EXPECTED[i]);
        CHECK_INT(status, EXPECTED[i].status);
        if (status != EXPECTED[i].status)
            printf("#   %s\n", example_of(&EXPECTED[i]));
        CHECK(status != 200 || strstr(fake_body(&s.w.f), "{{") == NULL);
    }
}

static void every_page_has_a_json_face(void)
{
    for (size_t i = 0; i < COUNT_OF(EXPECTED); i++) {
        json_t *data;
        if (EXPECTED[i].method != METHOD_GET || EXPECTED[i].status != 200
            || strcmp(EXPECTED[i].pattern, "/jobs/{id}/raw") == 0)
            continue;
        data = stage_json(&s, example_of(&EXPECTED[i]), 200);
        CHECK(json_is_object(data));
        json_decref(data);
    }
}

static void an_empty_form_is_answered_in_words(void)
{
    for (size_t i = 0; i < COUNT_OF(EXPECTED); i++) {
        int status;
        if (EXPECTED[i].method != METHOD_POST || strcmp(EXPECTED[i].pattern, "/logout") == 0)
            continue;
        status = ask_route(&EXPECTED[i]);
        CHECK_INT(status, EXPECTED[i].status);
        if (status != EXPECTED[i].status)
            printf("#   POST %s: %.300s\n", example_of(&EXPECTED[i]), fake_body(&s.w.f));
    }
}

/* 403 (or the login page) exactly for those below the line; what lies above is the page's own. */
static void each_role_may_what_the_table_says(void)
{
    for (int role = ROLE_NONE; role <= ROLE_ADMIN; role++) {
        world_sign_in(&s.w, (enum role)role);
        for (size_t i = 0; i < COUNT_OF(EXPECTED); i++) {
            bool is_allowed = role >= EXPECTED[i].least;
            int status;
            if (strcmp(EXPECTED[i].pattern, "/logout") == 0 && is_allowed)
                continue; /* would end the session of this loop */
            if (role == ROLE_NONE && EXPECTED[i].method == METHOD_POST)
                continue; /* has no token to send: engine_dispatch.c */
            status = ask_route(&EXPECTED[i]);
            if (role == ROLE_NONE && !is_allowed)
                CHECK(status == 303 && strstr(fake_header(&s.w.f, "Location"), "/login") != NULL);
            else
                CHECK((status == 403) == !is_allowed);
            if ((status == 403) == is_allowed)
                printf("#   %s as %s: %d\n", example_of(&EXPECTED[i]), role_name((enum role)role),
                       status);
        }
    }
}

static void unknown_names_are_not_found(void)
{
    static const char *const NOWHERE[] = {
        "/apps/nobody",
        "/apps/nobody/new",
        "/apps/nobody/staging",
        "/apps/hello/nowhere",
        "/apps/hello/nowhere/deploy",
        "/apps/hello/nowhere/secrets",
        "/apps/nobody/secrets",
        SECRETS "/key/NOTHING",
        SECRETS "/review/nothing",
        SECRETS "?draft=nothing",
        "/apps/hello/nowhere/settings",
        "/jobs/nothing",
        "/jobs/00000000000000000000000000",
        "/jobs/00000000000000000000000000/log",
        "/jobs/00000000000000000000000000/raw",
        "/servers/nobody",
        "/registries/nobody",
        "/audit/0",
        "/audit/999999",
        "/audit/x",
        "/apps/hello/new?recipe=none",
        "/apps/hello/staging/../staging2",
    };
    world_sign_in(&s.w, ROLE_ADMIN);
    for (size_t i = 0; i < COUNT_OF(NOWHERE); i++) {
        int status = world_get(&s.w, NOWHERE[i]);
        CHECK(status == 404 || status == 400);
        if (status != 404 && status != 400)
            printf("#   %s: %d\n", NOWHERE[i], status);
    }
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    store_secrets(&s.w, s.env_id,
                  &(struct stored){.key = "PASSWORD", .kind = "secret", .value = "x"}, 1);
    TAP_RUN(the_table_is_the_written_one);
    TAP_RUN(the_api_is_the_written_one);
    TAP_RUN(every_page_renders_in_strict_mode);
    TAP_RUN(every_page_has_a_json_face);
    TAP_RUN(unknown_names_are_not_found);
    TAP_RUN(an_empty_form_is_answered_in_words);
    TAP_RUN(each_role_may_what_the_table_says);
    stage_close(&s);
    return tap_done();
}

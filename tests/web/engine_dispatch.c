/* engine_dispatch.c - the order of work of a request, and who is refused at which step. The routes
 * are this test's own; pages have tests of theirs. */
#include "tests/web/lib/world.h"

#include "cgi/http/response.h"

static struct world w;
static int handled; /* how often the handler ran */
static int handler_fails_with;

static int answer(struct request *req, struct response *res, struct err *err)
{
    handled++;
    if (handler_fails_with != 0)
        return err_set(err, (enum err_code)handler_fails_with, "The moon is in the way.");
    return respond_json(res, 200,
                        json_pack("{s:s, s:s, s:s, s:s}", "path", req->path, "x",
                                  request_query(req, "x"), "a", request_field(req, "a"), "name",
                                  request_param(req, 0)));
}

static int show_page(struct request *req, struct response *res, struct err *err)
{
    (void)req;
    (void)err;
    return respond_page(res, 200, "error",
                        json_pack("{s:i, s:s, s:s, s:s, s:[]}", "status", 200, "title", "T",
                                  "message", "<b>&\"'", "fix", "", "links"),
                        NULL);
}

static int leave_transaction_open(struct request *req, struct response *res, struct err *err)
{
    if (db_begin(req->db, err) != 0)
        return -1;
    return respond_redirect(res, "/");
}

static int eat_memory(struct request *req, struct response *res, struct err *err)
{
    (void)err;
    while (arena_alloc(req->arena, (size_t)1024 * 1024) != NULL)
        continue;
    return respond_json(res, 200, json_object());
}

static int answer_nothing(struct request *req, struct response *res, struct err *err)
{
    (void)req;
    (void)res;
    (void)err;
    return 0;
}

static int write_something(struct request *req, struct response *res, struct err *err)
{
    struct audit_entry entry = {.actor = &req->actor,
                                .verb = "test.write",
                                .target_kind = "test",
                                .target_id = "t",
                                .target_name = "t"};

    if (db_begin(req->db, err) != 0)
        return -1;
    if (audit_append(req->db, &entry, err) != 0 || db_commit(req->db, err) != 0) {
        db_rollback(req->db);
        return -1;
    }
    return respond_redirect(res, "/");
}

static const struct route TABLE[] = {
    {METHOD_GET, "/open", CAP_PUBLIC, CSRF_SAFE_METHOD, answer},
    {METHOD_POST, "/open", CAP_PUBLIC, CSRF_REQUIRED, answer},
    {METHOD_GET, "/page", CAP_PUBLIC, CSRF_SAFE_METHOD, show_page},
    {METHOD_GET, "/view", CAP_VIEW, CSRF_SAFE_METHOD, answer},
    {METHOD_POST, "/view", CAP_VIEW, CSRF_REQUIRED, answer},
    {METHOD_POST, "/sloppy", CAP_VIEW, CSRF_SAFE_METHOD, answer}, /* a mistake: must protect */
    {METHOD_POST, "/deploy", CAP_DEPLOY, CSRF_REQUIRED, answer},
    {METHOD_GET, "/forgot", CAP_NOBODY, CSRF_SAFE_METHOD, answer},
    {METHOD_GET, "/apps/{app}", CAP_VIEW, CSRF_SAFE_METHOD, answer},
    {METHOD_GET, "/apps/new", CAP_VIEW, CSRF_SAFE_METHOD, show_page},
    {METHOD_GET, "/open-transaction", CAP_VIEW, CSRF_SAFE_METHOD, leave_transaction_open},
    {METHOD_POST, "/write", CAP_VIEW, CSRF_REQUIRED, write_something},
    {METHOD_GET, "/eat", CAP_VIEW, CSRF_SAFE_METHOD, eat_memory},
    {METHOD_GET, "/nothing", CAP_VIEW, CSRF_SAFE_METHOD, answer_nothing},
};

static bool body_has(const char *text)
{
    return strstr(fake_body(&w.f), text) != NULL;
}

static void another_host_is_refused_before_anything_else(void)
{
    static const char *const HOSTS[] = {"evil.example", "127.0.0.1:8081", "",
                                        "127.0.0.1:8080.evil"};

    handled = 0;
    for (size_t i = 0; i < COUNT_OF(HOSTS); i++) {
        world_request(&w, "GET", "/open");
        fake_param(&w.f, "HTTP_HOST", HOSTS[i]);
        CHECK_INT(world_dispatch(&w), 400);
        CHECK(body_has("http://127.0.0.1:8080"));
    }
    world_request(&w, "GET", "/open");
    fake_param(&w.f, "HTTP_HOST", NULL);
    CHECK_INT(world_dispatch(&w), 400);
    CHECK_INT(handled, 0);
    CHECK_INT(world_get(&w, "/open"), 200);
}

static void paths_that_two_readers_could_read_in_two_ways_are_refused(void)
{
    static const char *const BAD[] = {
        "/apps/..",    "/apps/%2e%2e", "/apps/.",      "/apps//x",       "//apps/x",
        "/apps/a%2fb", "/apps/a%2Fb",  "/apps/a%00b",  "/apps/a%0ab",    "/apps/a%5cb",
        "/apps/%ff",   "/apps/%zz",    "/apps/%4",     "apps",           "",
        "/apps/a\\b",  "/apps/x//",    "/apps/%c0%ae", "/apps/\xff\xfe",
    };

    world_sign_in(&w, ROLE_VIEWER);
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        if (world_get(&w, BAD[i]) != 400)
            tap_note_failure(__FILE__, __LINE__, BAD[i]);
    }
    CHECK_INT(world_get(&w, "/apps/a%20b%25"), 200);
    CHECK(body_has("\"name\":\"a b%\"")); /* decoded once, not twice */
    CHECK_INT(world_get(&w, "/apps/%2525"), 200);
    CHECK(body_has("\"name\":\"%25\""));
}

static void a_slash_at_the_end_is_shown_the_way(void)
{
    world_sign_in(&w, ROLE_VIEWER);
    CHECK_INT(world_get(&w, "/apps/a%20b/?x=1"), 303);
    CHECK_STR(fake_header(&w.f, "Location"), "http://127.0.0.1:8080/apps/a%20b?x=1");
    CHECK_INT(world_get(&w, "/nowhere/"), 404);
    CHECK_INT(world_post(&w, "/view/", ""), 400);
    CHECK_INT(world_get(&w, "//evil.example/"), 400);
}

static void a_literal_segment_beats_a_name(void)
{
    world_sign_in(&w, ROLE_VIEWER);
    CHECK_INT(world_get(&w, "/apps/new"), 200);
    CHECK(body_has("<html"));
    CHECK_INT(world_get(&w, "/apps/newer"), 200);
    CHECK(body_has("\"name\":\"newer\""));
}

static void unknown_paths_are_404_and_wrong_methods_405_with_allow(void)
{
    world_sign_in(&w, ROLE_VIEWER);
    CHECK_INT(world_get(&w, "/nowhere"), 404);
    CHECK_INT(world_post(&w, "/apps/x", ""), 405);
    CHECK_STR(fake_header(&w.f, "Allow"), "GET, HEAD");
    world_request(&w, "BREW", "/view");
    CHECK_INT(world_dispatch(&w), 405);
    CHECK_STR(fake_header(&w.f, "Allow"), "GET, HEAD, POST");
    world_request(&w, "PUT", "/nowhere");
    CHECK_INT(world_dispatch(&w), 404);
}

static void head_is_get_without_a_body(void)
{
    world_sign_in(&w, ROLE_VIEWER);
    world_request(&w, "HEAD", "/view");
    CHECK_INT(world_dispatch(&w), 200);
    CHECK_STR(fake_body(&w.f), "");
    CHECK(strtol(fake_header(&w.f, "Content-Length"), NULL, 10) > 2);
}

static void a_route_without_a_capability_is_for_nobody(void)
{
    handled = 0;
    for (enum role role = ROLE_VIEWER; role <= ROLE_ADMIN; role++) {
        world_sign_in(&w, role);
        CHECK_INT(world_get(&w, "/forgot"), 403);
    }
    CHECK_INT(handled, 0);
}

static void signed_out_people_are_sent_to_login_and_programs_told_so(void)
{
    world_sign_in(&w, ROLE_NONE);
    CHECK_INT(world_get(&w, "/view?x=a%20b&y=1"), 303);
    CHECK_STR(fake_header(&w.f, "Location"),
              "http://127.0.0.1:8080/login?next=%2Fview%3Fx%3Da%2520b%26y%3D1");
    w.wants_json = true;
    CHECK_INT(world_get(&w, "/view"), 401);
    CHECK_STR(fake_header(&w.f, "Content-Type"), "application/problem+json");
    w.wants_json = false;
    CHECK_INT(world_post(&w, "/view", "a=1"), 303);
    CHECK_STR(fake_header(&w.f, "Location"), "http://127.0.0.1:8080/login");
}

static void sessions_end_by_age_and_by_idling(void)
{
    int64_t now = clock_now_ms();

    world_sign_in_at(&w, ROLE_VIEWER, now - SESSION_IDLE_MS + 5000);
    CHECK_INT(world_get(&w, "/view"), 200);
    world_sign_in_at(&w, ROLE_VIEWER, now - SESSION_IDLE_MS - 1000);
    CHECK_INT(world_get(&w, "/view"), 303);
    CHECK(strstr(fake_nth_header(&w.f, "Set-Cookie", 0), "windlass-8080=; ") != NULL);
    world_sign_in_at(&w, ROLE_VIEWER, now - SESSION_LIFE_MS - 1000);
    CHECK_INT(world_get(&w, "/view"), 303);
    /* A clock that was set back does not lengthen a session's life. */
    world_sign_in_at(&w, ROLE_VIEWER, now + (int64_t)3600 * 1000);
    CHECK_INT(world_get(&w, "/view"), 303);
    world_sign_in(&w, ROLE_VIEWER);
    w.token[5] = w.token[5] == 'A' ? 'B' : 'A';
    CHECK_INT(world_get(&w, "/view"), 303);
}

static void a_session_cookie_given_twice_counts_as_none(void)
{
    char cookie[256];

    world_sign_in(&w, ROLE_VIEWER);
    world_request(&w, "GET", "/view");
    snprintf(cookie, sizeof cookie, "windlass-8080=%s; windlass-8080=x", w.token);
    fake_param(&w.f, "HTTP_COOKIE", cookie);
    CHECK_INT(world_dispatch(&w), 303);
    world_request(&w, "GET", "/view"); /* another port's cookie is not ours */
    snprintf(cookie, sizeof cookie, "windlass-9090=%s", w.token);
    fake_param(&w.f, "HTTP_COOKIE", cookie);
    CHECK_INT(world_dispatch(&w), 303);
}

static void a_role_that_may_not_is_told_which_right_is_missing_and_writes_are_audited(void)
{
    json_t *events;

    handled = 0;
    world_sign_in(&w, ROLE_VIEWER);
    CHECK_INT(world_post(&w, "/deploy", "a=1"), 403);
    CHECK(body_has("viewer") && body_has("deploy"));
    CHECK_INT(handled, 0);
    WORLD_MUST(audit_list(w.db, NULL, 0, 1, &events, &world_err));
    CHECK_STR(json_string_value(json_object_get(json_array_get(events, 0), "verb")),
              "access.denied");
    json_decref(events);
    world_sign_in(&w, ROLE_DEPLOYER);
    CHECK_INT(world_post(&w, "/deploy", "a=1"), 200);
    CHECK_INT(handled, 1);
}

/* One POST; every way to get it wrong is one row. */
struct csrf_case {
    const char *origin, *fetch_site, *token; /* NULL: absent; token "": the right one */
    int status;
};

static int post_with(const char *path, const struct csrf_case *c)
{
    char body[256], right[64];

    if (c->token == NULL)
        snprintf(body, sizeof body, "a=1");
    else
        snprintf(body, sizeof body, "csrf=%s&a=1",
                 c->token[0] == '\0' ? world_csrf(&w, right) : c->token);
    world_request(&w, "POST", path);
    fake_param(&w.f, "HTTP_ORIGIN", c->origin);
    fake_param(&w.f, "HTTP_SEC_FETCH_SITE", c->fetch_site);
    fake_send(&w.f, "application/x-www-form-urlencoded", body, strlen(body));
    return world_dispatch(&w);
}

static void a_write_needs_our_origin_and_our_token(void)
{
    static const char OURS[] = "http://127.0.0.1:8080";
    static const struct csrf_case CASES[] = {
        {OURS, "same-origin", "", 200},
        {OURS, NULL, "", 200},
        {NULL, NULL, "", 403},
        {NULL, "same-origin", "", 403},
        {"null", NULL, "", 403},
        {"http://evil.example", NULL, "", 403},
        {"https://127.0.0.1:8080", NULL, "", 403},
        {"http://127.0.0.1:8080.evil.example", NULL, "", 403},
        {OURS, "cross-site", "", 403},
        {OURS, "same-site", "", 403},
        {OURS, "none", "", 403},
        {OURS, "same-origin", NULL, 403},
        {OURS, "same-origin", "x", 403},
        {OURS, "same-origin", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 403},
    };
    static const char *const PATHS[] = {"/view", "/sloppy"};

    world_sign_in(&w, ROLE_VIEWER);
    for (size_t i = 0; i < COUNT_OF(CASES) * 2; i++) {
        handled = 0;
        CHECK_INT(post_with(PATHS[i % 2], &CASES[i / 2]), CASES[i / 2].status);
        CHECK_INT(handled, CASES[i / 2].status == 200);
    }
}

static void one_persons_token_does_not_serve_another(void)
{
    struct csrf_case c = {"http://127.0.0.1:8080", "same-origin", NULL, 403};
    char token[64];

    world_sign_in(&w, ROLE_VIEWER);
    c.token = world_csrf(&w, token);
    world_sign_in(&w, ROLE_VIEWER);
    CHECK_INT(post_with("/view", &c), 403);
}

static void visitors_get_a_cookie_for_their_token_and_login_is_protected_too(void)
{
    char visitor[2048], cookie[2200], body[128];
    struct arena *scratch = arena_new(4096);

    world_sign_in(&w, ROLE_NONE);
    CHECK_INT(world_get(&w, "/page"), 200);
    snprintf(visitor, sizeof visitor, "%s", fake_cookie(&w.f, "windlass-visitor-8080"));
    CHECK_INT(strlen(visitor), 43);
    CHECK(strstr(fake_header(&w.f, "Set-Cookie"), "HttpOnly; SameSite=Lax") != NULL);
    snprintf(cookie, sizeof cookie, "windlass-visitor-8080=%s", visitor);
    snprintf(body, sizeof body, "csrf=%s&a=1", csrf_token(scratch, visitor));
    world_request(&w, "POST", "/open");
    fake_param(&w.f, "HTTP_ORIGIN", "http://127.0.0.1:8080");
    fake_param(&w.f, "HTTP_COOKIE", cookie);
    fake_send(&w.f, "application/x-www-form-urlencoded", body, strlen(body));
    CHECK_INT(world_dispatch(&w), 200);
    fake_param(&w.f, "HTTP_COOKIE", NULL);
    fake_send(&w.f, "application/x-www-form-urlencoded", body, strlen(body));
    buf_reset(&w.f.out);
    CHECK_INT(world_dispatch(&w), 403);
    arena_free(scratch);
}

static void a_handlers_error_becomes_a_page_in_words_with_the_right_status(void)
{
    static const struct {
        enum err_code code;
        int status;
    } CASES[] = {{ERR_INPUT, 422},    {ERR_NOT_FOUND, 404}, {ERR_DENIED, 403},
                 {ERR_CONFLICT, 409}, {ERR_TOO_LARGE, 413}, {ERR_THROTTLED, 429},
                 {ERR_BUSY, 503},     {ERR_NO_SPACE, 507},  {ERR_NO_MEMORY, 503},
                 {ERR_REMOTE, 502},   {ERR_INTERNAL, 500}};

    world_sign_in(&w, ROLE_VIEWER);
    for (size_t i = 0; i < COUNT_OF(CASES) * 2; i++) {
        w.wants_json = i % 2 == 1;
        handler_fails_with = (int)CASES[i / 2].code;
        CHECK_INT(world_get(&w, "/view"), CASES[i / 2].status);
        CHECK(body_has("The moon is in the way."));
        CHECK(body_has(w.wants_json ? "request_id" : "<html"));
        CHECK((CASES[i / 2].status == 503 || CASES[i / 2].status == 429)
              == (fake_header(&w.f, "Retry-After")[0] != '\0'));
    }
    w.wants_json = false;
    handler_fails_with = 0;
}

static void a_database_that_cannot_be_opened_is_a_503_in_words(void)
{
    world_sign_in(&w, ROLE_VIEWER);
    w.d.db = NULL;
    CHECK_INT(world_get(&w, "/view"), 503);
    CHECK(body_has("database"));
    CHECK_STR(fake_header(&w.f, "Retry-After"), "2");
    w.d.db = w.db;
    CHECK_INT(world_get(&w, "/view"), 200);
}

static int64_t events(void)
{
    json_t *list = NULL;
    int64_t seq;

    WORLD_MUST(audit_list(w.db, NULL, 0, 1, &list, &world_err));
    seq = json_integer_value(json_object_get(json_array_get(list, 0), "seq"));
    json_decref(list);
    return seq;
}

static void a_locked_database_is_a_503_in_words_and_nothing_is_lost(void)
{
    int64_t before;

    world_sign_in(&w, ROLE_VIEWER);
    before = events();
    WORLD_MUST(db_begin(w.worker, &world_err)); /* somebody holds the write lock */
    CHECK_INT(world_get(&w, "/view"), 200);     /* reading goes on */
    CHECK_INT(world_post(&w, "/write", ""), 503);
    CHECK(body_has("Nothing was changed"));
    CHECK_STR(fake_header(&w.f, "Retry-After"), "2");
    db_rollback(w.worker);
    CHECK_INT(events(), before);
    CHECK_INT(world_post(&w, "/write", ""), 303);
    CHECK_INT(events(), before + 1);
}

static void a_request_that_uses_up_its_memory_is_a_503_and_the_next_one_works(void)
{
    world_sign_in(&w, ROLE_VIEWER);
    CHECK_INT(world_get(&w, "/eat"), 503);
    CHECK(body_has("<html") && body_has("memory"));
    CHECK_INT(world_get(&w, "/view"), 200);
}

static void a_handlers_mistakes_are_a_500_and_leave_nothing_open(void)
{
    world_sign_in(&w, ROLE_VIEWER);
    CHECK_INT(world_get(&w, "/nothing"), 500);
    CHECK_INT(world_get(&w, "/open-transaction"), 303);
    CHECK(!db_in_transaction(w.db));
}

static void json_is_the_data_alone(void)
{
    world_sign_in(&w, ROLE_VIEWER);
    CHECK_INT(world_get(&w, "/page"), 200);
    CHECK_STR(fake_header(&w.f, "Content-Type"), "text/html; charset=utf-8");
    CHECK(body_has("&lt;b&gt;&amp;&quot;&#39;"));
    w.wants_json = true;
    CHECK_INT(world_get(&w, "/page"), 200);
    CHECK_STR(fake_header(&w.f, "Content-Type"), "application/json");
    CHECK_STR(
        fake_body(&w.f),
        "{\"status\":200,\"title\":\"T\",\"message\":\"<b>&\\\"'\",\"fix\":\"\",\"links\":[]}\n");
    w.wants_json = false;
    CHECK_INT(world_get(&w, "/api/v1/page"), 200);
    CHECK_STR(fake_header(&w.f, "Content-Type"), "application/json");
    CHECK_INT(world_get(&w, "/api/v1/view?x=1"), 200);
    CHECK(body_has("\"path\":\"/view\""));
}

static void accept_is_read_with_its_weights(void)
{
    static const struct {
        const char *accept;
        bool is_json;
    } CASES[] = {{"text/html,application/xhtml+xml,*/*;q=0.8", false},
                 {"application/json", true},
                 {"application/json, text/html;q=0.5", true},
                 {"application/json;q=0.4, text/html", false},
                 {"application/json;q=0", false},
                 {"*/*", false},
                 {"", false}};

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        world_request(&w, "GET", "/page");
        fake_param(&w.f, "HTTP_ACCEPT", CASES[i].accept);
        world_dispatch(&w);
        CHECK((strstr(fake_header(&w.f, "Content-Type"), "json") != NULL) == CASES[i].is_json);
    }
}

static void every_answer_carries_the_security_headers(void)
{
    static const char *const PATHS[] = {"/page", "/nowhere", "/view", "/apps/..", "/forgot"};
    static const char *const NAMES[] = {
        "Content-Security-Policy",    "X-Content-Type-Options",       "Referrer-Policy",
        "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Permissions-Policy"};

    for (size_t i = 0; i < COUNT_OF(PATHS); i++) {
        world_get(&w, PATHS[i]);
        for (size_t k = 0; k < COUNT_OF(NAMES); k++)
            CHECK(fake_header(&w.f, NAMES[k])[0] != '\0');
        CHECK(strncmp(fake_header(&w.f, "Content-Security-Policy"), "default-src 'none'; ", 20)
              == 0);
        CHECK_STR(fake_header(&w.f, "Cache-Control"), "no-store");
        CHECK_STR(fake_header(&w.f, "Vary"), "Accept");
    }
}

int main(void)
{
    world_open(&w, "http://127.0.0.1:8080", TABLE, COUNT_OF(TABLE));
    TAP_RUN(another_host_is_refused_before_anything_else);
    TAP_RUN(paths_that_two_readers_could_read_in_two_ways_are_refused);
    TAP_RUN(a_slash_at_the_end_is_shown_the_way);
    TAP_RUN(a_literal_segment_beats_a_name);
    TAP_RUN(unknown_paths_are_404_and_wrong_methods_405_with_allow);
    TAP_RUN(head_is_get_without_a_body);
    TAP_RUN(a_route_without_a_capability_is_for_nobody);
    TAP_RUN(signed_out_people_are_sent_to_login_and_programs_told_so);
    TAP_RUN(sessions_end_by_age_and_by_idling);
    TAP_RUN(a_session_cookie_given_twice_counts_as_none);
    TAP_RUN(a_role_that_may_not_is_told_which_right_is_missing_and_writes_are_audited);
    TAP_RUN(a_write_needs_our_origin_and_our_token);
    TAP_RUN(one_persons_token_does_not_serve_another);
    TAP_RUN(visitors_get_a_cookie_for_their_token_and_login_is_protected_too);
    TAP_RUN(a_handlers_error_becomes_a_page_in_words_with_the_right_status);
    TAP_RUN(a_database_that_cannot_be_opened_is_a_503_in_words);
    TAP_RUN(a_locked_database_is_a_503_in_words_and_nothing_is_lost);
    TAP_RUN(a_request_that_uses_up_its_memory_is_a_503_and_the_next_one_works);
    TAP_RUN(a_handlers_mistakes_are_a_500_and_leave_nothing_open);
    TAP_RUN(json_is_the_data_alone);
    TAP_RUN(accept_is_read_with_its_weights);
    TAP_RUN(every_answer_carries_the_security_headers);
    world_close(&w);
    return tap_done();
}

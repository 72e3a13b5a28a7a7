/* answers.c - the pages of the real dispatcher, for a test in another language: what the product
 * would send, without nginx, workers and servers.
 *
 *     answers questions.json answers.json       prints TAP; a page that cannot be made is a failure
 *
 * In:  {"worlds": {"hostile": [asks that are made first when this world begins]},
 *       "asks":   [{"world", "who", "method", "uri", "fields", "status", "worker", "refuse"}],
 *       "models": [{"template", "model"}]}
 * Out: {"routes": [{"method", "pattern"}],
 *       "asks":   [{"status", "type", "policy", "uri", "route", "body"}],
 *       "models": [{"body"}]}             each list in the order of its questions
 *
 * world   "new": nobody was ever here; "nothing": a person and nothing else; "bare": an app without
 *         anything and one with an environment that has no servers, versions or secrets; "filled":
 *         stage_furnish (tests/web/lib/pages_world.h) and two secret sets; "hostile": the log of
 *         {live_job} and the secrets hold what none should. A world is made anew where it differs
 * from the one before. who     a role, or "nobody" (signed out; a form is then opened first, for
 * its token) uri     {live_job}, {failed_job}, {running_job}, {queued_job}, {check_job}, {draft}
 * and {stale_draft} (of secrets) stand for ids worker  false: it does not answer refuse  {"verb",
 * "code", "field", "user"}: the worker refuses that question
 *
 * Pages and models are rendered in strict mode: a name that the model lacks is a failure. */
#include "tests/web/lib/pages_world.h"

#include "cgi/http/route_match.h"

#define BODY_MAX ((size_t)16 * 1024 * 1024)

static struct stage s;
static json_t *questions, *answers;
static char world_now[20];
static char fresh_draft[CRYPTO_ID_SIZE], stale_draft[CRYPTO_ID_SIZE];
static char tokens[ROLE_ADMIN + 1][CRYPTO_TOKEN_TEXT], user_ids[ROLE_ADMIN + 1][CRYPTO_ID_SIZE];

static const char *text_of(const json_t *object, const char *name, const char *missing)
{
    const json_t *value = json_object_get(object, name);

    return json_is_string(value) ? json_string_value(value) : missing;
}

/* --- worlds --- */

static void sign_in(const char *who)
{
    enum role role = ROLE_NONE;

    for (int i = ROLE_NONE; i <= ROLE_ADMIN; i++)
        if (strcmp(role_name((enum role)i), who) == 0)
            role = (enum role)i;
    if (role != ROLE_NONE && tokens[role][0] == '\0') {
        world_sign_in(&s.w, role);
        memcpy(tokens[role], s.w.token, sizeof tokens[role]);
        memcpy(user_ids[role], s.w.user_id, sizeof user_ids[role]);
    }
    memcpy(s.w.token, tokens[role], sizeof s.w.token);
    memcpy(s.w.user_id, user_ids[role], sizeof s.w.user_id);
}

static void fill_barely(void)
{
    struct app_new with = {.slug = "hello", .name = "Hello", .note = ""};
    struct app_new without = {.slug = "void", .name = "Void", .note = ""};

    s.actor = (struct actor){"user", s.w.user_id, "Ann Weaver", "192.0.2.7", "test", NULL};
    WORLD_MUST(app_create(s.w.db, &s.actor, &with, s.app_id, &world_err));
    stage_environment(&s, "bare", NULL, s.bare_env_id);
    WORLD_MUST(app_create(s.w.db, &s.actor, &without, s.app_id, &world_err));
}

static const struct stored FIRST[] = {
    {.key = "DATABASE_URL", .kind = "secret", .value = "one", .comment = "# of the pool\n"},
    {.key = "SMTP_PASSWORD", .kind = "write_only", .value = "two"},
    {.key = "GREETING", .kind = "plain", .value = "Good morning"},
    {.key = "VITE_URL", .kind = "plain", .value = "/api", .stage = "build"},
};
static const struct stored SECOND[] = {
    {.key = "DATABASE_URL", .kind = "secret", .value = "another", .comment = "# of the pool\n"},
    {.key = "SMTP_PASSWORD", .kind = "write_only", .value = "two"},
    {.key = "GREETING", .kind = "plain", .value = "Good evening"},
    {.key = "JWT_KEY", .kind = "secret", .value = "pem", .path = "keys/jwt.pem"},
};

/* What somebody typed over a set: one new value, one as it is, one other word, one new key. */
static void type_secrets(int64_t base_set, char id[CRYPTO_ID_SIZE])
{
    uint8_t sealed[8 + SEAL_OVERHEAD];
    struct secret_draft_entry entries[] = {
        {.key = "DATABASE_URL", .kind = "secret", .sealed = sealed, .comment = ""},
        {.key = "SMTP_PASSWORD", .kind = "write_only", .keep_set = base_set, .comment = ""},
        {.key = "GREETING", .kind = "plain", .sealed = sealed, .plain = "Hi there", .comment = ""},
        {.key = "FRESH", .kind = "plain", .sealed = sealed, .plain = "Hi there", .comment = ""}};
    struct secret_draft draft = {.environment_id = s.env_id,
                                 .user_id = s.w.user_id,
                                 .base_set = base_set,
                                 .entries = entries,
                                 .count = COUNT_OF(entries)};

    WORLD_MUST(seal_to(s.w.site.seal_key, "Hi there", 8, sealed, &world_err));
    for (size_t i = 0; i < COUNT_OF(entries); i++)
        entries[i].sealed_len = entries[i].sealed == NULL ? 0 : sizeof sealed;
    WORLD_MUST(secret_draft_add(s.w.db, &draft, id, &world_err));
}

/* A few lines for the running job: its 5,000 would take a checker of pages minutes. Two sets of
 * secrets that are not deployed, a draft of changes to the second, and one of the first. */
static void fill(void)
{
    stage_furnish(&s);
    stage_log(&s, s.running_job, 40);
    store_secrets(&s.w, s.env_id, FIRST, COUNT_OF(FIRST));
    type_secrets(1, stale_draft);
    store_secrets(&s.w, s.env_id, SECOND, COUNT_OF(SECOND));
    type_secrets(2, fresh_draft);
    memcpy(tokens[ROLE_ADMIN], s.w.token, sizeof s.w.token);
    memcpy(user_ids[ROLE_ADMIN], s.w.user_id, sizeof s.w.user_id);
}

static void log_line(struct buf *out, const char *text, size_t len)
{
    struct joblog_record record = {.time_ms = clock_now_ms(),
                                   .host = 0,
                                   .step = 1,
                                   .kind = 'o',
                                   .text = text,
                                   .text_len = len};

    joblog_write(out, &record);
}

/* Every colour on every other one, and each in the other ways to be written. */
static void log_colours(struct buf *out)
{
    char text[400];

    for (int fg = 30; fg < 38; fg++) {
        int len = snprintf(text, sizeof text,
                           "\x1b[1;%dmbold\x1b[0m \x1b[2;%dmdim\x1b[0m \x1b[7;%dminverse\x1b[0m",
                           fg + 60, fg, fg);
        for (int bg = 40; bg < 48; bg++)
            len += snprintf(text + len, sizeof text - (size_t)len, " \x1b[%d;%dm%d on %d\x1b[0m",
                            fg, bg, fg, bg);
        log_line(out, text, (size_t)len);
    }
}

/* Markup, bytes that are no text, escapes that end nowhere, one very long word. */
static void log_harm(void)
{
    static const char *const LINES[] = {
        "</span></li><script>alert(1)</script> \"'& &lt;b&gt;",
        "\xe2\x80\xae reversed for good \xe2\x81\xa6 and not ended",
        "\x1b]0;title\a\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\ "
        "\x1b[999;999H\x1b[2J\x1b[",
        "\xff\xfe\xc3 no UTF-8 \x01\x02\x7f\b\b\r and a carriage return",
        "\xf0\x9f\x91\xa9\xf0\x9f\x8f\xbd\xe2\x80\x8d\xf0\x9f\x9a\x80 "
        "e\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85\xcc\x86"};
    char path[PATH_MAX], word[4000];
    struct buf out;

    buf_init(&out, (size_t)1024 * 1024);
    for (size_t i = 0; i < COUNT_OF(LINES); i++)
        log_line(&out, LINES[i], strlen(LINES[i]));
    memset(word, 'w', sizeof word);
    log_line(&out, word, sizeof word);
    log_colours(&out);
    snprintf(path, sizeof path, "%s/serve/logs/%s.log", s.w.var, s.live_job);
    WORLD_MUST(fs_write_atomic(path, out.data, out.len, 0600, &world_err));
    buf_deinit(&out);
}

/* What a target says of its containers: names as long as Compose takes them, and markup. */
static json_t *containers(void)
{
    json_t *results = json_object();
    char text[900], name[64];

    memset(name, 'n', sizeof name);
    snprintf(text, sizeof text,
             "%.63s\tproject-%.50s-1\trunning\tunhealthy\t4711\t"
             "registry.a-very-long-host-name.example:5000/%.60s@sha256:" SHA_A
             "\t0.0.0.0:8000->8000/tcp :::8000->8000/tcp 127.0.0.1:9100->9100/tcp 53/udp\t0",
             name, name, name);
    json_object_set_new(results, "service_1", json_string(text));
    json_object_set_new(results, "service_2",
                        json_string("<b>\"&'\tx\texited\t\t0\t<img src=x>\t\t137"));
    json_object_set_new(results, "service_3", json_string("db\tdb-1\trestarting\t\t3\tdb\t\t1"));
    return results;
}

/* Values, keys and comments as long and as odd as they may be. */
static void store_harm(void)
{
    char key[129], word[3000];
    struct stored rows[] = {
        {.key = key, .kind = "plain", .value = word, .comment = "# </textarea><b>\n"},
        {.key = "MARKUP", .kind = "plain", .value = "</textarea><script>alert(1)</script>\n\"'&"},
        {.key = "BIDI", .kind = "plain", .value = "\xe2\x80\xae reversed \xe2\x81\xa6 and open"},
        {.key = "FILE", .kind = "secret", .value = word, .path = "a/very/long/path/of/a/file.pem"}};

    memset(key, 'K', sizeof key - 1);
    memset(word, 'w', sizeof word - 1);
    key[sizeof key - 1] = word[sizeof word - 1] = '\0';
    store_secrets(&s.w, s.env_id, rows, 1);
    store_secrets(&s.w, s.env_id, rows, COUNT_OF(rows));
}

static void fill_with_harm(void)
{
    struct app_new app = {.slug = "hello", .name = "Hello", .note = ""};
    struct job_intent intent = {.step = 2, .now = clock_now_ms()};
    struct job_outcome looked = {.step = 2, .state = "ok", .cause = "", .now = clock_now_ms()};
    struct job_hold hold;
    char release[CRYPTO_ID_SIZE];
    json_t *results = containers();

    sign_in("admin");
    s.actor = (struct actor){"user", s.w.user_id, "Ann Weaver", "192.0.2.7", "test", NULL};
    WORLD_MUST(app_create(s.w.db, &s.actor, &app, s.app_id, &world_err));
    stage_server(&s, "web-1", s.server_id, true);
    stage_environment(&s, "staging", s.server_id, s.env_id);
    stage_artefact(&s, "1.0.0", SHA_A, s.artefact_id);
    stage_deploy(&s, s.live_job);
    stage_release_of(&s, s.live_job, release);
    stage_begin(&s, s.server_id, &hold);
    looked.results = results;
    WORLD_MUST(job_step_intent(s.w.worker, &hold, &intent, &world_err));
    WORLD_MUST(job_step_outcome(s.w.worker, &hold, &looked, &world_err));
    log_harm();
    stage_end(&s, &hold, release, "live");
    json_decref(results);
    store_harm();
}

static bool enter(const char *world)
{
    if (strcmp(world, world_now) == 0)
        return false;
    if (world_now[0] != '\0')
        stage_close(&s);
    snprintf(world_now, sizeof world_now, "%s", world);
    memset(tokens, 0, sizeof tokens);
    stage_open(&s);
    if (strcmp(world, "filled") == 0) {
        fill();
    } else if (strcmp(world, "hostile") == 0) {
        fill_with_harm();
    } else if (strcmp(world, "bare") == 0) {
        sign_in("admin");
        fill_barely();
    } else if (strcmp(world, "nothing") != 0 && strcmp(world, "new") != 0) {
        fprintf(stderr, "answers: no world is called %s\n", world);
        exit(1);
    }
    return true;
}

/* --- asking --- */

/* {live_job} and its like become ids. */
static const char *uri_of(const json_t *ask)
{
    static char uri[4096];
    const struct {
        const char *name, *id;
    } IDS[] = {{"{live_job}", s.live_job},       {"{failed_job}", s.failed_job},
               {"{running_job}", s.running_job}, {"{queued_job}", s.queued_job},
               {"{check_job}", s.check_job},     {"{draft}", fresh_draft},
               {"{stale_draft}", stale_draft}};
    const char *text = text_of(ask, "uri", "/");

    for (size_t i = 0; i < COUNT_OF(IDS); i++) {
        const char *at = strstr(text, IDS[i].name);
        if (at != NULL) {
            snprintf(uri, sizeof uri, "%.*s%s%s", (int)(at - text), text, IDS[i].id,
                     at + strlen(IDS[i].name));
            return uri;
        }
    }
    return text;
}

/* A form as someone who is signed out sends it: with the visitor's cookie of the page before. */
static void post_as_visitor(const char *uri, const char *fields)
{
    static char body[20000], visitor[400];

    world_get(&s.w, uri);
    visitor[0] = '\0';
    for (int i = 0; fake_nth_header(&s.w.f, "Set-Cookie", i)[0] != '\0'; i++)
        if (strstr(s.w.f.header, "visitor") != NULL)
            snprintf(visitor, sizeof visitor, "%.*s", (int)strcspn(s.w.f.header, ";"),
                     s.w.f.header);
    snprintf(body, sizeof body, "csrf=%s&%s", stage_hidden(&s, "csrf"), fields);
    world_request(&s.w, "POST", uri);
    fake_param(&s.w.f, "HTTP_COOKIE", visitor);
    fake_param(&s.w.f, "HTTP_ORIGIN", s.w.site.origin);
    fake_send(&s.w.f, "application/x-www-form-urlencoded", body, strlen(body));
    world_dispatch(&s.w);
    s.w.f.body = NULL;
}

static void send_one(const json_t *ask, const char *uri)
{
    const char *method = text_of(ask, "method", "GET"), *fields = text_of(ask, "fields", "");

    if (strcmp(method, "POST") != 0) {
        world_request(&s.w, method, uri);
        world_dispatch(&s.w);
    } else if (s.w.token[0] == '\0') {
        post_as_visitor(uri, fields);
    } else {
        world_post(&s.w, uri, fields);
    }
}

/* What is done in this world before anybody looks. */
static void prepare(const char *world)
{
    json_t *ask;
    size_t i;

    json_array_foreach(json_object_get(json_object_get(questions, "worlds"), world), i, ask)
    {
        sign_in(text_of(ask, "who", "admin"));
        send_one(ask, text_of(ask, "uri", "/"));
        CHECK_INT(fake_status(&s.w.f), json_integer_value(json_object_get(ask, "status")));
        if (tap_test_failed)
            printf("#   %s: %.600s\n", text_of(ask, "uri", "/"), fake_body(&s.w.f));
    }
}

/* The pattern of the route that answers, "" where none does. */
static const char *route_of(const char *method, const char *uri)
{
    struct arena *arena = arena_new(8192);
    struct route_match match = {0};
    const char *pattern = "";
    char path[4096];

    snprintf(path, sizeof path, "%.*s", (int)strcspn(uri, "?"), uri);
    if (route_match(ROUTES, ROUTES_COUNT, path,
                    strcmp(method, "POST") == 0 ? METHOD_POST : METHOD_GET, arena, &match)
            == 0
        && match.route != NULL)
        pattern = match.route->pattern;
    arena_free(arena);
    return pattern;
}

static json_t *answer(const json_t *ask)
{
    const json_t *refuse = json_object_get(ask, "refuse");
    bool has_worker = !json_is_false(json_object_get(ask, "worker"));
    const char *uri;
    json_t *out = json_object();

    if (enter(text_of(ask, "world", "filled")))
        prepare(world_now);
    sign_in(text_of(ask, "who", "admin"));
    stage_refuse(&s, text_of(refuse, "verb", ""), text_of(refuse, "code", ""),
                 text_of(refuse, "field", ""), text_of(refuse, "user", ""));
    uri = uri_of(ask);
    if (!has_worker)
        stage_stop_worker(&s);
    send_one(ask, uri);
    if (!has_worker)
        stage_start_worker(&s);
    json_object_set_new(out, "status", json_integer(fake_status(&s.w.f)));
    json_object_set_new(out, "type", json_string(fake_header(&s.w.f, "Content-Type")));
    json_object_set_new(out, "policy", json_string(fake_header(&s.w.f, "Content-Security-Policy")));
    json_object_set_new(out, "uri", json_string(uri));
    json_object_set_new(out, "route", json_string(route_of(text_of(ask, "method", "GET"), uri)));
    json_object_set_new(out, "body", json_string(fake_body(&s.w.f)));
    return out;
}

/* --- models --- */

static json_t *rendered(const json_t *question)
{
    const char *template = text_of(question, "template", "");
    struct err err = {0};
    struct buf page;
    json_t *out;

    buf_init(&page, BODY_MAX);
    if (template_render(s.w.site.templates, template, json_object_get(question, "model"), &page,
                        &err)
        != 0) {
        tap_note_failure(__FILE__, __LINE__, template);
        printf("#   %s %s\n", err.user, err.detail);
    }
    out = json_pack("{s:s#}", "body", page.data, (int)page.len);
    buf_deinit(&page);
    return out;
}

static void each(const char *name, json_t *(*make)(const json_t *))
{
    json_t *list = json_array(), *question;
    size_t i;

    json_array_foreach(json_object_get(questions, name), i, question)
        json_array_append_new(list, make(question));
    json_object_set_new(answers, name, list);
}

/* --- the program --- */

static void the_routes_are_told(void)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ROUTES_COUNT; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "method",
                                              ROUTES[i].method == METHOD_GET ? "GET" : "POST",
                                              "pattern", ROUTES[i].pattern));
    json_object_set_new(answers, "routes", list);
}

static void every_model_is_rendered(void)
{
    each("models", rendered);
}

static void every_page_is_answered(void)
{
    each("asks", answer);
}

int main(int argc, char **argv)
{
    questions = argc == 3 ? json_load_file(argv[1], 0, NULL) : NULL;
    if (questions == NULL) {
        fprintf(stderr, "usage: answers questions.json answers.json\n");
        return 2;
    }
    answers = json_object();
    enter("nothing");
    TAP_RUN(the_routes_are_told);
    TAP_RUN(every_model_is_rendered);
    TAP_RUN(every_page_is_answered);
    stage_close(&s);
    if (json_dump_file(answers, argv[2], JSON_COMPACT) != 0) {
        fprintf(stderr, "answers: cannot write %s\n", argv[2]);
        return 1;
    }
    json_decref(answers);
    json_decref(questions);
    return tap_done();
}

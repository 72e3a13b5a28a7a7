/* pages_people.c - set-up, signing in and out, one's profile, and the history. */
#include "tests/web/lib/pages_world.h"

#define PASSWORD "correct horse battery staple"

static struct stage s;
static char visitor[200], csrf[200];

/* Open a page as nobody and keep the visitor's cookie and the form's token. */
static int visit(const char *uri)
{
    int status;
    s.w.token[0] = '\0';
    status = world_get(&s.w, uri);
    snprintf(csrf, sizeof csrf, "%s", stage_hidden(&s, "csrf"));
    for (int i = 0; fake_nth_header(&s.w.f, "Set-Cookie", i)[0] != '\0'; i++)
        if (strstr(s.w.f.header, "visitor") != NULL)
            snprintf(visitor, sizeof visitor, "%.*s", (int)strcspn(s.w.f.header, ";"),
                     s.w.f.header);
    return status;
}

static int send_form(const char *uri, const char *fields)
{
    char body[4000];
    int status;
    snprintf(body, sizeof body, "csrf=%s&%s", csrf, fields);
    world_request(&s.w, "POST", uri);
    fake_param(&s.w.f, "HTTP_COOKIE", visitor);
    fake_param(&s.w.f, "HTTP_ORIGIN", s.w.site.origin);
    fake_send(&s.w.f, "application/x-www-form-urlencoded", body, strlen(body));
    status = world_dispatch(&s.w);
    s.w.f.body = NULL;
    return status;
}

static void set_up_makes_the_first_admin(void)
{
    CHECK_INT(visit("/setup/abcdef"), 200);
    CHECK(stage_shows(&s, "action=\"/setup/abcdef\""));
    CHECK_INT(send_form("/setup/abcdef", "name=&login=Ann+W&password=short"), 422);
    CHECK(stage_shows(&s, "Ann W"));
    CHECK(!stage_shows(&s, "short\""));
    CHECK_INT(s.script->asked, 0);
    CHECK_INT(send_form("/setup/abcdef", "name=Ann+Weaver&login=ann&password=" PASSWORD), 303);
    CHECK_STR(s.script->verb, "setup");
    CHECK(strstr(s.script->question, "correct horse") == NULL);
    CHECK(strstr(s.script->question, "\"setup_token\":\"abcdef\"") != NULL);
    CHECK(strlen(fake_cookie(&s.w.f, "windlass-8080")) > 40);
}

static void an_expired_link_says_what_to_do(void)
{
    CHECK_INT(visit("/setup/abcdef"), 200);
    stage_refuse(&s, "setup", "denied", "", "The link has expired.");
    CHECK_INT(send_form("/setup/abcdef", "name=Ann&login=ann&password=" PASSWORD), 404);
    CHECK(stage_shows(&s, "setup-url"));
    stage_refuse(&s, "", "", "", "");
}

static void signing_in_leads_where_one_wanted(void)
{
    CHECK_INT(visit("/login?next=/apps/hello"), 200);
    CHECK_STR(stage_hidden(&s, "next"), "/apps/hello");
    CHECK_INT(send_form("/login", "login=ann&password=" PASSWORD "&next=/apps/hello"), 303);
    CHECK(strstr(fake_header(&s.w.f, "Location"), "/apps/hello") != NULL);
    CHECK_STR(s.script->verb, "login");
    CHECK(strstr(s.script->question, "horse") == NULL);
    CHECK(strlen(fake_cookie(&s.w.f, "windlass-8080")) > 40);
}

static void nobody_is_sent_elsewhere(void)
{
    static const char *const ELSEWHERE[] = {"https://evil.example/", "//evil.example/",
                                            "/\\evil.example",       "/login",
                                            "javascript:alert(1)",   "/%0d%0aX:y"};
    for (size_t i = 0; i < COUNT_OF(ELSEWHERE); i++) {
        char fields[200];
        CHECK_INT(visit("/login"), 200);
        snprintf(fields, sizeof fields, "login=ann&password=x&next=%s", ELSEWHERE[i]);
        CHECK_INT(send_form("/login", fields), 303);
        CHECK(strstr(fake_header(&s.w.f, "Location"), "evil") == NULL);
        CHECK(strstr(fake_header(&s.w.f, "Location"), "javascript") == NULL);
    }
}

static void a_refusal_is_one_sentence_and_keeps_the_login(void)
{
    CHECK_INT(visit("/login"), 200);
    stage_refuse(&s, "login", "denied", "", "Login or password is wrong.");
    CHECK_INT(send_form("/login", "login=ann%3Cb%3E&password=" PASSWORD "&next=/"), 422);
    CHECK(stage_shows(&s, "Login or password is wrong."));
    CHECK(stage_shows(&s, "ann&lt;b&gt;"));
    CHECK(!stage_shows(&s, "horse"));
    stage_refuse(&s, "login", "throttled", "", "Too many tries. Wait 15 minutes.");
    CHECK_INT(send_form("/login", "login=ann&password=x&next=/"), 429);
    CHECK(stage_shows(&s, "Wait 15 minutes"));
    stage_refuse(&s, "", "", "", "");
    stage_stop_worker(&s);
    CHECK_INT(send_form("/login", "login=ann&password=x&next=/"), 503);
    stage_start_worker(&s);
}

static void signing_out_clears_the_cookie(void)
{
    world_sign_in(&s.w, ROLE_VIEWER);
    CHECK_INT(stage_post(&s, "/logout", "x=1"), 303);
    CHECK_STR(s.script->verb, "logout");
    CHECK(strstr(s.w.f.out.data, "windlass-8080=;") != NULL
          || strstr(s.w.f.out.data, "Max-Age=0") != NULL);
    CHECK_INT(visit("/setup/abcdef"), 404); /* there is a user now */
}

static void a_profile_is_saved_with_its_event(void)
{
    json_t *user = NULL;
    world_sign_in(&s.w, ROLE_VIEWER);
    CHECK_INT(stage_post(&s, "/profile", "name=Ann+%%C5%%BDe%%C5%%BE&theme=dark"), 303);
    CHECK_STR(stage_last_verb(&s), "user.change");
    WORLD_MUST(user_by_id(s.w.db, s.w.user_id, &user, &world_err));
    CHECK_STR(stage_text(user, "name"), "Ann \xC5\xBD"
                                        "e\xC5\xBE");
    CHECK_STR(stage_text(user, "theme"), "dark");
    json_decref(user);
    CHECK_INT(world_get(&s.w, "/profile"), 200);
    CHECK(stage_shows(&s, "data-theme=\"dark\""));
}

static void a_password_goes_sealed_and_comes_with_a_new_session(void)
{
    CHECK_INT(stage_post(&s, "/profile/password",
                         "current=old&password=" PASSWORD "&password_again=other+words"),
              422);
    CHECK(stage_shows(&s, "differ"));
    CHECK(!stage_shows(&s, "horse"));
    CHECK_INT(stage_post(&s, "/profile/password",
                         "current=old-one-here&password=" PASSWORD "&password_again=" PASSWORD),
              303);
    CHECK_STR(s.script->verb, "password.change");
    CHECK(strstr(s.script->question, "horse") == NULL);
    CHECK(strstr(s.script->question, "old-one") == NULL);
    CHECK(strlen(fake_cookie(&s.w.f, "windlass-8080")) > 40);
    stage_refuse(&s, "password.change", "denied", "current", "This is not it.");
    CHECK_INT(stage_post(&s, "/profile/password",
                         "current=bad&password=" PASSWORD "&password_again=" PASSWORD),
              422);
    CHECK(stage_shows(&s, "This is not it."));
    stage_refuse(&s, "", "", "", "");
}

static void other_sessions_can_be_ended(void)
{
    struct session_row row = {.role = ROLE_VIEWER,
                              .created_at = clock_now_ms(),
                              .seen_at = clock_now_ms(),
                              .proved_at = clock_now_ms(),
                              .expires_at = clock_now_ms() + SESSION_LIFE_MS};
    json_t *data;
    snprintf(row.user_id, sizeof row.user_id, "%s", s.w.user_id);
    row.id_hash[0] = 7;
    WORLD_MUST(db_begin(s.w.worker, &world_err));
    WORLD_MUST(session_add(s.w.worker, &row, "192.0.2.9", "other", &world_err));
    WORLD_MUST(db_commit(s.w.worker, &world_err));
    data = stage_json(&s, "/profile", 200);
    CHECK_STR(stage_text(data, "has_other_sessions"), "true");
    json_decref(data);
    CHECK_INT(stage_post(&s, "/profile/sessions", "session=others"), 303);
    CHECK_STR(stage_last_verb(&s), "session.revoke_others");
    data = stage_json(&s, "/profile", 200);
    CHECK_STR(stage_text(data, "has_other_sessions"), "false");
    json_decref(data);
    CHECK_INT(stage_post(&s, "/profile/sessions", "session=0000"), 404);
}

static void the_history_filters_and_leads_on(void)
{
    json_t *data;
    for (int i = 0; i < 60; i++) {
        struct app_new app = {.name = "X", .note = ""};
        char slug[20], id[CRYPTO_ID_SIZE];
        snprintf(slug, sizeof slug, "h-%d", i);
        app.slug = slug;
        s.actor = (struct actor){"user", s.w.user_id, "Tom Okafor", "192.0.2.7", "r", NULL};
        WORLD_MUST(app_create(s.w.db, &s.actor, &app, id, &world_err));
    }
    world_sign_in(&s.w, ROLE_ADMIN);
    data = stage_json(&s, "/audit", 200);
    CHECK_INT(json_array_size(json_object_get(data, "events")), 50);
    CHECK(strncmp(stage_text(data, "older_href"), "/audit?before=", 14) == 0);
    json_decref(data);
    data = stage_json(&s, "/audit?verb=user.*", 200);
    CHECK_STR(stage_text(data, "events.0.verb"), "user.change");
    json_decref(data);
    data = stage_json(&s, "/audit?actor=Tom%20Okafor&verb=app.*", 200);
    CHECK(
        strncmp(stage_text(data, "older_href"), "/audit?actor=Tom%20Okafor&verb=app.*&before=", 43)
        == 0);
    json_decref(data);
    data = stage_json(&s, "/audit?verb=moon.*&result=green", 200);
    CHECK_STR(stage_text(data, "has_events"), "false");
    CHECK_STR(stage_text(data, "newest_href"), "/audit");
    json_decref(data);
}

int main(void)
{
    stage_open(&s);
    TAP_RUN(set_up_makes_the_first_admin);
    TAP_RUN(an_expired_link_says_what_to_do);
    TAP_RUN(signing_in_leads_where_one_wanted);
    TAP_RUN(nobody_is_sent_elsewhere);
    TAP_RUN(a_refusal_is_one_sentence_and_keeps_the_login);
    TAP_RUN(signing_out_clears_the_cookie);
    TAP_RUN(a_profile_is_saved_with_its_event);
    TAP_RUN(a_password_goes_sealed_and_comes_with_a_new_session);
    TAP_RUN(other_sessions_can_be_ended);
    TAP_RUN(the_history_filters_and_leads_on);
    stage_close(&s);
    return tap_done();
}

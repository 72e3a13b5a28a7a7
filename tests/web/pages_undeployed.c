/* pages_undeployed.c - the amber bar: secrets that were saved and are not live are told on every
 * page of their environment, and on no other. */
#include "tests/web/lib/secrets_world.h"

static struct stage s;

static const struct stored FIRST[] = {
    {.key = "PASSWORD", .kind = "secret", .value = "old-one"},
    {.key = "GREETING", .kind = "plain", .value = "Good morning"},
};
static const struct stored SECOND[] = {
    {.key = "PASSWORD", .kind = "secret", .value = "another"},
    {.key = "FRESH", .kind = "plain", .value = "x"},
};

/* One environment with s1 live, one with nothing. */
static void furnish(void)
{
    struct app_new app = {.slug = "hello", .name = "Hello", .note = "The demo."};
    world_sign_in(&s.w, ROLE_ADMIN);
    s.actor = (struct actor){.kind = "user",
                             .id = s.w.user_id,
                             .name = "Ann Weaver",
                             .ip = "192.0.2.7",
                             .request_id = "test"};
    WORLD_MUST(app_create(s.w.db, &s.actor, &app, s.app_id, &world_err));
    stage_server(&s, "web-1", s.server_id, true);
    stage_environment(&s, "staging", s.server_id, s.env_id);
    stage_environment(&s, "bare", s.server_id, s.bare_env_id);
    stage_artefact(&s, "1.0.0", SHA_A, s.artefact_id);
    store_secrets(&s.w, s.env_id, FIRST, COUNT_OF(FIRST));
    stage_run(&s, s.live_job, "live");
}

/* Every page of an environment, and one that is of another. */
static void on_every_page(const char *environment, const char *text, bool is_there)
{
    static const char *const PAGES[] = {"",
                                        "/settings",
                                        "/deploy",
                                        "/secrets",
                                        "/secrets/raw",
                                        "/secrets/add",
                                        "/secrets/history",
                                        "/secrets/required"};
    for (size_t i = 0; i < COUNT_OF(PAGES); i++) {
        char uri[120];
        bool shows;
        snprintf(uri, sizeof uri, "/apps/hello/%s%s", environment, PAGES[i]);
        CHECK_INT(world_get(&s.w, uri), 200);
        shows = stage_shows(&s, text);
        CHECK(shows == is_there);
        if (shows != is_there)
            printf("#   %s\n", uri);
    }
}

static bool job_page_shows(const char *text)
{
    char uri[80];
    snprintf(uri, sizeof uri, "/jobs/%s", s.live_job);
    CHECK_INT(world_get(&s.w, uri), 200);
    return stage_shows(&s, text);
}

static void what_is_live_needs_no_bar(void)
{
    on_every_page("staging", "not deployed", false);
    CHECK(!job_page_shows("not deployed"));
    on_every_page("bare", "not deployed", false);
}

static void what_is_saved_and_not_live_is_told_everywhere(void)
{
    static const char TEXT[] = "3 changes of secrets not deployed";
    store_secrets(&s.w, s.env_id, SECOND, COUNT_OF(SECOND));
    on_every_page("staging", TEXT, true);
    CHECK(job_page_shows(TEXT));
    CHECK(stage_shows(&s, "/secrets/history?from=1&amp;to=2"));
    CHECK(stage_shows(&s, "/deploy?version=1.0.0"));
    CHECK_STR(stage_hidden(&s, "number"), "1"); /* Discard: a draft of what is live */
    on_every_page("bare", "not deployed", false);
    CHECK_INT(world_get(&s.w, "/apps/hello"), 200);
    CHECK(!stage_shows(&s, TEXT));
}

static void who_may_not_change_secrets_is_told_and_cannot_discard(void)
{
    char own[sizeof s.w.token];
    memcpy(own, s.w.token, sizeof own);
    world_sign_in(&s.w, ROLE_VIEWER);
    CHECK_INT(world_get(&s.w, "/apps/hello/staging"), 200);
    CHECK(stage_shows(&s, "3 changes of secrets not deployed"));
    CHECK(!stage_shows(&s, "Discard"));
    memcpy(s.w.token, own, sizeof own);
}

/* A set with the same content as the live one leaves nothing to deploy. */
static void the_same_again_needs_no_bar(void)
{
    store_secrets(&s.w, s.env_id, FIRST, COUNT_OF(FIRST));
    on_every_page("staging", "not deployed", false);
}

static void a_deploy_takes_the_bar_away(void)
{
    store_secrets(&s.w, s.env_id, SECOND, COUNT_OF(SECOND));
    CHECK(job_page_shows("not deployed"));
    stage_run(&s, s.live_job, "live");
    on_every_page("staging", "not deployed", false);
    CHECK(!job_page_shows("not deployed"));
}

int main(void)
{
    stage_open(&s);
    furnish();
    TAP_RUN(what_is_live_needs_no_bar);
    TAP_RUN(what_is_saved_and_not_live_is_told_everywhere);
    TAP_RUN(who_may_not_change_secrets_is_told_and_cannot_discard);
    TAP_RUN(the_same_again_needs_no_bar);
    TAP_RUN(a_deploy_takes_the_bar_away);
    stage_close(&s);
    return tap_done();
}

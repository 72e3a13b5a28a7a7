/* pages_deploy.c - the confirm page and its button: what was confirmed is what is asked for, a
 * double click is one job, a stale plan is shown again and names what changed. */
#include "tests/web/lib/pages_world.h"

#include "lib/crypto/unseal.h"
#include "lib/domain/plan.h"

#define DEPLOY "/apps/hello/staging/deploy"

static struct stage s;

static int64_t jobs_count(void)
{
    struct job_filter all = {.limit = 1000};
    json_t *jobs = NULL;
    int64_t count;
    WORLD_MUST(job_list(s.w.db, &all, &jobs, &world_err));
    count = (int64_t)json_array_size(jobs);
    json_decref(jobs);
    return count;
}

/* The form as the page has it now. */
static void read_form(const char *version, char plan[8192], char idem[80])
{
    char uri[200];
    snprintf(uri, sizeof uri, DEPLOY "?version=%s", version);
    CHECK_INT(world_get(&s.w, uri), 200);
    snprintf(plan, 8192, "%s", stage_hidden(&s, "plan_hash"));
    snprintf(idem, 80, "%s", stage_hidden(&s, "idem"));
    CHECK(strlen(plan) > 64);
    CHECK(strlen(idem) >= 8);
}

static const char *job_of_answer(void)
{
    static char id[CRYPTO_ID_SIZE];
    const char *at = strstr(fake_header(&s.w.f, "Location"), "/jobs/");
    snprintf(id, sizeof id, "%.26s", at == NULL ? "" : at + strlen("/jobs/"));
    return id;
}

/* What the job row says about who asked, opened as the worker opens it. */
static void check_proof(const char *id)
{
    struct buf auth;
    json_t *job = NULL, *proof;
    uint8_t plain[4096];
    size_t len;
    buf_init(&auth, 8192);
    WORLD_MUST(job_load(s.w.worker, id, &job, &auth, &world_err));
    len = auth.len - SEAL_OVERHEAD;
    CHECK(unseal_open(s.w.site.seal_key, s.seal_secret, (const uint8_t *)auth.data, auth.len, plain,
                      &world_err)
          == 0);
    proof = json_loadb((const char *)plain, len, 0, NULL);
    CHECK_STR(stage_text(proof, "token"), s.w.token);
    CHECK_STR(stage_text(proof, "job"), id);
    CHECK_STR(stage_text(proof, "kind"), "deploy");
    CHECK_STR(stage_text(proof, "environment"), s.env_id);
    json_decref(proof);
    json_decref(job);
    buf_deinit(&auth);
}

static void the_button_adds_a_release_a_job_and_an_event(void)
{
    char plan[8192], idem[80], id[CRYPTO_ID_SIZE];
    json_t *job = NULL;
    int64_t before = jobs_count();
    read_form("1.0.0", plan, idem);
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.0.0&plan_hash=%s&idem=%s&why=Ship+it%%0D%%0Anow",
                         plan, idem),
              303);
    snprintf(id, sizeof id, "%s", job_of_answer());
    CHECK_INT(jobs_count(), before + 1);
    WORLD_MUST(job_read(s.w.db, id, &job, &world_err));
    CHECK_STR(stage_text(job, "state"), "queued");
    CHECK_STR(stage_text(job, "kind"), "deploy");
    CHECK_STR(stage_text(job, "lock_class"), "exclusive");
    CHECK_STR(stage_text(job, "version"), "1.0.0");
    CHECK_STR(stage_text(job, "release_outcome"), "pending");
    CHECK_STR(stage_text(job, "why"), "Ship it\nnow");
    CHECK_STR(stage_text(job, "confirmed.version"), "1.0.0");
    CHECK_STR(stage_text(job, "confirmed.hosts.0.pin_print"), PRINT_A);
    CHECK_STR(stage_last_verb(&s), "deploy.request");
    check_proof(id);
    json_decref(job);
}

static void a_double_click_is_one_job(void)
{
    char plan[8192], idem[80], first[CRYPTO_ID_SIZE];
    int64_t before = jobs_count();
    read_form("1.0.0", plan, idem);
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.0.0&plan_hash=%s&idem=%s&why=", plan, idem), 303);
    snprintf(first, sizeof first, "%s", job_of_answer());
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.0.0&plan_hash=%s&idem=%s&why=", plan, idem), 303);
    CHECK_STR(job_of_answer(), first);
    CHECK_INT(jobs_count(), before + 1);
    /* Even when the first click has changed what is live by then. */
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.0.0&plan_hash=%064d&idem=%s&why=", 0, idem), 303);
    CHECK_STR(job_of_answer(), first);
}

static void the_key_of_another_form_is_refused(void)
{
    char plan[8192], idem[80];
    int64_t before;
    read_form("1.0.0", plan, idem);
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.0.0&plan_hash=%s&idem=%s&why=", plan, idem), 303);
    before = jobs_count();
    world_sign_in(&s.w, ROLE_DEPLOYER); /* another person with the same key */
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.0.0&plan_hash=%s&idem=%s&why=", plan, idem), 409);
    CHECK_INT(jobs_count(), before);
    world_sign_in(&s.w, ROLE_ADMIN);
}

static void change_settings(const char *key, const char *value)
{
    json_t *environment = NULL, *settings, *ids = json_pack("[s]", s.server_id);
    struct environment_change change = {.tier = "staging", .server_ids = ids};
    int changed = 0;
    WORLD_MUST(environment_by_id(s.w.db, s.env_id, &environment, &world_err));
    settings = json_deep_copy(json_object_get(environment, "settings"));
    json_object_set_new(settings, key, json_string(value));
    change.environment = environment;
    change.settings = settings;
    WORLD_MUST(environment_change(s.w.db, &s.actor, &change, &changed, &world_err));
    CHECK_INT(changed, 1);
    json_decref(environment);
    json_decref(settings);
    json_decref(ids);
}

static void a_stale_plan_is_shown_again_and_names_the_change(void)
{
    char plan[8192], idem[80];
    int64_t before = jobs_count();
    read_form("1.0.0", plan, idem);
    change_settings("health_path", "/healthy");
    CHECK_INT(
        stage_post(&s, DEPLOY, "version=1.0.0&plan_hash=%s&idem=%s&why=typed+words", plan, idem),
        409);
    CHECK(stage_shows(&s, "settings changed"));
    CHECK(stage_shows(&s, "typed words"));
    CHECK_INT(jobs_count(), before);
    /* The page that was shown again carries the new plan. */
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.0.0&plan_hash=%s&idem=%s&why=", plan, idem), 303);
}

static void a_bare_hash_is_enough_when_it_is_right(void)
{
    char plan[8192], idem[80];
    read_form("1.0.0", plan, idem);
    plan[64] = '\0';
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.0.0&plan_hash=%s&idem=%s&why=", plan, idem), 303);
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.0.0&plan_hash=%064d&idem=%sx&why=", 0, idem), 409);
    CHECK_INT(
        stage_post(&s, DEPLOY, "version=1.0.0&plan_hash=%064d.%%21%%21&idem=%sy&why=", 0, idem),
        409);
}

static void what_is_missing_is_said_with_links(void)
{
    json_t *data = stage_json(&s, "/apps/hello/bare/deploy", 200);
    CHECK_STR(stage_text(data, "can_deploy"), "false");
    CHECK_STR(stage_text(data, "problems.0.href"), "/apps/hello/bare/settings");
    json_decref(data);
    CHECK_INT(stage_post(&s, "/apps/hello/bare/deploy", "version=1.0.0&plan_hash=x&why="), 422);
    CHECK(stage_shows(&s, "has no server"));
    data = stage_json(&s, DEPLOY "?version=9.9.9", 200);
    CHECK_STR(stage_text(data, "can_deploy"), "false");
    json_decref(data);
    CHECK_INT(stage_post(&s, DEPLOY, "version=9.9.9&plan_hash=x&why="), 422);
}

static void an_unconfirmed_or_changed_host_key_stops_it(void)
{
    json_t *environment = NULL, *data, *ids = json_pack("[s, s]", s.server_id, s.new_server_id);
    struct environment_change change = {.tier = "staging", .server_ids = ids};
    int changed = 0;
    bool was = false;
    WORLD_MUST(environment_by_id(s.w.db, s.env_id, &environment, &world_err));
    change.environment = environment;
    change.settings = json_object_get(environment, "settings");
    WORLD_MUST(environment_change(s.w.db, &s.actor, &change, &changed, &world_err));
    data = stage_json(&s, DEPLOY, 200);
    CHECK_STR(stage_text(data, "problems.0.href"), "/servers/web-2");
    json_decref(data);
    json_array_remove(ids, 1);
    WORLD_MUST(environment_change(s.w.db, &s.actor, &change, &changed, &world_err));
    WORLD_MUST(db_begin(s.w.worker, &world_err));
    WORLD_MUST(job_server_state(s.w.worker, s.server_id, "key_changed", &was, &world_err));
    WORLD_MUST(db_commit(s.w.worker, &world_err));
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.0.0&plan_hash=x&why="), 422);
    CHECK(stage_shows(&s, "host key of web-1 has changed"));
    WORLD_MUST(db_begin(s.w.worker, &world_err));
    WORLD_MUST(job_server_state(s.w.worker, s.server_id, "ready", &was, &world_err));
    WORLD_MUST(db_commit(s.w.worker, &world_err));
    json_decref(environment);
    json_decref(ids);
}

static void the_form_refuses_what_it_cannot_keep(void)
{
    static const struct {
        const char *why, *idem;
    } BAD[] = {{"a%01b", ""}, {"x", "%20%20%20%20%20%20%20%20"}, {"x", "short"}};
    char plan[8192], idem[80], body[12000];
    char *longer = malloc(2000);
    read_form("1.0.0", plan, idem);
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        snprintf(body, sizeof body, "version=1.0.0&plan_hash=%s&idem=%s&why=%s", plan,
                 BAD[i].idem[0] != '\0' ? BAD[i].idem : idem, BAD[i].why);
        CHECK_INT(world_post(&s.w, DEPLOY, body), 422);
    }
    memset(longer, 'y', 1999);
    longer[1999] = '\0';
    CHECK_INT(
        stage_post(&s, DEPLOY, "version=1.0.0&plan_hash=%s&idem=%s&why=%s", plan, idem, longer),
        422);
    CHECK(stage_shows(&s, longer)); /* typed words are kept */
    free(longer);
}

static void quotes_and_markup_in_why_are_words(void)
{
    char plan[8192], idem[80], id[CRYPTO_ID_SIZE];
    json_t *data;
    char uri[80];
    read_form("1.0.0", plan, idem);
    CHECK_INT(
        stage_post(&s, DEPLOY,
                   "version=1.0.0&plan_hash=%s&idem=%s&why=%%3Cb%%3E%%22%%27%%24%%28id%%29%%60",
                   plan, idem),
        303);
    snprintf(id, sizeof id, "%s", job_of_answer());
    snprintf(uri, sizeof uri, "/jobs/%s", id);
    data = stage_json(&s, uri, 200);
    CHECK_STR(stage_text(data, "job.why"), "<b>\"'$(id)`");
    json_decref(data);
    CHECK_INT(world_get(&s.w, uri), 200);
    CHECK(!stage_shows(&s, "<b>\""));
}

/* Of the recipe git the version is a branch, tag or commit. */
static void a_repository_is_asked_for_a_branch_tag_or_commit(void)
{
    static const char *const BAD[] = {"a..b", "-x", "a+b", "a%20b", "/a", "a.lock"};
    json_t *data;
    char uri[100];
    CHECK_INT(
        stage_post(&s, "/apps/hello/new",
                   "slug=source&tier=other&recipe=git&server.web-1=1"
                   "&settings.repository=git@git.example:team/shop.git&settings.branch=release/2"
                   "&settings.builder=default&settings.build_memory=2048"
                   "&settings.build_memory_min=0&settings.pull=always&settings.deploy_dir=apps/z"
                   "&settings.project=z&settings.soak_s=10&settings.health_path=/health"
                   "&settings.health_status=200&settings.health_count=3&settings.health_soak_s=3"
                   "&settings.health_deadline_s=120&settings.keep=5"),
        303);
    data = stage_json(&s, "/apps/hello/source/deploy", 200);
    CHECK_STR(stage_text(data, "is_ref"), "true");
    CHECK_STR(stage_text(data, "tag"), "release/2");
    CHECK_STR(stage_text(data, "can_deploy"), "true");
    json_decref(data);
    CHECK_INT(world_get(&s.w, "/apps/hello/source/deploy?version=feature/a_b-c"), 200);
    CHECK(stage_shows(&s, "Branch, tag or commit"));
    CHECK(stage_shows(&s, "Deploy feature/a_b-c to source"));
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        snprintf(uri, sizeof uri, "/apps/hello/source/deploy?version=%s", BAD[i]);
        CHECK_INT(world_get(&s.w, uri), 422);
        CHECK(stage_shows(&s, "A branch, tag or commit has 1 to 64 letters"));
    }
}

static void a_locked_database_is_a_503_and_nothing_is_lost(void)
{
    char plan[8192], idem[80];
    int64_t before = jobs_count();
    read_form("1.0.0", plan, idem);
    WORLD_MUST(db_begin(s.w.worker, &world_err));
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.0.0&plan_hash=%s&idem=%s&why=", plan, idem), 503);
    CHECK(fake_header(&s.w.f, "Retry-After")[0] != '\0');
    db_rollback(s.w.worker);
    CHECK_INT(jobs_count(), before);
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.0.0&plan_hash=%s&idem=%s&why=", plan, idem), 303);
    CHECK_INT(jobs_count(), before + 1);
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    TAP_RUN(the_button_adds_a_release_a_job_and_an_event);
    TAP_RUN(a_double_click_is_one_job);
    TAP_RUN(the_key_of_another_form_is_refused);
    TAP_RUN(a_stale_plan_is_shown_again_and_names_the_change);
    TAP_RUN(a_bare_hash_is_enough_when_it_is_right);
    TAP_RUN(what_is_missing_is_said_with_links);
    TAP_RUN(an_unconfirmed_or_changed_host_key_stops_it);
    TAP_RUN(the_form_refuses_what_it_cannot_keep);
    TAP_RUN(quotes_and_markup_in_why_are_words);
    TAP_RUN(a_repository_is_asked_for_a_branch_tag_or_commit);
    TAP_RUN(a_locked_database_is_a_503_and_nothing_is_lost);
    stage_close(&s);
    return tap_done();
}

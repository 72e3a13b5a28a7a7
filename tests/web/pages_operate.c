/* pages_operate.c - the page Operate: a lock with its reason, on every page of the environment and
 * in the way of every job that changes what serves; restart, stop, start and redeploy from confirm
 * pages; and what a stopped environment looks like. */
#include "tests/web/lib/pages_world.h"

#include "db/locks.h"
#include "db/operations.h"

#define ENV     "/apps/hello/staging"
#define OPERATE ENV "/operate"
#define DEPLOY  ENV "/deploy"

static struct stage s;

static void as(enum role role, char own[CRYPTO_TOKEN_TEXT])
{
    memcpy(own, s.w.token, sizeof s.w.token);
    world_sign_in(&s.w, role);
}

static int64_t jobs_of_kind(const char *kind)
{
    struct job_filter filter = {.kind = kind, .limit = 1000};
    json_t *jobs = NULL;
    int64_t count;
    WORLD_MUST(job_list(s.w.db, &filter, &jobs, &world_err));
    count = (int64_t)json_array_size(jobs);
    json_decref(jobs);
    return count;
}

static void sql(const char *text)
{
    char command[1000];
    snprintf(command, sizeof command, "sqlite3 %s/db/windlass.db \"%s\"", s.w.var, text);
    CHECK_INT(system(command), 0);
}

/* --- the lock --- */

static void a_lock_needs_a_reason_and_somebody_who_may(void)
{
    char own[CRYPTO_TOKEN_TEXT];
    CHECK_INT(stage_post(&s, ENV "/lock", "lock_why=+%%0A"), 422);
    CHECK(stage_shows(&s, "Say why it is locked"));
    as(ROLE_DEPLOYER, own);
    CHECK_INT(stage_post(&s, ENV "/lock", "lock_why=mine"), 403);
    CHECK_INT(stage_post(&s, ENV "/unlock", "x=1"), 403);
    CHECK_INT(world_get(&s.w, OPERATE), 200);
    CHECK(!stage_shows(&s, "name=\"lock_why\""));
    memcpy(s.w.token, own, sizeof own);
    CHECK_INT(stage_post(&s, ENV "/lock", "lock_why=Moving+the+<b>database"), 303);
    CHECK_STR(stage_last_verb(&s), "environment.lock");
    CHECK_INT(stage_post(&s, ENV "/lock", "lock_why=another"), 422); /* the first one's stays */
    CHECK(stage_shows(&s, "Somebody locked it meanwhile"));
    CHECK(stage_shows(&s, "Moving the &lt;b&gt;database"));
    CHECK_STR(stage_last_verb(&s), "environment.lock");
}

static void every_page_of_the_environment_says_it(void)
{
    static const char *const PAGES[] = {"",          "/operate",         "/deploy",
                                        "/settings", "/releases",        "/releases/1",
                                        "/secrets",  "/secrets/history", "/operate/stop"};
    char uri[100], job[100];
    for (size_t i = 0; i < COUNT_OF(PAGES); i++) {
        snprintf(uri, sizeof uri, ENV "%s", PAGES[i]);
        CHECK_INT(world_get(&s.w, uri), 200);
        CHECK(stage_shows(&s, "Locked since"));
        CHECK(stage_shows(&s, "Moving the &lt;b&gt;database"));
    }
    snprintf(job, sizeof job, "/jobs/%s", s.live_job);
    CHECK_INT(world_get(&s.w, job), 200);
    CHECK(stage_shows(&s, "Locked since"));
    CHECK_INT(world_get(&s.w, "/apps/hello/bare"), 200);
    CHECK(!stage_shows(&s, "Locked since"));
}

static void a_deployer_is_refused_with_the_reason(void)
{
    char own[CRYPTO_TOKEN_TEXT], plan[8192];
    int64_t deploys = jobs_of_kind("deploy"), stops = jobs_of_kind("stop");
    as(ROLE_DEPLOYER, own);
    CHECK_INT(world_get(&s.w, ENV), 200);
    CHECK(stage_shows(&s, "Locked by Ann Weaver"));
    CHECK(stage_shows(&s, "aria-disabled=\"true\""));
    CHECK_INT(world_get(&s.w, DEPLOY "?version=1.1.0"), 200);
    CHECK(!stage_shows(&s, "name=\"despite_lock\""));
    CHECK(!stage_shows(&s, ">Unlock<"));
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.1.0&plan_hash=%s&despite_lock=1&why=", plan), 422);
    CHECK_INT(stage_post(&s, OPERATE "/stop", "plan_hash=%s&despite_lock=1&why=", plan), 422);
    CHECK_INT(stage_post(&s, ENV "/releases/1/rollback", "part.code=1&despite_lock=1&why="), 422);
    CHECK_INT(jobs_of_kind("deploy"), deploys);
    CHECK_INT(jobs_of_kind("stop"), stops);
    memcpy(s.w.token, own, sizeof own);
}

static void who_may_unlock_goes_on_knowing_it(void)
{
    char plan[8192];
    int64_t deploys = jobs_of_kind("deploy");
    CHECK_INT(world_get(&s.w, DEPLOY "?version=1.1.0"), 200);
    CHECK(stage_shows(&s, "name=\"despite_lock\""));
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.1.0&plan_hash=%s&why=", plan), 422);
    CHECK(stage_shows(&s, "Confirm that you act all the same"));
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.1.0&plan_hash=%s&despite_lock=1&why=", plan), 303);
    CHECK_INT(jobs_of_kind("deploy"), deploys + 1);
    CHECK_INT(stage_post(&s, ENV "/unlock", "x=1"), 303);
    CHECK_STR(stage_last_verb(&s), "environment.unlock");
    CHECK_INT(stage_post(&s, ENV "/unlock", "x=1"), 303); /* again: no event */
    CHECK_STR(stage_last_verb(&s), "environment.unlock");
    /* What was confirmed under the lock was confirmed under it. */
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.1.0&plan_hash=%s&why=", plan), 409);
    CHECK(stage_shows(&s, "the lock of the environment changed"));
}

/* --- operations --- */

static void what_is_confirmed_is_what_is_asked_for(void)
{
    char plan[8192], idem[80], where[100];
    json_t *row = NULL;
    CHECK_INT(world_get(&s.w, OPERATE "/restart"), 200);
    CHECK(stage_shows(&s, "Restart the app"));
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    snprintf(idem, sizeof idem, "%s", stage_hidden(&s, "idem"));
    CHECK_INT(stage_post(&s, OPERATE "/restart", "idem=%s&plan_hash=x&why=", idem), 409);
    CHECK_INT(jobs_of_kind("restart"), 0);
    CHECK_INT(stage_post(&s, OPERATE "/restart", "idem=%s&plan_hash=%s&why=It+leaks", idem, plan),
              303);
    CHECK_STR(stage_last_verb(&s), "restart.request");
    snprintf(where, sizeof where, "%s", strstr(fake_header(&s.w.f, "Location"), "/jobs/"));
    CHECK_INT(stage_post(&s, OPERATE "/restart", "idem=%s&plan_hash=%s&why=It+leaks", idem, plan),
              303);
    CHECK_STR(strstr(fake_header(&s.w.f, "Location"), "/jobs/"), where);
    CHECK_INT(jobs_of_kind("restart"), 1);
    WORLD_MUST(job_read(s.w.db, where + 6, &row, &world_err));
    CHECK_STR(stage_text(row, "confirmed.operation"), "restart");
    CHECK_STR(stage_text(row, "lock_class"), "exclusive");
    CHECK_STR(stage_text(row, "release_id"), "null");
    json_decref(row);
    CHECK_INT(world_get(&s.w, where), 200);
    CHECK(stage_shows(&s, "Restart"));
    /* The plan of a restart is no plan of a stop. */
    CHECK_INT(stage_post(&s, OPERATE "/stop", "plan_hash=%s&why=", plan), 409);
    CHECK_INT(world_get(&s.w, OPERATE "/explode"), 404);
}

static void what_is_stopped_is_never_called_live(void)
{
    json_t *data;
    sql("UPDATE environment SET stopped_at = 1764000000000, stopped_by = (SELECT id FROM user "
        "LIMIT 1) WHERE slug = 'staging'");
    data = stage_json(&s, ENV, 200);
    CHECK_STR(stage_text(data, "environment.status.state"), "stopped");
    CHECK_STR(stage_text(data, "services.0.status.state"), "unknown");
    json_decref(data);
    data = stage_json(&s, "/apps/hello", 200);
    CHECK_STR(stage_text(data, "environments.0.status.state"), "stopped");
    json_decref(data);
    CHECK_INT(world_get(&s.w, ENV), 200);
    CHECK(stage_shows(&s, "nothing serves here"));
    CHECK(stage_shows(&s, "operate/start"));
    data = stage_json(&s, OPERATE, 200);
    CHECK_STR(stage_text(data, "operations.0.can"), "false"); /* restart */
    CHECK_STR(stage_text(data, "operations.1.can"), "false"); /* stop */
    CHECK_STR(stage_text(data, "operations.2.can"), "true");  /* start */
    CHECK_STR(stage_text(data, "operations.3.can"), "true");  /* redeploy */
    json_decref(data);
    CHECK_INT(stage_post(&s, OPERATE "/stop", "plan_hash=x&why="), 422);
    sql("UPDATE environment SET stopped_at = NULL, stopped_by = NULL");
    CHECK_INT(stage_post(&s, OPERATE "/start", "plan_hash=x&why="), 422);
    CHECK(stage_shows(&s, "It is not stopped"));
    data = stage_json(&s, "/apps/hello/bare/operate", 200);
    CHECK_STR(stage_text(data, "operations.0.why_not"),
              "Nothing is live here. Deploy a version first.");
    json_decref(data);
}

static void the_maintenance_page_is_told_wherever_one_deploys(void)
{
    json_t *data = stage_json(&s, OPERATE, 200);
    CHECK_INT(json_array_size(json_object_get(data, "operations")),
              4); /* this recipe has no nginx */
    json_decref(data);
    CHECK_INT(world_get(&s.w, OPERATE "/maintenance_on"), 200);
    CHECK(stage_shows(&s, "The recipe release cannot do that."));
    CHECK_INT(stage_post(&s, OPERATE "/maintenance_on", "plan_hash=x&why="), 422);
    sql("UPDATE environment SET maintenance_at = 1764000000000 WHERE slug = 'staging'");
    CHECK_INT(world_get(&s.w, DEPLOY "?version=1.1.0"), 200);
    CHECK(stage_shows(&s, "The maintenance page is shown since"));
    CHECK(stage_shows(&s, "A deploy leaves it on."));
    sql("UPDATE environment SET maintenance_at = NULL");
}

static void a_redeploy_is_a_release_of_the_same_code(void)
{
    char plan[8192];
    json_t *row = NULL, *release = NULL;
    CHECK_INT(world_get(&s.w, OPERATE "/redeploy"), 200);
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    CHECK_INT(stage_post(&s, OPERATE "/redeploy", "plan_hash=%s&why=new+secrets", plan), 303);
    CHECK_STR(stage_last_verb(&s), "redeploy.request");
    WORLD_MUST(
        job_read(s.w.db, strstr(fake_header(&s.w.f, "Location"), "/jobs/") + 6, &row, &world_err));
    CHECK_STR(stage_text(row, "confirmed.parts"), "code");
    WORLD_MUST(environment_release(s.w.db, stage_text(row, "release_id"), &release, &world_err));
    CHECK_STR(stage_text(release, "trigger"), "redeploy");
    CHECK_STR(stage_text(release, "version"), "1.0.0");
    json_decref(row);
    json_decref(release);
    CHECK_INT(world_get(&s.w, ENV), 200);
    CHECK(!stage_shows(&s, "Automatic deploys are paused"));
}

static void a_promotion_shows_what_comes_and_which_secrets_differ(void)
{
    char plan[8192], id[CRYPTO_ID_SIZE], uri[200];
    json_t *row = NULL, *release = NULL, *data;
    stage_environment(&s, "prod", s.server_id, id);
    CHECK_INT(world_get(&s.w, "/apps/hello/prod/operate"), 200);
    CHECK(stage_shows(&s, "/apps/hello/prod/operate/promote?from=staging"));
    sql("INSERT INTO secret_set (environment_id, number, created_at, created_by) SELECT id, 1, 1, "
        "'u' FROM environment WHERE slug = 'prod'; INSERT INTO secret_entry (environment_id, "
        "number, position, key, kind, plain, fingerprint, size_bytes, changed_in) SELECT id, 1, 0, "
        "'ONLY_HERE', 'plain', 'x', x'00', 1, 1 FROM environment WHERE slug = 'prod'");
    snprintf(uri, sizeof uri, "/apps/hello/prod/operate/promote?from=staging");
    data = stage_json(&s, uri, 200);
    CHECK_STR(stage_text(data, "source.environment"), "staging");
    CHECK_STR(stage_text(data, "changes.0.after"), "1.0.0");
    CHECK_STR(stage_text(data, "secret_changes.0.key"), "ONLY_HERE");
    CHECK_STR(stage_text(data, "secret_changes.0.verb"), "only here");
    json_decref(data);
    CHECK_INT(world_get(&s.w, uri), 200);
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    CHECK_INT(stage_post(&s, "/apps/hello/prod/operate/promote", "plan_hash=%s&why=", plan), 422);
    CHECK_INT(stage_post(&s, "/apps/hello/prod/operate/promote",
                         "from=staging&plan_hash=%s&why=tested", plan),
              303);
    CHECK_STR(stage_last_verb(&s), "promote.request");
    WORLD_MUST(
        job_read(s.w.db, strstr(fake_header(&s.w.f, "Location"), "/jobs/") + 6, &row, &world_err));
    CHECK_STR(stage_text(row, "confirmed.promoted_from"), "staging v1");
    WORLD_MUST(environment_release(s.w.db, stage_text(row, "release_id"), &release, &world_err));
    CHECK_STR(stage_text(release, "trigger"), "promote");
    json_decref(row);
    json_decref(release);
    CHECK_INT(world_get(&s.w, "/apps/hello/prod/releases/1"), 200);
    CHECK(stage_shows(&s, "Promoted from"));
    CHECK(stage_shows(&s, ">staging v1<"));
    CHECK_INT(world_get(&s.w, OPERATE "/promote?from=staging"), 200); /* to itself */
    CHECK(stage_shows(&s, "from another environment of the same app"));
    CHECK_INT(world_get(&s.w, OPERATE "/promote?from=bare"), 200);
    CHECK(stage_shows(&s, "nothing to promote"));
    CHECK_INT(world_get(&s.w, OPERATE "/promote?from=nowhere"), 404);
}

static void viewers_look_and_do_nothing(void)
{
    char own[CRYPTO_TOKEN_TEXT];
    as(ROLE_VIEWER, own);
    CHECK_INT(world_get(&s.w, OPERATE), 200);
    CHECK(!stage_shows(&s, "operate/stop\""));
    CHECK_INT(world_get(&s.w, OPERATE "/stop"), 403);
    CHECK_INT(stage_post(&s, OPERATE "/stop", "plan_hash=x"), 403);
    memcpy(s.w.token, own, sizeof own);
}

/* --- freeze windows --- */

#define ALWAYS "zone=Europe%%2FBerlin&windows=Mon+00:01+-+Mon+00:00+%%23+audit"

static void within_a_freeze_nobody_deploys_but_an_admin_who_says_why(void)
{
    char own[CRYPTO_TOKEN_TEXT], plan[8192];
    int64_t deploys = jobs_of_kind("deploy");
    json_t *row = NULL;
    CHECK_INT(stage_post(&s, ENV "/freeze", "zone=Nowhere&windows=Mon+00:01+-+Mon+00:00"), 422);
    CHECK(stage_shows(&s, "There is no time zone Nowhere here"));
    CHECK_INT(stage_post(&s, ENV "/freeze", "zone=UTC&windows=friday"), 422);
    CHECK(stage_shows(&s, "Line 1 is no window"));
    CHECK_INT(stage_post(&s, ENV "/freeze", ALWAYS), 303);
    CHECK_STR(stage_last_verb(&s), "environment.freeze");
    CHECK_INT(world_get(&s.w, ENV), 200);
    CHECK(stage_shows(&s, "Deploys are frozen"));
    as(ROLE_MAINTAINER, own);
    CHECK_INT(world_get(&s.w, DEPLOY "?version=1.1.0"), 200);
    CHECK(stage_shows(&s, "Deploys are frozen (audit) until Mon "));
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.1.0&plan_hash=%s&despite_freeze=x&why=", plan),
              422);
    CHECK_INT(stage_post(&s, OPERATE "/redeploy", "plan_hash=%s&why=", plan), 422);
    CHECK_INT(world_get(&s.w, OPERATE "/restart"), 200); /* held back by nothing */
    CHECK(!stage_shows(&s, "Not now"));
    memcpy(s.w.token, own, sizeof own);
    CHECK_INT(world_get(&s.w, DEPLOY "?version=1.1.0"), 200);
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.1.0&plan_hash=%s&why=", plan), 422);
    CHECK(stage_shows(&s, "Say why this one must be all the same"));
    CHECK_INT(jobs_of_kind("deploy"), deploys);
    CHECK_INT(
        stage_post(&s, DEPLOY, "version=1.1.0&plan_hash=%s&despite_freeze=it+burns&why=", plan),
        303);
    WORLD_MUST(
        job_read(s.w.db, strstr(fake_header(&s.w.f, "Location"), "/jobs/") + 6, &row, &world_err));
    CHECK_STR(stage_text(row, "params.despite_freeze"), "it burns");
    json_decref(row);
    CHECK_INT(world_get(&s.w, "/audit"), 200);
    CHECK(stage_shows(&s, "it burns"));
    CHECK_INT(stage_post(&s, ENV "/freeze", "zone=UTC&windows="), 303);
    CHECK_INT(world_get(&s.w, ENV), 200);
    CHECK(!stage_shows(&s, "Deploys are frozen"));
}

/* --- the queue --- */

static void lists_say_what_a_queued_job_waits_for(void)
{
    json_t *data = stage_json(&s, "/jobs?status=queued", 200);
    CHECK(strstr(stage_text(data, "days.0.jobs.0.summary"), "Waits for deploy v3 of Ann Weaver")
          != NULL);
    json_decref(data);
    data = stage_json(&s, ENV, 200);
    CHECK(strstr(stage_text(data, "jobs.0.summary"), "Waits for deploy v3 of Ann Weaver") != NULL);
    json_decref(data);
    stage_stop_worker(&s);
    data = stage_json(&s, "/jobs?status=queued", 200);
    CHECK(strstr(stage_text(data, "days.0.jobs.0.summary"), "The worker is not running") != NULL);
    json_decref(data);
    stage_start_worker(&s);
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    TAP_RUN(a_lock_needs_a_reason_and_somebody_who_may);
    TAP_RUN(every_page_of_the_environment_says_it);
    TAP_RUN(a_deployer_is_refused_with_the_reason);
    TAP_RUN(who_may_unlock_goes_on_knowing_it);
    TAP_RUN(what_is_confirmed_is_what_is_asked_for);
    TAP_RUN(what_is_stopped_is_never_called_live);
    TAP_RUN(the_maintenance_page_is_told_wherever_one_deploys);
    TAP_RUN(a_redeploy_is_a_release_of_the_same_code);
    TAP_RUN(a_promotion_shows_what_comes_and_which_secrets_differ);
    TAP_RUN(viewers_look_and_do_nothing);
    TAP_RUN(within_a_freeze_nobody_deploys_but_an_admin_who_says_why);
    TAP_RUN(lists_say_what_a_queued_job_waits_for);
    stage_close(&s);
    return tap_done();
}

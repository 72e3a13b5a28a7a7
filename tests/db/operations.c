/* operations.c - restart, stop, start and redeploy through the supervisor with a stand-in for the
 * runner: what the environment is after each, what a lock stops, and rows of a web side that lie.
 */
#include "tests/db/supervised_fixture.h"

#include "db/operations.h"
#include "db/rollbacks.h"

static json_t *environment_now(struct world *w)
{
    json_t *environment = NULL;
    MUST(environment_by_id(w->f.shared, ENV_ID, &environment, &fixture_err));
    return environment;
}

static struct recipe *recipe_now(struct world *w)
{
    struct recipe *recipe = NULL;
    char recipes[600];
    snprintf(recipes, sizeof recipes, "%s/recipes", w->home);
    MUST(recipe_load(recipes, "release", &recipe, &fixture_err));
    return recipe;
}

/* What the confirm page shows; "{}" where it would refuse. */
static char *confirmed(struct world *w, const char *kind)
{
    json_t *environment = environment_now(w);
    struct recipe *recipe = recipe_now(w);
    struct operation_plan plan = {0};
    char *text = NULL;
    if (operation_plan_make(w->f.shared, recipe, environment, kind, &plan, &fixture_err) == 0)
        text = json_dumps(plan.basis, JSON_COMPACT);
    operation_plan_free(&plan);
    recipe_free(recipe);
    json_decref(environment);
    return text != NULL ? text : strdup("{}");
}

/* Press the button, as the web side writes it; twist: SQL that runs before the job begins. */
static const char *world_operate(struct world *w, const char *kind, const char *twist)
{
    static char ids[16][CRYPTO_ID_SIZE];
    char *id = ids[w->jobs % 16], auth[1200], *basis = confirmed(w, kind);
    crypto_new_id(id);
    command_line_auth(w, id, kind, auth, sizeof auth);
    w->jobs++;
    sqlf(w,
         "BEGIN; INSERT INTO job (id, serial, environment_id, number, kind, lock_class, params, "
         "confirmed, idem, auth, requested_by, nonce, created_at) VALUES ('%s', %d, '" ENV_ID
         "', %d, '%s', 'exclusive', '{}', '%s', '%s', x'%s', 'u', 'nonce-%s', %lld); %s; COMMIT",
         id, w->jobs, w->jobs, kind, basis, id, auth, id, (long long)clock_now_ms(), twist);
    free(basis);
    world_poke(w);
    return id;
}

static const char *summary_of(struct world *w, const char *job)
{
    return ask_sql(w, "SELECT summary FROM job WHERE id = '%s'", job);
}

static const char *stopped(struct world *w)
{
    return ask_sql(w, "SELECT live_state || ' ' || (stopped_at IS NOT NULL) || ' ' || "
                      "coalesce(stopped_by, '-') FROM environment");
}

static void one_release(struct world *w, const char *plan)
{
    world_make(w, 1);
    world_worker(w, "");
    CHECK(wait_verdict(w, world_deploy(w), "live"));
    unlink(w->target);
    if (plan[0] == '\0')
        return;
    world_kill(w, SIGTERM);
    world_worker(w, plan);
}

static void what_is_stopped_is_stopped_until_it_is_started(void)
{
    struct world w;
    one_release(&w, "");
    CHECK(wait_verdict(&w, world_operate(&w, "stop", ""), "ok"));
    CHECK_STR(stopped(&w), "live 1 ");
    CHECK_STR(ask_sql(&w, "SELECT verb FROM audit_event ORDER BY seq DESC LIMIT 1"), "stop.ok");
    CHECK_STR(ask_sql(&w, "SELECT group_concat(name, ' ') FROM (SELECT name FROM job_step s JOIN "
                          "job j ON j.id = s.job_id WHERE j.kind = 'stop' ORDER BY step)"),
              "connect lock stop gone unlock");
    unlink(w.target);
    CHECK(wait_verdict(&w, world_operate(&w, "restart", ""), "failed"));
    CHECK(wait_verdict(&w, world_operate(&w, "start", ""), "ok"));
    CHECK_STR(stopped(&w), "live 0 -");
    unlink(w.target);
    CHECK(wait_verdict(&w, world_operate(&w, "stop", ""), "ok"));
    unlink(w.target);
    CHECK(wait_verdict(&w, world_deploy(&w), "live")); /* a deploy ends it too */
    CHECK_STR(stopped(&w), "live 0 -");
    world_end(&w);
}

static void on_several_servers_each_is_stopped(void)
{
    struct world w;
    world_make(&w, 2);
    world_worker(&w, "");
    CHECK(wait_verdict(&w, world_deploy(&w), "live"));
    const char *job = world_operate(&w, "stop", "");
    CHECK(wait_verdict(&w, job, "ok"));
    CHECK_STR(ask_sql(&w,
                      "SELECT group_concat(name || ' ' || verdict) FROM job_host WHERE job_id = "
                      "'%s'",
                      job),
              "srv1 ok,srv2 ok");
    CHECK_STR(stopped(&w), "live 1 ");
    world_end(&w);
}

static void what_was_not_seen_gone_is_not_called_stopped(void)
{
    struct world w;
    one_release(&w, "fail:3"); /* the witness: something still runs */
    CHECK(wait_verdict(&w, world_operate(&w, "stop", ""), "failed"));
    CHECK_STR(stopped(&w), "failed 0 -");
    unlink(w.target);
    CHECK(wait_verdict(&w, world_operate(&w, "restart", ""), "failed"));
    CHECK_STR(stopped(&w), "failed 0 -");
    world_end(&w);
}

static void what_never_began_changes_nothing(void)
{
    struct world w;
    one_release(&w, "fail:1"); /* the lock of somebody else */
    CHECK(wait_verdict(&w, world_operate(&w, "stop", ""), "failed"));
    CHECK_STR(stopped(&w), "live 0 -");
    CHECK_INT(ran(&w, 2), 0);
    world_end(&w);
}

static void a_lock_stops_what_was_confirmed_before_it(void)
{
    static const char LOCK[] =
        "UPDATE environment SET locked_at = 1764000000000, locked_by = 'u', locked_why = 'moving'";
    struct world w;
    one_release(&w, "");
    const char *job = world_operate(&w, "restart", LOCK);
    CHECK(wait_verdict(&w, job, "failed"));
    CHECK(strstr(summary_of(&w, job), "the lock of the environment changed") != NULL);
    job = world_operate(&w, "restart", ""); /* by one who may unlock, and saw it */
    CHECK(wait_verdict(&w, job, "ok"));
    unlink(w.target);
    world_kill(&w, SIGTERM);
    job = world_deploy(&w);
    sqlf(&w, "DROP TRIGGER release_is_what_was_asked; UPDATE release SET trigger = 'token' WHERE "
             "outcome = 'pending'");
    world_worker(&w, "");
    CHECK(wait_verdict(&w, job, "failed"));
    CHECK(strstr(summary_of(&w, job),
                 "shop / prod is locked since 2025-11-24T16:00:00 UTC by Ann: moving")
          != NULL);
    CHECK_INT(ran(&w, 0), 0);
    world_end(&w);
}

static void rows_that_lie_are_refused(void)
{
    struct world w;
    world_make(&w, 1);
    world_worker(&w, "");
    const char *job = world_operate(&w, "stop", "");
    CHECK(wait_verdict(&w, job, "failed"));
    CHECK(strstr(summary_of(&w, job), "Nothing is live here") != NULL);
    CHECK(wait_verdict(&w, world_deploy(&w), "live"));
    unlink(w.target);
    job = world_operate(&w, "stop", "UPDATE job SET lock_class = 'none' WHERE state = 'queued'");
    CHECK(wait_verdict(&w, job, "failed"));
    job = world_operate(&w, "stop", "UPDATE job SET confirmed = '{}' WHERE state = 'queued'");
    CHECK(wait_verdict(&w, job, "failed"));
    /* Confirmed for a restart, and the row says stop. */
    job = world_operate(&w, "stop",
                        "UPDATE job SET confirmed = json_set(confirmed, '$.operation', 'restart') "
                        "WHERE state = 'queued'");
    CHECK(wait_verdict(&w, job, "failed"));
    CHECK_INT(ran(&w, 0), 0);
    CHECK_STR(stopped(&w), "live 0 -");
    world_end(&w);
}

static void an_operation_that_a_recipe_does_not_have_is_refused(void)
{
    struct world w;
    one_release(&w, "");
    const char *job = world_operate(&w, "maintenance_on", "");
    CHECK(wait_verdict(&w, job, "failed"));
    CHECK(strstr(summary_of(&w, job), "The recipe release cannot do that") != NULL);
    CHECK_STR(ask_sql(&w, "SELECT maintenance_at IS NULL FROM environment"), "1");
    world_end(&w);
}

/* The recipe image, and an nginx in front or none. */
static void the_page_is_on_once_it_was_seen_and_only_where_there_is_nginx(void)
{
    struct world w;
    struct recipe *recipe = NULL;
    json_t *environment, *live;
    char recipes[600];
    struct err err = {0};
    world_make(&w, 1);
    snprintf(recipes, sizeof recipes, "%s/recipes", w.home);
    MUST(recipe_load(recipes, "image", &recipe, &fixture_err));
    live = json_pack("{s:s, s:s}", "recipe", "image", "version", "1");
    environment = json_pack("{s:n, s:n}", "maintenance_at", "stopped_at");
    CHECK(operation_may(recipe, environment, live, "maintenance_on", &err) == 0);
    CHECK(operation_may(recipe, environment, live, "maintenance_off", &err) != 0);
    json_object_set_new(environment, "maintenance_at", json_integer(1));
    CHECK(operation_may(recipe, environment, live, "maintenance_on", &err) != 0);
    CHECK(operation_may(recipe, environment, live, "maintenance_off", &err) == 0);
    recipe_free(recipe);
    json_decref(environment);
    json_decref(live);
    MUST(db_begin(w.f.shared, &fixture_err));
    MUST(operation_end(w.f.shared, ENV_ID, OPERATION_EFFECT_PAGE_ON, "u", 7, &fixture_err));
    MUST(db_commit(w.f.shared, &fixture_err));
    CHECK_STR(ask_sql(&w, "SELECT maintenance_at || maintenance_by || live_state FROM environment"),
              "7unever");
    MUST(db_begin(w.f.shared, &fixture_err));
    MUST(operation_end(w.f.shared, ENV_ID, OPERATION_EFFECT_PAGE_OFF, "u", 8, &fixture_err));
    MUST(db_commit(w.f.shared, &fixture_err));
    CHECK_STR(ask_sql(&w, "SELECT maintenance_at IS NULL FROM environment"), "1");
    world_end(&w);
}

/* --- redeploy --- */

/* twist: as above. */
static const char *world_redeploy(struct world *w, const char *twist)
{
    static char id[CRYPTO_ID_SIZE];
    char release[CRYPTO_ID_SIZE], auth[1200];
    json_t *environment = environment_now(w), *live = NULL;
    struct recipe *recipe = recipe_now(w);
    struct rollback_plan plan;
    struct rollback_inputs in = {.recipe = recipe,
                                 .environment = environment,
                                 .parts = ROLLBACK_CODE,
                                 .mode = REPLAY_REDEPLOY};
    MUST(environment_release(w->f.shared,
                             json_string_value(json_object_get(environment, "live_release_id")),
                             &live, &fixture_err));
    in.replayed = live;
    MUST(rollback_plan_make(w->f.shared, &in, &plan, &fixture_err));
    char *basis = json_dumps(plan.basis, JSON_COMPACT);
    crypto_new_id(id);
    crypto_new_id(release);
    command_line_auth(w, id, "redeploy", auth, sizeof auth);
    w->jobs++;
    w->releases++;
    sqlf(w,
         "BEGIN; INSERT INTO release (id, environment_id, number, recipe, recipe_sha256, settings, "
         "hosts, version, artefact_id, artefact_sha256, secret_set, trigger, replays, parts, "
         "created_at, created_by, job_id) SELECT '%s', '" ENV_ID "', %d, recipe, 'x', '{}', '[]', "
         "version, artefact_id, artefact_sha256, %d, 'redeploy', id, 'code', 1, 'u', '%s' FROM "
         "release WHERE id = '%s';"
         "INSERT INTO job (id, serial, environment_id, number, kind, lock_class, params, "
         "confirmed, release_id, idem, auth, requested_by, nonce, created_at) VALUES ('%s', %d, "
         "'" ENV_ID "', %d, 'redeploy', 'exclusive', '{}', '%s', '%s', '%s', x'%s', 'u', "
         "'nonce-%s', %lld); %s; COMMIT",
         release, w->releases, (int)json_integer_value(json_object_get(plan.basis, "secret_set")),
         id, json_string_value(json_object_get(live, "id")), id, w->jobs, w->jobs, basis, release,
         id, auth, id, (long long)clock_now_ms(), twist);
    free(basis);
    rollback_plan_free(&plan);
    recipe_free(recipe);
    json_decref(environment);
    json_decref(live);
    world_poke(w);
    return id;
}

static void a_redeploy_is_the_live_version_with_what_is_saved_now(void)
{
    struct world w;
    one_release(&w, "");
    sqlf(&w, "UPDATE environment SET settings = json_set(settings, '$.health_path', '/other'); "
             "INSERT INTO secret_set VALUES ('" ENV_ID "', 2, '', 1, 'u', '');"
             "INSERT INTO secret_entry SELECT environment_id, 2, position, 'PLAIN', 'plain', form, "
             "path, mode, 'x', fingerprint, 1, '', 2, stage, 0 FROM secret_entry");
    CHECK(wait_verdict(&w, world_redeploy(&w, ""), "live"));
    CHECK_STR(env_state(&w), "live 2");
    CHECK_STR(ask_sql(&w, "SELECT version || ' s' || secret_set || ' ' || trigger || ' ' || "
                          "json_extract(settings, '$.health_path') FROM release WHERE number = 2"),
              "1.0.0 s2 redeploy /other");
    CHECK_STR(ask_sql(&w, "SELECT paused_at IS NULL FROM environment"), "1");
    CHECK_STR(ask_sql(&w, "SELECT verb FROM audit_event ORDER BY seq DESC LIMIT 1"),
              "redeploy.live");
    world_end(&w);
}

static void only_what_is_live_is_redeployed(void)
{
    struct world w;
    one_release(&w, "");
    const char *job =
        world_redeploy(&w, "UPDATE environment SET live_release_id = (SELECT id FROM release WHERE "
                           "number = 2)"); /* another deploy ended meanwhile */
    CHECK(wait_verdict(&w, job, "failed"));
    CHECK(strstr(summary_of(&w, job), "is not what is live now") != NULL);
    CHECK_INT(ran(&w, 0), 0);
    world_end(&w);
}

/* --- promote --- */

#define OTHER_ENV "0000000000000000000000env2"
#define OTHER_REL "0000000000000000000000rel9"

/* A second environment of the app with a release that was live there. */
static void add_staging(struct world *w, const char *app, const char *outcome)
{
    sqlf(w,
         "INSERT INTO environment (id, app_id, slug, tier, recipe, settings, created_at) SELECT "
         "'" OTHER_ENV "', '%s', 'staging', 'staging', recipe, settings, 1 FROM environment WHERE "
         "id = '" ENV_ID "'; INSERT INTO release (id, environment_id, number, recipe, "
         "recipe_sha256, settings, hosts, version, artefact_id, artefact_sha256, images, "
         "secret_set, created_at, created_by, outcome) VALUES ('" OTHER_REL "', '" OTHER_ENV
         "', 4, 'release', 'x', '{}', '[]', '1.0.0', '0000000000000000000000art1', '%s', "
         "'{\"web\":{\"image\":\"r/web:1\",\"digest\":\"r/web@sha256:feed\"}}', 0, 1, "
         "'u', '%s')",
         app, w->sha256, outcome);
}

static const char *world_promote(struct world *w, const char *twist)
{
    static char id[CRYPTO_ID_SIZE];
    char release[CRYPTO_ID_SIZE], auth[1200], *basis;
    json_t *environment = environment_now(w), *source = NULL;
    struct recipe *recipe = recipe_now(w);
    struct rollback_plan plan = {0};
    struct rollback_inputs in = {.recipe = recipe,
                                 .environment = environment,
                                 .parts = ROLLBACK_CODE,
                                 .mode = REPLAY_PROMOTE};
    struct err refused = {0};
    MUST(environment_release(w->f.shared, OTHER_REL, &source, &fixture_err));
    in.replayed = source;
    bool may = rollback_plan_make(w->f.shared, &in, &plan, &refused) == 0;
    basis = may ? json_dumps(plan.basis, JSON_COMPACT) : strdup("{}");
    crypto_new_id(id);
    crypto_new_id(release);
    command_line_auth(w, id, "promote", auth, sizeof auth);
    w->jobs++;
    w->releases++;
    sqlf(w,
         "BEGIN; INSERT INTO release (id, environment_id, number, recipe, recipe_sha256, settings, "
         "hosts, version, artefact_id, artefact_sha256, secret_set, trigger, promoted_from, parts, "
         "created_at, created_by, job_id) SELECT '%s', '" ENV_ID "', %d, recipe, 'x', '{}', '[]', "
         "version, artefact_id, artefact_sha256, 1, 'promote', id, 'code', 1, 'u', '%s' FROM "
         "release WHERE id = '" OTHER_REL "';"
         "INSERT INTO job (id, serial, environment_id, number, kind, lock_class, params, "
         "confirmed, release_id, idem, auth, requested_by, nonce, created_at) VALUES ('%s', %d, "
         "'" ENV_ID "', %d, 'promote', 'exclusive', '{}', '%s', '%s', '%s', x'%s', 'u', "
         "'nonce-%s', %lld); %s; COMMIT",
         release, w->releases, id, id, w->jobs, w->jobs, basis, release, id, auth, id,
         (long long)clock_now_ms(), twist);
    free(basis);
    rollback_plan_free(&plan);
    recipe_free(recipe);
    json_decref(environment);
    json_decref(source);
    world_poke(w);
    return id;
}

static void what_is_promoted_is_the_very_same_with_the_settings_and_secrets_of_here(void)
{
    struct world w;
    world_make(&w, 1);
    add_staging(&w, APP_ID, "live");
    world_worker(&w, "");
    const char *job = world_promote(&w, "");
    CHECK(wait_verdict(&w, job, "live"));
    CHECK_STR(ask_sql(&w, "SELECT version || ' s' || secret_set || ' ' || trigger || ' ' || "
                          "promoted_from || ' ' || json_extract(settings, '$.deploy_dir') FROM "
                          "release WHERE environment_id = '" ENV_ID "'"),
              "1.0.0 s1 promote " OTHER_REL " apps/shop");
    CHECK(count_lines(w.events, "pins web\tr/web@sha256:feed") > 0);
    CHECK_STR(ask_sql(&w, "SELECT verb || ' ' || json_extract(detail, '$.promoted_from') FROM "
                          "audit_event ORDER BY seq DESC LIMIT 1"),
              "promote.live staging v4");
    world_end(&w);
}

static void only_what_was_live_in_the_same_app_is_promoted(void)
{
    static const struct {
        const char *app, *outcome, *twist, *says;
    } CASES[] = {
        {APP_ID, "failed", "SELECT 1", "was never live there"},
        {"0000000000000000000000app2", "live", "SELECT 1", "another environment of the same app"},
        {APP_ID, "live",
         "DROP TRIGGER release_is_what_was_asked; UPDATE release SET promoted_from = id WHERE "
         "outcome = 'pending'",
         "another environment of the same app"},
        {APP_ID, "live", "UPDATE job SET kind = 'deploy' WHERE state = 'queued'", ""},
        {APP_ID, "live", "UPDATE artefact SET removed_at = 1", "was removed from the dashboard"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct world w;
        world_make(&w, 1);
        sqlf(&w, "INSERT INTO app (id, slug, name, created_at) VALUES "
                 "('0000000000000000000000app2', 'other', 'Other', 1)");
        add_staging(&w, CASES[i].app, CASES[i].outcome);
        const char *job = world_promote(&w, CASES[i].twist);
        world_worker(&w, ""); /* which opens the database as the twist has left it */
        CHECK(wait_verdict(&w, job, "failed"));
        CHECK(strstr(summary_of(&w, job), CASES[i].says) != NULL);
        CHECK_INT(ran(&w, 0), 0);
        world_end(&w);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "-x") == 0)
        return fake_runner();
    TAP_RUN(what_is_stopped_is_stopped_until_it_is_started);
    TAP_RUN(on_several_servers_each_is_stopped);
    TAP_RUN(what_was_not_seen_gone_is_not_called_stopped);
    TAP_RUN(what_never_began_changes_nothing);
    TAP_RUN(a_lock_stops_what_was_confirmed_before_it);
    TAP_RUN(rows_that_lie_are_refused);
    TAP_RUN(an_operation_that_a_recipe_does_not_have_is_refused);
    TAP_RUN(the_page_is_on_once_it_was_seen_and_only_where_there_is_nginx);
    TAP_RUN(a_redeploy_is_the_live_version_with_what_is_saved_now);
    TAP_RUN(only_what_is_live_is_redeployed);
    TAP_RUN(what_is_promoted_is_the_very_same_with_the_settings_and_secrets_of_here);
    TAP_RUN(only_what_was_live_in_the_same_app_is_promoted);
    return tap_done();
}

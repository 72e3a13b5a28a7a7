/* rollback.c - going back, through the supervisor with a stand-in for the runner: a new release
 * that replays an earlier one, the digests that were recorded, and everything a row of the web side
 * could say that must not run. */
#include "tests/db/supervised_fixture.h"

#include "db/pauses.h"
#include "db/rollbacks.h"

#define OLD    "0000000000000000000000old1"
#define DIGEST "registry.example/web@sha256:abcd"
#define COMMIT "5d6e7f80123456789abcdef0123456789abcdef0"
#define OTHER  "0000000000000000000000env2"
#define STACK                                                                                      \
    "{\"compose\":\"services:\\n  web:\\n    image: registry.example/web:${TAG}\\n\","             \
    "\"deploy_dir\":\"apps/shop\",\"project\":\"shop\"}"
#define SOURCE                                                                                     \
    "{\"repository\":\"git@git.example:team/shop.git\",\"deploy_dir\":\"apps/shop\","              \
    "\"project\":\"shop\"}"

/* Changes something between the confirm page and the job. */
static void change(struct world *w, const char *sql)
{
    sqlf(w, "%s", sql);
}

static json_t *environment_now(struct world *w)
{
    json_t *environment = NULL;
    MUST(environment_by_id(w->f.shared, ENV_ID, &environment, &fixture_err));
    return environment;
}

static struct recipe *recipe_now(struct world *w, const json_t *environment)
{
    struct recipe *recipe = NULL;
    char recipes[600];
    snprintf(recipes, sizeof recipes, "%s/recipes", w->home);
    MUST(recipe_load(recipes, json_string_value(json_object_get(environment, "recipe")), &recipe,
                     &fixture_err));
    return recipe;
}

/* What a confirm page would show for going back to this release. */
static void plan_now(struct world *w, const char *replays, unsigned parts,
                     struct rollback_plan *plan)
{
    json_t *environment = environment_now(w), *replayed = NULL;
    struct recipe *recipe = recipe_now(w, environment);
    struct rollback_inputs in = {.recipe = recipe, .environment = environment, .parts = parts};
    MUST(environment_release(w->f.shared, replays, &replayed, &fixture_err));
    in.replayed = replayed;
    MUST(rollback_plan_make(w->f.shared, &in, plan, &fixture_err));
    recipe_free(recipe);
    json_decref(environment);
    json_decref(replayed);
}

/* Press Roll back, as the web side writes it; `twist` is SQL that runs before the job begins. */
static const char *world_rollback(struct world *w, const char *replays, unsigned parts,
                                  const char *twist)
{
    static char ids[16][CRYPTO_ID_SIZE];
    char *id = ids[w->jobs % 16], release[CRYPTO_ID_SIZE], auth[1200];
    struct rollback_plan plan;
    plan_now(w, replays, parts, &plan);
    char *basis = json_dumps(plan.basis, JSON_COMPACT);
    crypto_new_id(id);
    crypto_new_id(release);
    command_line_auth(w, id, "rollback", auth, sizeof auth);
    w->jobs++;
    w->releases++;
    sqlf(
        w,
        "BEGIN; INSERT INTO release (id, environment_id, number, recipe, recipe_sha256, settings, "
        "hosts, version, artefact_id, artefact_sha256, secret_set, trigger, replays, parts, "
        "created_at, created_by, job_id) SELECT '%s', '" ENV_ID "', %d, '%s', 'x', '{}', '[]', "
        "'%s', artefact_id, artefact_sha256, %d, 'rollback', '%s', '%s', 1, 'u', '%s' FROM "
        "release WHERE id = '%s';"
        "INSERT INTO job (id, serial, environment_id, number, kind, lock_class, params, confirmed, "
        "release_id, idem, auth, requested_by, nonce, created_at) VALUES ('%s', %d, '" ENV_ID
        "', %d, 'rollback', 'exclusive', '{}', '%s', '%s', '%s', x'%s', 'u', 'nonce-%s', %lld);"
        "%s; COMMIT",
        release, w->releases, json_string_value(json_object_get(plan.basis, "recipe")),
        json_string_value(json_object_get(plan.basis, "version")),
        (int)json_integer_value(json_object_get(plan.basis, "secret_set")), replays,
        rollback_parts_text(parts), id, json_string_value(json_object_get(plan.code, "id")), id,
        w->jobs, w->jobs, basis, release, id, auth, id, (long long)clock_now_ms(), twist);
    free(basis);
    rollback_plan_free(&plan);
    world_poke(w);
    return id;
}

static const char *release_id(struct world *w, int number)
{
    static char ids[8][CRYPTO_ID_SIZE];
    char *id = ids[number % 8];
    snprintf(id, CRYPTO_ID_SIZE, "%s",
             ask_sql(w, "SELECT id FROM release WHERE number = %d", number));
    return id;
}

/* v1 was live with s1 and its settings, v2 is live; the environment has other settings and s2. */
static void two_releases(struct world *w)
{
    world_make(w, 1);
    world_worker(w, "");
    CHECK(wait_verdict(w, world_deploy(w), "live"));
    unlink(w->target);
    CHECK(wait_verdict(w, world_deploy(w), "live"));
    unlink(w->target);
    change(w,
           "UPDATE environment SET settings = json_set(settings, '$.health_path', '/other');"
           "INSERT INTO secret_set VALUES ('" ENV_ID "', 2, '', 1, 'u', '');"
           "INSERT INTO secret_entry SELECT environment_id, 2, position, 'PLAIN', 'plain', form, "
           "path, mode, 'x', fingerprint, 1, '', 2, stage, 0 FROM secret_entry");
}

static void what_comes_back_is_a_new_release(void)
{
    struct world w;
    two_releases(&w);
    const char *job = world_rollback(&w, release_id(&w, 1), ROLLBACK_ALL, "");
    CHECK(wait_verdict(&w, job, "live"));
    CHECK_STR(env_state(&w), "live 3");
    CHECK_STR(ask_sql(&w,
                      "SELECT outcome || ' ' || version || ' s' || secret_set || ' ' || trigger "
                      "|| ' ' || parts FROM release WHERE number = 3"),
              "live 1.0.0 s1 rollback code settings secrets");
    CHECK_STR(ask_sql(&w, "SELECT n.settings = o.settings AND n.hosts = o.hosts AND "
                          "json_extract(n.settings, '$.health_path') = '/health' AND "
                          "n.recipe_sha256 = o.recipe_sha256 AND length(n.recipe_sha256) = 64 FROM "
                          "release n, release o WHERE n.number = 3 AND o.number = 1"),
              "1");
    CHECK_STR(ask_sql(&w, "SELECT json_extract(settings, '$.health_path') FROM environment"),
              "/other");
    CHECK_STR(ask_sql(&w, "SELECT verb || ' v' || json_extract(detail, '$.replays') FROM "
                          "audit_event ORDER BY seq DESC LIMIT 1"),
              "rollback.live v1");
    world_end(&w);
}

static void parts_that_are_not_chosen_stay_as_they_are(void)
{
    struct world w;
    two_releases(&w);
    CHECK(wait_verdict(&w, world_rollback(&w, release_id(&w, 1), ROLLBACK_SECRETS, ""), "live"));
    CHECK_STR(ask_sql(&w, "SELECT 's' || secret_set || ' ' || json_extract(settings, "
                          "'$.health_path') FROM release WHERE number = 3"),
              "s1 /other");
    unlink(w.target);
    CHECK(wait_verdict(&w, world_rollback(&w, release_id(&w, 2), ROLLBACK_SETTINGS, ""), "live"));
    CHECK_STR(ask_sql(&w, "SELECT 's' || secret_set || ' ' || json_extract(settings, "
                          "'$.health_path') FROM release WHERE number = 4"),
              "s2 /health");
    world_end(&w);
}

/* A world with a release of long ago that ran DIGEST and COMMIT. */
static void a_world_of(struct world *w, const char *recipe, const char *settings, int servers)
{
    world_make(w, servers);
    w->releases = 1;
    sqlf(w,
         "UPDATE environment SET recipe = '%s', settings = '%s';"
         "INSERT INTO release (id, environment_id, number, recipe, recipe_sha256, settings, hosts, "
         "version, images, git_commit, secret_set, created_at, created_by, outcome) VALUES ('" OLD
         "', '" ENV_ID "', 1, '%s', 'x', '%s', '[]', '1.0', "
         "'{\"web\":{\"image\":\"registry.example/web:1.0\",\"digest\":\"" DIGEST "\"}}', '" COMMIT
         "', 1, 1, 'u', 'live')",
         recipe, settings, recipe, settings);
}

static void a_stack(struct world *w)
{
    a_world_of(w, "compose", STACK, 1);
}

static void the_recorded_digests_are_what_is_run(void)
{
    struct world w;
    a_stack(&w);
    world_worker(&w, "");
    CHECK(wait_verdict(&w, world_rollback(&w, OLD, ROLLBACK_ALL, ""), "live"));
    CHECK(count_lines(w.events, "pins web\t" DIGEST) > 0);
    world_end(&w);
}

static void the_recorded_commit_is_what_is_run(void)
{
    struct world w;
    a_stack(&w);
    world_worker(&w, "");
    CHECK(wait_verdict(&w, world_rollback(&w, OLD, ROLLBACK_ALL, ""), "live"));
    CHECK(count_lines(w.events, "commit " COMMIT) > 0);
    CHECK_STR(ask_sql(&w, "SELECT json_extract(confirmed, '$.git_commit') FROM job WHERE kind = "
                          "'rollback'"),
              COMMIT);
    world_end(&w);
}

/* What the first server found is what the others get, whatever the branch is by then. */
static void the_commit_of_the_first_server_is_that_of_the_others(void)
{
    struct world w;
    a_world_of(&w, "git", SOURCE, 3);
    world_worker(&w, "");
    CHECK(wait_verdict(&w, world_rollback(&w, OLD, ROLLBACK_ALL, ""), "live"));
    int first = count_lines(w.events, "commit " COMMIT);
    CHECK(first > 0);
    CHECK_INT(count_lines(w.events, "commit " FAKE_COMMIT), 2 * first);
    CHECK_STR(ask_sql(&w, "SELECT git_commit FROM release WHERE number = 2"), FAKE_COMMIT);
    world_end(&w);
}

static void the_live_ones_are_run_where_the_version_stays(void)
{
    struct world w;
    a_stack(&w);
    change(&w, "UPDATE environment SET live_release_id = '" OLD "', live_state = 'degraded'");
    world_worker(&w, "");
    CHECK(wait_verdict(&w, world_rollback(&w, OLD, ROLLBACK_SETTINGS, ""), "live"));
    CHECK(count_lines(w.events, "pins web\t" DIGEST) > 0);
    world_end(&w);
}

static void what_is_not_to_be_gone_back_to_is_refused_in_words(void)
{
    static const struct {
        const char *twist, *undo, *says;
    } cases[] = {
        {"UPDATE job SET confirmed = '{}' WHERE kind = 'rollback'", "", "not what was confirmed"},
        {"UPDATE job SET confirmed = json_set(confirmed, '$.parts', 'code') WHERE kind = "
         "'rollback'",
         "", "what comes back is now code settings secrets, not code"},
        {"UPDATE job SET confirmed = json_set(confirmed, '$.replays', 2) WHERE kind = 'rollback'",
         "", "the release that comes back is now v1, not v2"},
        {"UPDATE environment SET live_release_id = (SELECT id FROM release WHERE number = 1)",
         "UPDATE environment SET live_release_id = (SELECT id FROM release WHERE number = 2)",
         "v1 is what is live now"},
        {"UPDATE artefact SET removed_at = 5", "UPDATE artefact SET removed_at = NULL",
         "artefact of v1 (version 1.0.0) was removed"},
        {"UPDATE secret_set SET number = 99 WHERE number = 1",
         "UPDATE secret_set SET number = 1 WHERE number = 99", "secret set s1 of v1 is gone"},
        {"UPDATE environment SET recipe = 'compose'", "UPDATE environment SET recipe = 'release'",
         "made by the recipe release"},
        {"UPDATE server SET pin_print = 'SHA256:another'",
         "UPDATE server SET pin_print = 'SHA256:test'", "host key of srv1 changed"},
        {"UPDATE job SET lock_class = 'none' WHERE kind = 'rollback'", "",
         "must have the environment to itself"},
        {"UPDATE job SET kind = 'deploy' WHERE kind = 'rollback'", "",
         "could not be proven who asked"},
    };
    struct world w;
    two_releases(&w);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *job = world_rollback(&w, release_id(&w, 1), ROLLBACK_ALL, cases[i].twist);
        CHECK(wait_verdict(&w, job, "failed"));
        const char *said = ask_sql(&w, "SELECT summary FROM job WHERE id = '%s'", job);
        CHECK(strstr(said, cases[i].says) != NULL);
        if (strstr(said, cases[i].says) == NULL)
            printf("# '%s' says: %s\n", cases[i].twist, said);
        CHECK_STR(ask_sql(&w, "SELECT outcome FROM release WHERE job_id = '%s'", job), "refused");
        CHECK_INT(ran(&w, 0), 0);
        change(&w, cases[i].undo);
    }
    world_end(&w);
}

/* A release and its job as a web side that was taken over would write them. */
static const char *hostile_rollback(struct world *w, const char *environment, const char *replays,
                                    const char *parts)
{
    static char id[CRYPTO_ID_SIZE];
    char auth[1200];
    crypto_new_id(id);
    command_line_auth(w, id, "rollback", auth, sizeof auth);
    w->jobs++;
    w->releases++;
    sqlf(w,
         "BEGIN; INSERT INTO release (id, environment_id, number, recipe, recipe_sha256, settings, "
         "hosts, version, secret_set, trigger, replays, parts, created_at, created_by, job_id) "
         "VALUES ('row%d', '%s', %d, 'release', 'x', '{}', '[]', '1.0.0', 1, 'rollback', %s, '%s', "
         "1, 'u', '%s');"
         "INSERT INTO job (id, serial, environment_id, number, kind, lock_class, params, "
         "confirmed, release_id, idem, auth, requested_by, nonce, created_at) VALUES ('%s', %d, "
         "'" ENV_ID "', %d, 'rollback', 'exclusive', '{}', '{}', 'row%d', '%s', x'%s', 'u', 'n', "
         "1); COMMIT",
         w->releases, environment, w->releases, replays, parts, id, id, w->jobs, w->jobs,
         w->releases, id, auth);
    world_poke(w);
    return id;
}

static void rows_that_name_what_is_not_theirs_are_refused(void)
{
    static const struct {
        const char *environment, *replays, *parts, *says;
    } cases[] = {
        {ENV_ID, "'" OLD "'", "code settings secrets", "belongs to another environment"},
        {OTHER, "'" OLD "'", "code", "belongs to another environment"},
        {ENV_ID, "NULL", "code", "does not say what it goes back to"},
        {ENV_ID, "'" OLD "'", "code; rm", "does not say what it goes back to"},
        {ENV_ID, "(SELECT id FROM release WHERE number = 1)", "code", "not what was confirmed"},
        {ENV_ID, "'row6'", "code", "was never live"},
    };
    struct world w;
    two_releases(&w);
    sqlf(&w,
         "INSERT INTO environment (id, app_id, slug, tier, recipe, settings, created_at) VALUES "
         "('" OTHER "', '" APP_ID "', 'other', 'other', 'release', '{}', 1);"
         "INSERT INTO release (id, environment_id, number, recipe, recipe_sha256, settings, hosts, "
         "version, secret_set, created_at, created_by, outcome) VALUES ('" OLD "', '" OTHER
         "', 1, 'release', 'x', '{}', '[]', '1.0.0', 1, 1, 'u', 'live')");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *job =
            hostile_rollback(&w, cases[i].environment, cases[i].replays, cases[i].parts);
        CHECK(wait_verdict(&w, job, "failed"));
        const char *said = ask_sql(&w, "SELECT summary FROM job WHERE id = '%s'", job);
        CHECK(strstr(said, cases[i].says) != NULL);
        if (strstr(said, cases[i].says) == NULL)
            printf("# row %zu says: %s\n", i, said);
    }
    CHECK_INT(ran(&w, 0), 0);
    CHECK_STR(ask_sql(&w, "SELECT live_state || ' ' || (SELECT number FROM release r WHERE r.id = "
                          "live_release_id) FROM environment WHERE id = '" ENV_ID "'"),
              "live 2");
    world_end(&w);
}

static void a_value_that_does_not_open_is_named_before_anything_runs(void)
{
    struct world w;
    two_releases(&w);
    MUST(fixture_sql(w.f.vault_path, "DELETE FROM secret_value WHERE number = 1"));
    CHECK(wait_verdict(&w, world_rollback(&w, release_id(&w, 1), ROLLBACK_ALL, ""), "failed"));
    CHECK(strstr(ask_sql(&w, "SELECT summary FROM job WHERE kind = 'rollback'"), "TOKEN") != NULL);
    CHECK_INT(ran(&w, 0), 0);
    CHECK_STR(env_state(&w), "live 2");
    world_end(&w);
}

static void a_pause_stops_what_no_person_started(void)
{
    struct world w;
    world_make(&w, 1);
    const char *job = world_deploy(&w); /* confirmed before the pause */
    change(&w, "UPDATE environment SET paused_at = 1764000000000, paused_by = 'u', paused_why = "
               "'v1 was brought back'");
    world_worker(&w, "");
    CHECK(wait_verdict(&w, job, "failed"));
    CHECK(strstr(ask_sql(&w, "SELECT summary FROM job"), "the pause of automatic deploys changed")
          != NULL);
    job = world_deploy(&w); /* by a person who saw it */
    CHECK(wait_verdict(&w, job, "live"));
    world_kill(&w, SIGTERM);
    unlink(w.target);
    job = world_deploy(&w);
    change(&w, "DROP TRIGGER release_is_what_was_asked; UPDATE release SET trigger = 'token' WHERE "
               "outcome = 'pending'");
    world_worker(&w, "");
    CHECK(wait_verdict(&w, job, "failed"));
    CHECK(strstr(ask_sql(&w, "SELECT summary FROM job WHERE id = '%s'", job),
                 "paused since 2025-11-24T16:00:00 UTC by Ann: v1 was brought back")
          != NULL);
    CHECK_INT(ran(&w, 0), 0);
    world_end(&w);
}

static void what_a_deploy_saw_of_earlier_ones_is_written_down(void)
{
    struct world w;
    two_releases(&w);
    CHECK_STR(ask_sql(&w, "SELECT kept FROM kept_look"),
              ask_sql(&w, "SELECT json_array(id) FROM release WHERE number = 2"));
    CHECK_STR(ask_sql(&w, "SELECT count(*) || ' ' || max(opens) FROM secret_look"), "1 1");
    MUST(fixture_sql(w.f.vault_path, "DELETE FROM secret_value WHERE number = 1"));
    sqlf(&w, "INSERT INTO secret_set VALUES ('" ENV_ID "', 4, '', 1, 'u', '')");
    CHECK(wait_verdict(&w, world_rollback(&w, release_id(&w, 1), ROLLBACK_SETTINGS, ""), "live"));
    CHECK_STR(ask_sql(&w, "SELECT group_concat(number || ':' || opens) FROM secret_look"), "1:0");
    world_end(&w);
}

static bool is_refused(struct world *w, const char *sql)
{
    char quiet[600];
    snprintf(quiet, sizeof quiet, "%s", sql);
    return fixture_sql(w->f.shared_path, quiet) != 0;
}

static void a_release_that_ended_never_changes(void)
{
    struct world w;
    two_releases(&w);
    CHECK(is_refused(&w, "UPDATE release SET settings = '{}' WHERE number = 1"));
    CHECK(is_refused(&w, "UPDATE release SET outcome = 'failed' WHERE number = 1"));
    CHECK(is_refused(&w, "UPDATE release SET version = '2' WHERE number = 1"));
    CHECK(is_refused(&w, "DELETE FROM release WHERE number = 1"));
    CHECK(is_refused(&w, "INSERT OR REPLACE INTO release (id, environment_id, number, recipe, "
                         "recipe_sha256, settings, hosts, version, secret_set, created_at, "
                         "created_by) SELECT id, environment_id, number, recipe, recipe_sha256, "
                         "'{}', hosts, version, secret_set, 1, 'u' FROM release WHERE number = 1"));
    CHECK_STR(ask_sql(&w, "SELECT migrated || ' ' || (ended_at > created_at) FROM release WHERE "
                          "number = 1"),
              "0 1");
    world_end(&w);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "-x") == 0)
        return fake_runner();
    TAP_RUN(what_comes_back_is_a_new_release);
    TAP_RUN(parts_that_are_not_chosen_stay_as_they_are);
    TAP_RUN(the_recorded_digests_are_what_is_run);
    TAP_RUN(the_recorded_commit_is_what_is_run);
    TAP_RUN(the_commit_of_the_first_server_is_that_of_the_others);
    TAP_RUN(the_live_ones_are_run_where_the_version_stays);
    TAP_RUN(what_is_not_to_be_gone_back_to_is_refused_in_words);
    TAP_RUN(rows_that_name_what_is_not_theirs_are_refused);
    TAP_RUN(a_value_that_does_not_open_is_named_before_anything_runs);
    TAP_RUN(a_pause_stops_what_no_person_started);
    TAP_RUN(what_a_deploy_saw_of_earlier_ones_is_written_down);
    TAP_RUN(a_release_that_ended_never_changes);
    return tap_done();
}

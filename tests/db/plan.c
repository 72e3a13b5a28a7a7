/* plan.c - a look at the servers before a deploy, through the supervisor with a stand-in for the
 * runner: it asks and keeps nobody waiting, and the digests that were confirmed with it are what
 * runs, whatever else is said later. */
#include "tests/db/supervised_fixture.h"

#include "db/plans.h"
#include "lib/domain/images.h"

#define HEX_A  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define IMAGE  "registry.example/web"
#define LOOK   "web\t" IMAGE ":1.0\t" IMAGE "@sha256:" HEX_A "\t1000\tno\t\t0\t0\t"
#define NOBODY "0000000000000000000000none"
#define STACK                                                                                      \
    "{\"compose\":\"services:\\n  web:\\n    image: registry.example/web:${TAG}\\n\","             \
    "\"deploy_dir\":\"apps/shop\",\"project\":\"shop\"}"

/* An environment of Compose on so many servers; nothing is live there. */
static void a_stack(struct world *w, int servers, const char *look)
{
    world_make(w, servers);
    sqlf(w, "UPDATE environment SET recipe = 'compose', settings = '%s'", STACK);
    setenv("FAKE_LOOK", look, 1);
}

/* The page asks for a look at what a deploy of this version would find. */
static const char *ask_look(struct world *w, const char *version, const char *twist)
{
    static char id[CRYPTO_ID_SIZE];
    char auth[1200];
    crypto_new_id(id);
    command_line_auth(w, id, "plan", auth, sizeof auth);
    w->jobs++;
    sqlf(w,
         "BEGIN; INSERT INTO job (id, serial, environment_id, number, kind, lock_class, params, "
         "idem, auth, requested_by, nonce, created_at) VALUES ('%s', %d, '" ENV_ID
         "', %d, 'plan', 'none', '{\"version\":\"%s\"}', '%s', x'%s', 'u', 'nonce-%s', %lld); %s; "
         "COMMIT",
         id, w->jobs, w->jobs, version, id, auth, id, (long long)clock_now_ms(), twist);
    world_poke(w);
    return id;
}

/* What the confirm page would carry with this look; the caller frees it. */
static char *basis_with(struct world *w, const char *version, const char *look)
{
    json_t *environment = NULL, *basis = NULL, *settings = NULL;
    json_t *tag = json_pack("{s:s, s:s}", "version", version, "sha256", "");
    struct recipe *recipe = NULL;
    char recipes[600], *text;
    snprintf(recipes, sizeof recipes, "%s/recipes", w->home);
    MUST(recipe_load(recipes, "compose", &recipe, &fixture_err));
    MUST(environment_by_id(w->f.shared, ENV_ID, &environment, &fixture_err));
    MUST(basis_of_deploy(w->f.shared, &(struct basis_inputs){recipe, environment, tag}, &basis,
                         &settings, &fixture_err));
    MUST(plan_add_images(w->f.shared, &(struct plan_choice){ENV_ID, look, settings}, basis,
                         &fixture_err));
    text = json_dumps(basis, JSON_COMPACT);
    recipe_free(recipe);
    json_decref(environment);
    json_decref(settings);
    json_decref(basis);
    json_decref(tag);
    return text;
}

/* Press Deploy with that basis; `twist` is SQL that runs before the job begins. */
static const char *deploy_with(struct world *w, const char *version, const char *basis,
                               const char *twist)
{
    static char id[CRYPTO_ID_SIZE];
    char release[CRYPTO_ID_SIZE], auth[1200];
    crypto_new_id(id);
    crypto_new_id(release);
    command_line_auth(w, id, "deploy", auth, sizeof auth);
    w->jobs++;
    w->releases++;
    sqlf(w,
         "BEGIN; INSERT INTO release (id, environment_id, number, recipe, recipe_sha256, settings, "
         "hosts, version, secret_set, created_at, created_by, job_id) VALUES ('%s', '" ENV_ID
         "', %d, 'compose', 'x', '{}', '[]', '%s', 1, 1, 'u', '%s');"
         "INSERT INTO job (id, serial, environment_id, number, kind, lock_class, params, "
         "confirmed, release_id, idem, auth, requested_by, nonce, created_at) VALUES ('%s', %d, "
         "'" ENV_ID "', %d, 'deploy', 'exclusive', '{}', '%s', '%s', '%s', x'%s', 'u', 'nonce-%s', "
         "%lld); %s; COMMIT",
         release, w->releases, version, id, id, w->jobs, w->jobs, basis, release, id, auth, id,
         (long long)clock_now_ms(), twist);
    world_poke(w);
    return id;
}

static const char *summary_of(struct world *w, const char *job)
{
    return ask_sql(w, "SELECT summary FROM job WHERE id = '%s'", job);
}

static void a_look_asks_every_server_and_keeps_what_it_heard(void)
{
    struct world w;
    a_stack(&w, 2, LOOK);
    world_worker(&w, "");
    const char *look = ask_look(&w, "1.0", "");
    CHECK(wait_verdict(&w, look, "ok"));
    CHECK_STR(ask_sql(&w, "SELECT group_concat(name || ' ' || state, ', ') FROM job_step WHERE "
                          "host = 1"),
              "connect ok, look ok");
    CHECK_STR(ask_sql(&w, "SELECT count(*) || ' ' || count(ended_at) FROM job_step WHERE name = "
                          "'look' AND json_extract(results, '$.planned_1') LIKE 'web%%'"),
              "2 2");
    CHECK_STR(
        ask_sql(&w, "SELECT verb || ' ' || result FROM audit_event ORDER BY seq DESC LIMIT 1"),
        "plan.ok ok");
    CHECK_STR(ask_sql(&w, "SELECT count(*) FROM release"), "0");
    CHECK_STR(ask_sql(&w, "SELECT count(*) FROM job_step WHERE results LIKE '%%canary%%'"), "0");
    world_end(&w);
}

static void a_server_that_fails_does_not_keep_the_others_from_being_asked(void)
{
    struct world w;
    a_stack(&w, 3, LOOK);
    world_worker(&w, "fail:1");
    const char *look = ask_look(&w, "1.0", "");
    CHECK(wait_verdict(&w, look, "failed"));
    CHECK_STR(ask_sql(&w, "SELECT group_concat(verdict, ' ') FROM job_host"),
              "failed failed failed");
    CHECK(strstr(summary_of(&w, look), "serve the new release") == NULL);
    world_end(&w);
}

static void it_waits_for_no_job_and_no_job_for_it(void)
{
    struct world w;
    a_stack(&w, 1, LOOK);
    sqlf(&w,
         "INSERT INTO job (id, serial, environment_id, number, kind, lock_class, state, params, "
         "idem, auth, requested_by, nonce, created_at, owner, epoch, lease_until) VALUES ('" NOBODY
         "', 90, '" ENV_ID
         "', 90, 'deploy', 'exclusive', 'running', '{}', 'i', x'00', 'u', 'n', 1, "
         "'another', 1, 9000000000000)");
    world_worker(&w, "");
    CHECK(wait_verdict(&w, ask_look(&w, "1.0", ""), "ok"));
    const char *look = ask_look(&w, "1.0",
                                "UPDATE job SET lock_class = 'shared' WHERE kind = 'plan' "
                                "AND state = 'queued'");
    sqlf(&w, "UPDATE job SET state = 'ended', verdict = 'failed' WHERE id = '" NOBODY "'");
    world_poke(&w);
    CHECK(wait_verdict(&w, look, "failed"));
    CHECK(strstr(summary_of(&w, look), "its class is none") != NULL);
    world_end(&w);
}

static void the_planned_digest_is_what_runs(void)
{
    struct world w;
    a_stack(&w, 1, LOOK);
    world_worker(&w, "");
    const char *look = ask_look(&w, "1.0", "");
    CHECK(wait_verdict(&w, look, "ok"));
    char *basis = basis_with(&w, "1.0", look);
    CHECK(strstr(basis, "\"images\":{\"web\":\"" IMAGE "@sha256:" HEX_A "\"}") != NULL);
    unlink(w.target);
    CHECK(wait_verdict(&w, deploy_with(&w, "1.0", basis, ""), "live"));
    CHECK(count_lines(w.events, "pins web\t" IMAGE "@sha256:" HEX_A) > 0);
    free(basis);
    world_end(&w);
}

static void without_a_look_a_tag_is_what_it_is_at_the_pull(void)
{
    struct world w;
    a_stack(&w, 1, LOOK);
    world_worker(&w, "");
    char *basis = basis_with(&w, "1.0", NOBODY);
    CHECK(strstr(basis, "images") == NULL);
    CHECK(wait_verdict(&w, deploy_with(&w, "1.0", basis, ""), "live"));
    CHECK(count_lines(w.events, "pins web\t" IMAGE "@sha256:" HEX_A) == 0);
    free(basis);
    world_end(&w);
}

static void what_changed_after_the_look_is_refused_by_name(void)
{
    static const struct {
        const char *twist, *says;
    } cases[] = {
        {"UPDATE job_step SET results = json_set(results, '$.planned_1', replace(json_extract("
         "results, '$.planned_1'), '" HEX_A "', '" HEX_B "')) WHERE name = 'look'",
         "digests as they were planned changed"},
        {"UPDATE job SET params = '{}' WHERE kind = 'plan'; INSERT INTO secret_set VALUES ('" ENV_ID
         "', 2, '', 1, 'u', '')",
         "the secret set is now s2, not s1"},
        {"UPDATE environment SET settings = json_set(settings, '$.soak_s', '11')",
         "the environment's settings changed"},
        {"UPDATE job SET environment_id = NULL WHERE kind = 'plan'",
         "digests as they were planned changed; the look at the servers changed"},
    };
    struct world w;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        a_stack(&w, 1, LOOK);
        world_worker(&w, "");
        const char *look = ask_look(&w, "1.0", "");
        CHECK(wait_verdict(&w, look, "ok"));
        char *basis = basis_with(&w, "1.0", look);
        const char *job = deploy_with(&w, "1.0", basis, cases[i].twist);
        CHECK(wait_verdict(&w, job, "failed"));
        if (strstr(summary_of(&w, job), cases[i].says) == NULL)
            printf("# %s\n", summary_of(&w, job));
        CHECK(strstr(summary_of(&w, job), cases[i].says) != NULL);
        free(basis);
        world_end(&w);
    }
}

/* --- which digests may be run
 * ---------------------------------------------------------------------
 */

static json_t *host_that_says(const char *state, const char *image, const char *hex)
{
    return json_pack("{s:s, s:{s:o}}", "state", state, "results", "planned_1",
                     json_sprintf("web\t%s:1.0\t%s@sha256:%s\t1\tno\t\t0\t0\t", image, image, hex));
}

static const char *agreed(json_t *one, json_t *two)
{
    static char digest[200];
    json_t *hosts = json_pack("[o, o]", one, two), *images;
    json_t *services = json_pack("[{s:s, s:s}]", "name", "web", "reference", IMAGE ":1.0");
    images = plan_images(hosts, services);
    snprintf(digest, sizeof digest, "%s",
             json_object_size(images) == 0 ? "none"
                                           : json_string_value(json_object_get(images, "web")));
    json_decref(hosts);
    json_decref(services);
    json_decref(images);
    return digest;
}

static void only_what_all_that_answered_agree_on(void)
{
    CHECK_STR(agreed(host_that_says("ok", IMAGE, HEX_A), host_that_says("ok", IMAGE, HEX_A)),
              IMAGE "@sha256:" HEX_A);
    CHECK_STR(agreed(host_that_says("ok", IMAGE, HEX_A), host_that_says("failed", IMAGE, HEX_B)),
              IMAGE "@sha256:" HEX_A);
    CHECK_STR(agreed(host_that_says("ok", IMAGE, HEX_A), host_that_says("ok", IMAGE, HEX_B)),
              "none");
    CHECK_STR(agreed(host_that_says("ok", IMAGE, HEX_A), host_that_says("ok", "evil/web", HEX_A)),
              "none");
    CHECK_STR(
        agreed(host_that_says("ok", "evil/web", HEX_A), host_that_says("ok", "evil/web", HEX_A)),
        "none");
}

static void a_digest_belongs_to_the_name_that_was_asked_for(void)
{
    static const struct {
        const char *digest, *reference;
        bool is;
    } cases[] = {
        {"nginx@sha256:" HEX_A, "nginx:1.27", true},
        {"nginx@sha256:" HEX_A, "docker.io/library/nginx", true},
        {"reg.example:5000/a/b@sha256:" HEX_A, "reg.example:5000/a/b:x", true},
        {"reg.example:5000/a/b@sha256:" HEX_A, "reg.example:5000/a/b@sha256:" HEX_B, true},
        {"reg.example:5000/a/b:x@sha256:" HEX_A, "reg.example:5000/a/b:x", false},
        {"reg.example/a@sha256:" HEX_A, "reg.example:5000/a:x", false},
        {"nginx@sha256:aa", "nginx", false},
        {"nginx@sha256:" HEX_A "\tx", "nginx", false},
        {"sha256:" HEX_A, "nginx", false},
        {"", "nginx", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK(images_is_digest_of(cases[i].digest, cases[i].reference) == cases[i].is);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "-x") == 0)
        return fake_runner();
    TAP_RUN(a_look_asks_every_server_and_keeps_what_it_heard);
    TAP_RUN(a_server_that_fails_does_not_keep_the_others_from_being_asked);
    TAP_RUN(it_waits_for_no_job_and_no_job_for_it);
    TAP_RUN(the_planned_digest_is_what_runs);
    TAP_RUN(without_a_look_a_tag_is_what_it_is_at_the_pull);
    TAP_RUN(what_changed_after_the_look_is_refused_by_name);
    TAP_RUN(only_what_all_that_answered_agree_on);
    TAP_RUN(a_digest_belongs_to_the_name_that_was_asked_for);
    return tap_done();
}

/* pages_plan.c - what the servers say, on the page that asks to confirm a deploy: asked with one
 * button, shown while it is of this very plan, part of what is confirmed, and not known where
 * nobody was asked. */
#include "tests/web/lib/pages_world.h"

#include "db/plans.h"

#define DEPLOY "/apps/hello/stack/deploy?version=1.2"
#define ASK    "/apps/hello/stack/plan"
#define HEX_A  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define APP    "registry.example/app"
#define DB     "postgres"
#define FILE_1                                                                                     \
    "services:\n  app:\n    image: " APP ":${TAG}\n    environment:\n      K: ${KEY:-x}\n"         \
    "  db:\n    image: " DB ":16\n"

static struct stage s;
static char stack_id[CRYPTO_ID_SIZE];

static json_t *settings_with(const char *compose)
{
    struct recipe *recipe = NULL;
    json_t *settings = NULL, *checked = NULL;
    WORLD_MUST(recipe_load(s.w.site.recipes_dir, "compose", &recipe, &world_err));
    WORLD_MUST(recipe_defaults(recipe, "hello", "stack", &settings, &world_err));
    json_object_set_new(settings, "compose", json_string(compose));
    WORLD_MUST(recipe_check_settings(recipe, settings, &checked, &world_err));
    json_decref(settings);
    recipe_free(recipe);
    return checked;
}

static void make_stack(void)
{
    struct environment_new env = {
        .app_id = s.app_id, .slug = "stack", .tier = "staging", .recipe = "compose"};
    json_t *settings = settings_with(FILE_1), *ids = json_pack("[s]", s.server_id);
    env.settings = settings;
    env.server_ids = ids;
    WORLD_MUST(environment_create(s.w.db, &s.actor, &env, stack_id, &world_err));
    json_decref(settings);
    json_decref(ids);
}

static void change_stack(const char *compose)
{
    json_t *environment = NULL, *settings = settings_with(compose), *ids;
    int changed = 0;
    WORLD_MUST(environment_by_slugs(s.w.db, "hello", "stack", &environment, &world_err));
    ids = json_pack("[s]", s.server_id);
    struct environment_change change = {
        .environment = environment, .tier = "staging", .settings = settings, .server_ids = ids};
    WORLD_MUST(environment_change(s.w.db, &s.actor, &change, &changed, &world_err));
    json_decref(environment);
    json_decref(settings);
    json_decref(ids);
}

/* The basis as the worker would make it for the look. */
static json_t *basis_now(const char *version)
{
    json_t *environment = NULL, *basis = NULL;
    json_t *tag = json_pack("{s:s, s:s}", "version", version, "sha256", "");
    struct recipe *recipe = NULL;
    WORLD_MUST(recipe_load(s.w.site.recipes_dir, "compose", &recipe, &world_err));
    WORLD_MUST(environment_by_slugs(s.w.db, "hello", "stack", &environment, &world_err));
    WORLD_MUST(basis_of_deploy(s.w.db, &(struct basis_inputs){recipe, environment, tag}, &basis,
                               NULL, &world_err));
    recipe_free(recipe);
    json_decref(environment);
    json_decref(tag);
    return basis;
}

/* The worker takes the look that was asked for, and makes its plan. */
static void take_look(struct job_hold *hold)
{
    bool found = false;
    json_t *basis = basis_now("1.2"), *plan = json_pack("{s:O}", "basis", basis);
    json_t *hosts = json_pack("[{s:s, s:s}]", "server_id", s.server_id, "name", "web-1");
    json_t *steps = json_pack("[{s:i, s:s, s:s, s:s, s:s}]", "step", 0, "name", "look", "title",
                              "Look", "phase", "forward", "state", "pending");
    struct job_intent intent = {.now = clock_now_ms()};
    WORLD_MUST(job_claim(s.w.worker, "test", clock_now_ms(), hold, &found, &world_err));
    WORLD_MUST(!found);
    WORLD_MUST(job_set_plan(s.w.worker, hold, plan, hosts, steps, &world_err));
    WORLD_MUST(job_host_begin(s.w.worker, hold, 0, 1, &world_err));
    WORLD_MUST(job_step_intent(s.w.worker, hold, &intent, &world_err));
    json_decref(basis);
    json_decref(plan);
    json_decref(hosts);
    json_decref(steps);
}

/* How it ends: what web-1 said, or why it said nothing. results: stolen. */
static void end_look(const struct job_hold *hold, json_t *results, const char *cause)
{
    bool is_good = cause[0] == '\0';
    struct job_outcome done = {.state = is_good ? "ok" : "failed",
                               .cause = cause,
                               .results = results,
                               .now = clock_now_ms()};
    const char *verdict = is_good ? "ok" : "failed";
    WORLD_MUST(job_step_outcome(s.w.worker, hold, &done, &world_err));
    WORLD_MUST(job_host_end(s.w.worker, hold, 0, verdict, "", &world_err));
    WORLD_MUST(db_begin(s.w.worker, &world_err));
    WORLD_MUST(job_end(s.w.worker, hold, verdict, "web-1.", clock_now_ms(), &world_err));
    WORLD_MUST(db_commit(s.w.worker, &world_err));
    json_decref(results);
}

static json_t *results_of(const char *app_digest, const char *runs)
{
    return json_pack(
        "{s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "planned_1",
        json_sprintf("app\t" APP ":1.2\t%s\t48200000\tno\t%s\t1\t1\t%s", app_digest, runs,
                     app_digest[0] == '\0' ? "it is not in the registry registry.example" : ""),
        "planned_2", "db\t" DB ":16\t" DB "@sha256:" HEX_B "\t0\tyes\t\t0\t0\t", "gone_1",
        "old\tstack-old-1", "file_1", "docker-compose.yml\tnone", "disk_1",
        "images\t/var/lib/docker\t1000\t47071", "disk_2", "files\t/home/x/apps\t9000000\t1024",
        "live", "", "looked", "1");
}

static void a_look(const char *app_digest)
{
    struct job_hold hold;
    CHECK_INT(stage_post(&s, ASK, "version=1.2"), 303);
    take_look(&hold);
    end_look(&hold, results_of(app_digest, APP "@sha256:" HEX_B), "");
}

static int64_t looks_count(void)
{
    json_t *looks = NULL;
    WORLD_MUST(plan_newest(s.w.db, stack_id, &looks, &world_err));
    int64_t count = (int64_t)json_array_size(looks);
    json_decref(looks);
    return count;
}

static void without_a_look_it_is_not_known_and_the_button_is_there(void)
{
    json_t *answer = stage_json(&s, DEPLOY, 200);
    CHECK_STR(stage_text(answer, "plan.look.is_seen"), "false");
    CHECK_STR(stage_text(answer, "plan.look.is_auto"), "true");
    CHECK_STR(stage_text(answer, "plan.look.planned"), "");
    json_decref(answer);
    CHECK_INT(world_get(&s.w, DEPLOY), 200);
    CHECK(stage_shows(&s, "<strong>not known</strong>"));
    CHECK(stage_shows(&s, "form=\"ask-look\">Look at the servers<"));
    CHECK(stage_shows(&s, "data-look=\"ask\""));
}

static void the_button_adds_one_job_that_takes_no_lock(void)
{
    json_t *looks = NULL, *answer;
    struct job_hold hold;
    CHECK_INT(stage_post(&s, ASK, "version=1.2"), 303);
    CHECK(strstr(fake_header(&s.w.f, "Location"), DEPLOY) != NULL);
    CHECK_STR(stage_last_verb(&s), "plan.request");
    CHECK_INT(stage_post(&s, ASK, "version=1.2"), 303); /* a second click */
    CHECK_INT(looks_count(), 1);
    WORLD_MUST(plan_newest(s.w.db, stack_id, &looks, &world_err));
    CHECK_STR(stage_text(looks, "0.params.version"), "1.2");
    json_decref(looks);
    CHECK_INT(world_get(&s.w, DEPLOY), 200);
    CHECK(stage_shows(&s, "are being asked"));
    CHECK(stage_shows(&s, "data-look=\"running\""));
    CHECK(stage_shows(&s, "Deploy 1.2 to stack")); /* nobody has to wait */
    take_look(&hold);
    CHECK_INT(world_get(&s.w, DEPLOY), 200);
    CHECK(stage_shows(&s, "Being asked"));
    answer = stage_json(&s, DEPLOY, 200);
    CHECK(json_is_null(json_object_get(json_object_get(answer, "environment"), "running")));
    json_decref(answer);
    end_look(&hold, NULL, "web-1 does not answer on port 22. Fix: see whether it runs.");
    CHECK_INT(world_get(&s.w, DEPLOY), 200);
    CHECK(stage_shows(&s, "Not known: web-1 does not answer on port 22."));
    CHECK_STR(stage_hidden(&s, "planned"), "");
    CHECK(!stage_shows(&s, "data-look=\"ask\"")); /* it was tried a moment ago */
}

static void what_was_seen_is_shown_for_each_service_and_server(void)
{
    json_t *answer;
    a_look(APP "@sha256:" HEX_A);
    answer = stage_json(&s, DEPLOY, 200);
    CHECK_STR(stage_text(answer, "plan.look.images.0.after"), "sha256:aaaaaaaaaaaa…");
    CHECK_STR(stage_text(answer, "plan.look.images.0.before"), "sha256:bbbbbbbbbbbb…");
    CHECK_STR(stage_text(answer, "plan.look.images.0.size_text"), "48 MB at most to pull");
    CHECK_STR(stage_text(answer, "plan.look.images.1.size_text"), "on the server already");
    CHECK_STR(stage_text(answer, "plan.look.hosts.0.containers.0.why"), "its image is another one");
    CHECK_STR(stage_text(answer, "plan.look.hosts.0.containers.1.status.text"), "Made");
    CHECK_STR(stage_text(answer, "plan.look.hosts.0.containers.2.service"), "stack-old-1");
    CHECK_STR(stage_text(answer, "plan.look.hosts.0.containers.2.status.text"), "Removed");
    CHECK_STR(stage_text(answer, "plan.look.hosts.0.disks.0.is_short"), "true");
    CHECK_STR(stage_text(answer, "plan.look.hosts.0.disks.1.is_short"), "false");
    json_decref(answer);
    CHECK_INT(world_get(&s.w, DEPLOY), 200);
    CHECK(stage_shows(&s, "Too little room for images"));
    CHECK(stage_shows(&s, "Look at the servers again"));
    CHECK(strlen(stage_hidden(&s, "planned")) == CRYPTO_ID_SIZE - 1);
}

static const char *job_of_answer(void)
{
    static char id[CRYPTO_ID_SIZE];
    const char *at = strstr(fake_header(&s.w.f, "Location"), "/jobs/");
    snprintf(id, sizeof id, "%.26s", at == NULL ? "" : at + strlen("/jobs/"));
    return id;
}

/* The deploy that was asked for leaves the queue, so that the next claim is a look's. */
static void drop_deploy(void)
{
    struct job_hold hold;
    bool found = false;
    WORLD_MUST(job_claim(s.w.worker, "test", clock_now_ms(), &hold, &found, &world_err));
    WORLD_MUST(!found);
    WORLD_MUST(db_begin(s.w.worker, &world_err));
    WORLD_MUST(job_end(s.w.worker, &hold, "failed", "Dropped.", clock_now_ms(), &world_err));
    WORLD_MUST(db_commit(s.w.worker, &world_err));
}

static void the_digests_that_were_shown_are_what_is_confirmed(void)
{
    char plan[8192], planned[40], idem[80];
    json_t *job = NULL;
    a_look(APP "@sha256:" HEX_A);
    CHECK_INT(world_get(&s.w, DEPLOY), 200);
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    snprintf(planned, sizeof planned, "%s", stage_hidden(&s, "planned"));
    snprintf(idem, sizeof idem, "%s", stage_hidden(&s, "idem"));
    a_look(APP "@sha256:" HEX_B); /* a later one, which this person did not see */
    CHECK_INT(stage_post(&s, "/apps/hello/stack/deploy",
                         "version=1.2&plan_hash=%s&planned=%s&idem=%s&why=", plan, planned, idem),
              303);
    WORLD_MUST(job_read(s.w.db, job_of_answer(), &job, &world_err));
    CHECK_STR(json_string_value(json_object_get(
                  json_object_get(json_object_get(job, "confirmed"), "images"), "app")),
              APP "@sha256:" HEX_A);
    CHECK_STR(stage_text(job, "confirmed.planned"), planned);
    json_decref(job);
    drop_deploy();
}

static void digests_that_the_form_does_not_name_are_not_confirmed(void)
{
    char plan[8192];
    a_look(APP "@sha256:" HEX_A);
    CHECK_INT(world_get(&s.w, DEPLOY), 200);
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    CHECK_INT(
        stage_post(&s, "/apps/hello/stack/deploy", "version=1.2&plan_hash=%s&planned=&why=", plan),
        409);
    CHECK(stage_shows(&s, "digests as they were planned changed"));
}

static void a_look_of_another_plan_is_not_shown(void)
{
    a_look(APP "@sha256:" HEX_A);
    change_stack(FILE_1 "    restart: always\n");
    CHECK_INT(world_get(&s.w, DEPLOY), 200);
    CHECK(!stage_shows(&s, "sha256:aaaa"));
    CHECK_STR(stage_hidden(&s, "planned"), "");
    CHECK(stage_shows(&s, "data-look=\"ask\"")); /* another is asked for at once */
    change_stack(FILE_1);
    CHECK_INT(world_get(&s.w, DEPLOY), 200);
    CHECK(stage_shows(&s, "sha256:aaaa"));
    CHECK_INT(world_get(&s.w, "/apps/hello/stack/deploy?version=1.3"), 200);
    CHECK(!stage_shows(&s, "sha256:aaaa"));
}

static void a_look_does_not_hide_how_the_last_deploy_went(void)
{
    json_t *card = NULL;
    a_look(APP "@sha256:" HEX_A);
    WORLD_MUST(environment_card(s.w.db, "hello", "stack", &card, &world_err));
    CHECK_STR(stage_text(card, "last_kind"), "deploy");
    CHECK_STR(stage_text(card, "last_verdict"), "failed");
    json_decref(card);
}

static void what_the_registry_did_not_say_is_not_known_with_its_reason(void)
{
    a_look("");
    json_t *answer = stage_json(&s, DEPLOY, 200);
    CHECK_STR(stage_text(answer, "plan.look.images.0.is_known"), "false");
    CHECK_STR(stage_text(answer, "plan.look.images.0.note"),
              "it is not in the registry registry.example");
    CHECK_STR(stage_text(answer, "plan.look.hosts.0.containers.0.status.text"), "Not known");
    json_decref(answer);
}

static void what_is_asked_for_must_be_something(void)
{
    CHECK_INT(stage_post(&s, ASK, "version=a+b"), 422);
    CHECK_INT(stage_post(&s, ASK, "release=nonsense&parts=code"), 422);
    CHECK_INT(stage_post(&s, ASK, "release=%s&parts=all", stack_id), 422);
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    make_stack();
    world_sign_in(&s.w, ROLE_ADMIN);
    TAP_RUN(without_a_look_it_is_not_known_and_the_button_is_there);
    TAP_RUN(the_button_adds_one_job_that_takes_no_lock);
    TAP_RUN(what_was_seen_is_shown_for_each_service_and_server);
    TAP_RUN(the_digests_that_were_shown_are_what_is_confirmed);
    TAP_RUN(digests_that_the_form_does_not_name_are_not_confirmed);
    TAP_RUN(a_look_of_another_plan_is_not_shown);
    TAP_RUN(a_look_does_not_hide_how_the_last_deploy_went);
    TAP_RUN(what_the_registry_did_not_say_is_not_known_with_its_reason);
    TAP_RUN(what_is_asked_for_must_be_something);
    stage_close(&s);
    return tap_done();
}

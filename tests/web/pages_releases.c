/* pages_releases.c - the list of releases, one of them, any two side by side, and going back: what
 * is said is what was seen, what was confirmed is what is asked for, and automatic deploys pause.
 */
#include "tests/web/lib/secrets_world.h"

#include "db/pauses.h"

#define RELEASES "/apps/hello/staging/releases"
#define DEPLOY   "/apps/hello/staging/deploy"
#define DIGEST_A "registry.example/web@sha256:" SHA_A

static struct stage s;
static char first_id[CRYPTO_ID_SIZE];

static const struct stored FIRST[] = {
    {.key = "PASSWORD", .kind = "secret", .value = "old-one"},
    {.key = "GREETING", .kind = "plain", .value = CANARY},
};
static const struct stored SECOND[] = {
    {.key = "PASSWORD", .kind = "secret", .value = "another"},
    {.key = "FRESH", .kind = "plain", .value = CANARY},
};

static void change_setting(const char *key, const char *value)
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
    json_decref(environment);
    json_decref(settings);
    json_decref(ids);
}

static void sql(const char *text)
{
    char command[1000];
    snprintf(command, sizeof command, "sqlite3 %s/db/windlass.db \"%s\"", s.w.var, text);
    CHECK_INT(system(command), 0);
}

#define MIGRATED                                                                                   \
    "INSERT INTO job_step (job_id, host, step, name, title, state, started_at) SELECT id, 0, 9, "  \
    "'migrate', 'Migrate', 'ok', 1 FROM job ORDER BY serial DESC LIMIT 1"

/* A deploy with an image, from the button to its end; `meanwhile` is SQL. */
static void run_release(const char *verdict, const char *digest, const char *meanwhile,
                        char release[CRYPTO_ID_SIZE])
{
    struct job_hold hold;
    char job[CRYPTO_ID_SIZE];
    json_t *images =
        json_pack("{s:{s:s, s:s}}", "web", "image", "registry.example/web:1", "digest", digest);
    stage_deploy(&s, job);
    stage_release_of(&s, job, release);
    stage_begin(&s, s.server_id, &hold);
    WORLD_MUST(db_begin(s.w.worker, &world_err));
    WORLD_MUST(release_set_images(s.w.worker, release, images, &world_err));
    WORLD_MUST(db_commit(s.w.worker, &world_err));
    sql(meanwhile);
    stage_end(&s, &hold, release, verdict);
    json_decref(images);
}

/* v1 with 1.0.0, s1 and its settings; v2 with 1.1.0, s2 and another health path; v3 failed. */
static void furnish(void)
{
    struct app_new app = {.slug = "hello", .name = "Hello", .note = ""};
    char other[CRYPTO_ID_SIZE];
    world_sign_in(&s.w, ROLE_ADMIN);
    s.actor = (struct actor){"user", s.w.user_id, "Ann Weaver", "192.0.2.7", "test", NULL};
    WORLD_MUST(app_create(s.w.db, &s.actor, &app, s.app_id, &world_err));
    stage_server(&s, "web-1", s.server_id, true);
    stage_environment(&s, "staging", s.server_id, s.env_id);
    stage_environment(&s, "bare", s.server_id, s.bare_env_id);
    stage_artefact(&s, "1.0.0", SHA_A, s.artefact_id);
    store_secrets(&s.w, s.env_id, FIRST, COUNT_OF(FIRST));
    run_release("live", DIGEST_A, "", first_id);
    stage_artefact(&s, "1.1.0", SHA_B, s.artefact_id);
    store_secrets(&s.w, s.env_id, SECOND, COUNT_OF(SECOND));
    change_setting("health_path", "/healthy");
    run_release("live", "registry.example/web@sha256:" SHA_B, MIGRATED, other);
    run_release("failed", "registry.example/web@sha256:" SHA_B, "", other);
}

static void as(enum role role, char own[CRYPTO_TOKEN_TEXT])
{
    memcpy(own, s.w.token, sizeof s.w.token);
    world_sign_in(&s.w, role);
}

static void the_list_says_what_changed_and_what_is_live(void)
{
    json_t *data = stage_json(&s, RELEASES, 200);
    CHECK_STR(stage_text(data, "releases.2.label"), "v1");
    CHECK_STR(stage_text(data, "releases.2.changes"), "The first release");
    CHECK_STR(stage_text(data, "releases.1.changes"),
              "version 1.0.0 → 1.1.0; 1 setting; secrets +1 ~1 −1");
    CHECK_STR(stage_text(data, "releases.1.is_live"), "true");
    CHECK_STR(stage_text(data, "releases.0.changes"), "Nothing: the same again");
    CHECK_STR(stage_text(data, "releases.0.was_live"), "false");
    CHECK_STR(stage_text(data, "releases.0.rollback_href"), "");
    CHECK_STR(stage_text(data, "releases.0.ready.text"),
              "v3 was never live, so there is nothing to go back to.");
    CHECK_STR(stage_text(data, "releases.1.rollback_href"), ""); /* it is live */
    CHECK_STR(stage_text(data, "releases.2.rollback_href"), RELEASES "/1/rollback");
    json_decref(data);
    CHECK_INT(world_get(&s.w, RELEASES), 200);
    CHECK(!stage_shows(&s, CANARY));
    CHECK(stage_shows(&s, "Roll back…<span class=\"vh\"> to v1</span>"));
}

static const char *check_of(const json_t *data, const char *name, const char *what)
{
    const json_t *check;
    size_t i;
    json_array_foreach(
        json_object_get(json_object_get(json_object_get(data, "release"), "ready"), "checks"), i,
        check) if (strcmp(stage_text(check, "name"), name) == 0) return stage_text(check, what);
    return "";
}

static void what_nobody_saw_is_not_known_and_what_was_seen_has_its_age(void)
{
    struct release_kept look = {.environment_id = s.env_id, .server_id = s.server_id};
    char job[CRYPTO_ID_SIZE];
    json_t *data = stage_json(&s, RELEASES "/1", 200);
    CHECK_STR(check_of(data, "Images", "status.state"), "unknown");
    CHECK_STR(check_of(data, "Secrets", "status.state"), "unknown");
    CHECK_STR(check_of(data, "Artefact", "status.state"), "ok");
    CHECK_STR(stage_text(data, "release.ready.can"), "true");
    snprintf(job, sizeof job, "%s", strrchr(stage_text(data, "release.job_href"), '/') + 1);
    json_decref(data);

    look.job_id = job;
    look.now = clock_now_ms();
    json_t *kept = json_pack("[s]", first_id), *none = json_array();
    WORLD_MUST(db_begin(s.w.worker, &world_err));
    look.kept = none;
    WORLD_MUST(release_set_kept(s.w.worker, &look, &world_err));
    WORLD_MUST(release_set_look(s.w.worker, s.env_id, 1, true, clock_now_ms(), &world_err));
    WORLD_MUST(db_commit(s.w.worker, &world_err));
    data = stage_json(&s, RELEASES "/1", 200);
    CHECK_STR(check_of(data, "Images", "text"), "web-1: must be pulled by digest, seen just now");
    CHECK_STR(check_of(data, "Secrets", "text"), "Every value of s1 opens, seen just now.");
    json_decref(data);

    WORLD_MUST(db_begin(s.w.worker, &world_err));
    look.kept = kept;
    WORLD_MUST(release_set_kept(s.w.worker, &look, &world_err));
    WORLD_MUST(db_commit(s.w.worker, &world_err));
    data = stage_json(&s, RELEASES "/1", 200);
    CHECK_STR(check_of(data, "Images", "text"), "web-1: all there, seen just now");
    json_decref(data);
    json_decref(kept);
    json_decref(none);
}

static void what_makes_it_impossible_is_said_in_words(void)
{
    json_t *data;
    WORLD_MUST(release_set_look(s.w.worker, s.env_id, 1, false, clock_now_ms(), &world_err));
    data = stage_json(&s, RELEASES, 200);
    CHECK_STR(stage_text(data, "releases.2.ready.can"), "false");
    CHECK_STR(stage_text(data, "releases.2.ready.text"),
              "A value of s1 cannot be opened any more, seen just now.");
    CHECK_STR(stage_text(data, "releases.2.ready.status.text"), "Not all of it");
    CHECK_STR(stage_text(data, "releases.2.rollback_href"), RELEASES "/1/rollback");
    json_decref(data);
    data = stage_json(&s, RELEASES "/1/rollback", 200); /* without them it may be */
    CHECK_STR(stage_text(data, "parts.0.is_chosen"), "true");
    CHECK_STR(stage_text(data, "parts.2.is_chosen"), "false");
    json_decref(data);
    WORLD_MUST(release_set_look(s.w.worker, s.env_id, 1, true, clock_now_ms(), &world_err));
    sql("UPDATE artefact SET removed_at = 1 WHERE version = '1.0.0'");
    data = stage_json(&s, RELEASES, 200);
    CHECK_STR(stage_text(data, "releases.2.ready.text"),
              "The artefact of version 1.0.0 was removed from the dashboard.");
    json_decref(data);
    CHECK_INT(world_get(&s.w, RELEASES "/1/rollback"), 200); /* the other parts are possible */
    CHECK(stage_shows(&s, "name=\"part.code\" value=\"1\" disabled"));
    CHECK(stage_shows(&s, "It cannot come back. The artefact of v1 (version 1.0.0) was removed"));
    CHECK(stage_hidden(&s, "plan.6")[0] != '\0');
    CHECK_STR(stage_hidden(&s, "plan.7"), "");
    CHECK_INT(stage_post(&s, RELEASES "/1/rollback", "part.code=1&plan.1=x&why="), 422);
    sql("UPDATE artefact SET removed_at = NULL");
}

static void two_releases_side_by_side_show_keys_and_never_a_value(void)
{
    json_t *data = stage_json(&s, RELEASES "/compare?a=1&b=2", 200);
    CHECK_STR(stage_text(data, "rows.0.after"), "1.1.0");
    CHECK_STR(stage_text(data, "settings.0.name"), "Health path");
    CHECK_STR(stage_text(data, "settings.0.before"), "/health");
    CHECK_STR(stage_text(data, "settings.0.after"), "/healthy");
    CHECK_STR(stage_text(data, "secrets.0.key"), "FRESH");
    CHECK_STR(stage_text(data, "secrets.0.verb"), "added");
    CHECK_STR(stage_text(data, "secrets.1.key"), "GREETING");
    CHECK_STR(stage_text(data, "secrets.1.verb"), "removed");
    CHECK_STR(stage_text(data, "secrets.2.verb"), "changed");
    CHECK_STR(stage_text(data, "images.0.is_changed"), "true");
    CHECK_STR(stage_text(data, "compose"), "null");
    char *all = json_dumps(data, 0);
    CHECK(all != NULL && strstr(all, CANARY) == NULL);
    free(all);
    json_decref(data);
    data = stage_json(&s, RELEASES "/compare", 200); /* what is live against the one before */
    CHECK_STR(stage_text(data, "before.label"), "v1");
    CHECK_STR(stage_text(data, "after.label"), "v2");
    json_decref(data);
    CHECK_INT(world_get(&s.w, RELEASES "/compare?a=1&b=99"), 404);
    CHECK_INT(world_get(&s.w, "/apps/hello/bare/releases/compare"), 404);
    CHECK_INT(world_get(&s.w, "/apps/hello/bare/releases/1"), 404); /* it is staging's */
    CHECK_INT(world_get(&s.w, "/apps/hello/bare/releases/1/rollback"), 404);
    CHECK_INT(world_get(&s.w, RELEASES "/1x"), 404);
}

static void who_may_not_deploy_sees_no_settings_and_no_button(void)
{
    char own[CRYPTO_TOKEN_TEXT];
    json_t *data = stage_json(&s, RELEASES "/1", 200);
    CHECK_STR(stage_text(data, "inside.settings.0.key"), "deploy_dir");
    CHECK_STR(stage_text(data, "inside.asked_from"), "");
    json_decref(data);
    as(ROLE_VIEWER, own);
    data = stage_json(&s, RELEASES "/1", 200);
    CHECK_STR(stage_text(data, "inside"), "null");
    json_decref(data);
    CHECK_INT(world_get(&s.w, RELEASES), 200);
    CHECK(!stage_shows(&s, "Roll back…<"));
    CHECK_INT(world_get(&s.w, RELEASES "/compare?a=1&b=2"), 403);
    CHECK_INT(world_get(&s.w, RELEASES "/1/rollback"), 403);
    CHECK_INT(stage_post(&s, RELEASES "/1/rollback", "part.code=1"), 403);
    CHECK_INT(stage_post(&s, "/apps/hello/staging/resume", "x=1"), 403);
    memcpy(s.w.token, own, sizeof own);
}

/* --- going back --- */

struct form {
    char idem[80], all[8192], code[8192];
};

static void read_form(struct form *form)
{
    CHECK_INT(world_get(&s.w, RELEASES "/1/rollback"), 200);
    snprintf(form->idem, sizeof form->idem, "%s", stage_hidden(&s, "idem"));
    snprintf(form->all, sizeof form->all, "%s", stage_hidden(&s, "plan.7"));
    snprintf(form->code, sizeof form->code, "%s", stage_hidden(&s, "plan.1"));
    CHECK(strlen(form->all) > 64 && strcmp(form->all, form->code) != 0);
}

static int64_t jobs_of_kind(const char *kind)
{
    struct job_filter filter = {.kind = kind, .limit = 1000};
    json_t *jobs = NULL;
    WORLD_MUST(job_list(s.w.db, &filter, &jobs, &world_err));
    int64_t count = (int64_t)json_array_size(jobs);
    json_decref(jobs);
    return count;
}

static void the_confirm_page_says_what_returns_and_what_stays(void)
{
    json_t *data = stage_json(&s, RELEASES "/1/rollback", 200);
    CHECK_STR(stage_text(data, "can_rollback"), "true");
    CHECK_STR(stage_text(data, "becomes"), "v4");
    CHECK(strstr(stage_text(data, "parts.0.back"), "1.0.0, artefact 9b1e6c0f3a5d") != NULL);
    CHECK_STR(stage_text(data, "parts.1.back"), "1 setting as in v1");
    CHECK_STR(stage_text(data, "parts.2.back"), "s1");
    CHECK_STR(stage_text(data, "parts.2.note"), "FRESH removed, GREETING added, PASSWORD changed");
    CHECK_STR(stage_text(data, "servers"), "web-1");
    CHECK(strstr(json_string_value(json_array_get(json_object_get(data, "warnings"), 0)),
                 "The data was migrated since: v2 ran a migrate command.")
          != NULL);
    json_decref(data);
    CHECK_INT(world_get(&s.w, RELEASES "/1/rollback"), 200);
    CHECK(!stage_shows(&s, CANARY) && !stage_shows(&s, "old-one"));
}

static void a_stale_or_empty_choice_asks_for_nothing(void)
{
    static struct form form;
    json_t *data;
    read_form(&form);
    CHECK_INT(stage_post(&s, RELEASES "/1/rollback", "idem=%s&plan.7=%s&why=typed+words", form.idem,
                         form.all),
              422);
    CHECK(stage_shows(&s, "Choose at least one part"));
    CHECK(stage_shows(&s, "typed words"));
    change_setting("keep", "7");
    CHECK_INT(stage_post(&s, RELEASES "/1/rollback",
                         "idem=%s&plan.1=%s&part.code=1&why=", form.idem, form.code),
              409);
    CHECK(stage_shows(&s, "settings changed"));
    /* What comes back does not rest on them when all of it does. */
    CHECK_INT(stage_post(&s, RELEASES "/1/rollback",
                         "idem=%s&plan.7=%s&part.code=1&part.settings=1&why=", form.idem, form.all),
              409);
    CHECK_INT(stage_post(&s, RELEASES "/3/rollback", "idem=%s&plan.7=%s&part.code=1", form.idem,
                         form.all),
              422);
    CHECK_INT(jobs_of_kind("rollback"), 0);
    data = stage_json(&s, "/apps/hello/staging", 200);
    CHECK_INT(world_get(&s.w, "/apps/hello/staging"), 200);
    CHECK(!stage_shows(&s, "Automatic deploys are paused"));
    json_decref(data);
}

static void the_button_adds_a_release_that_replays_and_pauses_the_rest(void)
{
    static struct form form;
    char job[CRYPTO_ID_SIZE];
    json_t *row = NULL, *data;
    read_form(&form);
    CHECK_INT(stage_post(&s, RELEASES "/1/rollback",
                         "idem=%s&plan.7=%s&part.code=1&part.settings=1&part.secrets=1&why=It+"
                         "lost+sessions",
                         form.idem, form.all),
              303);
    snprintf(job, sizeof job, "%s", strstr(fake_header(&s.w.f, "Location"), "/jobs/") + 6);
    CHECK_STR(stage_last_verb(&s), "rollback.request");
    WORLD_MUST(job_read(s.w.db, job, &row, &world_err));
    CHECK_STR(stage_text(row, "kind"), "rollback");
    CHECK_STR(stage_text(row, "lock_class"), "exclusive");
    CHECK_STR(stage_text(row, "confirmed.replays"), "1");
    CHECK_STR(stage_text(row, "confirmed.parts"), "code settings secrets");
    CHECK_STR(stage_text(row, "confirmed.version"), "1.0.0");
    CHECK_STR(stage_text(row, "confirmed.secret_set"), "1");
    json_decref(row);
    /* Twice is once, and another form's key is nobody's. */
    CHECK_INT(stage_post(&s, RELEASES "/1/rollback", "idem=%s&part.code=1", form.idem), 303);
    CHECK(strstr(fake_header(&s.w.f, "Location"), job) != NULL);
    CHECK_INT(jobs_of_kind("rollback"), 1);
    data = stage_json(&s, RELEASES "/4", 200);
    CHECK_STR(stage_text(data, "release.version"), "1.0.0");
    CHECK_STR(stage_text(data, "release.trigger"), "rollback");
    CHECK_STR(stage_text(data, "release.replays_label"), "v1");
    CHECK_STR(stage_text(data, "release.parts"), "code settings secrets");
    CHECK_STR(stage_text(data, "release.secret_set"), "1");
    CHECK_STR(stage_text(data, "inside.asked_from"), "192.0.2.7");
    json_decref(data);
    CHECK_INT(world_get(&s.w, "/apps/hello/staging"), 200);
    CHECK(stage_shows(&s, "rolled back to v1 (1.0.0): It lost sessions"));
    CHECK(stage_shows(&s, "Resume automatic deploys"));
}

static void a_part_that_is_left_out_is_as_it_is_now(void)
{
    static struct form form;
    char job[CRYPTO_ID_SIZE];
    json_t *row = NULL;
    read_form(&form);
    CHECK_INT(stage_post(&s, RELEASES "/1/rollback", "idem=%s&plan.1=%s&plan.7=%s&part.code=1&why=",
                         form.idem, form.code, form.all),
              303);
    snprintf(job, sizeof job, "%s", strstr(fake_header(&s.w.f, "Location"), "/jobs/") + 6);
    WORLD_MUST(job_read(s.w.db, job, &row, &world_err));
    CHECK_STR(stage_text(row, "confirmed.parts"), "code");
    CHECK_STR(stage_text(row, "confirmed.secret_set"), "2");
    json_decref(row);
}

static void while_paused_a_person_deploys_knowing_it_and_nothing_else_does(void)
{
    char own[CRYPTO_TOKEN_TEXT], plan[8192];
    json_t *environment = NULL;
    struct err err = {0};
    int64_t before = jobs_of_kind("deploy");
    CHECK_INT(world_get(&s.w, DEPLOY "?version=1.1.0"), 200);
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.1.0&plan_hash=%s&why=", plan), 422);
    CHECK(stage_shows(&s, "Confirm that you deploy all the same"));
    CHECK_INT(jobs_of_kind("deploy"), before);
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.1.0&plan_hash=%s&despite_pause=1&why=", plan), 303);
    CHECK_INT(jobs_of_kind("deploy"), before + 1);
    WORLD_MUST(environment_by_id(s.w.worker, s.env_id, &environment, &world_err));
    CHECK(pause_is_on(environment));
    CHECK(pause_refuses(environment, "token", &err) != 0);
    CHECK_INT(err.code, ERR_CONFLICT);
    CHECK(strstr(err.user, "by Ann Weaver: rolled back to v1 (1.0.0)") != NULL);
    CHECK(pause_refuses(environment, "schedule", &err) != 0);
    CHECK(pause_refuses(environment, "", &err) != 0);
    CHECK(pause_refuses(environment, "button", &err) == 0);
    CHECK(pause_refuses(environment, "rollback", &err) == 0);
    json_decref(environment);
    as(ROLE_VIEWER, own);
    CHECK_INT(world_get(&s.w, "/apps/hello/staging"), 200);
    CHECK(stage_shows(&s, "Automatic deploys are paused"));
    CHECK(!stage_shows(&s, "Resume automatic deploys"));
    memcpy(s.w.token, own, sizeof own);
}

static void a_person_lets_them_go_on(void)
{
    char plan[8192];
    CHECK_INT(world_get(&s.w, DEPLOY "?version=1.1.0"), 200);
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    CHECK_INT(stage_post(&s, "/apps/hello/staging/resume", "x=1"), 303);
    CHECK_STR(stage_last_verb(&s), "environment.resume");
    CHECK_INT(world_get(&s.w, "/apps/hello/staging"), 200);
    CHECK(!stage_shows(&s, "Automatic deploys are paused"));
    /* What was confirmed under the pause was confirmed under it. */
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.1.0&plan_hash=%s&why=", plan), 409);
    CHECK(stage_shows(&s, "the pause of automatic deploys changed"));
    CHECK_INT(stage_post(&s, "/apps/hello/staging/resume", "x=1"), 303); /* again: no event */
    CHECK_INT(stage_post(&s, DEPLOY, "version=1.1.0&plan_hash=%s&why=", stage_hidden(&s, "plan")),
              409);
    CHECK_STR(stage_last_verb(&s), "environment.resume");
}

static void settings_that_are_not_live_are_told(void)
{
    CHECK_INT(world_get(&s.w, "/apps/hello/staging"), 200);
    CHECK(stage_shows(&s, "1 change of settings not deployed")); /* keep */
    CHECK(!stage_shows(&s, "Discard"));
}

static void older_ones_are_on_further_pages(void)
{
    json_t *data;
    for (int i = 0; i < 22; i++) {
        char job[CRYPTO_ID_SIZE];
        stage_deploy(&s, job);
    }
    data = stage_json(&s, RELEASES, 200);
    CHECK_INT(json_array_size(json_object_get(data, "releases")), 20);
    char older[200];
    snprintf(older, sizeof older, "%s", stage_text(data, "older_href"));
    CHECK(older[0] != '\0');
    json_decref(data);
    data = stage_json(&s, older, 200);
    CHECK_STR(stage_text(data, "older_href"), "");
    CHECK_STR(stage_text(data, "newest_href"), RELEASES);
    size_t count = json_array_size(json_object_get(data, "releases"));
    CHECK_STR(json_string_value(json_object_get(
                  json_array_get(json_object_get(data, "releases"), count - 1), "label")),
              "v1");
    json_decref(data);
}

/* Of a release that was built from a repository. */
static void the_commit_is_shown_and_compared(void)
{
    static const char COMMIT[] = "5d6e7f80123456789abcdef0123456789abcdef0";
    char job[CRYPTO_ID_SIZE], release[CRYPTO_ID_SIZE], uri[120];
    struct job_hold hold;
    json_t *data;
    long number;
    stage_deploy(&s, job);
    stage_release_of(&s, job, release);
    stage_begin(&s, s.server_id, &hold);
    WORLD_MUST(release_set_commit(s.w.worker, release, COMMIT, &world_err));
    stage_end(&s, &hold, release, "live");
    data = stage_json(&s, RELEASES, 200);
    number = strtol(stage_text(data, "releases.0.number"), NULL, 10);
    json_decref(data);
    snprintf(uri, sizeof uri, RELEASES "/%ld", number);
    data = stage_json(&s, uri, 200);
    CHECK_STR(stage_text(data, "release.git_commit"), COMMIT);
    json_decref(data);
    snprintf(uri, sizeof uri, RELEASES "/compare?a=1&b=%ld", number);
    data = stage_json(&s, uri, 200);
    CHECK_STR(stage_text(data, "rows.2.name"), "Commit");
    CHECK_STR(stage_text(data, "rows.2.before"), "");
    CHECK_STR(stage_text(data, "rows.2.after"), "5d6e7f801234");
    json_decref(data);
}

int main(void)
{
    stage_open(&s);
    furnish();
    TAP_RUN(the_list_says_what_changed_and_what_is_live);
    TAP_RUN(what_nobody_saw_is_not_known_and_what_was_seen_has_its_age);
    TAP_RUN(what_makes_it_impossible_is_said_in_words);
    TAP_RUN(two_releases_side_by_side_show_keys_and_never_a_value);
    TAP_RUN(who_may_not_deploy_sees_no_settings_and_no_button);
    TAP_RUN(the_confirm_page_says_what_returns_and_what_stays);
    TAP_RUN(a_stale_or_empty_choice_asks_for_nothing);
    TAP_RUN(settings_that_are_not_live_are_told);
    TAP_RUN(the_button_adds_a_release_that_replays_and_pauses_the_rest);
    TAP_RUN(a_part_that_is_left_out_is_as_it_is_now);
    TAP_RUN(while_paused_a_person_deploys_knowing_it_and_nothing_else_does);
    TAP_RUN(a_person_lets_them_go_on);
    TAP_RUN(older_ones_are_on_further_pages);
    TAP_RUN(the_commit_is_shown_and_compared);
    stage_close(&s);
    return tap_done();
}

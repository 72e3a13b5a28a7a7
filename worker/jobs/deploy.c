/* Job kind deploy: a release row, made by the web together with the job, becomes what serves.
 *
 * Who may: CAP_DEPLOY on the environment (worker/authorize.h). The plan is refused when the basis a
 * person confirmed is not the basis now. What can go wrong on the way is each step's own; a failure
 * from the switch on runs the recipe's undo steps. The inputs of steps are in deploy_input.c. */
#include <fcntl.h>
#include "db/artefacts.h"
#include "db/basis.h"
#include "db/environments.h"
#include "db/pauses.h"
#include "db/plans.h"
#include "db/releases.h"
#include "db/requirements.h"
#include "lib/base/fs.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/domain/plan.h"
#include "worker/jobs/deploy.h"
#include "worker/jobs/deploy_balancer.h"
#include "worker/jobs/deploy_commit.h"
#include "worker/jobs/deploy_hide.h"
#include "worker/jobs/deploy_images.h"
#include "worker/jobs/deploy_input.h"
#include "worker/jobs/deploy_looks.h"
#include "worker/jobs/gate.h"
#include "worker/jobs/kind.h"

#define PINS_MAX    ((size_t)64 * 1024)
#define LIBRARY_MAX ((size_t)1024 * 1024)

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* --- plan ---------------------------------------------------------------------------------------
 */

/* The release row must be what the confirmed basis says: both were written by the web side. */
static int check_release(const json_t *release, const json_t *basis, struct err *err)
{
    if (!str_equal(text_of(release, "outcome"), "pending"))
        return err_set(err, ERR_CONFLICT,
                       "This release was deployed already. Deploy it again as a "
                       "new release.");
    if (!str_equal(text_of(release, "version"), text_of(basis, "version"))
        || !str_equal(text_of(release, "artefact_sha256"), text_of(basis, "artefact_sha256"))
        || !str_equal(text_of(release, "recipe"), text_of(basis, "recipe"))
        || json_integer_value(json_object_get(release, "secret_set"))
               != json_integer_value(json_object_get(basis, "secret_set")))
        return err_set(err, ERR_CONFLICT,
                       "The release is not what was confirmed. Deploy again from the plan.");
    return 0;
}

/* Nothing begins while a required secret is missing. The page says so as well, but a job may have
 * waited, and the page is the web side's. */
static int check_required(struct worker *w, const struct run *run, const json_t *settings,
                          struct err *err)
{
    json_int_t number = json_integer_value(json_object_get(run->release, "secret_set"));
    char missing[REQUIREMENTS_MISSING_MAX];
    json_t *rows = NULL;
    if (requirements_of_set(w->db, text_of(run->job, "environment_id"), settings, number, &rows,
                            err)
        != 0)
        return -1;
    requirements_missing(rows, missing);
    json_decref(rows);
    if (missing[0] == '\0')
        return 0;
    return err_set(err, ERR_CONFLICT,
                   "Required secrets are missing in s%lld: %s. Set them, then deploy again.",
                   (long long)number, missing);
}

/* What is deployed, as basis_of_deploy wants it: a row, or for a recipe of images the tag alone. */
static int find_artefact(struct worker *w, const struct run *run, json_t **artefact,
                         struct err *err)
{
    if (!recipe_takes_artefact(run->recipe)) {
        *artefact = json_pack("{s:O, s:s}", "version", json_object_get(run->release, "version"),
                              "sha256", "");
        return *artefact != NULL ? 0 : err_set(err, ERR_INTERNAL, "The release has no version.");
    }
    if (artefact_by_id(w->db, text_of(run->release, "artefact_id"), artefact, err) == 0)
        return 0;
    return err_wrap(err, "The artefact of this release");
}

static int load_release(struct worker *w, struct run *run, struct err *err)
{
    const char *id = json_string_value(json_object_get(run->job, "release_id"));
    if (run->release != NULL)
        return 0;
    if (id == NULL)
        return err_set(err, ERR_INPUT, "The deploy names no release.");
    return release_load(w->db, id, &run->release, err);
}

int deploy_recipe(struct worker *w, struct run *run, const json_t *environment, struct err *err)
{
    recipe_free(run->recipe); /* of a try that the database cut short */
    run->recipe = NULL;
    return recipe_load(w->config.recipes, text_of(environment, "recipe"), &run->recipe, err);
}

/* Everything is looked up anew: the rows only name ids. */
int deploy_load(struct worker *w, struct run *run, json_t **environment, struct err *err)
{
    const char *env_id = text_of(run->job, "environment_id");
    json_t *found = NULL;
    int rc = -1;

    if (load_release(w, run, err) != 0 || environment_by_id(w->db, env_id, &found, err) != 0)
        goto out;
    if (!str_equal(text_of(run->release, "environment_id"), env_id)) {
        err_set(err, ERR_DENIED, "The release belongs to another environment.");
        goto out;
    }
    if (!str_equal(text_of(run->job, "lock_class"), "exclusive")) {
        err_set(err, ERR_INPUT, "What puts a release live must have the environment to itself.");
        goto out;
    }
    if (deploy_recipe(w, run, found, err) != 0)
        goto out;
    *environment = found;
    found = NULL;
    rc = 0;
out:
    json_decref(found);
    return rc;
}

int deploy_plan(struct worker *w, struct run *run, const struct deploy_found *found, json_t **plan,
                struct err *err)
{
    json_t *steps = json_array(), *hosts = NULL;
    struct rollout rollout;
    int rc = -1;

    if (job_gate(w, run, found->environment, text_of(run->release, "trigger"), err) != 0
        || plan_compare(json_object_get(run->job, "confirmed"), found->basis, err) != 0
        || check_release(run->release, found->basis, err) != 0
        || (!found->is_set_as_it_was && check_required(w, run, found->settings, err) != 0))
        goto out;
    if (deploy_balancer_hosts(run->recipe, found->basis, &hosts, err) != 0
        || deploy_all_steps(run, found, hosts, steps, err) != 0
        || release_set_plan(w->db, text_of(run->job, "release_id"), found->basis, found->settings,
                            err)
               != 0)
        goto out;
    rollout = rollout_of_settings(found->settings, deploy_balancer_apps(hosts));
    *plan =
        json_pack("{s:O, s:O, s:O, s:O, s:O?, s:O?, s:s, s:o}", "basis", found->basis, "settings",
                  found->settings, "hosts", hosts, "steps", steps, "pins", found->pins, "commit",
                  found->commit, "good", text_of(found->environment, "live_release_id"), "rollout",
                  rollout_json(&rollout));
    rc = *plan != NULL ? 0 : err_set(err, ERR_NO_MEMORY, "The plan is too large.");
out:
    json_decref(steps);
    json_decref(hosts);
    return rc;
}

/* A release that replays another one is a rollback's, and nothing that a person did not start runs
 * while that is paused. */
static int check_kind(const struct run *run, const json_t *environment, struct err *err)
{
    if (json_is_string(json_object_get(run->release, "replays"))
        || json_is_string(json_object_get(run->release, "promoted_from")))
        return err_set(err, ERR_INPUT,
                       "This release takes up another one, and this job is a deploy.");
    return pause_refuses(environment, text_of(run->release, "trigger"), err);
}

/* Where what was confirmed has the digests of a look at the servers, they are looked up again; the
 * comparison says so when they are others by now. They are what is run. */
static int add_planned(struct worker *w, const struct run *run, const json_t *settings,
                       json_t *basis, json_t **pins, struct err *err)
{
    const char *planned = text_of(json_object_get(run->job, "confirmed"), "planned"), *service;
    struct plan_choice choice = {text_of(run->job, "environment_id"), planned, settings};
    json_t *digest;
    if (planned[0] == '\0')
        return 0;
    if (plan_add_images(w->db, &choice, basis, err) != 0)
        return -1;
    *pins = json_object();
    json_object_foreach(json_object_get(basis, "images"), service, digest)
        json_object_set_new(*pins, service, json_pack("{s:O}", "digest", digest));
    return 0;
}

static int plan_deploy(struct worker *w, struct run *run, json_t **plan, struct err *err)
{
    json_t *environment = NULL, *artefact = NULL, *basis = NULL, *settings = NULL;
    json_t *pins = NULL;
    struct deploy_found found = {0};
    int rc = -1;

    if (deploy_load(w, run, &environment, err) != 0 || check_kind(run, environment, err) != 0
        || find_artefact(w, run, &artefact, err) != 0
        || basis_of_deploy(w->db, &(struct basis_inputs){run->recipe, environment, artefact},
                           &basis, &settings, err)
               != 0
        || add_planned(w, run, settings, basis, &pins, err) != 0)
        goto out;
    found.environment = environment;
    found.basis = basis;
    found.settings = settings;
    found.pins = pins;
    rc = deploy_plan(w, run, &found, plan, err);
out:
    json_decref(environment);
    json_decref(artefact);
    json_decref(basis);
    json_decref(settings);
    json_decref(pins);
    return rc;
}

/* --- what is kept in memory ---------------------------------------------------------------------
 */

/* A job that goes on after an upgrade of Windlass must not run steps of another recipe. */
int deploy_same_recipe(struct worker *w, struct run *run, struct err *err)
{
    const json_t *basis = json_object_get(run->plan, "basis");
    if (run->recipe == NULL
        && recipe_load(w->config.recipes, text_of(basis, "recipe"), &run->recipe, err) != 0)
        return -1;
    if (str_equal(recipe_sha256(run->recipe), text_of(basis, "recipe_sha256")))
        return 0;
    return err_set(err, ERR_CONFLICT,
                   "The recipe changed while this job was under way (Windlass was upgraded), so it "
                   "cannot go on. Look at the server, then deploy again.");
}

int deploy_open(struct worker *w, struct run *run, struct err *err)
{
    if (load_release(w, run, err) != 0 || deploy_same_recipe(w, run, err) != 0)
        return -1;
    return run->hide != NULL ? 0 : deploy_hide(w, run, err);
}

/* --- begin --------------------------------------------------------------------------------------
 */

static void add_named(const struct recipe *recipe, const json_t *names, struct buf *text)
{
    const json_t *name;
    size_t i;
    json_array_foreach(names, i, name)
        buf_printf(text, "%s\n", recipe_script(recipe, json_string_value(name)));
}

json_t *deploy_library(const struct recipe *recipe, const json_t *more)
{
    const char *lib = recipe_script(recipe, "lib.sh"), *common = recipe_script(recipe, "common.sh");
    json_t *library = NULL;
    struct buf text;
    buf_init(&text, LIBRARY_MAX);
    buf_printf(&text, "%s\n", lib == NULL ? "" : lib);
    add_named(recipe, json_object_get(recipe_spec(recipe), "shared"), &text);
    add_named(recipe, more, &text);
    buf_printf(&text, "%s\n", common == NULL ? "" : common);
    if (buf_ok(&text))
        library = json_stringn(text.data, text.len);
    buf_deinit(&text);
    return library;
}

static int add_scripts(struct run *run, json_t *frame, struct deploy_input *input, struct err *err)
{
    size_t i;
    json_t *step, *lib = deploy_library(run->recipe, NULL);
    int rc = lib == NULL ? err_set(err, ERR_INTERNAL, "The recipe's scripts are no text.") : 0;
    json_array_foreach(json_object_get(frame, "steps"), i, step)
    {
        const char *file = json_string_value(json_object_get(step, "file"));
        const char *script = file == NULL ? NULL : recipe_script(run->recipe, file);
        json_t *text = NULL;
        if (file == NULL || rc != 0)
            continue;
        if (script == NULL) {
            rc = err_set(err, ERR_INTERNAL, "The recipe has no file %.60s.", file);
            continue;
        }
        rc = deploy_input_text(input, step, &text, err);
        if (rc != 0)
            continue;
        if (str_equal(text_of(step, "mode"), "read_back"))
            rc = deploy_input_expect(input, step, err);
        json_object_set_new(step, "input", text);
        json_object_set_new(step, "script", json_string(script));
        json_object_set(step, "lib", lib);
    }
    json_decref(lib);
    return rc;
}

static int open_artefact(struct worker *w, struct run *run, json_t *frame, int *fd, struct err *err)
{
    const char *file = text_of(run->release, "artefact_file");
    if (file[0] == '\0')
        return err_set(err, ERR_NOT_FOUND, "The release has no artefact.");
    *fd = fs_open_beneath(w->config.artefacts, file, O_RDONLY, 0, err);
    if (*fd < 0)
        return err_set(err, ERR_NOT_FOUND,
                       "The artefact's file is gone from the dashboard. Add the "
                       "version again.");
    json_object_set_new(frame, "artefact",
                        json_pack("{s:O, s:O}", "size",
                                  json_object_get(run->release, "artefact_size"), "sha256",
                                  json_object_get(run->release, "artefact_sha256")));
    return 0;
}

/* Hosts after the first run what the first one pulled, whatever a tag has become since; and the
 * first one what the plan says, where a release comes back. */
static int find_pins(struct worker *w, const struct turn *turn, struct buf *pins, struct err *err)
{
    struct run *run = turn->run;
    if (turn->host != 0 && run->images == NULL && deploy_images(w, run, &run->images, err) != 0)
        return -1;
    deploy_images_pins(turn->host == 0 ? json_object_get(run->plan, "pins") : run->images, pins);
    return buf_ok(pins) ? 0 : err_set(err, ERR_TOO_LARGE, "The deploy has too many images.");
}

/* The same with the commit: of the first host, and on it what the plan says. */
static int find_commit(struct worker *w, const struct turn *turn, char commit[DEPLOY_COMMIT_SIZE],
                       struct err *err)
{
    const struct run *run = turn->run;
    if (turn->host != 0)
        return deploy_commit(w, run, commit, err);
    (void)str_copy(commit, DEPLOY_COMMIT_SIZE, text_of(run->plan, "commit"));
    return 0;
}

int deploy_frame(struct worker *w, struct turn *turn, json_t *frame, struct err *err)
{
    struct run *run = turn->run;
    json_t *target = NULL;
    struct deploy_input input;
    char commit[DEPLOY_COMMIT_SIZE];
    struct buf pins;
    int rc = -1;
    const json_t *host = json_array_get(json_object_get(run->plan, "hosts"), (size_t)turn->host);

    deploy_input_init(&input);
    buf_init(&pins, PINS_MAX);
    if (target_for_begin(w, json_string_value(json_object_get(host, "server_id")), &target, err)
            != 0
        || find_pins(w, turn, &pins, err) != 0 || find_commit(w, turn, commit, err) != 0
        || deploy_input_make(&input, w, run, &(struct deploy_settled){pins.data, commit}, err) != 0
        || add_scripts(run, frame, &input, err) != 0)
        goto out;
    json_object_set(frame, "target", target);
    json_object_set(frame, "settings", json_object_get(run->plan, "settings"));
    json_object_set(frame, "version", json_object_get(run->release, "version"));
    rc = 0;
out:
    buf_deinit(&pins);
    deploy_input_deinit(&input);
    json_decref(target);
    return rc;
}

int deploy_begin(struct worker *w, struct turn *turn, json_t *frame, int *fd, struct err *err)
{
    struct run *run = turn->run;
    if (deploy_frame(w, turn, frame, err) != 0)
        return -1;
    return recipe_takes_artefact(run->recipe) ? open_artefact(w, run, frame, fd, err) : 0;
}

/* The release keeps what was pulled, and what is known of those before it; and where a changed host
 * key was met, the server's page must say so as well. */
int deploy_store(struct worker *w, struct run *run, json_t *detail, struct err *err)
{
    const char *id = text_of(run->job, "release_id");
    char commit[DEPLOY_COMMIT_SIZE];
    json_t *images = NULL;
    if (deploy_commit(w, run, commit, err) != 0 || deploy_images(w, run, &images, err) != 0)
        return -1;
    int rc = json_object_size(images) == 0 ? 0 : release_set_images(w->db, id, images, err);
    if (rc == 0 && commit[0] != '\0')
        rc = release_set_commit(w->db, id, commit, err);
    json_decref(images);
    if (rc != 0 || deploy_looks_store(w, run, err) != 0)
        return -1;
    return target_store_key_changed(w, run, detail, err);
}

/* The look at old secrets is no part of the deploy: it is tried once. */
int deploy_finish(struct worker *w, struct run *run, struct err *err)
{
    struct err ignored = {0};
    (void)err;
    if (run->finished)
        return 0;
    run->finished = true;
    if (deploy_looks_secrets(w, run, &ignored) != 0)
        log_err("look_at_secrets", &ignored);
    return 0;
}

const struct job_kind JOB_DEPLOY = {.name = "deploy",
                                    .child = "runner",
                                    .plan = plan_deploy,
                                    .open = deploy_open,
                                    .begin = deploy_begin,
                                    .store = deploy_store,
                                    .finish = deploy_finish};

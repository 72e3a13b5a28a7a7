/* Job kind deploy: a release row, made by the web together with the job, becomes what serves.
 *
 * Who may: CAP_DEPLOY on the environment (worker/authorize.h). The plan is refused when the basis a
 * person confirmed is not the basis now. What can go wrong on the way is each step's own; a failure
 * from the switch on runs the recipe's undo steps. The inputs of steps are in deploy_input.c. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "db/artefacts.h"
#include "db/basis.h"
#include "db/environments.h"
#include "db/releases.h"
#include "lib/base/fs.h"
#include "lib/base/io.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/plan.h"
#include "worker/jobs/deploy_input.h"
#include "worker/jobs/kind.h"
#include "worker/secret_values.h"

#define CONNECT_MS 90000
#define LOCK_MS    60000
#define UNLOCK_MS  60000

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* --- plan ---------------------------------------------------------------------------------------
 */

/* Whether a step's `when` names a setting that is set. */
static bool is_wanted(const json_t *step, const json_t *settings)
{
    const char *when = text_of(step, "when");
    if (when[0] == '\0')
        return true;
    const json_t *value = json_object_get(settings, when);
    return json_is_string(value) ? json_string_length(value) > 0
                                 : value != NULL && !json_is_null(value) && !json_is_false(value);
}

static int add_recipe_steps(json_t *steps, const json_t *list, const char *phase,
                            const json_t *settings, struct err *err)
{
    size_t i;
    json_t *step;
    json_array_foreach(list, i, step)
    {
        struct plan_step s = {
            .name = text_of(step, "id"),
            .title = text_of(step, "title"),
            .mode = text_of(step, "mode"),
            .phase = phase,
            .idempotent = json_is_true(json_object_get(step, "idempotent")),
            .point_of_no_return = json_is_true(json_object_get(step, "point_of_no_return")),
            .secrets = json_is_true(json_object_get(step, "secrets")),
            .skipped = !is_wanted(step, settings),
            .script = json_string_value(json_object_get(step, "script")),
            .deadline_ms = json_integer_value(json_object_get(step, "deadline_s")) * 1000};
        if (plan_add_step(steps, &s, err) != 0)
            return -1;
    }
    return 0;
}

static int add_built_in(json_t *steps, const char *name, const char *title, int64_t deadline_ms,
                        struct err *err)
{
    struct plan_step step = {.name = name,
                             .title = title,
                             .mode = name,
                             .phase = "forward",
                             .idempotent = true,
                             .deadline_ms = deadline_ms};
    return plan_add_step(steps, &step, err);
}

static int make_steps(const struct recipe *recipe, const json_t *settings, json_t *steps,
                      struct err *err)
{
    const json_t *spec = recipe_spec(recipe);
    if (add_built_in(steps, "connect", "Connect", CONNECT_MS, err) != 0
        || add_built_in(steps, "lock", "Lock the environment on the server", LOCK_MS, err) != 0
        || add_recipe_steps(steps, json_object_get(spec, "steps"), "forward", settings, err) != 0
        || add_built_in(steps, "unlock", "Unlock and tidy up", UNLOCK_MS, err) != 0)
        return -1;
    return add_recipe_steps(steps, json_object_get(spec, "undo"), "undo", settings, err);
}

static json_t *make_hosts(const json_t *basis)
{
    json_t *hosts = json_array(), *host;
    size_t i;
    json_array_foreach(json_object_get(basis, "hosts"), i, host)
    {
        json_array_append_new(hosts, json_pack("{s:O, s:O}", "server_id",
                                               json_object_get(host, "server_id"), "name",
                                               json_object_get(host, "slug")));
    }
    return hosts;
}

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

/* Everything is looked up anew: the row only names ids. */
static int find_basis(struct worker *w, struct run *run, json_t **basis, json_t **settings,
                      struct err *err)
{
    json_t *environment = NULL, *artefact = NULL;
    int rc = -1;
    const char *env_id = text_of(run->job, "environment_id");

    if (environment_by_id(w->db, env_id, &environment, err) != 0)
        goto out;
    if (!str_equal(text_of(run->release, "environment_id"), env_id)) {
        err_set(err, ERR_DENIED, "The release belongs to another environment.");
        goto out;
    }
    if (artefact_by_id(w->db, text_of(run->release, "artefact_id"), &artefact, err) != 0) {
        err_wrap(err, "The artefact of this release");
        goto out;
    }
    recipe_free(run->recipe); /* of a try that the database cut short */
    run->recipe = NULL;
    if (recipe_load(w->config.recipes, text_of(environment, "recipe"), &run->recipe, err) != 0)
        goto out;
    rc = basis_of_deploy(w->db, &(struct basis_inputs){run->recipe, environment, artefact}, basis,
                         settings, err);
out:
    json_decref(environment);
    json_decref(artefact);
    return rc;
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

static int plan_deploy(struct worker *w, struct run *run, json_t **plan, struct err *err)
{
    json_t *basis = NULL, *settings = NULL, *steps = json_array(), *hosts = NULL;
    int rc = -1;

    if (load_release(w, run, err) != 0 || find_basis(w, run, &basis, &settings, err) != 0
        || plan_compare(json_object_get(run->job, "confirmed"), basis, err) != 0
        || check_release(run->release, basis, err) != 0)
        goto out;
    hosts = make_hosts(basis);
    if (json_array_size(hosts) == 0 || json_array_size(hosts) > RUN_HOSTS_MAX) {
        err_set(err, ERR_INPUT,
                "This environment has no server, or more than %d. Choose its "
                "servers in the environment's settings.",
                RUN_HOSTS_MAX);
        goto out;
    }
    if (make_steps(run->recipe, settings, steps, err) != 0)
        goto out;
    *plan = json_pack("{s:O, s:O, s:O, s:O}", "basis", basis, "settings", settings, "hosts", hosts,
                      "steps", steps);
    rc = *plan != NULL ? 0 : err_set(err, ERR_NO_MEMORY, "The plan is too large.");
out:
    json_decref(basis);
    json_decref(settings);
    json_decref(steps);
    json_decref(hosts);
    return rc;
}

/* --- what is kept in memory ---------------------------------------------------------------------
 */

/* A job that goes on after an upgrade of Windlass must not run steps of another recipe. */
static int same_recipe(struct worker *w, struct run *run, struct err *err)
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

static int hide_values(struct worker *w, struct run *run, struct err *err)
{
    struct secret_values values = {0};
    int rc = -1;
    json_int_t number = json_integer_value(json_object_get(run->release, "secret_set"));

    hide_free(run->hide);
    run->hide = hide_new();
    run->hidden = json_array();
    if (run->hide == NULL || run->hidden == NULL)
        return err_set(err, ERR_NO_MEMORY, "No memory is left.");
    if (secret_values_to_mask(w->db, w->vault, text_of(run->job, "environment_id"), number, &values,
                              err)
        != 0)
        return -1;
    for (size_t i = 0; i < values.count; i++) {
        const struct secret_item *item = &values.items[i];
        size_t room = CRYPTO_B64_SIZE(item->len);
        char *text = malloc(room);
        if (text == NULL || hide_add(run->hide, item->bytes, item->len, err) != 0) {
            free(text);
            goto out;
        }
        crypto_b64(text, room, item->bytes, item->len);
        json_array_append_new(run->hidden, json_string(text));
        crypto_wipe(text, room);
        free(text);
    }
    rc = 0;
out:
    secret_values_free(&values);
    return rc;
}

static int open_deploy(struct worker *w, struct run *run, struct err *err)
{
    if (load_release(w, run, err) != 0 || same_recipe(w, run, err) != 0)
        return -1;
    return run->hide != NULL ? 0 : hide_values(w, run, err);
}

/* --- begin --------------------------------------------------------------------------------------
 */

static int add_scripts(struct run *run, json_t *frame, struct deploy_input *input, struct err *err)
{
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(frame, "steps"), i, step)
    {
        const char *file = json_string_value(json_object_get(step, "file"));
        const char *script = file == NULL ? NULL : recipe_script(run->recipe, file);
        const char *lib = recipe_script(run->recipe, "lib.sh");
        if (file == NULL)
            continue;
        if (script == NULL)
            return err_set(err, ERR_INTERNAL, "The recipe has no file %.60s.", file);
        json_t *text = NULL;
        if (deploy_input_text(input, json_is_true(json_object_get(step, "secrets")), &text, err)
            != 0)
            return -1;
        json_object_set_new(step, "input", text);
        json_object_set_new(step, "script", json_string(script));
        json_object_set_new(step, "lib", json_string(lib == NULL ? "" : lib));
    }
    return 0;
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

static int begin_deploy(struct worker *w, struct run *run, json_t *frame, int *fd, struct err *err)
{
    json_t *target = NULL;
    struct deploy_input input;
    int rc = -1;
    const json_t *host = json_array_get(json_object_get(run->plan, "hosts"), (size_t)run->host);

    deploy_input_init(&input);
    if (target_for_begin(w, json_string_value(json_object_get(host, "server_id")), &target, err)
            != 0
        || deploy_input_make(&input, w, run, err) != 0 || add_scripts(run, frame, &input, err) != 0)
        goto out;
    json_object_set(frame, "target", target);
    json_object_set(frame, "settings", json_object_get(run->plan, "settings"));
    json_object_set(frame, "version", json_object_get(run->release, "version"));
    rc = open_artefact(w, run, frame, fd, err);
out:
    deploy_input_deinit(&input);
    json_decref(target);
    return rc;
}

/* A changed host key was met: the server's page must say so as well. */
static int store_deploy(struct worker *w, struct run *run, json_t *detail, struct err *err)
{
    return target_store_key_changed(w, run, detail, err);
}

const struct job_kind JOB_DEPLOY = {.name = "deploy",
                                    .child = "runner",
                                    .plan = plan_deploy,
                                    .open = open_deploy,
                                    .begin = begin_deploy,
                                    .store = store_deploy,
                                    .finish = NULL};

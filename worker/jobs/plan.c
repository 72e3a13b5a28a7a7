/* Job kind plan: the environment's servers are looked at, as a deploy or a rollback would find them
 * now. Steps connect and look; the script is the recipe's own (recipe.json, "plan"). It only asks:
 * no lock is taken and nothing is written there. What it reports is kept with the job, and shown,
 * each with its age, on the page that asks a person to confirm (db/plans.h).
 *
 * Who may: CAP_DEPLOY. `params` say what would be deployed: {version}, or for a rollback {release,
 * parts}. A server that cannot be asked does not keep the others from being asked; those beyond the
 * first HOSTS_MAX are not asked. No value of a secret is sent: the script gets the settings, and
 * the logins at registries where the recipe wants them. */
#include "db/artefacts.h"
#include "db/basis.h"
#include "db/environments.h"
#include "db/rollbacks.h"
#include "lib/base/str.h"
#include "lib/domain/images.h"
#include "lib/domain/shell.h"
#include "worker/jobs/deploy.h"
#include "worker/jobs/deploy_hide.h"
#include "worker/jobs/deploy_images.h"
#include "worker/jobs/deploy_input.h"
#include "worker/jobs/kind.h"

#define HOSTS_MAX  8
#define CONNECT_MS 20000
#define LOOK_MS    60000
#define TEXT_MAX   ((size_t)64 * 1024)

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* --- what would be deployed ----------------------------------------------------------------------
 */

struct subject {
    json_t *basis, *settings; /* owned */
    json_t *artefact;         /* {version, sha256, size_bytes?}; owned */
    json_t *pins;             /* service -> {digest}; owned; NULL: none */
};

static void subject_free(struct subject *s)
{
    json_decref(s->basis);
    json_decref(s->settings);
    json_decref(s->artefact);
    json_decref(s->pins);
}

static int find_version(struct worker *w, struct run *run, const json_t *environment,
                        struct subject *s, struct err *err)
{
    const char *version = text_of(json_object_get(run->job, "params"), "version");
    struct basis_inputs in = {run->recipe, environment, NULL};
    if (recipe_takes_artefact(run->recipe)) {
        if (artefact_by_version(w->db, text_of(environment, "app_id"), version, &s->artefact, err)
            != 0)
            return -1;
    } else {
        s->artefact = json_pack("{s:s, s:s}", "version", version, "sha256", "");
    }
    in.artefact = s->artefact;
    return basis_of_deploy(w->db, &in, &s->basis, &s->settings, err);
}

static int find_rollback(struct worker *w, struct run *run, const json_t *environment,
                         struct subject *s, struct err *err)
{
    const json_t *params = json_object_get(run->job, "params");
    struct rollback_inputs in = {.recipe = run->recipe,
                                 .environment = environment,
                                 .parts = rollback_parts(text_of(params, "parts"))};
    struct rollback_plan made = {0};
    json_t *replayed = NULL;
    int rc = -1;
    if (environment_release(w->db, text_of(params, "release"), &replayed, err) != 0)
        return -1;
    in.replayed = replayed;
    if (!json_is_object(replayed))
        err_set(err, ERR_NOT_FOUND, "The release that is to come back is not there.");
    else
        rc = rollback_plan_make(w->db, &in, &made, err);
    if (rc == 0 && text_of(made.code, "artefact_id")[0] != '\0')
        rc = artefact_by_id(w->db, text_of(made.code, "artefact_id"), &s->artefact, err);
    if (rc == 0 && s->artefact == NULL)
        s->artefact =
            json_pack("{s:O, s:s}", "version", json_object_get(made.code, "version"), "sha256", "");
    if (rc == 0) {
        s->basis = json_incref(made.basis);
        s->settings = json_incref(made.settings);
        s->pins = json_incref(json_object_get(made.code, "images"));
    }
    rollback_plan_free(&made);
    json_decref(replayed);
    return rc;
}

/* --- plan ----------------------------------------------------------------------------------------
 */

static json_t *hosts_of(const json_t *basis)
{
    json_t *hosts = json_array();
    const json_t *host;
    size_t i;
    json_array_foreach(json_object_get(basis, "hosts"), i, host)
    {
        if (json_array_size(hosts) < HOSTS_MAX && !str_equal(text_of(host, "role"), "lb"))
            json_array_append_new(hosts, json_pack("{s:O, s:O}", "server_id",
                                                   json_object_get(host, "server_id"), "name",
                                                   json_object_get(host, "slug")));
    }
    return hosts;
}

static int steps_of(const struct recipe *recipe, json_t *steps, struct err *err)
{
    const json_t *look = recipe_plan(recipe);
    struct plan_step connect = {.name = "connect",
                                .title = "Connect",
                                .mode = "connect",
                                .phase = "forward",
                                .idempotent = true,
                                .deadline_ms = CONNECT_MS};
    struct plan_step step = {.name = "look",
                             .title = "Look what a deploy would find",
                             .mode = "look",
                             .phase = "forward",
                             .idempotent = true,
                             .registries = json_is_true(json_object_get(look, "registries")),
                             .script = json_string_value(json_object_get(look, "script")),
                             .deadline_ms = LOOK_MS};
    if (look == NULL)
        return err_set(err, ERR_CONFLICT, "The recipe %.40s cannot look at a server beforehand.",
                       recipe_name(recipe));
    return plan_add_step(steps, &connect, err) != 0 ? -1 : plan_add_step(steps, &step, err);
}

/* Lines "service<TAB>image" for the script; one whose name is not known here has none. */
static int services_text(const struct subject *s, json_t **text, struct err *err)
{
    json_t *services = NULL;
    const json_t *service;
    struct buf out;
    size_t i;
    if (images_of_settings(s->settings, text_of(s->basis, "version"), &services, err) != 0)
        return -1;
    buf_init(&out, TEXT_MAX);
    json_array_foreach(services, i, service) buf_printf(
        &out, "%s\t%s\n", text_of(service, "name"),
        json_is_true(json_object_get(service, "is_complete")) ? text_of(service, "reference") : "");
    *text = buf_ok(&out) ? json_string(out.data) : NULL;
    json_decref(services);
    buf_deinit(&out);
    return *text != NULL ? 0 : err_set(err, ERR_TOO_LARGE, "The app has too many services.");
}

static int make_plan(struct run *run, const struct subject *s, const json_t *environment,
                     json_t **plan, struct err *err)
{
    json_t *steps = json_array(), *hosts = hosts_of(s->basis), *services = NULL;
    const struct rollout all = {
        .at_once = HOSTS_MAX, .on_failure = ROLLOUT_CONTINUE, .no_canary = true};
    int rc = -1;
    if (json_array_size(hosts) == 0)
        err_set(err, ERR_INPUT,
                "This environment has no server to look at. Choose its servers in the settings.");
    else if (steps_of(run->recipe, steps, err) == 0 && services_text(s, &services, err) == 0) {
        *plan = json_pack("{s:O, s:O, s:O, s:O, s:O, s:O, s:O?, s:s, s:o}", "basis", s->basis,
                          "settings", s->settings, "hosts", hosts, "steps", steps, "services",
                          services, "artefact", s->artefact, "pins", s->pins, "good",
                          text_of(environment, "live_release_id"), "rollout", rollout_json(&all));
        rc = *plan != NULL ? 0 : err_set(err, ERR_NO_MEMORY, "The plan is too large.");
    }
    json_decref(steps);
    json_decref(hosts);
    json_decref(services);
    return rc;
}

static int plan_plan(struct worker *w, struct run *run, json_t **plan, struct err *err)
{
    const json_t *params = json_object_get(run->job, "params");
    json_t *environment = NULL;
    struct subject s = {.basis = NULL};
    int rc = -1;
    if (!str_equal(text_of(run->job, "lock_class"), "none")) {
        err_set(err, ERR_INPUT, "A look at the servers keeps nobody waiting: its class is none.");
        goto out;
    }
    if (environment_by_id(w->db, text_of(run->job, "environment_id"), &environment, err) != 0)
        goto out;
    recipe_free(run->recipe); /* of a try that the database cut short */
    run->recipe = NULL;
    if (recipe_load(w->config.recipes, text_of(environment, "recipe"), &run->recipe, err) != 0)
        goto out;
    rc = json_is_string(json_object_get(params, "release"))
             ? find_rollback(w, run, environment, &s, err)
             : find_version(w, run, environment, &s, err);
    if (rc == 0)
        rc = make_plan(run, &s, environment, plan, err);
out:
    json_decref(environment);
    subject_free(&s);
    return rc;
}

/* --- what is kept in memory ----------------------------------------------------------------------
 */

/* There is no release yet; what its inputs would be made from stands in for it. Its secrets are
 * none of them. */
static int open_plan(struct worker *w, struct run *run, struct err *err)
{
    const json_t *artefact = json_object_get(run->plan, "artefact");
    if (run->release == NULL)
        run->release =
            json_pack("{s:O, s:O, s:O*, s:i}", "version", json_object_get(artefact, "version"),
                      "artefact_sha256", json_object_get(artefact, "sha256"), "artefact_size",
                      json_object_get(artefact, "size_bytes"), "secret_set", 0);
    if (run->release == NULL)
        return err_set(err, ERR_INTERNAL, "The plan does not say what would be deployed.");
    if (deploy_same_recipe(w, run, err) != 0)
        return -1;
    return run->hide != NULL ? 0 : deploy_hide(w, run, err);
}

/* --- begin ---------------------------------------------------------------------------------------
 */

static int add_more(struct buf *out, const struct run *run, struct err *err)
{
    const char *services = text_of(run->plan, "services");
    const char *environment = text_of(run->job, "environment_id");
    if (shell_assign(out, "WL_PLAN_SERVICES", services, strlen(services), err) != 0)
        return -1;
    return shell_assign(out, "WL_ENVIRONMENT", environment, strlen(environment), err);
}

static int add_script(struct run *run, json_t *frame, const struct deploy_input *input,
                      struct err *err)
{
    const json_t *look = recipe_plan(run->recipe);
    json_t *step, *text = NULL;
    size_t i;
    json_array_foreach(json_object_get(frame, "steps"), i, step)
    {
        if (!str_equal(text_of(step, "mode"), "look"))
            continue;
        if (deploy_input_text(input, step, &text, err) != 0)
            return -1;
        json_object_set_new(step, "input", text);
        json_object_set_new(step, "script",
                            json_string(recipe_script(run->recipe, text_of(look, "script"))));
        json_object_set_new(step, "lib",
                            deploy_library(run->recipe, json_object_get(look, "shared")));
    }
    return 0;
}

static int begin_plan(struct worker *w, struct turn *turn, json_t *frame, int *fd, struct err *err)
{
    struct run *run = turn->run;
    const json_t *host = json_array_get(json_object_get(run->plan, "hosts"), (size_t)turn->host);
    struct deploy_input input;
    struct buf pins;
    json_t *target = NULL;
    int rc = -1;
    (void)fd;
    deploy_input_init(&input);
    buf_init(&pins, TEXT_MAX);
    deploy_images_pins(json_object_get(run->plan, "pins"), &pins);
    if (buf_ok(&pins) && target_for_begin(w, text_of(host, "server_id"), &target, err) == 0
        && deploy_input_make(&input, w, run, &(struct deploy_settled){pins.data, ""}, err) == 0
        && add_more(&input.common, run, err) == 0 && add_script(run, frame, &input, err) == 0) {
        json_object_set(frame, "target", target);
        rc = 0;
    }
    buf_deinit(&pins);
    deploy_input_deinit(&input);
    json_decref(target);
    return rc;
}

static int store_plan(struct worker *w, struct run *run, json_t *detail, struct err *err)
{
    return target_store_key_changed(w, run, detail, err);
}

const struct job_kind JOB_PLAN = {.name = "plan",
                                  .child = "runner",
                                  .plan = plan_plan,
                                  .open = open_plan,
                                  .begin = begin_plan,
                                  .store = store_plan,
                                  .finish = NULL};

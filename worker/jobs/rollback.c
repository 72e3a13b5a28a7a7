/* Job kind rollback: a new release that replays an earlier one, in whole or in chosen parts
 * (db/rollbacks.h); kind redeploy, which replays the live one with what is saved by now;
 * and kind promote, which takes what was live in another environment of the app. What
 * runs is what ran: images by the digests that were recorded then, whatever their tag has become,
 * the artefact by its hash, the secret set by its number.
 *
 * Who may: CAP_DEPLOY. Nothing is revealed by it: the values go to the server that had them. The
 * rows come from the web side, so everything is looked up anew by id, and the plan is refused when
 * the basis is not the one that a person confirmed. */
#include <string.h>
#include "db/environments.h"
#include "db/rollbacks.h"
#include "lib/base/str.h"
#include "lib/domain/plan.h"
#include "worker/jobs/deploy.h"
#include "worker/jobs/kind.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* The release that comes back, and which parts of it. */
static int find_replayed(struct worker *w, const struct run *run, struct rollback_inputs *in,
                         json_t **replayed, struct err *err)
{
    const char *column = in->mode == REPLAY_PROMOTE ? "promoted_from" : "replays";
    in->parts = rollback_parts(text_of(run->release, "parts"));
    if (environment_release(w->db, text_of(run->release, column), replayed, err) != 0)
        return -1;
    in->replayed = *replayed;
    if (in->parts != ROLLBACK_NOTHING && json_is_object(*replayed))
        return 0;
    return err_set(err, ERR_INPUT, "The rollback does not say what it goes back to.");
}

static enum replay_mode mode_of(const struct run *run)
{
    return str_equal(run->kind->name, "redeploy")  ? REPLAY_REDEPLOY
           : str_equal(run->kind->name, "promote") ? REPLAY_PROMOTE
                                                   : REPLAY_ROLLBACK;
}

static int plan_rollback(struct worker *w, struct run *run, json_t **plan, struct err *err)
{
    json_t *environment = NULL, *replayed = NULL;
    struct rollback_inputs in = {.parts = ROLLBACK_NOTHING, .mode = mode_of(run)};
    struct rollback_plan made = {0};
    struct deploy_found found = {0};
    int rc = -1;

    if (deploy_load(w, run, &environment, err) != 0)
        goto out;
    in.recipe = run->recipe;
    in.environment = environment;
    if (find_replayed(w, run, &in, &replayed, err) != 0
        || rollback_plan_make(w->db, &in, &made, err) != 0)
        goto out;
    found = (struct deploy_found){.environment = environment,
                                  .basis = made.basis,
                                  .settings = made.settings,
                                  .pins = json_object_get(made.code, "images"),
                                  .commit = json_object_get(made.code, "git_commit"),
                                  .is_set_as_it_was = (in.parts & ROLLBACK_SECRETS) != 0};
    rc = deploy_plan(w, run, &found, plan, err);
out:
    rollback_plan_free(&made);
    json_decref(environment);
    json_decref(replayed);
    return rc;
}

static int store_rollback(struct worker *w, struct run *run, json_t *detail, struct err *err)
{
    const json_t *basis = json_object_get(run->plan, "basis");
    if (json_object_get(basis, "promoted_from") != NULL)
        json_object_set(detail, "promoted_from", json_object_get(basis, "promoted_from"));
    else
        json_object_set(detail, "replays", json_object_get(basis, "replays"));
    json_object_set(detail, "parts", json_object_get(basis, "parts"));
    return deploy_store(w, run, detail, err);
}

const struct job_kind JOB_ROLLBACK = {.name = "rollback",
                                      .child = "runner",
                                      .plan = plan_rollback,
                                      .open = deploy_open,
                                      .begin = deploy_begin,
                                      .store = store_rollback,
                                      .finish = deploy_finish};

const struct job_kind JOB_REDEPLOY = {.name = "redeploy",
                                      .child = "runner",
                                      .plan = plan_rollback,
                                      .open = deploy_open,
                                      .begin = deploy_begin,
                                      .store = store_rollback,
                                      .finish = deploy_finish};

const struct job_kind JOB_PROMOTE = {.name = "promote",
                                     .child = "runner",
                                     .plan = plan_rollback,
                                     .open = deploy_open,
                                     .begin = deploy_begin,
                                     .store = store_rollback,
                                     .finish = deploy_finish};

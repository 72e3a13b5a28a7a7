/* Job kinds restart, stop, start, maintenance_on, maintenance_off: something is done with the
 * release that is live, by the steps of its recipe (recipe.json, "operations"), and the verdict is
 * what was seen after it: `ok` for a stop only when everything was seen to be gone.
 *
 * Who may: CAP_DEPLOY. The row names nothing but its environment; the live release, its settings
 * and its servers are looked up here, and the plan is refused when they are not what a person
 * confirmed. Where the recipe's step with point_of_no_return was begun and what was wanted was not
 * seen, the environment is `failed` or `unknown`. */
#include <string.h>
#include "db/environments.h"
#include "db/operations.h"
#include "db/pauses.h"
#include "db/releases.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/domain/plan.h"
#include "worker/jobs/deploy.h"
#include "worker/jobs/gate.h"
#include "worker/jobs/kind.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static const struct {
    const char *kind, *does, *then, *left_good, *left_bad;
} WORDS[] = {
    {"restart", "runs again on", " and was seen well.", "It was restarted and serves.",
     "The restart was begun, and it was not seen to serve again. Look at the server."},
    {"stop", "is stopped on", ": nothing of it was seen to run.", "Stopped: nothing of it runs.",
     "The stop was begun, and it was not seen that everything is gone. Look at the server."},
    {"maintenance_on", "is hidden on", ": the maintenance page was seen to answer.",
     "The maintenance page answers; the app runs behind it.",
     "It is not proven what answers. Look at nginx on the server."},
    {"maintenance_off", "is reached again on", ": requests were seen to arrive.",
     "Requests arrive at the app.",
     "It is not proven that requests arrive at the app. Look at nginx on the server."},
    {"start", "runs again on", " and was seen well.", "It was started and serves.",
     "The start was begun, and it was not seen to serve. Look at the server."},
};

/* --- plan ---------------------------------------------------------------------------------------
 */

static int make(struct worker *w, struct run *run, const struct operation_plan *found,
                json_t **plan, struct err *err)
{
    json_t *steps = json_array(), *hosts = deploy_hosts(found->basis);
    const json_t *list = recipe_operation(run->recipe, run->kind->name);
    int rc = -1;
    (void)w;
    if (json_array_size(hosts) == 0 || json_array_size(hosts) > RUN_HOSTS_MAX)
        err_set(err, ERR_INPUT, "This environment has no server, or more than %d.", RUN_HOSTS_MAX);
    else if (deploy_steps(list, NULL, found->settings, steps, err) == 0) {
        *plan = json_pack("{s:O, s:O, s:O, s:O, s:s, s:s}", "basis", found->basis, "settings",
                          found->settings, "hosts", hosts, "steps", steps, "release",
                          text_of(found->live, "id"), "good", text_of(found->live, "id"));
        rc = *plan != NULL ? 0 : err_set(err, ERR_NO_MEMORY, "The plan is too large.");
    }
    json_decref(steps);
    json_decref(hosts);
    return rc;
}

static int plan_operation(struct worker *w, struct run *run, json_t **plan, struct err *err)
{
    json_t *environment = NULL;
    struct operation_plan found = {0};
    int rc = -1;
    if (environment_by_id(w->db, text_of(run->job, "environment_id"), &environment, err) != 0
        || deploy_recipe(w, run, environment, err) != 0
        || job_gate(w, run, environment, TRIGGER_BUTTON, err) != 0
        || operation_plan_make(w->db, run->recipe, environment, run->kind->name, &found, err) != 0
        || plan_compare(json_object_get(run->job, "confirmed"), found.basis, err) != 0)
        goto out;
    if (!str_equal(text_of(run->job, "lock_class"), "exclusive"))
        err_set(err, ERR_INPUT, "What changes what serves must have the environment to itself.");
    else
        rc = make(w, run, &found, plan, err);
out:
    operation_plan_free(&found);
    json_decref(environment);
    return rc;
}

static int open_operation(struct worker *w, struct run *run, struct err *err)
{
    if (run->release == NULL
        && release_load(w->db, text_of(run->plan, "release"), &run->release, err) != 0)
        return -1;
    return deploy_open(w, run, err);
}

/* --- begin --------------------------------------------------------------------------------------
 */

static int begin_operation(struct worker *w, struct turn *turn, json_t *frame, int *fd,
                           struct err *err)
{
    const struct run *run = turn->run;
    const json_t *host = json_array_get(json_object_get(run->plan, "hosts"), (size_t)turn->host);
    char good[200] = "";
    (void)fd;
    if (deploy_frame(w, turn, frame, err) != 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(WORDS); i++) {
        if (!str_equal(WORDS[i].kind, run->kind->name))
            continue;
        (void)snprintf(good, sizeof good, "%.60s %s %.60s%s", text_of(run->release, "version"),
                       WORDS[i].does, text_of(host, "name"), WORDS[i].then);
        json_object_set_new(frame, "says",
                            json_pack("{s:s, s:s, s:s}", "good", good, "left_good",
                                      WORDS[i].left_good, "left_bad", WORDS[i].left_bad));
    }
    return 0;
}

/* --- what it means for the environment ----------------------------------------------------------
 */

static bool was_begun(const struct run *run)
{
    for (int h = 0; h < run->host_count; h++) {
        if (turn_passed_switch(&run->turns[h]))
            return true;
    }
    return false;
}

static enum operation_effect effect_of(const struct run *run)
{
    const char *kind = run->kind->name;
    bool is_page = str_starts(kind, "maintenance_"), is_good = str_equal(run->verdict, "ok");
    if (is_page) /* what failed was put back by its script, or the page stays as it was */
        return !is_good                            ? OPERATION_EFFECT_NONE
               : str_equal(kind, "maintenance_on") ? OPERATION_EFFECT_PAGE_ON
                                                   : OPERATION_EFFECT_PAGE_OFF;
    if (is_good)
        return str_equal(kind, "stop") ? OPERATION_EFFECT_GONE : OPERATION_EFFECT_RUNS;
    if (!was_begun(run))
        return OPERATION_EFFECT_NONE;
    return str_equal(run->verdict, "failed") ? OPERATION_EFFECT_FAILED : OPERATION_EFFECT_UNKNOWN;
}

static int store_operation(struct worker *w, struct run *run, json_t *detail, struct err *err)
{
    const json_t *by = json_object_get(run->plan, "by");
    const char *environment = text_of(run->job, "environment_id");
    if (target_store_key_changed(w, run, detail, err) != 0)
        return -1;
    return operation_end(w->db, environment, effect_of(run), text_of(by, "id"), clock_now_ms(),
                         err);
}

#define OPERATION(kind)                                                                            \
    {                                                                                              \
        .name = kind, .child = "runner", .plan = plan_operation, .open = open_operation,           \
        .begin = begin_operation, .store = store_operation, .finish = NULL                         \
    }

const struct job_kind JOB_RESTART = OPERATION("restart");
const struct job_kind JOB_STOP = OPERATION("stop");
const struct job_kind JOB_START = OPERATION("start");
const struct job_kind JOB_MAINTENANCE_ON = OPERATION("maintenance_on");
const struct job_kind JOB_MAINTENANCE_OFF = OPERATION("maintenance_off");

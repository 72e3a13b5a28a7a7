/* The table of job kinds, and what plans have in common. */
#include <string.h>
#include "lib/base/str.h"
#include "worker/jobs/kind.h"

static const struct job_kind *const KINDS[] = {
    &JOB_DEPLOY, &JOB_ROLLBACK,       &JOB_REDEPLOY,        &JOB_PROMOTE, &JOB_RESTART, &JOB_STOP,
    &JOB_START,  &JOB_MAINTENANCE_ON, &JOB_MAINTENANCE_OFF, &JOB_COMMAND, &JOB_LOGS,    &JOB_PLAN,
    &JOB_CHECK,  &JOB_FETCH};

const struct job_kind *job_kind_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
        if (str_equal(KINDS[i]->name, name))
            return KINDS[i];
    }
    return NULL;
}

int plan_add_step(json_t *steps, const struct plan_step *step, struct err *err)
{
    json_t *object = json_pack(
        "{s:i, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:I, s:s}", "step",
        (int)json_array_size(steps), "name", step->name, "title", step->title, "mode", step->mode,
        "phase", step->phase, "idempotent", step->idempotent, "point_of_no_return",
        step->point_of_no_return, "witness", step->witness, "secrets", step->secrets, "registries",
        step->registries, "compose", step->compose, "repository", step->repository, "deadline_ms",
        (json_int_t)step->deadline_ms, "state", step->skipped ? "skipped" : "pending");
    if (object != NULL && step->script != NULL)
        json_object_set_new(object, "file", json_string(step->script));
    if (object == NULL || json_array_append_new(steps, object) != 0)
        return err_set(err, ERR_INTERNAL, "The plan could not be put together.");
    return json_array_size(steps) <= RUN_STEPS_MAX
               ? 0
               : err_set(err, ERR_INTERNAL, "The recipe has too many steps.");
}

/* gate.c - see gate.h. Who asked is proven anew here: rows say nothing about what somebody may. */
#include "worker/jobs/gate.h"

#include "db/freezes.h"
#include "db/locks.h"
#include "db/pauses.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "worker/authorize.h"
#include "worker/jobs/kind.h"

/* Going back is no deploy, and what makes no release changes no version. */
static bool is_deploy(const struct run *run)
{
    return run->release != NULL && run->kind != NULL && !str_equal(run->kind->name, "rollback");
}

static const char *reason_of(const struct run *run)
{
    const json_t *params = json_object_get(run->job, "params");
    const char *why = json_string_value(json_object_get(params, "despite_freeze"));
    return why == NULL ? "" : why;
}

int job_gate(struct worker *w, const struct run *run, const json_t *environment,
             const char *trigger, struct err *err)
{
    bool is_persons = trigger_is_a_persons(trigger), is_release = is_deploy(run);
    struct requester who;
    if (!lock_is_on(environment)
        && (!is_release || freeze_refuses(environment, clock_now_ms(), "", err) == 0))
        return 0;
    if (authorize_job(w->db, w->vault, run->hold.id, &who, err) != 0
        || lock_refuses(environment, is_persons && role_may(who.role, CAP_LOCK), err) != 0)
        return -1;
    if (!is_release)
        return 0;
    return freeze_refuses(environment, clock_now_ms(),
                          is_persons && role_may(who.role, CAP_ADMIN) ? reason_of(run) : "", err);
}

/* gate.c - see gate.h. Who asked is proven anew here: rows say nothing about what somebody may. */
#include "worker/jobs/gate.h"

#include "db/locks.h"
#include "db/pauses.h"
#include "worker/authorize.h"

int job_gate(struct worker *w, const struct run *run, const json_t *environment,
             const char *trigger, struct err *err)
{
    struct requester who;
    if (!lock_is_on(environment))
        return 0;
    if (authorize_job(w->db, w->vault, run->hold.id, &who, err) != 0)
        return -1;
    return lock_refuses(environment, trigger_is_a_persons(trigger) && role_may(who.role, CAP_LOCK),
                        err);
}

/* kind.h - what differs between kinds of jobs. One file per kind in worker/jobs/; the table is in
 * kinds.c. The supervisor knows nothing else about them. */
#ifndef WL_WORKER_JOBS_KIND_H
#define WL_WORKER_JOBS_KIND_H

#include "db/audit.h"
#include "worker/run.h"

struct job_kind {
    const char *name;  /* as in job.kind */
    const char *child; /* the -x name of the program that works: "runner" or "fetch" */
    /* The plan of a job that begins: a new object with `hosts` [{server_id, name}] and `steps`
     * [{step, name, title, mode, phase, idempotent, deadline_ms, state, ...}] and what `open` and
     * `begin` need again. No secret in it. Refusing is an error with a sentence. */
    int (*plan)(struct worker *w, struct run *run, json_t **plan, struct err *err);
    /* At the start and after each take-over: what is kept in memory (recipe, release, values to
     * hide). NULL: nothing. */
    int (*open)(struct worker *w, struct run *run, struct err *err);
    /* Complete the begin frame for a host. *fd: the artefact, or stays -1; the caller closes it. */
    int (*begin)(struct worker *w, struct turn *turn, json_t *frame, int *fd, struct err *err);
    /* Rows that belong to the job's end, in its transaction. NULL: none. `detail` goes into the
     * audit event. */
    int (*store)(struct worker *w, struct run *run, json_t *detail, struct err *err);
    /* Before that transaction, outside of it; may change verdict and summary. NULL: nothing. */
    int (*finish)(struct worker *w, struct run *run, struct err *err);
};

extern const struct job_kind JOB_DEPLOY, JOB_ROLLBACK, JOB_REDEPLOY, JOB_PROMOTE, JOB_RESTART,
    JOB_STOP, JOB_START, JOB_MAINTENANCE_ON, JOB_MAINTENANCE_OFF, JOB_COMMAND, JOB_LOGS, JOB_PLAN,
    JOB_CHECK, JOB_FETCH;

/* NULL when this version knows no such kind. */
const struct job_kind *job_kind_find(const char *name);

/* What jobs with a target share (worker/jobs/target.c): the `target` of a begin frame, with key and
 * pin. A server that is archived, not pinned, or whose address has no pin is an error with the fix.
 */
int target_for_begin(struct worker *w, const char *server_id, json_t **target,
                     struct err *err) MUST_USE;
/* For `store`: where a runner met another host key than the pinned one, the server's state and the
 * event server.key_changed, with both fingerprints. */
int target_store_key_changed(struct worker *w, struct run *run, json_t *detail,
                             struct err *err) MUST_USE;

/* One step of a plan. */
struct plan_step {
    const char *name, *title, *mode, *phase;
    bool idempotent, point_of_no_return, witness, skipped;
    bool secrets, registries, compose, repository; /* what its input holds besides the settings */
    const char *script;                            /* file of the recipe, or NULL */
    int64_t deadline_ms;
};
int plan_add_step(json_t *steps, const struct plan_step *step, struct err *err) MUST_USE;

#endif

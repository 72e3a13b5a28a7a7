/* deploy.h - what jobs that put a release live share: kind deploy (deploy.c) and kind rollback
 * (rollback.c). They differ in what the plan is made from; steps, inputs, pins and the end are the
 * same. */
#ifndef WL_WORKER_JOBS_DEPLOY_H
#define WL_WORKER_JOBS_DEPLOY_H

#include "worker/run.h"

/* run->release by the job's id of it, and run->recipe by that of its environment (a new
 * reference). ERR_DENIED when the release is another environment's. */
int deploy_load(struct worker *w, struct run *run, json_t **environment, struct err *err) MUST_USE;

struct deploy_found {
    const json_t *environment, *basis, *settings;
    const json_t *pins;    /* images that are to be run by content: service -> {digest}; or NULL */
    const json_t *commit;  /* the commit that is to be run, whatever the ref is now; or NULL */
    bool is_set_as_it_was; /* the set comes back with its release: nothing is demanded of it now */
};
/* The plan, once what was found is what was confirmed and what the release row says. The row is
 * completed. */
int deploy_plan(struct worker *w, struct run *run, const struct deploy_found *found, json_t **plan,
                struct err *err) MUST_USE;

/* As in struct job_kind. */
int deploy_open(struct worker *w, struct run *run, struct err *err) MUST_USE;
int deploy_begin(struct worker *w, struct run *run, json_t *frame, int *fd,
                 struct err *err) MUST_USE;
int deploy_store(struct worker *w, struct run *run, json_t *detail, struct err *err) MUST_USE;
int deploy_finish(struct worker *w, struct run *run, struct err *err) MUST_USE;

#endif

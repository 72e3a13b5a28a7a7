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

/* Parts of it, for jobs that run other steps of the recipe on the same servers. */
int deploy_recipe(struct worker *w, struct run *run, const json_t *environment,
                  struct err *err) MUST_USE; /* run->recipe, loaded anew */
json_t *deploy_hosts(const json_t *basis);   /* of the app, a new list for a plan */
/* Connect, lock, forward, unlock, undo; the two lists are recipe.json's, or NULL. */
int deploy_steps(const json_t *forward, const json_t *undo, const json_t *settings, json_t *steps,
                 struct err *err) MUST_USE;
/* All of a deploy's steps, those of its load balancers among the hosts too. */
int deploy_all_steps(const struct run *run, const struct deploy_found *found, const json_t *hosts,
                     json_t *steps, struct err *err) MUST_USE;
/* A begin frame but for the artefact: target, settings, version, and each step's script and input
 * as of run->release and run->plan. */
int deploy_frame(struct worker *w, struct turn *turn, json_t *frame, struct err *err) MUST_USE;
/* What stands in front of a step's script: lib.sh, what the recipe shares with others, the scripts
 * named in `more` (a list, or NULL), and its own common.sh where it has one. New reference; NULL:
 * no text, or too long. */
json_t *deploy_library(const struct recipe *recipe, const json_t *more);
/* run->recipe is, or becomes, that of the plan's basis; ERR_CONFLICT when it is another by now. */
int deploy_same_recipe(struct worker *w, struct run *run, struct err *err) MUST_USE;

/* As in struct job_kind. */
int deploy_open(struct worker *w, struct run *run, struct err *err) MUST_USE;
int deploy_begin(struct worker *w, struct turn *turn, json_t *frame, int *fd,
                 struct err *err) MUST_USE;
int deploy_store(struct worker *w, struct run *run, json_t *detail, struct err *err) MUST_USE;
int deploy_finish(struct worker *w, struct run *run, struct err *err) MUST_USE;

#endif

/* deploy_input.h - what the step scripts of a recipe get on standard input (docs/add-a-recipe.md,
 * "Scripts"): shell assignments. Every step gets the job, the release and the settings; the
 * environment's variables and files (WL_ENV_FILE, WL_FILE_<n>_*: deploy_files.h), the Compose file
 * (WL_SET_COMPOSE), registry logins (WL_REGISTRY_<n>_*) and the repository's key or token
 * (WL_GIT_SECRET) only the steps whose recipe.json asks for them. What depends on the target's home
 * folder (WL_JOB_DIR, WL_ARTEFACT, WL_LOCK_DIR, WL_RESULT) the runner puts in front. A step of the
 * plan may have assignments of its own, `assign`. */
#ifndef WL_WORKER_JOBS_DEPLOY_INPUT_H
#define WL_WORKER_JOBS_DEPLOY_INPUT_H

#include "worker/run.h"

struct deploy_input {
    struct buf common; /* for every step */
    struct buf secrets, compose, registries, repository;
    json_t *expect;   /* {key: hex MAC} of the variables, for steps of mode read_back */
    char mac_key[65]; /* hex; made for this start of a runner */
};

void deploy_input_init(struct deploy_input *input);
/* Overwrites the bytes. */
void deploy_input_deinit(struct deploy_input *input);
/* What an earlier host of the job settled, or the release that comes back ran; "" for nothing. */
struct deploy_settled {
    const char *pins;   /* lines `service<TAB>image@digest` */
    const char *commit; /* hex */
};
int deploy_input_make(struct deploy_input *input, struct worker *w, struct run *run,
                      const struct deploy_settled *settled, struct err *err) MUST_USE;
/* The input of one step (an object of plan_add_step) as a new JSON string. */
int deploy_input_text(const struct deploy_input *input, const json_t *step, json_t **text,
                      struct err *err) MUST_USE;

/* What a step of mode read_back compares with: its members expect and mac_key. */
int deploy_input_expect(const struct deploy_input *input, json_t *step, struct err *err) MUST_USE;

#endif

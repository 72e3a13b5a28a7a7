/* deploy_input.h - what the step scripts of a recipe get on standard input (docs/add-a-recipe.md,
 * "Scripts"): shell assignments. Every step gets the job, the release and the settings; the
 * environment's variables and files (WL_ENV_FILE, WL_FILE_<n>_*: deploy_files.h), the Compose file
 * (WL_SET_COMPOSE) and registry logins (WL_REGISTRY_<n>_*) only the steps whose recipe.json asks
 * for them. What depends on the target's home folder (WL_JOB_DIR, WL_ARTEFACT, WL_LOCK_DIR,
 * WL_RESULT) the runner puts in front. A step of the plan may have assignments of its own,
 * `assign`. */
#ifndef WL_WORKER_JOBS_DEPLOY_INPUT_H
#define WL_WORKER_JOBS_DEPLOY_INPUT_H

#include "worker/run.h"

struct deploy_input {
    struct buf common; /* for every step */
    struct buf secrets, compose, registries;
    json_t *expect;   /* {key: hex MAC} of the variables, for steps of mode read_back */
    char mac_key[65]; /* hex; made for this start of a runner */
};

void deploy_input_init(struct deploy_input *input);
/* Overwrites the bytes. */
void deploy_input_deinit(struct deploy_input *input);
/* pins: lines `service<TAB>image@digest` that an earlier host of the job settled; "" for none. */
int deploy_input_make(struct deploy_input *input, struct worker *w, struct run *run,
                      const char *pins, struct err *err) MUST_USE;
/* The input of one step (an object of plan_add_step) as a new JSON string. */
int deploy_input_text(const struct deploy_input *input, const json_t *step, json_t **text,
                      struct err *err) MUST_USE;

/* What a step of mode read_back compares with: its members expect and mac_key. */
int deploy_input_expect(const struct deploy_input *input, json_t *step, struct err *err) MUST_USE;

#endif

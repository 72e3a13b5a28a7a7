/* deploy_input.h - what the step scripts of a recipe get on standard input (docs/add-a-recipe.md,
 * "Scripts"): shell assignments, with the environment's values in WL_ENV_FILE for the steps that
 * ask for them. What depends on the target's home folder (WL_JOB_DIR, WL_ARTEFACT, WL_LOCK_DIR,
 * WL_RESULT) the runner puts in front. */
#ifndef WL_WORKER_JOBS_DEPLOY_INPUT_H
#define WL_WORKER_JOBS_DEPLOY_INPUT_H

#include "worker/run.h"

struct deploy_input {
    struct buf common; /* for every step */
    struct buf secret; /* WL_ENV_FILE */
};

void deploy_input_init(struct deploy_input *input);
/* Overwrites the bytes. */
void deploy_input_deinit(struct deploy_input *input);
int deploy_input_make(struct deploy_input *input, struct worker *w, struct run *run,
                      struct err *err) MUST_USE;
/* The input of one step as a new JSON string. */
int deploy_input_text(const struct deploy_input *input, bool secrets, json_t **text,
                      struct err *err) MUST_USE;

#endif

/* deploy_commit.h - which commit a deploy runs: what the recipe's step "checkout" found on the
 * first host, as the result `commit`. The hosts after it check out that one, whatever a branch has
 * become since, and the release row keeps it. */
#ifndef WL_WORKER_JOBS_DEPLOY_COMMIT_H
#define WL_WORKER_JOBS_DEPLOY_COMMIT_H

#include "worker/run.h"

/* 40 or 64 hex digits, or "" for recipes without a repository and before the step. */
#define DEPLOY_COMMIT_SIZE 65
int deploy_commit(struct worker *w, const struct run *run, char commit[DEPLOY_COMMIT_SIZE],
                  struct err *err) MUST_USE;

#endif

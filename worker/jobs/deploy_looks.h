/* deploy_looks.h - what a deploy sees of earlier releases, written down for the pages that say
 * whether one can be gone back to: which of them the servers still have, and whether their secret
 * sets open. Seen, with the time; what nobody looked at has no row. */
#ifndef WL_WORKER_JOBS_DEPLOY_LOOKS_H
#define WL_WORKER_JOBS_DEPLOY_LOOKS_H

#include "worker/run.h"

/* Steps report kept_<n> = ids of releases with blanks between, and kept = how many. One look for
 * each server on which such a step ended well. Needs an open transaction. */
int deploy_looks_store(struct worker *w, const struct run *run, struct err *err) MUST_USE;
/* Tries to open the sets of releases that once were live. Opens its own transaction. */
int deploy_looks_secrets(struct worker *w, const struct run *run, struct err *err) MUST_USE;

#endif

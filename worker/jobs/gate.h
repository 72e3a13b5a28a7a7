/* gate.h - whether a job that changes what serves may begin now, for the one who asked. The web
 * side has asked the same, but a job may have waited, and the page is the web side's. */
#ifndef WL_WORKER_JOBS_GATE_H
#define WL_WORKER_JOBS_GATE_H

#include "worker/run.h"

/* For `plan`, with the environment's row of this moment. trigger: of the release that is made
 * (db/pauses.h), or TRIGGER_BUTTON. ERR_CONFLICT with a sentence: the environment is locked
 * (db/locks.h), and who asked, as proven, may not unlock it or is no person; or a freeze window
 * holds (db/freezes.h), a release is made that is no rollback's, and it was no admin who gave a
 * reason for it. */
int job_gate(struct worker *w, const struct run *run, const json_t *environment,
             const char *trigger, struct err *err) MUST_USE;

#endif

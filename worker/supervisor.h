/* supervisor.h - the worker's one poll loop: wakes, questions, runners, masks, timers, signals.
 *
 * One supervisor per database: it holds the flock of run/worker.lock; another one waits for it. */
#ifndef WL_WORKER_SUPERVISOR_H
#define WL_WORKER_SUPERVISOR_H

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "worker/config.h"

/* Runs until SIGTERM or SIGINT. -1 when it could not begin. */
int supervisor_main(const struct worker_config *config, struct err *err) MUST_USE;

#endif

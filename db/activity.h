/* activity.h - what is going on right now: small answers that every page, and the stream of live
 * logs, ask for again and again. */
#ifndef WL_DB_ACTIVITY_H
#define WL_DB_ACTIVITY_H

#include <stdbool.h>
#include <stdint.h>
#include "db/db.h"

/* How many jobs are queued or running. */
int activity_running_jobs(struct db *db, int64_t *count, struct err *err) MUST_USE;
/* Whether the job has ended. ERR_NOT_FOUND when there is no such job. */
int activity_job_ended(struct db *db, const char *job_id, bool *ended, struct err *err) MUST_USE;

#endif

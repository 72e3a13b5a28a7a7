/* jobs_wait.h - what a queued job waits for. A pure rule over rows, the same as that by which the
 * worker claims (queries/shared/job.sql, job_claim): exclusive jobs wait for every running
 * exclusive or shared one of their environment, shared ones for a running exclusive one and for
 * older queued exclusive ones, others for nothing; and of those that may begin the oldest does. */
#ifndef WL_DB_JOBS_WAIT_H
#define WL_DB_JOBS_WAIT_H

#include <jansson.h>
#include <stdbool.h>

enum job_wait {
    JOB_WAIT_NOT = 0, /* it is not queued */
    JOB_WAIT_DOWN,    /* the worker is not running: nothing begins */
    JOB_WAIT_RUNNING, /* for `other`, which runs */
    JOB_WAIT_OLDER,   /* for `other`, which is queued before it */
    JOB_WAIT_TURN     /* for nothing but the worker's next look */
};
struct job_waiting {
    enum job_wait why;
    const json_t *other; /* borrowed from active; NULL where there is none */
};

/* active: rows of job_list_active; job: a row with id, state, serial and env_id. Its lock class is
 * read from its row in `active`; one that is not there any more has begun. */
struct job_waiting job_waits_for(const json_t *active, const json_t *job, bool worker_runs);

#endif

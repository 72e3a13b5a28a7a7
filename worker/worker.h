/* worker.h - what the parts of the supervisor share. One process, one thread, one poll loop
 * (supervisor.c); nothing here blocks for longer than a database write. */
#ifndef WL_WORKER_WORKER_H
#define WL_WORKER_WORKER_H

#include <stdbool.h>
#include "db/db.h"
#include "db/jobs.h"
#include "db/vault/vault.h"
#include "worker/config.h"

#define WORKER_RUNS_MAX 32 /* jobs at a time; others stay queued */

struct run;

struct worker {
    struct worker_config config;
    struct db *db;
    struct vault *vault;
    char owner[JOB_OWNER_SIZE];
    struct run *runs[WORKER_RUNS_MAX];
    size_t run_count;
    bool stopping; /* no claims, no further steps */
};

#endif

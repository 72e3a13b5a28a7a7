/* config.h - the worker's settings: WL_* of the environment, and the paths that follow from WL_VAR
 * (docs/architecture.md, "The data folder"). */
#ifndef WL_WORKER_CONFIG_H
#define WL_WORKER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/log.h"

#define WORKER_PATH_MAX 1024

struct worker_config {
    char var[WORKER_PATH_MAX / 2];
    char program[WORKER_PATH_MAX]; /* this binary: children are the same with -x */
    char db[WORKER_PATH_MAX];
    char lock[WORKER_PATH_MAX]; /* one supervisor at a time holds its flock */
    char poke[WORKER_PATH_MAX];
    char artefacts[WORKER_PATH_MAX];
    char logs[WORKER_PATH_MAX];
    char recipes[WORKER_PATH_MAX];
    char ballast[WORKER_PATH_MAX]; /* given back to the disk when it is full */
    char runner[WORKER_PATH_MAX];  /* WL_RUNNER: another program in the runner's place (tests) */
    char failpoints[WORKER_PATH_MAX / 2]; /* WL_FAILPOINTS: worker/failpoint.h (tests) */
    bool unmasked; /* WL_UNMASKED=1: no value is hidden in logs (tests, to see that they notice) */
    char allow[WORKER_PATH_MAX]; /* WL_FETCH_ALLOW: addresses that may be fetched from although
                                    private, with commas */
    int group;                   /* WL_GROUP; -1: none */
    int64_t log_max;             /* WL_LOG_MAX: bytes of output kept per job */
    enum log_level level;
};

/* A missing WL_VAR, or one that is not an absolute path, is ERR_INPUT. */
int worker_config_load(struct worker_config *config, struct err *err) MUST_USE;

#endif

/* child.h - one program that `windlass up` keeps running. */
#ifndef WL_CLI_UP_CHILD_H
#define WL_CLI_UP_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/proc.h"

#define CHILD_ARGS_MAX 12

struct child {
    const char *name;                 /* "web": in messages and log lines */
    struct proc_spec spec;            /* argv points to `argv` below */
    const char *argv[CHILD_ARGS_MAX]; /* NULL-terminated */
    pid_t pid;                        /* 0: not running */
    int64_t started_at;               /* monotonic ms */
    int64_t start_at;                 /* when to start it again; 0: not waiting */
    int failures;                     /* quick deaths in a row */
    int starts;
    bool ends_group; /* what it has forked is of no use without it: killed when it ends */
    int last_status; /* wait status of the last end */
};

int child_start(struct child *child, struct err *err) MUST_USE;
/* It has ended with this wait status: says so on standard error and plans the next start (0.2 s,
 * doubling to 10 s; a program that lived 30 s begins at 0.2 s again). */
void child_ended(struct child *child, int wait_status);
/* Start it when its time has come; a failure plans the next try. */
void child_tick(struct child *child);
/* Milliseconds until it wants to be started; -1: it does not. */
int child_due_ms(const struct child *child);
/* The end of a process in words: "exit status 3", "signal 9 (Killed)". */
const char *child_end_text(char *dst, size_t size, int wait_status);

#endif

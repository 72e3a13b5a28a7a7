/* isolation.h - which users the programs of `windlass up` run as.
 *
 * As root each program gets a numeric user of its own (no account is created), so that the web side
 * cannot open the vault. As an ordinary user all share that one, and what keeps them apart is
 * Landlock and PR_SET_DUMPABLE 0, which web and stream apply to themselves. */
#ifndef WL_CLI_UP_ISOLATION_H
#define WL_CLI_UP_ISOLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

struct isolation {
    bool is_separate; /* false: all ids below are 0 and mean "as we are" */
    uid_t web, stream, worker, nginx;
    gid_t group;          /* WL_GROUP: web, stream and worker: the shared database */
    gid_t serve;          /* nginx, and web and stream beside it: masked logs and backups */
    char why_shared[160]; /* root, but not separate: the reason, else "" */
};

/* Unused ids, checked to be usable from here: `readable` (programs, shipped files, data folder;
 * ends with NULL) must be reachable for an ordinary user. Never fails: what is not possible is not
 * separate. */
void isolation_choose(struct isolation *iso, const char *const *readable);

/* Landlock's ABI version of this kernel; 0 when it has none or it is off. */
int isolation_landlock_abi(void);

/* The sentence for the start block, from what the running processes look like: `web` is the pid of
 * windlass-web. */
void isolation_describe(const struct isolation *iso, pid_t web, char *text, size_t size);

#endif

/* owner.h - the name under which a supervisor holds jobs: boot id, pid and the pid's start time, so
 * that another one on this machine can tell whether the holder is still there. */
#ifndef WL_WORKER_OWNER_H
#define WL_WORKER_OWNER_H

#include <stdbool.h>
#include "db/jobs.h"

void owner_name(char name[JOB_OWNER_SIZE]);
/* True when the holder can be shown to be gone: another boot of this machine, or no process with
 * this pid and start time. A text that is not an owner's name is taken for a dead one. */
bool owner_is_dead(const char *name);

#endif

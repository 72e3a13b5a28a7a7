/* descend.h - every process that came from this one, and ending them.
 *
 * Works because the caller is a child subreaper (PR_SET_CHILD_SUBREAPER): a descendant whose parent
 * died, also one that called setsid, has us as its parent and is found again. */
#ifndef WL_CLI_UP_DESCEND_H
#define WL_CLI_UP_DESCEND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

int descend_adopt(struct err *err) MUST_USE; /* become the subreaper */
/* Send a signal to every living descendant; how many there were. Zombies do not count. */
int descend_signal(int signal_number);
/* Reap whatever has ended. */
void descend_reap(void);
/* TERM, wait until the monotonic deadline, then KILL until nothing is left (at most 5 s more).
 * Returns how many had to be killed; -1 when some could not be. */
int descend_end_all(int64_t mono_deadline);

#endif

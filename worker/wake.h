/* wake.h - run/poke.sock: a datagram of any content says "look at the queue now". Losing one costs
 * at most a second. */
#ifndef WL_WORKER_WAKE_H
#define WL_WORKER_WAKE_H

#include <stdbool.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "worker/config.h"

/* Bind it (a stale one is replaced): 0600, or 0660 and the group of WL_GROUP. The descriptor or -1.
 */
int wake_listen(const struct worker_config *config, struct err *err) MUST_USE;
/* Read away what is waiting; true when there was anything. */
bool wake_drain(int fd);

#endif

/* layout.h - the data folder on disk: which folders, whose, which modes (docs/architecture.md, "The
 * data folder"). */
#ifndef WL_CLI_UP_LAYOUT_H
#define WL_CLI_UP_LAYOUT_H

#include "cli/place.h"
#include "cli/up/isolation.h"

/* Before anything is made: the path is short enough for sockets, has no character nginx cannot
 * take, and is either new, empty or ours already. */
int layout_check(const struct place *place, struct err *err) MUST_USE;
/* Make the folder itself; then hold its lock for the life of this process. ERR_BUSY when another
 * `windlass up` has it (its pid is named). Returns the lock's descriptor, -1 on error. */
int layout_lock(const struct place *place, struct err *err) MUST_USE;
/* Make every folder with owner and mode; files of an earlier run under other users are handed over.
 */
int layout_make(const struct place *place, const struct isolation *iso, struct err *err) MUST_USE;

#endif

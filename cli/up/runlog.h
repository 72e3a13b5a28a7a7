/* runlog.h - the log of the programs that `windlass up` runs: one file, var/run/log/windlass.log,
 * kept below a maximum. */
#ifndef WL_CLI_UP_RUNLOG_H
#define WL_CLI_UP_RUNLOG_H

#include "cli/place.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"

/* Open for appending; the descriptor or -1. */
int runlog_open(const struct place *place, struct err *err) MUST_USE;
/* When it is over 8 MB, what is in it becomes windlass.log.1 and it begins again empty; writers
 * keep their descriptor. */
void runlog_bound(const struct place *place, int fd);
/* Print its last lines, at most 2 KB, indented, to standard error. */
void runlog_show_end(int fd);

#endif

/* failpoint.h - for tests: a place in a job at which this supervisor stops until somebody has done
 * their worst.
 *
 * Off unless WL_FAILPOINTS names a folder. A test that wants a step stopped puts a file
 * <environment>.<step>.<point> there. When the job comes to that point the file is renamed to
 * *.hit; the frame in hand then waits, as it would for a locked database, while all other jobs go
 * on. The test kills what it wants to kill and removes *.hit. After ten seconds in which it did not
 * the supervisor removes the file itself and goes on, so that the test cannot take a late kill for
 * one at this point.
 *
 *     before_intent    the runner said what it is about to do; nothing is written
 *     after_intent     written; the runner was not let go yet
 *     before_outcome   the runner said how the step went; nothing is written. The same for the
 *                      job's end, as the step `end` */
#ifndef WL_WORKER_FAILPOINT_H
#define WL_WORKER_FAILPOINT_H

#include <stdbool.h>
#include "worker/turn.h"

/* True: stop here and come back at turn->wake_at. */
bool failpoint_holds(const struct worker *w, struct turn *turn, const char *step,
                     const char *point);

#endif

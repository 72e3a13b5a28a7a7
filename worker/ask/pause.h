/* pause.h - for tests: a place in a verb at which the child that answers it waits until somebody
 * has done their worst (worker/failpoint.h has the jobs' half).
 *
 * Off unless WL_FAILPOINTS names a folder. While it holds a file ask.<point>, that is renamed to
 * *.hit, and the child waits until *.hit is gone; its own alarm ends the wait at the latest. */
#ifndef WL_WORKER_ASK_PAUSE_H
#define WL_WORKER_ASK_PAUSE_H

/* point: "secrets.save.begun", ... */
void ask_pause(const char *point);

#endif

/* stop.h - being asked to end, without being cut in the middle of a request.
 *
 * SIGTERM and SIGINT stay blocked except while the program waits for work, with the mask that
 * stop_prepare gives to ppoll(2) or pselect(2). Signals may still come between two waits:
 * stop_asked() is looked at before each. */
#ifndef WL_CGI_HTTP_STOP_H
#define WL_CGI_HTTP_STOP_H

#include <signal.h>
#include <stdbool.h>

/* Once, at the start of the process. *waiting receives the signal mask to wait with. */
void stop_prepare(sigset_t *waiting);
bool stop_asked(void);

#endif

/* queue.h - from the job table to runs: claiming, taking over, and ending what was cancelled while
 * it waited. */
#ifndef WL_WORKER_QUEUE_H
#define WL_WORKER_QUEUE_H

#include "worker/run.h"

/* At the start: take over running jobs whose holder is dead or whose lease is over. Also done by
 * queue_look, for holders that die later (a shared disk, a copied lock). */
void queue_recover(struct worker *w);
/* Claim what may begin, as long as there is room. */
void queue_look(struct worker *w);

#endif

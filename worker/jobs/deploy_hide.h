/* deploy_hide.h - what a deploy must not show: see deploy_hide.c. */
#ifndef WL_WORKER_JOBS_DEPLOY_HIDE_H
#define WL_WORKER_JOBS_DEPLOY_HIDE_H

#include "worker/run.h"

/* Makes run->hide and run->hidden anew. A value of this release's set that does not open is an
 * error; one of another set (the newest, the live one) is left out. */
int deploy_hide(struct worker *w, struct run *run, struct err *err) MUST_USE;

#endif

/* submit.h - what every page that starts a job does: prove who asks, add the row, wake the worker.
 */
#ifndef WL_CGI_PAGES_SUBMIT_H
#define WL_CGI_PAGES_SUBMIT_H

#include "cgi/http/request.h"
#include "db/jobs_web.h"
#include "lib/base/attr.h"

/* Complete `job` (kind and place are set): its id, sealed proof (docs/architecture.md "Who asked"),
 * requested_by, and idem = id when it has none. What it points to lives in the request's arena. */
int submit_prepare(struct request *req, struct job_request *job, struct err *err) MUST_USE;
/* submit_prepare, job_request_add and a poke. */
int submit_job(struct request *req, struct job_request *job, struct job_added *added,
               struct err *err) MUST_USE;

#endif

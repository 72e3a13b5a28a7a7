/* job_waits.h - what queued jobs wait for, in words (db/jobs_wait.h). */
#ifndef WL_CGI_PAGES_JOB_WAITS_H
#define WL_CGI_PAGES_JOB_WAITS_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "lib/base/attr.h"

/* row: of job_read or a list. "" for one that is not queued. */
int job_waits_text(struct request *req, const json_t *row, json_t **text, struct err *err) MUST_USE;
/* As part_jobs; a queued one has as `summary` what it waits for. */
int job_waits_list(struct request *req, const json_t *rows, json_t **jobs,
                   struct err *err) MUST_USE;

#endif

/* job_steps.h - hosts × steps of a job as its page shows them. */
#ifndef WL_CGI_PAGES_JOB_STEPS_H
#define WL_CGI_PAGES_JOB_STEPS_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "cgi/pages/job_lines.h"
#include "db/jobs_web.h"
#include "lib/base/attr.h"

/* Rows of one job. */
struct job_view {
    json_t *job, *hosts, *steps;
    struct job_estimate estimate;
    struct job_lines *lines;
    int64_t wanted_host; /* of many: the one that is to be shown with its steps; -1: none */
};

/* Of the hosts that are shown with their steps (job_hosts.h): new list of {index, id, slug, href,
 * name, status, left_as, steps}. */
int job_hosts_model(const struct job_view *view, json_t **hosts, struct err *err) MUST_USE;
/* {value, max, percent, text, estimate_text, estimate_from, expected_ms, is_estimated}; null when
 * the job has ended or not begun. */
json_t *job_progress_model(const struct job_view *view);
/* The first step that did not go well, in the order they ran; NULL when there is none. Borrowed. */
const json_t *job_bad_step(const struct job_view *view);
/* "s3" on the first host, "h1-s3" on the second. */
void job_step_anchor(const json_t *step, char *anchor, size_t size);
/* An undo step that never had its turn is not worth a row. */
bool job_step_is_shown(const json_t *step);

#endif

/* job_lines.h - the lines of a job's log, by host and step, as the job's page shows them. */
#ifndef WL_CGI_PAGES_JOB_LINES_H
#define WL_CGI_PAGES_JOB_LINES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "cgi/http/request.h"
#include "lib/base/attr.h"

#define JOB_LINES_SHOWN 2000

struct job_lines; /* in the request's arena */

/* Read the whole log once, keep the last JOB_LINES_SHOWN lines. No file: no lines, offset 0. */
int job_lines_read(struct request *req, const char *job_id, struct job_lines **lines,
                   struct err *err) MUST_USE;
/* Where the file ended: the live part goes on from there. */
int64_t job_lines_offset(const struct job_lines *lines);
/* How many hidden values stand as *** in it so far. */
int64_t job_lines_masked(const struct job_lines *lines);
bool job_lines_exist(const struct job_lines *lines);

/* The lines of one step: new list of {n, id, kind, time, spans}; ids begin with the anchor. */
struct step_lines {
    json_t *list;
    int64_t count;   /* all of them, also those not in the list */
    bool is_partial; /* the last one has not ended */
};
int job_lines_of(const struct job_lines *lines, int host, int step, const char *anchor,
                 struct step_lines *out, struct err *err) MUST_USE;
void job_lines_close(struct job_lines *lines); /* NULL is fine */

#endif

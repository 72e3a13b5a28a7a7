/* job_hosts.h - a job on many hosts: a table of all of them, those that need a person first, and
 * which ones are shown with their steps. Up to JOB_HOSTS_WHOLE hosts are all shown, without it. */
#ifndef WL_CGI_PAGES_JOB_HOSTS_H
#define WL_CGI_PAGES_JOB_HOSTS_H

#include "cgi/pages/job_steps.h"

#define JOB_HOSTS_WHOLE 8

/* As pages show it: its verdict, or running, or queued. Borrowed. */
const char *job_host_state(const json_t *host);
/* Whether this one is shown with its steps: the one that was asked for, else those that failed or
 * work now, up to JOB_HOSTS_WHOLE of them. */
bool job_host_is_whole(const struct job_view *view, const json_t *host);
/* New object {is_many, counts_text, rows: [{name, href, status, step_text, left_as, is_whole}]};
 * rows is empty for few hosts. */
json_t *job_hosts_overview(const struct job_view *view);

#endif

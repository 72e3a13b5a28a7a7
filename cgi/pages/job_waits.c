/* job_waits.c - see job_waits.h. */
#include "cgi/pages/job_waits.h"

#include "cgi/http/ask.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/jobs_wait.h"
#include "db/jobs_web.h"
#include "lib/base/str.h"

/* "deploy v14 of Ann Weaver", "restart #12 of Ann Weaver" */
static const char *name_of(struct request *req, const json_t *row)
{
    bool is_release = row_has(row, "release_number");
    const char *text = arena_printf(
        req->arena, "%s %c%lld of %.60s", row_text(row, "kind"), is_release ? 'v' : '#',
        (long long)row_int(row, is_release ? "release_number" : "number"),
        row_has(row, "by_name") ? row_text(row, "by_name") : "Windlass");
    return text == NULL ? "" : text;
}

static json_t *words_of(struct request *req, const struct job_waiting *waiting)
{
    json_t *when;
    switch (waiting->why) {
    case JOB_WAIT_NOT:
        break;
    case JOB_WAIT_DOWN:
        return json_string("The worker is not running, so nothing begins. Start it: windlass up, "
                           "or systemctl start windlass-worker.");
    case JOB_WAIT_RUNNING:
        when = part_time(row_int(waiting->other, "started_at"));
        return part_text("Waits for %s, running since %s.", name_of(req, waiting->other),
                         row_text(when, "text"));
    case JOB_WAIT_OLDER:
        when = part_time(row_int(waiting->other, "created_at"));
        return part_text("Waits for %s, which was asked for before it, %s.",
                         name_of(req, waiting->other), row_text(when, "text"));
    case JOB_WAIT_TURN:
        return json_string("Waits for the worker to take it.");
    }
    return json_string("");
}

int job_waits_text(struct request *req, const json_t *row, json_t **text, struct err *err)
{
    json_t *active = NULL;
    struct job_waiting waiting;
    *text = json_string("");
    if (!str_equal(row_text(row, "state"), "queued"))
        return 0;
    if (job_list_active(req->db, &active, err) != 0)
        return -1;
    waiting = job_waits_for(active, row, ask_worker_runs(req));
    *text = words_of(req, &waiting);
    return 0;
}

int job_waits_list(struct request *req, const json_t *rows, json_t **jobs, struct err *err)
{
    json_t *active = NULL;
    const json_t *row;
    bool runs = false;
    size_t i;
    *jobs = part_jobs(rows);
    json_array_foreach(rows, i, row)
    {
        struct job_waiting waiting;
        if (!str_equal(row_text(row, "state"), "queued"))
            continue;
        if (active == NULL) {
            if (job_list_active(req->db, &active, err) != 0)
                return -1;
            runs = ask_worker_runs(req);
        }
        waiting = job_waits_for(active, row, runs);
        json_object_set_new(json_array_get(*jobs, i), "summary", words_of(req, &waiting));
    }
    return 0;
}

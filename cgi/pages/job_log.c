/* job_log.c - /jobs/{id}/log, /raw, /cancel: the log for polling and as a file, and the red button.
 */
#include "cgi/http/ask.h"
#include "cgi/http/joblog_read.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/jobs_web.h"
#include "lib/base/io.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"

#define EVENTS_MAX 500

static int find_job(struct request *req, json_t **job, struct err *err)
{
    if (!crypto_is_id(request_param(req, 0)))
        return err_set(err, ERR_NOT_FOUND, "There is no such job.");
    return job_read(req->db, request_param(req, 0), job, err);
}

/* A job may end without a log (cancelled while queued), or lose its last record to a crash: what
 * the row says counts, once there is nothing left to read. */
int job_log_show(struct request *req, struct response *res, struct err *err)
{
    json_t *job = NULL, *result = NULL;
    int64_t from = request_query_int(req, "from", 0, INT64_MAX, 0);
    if (find_job(req, &job, err) != 0
        || joblog_read(req->site, row_text(job, "id"), from, EVENTS_MAX, &result, err) != 0)
        return -1;
    if (str_equal(row_text(job, "state"), "ended")
        && json_array_size(json_object_get(result, "events")) == 0)
        json_object_set_new(result, "ended", json_true());
    return respond_json(res, 200, result);
}

int job_raw_show(struct request *req, struct response *res, struct err *err)
{
    json_t *job = NULL;
    const char *uri;
    int fd = -1;
    if (find_job(req, &job, err) != 0 || joblog_open(req->site, row_text(job, "id"), &fd, err) != 0)
        return -1;
    if (fd < 0)
        return err_set(err, ERR_NOT_FOUND, "This job has written no log.");
    io_close(&fd);
    uri = arena_printf(req->arena, "/_logs/%s.log", row_text(job, "id"));
    if (uri == NULL)
        return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    return respond_file(res, uri, "text/plain; charset=utf-8", "");
}

/* `how` says what the page offered: a second click on the first button must not kill. */
int job_cancel(struct request *req, struct response *res, struct err *err)
{
    json_t *job = NULL;
    int64_t wanted = str_equal(request_field(req, "how"), "2") ? 2 : 1;
    int is = 0;
    if (find_job(req, &job, err) != 0)
        return -1;
    if (row_int(job, "cancel") < wanted && !str_equal(row_text(job, "state"), "ended")) {
        if (job_request_cancel(req->db, &req->actor, job, &is, err) != 0)
            return -1;
        ask_poke(req);
    }
    if (is == 0 && row_int(job, "cancel") == 0)
        respond_flash(res, "warn", "The job had ended already, so there was nothing to cancel.");
    return respond_redirect(res, "/jobs/%s", row_text(job, "id"));
}

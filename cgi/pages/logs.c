/* logs.c - /apps/{app}/{env}/logs: what the app itself has written. The web side touches no server:
 * the form asks for a job that reads the lines into its own log, masked, which its page shows and
 * follows as it does with every job. */
#include <stdio.h>
#include <string.h>
#include "cgi/pages/aside_view.h"
#include "cgi/pages/confirm.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "cgi/pages/submit.h"
#include "db/jobs_web.h"
#include "lib/base/str.h"
#include "lib/domain/aside.h"

#define LOGS_SHOWN 10

static const struct {
    const char *value, *text;
} SINCE[] = {{"0", "from the beginning"},
             {"600", "of the last 10 minutes"},
             {"3600", "of the last hour"},
             {"21600", "of the last 6 hours"},
             {"86400", "of the last day"}},
  LINES[] = {{"100", "100"}, {"500", "500"}, {"2000", "2,000"}};

/* Of the form that was sent, or of the address, so that a log can be asked for again. */
static const char *value_of(struct request *req, const char *field, const char *otherwise)
{
    const char *text =
        req->method == METHOD_POST ? request_field(req, field) : request_query(req, field);
    return text[0] == '\0' ? otherwise : text;
}

static json_int_t number_of(struct request *req, const char *field, const char *otherwise)
{
    int64_t number = -1;
    if (!str_to_int64(value_of(req, field, otherwise), 0, INT64_MAX, &number))
        number = -1;
    return (json_int_t)number;
}

static json_t *params_of(struct request *req, const struct aside_view *v)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:b}", "server_id",
                     row_text(aside_server(v, request_field(req, "server")), "id"), "service",
                     request_field(req, "service"), "filter", request_field(req, "filter"), "lines",
                     number_of(req, "lines", "100"), "since_s", number_of(req, "since_s", "0"),
                     "follow", (int)str_equal(request_field(req, "follow"), "1"));
}

static json_t *page_of(struct request *req, const struct aside_view *v)
{
    static const char *const FIELDS[] = {"server", "service", "lines", "since_s", "follow"};
    json_t *page = aside_page_new(req, v, "Log");
    for (size_t i = 0; i < COUNT_OF(FIELDS); i++)
        page_field(page, FIELDS[i], value_of(req, FIELDS[i], ""));
    page_field(page, "filter", value_of(req, "filter", ""));
    confirm_fields(req, page);
    return page;
}

static int add_recent(struct request *req, const struct aside_view *v, json_t *data,
                      struct err *err)
{
    struct job_filter filter = {
        .environment_id = row_text(v->card, "id"), .kind = "logs", .limit = LOGS_SHOWN};
    json_t *rows = NULL;
    if (job_list(req->db, &filter, &rows, err) != 0)
        return -1;
    part_set_list(data, "jobs", "has_jobs", part_jobs(rows));
    return 0;
}

static void add_choices(struct request *req, const struct aside_view *v, json_t *data)
{
    json_t *since = json_array(), *lines = json_array();
    for (size_t i = 0; i < COUNT_OF(SINCE); i++)
        json_array_append_new(
            since, part_choice(SINCE[i].value, SINCE[i].text,
                               str_equal(SINCE[i].value, value_of(req, "since_s", "0"))));
    for (size_t i = 0; i < COUNT_OF(LINES); i++)
        json_array_append_new(
            lines, part_choice(LINES[i].value, LINES[i].text,
                               str_equal(LINES[i].value, value_of(req, "lines", "100"))));
    json_object_set_new(data, "servers", aside_servers(v, value_of(req, "server", "")));
    json_object_set_new(data, "services", aside_services(v, value_of(req, "service", ""), true));
    json_object_set_new(data, "since", since);
    json_object_set_new(data, "lines", lines);
    json_object_set_new(
        data, "logs_href",
        part_text("/apps/%s/%s/logs", row_text(v->card, "app_slug"), row_text(v->card, "slug")));
}

static int respond(struct request *req, struct response *res, int status,
                   const struct aside_view *v, json_t *page, struct err *err)
{
    json_t *data;
    if (aside_data_new(req, v, &data, err) != 0 || add_recent(req, v, data, err) != 0)
        return -1;
    add_choices(req, v, data);
    return respond_page(res, status, "logs", data, page);
}

int logs_show(struct request *req, struct response *res, struct err *err)
{
    struct aside_view v;
    int rc = -1;
    if (aside_view_read(req, "logs", &v, err) == 0)
        rc = respond(req, res, 200, &v, page_of(req, &v), err);
    aside_view_end(&v);
    return rc;
}

static int answer(struct request *req, struct response *res, const struct aside_view *v,
                  struct err *err)
{
    struct job_request job = confirm_job(req, v->card, "logs", "logs.request");
    struct job_added added;
    struct err e = {0};
    json_t *page = page_of(req, v), *params = params_of(req, v);
    if (aside_check_logs(params, &e) != 0)
        page_error(page, e.field, e.user);
    confirm_check(req, page);
    if (page_has_errors(page) || v->plan.basis == NULL)
        return respond(req, res, 422, v, page, err);
    job.lock_class = "none";
    job.params = params;
    if (submit_job(req, &job, &added, err) != 0)
        return -1;
    return respond_redirect(res, "/jobs/%s", added.id);
}

int logs_save(struct request *req, struct response *res, struct err *err)
{
    struct aside_view v;
    int rc = -1;
    if (aside_view_read(req, "logs", &v, err) == 0)
        rc = answer(req, res, &v, err);
    aside_view_end(&v);
    return rc;
}

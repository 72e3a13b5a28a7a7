/* command.c - /apps/{app}/{env}/command: one command in the context of the live release, first
 * shown with where it runs, then asked for. Not repeated by anybody: not by the worker, and a
 * second click finds the first one's job. */
#include <stdio.h>
#include <string.h>
#include "cgi/pages/aside_view.h"
#include "cgi/pages/confirm.h"
#include "cgi/pages/gates.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/prove.h"
#include "cgi/pages/row.h"
#include "cgi/pages/submit.h"
#include "lib/base/str.h"
#include "lib/domain/aside.h"

#define LIMIT_DEFAULT "300"

static const char *typed_or(struct request *req, const char *field, const char *otherwise)
{
    const char *text = request_field(req, field);
    return text[0] == '\0' ? otherwise : text;
}

/* What the row of the job would hold. */
static json_t *params_of(struct request *req, const struct aside_view *v)
{
    int64_t limit = 0;
    const char *limit_text = typed_or(req, "limit_s", LIMIT_DEFAULT);
    if (!str_to_int64(limit_text, 0, INT64_MAX, &limit))
        limit = 0;
    return json_pack("{s:s, s:s, s:s, s:s, s:I}", "server_id",
                     row_text(aside_server(v, request_field(req, "server")), "id"), "command",
                     request_field(req, "command"), "service", request_field(req, "service"), "how",
                     typed_or(req, "how", "running"), "limit_s", (json_int_t)limit);
}

static json_t *page_of(struct request *req, const struct aside_view *v)
{
    json_t *page = aside_page_new(req, v, "Run a command");
    page_field(page, "server", request_field(req, "server"));
    page_field(page, "service", request_field(req, "service"));
    page_field(page, "command", request_field(req, "command"));
    page_field(page, "how", typed_or(req, "how", "running"));
    page_field(page, "password", NULL);
    page_field(page, "limit_s", typed_or(req, "limit_s", LIMIT_DEFAULT));
    gate_fields(req, page, v->card, GATE_OPERATION);
    confirm_fields(req, page);
    return page;
}

/* Where it would run, in words; null while there is nothing to confirm. */
static json_t *review_model(struct request *req, const struct aside_view *v, bool is_shown)
{
    const char *service = request_field(req, "service");
    bool is_once = str_equal(typed_or(req, "how", "running"), "once");
    const char *where = recipe_takes_artefact(v->recipe)
                            ? "in the folder of the live release, with the variables of the app"
                        : is_once
                            ? "in a container of its own of this service, which is removed after it"
                            : "in the running container of this service";
    if (!is_shown)
        return json_null();
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "command", request_field(req, "command"),
                     "server", request_field(req, "server"), "service", service, "where", where,
                     "limit_s", typed_or(req, "limit_s", LIMIT_DEFAULT), "is_once", (int)is_once);
}

static json_t *ways_of(struct request *req, const struct aside_view *v)
{
    const char *how = typed_or(req, "how", "running");
    const json_t *step = json_array_get(recipe_operation(v->recipe, "command"), 0);
    json_t *list = json_array();
    if (!row_is(step, "once"))
        return list;
    json_array_append_new(
        list, part_choice("running", "In the running container", !str_equal(how, "once")));
    json_array_append_new(list, part_choice("once", "In a container of its own, removed after it",
                                            str_equal(how, "once")));
    return list;
}

static int respond(struct request *req, struct response *res, int status,
                   const struct aside_view *v, json_t *page, struct err *err)
{
    json_t *data, *problems;
    const char *field = "";
    char hash[65] = "";
    struct err ignored = {0};
    json_t *params = params_of(req, v);
    bool is_review = req->method == METHOD_POST && aside_check_command(params, &ignored) == 0
                     && (status == 200 || str_equal(request_field(req, "step"), "run"));
    if (aside_data_new(req, v, &data, err) != 0
        || (v->plan.basis != NULL && confirm_field(req, v->plan.basis, hash, &field, err) != 0))
        return -1;
    json_object_set_new(json_object_get(page, "values"), "plan_hash", json_string(field));
    problems = json_object_get(data, "problems");
    gate_add_problems(req, v->card, GATE_OPERATION, problems);
    json_object_set_new(data, "can", json_boolean(json_array_size(problems) == 0));
    json_object_set_new(data, "servers", aside_servers(v, request_field(req, "server")));
    json_object_set_new(data, "services", aside_services(v, request_field(req, "service"), false));
    part_set_list(data, "ways", "has_ways", ways_of(req, v));
    json_object_set_new(data, "review", review_model(req, v, is_review));
    json_object_set_new(data, "needs_password", json_boolean(!prove_is_fresh(req)));
    json_object_set_new(
        data, "command_href",
        part_text("/apps/%s/%s/command", row_text(v->card, "app_slug"), row_text(v->card, "slug")));
    return respond_page(res, status, "command", data, page);
}

int command_show(struct request *req, struct response *res, struct err *err)
{
    struct aside_view v;
    int rc = -1;
    if (aside_view_read(req, "command", &v, err) == 0)
        rc = respond(req, res, 200, &v, page_of(req, &v), err);
    aside_view_end(&v);
    return rc;
}

/* --- the two buttons --- */

/* Whoever may run a command has a shell on the server: an open browser is not enough for that.
 * Asked last, so that no guess is spent on a form that is refused anyway. */
static void check_password(struct request *req, json_t *page)
{
    struct err e = {0};
    if (prove_is_fresh(req))
        return;
    if (request_field(req, "password")[0] == '\0')
        page_error(page, "password",
                   "Enter your password again: it is more than ten minutes since "
                   "you did.");
    else if (prove_password(req, &e) != 0)
        page_error(page, "password", e.user);
}

/* 0 when it may run, else the status of the page that says what is not. */
static int check_form(struct request *req, const struct aside_view *v, const json_t *params,
                      json_t *page, bool is_run)
{
    struct err e = {0};
    json_t *problems = json_array();
    confirm_check(req, page);
    if (aside_check_command(params, &e) != 0)
        page_error(page, e.field, e.user);
    else if (json_array_size(v->services) > 0 && request_field(req, "service")[0] == '\0')
        page_error(page, "service", "Choose a service.");
    if (is_run)
        gate_check(req, page, v->card, GATE_OPERATION);
    gate_add_problems(req, v->card, GATE_OPERATION, problems);
    if (page_has_errors(page) || v->plan.basis == NULL || json_array_size(problems) > 0)
        return 422;
    if (!is_run)
        return 0;
    if (confirm_compare(req, "plan_hash", v->plan.basis, &e) != 0) {
        confirm_error(page, e.user);
        return 409;
    }
    check_password(req, page);
    return page_has_errors(page) ? 422 : 0;
}

static int add_command(struct request *req, struct response *res, const struct aside_view *v,
                       struct job_request *job, struct err *err)
{
    struct job_added added;
    job->confirmed = v->plan.basis;
    if (submit_job(req, job, &added, err) != 0)
        return -1;
    return respond_redirect(res, "/jobs/%s", added.id);
}

static int answer(struct request *req, struct response *res, const struct aside_view *v,
                  struct err *err)
{
    struct job_request job = confirm_job(req, v->card, "command", "command.request");
    json_t *page = page_of(req, v), *params = params_of(req, v);
    bool is_run = str_equal(request_field(req, "step"), "run");
    int found = is_run ? confirm_second_click(req, res, &job, err) : 0, status;
    if (found != 0)
        return found == 1 ? 0 : -1;
    job.lock_class = "shared";
    job.params = params;
    status = check_form(req, v, params, page, is_run);
    if (status == 0 && is_run)
        return add_command(req, res, v, &job, err);
    return respond(req, res, status == 0 ? 200 : status, v, page, err);
}

int command_save(struct request *req, struct response *res, struct err *err)
{
    struct aside_view v;
    int rc = -1;
    if (aside_view_read(req, "command", &v, err) == 0)
        rc = answer(req, res, &v, err);
    aside_view_end(&v);
    return rc;
}

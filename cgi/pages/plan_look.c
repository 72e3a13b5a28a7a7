/* plan_look.c - which look at the servers is shown, and the button that asks for one:
 * /apps/{app}/{env}/plan (plan_look.h). */
#include "cgi/pages/plan_look.h"

#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "cgi/pages/submit.h"
#include "db/environments.h"
#include "db/plans.h"
#include "db/rollbacks.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

#define TRIED_MS   ((int64_t)3 * 60 * 1000)
#define RUNNING_MS ((int64_t)15 * 60 * 1000)

/* --- which is shown --- */

static bool is_ended(const json_t *row)
{
    return str_equal(row_text(row, "state"), "ended");
}

/* Its plan is made by the worker; until then it is known by what it was asked. */
static bool is_shown(const json_t *row, const json_t *basis, int64_t now)
{
    if (is_ended(row))
        return json_equal(json_object_get(row, "basis"), basis) == 1
               && row_int(row, "ended_at") > now - PLAN_LOOK_FRESH_MS;
    return row_int(row, "created_at") > now - RUNNING_MS
           && (!row_has(row, "basis") || json_equal(json_object_get(row, "basis"), basis) == 1);
}

static void choose(struct request *req, const struct plan_subject *subject, const json_t *rows,
                   struct plan_look *look)
{
    const char *named = request_field(req, "planned");
    int64_t now = clock_now_ms();
    json_t *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        bool is_recent = row_int(row, "created_at") > now - TRIED_MS;
        if (json_equal(json_object_get(row, "params"), subject->params) != 1)
            continue;
        /* One of a plan that is another by now says nothing about this one. */
        look->was_tried = look->was_tried
                          || (is_recent
                              && (!row_has(row, "basis")
                                  || json_equal(json_object_get(row, "basis"), subject->basis)));
        if (look->row == NULL && look->refused == NULL && is_recent && is_ended(row)
            && !row_has(row, "basis"))
            look->refused = row;
        if (look->row == NULL && is_shown(row, subject->basis, now)
            && (named[0] == '\0' || str_equal(named, row_text(row, "id"))))
            look->row = row;
    }
}

/* A form carries the look that its page showed: what came after it was confirmed by nobody. */
static const char *planned_of(struct request *req, const struct plan_look *look)
{
    if (req->method == METHOD_POST)
        return request_field(req, "planned");
    return look->row != NULL && is_ended(look->row) ? row_text(look->row, "id") : "";
}

int plan_look_find(struct request *req, const struct plan_subject *subject, struct plan_look *look,
                   struct err *err)
{
    struct plan_choice choice = {.environment_id = subject->environment_id,
                                 .settings = subject->settings};
    json_t *rows = NULL;
    *look = (struct plan_look){.params = subject->params};
    if (plan_newest(req->db, subject->environment_id, &rows, err) != 0)
        return -1;
    choose(req, subject, rows, look);
    if (look->row != NULL && plan_hosts(req->db, row_text(look->row, "id"), &look->hosts, err) != 0)
        return -1;
    choice.job_id = subject->is_pinned ? "" : planned_of(req, look);
    return choice.job_id[0] == '\0' ? 0 : plan_add_images(req->db, &choice, subject->basis, err);
}

/* --- the button --- */

static int check_params(struct request *req, json_t **params, struct err *err)
{
    const char *version = request_field(req, "version"), *release = request_field(req, "release");
    const char *parts = request_field(req, "parts");
    if (release[0] == '\0' && validate_tag("version", version, err) != 0)
        return -1;
    if (release[0] != '\0' && (!crypto_is_id(release) || rollback_parts(parts) == ROLLBACK_NOTHING))
        return err_field(err, "release",
                         "This form does not say which release would come back. Open the page of "
                         "the rollback again.");
    *params = release[0] == '\0' ? json_pack("{s:s}", "version", version)
                                 : json_pack("{s:s, s:s}", "release", release, "parts", parts);
    return 0;
}

/* Back to the page that asked, which is one of two. */
static int lead_back(struct request *req, struct response *res, const json_t *params,
                     struct err *err)
{
    const char *app = request_param(req, 0), *env = request_param(req, 1);
    json_t *release = NULL;
    if (!row_has(params, "release"))
        return respond_redirect(res, "/apps/%s/%s/deploy?version=%s", app, env,
                                row_text(params, "version"));
    if (environment_release(req->db, row_text(params, "release"), &release, err) != 0)
        return -1;
    if (!json_is_object(release))
        return err_set(err, ERR_NOT_FOUND, "There is no such release.");
    return respond_redirect(res, "/apps/%s/%s/releases/%lld/rollback", app, env,
                            (long long)row_int(release, "number"));
}

/* A look that is under way already is the answer to a second click. */
static bool is_under_way(const json_t *rows, const json_t *params)
{
    const json_t *row;
    size_t i;
    json_array_foreach(
        rows, i, row) if (!is_ended(row) && json_equal(json_object_get(row, "params"), params) == 1
                          && row_int(row, "created_at") > clock_now_ms() - RUNNING_MS) return true;
    return false;
}

int plan_ask(struct request *req, struct response *res, struct err *err)
{
    const char *app = request_param(req, 0), *env = request_param(req, 1);
    json_t *card = NULL, *rows = NULL, *params = NULL;
    struct job_added added;
    struct job_request job = {.kind = "plan", .lock_class = "none", .verb = "plan.request"};
    if (environment_card(req->db, app, env, &card, err) != 0 || check_params(req, &params, err) != 0
        || plan_newest(req->db, row_text(card, "id"), &rows, err) != 0)
        return -1;
    if (!is_under_way(rows, params)) {
        job.environment_id = row_text(card, "id");
        job.app_id = row_text(card, "app_id");
        job.target_name = arena_printf(req->arena, "%s / %s", app, env);
        job.params = params;
        if (job.target_name == NULL || submit_job(req, &job, &added, err) != 0)
            return job.target_name == NULL
                       ? err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.")
                       : -1;
    }
    return lead_back(req, res, params, err);
}

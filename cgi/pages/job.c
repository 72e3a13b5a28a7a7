/* job.c - /jobs/{id}: one run, from the click to the verdict: what it does, its steps with their
 * lines, how long it still takes, what came of it and what to do next. */
#include <stdio.h>
#include <string.h>
#include "cgi/pages/job_hosts.h"
#include "cgi/pages/job_steps.h"
#include "cgi/pages/job_waits.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "cgi/pages/undeployed.h"
#include "db/environments.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"

static int read_view(struct request *req, struct job_view *view, struct err *err)
{
    const char *id = request_param(req, 0);
    *view = (struct job_view){.wanted_host = request_query_int(req, "host", 0, 255, -1)};
    if (!crypto_is_id(id))
        return err_set(err, ERR_NOT_FOUND, "There is no such job.");
    if (job_read(req->db, id, &view->job, err) != 0
        || job_read_hosts(req->db, id, &view->hosts, err) != 0
        || job_read_steps(req->db, id, &view->steps, err) != 0)
        return -1;
    if (row_has(view->job, "env_id")
        && job_estimate(req->db, row_text(view->job, "env_id"), row_text(view->job, "kind"),
                        &view->estimate, err)
               != 0)
        return -1;
    return job_lines_read(req, id, &view->lines, err);
}

/* --- the head --- */

static int head_model(struct request *req, const json_t *row, json_t **head, struct err *err)
{
    json_t *text = NULL;
    if (job_waits_text(req, row, &text, err) != 0)
        return -1;
    *head = part_job(row);
    json_object_set_new(*head, "artefact",
                        !row_has(row, "artefact_sha256")
                            ? json_null()
                            : json_pack("{s:s, s:o, s:o}", "version",
                                        row_text(row, "artefact_version"), "sha256_short",
                                        part_short_hash(row_text(row, "artefact_sha256")),
                                        "size_text", part_size(row_int(row, "artefact_size"))));
    json_object_set_new(*head, "started_ms", json_integer(row_int(row, "started_at")));
    json_object_set_new(*head, "waits_for", text);
    json_object_set_new(*head, "cancel", json_integer(row_int(row, "cancel")));
    return 0;
}

/* --- the verdict --- */

/* Causes end with "Fix: ..." by convention; the page shows the two apart. */
static void split_cause(const char *cause, json_t **why, json_t **fix)
{
    const char *mark = strstr(cause, "Fix: ");
    size_t len = mark == NULL ? strlen(cause) : (size_t)(mark - cause);
    char first[2] = "";
    while (len > 0 && cause[len - 1] == ' ')
        len--;
    *why = json_stringn(cause, len);
    if (mark == NULL) {
        *fix = json_string("");
        return;
    }
    mark += strlen("Fix: ");
    first[0] = mark[0] >= 'a' && mark[0] <= 'z' ? (char)(mark[0] - 'a' + 'A') : mark[0];
    *fix = mark[0] == '\0' ? json_string("") : part_text("%s%s", first, mark + 1);
}

static json_t *left_as_of(const struct job_view *view, bool is_good)
{
    json_t *list = json_array();
    const json_t *host;
    size_t i;
    if (json_array_size(view->hosts) > JOB_HOSTS_WHOLE) /* then the table says it */
        return list;
    json_array_foreach(view->hosts, i, host) if (!is_good && row_text(host, "left_as")[0] != '\0')
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", row_text(host, "name"), "text",
                                              row_text(host, "left_as")));
    return list;
}

static bool is_good_verdict(const char *verdict)
{
    return str_equal(verdict, "live") || str_equal(verdict, "ok");
}

static json_t *verdict_model(const struct job_view *view)
{
    const char *verdict = row_text(view->job, "verdict");
    bool is_good = is_good_verdict(verdict);
    const json_t *bad = is_good ? NULL : job_bad_step(view);
    json_t *cause = NULL, *fix = NULL;
    char anchor[32];
    if (!str_equal(row_text(view->job, "state"), "ended"))
        return json_null();
    split_cause(row_text(bad, "cause"), &cause, &fix);
    if (bad != NULL)
        job_step_anchor(bad, anchor, sizeof anchor);
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:o}", "state", verdict, "text",
                     word_job(verdict), "summary", row_text(view->job, "summary"), "cause", cause,
                     "fix", fix, "step_href",
                     bad == NULL ? json_string("") : part_text("#%s", anchor), "step_text",
                     row_text(bad, "title"), "left_as", left_as_of(view, is_good));
}

/* --- what next --- */

static void add_link(json_t *list, json_t *text, json_t *href)
{
    json_array_append_new(list, json_pack("{s:o, s:o}", "text", text, "href", href));
}

/* The version that is proven here now may go on to production. */
static int add_promotions(struct request *req, const struct job_view *view, json_t *list,
                          struct err *err)
{
    json_t *cards = NULL;
    const json_t *card;
    size_t i;
    if (environment_cards(req->db, row_text(view->job, "app_id"), &cards, err) != 0)
        return -1;
    json_array_foreach(
        cards, i,
        card) if (str_equal(row_text(card, "tier"), "production")
                  && !str_equal(row_text(card, "id"), row_text(view->job, "env_id"))
                  && !str_equal(row_text(card, "live_version"), row_text(view->job, "version")))
        add_link(list, part_text("Promote to %s", row_text(card, "slug")),
                 part_text("/apps/%s/%s/operate/promote?from=%s&release=%lld",
                           row_text(card, "app_slug"), row_text(card, "slug"),
                           row_text(view->job, "env_slug"),
                           (long long)row_int(view->job, "release_number")));
    return 0;
}

static void add_server_link(const struct job_view *view, json_t *list)
{
    const json_t *bad = job_bad_step(view), *host;
    size_t i;
    json_array_foreach(view->hosts, i,
                       host) if (row_has(host, "server_slug")
                                 && (bad == NULL || row_int(bad, "host") == row_int(host, "host")))
    {
        add_link(list, part_text("Open server %s", row_text(host, "server_slug")),
                 part_text("/servers/%s", row_text(host, "server_slug")));
        return;
    }
}

/* A job that stopped before the recipe's own steps is about the server, not about the app. */
static bool is_about_server(const struct job_view *view)
{
    const char *step = row_text(job_bad_step(view), "name");
    return str_equal(row_text(view->job, "verdict"), "unknown") || str_equal(step, "connect")
           || str_equal(step, "lock");
}

static int deploy_links(struct request *req, const struct job_view *view, json_t *list,
                        struct err *err)
{
    const json_t *job = view->job;
    const char *app = row_text(job, "app_slug"), *env = row_text(job, "env_slug");
    bool may_deploy = role_may(req->session.role, CAP_DEPLOY);
    if (is_good_verdict(row_text(job, "verdict"))) {
        add_link(list, part_text("Open %s / %s", app, env), part_text("/apps/%s/%s", app, env));
        return may_deploy ? add_promotions(req, view, list, err) : 0;
    }
    if (is_about_server(view))
        add_server_link(view, list);
    else if (role_may(req->session.role, CAP_SECRETS))
        add_link(list, json_string("Edit secrets"), part_text("/apps/%s/%s/secrets", app, env));
    if (may_deploy)
        add_link(list, json_string("Deploy again"),
                 part_text("/apps/%s/%s/deploy?version=%s", app, env, row_text(job, "version")));
    return 0;
}

/* Of jobs that make no release: where it was, and the same again. */
static void operation_links(struct request *req, const struct job_view *view, json_t *list)
{
    const json_t *job = view->job, *params = json_object_get(job, "params");
    const char *app = row_text(job, "app_slug"), *env = row_text(job, "env_slug");
    const char *kind = row_text(job, "kind");
    bool is_good = is_good_verdict(row_text(job, "verdict"));
    if (!is_good && is_about_server(view))
        add_server_link(view, list);
    if (str_equal(kind, "logs") && role_may(req->session.role, CAP_DEPLOY))
        add_link(list, json_string("Read it again"),
                 part_text("/apps/%s/%s/logs?service=%s&lines=%lld&since_s=%lld", app, env,
                           row_text(params, "service"), (long long)row_int(params, "lines"),
                           (long long)row_int(params, "since_s")));
    else if (str_equal(kind, "command") && role_may(req->session.role, CAP_COMMAND))
        add_link(list, json_string("Another command"), part_text("/apps/%s/%s/command", app, env));
    else if (!is_good)
        add_link(list, json_string("Operate"), part_text("/apps/%s/%s/operate", app, env));
    add_link(list, part_text("Open %s / %s", app, env), part_text("/apps/%s/%s", app, env));
}

static int next_model(struct request *req, const struct job_view *view, json_t **list,
                      struct err *err)
{
    const json_t *job = view->job;
    *list = json_array();
    if (!str_equal(row_text(job, "state"), "ended"))
        return 0;
    if (row_has(job, "env_slug") && row_has(job, "release_number"))
        return deploy_links(req, view, *list, err);
    if (row_has(job, "env_slug")) {
        operation_links(req, view, *list);
        return 0;
    }
    if (row_has(job, "server_slug"))
        add_link(*list, part_text("Open server %s", row_text(job, "server_slug")),
                 part_text("/servers/%s", row_text(job, "server_slug")));
    else if (row_has(job, "app_slug"))
        add_link(*list, part_text("Open %s", row_text(job, "app_name")),
                 part_text("/apps/%s#artefacts", row_text(job, "app_slug")));
    return 0;
}

/* --- the rest --- */

static json_t *cancel_model(const struct request *req, const json_t *job)
{
    int64_t how = row_int(job, "cancel");
    bool is_queued = str_equal(row_text(job, "state"), "queued");
    bool can = !str_equal(row_text(job, "state"), "ended") && how < 2
               && role_may(req->session.role, CAP_DEPLOY) && !(is_queued && how > 0);
    const char *text = how == 0 ? "Cancel" : "Kill now";
    const char *help = is_queued ? "Nothing has begun."
                       : how == 0
                           ? "Stops after the step that runs now."
                           : "Cancelling: it stops after the step that runs now. Kill now ends "
                             "that step’s processes on the server.";
    return json_pack("{s:b, s:b, s:s, s:s}", "can", (int)can, "is_kill", (int)(can && how > 0),
                     "text", can ? text : "", "help", can ? help : "");
}

static json_t *masked_text(int64_t count)
{
    return count == 0
               ? json_string("")
               : part_text("%lld %s masked", (long long)count, count == 1 ? "value" : "values");
}

static json_t *log_model(const struct job_view *view)
{
    const char *id = row_text(view->job, "id");
    int64_t masked = job_lines_masked(view->lines);
    return json_pack("{s:I, s:o, s:I, s:o, s:o, s:o, s:b}", "offset",
                     (json_int_t)job_lines_offset(view->lines), "masked_text", masked_text(masked),
                     "masked", (json_int_t)masked, "events_href", part_text("/jobs/%s/events", id),
                     "poll_href", part_text("/jobs/%s/log", id), "raw_href",
                     part_text("/jobs/%s/raw", id), "has_log", (int)job_lines_exist(view->lines));
}

/* Who looks at a job of an environment sees what waits there; a job outlives its environment. */
static void add_undeployed(struct request *req, json_t *page, const char *app, const char *env)
{
    json_t *card;
    struct err ignored = {0};
    if (environment_card(req->db, app, env, &card, &ignored) == 0)
        undeployed_add(req, page, card);
}

static json_t *job_page(struct request *req, const json_t *job, const json_t *head)
{
    const char *app = row_text(job, "app_slug"), *env = row_text(job, "env_slug");
    char title[256], crumb[300];
    bool has_env = env[0] != '\0';
    json_t *page;
    snprintf(title, sizeof title, "%.120s%s%.50s%s%.50s", row_text(head, "title"),
             has_env ? " – " : "", has_env ? app : "", has_env ? " / " : "", has_env ? env : "");
    page = page_new(title, "jobs");
    snprintf(crumb, sizeof crumb, "Job %.40s", row_text(head, "label"));
    if (has_env) {
        page_crumbs_of(page, app, env, row_text(job, "tier"));
        add_undeployed(req, page, app, env);
    } else {
        page_crumb(page, "Jobs", "/jobs");
        snprintf(crumb, sizeof crumb, "%.120s", row_text(head, "title"));
    }
    page_crumb(page, crumb, "");
    if (!str_equal(row_text(job, "state"), "ended"))
        page_refresh(page, 4);
    return page;
}

static int job_data(struct request *req, const struct job_view *view, json_t **data,
                    struct err *err)
{
    json_t *head = NULL, *hosts = NULL, *next = NULL;
    if (head_model(req, view->job, &head, err) != 0 || job_hosts_model(view, &hosts, err) != 0
        || next_model(req, view, &next, err) != 0)
        return -1;
    *data = json_pack("{s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "job", head,
                      "has_hosts", (int)(json_array_size(view->hosts) > 0), "is_multi",
                      (int)(json_array_size(view->hosts) > 1), "overview", job_hosts_overview(view),
                      "hosts", hosts, "progress", job_progress_model(view), "verdict",
                      verdict_model(view), "cancel", cancel_model(req, view->job), "log",
                      log_model(view), "next", next);
    return 0;
}

int job_show(struct request *req, struct response *res, struct err *err)
{
    struct job_view view;
    json_t *data = NULL;
    int rc = -1;
    if (read_view(req, &view, err) == 0 && job_data(req, &view, &data, err) == 0)
        rc = respond_page(res, 200, "job", data,
                          job_page(req, view.job, json_object_get(data, "job")));
    job_lines_close(view.lines);
    return rc;
}

/* environment.c - /apps/{app}/{env}: what is live here, since when, by whom; Deploy; releases,
 * jobs.
 *
 * Health and services are what the last deploy saw, with its time: this page asks no server. */
#include <stdio.h>
#include <string.h>
#include "cgi/pages/containers.h"
#include "cgi/pages/gates.h"
#include "cgi/pages/job_waits.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/readiness.h"
#include "cgi/pages/row.h"
#include "cgi/pages/undeployed.h"
#include "db/artefacts.h"
#include "db/environments.h"
#include "db/jobs_web.h"
#include "db/secrets.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"

#define RELEASES_SHOWN 10
#define JOBS_SHOWN     6

struct env_page {
    struct places places;
    json_t *card, *servers, *releases, *jobs, *job_models, *set, *differences;
    json_t *look;                               /* containers.h */
    json_t *live_job, *live_hosts, *live_steps; /* of the live release; null when there is none */
    int64_t artefacts;
    bool takes_artefact;
};

static int read_live_job(struct request *req, struct env_page *p, struct err *err)
{
    struct err e = {0};
    const char *id = row_text(p->card, "live_job_id");
    p->live_job = p->live_hosts = p->live_steps = NULL;
    if (id[0] == '\0')
        return 0;
    if (job_read(req->db, id, &p->live_job, &e) != 0) {
        if (e.code == ERR_NOT_FOUND)
            return 0;
        *err = e;
        return -1;
    }
    if (job_read_hosts(req->db, id, &p->live_hosts, err) != 0)
        return -1;
    return job_read_steps(req->db, id, &p->live_steps, err);
}

static int read_page(struct request *req, struct env_page *p, struct err *err)
{
    const char *app = request_param(req, 0), *env = request_param(req, 1), *id;
    struct job_filter filter = {.limit = JOBS_SHOWN};
    if (environment_card(req->db, app, env, &p->card, err) != 0)
        return -1;
    id = row_text(p->card, "id");
    filter.environment_id = id;
    if (places_load(req, &p->places, err) != 0
        || environment_servers(req->db, id, &p->servers, err) != 0
        || environment_releases(req->db, id, INT64_MAX, RELEASES_SHOWN, &p->releases, err) != 0
        || job_list(req->db, &filter, &p->jobs, err) != 0
        || job_waits_list(req, p->jobs, &p->job_models, err) != 0
        || secret_set_current(req->db, id, &p->set, err) != 0
        || artefact_count(req->db, row_text(p->card, "app_id"), &p->artefacts, err) != 0
        || secret_set_difference(req->db, id, row_int(p->card, "live_secret_set"),
                                 row_int(p->set, "number"), &p->differences, err)
               != 0
        || containers_model(req, id, &p->look, err) != 0)
        return -1;
    p->takes_artefact = places_takes_artefact(&p->places, row_text(p->card, "recipe"));
    return read_live_job(req, p, err);
}

/* The health step's results as a sentence: "200, status healthy, version 1.0.0". */
static json_t *health_text(const json_t *results)
{
    static const char *const KEYS[][2] = {
        {"http_status", ""}, {"status", "status "}, {"version_seen", "version "}};
    struct buf out;
    json_t *text;
    buf_init(&out, 500);
    for (size_t i = 0; i < COUNT_OF(KEYS); i++)
        if (row_text(results, KEYS[i][0])[0] != '\0')
            buf_printf(&out, "%s%s%.100s", out.len > 0 ? ", " : "", KEYS[i][1],
                       row_text(results, KEYS[i][0]));
    text = json_string(out.len > 0 ? out.data : "Answered as wanted when it went live");
    buf_deinit(&out);
    return text;
}

static json_t *health_url(const json_t *card, const json_t *results)
{
    const json_t *settings = json_object_get(card, "settings");
    const char *url = row_text(results, "url"), *path = row_text(settings, "health_path");
    int64_t port = row_int(settings, "health_port");
    if (port == 0)
        port = row_int(settings, "port");
    if (url[0] != '\0' || port == 0)
        return json_string(url);
    return part_text("http://127.0.0.1:%lld%s", (long long)port, path);
}

/* The last health step that ended well: after the deploy that is live now. */
static json_t *health_of(const struct env_page *p)
{
    const json_t *step;
    size_t i;
    json_array_foreach(p->live_steps, i, step)
    {
        if (!str_equal(row_text(step, "name"), "health")
            || !str_equal(row_text(step, "state"), "ok"))
            continue;
        const json_t *results = json_object_get(step, "results");
        return json_pack("{s:o, s:o, s:o, s:o}", "status", part_status("ok", "Healthy"), "url",
                         health_url(p->card, results), "text", health_text(results), "checked",
                         part_time(row_int(step, "ended_at")));
    }
    return json_null();
}

static json_t *live_model(const struct env_page *p)
{
    json_t *live = part_live(p->card);
    int64_t took = row_int(p->live_job, "ended_at") - row_int(p->live_job, "started_at");
    if (!json_is_object(live))
        return live;
    json_object_set_new(live, "health", health_of(p));
    json_object_set_new(live, "duration",
                        row_has(p->live_job, "ended_at") && row_has(p->live_job, "started_at")
                            ? part_duration(took)
                            : json_null());
    return live;
}

/* What runs where, as the live deploy left it. */
static json_t *services_of(const struct env_page *p)
{
    json_t *list = json_array();
    const json_t *host;
    const char *state = row_text(p->card, "live_state");
    const char *unit = row_text(json_object_get(p->card, "settings"), "unit");
    bool is_sure = str_equal(state, "live") && !row_has(p->card, "stopped_at");
    size_t i;
    json_array_foreach(p->live_hosts, i, host)
    {
        bool is_live = is_sure && str_equal(row_text(host, "verdict"), "live");
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:o, s:s}", "name",
                      unit[0] != '\0' ? unit : row_text(p->card, "app_slug"), "server",
                      row_text(host, "name"), "status",
                      is_live ? part_status("ok", "Running") : part_status("unknown", "Not sure"),
                      "text", row_text(host, "left_as")));
    }
    return list;
}

static json_t *secrets_model(const struct env_page *p)
{
    int64_t number = row_int(p->set, "number");
    size_t changed = json_array_size(p->differences);
    bool is_newer = row_has(p->card, "live_number") && changed > 0;
    return json_pack(
        "{s:I, s:o, s:I, s:o, s:o, s:b, s:o}", "number", number, "label", part_set_label(number),
        "count", row_int(p->set, "entries"), "changed", part_time(row_int(p->set, "created_at")),
        "by",
        number == 0 ? json_null()
                    : part_person(row_text(p->set, "by_name"), row_text(p->set, "by_login")),
        "is_newer", (int)is_newer, "newer_text",
        is_newer ? part_text("%zu key%s changed since v%lld went live", changed,
                             changed == 1 ? "" : "s", (long long)row_int(p->card, "live_number"))
                 : json_string(""));
}

static json_t *releases_model(const struct env_page *p)
{
    json_t *list = json_array();
    const json_t *row;
    size_t i;
    json_array_foreach(p->releases, i, row) json_array_append_new(list, part_release(p->card, row));
    return list;
}

static json_t *hosts_model(const json_t *servers)
{
    json_t *list = json_array();
    const json_t *row;
    size_t i;
    json_array_foreach(servers, i, row) json_array_append_new(list, part_host(row));
    return list;
}

static json_t *env_data(struct request *req, struct env_page *p)
{
    json_t *reasons =
        readiness_problems(p->card, p->servers, p->artefacts > 0 || !p->takes_artefact);
    const json_t *active = places_active_job(&p->places, row_text(p->card, "id"));
    json_t *data = json_object();
    gate_add_problems(req, p->card, GATE_RELEASE, reasons);
    if (active != NULL && row_has(active, "release_number")) { /* its release shows its state */
        json_object_set(p->card, "active_release", json_object_get(active, "release_number"));
        json_object_set(p->card, "active_state", json_object_get(active, "state"));
    }
    json_object_set_new(data, "environment", part_environment(&p->places, p->card));
    json_object_set_new(data, "live", live_model(p));
    json_object_set_new(data, "deploy",
                        json_pack("{s:b, s:s, s:o, s:o}", "can",
                                  (int)(json_array_size(reasons) == 0), "text", "Deploy", "href",
                                  part_text("/apps/%s/%s/deploy", row_text(p->card, "app_slug"),
                                            row_text(p->card, "slug")),
                                  "reasons", reasons));
    part_set_list(data, "servers", "has_servers", hosts_model(p->servers));
    json_object_set_new(data, "secrets", secrets_model(p));
    part_set_list(data, "releases", "has_releases", releases_model(p));
    part_set_list(data, "jobs", "has_jobs", p->job_models);
    json_object_set_new(data, "artefacts", json_integer(p->artefacts));
    json_object_set(data, "look", p->look);
    part_set_list(data, "services", "has_services",
                  row_is(p->look, "has_containers") ? json_array() : services_of(p));
    return data;
}

int env_show(struct request *req, struct response *res, struct err *err)
{
    struct env_page p = {.card = NULL};
    char title[128];
    json_t *page;
    if (read_page(req, &p, err) != 0)
        return -1;
    snprintf(title, sizeof title, "%.50s / %.50s", row_text(p.card, "app_slug"),
             row_text(p.card, "slug"));
    page = page_new(title, "apps");
    undeployed_add(req, page, p.card);
    page_crumbs_of(page, row_text(p.card, "app_slug"), row_text(p.card, "slug"),
                   row_text(p.card, "tier"));
    page_here(page);
    return respond_page(res, 200, "env", env_data(req, &p), page);
}

/* apps.c - /apps, /apps/new, /apps/{app}: what the team deploys, its environments and artefacts. */
#include <string.h>
#include "cgi/http/site.h"
#include "cgi/pages/app_model.h"
#include "cgi/pages/found_files.h"
#include "cgi/pages/job_waits.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/apps.h"
#include "db/artefacts.h"
#include "db/environments.h"
#include "db/jobs_web.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

#define APPS_MAX      500
#define ARTEFACTS_MAX 100
#define JOBS_SHOWN    8
#define NOTE_MAX      2000
#define RECENT_JOBS   300

/* --- /apps --- */

static json_t *environments_of(const struct places *places, const json_t *cards, const char *app_id)
{
    json_t *list = json_array();
    const json_t *card;
    size_t i;
    json_array_foreach(cards, i, card) if (str_equal(row_text(card, "app_id"), app_id))
        json_array_append_new(list, part_environment(places, card));
    return list;
}

static json_t *last_job_of(const json_t *jobs, const char *app_id)
{
    const json_t *row;
    size_t i;
    json_array_foreach(jobs, i,
                       row) if (str_equal(row_text(row, "app_id"), app_id)) return part_job(row);
    return json_null();
}

struct apps_parts {
    struct places places;
    json_t *rows, *cards, *jobs;
};

static int app_item(struct request *req, const struct apps_parts *parts, const json_t *row,
                    json_t **app, struct err *err)
{
    int64_t artefacts = 0;
    const char *id = row_text(row, "id");
    if (artefact_count(req->db, id, &artefacts, err) != 0)
        return -1;
    *app = part_app(id, row_text(row, "slug"), row_text(row, "name"));
    json_object_set_new(*app, "note", json_string(row_text(row, "note")));
    json_object_set_new(*app, "environments", environments_of(&parts->places, parts->cards, id));
    json_object_set_new(*app, "last_job", last_job_of(parts->jobs, id));
    json_object_set_new(*app, "artefacts", json_integer(artefacts));
    return 0;
}

int apps_show(struct request *req, struct response *res, struct err *err)
{
    struct apps_parts parts = {.rows = NULL};
    struct job_filter recent = {.limit = RECENT_JOBS};
    json_t *apps = json_array(), *app = NULL, *page = page_new("Apps", "apps");
    const json_t *row;
    size_t i;

    if (places_load(req, &parts.places, err) != 0
        || app_page(req->db, "", APPS_MAX, &parts.rows, err) != 0
        || environment_cards(req->db, NULL, &parts.cards, err) != 0
        || job_list(req->db, &recent, &parts.jobs, err) != 0)
        return -1;
    json_array_foreach(parts.rows, i, row)
    {
        if (app_item(req, &parts, row, &app, err) != 0)
            return -1;
        json_array_append_new(apps, app);
    }
    page_crumb(page, "Apps", "");
    return respond_page(
        res, 200, "apps",
        json_pack("{s:o, s:b}", "apps", apps, "has_apps", (int)(json_array_size(apps) > 0)), page);
}

/* --- /apps/new --- */

static json_t *app_new_page(const struct request *req)
{
    json_t *page = page_new("New app", "apps");
    page_crumb(page, "Apps", "/apps");
    page_crumb(page, "New", "");
    page_field(page, "slug", request_field(req, "slug"));
    page_field(page, "name", request_field(req, "name"));
    page_field(page, "note", request_field(req, "note"));
    return page;
}

int app_new_show(struct request *req, struct response *res, struct err *err)
{
    (void)err;
    return respond_page(res, 200, "app_new", json_object(), app_new_page(req));
}

int app_new_save(struct request *req, struct response *res, struct err *err)
{
    struct err e = {0};
    json_t *page = app_new_page(req);
    char id[CRYPTO_ID_SIZE];
    struct app_new app = {.slug = request_field(req, "slug"),
                          .name = request_field(req, "name"),
                          .note = page_lines(req, request_field(req, "note"))};
    if (validate_slug("slug", app.slug, &e) != 0)
        page_error(page, "slug", e.user);
    else if (str_equal(app.slug, "new"))
        page_error(page, "slug",
                   "An app cannot be called “new”: that is the address of this form.");
    if (validate_name("name", app.name, &e) != 0)
        page_error(page, "name", e.user);
    if (validate_note("note", app.note, NOTE_MAX, &e) != 0)
        page_error(page, "note", e.user);
    if (page_has_errors(page))
        return respond_page(res, 422, "app_new", json_object(), page);
    if (app_create(req->db, &req->actor, &app, id, &e) == 0) {
        respond_flash(res, "ok", "App %s is added. Next: give it an environment.", app.slug);
        return respond_redirect(res, "/apps/%s", app.slug);
    }
    if (page_take_err(page, &e, "slug") != 0) {
        *err = e;
        return -1;
    }
    return respond_page(res, 422, "app_new", json_object(), page);
}

/* --- /apps/{app} --- */

json_t *app_page_new(const json_t *app)
{
    static const char *const FIELDS[] = {"upload_version", "upload_file",   "fetch_url",
                                         "fetch_sha256",   "fetch_version", "adopt_version",
                                         "adopt_file"};
    json_t *page = page_new(row_text(app, "slug"), "apps");
    page_crumb(page, "Apps", "/apps");
    page_crumb(page, row_text(app, "slug"), "");
    for (size_t i = 0; i < COUNT_OF(FIELDS); i++)
        page_field(page, FIELDS[i], "");
    return page;
}

static json_t *live_in(const json_t *cards, const json_t *artefact)
{
    json_t *list = json_array();
    const json_t *card;
    size_t i;
    json_array_foreach(
        cards, i,
        card) if (str_equal(row_text(card, "live_artefact_sha256"), row_text(artefact, "sha256"))
                  && str_equal(row_text(card, "live_version"), row_text(artefact, "version")))
        json_array_append_new(list,
                              part_environment_ref(row_text(card, "id"), row_text(card, "app_slug"),
                                                   row_text(card, "slug"), row_text(card, "tier")));
    return list;
}

static json_t *artefact_model(const json_t *cards, const json_t *row)
{
    const char *sha256 = row_text(row, "sha256");
    json_t *artefact = json_pack(
        "{s:s, s:s, s:s, s:I, s:o, s:s, s:o, s:s, s:s, s:s}", "id", row_text(row, "id"), "version",
        row_text(row, "version"), "file", row_text(row, "file"), "size_bytes",
        row_int(row, "size_bytes"), "size_text", part_size(row_int(row, "size_bytes")), "sha256",
        sha256, "sha256_short", part_short_hash(sha256), "origin", row_text(row, "origin"),
        "origin_text", word_origin(row_text(row, "origin")), "source", row_text(row, "source"));
    json_object_set_new(artefact, "created", part_time(row_int(row, "created_at")));
    json_object_set_new(artefact, "by",
                        part_person(row_text(row, "by_name"), row_text(row, "by_login")));
    json_object_set_new(artefact, "live_in", live_in(cards, row));
    return artefact;
}

static json_t *artefacts_model(const json_t *cards, const json_t *rows)
{
    json_t *list = json_array();
    const json_t *row;
    size_t i;
    json_array_foreach(rows, i, row) json_array_append_new(list, artefact_model(cards, row));
    return list;
}

static int app_data(struct request *req, const json_t *app, json_t **made, struct err *err)
{
    struct places places;
    json_t *cards = NULL, *artefacts = NULL, *jobs = NULL, *models = NULL, *found = NULL, *data;
    json_t *fetching = json_array(), *row;
    const char *id = row_text(app, "id");
    size_t i;
    if (places_load(req, &places, err) != 0 || environment_cards(req->db, id, &cards, err) != 0
        || artefact_page(req->db, id, INT64_MAX, ARTEFACTS_MAX, &artefacts, err) != 0
        || job_list_of_app(req->db, id, JOBS_SHOWN, &jobs, err) != 0
        || job_waits_list(req, jobs, &models, err) != 0 || found_files(req, app, &found, err) != 0)
        return -1;
    json_array_foreach(places.active, i, row) if (str_equal(row_text(row, "kind"), "fetch")
                                                  && str_equal(row_text(row, "app_id"), id))
        json_array_append_new(fetching, part_job(row));
    data = json_object();
    json_t *head = part_app(id, row_text(app, "slug"), row_text(app, "name"));
    json_object_set_new(head, "note", json_string(row_text(app, "note")));
    json_object_set_new(data, "app", head);
    part_set_list(data, "environments", "has_environments", environments_of(&places, cards, id));
    part_set_list(data, "artefacts", "has_artefacts", artefacts_model(cards, artefacts));
    json_object_set_new(data, "upload_max_text", part_size(req->site->upload_max));
    json_object_set_new(data, "artefact_dir", json_string("var/artefacts"));
    part_set_list(data, "found", "has_found", found);
    json_object_set_new(data, "fetching", fetching);
    part_set_list(data, "jobs", "has_jobs", models);
    *made = data;
    return 0;
}

int app_respond(struct request *req, struct response *res, int status, const json_t *app,
                json_t *page, struct err *err)
{
    json_t *data = NULL;
    if (app_data(req, app, &data, err) != 0)
        return -1;
    return respond_page(res, status, "app", data, page);
}

int app_show(struct request *req, struct response *res, struct err *err)
{
    json_t *app = NULL;
    if (app_by_slug(req->db, request_param(req, 0), &app, err) != 0)
        return -1;
    return app_respond(req, res, 200, app, app_page_new(app), err);
}

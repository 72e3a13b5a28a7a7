/* artefacts.c - POST /apps/{app}/artefacts[/fetch|/adopt]: three ways for a build result to come
 * in.
 *
 * An upload streams to disk and is registered at once. A fetch from an address and a file dropped
 * into var/artefacts are jobs: only the worker talks to the network, and only it reads files that
 * somebody else wrote. A refused form comes back as the app's page with what was typed. */
#include <string.h>
#include "cgi/http/ask.h"
#include "cgi/http/site.h"
#include "cgi/http/upload.h"
#include "cgi/pages/app_model.h"
#include "cgi/pages/found_files.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "cgi/pages/submit.h"
#include "db/apps.h"
#include "db/artefacts.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

/* A version that exists is said before anything is sent or fetched. */
static int check_version(struct request *req, const json_t *app, const char *field,
                         const char *version, json_t *page, struct err *err)
{
    struct err e = {0};
    json_t *row = NULL;
    if (validate_version(field, version, &e) != 0) {
        page_error(page, field, e.user);
        return 0;
    }
    if (artefact_by_version(req->db, row_text(app, "id"), version, &row, &e) == 0) {
        char text[256];
        snprintf(text, sizeof text,
                 "Version %s exists already and is never replaced. Give the new build a version of "
                 "its own.",
                 version);
        page_error(page, field, text);
        return 0;
    }
    if (e.code == ERR_NOT_FOUND)
        return 0;
    *err = e;
    return -1;
}

/* --- upload --- */

/* The slug holds no underscore, so the first one ends it: names of two apps never meet. */
static const char *stored_name(struct request *req, const json_t *app, const char *version,
                               const char *ending)
{
    const char *name = arena_printf(req->arena, "%s_%s%s", row_text(app, "slug"), version, ending);
    return name == NULL ? "" : name;
}

static int keep_upload(struct request *req, struct upload *up, const json_t *app, json_t *page,
                       struct err *err)
{
    const char *version = upload_field(up, "version"), *source = upload_file_name(up);
    const char *ending = archive_ending(source);
    char id[CRYPTO_ID_SIZE];
    struct err e = {0};
    struct artefact_new row = {.app_id = row_text(app, "id"),
                               .app_name = row_text(app, "slug"),
                               .version = version,
                               .size_bytes = upload_size(up),
                               .sha256 = upload_sha256(up),
                               .origin = "upload",
                               .source = source,
                               .created_by = req->session.user_id};
    if (ending == NULL)
        page_error(page, "upload_file",
                   "This file's name does not end in .tar.gz, .tgz, .tar.xz, .tar.zst, .tar.bz2 or "
                   ".tar. Pack the build as a tarball.");
    if (check_version(req, app, "upload_version", version, page, err) != 0)
        return -1;
    if (page_has_errors(page))
        return 0;
    row.file = stored_name(req, app, version, ending);
    if (upload_keep(up, row.file, &e) != 0) {
        if (page_take_err(page, &e, "upload_file") == 0)
            return 0;
        *err = e;
        return -1;
    }
    if (artefact_add(req->db, &req->actor, &row, id, &e) == 0)
        return 0;
    upload_discard(up);
    if (e.code == ERR_CONFLICT) {
        page_error(page, "upload_version", e.user);
        return 0;
    }
    *err = e;
    return -1;
}

/* Fields of the wire (version, file) are those of the page's upload form (upload_version, ...). */
static int take_upload_err(json_t *page, struct err *e)
{
    if (!str_equal(e->field, "version") && !str_equal(e->field, "file"))
        return -1;
    str_copy(e->field, sizeof e->field,
             str_equal(e->field, "file") ? "upload_file" : "upload_version");
    return page_take_err(page, e, "upload_file");
}

int artefact_upload(struct request *req, struct response *res, struct err *err)
{
    struct upload *up = NULL;
    struct err e = {0};
    json_t *app = NULL, *page;
    int rc = -1;

    if (upload_begin(req, &up, err) != 0
        || app_by_slug(req->db, request_param(req, 0), &app, err) != 0)
        goto out;
    page = app_page_new(app);
    if (upload_read(up, "file", req->site->upload_max, &e) != 0) {
        if (take_upload_err(page, &e) != 0) {
            *err = e;
            goto out;
        }
    } else if (keep_upload(req, up, app, page, err) != 0)
        goto out;
    if (page_has_errors(page)) {
        json_object_set_new(json_object_get(page, "values"), "upload_version",
                            json_string(upload_field(up, "version")));
        rc = app_respond(req, res, e.code == ERR_TOO_LARGE ? 413 : 422, app, page, err);
        goto out;
    }
    respond_flash(res, "ok", "Version %s is here.", upload_field(up, "version"));
    rc = respond_redirect(res, "/apps/%s#artefacts", row_text(app, "slug"));
out:
    upload_end(up);
    return rc;
}

/* --- fetch, adopt --- */

/* A fetch of this version that is under way already is the answer to a second click. */
static int active_fetch(struct request *req, const json_t *app, const char *version,
                        const char **job_id, struct err *err)
{
    json_t *jobs = NULL;
    const json_t *row;
    size_t i;
    *job_id = NULL;
    if (job_list_active(req->db, &jobs, err) != 0)
        return -1;
    json_array_foreach(jobs, i,
                       row) if (str_equal(row_text(row, "kind"), "fetch")
                                && str_equal(row_text(row, "app_id"), row_text(app, "id"))
                                && str_equal(row_text(json_object_get(row, "params"), "version"),
                                             version)) *job_id = row_text(row, "id");
    return 0;
}

static int start_fetch(struct request *req, struct response *res, const json_t *app,
                       const json_t *params, struct err *err)
{
    const char *version = row_text(params, "version"), *running = NULL;
    struct job_added added;
    struct job_request job = {.kind = "fetch",
                              .lock_class = "none",
                              .app_id = row_text(app, "id"),
                              .target_name = row_text(app, "slug"),
                              .verb = "fetch.request",
                              .params = params};
    if (active_fetch(req, app, version, &running, err) != 0)
        return -1;
    if (running != NULL)
        return respond_redirect(res, "/jobs/%s", running);
    if (submit_job(req, &job, &added, err) != 0)
        return -1;
    return respond_redirect(res, "/jobs/%s", added.id);
}

static void keep_typed(struct request *req, json_t *page, const char *form, const char *name)
{
    char field[64];
    snprintf(field, sizeof field, "%s_%s", form, name);
    json_object_set_new(json_object_get(page, "values"), field,
                        json_string(request_field(req, name)));
}

int artefact_fetch(struct request *req, struct response *res, struct err *err)
{
    struct err e = {0};
    json_t *app = NULL, *page;
    const char *url = request_field(req, "url"), *sha256 = request_field(req, "sha256");
    const char *version = request_field(req, "version");

    if (app_by_slug(req->db, request_param(req, 0), &app, err) != 0)
        return -1;
    page = app_page_new(app);
    keep_typed(req, page, "fetch", "url");
    keep_typed(req, page, "fetch", "sha256");
    keep_typed(req, page, "fetch", "version");
    if (validate_https_url("fetch_url", url, &e) != 0)
        page_error(page, "fetch_url", e.user);
    if (validate_sha256("fetch_sha256", sha256, &e) != 0)
        page_error(page, "fetch_sha256", e.user);
    if (check_version(req, app, "fetch_version", version, page, err) != 0)
        return -1;
    if (page_has_errors(page))
        return app_respond(req, res, 422, app, page, err);
    return start_fetch(
        req, res, app,
        json_pack("{s:s, s:s, s:s}", "url", url, "sha256", sha256, "version", version), err);
}

int artefact_adopt(struct request *req, struct response *res, struct err *err)
{
    struct err e = {0};
    json_t *app = NULL, *page;
    const char *file = request_field(req, "file"), *version = request_field(req, "version");
    bool known = false;

    if (app_by_slug(req->db, request_param(req, 0), &app, err) != 0)
        return -1;
    page = app_page_new(app);
    keep_typed(req, page, "adopt", "version");
    if (validate_file_name("adopt_file", file, &e) != 0)
        page_error(page, "adopt_file", e.user);
    else if (archive_ending(file) == NULL)
        page_error(page, "adopt_file", "Only tarballs can be taken (.tar.gz, .tar.xz, .tar.zst).");
    else if (artefact_file_known(req->db, file, &known, err) != 0)
        return -1;
    else if (known)
        page_error(page, "adopt_file", "This file is registered already.");
    if (check_version(req, app, "adopt_version", version, page, err) != 0)
        return -1;
    if (page_has_errors(page))
        return app_respond(req, res, 422, app, page, err);
    return start_fetch(req, res, app, json_pack("{s:s, s:s}", "file", file, "version", version),
                       err);
}

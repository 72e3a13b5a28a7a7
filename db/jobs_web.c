/* jobs_web.c - adding jobs and asking them to stop (jobs_web.h). Reads are in jobs_web_read.c.
 *
 * The idempotency key is looked up inside the write transaction: BEGIN IMMEDIATE means nobody else
 * can add the same key between the look and the insert, so two clicks are one job, and the second
 * answer is the first one's URL. */
#include "db/jobs_web.h"

#include <string.h>
#include "db/json_text.h"
#include "db/pauses.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "statements.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static const char *place_of(const struct job_request *r)
{
    const char *place = r->environment_id != NULL ? r->environment_id
                        : r->server_id != NULL    ? r->server_id
                                                  : r->app_id;
    return place == NULL ? "" : place;
}

/* 1 found, 0 not, -1 error. A key that belongs to another form's job is refused: it must not lead
 * to a job that nobody asked for here. */
int job_request_find(struct db *db, const struct job_request *r, struct job_added *added,
                     struct err *err)
{
    struct err why = {0};
    struct stmt *s = db_use(db, SQL_JOB_WEB_BY_IDEM);
    bool is_same;
    db_bind_text(s, ":idem", r->idem);
    if (db_one(s, &why) != 0) {
        if (why.code == ERR_NOT_FOUND)
            return 0;
        if (err != NULL)
            *err = why;
        return -1;
    }
    is_same = str_equal(db_col_text(s, "kind"), r->kind)
              && str_equal(db_col_text(s, "place"), place_of(r))
              && str_equal(db_col_text(s, "requested_by"), r->requested_by);
    str_copy(added->id, sizeof added->id, db_col_text(s, "id"));
    added->existed = true;
    db_done(s);
    if (is_same)
        return 1;
    return err_set(err, ERR_CONFLICT,
                   "This form was used for something else already. Open the page again, then "
                   "press the button.");
}

static int take_number(struct db *db, int statement, const char *environment_id, int64_t *number,
                       struct err *err)
{
    struct stmt *s = db_use(db, statement);
    db_bind_text(s, ":id", environment_id);
    if (db_one(s, err) != 0)
        return -1;
    *number = db_col_int(s, "number");
    db_done(s);
    return 0;
}

struct job_row {
    const struct job_request *request;
    const char *release_id; /* NULL: none */
    const char *params, *confirmed;
    int64_t number; /* 0: none */
};

static int insert_job(struct db *db, const struct job_row *row, struct err *err)
{
    const struct job_request *r = row->request;
    char nonce[CRYPTO_TOKEN_TEXT];
    struct stmt *s = db_use(db, SQL_JOB_WEB_INSERT);
    crypto_new_token(nonce);
    db_bind_text(s, ":id", r->id);
    db_bind_text(s, ":environment_id", r->environment_id);
    if (row->number > 0)
        db_bind_int(s, ":number", row->number);
    else
        db_bind_null(s, ":number");
    db_bind_text(s, ":server_id", r->server_id);
    db_bind_text(s, ":app_id", r->app_id);
    db_bind_text(s, ":kind", r->kind);
    db_bind_text(s, ":lock_class", r->lock_class);
    db_bind_text(s, ":params", row->params);
    db_bind_text(s, ":confirmed", row->confirmed);
    db_bind_text(s, ":release_id", row->release_id);
    db_bind_text(s, ":idem", r->idem);
    db_bind_blob(s, ":auth", r->auth, r->auth_len);
    db_bind_text(s, ":requested_by", r->requested_by);
    db_bind_text(s, ":why", r->why);
    db_bind_text(s, ":nonce", nonce);
    db_bind_int(s, ":now", clock_now_ms());
    return db_run(s, NULL, err);
}

static int add_job(struct db *db, const struct job_request *request, const char *release_id,
                   const json_t *confirmed, struct err *err)
{
    struct job_row row = {.request = request, .release_id = release_id};
    char *params = NULL, *confirmed_text = NULL;
    int rc = -1;
    if (json_text(request->params, &params, err) != 0
        || json_text(confirmed, &confirmed_text, err) != 0)
        goto out;
    if (request->environment_id != NULL
        && take_number(db, SQL_ENVIRONMENT_TAKE_JOB_NUMBER, request->environment_id, &row.number,
                       err)
               != 0)
        goto out;
    row.params = params;
    row.confirmed = confirmed_text;
    rc = insert_job(db, &row, err);
out:
    free(params);
    free(confirmed_text);
    return rc;
}

/* detail: stolen. */
static int tell_requested(struct db *db, const struct actor *actor, const struct job_request *r,
                          json_t *detail, struct err *err)
{
    const char *kind = r->environment_id != NULL ? "environment"
                       : r->app_id != NULL       ? "app"
                                                 : "server"; /* one, or all of them */
    json_object_set_new(detail, "job", json_string(r->id));
    struct audit_entry entry = {.actor = actor,
                                .verb = r->verb,
                                .target_kind = kind,
                                .target_id = place_of(r),
                                .target_name = r->target_name,
                                .app_id = r->app_id,
                                .environment_id = r->environment_id,
                                .detail = detail};
    return audit_append(db, &entry, err);
}

static json_t *detail_of(const struct job_request *r)
{
    json_t *detail = json_object();
    json_object_update(detail, (json_t *)(uintptr_t)r->params);
    if (r->why[0] != '\0')
        json_object_set_new(detail, "why", json_string(r->why));
    return detail;
}

int job_request_add(struct db *db, const struct actor *actor, const struct job_request *request,
                    struct job_added *added, struct err *err)
{
    int rc = -1;
    if (db_begin(db, err) != 0)
        return -1;
    added->existed = false;
    int found = job_request_find(db, request, added, err);
    if (found == 0) {
        str_copy(added->id, sizeof added->id, request->id);
        if (add_job(db, request, NULL, request->confirmed, err) == 0
            && tell_requested(db, actor, request, detail_of(request), err) == 0)
            rc = db_commit(db, err);
    } else if (found == 1)
        rc = 0;
    db_rollback(db);
    return rc;
}

struct release_row {
    char id[CRYPTO_ID_SIZE];
    int64_t number;
};

static int insert_release(struct db *db, const struct deploy_request *d, struct release_row *row,
                          struct err *err)
{
    char *settings = NULL, *hosts = NULL;
    const char *sha256 = text_of(d->basis, "artefact_sha256");
    int rc = -1;
    if (json_text(d->settings, &settings, err) == 0
        && json_text(json_object_get(d->basis, "hosts"), &hosts, err) == 0) {
        struct stmt *s = db_use(db, SQL_ENVIRONMENT_RELEASE_INSERT);
        db_bind_text(s, ":id", row->id);
        db_bind_text(s, ":environment_id", d->job.environment_id);
        db_bind_int(s, ":number", row->number);
        db_bind_text(s, ":recipe", text_of(d->basis, "recipe"));
        db_bind_text(s, ":recipe_sha256", text_of(d->basis, "recipe_sha256"));
        db_bind_text(s, ":settings", settings);
        db_bind_text(s, ":hosts", hosts);
        db_bind_text(s, ":version", text_of(d->basis, "version"));
        db_bind_text(s, ":artefact_id", json_string_value(json_object_get(d->artefact, "id")));
        db_bind_text(s, ":artefact_sha256",
                     sha256[0] == '\0' ? NULL : sha256); /* a tag has no artefact */
        db_bind_int(s, ":secret_set", json_integer_value(json_object_get(d->basis, "secret_set")));
        db_bind_text(s, ":why", d->job.why);
        db_bind_text(s, ":trigger", d->trigger == NULL ? TRIGGER_BUTTON : d->trigger);
        db_bind_text(s, ":replays", d->replays);
        db_bind_text(s, ":promoted_from", d->promoted_from);
        db_bind_text(s, ":parts", text_of(d->basis, "parts"));
        db_bind_text(s, ":asked_from", d->asked_from == NULL ? "" : d->asked_from);
        db_bind_int(s, ":now", clock_now_ms());
        db_bind_text(s, ":created_by", d->job.requested_by);
        db_bind_text(s, ":job_id", d->job.id);
        rc = db_run(s, NULL, err);
    }
    free(settings);
    free(hosts);
    return rc;
}

static int add_deploy(struct db *db, const struct actor *actor, const struct deploy_request *d,
                      struct err *err)
{
    struct release_row row = {.number = 0};
    crypto_new_id(row.id);
    if (take_number(db, SQL_ENVIRONMENT_TAKE_RELEASE_NUMBER, d->job.environment_id, &row.number,
                    err)
            != 0
        || insert_release(db, d, &row, err) != 0
        || add_job(db, &d->job, row.id, d->basis, err) != 0)
        return -1;
    json_t *detail = detail_of(&d->job);
    json_object_set_new(detail, "release", json_integer(row.number));
    json_object_set(detail, "version", json_object_get(d->basis, "version"));
    json_object_set(detail, "secret_set", json_object_get(d->basis, "secret_set"));
    if (d->promoted_from != NULL)
        json_object_set(detail, "promoted_from", json_object_get(d->basis, "promoted_from"));
    if (d->replays != NULL) {
        json_object_set(detail, "replays", json_object_get(d->basis, "replays"));
        json_object_set(detail, "parts", json_object_get(d->basis, "parts"));
    }
    if (d->pause_why != NULL && pause_begin(db, actor, d->environment, d->pause_why, err) != 0) {
        json_decref(detail);
        return -1;
    }
    return tell_requested(db, actor, &d->job, detail, err);
}

int job_request_deploy(struct db *db, const struct actor *actor,
                       const struct deploy_request *request, struct job_added *added,
                       struct err *err)
{
    int rc = -1;
    if (db_begin(db, err) != 0)
        return -1;
    added->existed = false;
    int found = job_request_find(db, &request->job, added, err);
    if (found == 0) {
        str_copy(added->id, sizeof added->id, request->job.id);
        if (add_deploy(db, actor, request, err) == 0)
            rc = db_commit(db, err);
    } else if (found == 1)
        rc = 0;
    db_rollback(db);
    return rc;
}

static int tell_cancel(struct db *db, const struct actor *actor, const json_t *job, int how,
                       struct err *err)
{
    bool has_env = json_is_string(json_object_get(job, "env_id"));
    struct audit_entry entry = {.actor = actor,
                                .verb = "job.cancel",
                                .target_kind = "job",
                                .target_id = text_of(job, "id"),
                                .target_name = text_of(job, "kind"),
                                .app_id = json_string_value(json_object_get(job, "app_id")),
                                .environment_id = has_env ? text_of(job, "env_id") : NULL,
                                .detail =
                                    json_pack("{s:s}", "how", how == 1 ? "graceful" : "kill")};
    return audit_append(db, &entry, err);
}

int job_request_cancel(struct db *db, const struct actor *actor, const json_t *job, int *how,
                       struct err *err)
{
    json_t *now = NULL;
    int64_t changes = 0;
    int rc = -1;
    if (db_begin(db, err) != 0)
        return -1;
    struct stmt *s = db_use(db, SQL_JOB_WEB_SET_CANCEL);
    db_bind_text(s, ":id", text_of(job, "id"));
    db_bind_text(s, ":by", actor->id);
    *how = 0;
    if (db_run(s, &changes, err) == 0 && job_read(db, text_of(job, "id"), &now, err) == 0) {
        if (changes == 0)
            rc = 0;
        else {
            *how = (int)json_integer_value(json_object_get(now, "cancel"));
            if (tell_cancel(db, actor, now, *how, err) == 0)
                rc = db_commit(db, err);
        }
    }
    db_rollback(db);
    json_decref(now);
    return rc;
}

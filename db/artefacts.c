/* artefacts.c - the artefact store (artefacts.h). */
#include "db/artefacts.h"

#include "lib/base/clock.h"
#include "statements.h"

static int insert_artefact(struct db *db, const struct artefact_new *a, const char *id,
                           struct err *err)
{
    struct err refused = {0};
    struct stmt *s = db_use(db, SQL_ARTEFACT_INSERT);
    db_bind_text(s, ":id", id);
    db_bind_text(s, ":app_id", a->app_id);
    db_bind_text(s, ":version", a->version);
    db_bind_text(s, ":file", a->file);
    db_bind_int(s, ":size_bytes", a->size_bytes);
    db_bind_text(s, ":sha256", a->sha256);
    db_bind_text(s, ":origin", a->origin);
    db_bind_text(s, ":source", a->source);
    db_bind_int(s, ":now", clock_now_ms());
    db_bind_text(s, ":created_by", a->created_by);
    if (db_run(s, NULL, &refused) == 0)
        return 0;
    if (refused.code == ERR_CONFLICT) {
        err_field(&refused, "version",
                  "Version %s of this app exists already and is never replaced. Give the new build "
                  "a version of its own.",
                  a->version);
        refused.code = ERR_CONFLICT;
    }
    if (err != NULL)
        *err = refused;
    return -1;
}

static int tell_added(struct db *db, const struct actor *actor, const struct artefact_new *a,
                      const char *id, struct err *err)
{
    struct audit_entry entry = {.actor = actor,
                                .verb = "artefact.add",
                                .target_kind = "artefact",
                                .target_id = id,
                                .target_name = a->version,
                                .app_id = a->app_id,
                                .detail = json_pack("{s:s, s:s, s:I, s:s, s:s}", "app", a->app_name,
                                                    "sha256", a->sha256, "size_bytes",
                                                    (json_int_t)a->size_bytes, "origin", a->origin,
                                                    "source", a->source)};
    return audit_append(db, &entry, err);
}

int artefact_add(struct db *db, const struct actor *actor, const struct artefact_new *artefact,
                 char id[CRYPTO_ID_SIZE], struct err *err)
{
    int rc = -1;
    crypto_new_id(id);
    if (db_begin(db, err) != 0)
        return -1;
    if (insert_artefact(db, artefact, id, err) != 0 || tell_added(db, actor, artefact, id, err) != 0
        || db_commit(db, err) != 0)
        goto out;
    rc = 0;
out:
    db_rollback(db);
    return rc;
}

int artefact_by_id(struct db *db, const char *id, json_t **artefact, struct err *err)
{
    struct stmt *s = db_use(db, SQL_ARTEFACT_BY_ID);
    db_bind_text(s, ":id", id);
    return db_row_json(s, artefact, err);
}

int artefact_by_version(struct db *db, const char *app_id, const char *version, json_t **artefact,
                        struct err *err)
{
    struct stmt *s = db_use(db, SQL_ARTEFACT_BY_VERSION);
    db_bind_text(s, ":app_id", app_id);
    db_bind_text(s, ":version", version);
    return db_row_json(s, artefact, err);
}

int artefact_page(struct db *db, const char *app_id, int64_t before, int limit, json_t **artefacts,
                  struct err *err)
{
    struct stmt *s = db_use(db, SQL_ARTEFACT_PAGE);
    db_bind_text(s, ":app_id", app_id);
    db_bind_int(s, ":before", before);
    db_bind_int(s, ":limit", limit);
    return db_rows_json(s, artefacts, err);
}

static int one_count(struct stmt *s, int64_t *count, struct err *err)
{
    if (db_one(s, err) != 0)
        return -1;
    *count = db_col_int(s, "count");
    db_done(s);
    return 0;
}

int artefact_count(struct db *db, const char *app_id, int64_t *count, struct err *err)
{
    struct stmt *s = db_use(db, SQL_ARTEFACT_COUNT);
    db_bind_text(s, ":app_id", app_id);
    return one_count(s, count, err);
}

int artefact_file_known(struct db *db, const char *file, bool *known, struct err *err)
{
    int64_t count = 0;
    struct stmt *s = db_use(db, SQL_ARTEFACT_FILE_KNOWN);
    db_bind_text(s, ":file", file);
    if (one_count(s, &count, err) != 0)
        return -1;
    *known = count > 0;
    return 0;
}

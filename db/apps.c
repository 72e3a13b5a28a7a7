/* apps.c - the app store (apps.h). The slug's UNIQUE constraint decides who was first; asking
 * before inserting would only move the race. */
#include "db/apps.h"

#include "lib/base/clock.h"
#include "statements.h"

static int insert_app(struct db *db, const struct app_new *app, const char *id, struct err *err)
{
    struct stmt *s = db_use(db, SQL_APP_INSERT);
    db_bind_text(s, ":id", id);
    db_bind_text(s, ":slug", app->slug);
    db_bind_text(s, ":name", app->name);
    db_bind_text(s, ":note", app->note);
    db_bind_int(s, ":now", clock_now_ms());
    struct err refused = {0};
    if (db_run(s, NULL, &refused) == 0)
        return 0;
    if (refused.code == ERR_CONFLICT) {
        err_field(err, "slug", "There is an app called “%s” already. Choose another short name.",
                  app->slug);
        if (err != NULL)
            err->code = ERR_CONFLICT;
        return -1;
    }
    if (err != NULL)
        *err = refused;
    return -1;
}

static int tell_created(struct db *db, const struct actor *actor, const struct app_new *app,
                        const char *id, struct err *err)
{
    struct audit_entry entry = {.actor = actor,
                                .verb = "app.create",
                                .target_kind = "app",
                                .target_id = id,
                                .target_name = app->name,
                                .app_id = id,
                                .detail = json_pack("{s:s}", "slug", app->slug)};
    return audit_append(db, &entry, err);
}

int app_create(struct db *db, const struct actor *actor, const struct app_new *app,
               char id[CRYPTO_ID_SIZE], struct err *err)
{
    int rc = -1;
    crypto_new_id(id);
    if (db_begin(db, err) != 0)
        return -1;
    if (insert_app(db, app, id, err) != 0 || tell_created(db, actor, app, id, err) != 0
        || db_commit(db, err) != 0)
        goto out;
    rc = 0;
out:
    db_rollback(db);
    return rc;
}

int app_by_slug(struct db *db, const char *slug, json_t **app, struct err *err)
{
    struct stmt *s = db_use(db, SQL_APP_BY_SLUG);
    db_bind_text(s, ":slug", slug);
    return db_row_json(s, app, err);
}

int app_page(struct db *db, const char *after, int limit, json_t **apps, struct err *err)
{
    struct stmt *s = db_use(db, SQL_APP_PAGE);
    db_bind_text(s, ":after", after);
    db_bind_int(s, ":limit", limit);
    return db_rows_json(s, apps, err);
}

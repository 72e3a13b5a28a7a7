/* registries.c - the store of registries (registries.h). */
#include "db/registries.h"

#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "statements.h"

/* --- for pages --- */

int registry_list(struct db *db, json_t **list, struct err *err)
{
    return db_rows_json(db_use(db, SQL_REGISTRY_LIST), list, err);
}

int registry_by_slug(struct db *db, const char *slug, json_t **registry, struct err *err)
{
    struct stmt *s = db_use(db, SQL_REGISTRY_BY_SLUG);

    db_bind_text(s, ":slug", slug);
    return db_row_json(s, registry, err);
}

int registry_environments(struct db *db, const char *slug, json_t **environments, struct err *err)
{
    struct stmt *s = db_use(db, SQL_REGISTRY_ENVIRONMENTS);

    db_bind_text(s, ":slug", slug);
    return db_rows_json(s, environments, err);
}

int registry_changed_by(struct db *db, const char *registry_id, json_t **by, struct err *err)
{
    struct stmt *s = db_use(db, SQL_REGISTRY_CHANGED_BY);

    db_bind_text(s, ":registry_id", registry_id);
    return db_row_or_null_json(s, by, err);
}

/* --- for the worker --- */

static int read_row(struct stmt *s, struct registry_row *row, struct err *err)
{
    bool whole;

    if (db_one(s, err) != 0)
        return -1;
    whole = str_copy(row->id, sizeof row->id, db_col_text(s, "id"))
            && str_copy(row->slug, sizeof row->slug, db_col_text(s, "slug"))
            && str_copy(row->host, sizeof row->host, db_col_text(s, "host"))
            && str_copy(row->login, sizeof row->login, db_col_text(s, "login"));
    row->password_number = db_col_int(s, "password_number");
    db_done(s);
    return whole ? 0 : err_set(err, ERR_INTERNAL, "The database holds a damaged registry.");
}

int registry_row_by_id(struct db *db, const char *id, struct registry_row *row, struct err *err)
{
    struct stmt *s = db_use(db, SQL_REGISTRY_BY_ID);

    db_bind_text(s, ":id", id);
    return read_row(s, row, err);
}

int registry_row_by_slug(struct db *db, const char *slug, struct registry_row *row, struct err *err)
{
    struct stmt *s = db_use(db, SQL_REGISTRY_BY_SLUG);

    db_bind_text(s, ":slug", slug);
    return read_row(s, row, err);
}

static int refuse_slug(struct err *err, const char *text)
{
    err_field(err, "slug", "%s", text);
    if (err != NULL)
        err->code = ERR_CONFLICT;
    return -1;
}

int registry_add(struct db *db, const struct registry_row *row, struct err *err)
{
    struct err cause = {0};
    struct stmt *s = db_use(db, SQL_REGISTRY_INSERT);
    int64_t changes = 0;

    db_bind_text(s, ":id", row->id);
    db_bind_text(s, ":slug", row->slug);
    db_bind_text(s, ":host", row->host);
    db_bind_text(s, ":login", row->login);
    db_bind_int(s, ":now", clock_now_ms());
    db_bind_int(s, ":max", REGISTRIES_MAX);
    if (db_run(s, &changes, &cause) == 0)
        return changes == 1 ? 0
                            : refuse_slug(err, "There are as many registries as there may be. "
                                               "Remove one that nothing uses.");
    if (cause.code == ERR_CONFLICT)
        return refuse_slug(err, "There is already a registry with this name. Choose another one.");
    if (err != NULL)
        *err = cause;
    return -1;
}

/* Run a change of one row that must still be there. */
static int change_one(struct stmt *s, struct err *err)
{
    int64_t changes = 0;

    if (db_run(s, &changes, err) != 0)
        return -1;
    return changes == 1 ? 0 : err_set(err, ERR_NOT_FOUND, "This registry was removed meanwhile.");
}

int registry_set_login(struct db *db, const struct registry_row *row, struct err *err)
{
    struct stmt *s = db_use(db, SQL_REGISTRY_UPDATE_LOGIN);

    db_bind_text(s, ":id", row->id);
    db_bind_text(s, ":host", row->host);
    db_bind_text(s, ":login", row->login);
    db_bind_int(s, ":password_number", row->password_number);
    db_bind_int(s, ":now", clock_now_ms());
    return change_one(s, err);
}

static int check_unused(struct db *db, const struct registry_row *row, struct err *err)
{
    json_t *used = NULL;
    const json_t *first;
    size_t count;
    int rc = 0;

    if (registry_environments(db, row->slug, &used, err) != 0)
        return -1;
    count = json_array_size(used);
    first = json_array_get(used, 0);
    if (count > 0)
        rc = err_set(err, ERR_CONFLICT,
                     count == 1 ? "%s / %s uses this registry. Take it out of its settings first."
                                : "%s / %s and others use this registry. Take it out of their "
                                  "settings first.",
                     json_string_value(json_object_get(first, "app_slug")),
                     json_string_value(json_object_get(first, "slug")));
    json_decref(used);
    return rc;
}

int registry_archive(struct db *db, const struct registry_row *row, struct err *err)
{
    struct stmt *s;

    if (check_unused(db, row, err) != 0)
        return -1;
    s = db_use(db, SQL_REGISTRY_ARCHIVE);
    db_bind_text(s, ":id", row->id);
    db_bind_int(s, ":now", clock_now_ms());
    return change_one(s, err);
}

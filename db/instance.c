/* instance.c - the one row that says who this dashboard is. */
#include "db/instance.h"

#include "db/audit.h"
#include "lib/base/str.h"
#include "statements.h"

static bool copy_key(uint8_t key[32], struct stmt *s, const char *column)
{
    size_t len = 0;
    const void *bytes = db_col_blob(s, column, &len);

    if (len != 32)
        return false;
    memcpy(key, bytes, len);
    return true;
}

int instance_get(struct db *db, struct instance *instance, struct err *err)
{
    struct stmt *s = db_use(db, SQL_INSTANCE_GET);
    bool whole;
    int r = db_step(s, err);

    if (r < 0)
        return -1;
    if (r == 0)
        return err_set(err, ERR_NOT_FOUND,
                       "This dashboard has no keys yet. Start the worker; it makes them.");
    whole = str_copy(instance->id, sizeof instance->id, db_col_text(s, "id"))
            && copy_key(instance->seal_key, s, "seal_key")
            && copy_key(instance->audit_key, s, "audit_key");
    instance->created_at = db_col_int(s, "created_at");
    db_done(s);
    return whole ? 0 : err_set(err, ERR_INTERNAL, "The dashboard's own record is damaged.");
}

int instance_add(struct db *db, const struct instance *instance, struct err *err)
{
    struct audit_entry entry = {.actor = &ACTOR_SYSTEM,
                                .verb = "instance.create",
                                .target_kind = "instance",
                                .target_id = instance->id};
    struct stmt *s;

    if (db_begin(db, err) != 0)
        return -1;
    s = db_use(db, SQL_INSTANCE_ADD);
    db_bind_text(s, ":id", instance->id);
    db_bind_blob(s, ":seal_key", instance->seal_key, sizeof instance->seal_key);
    db_bind_blob(s, ":audit_key", instance->audit_key, sizeof instance->audit_key);
    db_bind_int(s, ":created_at", instance->created_at);
    if (db_run(s, NULL, err) == 0 && audit_append(db, &entry, err) == 0 && db_commit(db, err) == 0)
        return 0;
    db_rollback(db);
    return -1;
}

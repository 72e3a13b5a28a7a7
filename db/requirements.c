/* requirements.c - the store of required keys (requirements.h). */
#include "db/requirements.h"

#include "lib/base/clock.h"
#include "statements.h"

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

int requirement_list(struct db *db, const char *environment_id, json_t **rows, struct err *err)
{
    struct stmt *s = db_use(db, SQL_REQUIREMENT_LIST);
    db_bind_text(s, ":environment_id", environment_id);
    return db_rows_json(s, rows, err);
}

static int tell(struct db *db, const struct actor *actor, const json_t *environment,
                const char *verb, json_t *keys, struct err *err)
{
    struct audit_entry entry = {.actor = actor,
                                .verb = verb,
                                .target_kind = "environment",
                                .target_id = text_at(environment, "id"),
                                .target_name = text_at(environment, "slug"),
                                .app_id = text_at(environment, "app_id"),
                                .environment_id = text_at(environment, "id"),
                                .detail = json_pack("{s:o}", "keys", keys)};
    return audit_append(db, &entry, err);
}

static int set_one(struct db *db, const struct actor *actor, const char *environment_id,
                   const char *origin, const struct requirement_new *row, struct err *err)
{
    struct stmt *s = db_use(db, SQL_REQUIREMENT_SET);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_text(s, ":key", row->key);
    db_bind_text(s, ":description", row->description);
    db_bind_text(s, ":generator", row->generator);
    db_bind_text(s, ":origin", origin);
    db_bind_text(s, ":created_by", actor->id);
    db_bind_int(s, ":now", clock_now_ms());
    return db_run(s, NULL, err);
}

int requirement_add(struct db *db, const struct actor *actor, const json_t *environment,
                    const char *origin, const struct requirement_new *rows, size_t count,
                    struct err *err)
{
    json_t *keys = json_array();
    int rc = -1;
    if (db_begin(db, err) != 0) {
        json_decref(keys);
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (set_one(db, actor, text_at(environment, "id"), origin, &rows[i], err) != 0) {
            json_decref(keys);
            goto out;
        }
        json_array_append_new(keys, json_string(rows[i].key));
    }
    if (tell(db, actor, environment, "requirement.save", keys, err) == 0
        && db_commit(db, err) == 0)
        rc = 0;
out:
    db_rollback(db);
    return rc;
}

int requirement_remove(struct db *db, const struct actor *actor, const json_t *environment,
                       const char *key, struct err *err)
{
    int64_t changes = 0;
    struct stmt *s;
    int rc = -1;
    if (db_begin(db, err) != 0)
        return -1;
    s = db_use(db, SQL_REQUIREMENT_REMOVE);
    db_bind_text(s, ":environment_id", text_at(environment, "id"));
    db_bind_text(s, ":key", key);
    if (db_run(s, &changes, err) != 0)
        goto out;
    if (changes == 0) {
        err_set(err, ERR_NOT_FOUND, "This key is not required any more.");
        goto out;
    }
    if (tell(db, actor, environment, "requirement.remove", json_pack("[s]", key), err) == 0
        && db_commit(db, err) == 0)
        rc = 0;
out:
    db_rollback(db);
    return rc;
}

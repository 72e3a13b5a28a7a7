/* profiles.c - changing one's own name and theme (profiles.h). */
#include "db/profiles.h"

#include "db/users.h"
#include "statements.h"

static void note(json_t *changes, const json_t *user, const char *key, const char *value)
{
    const json_t *was = json_object_get(user, key);
    json_t *is = json_string(value);
    if (!json_equal(was, is))
        json_object_set_new(changes, key, json_pack("{s:O, s:O}", "from", was, "to", is));
    json_decref(is);
}

static int write_profile(struct db *db, const char *id, const char *name, const char *theme,
                         struct err *err)
{
    struct stmt *s = db_use(db, SQL_PROFILE_UPDATE);
    db_bind_text(s, ":id", id);
    db_bind_text(s, ":name", name);
    db_bind_text(s, ":theme", theme);
    return db_run(s, NULL, err);
}

static int tell(struct db *db, const struct actor *actor, const json_t *user, json_t *changes,
                struct err *err)
{
    struct audit_entry entry = {.actor = actor,
                                .verb = "user.change",
                                .target_kind = "user",
                                .target_id = actor->id,
                                .target_name = json_string_value(json_object_get(user, "login")),
                                .detail = json_pack("{s:O}", "changed", changes)};
    return audit_append(db, &entry, err);
}

int profile_change(struct db *db, const struct actor *actor, const char *name, const char *theme,
                   struct err *err)
{
    json_t *user = NULL, *changes = NULL;
    int rc = -1;
    if (db_begin(db, err) != 0)
        return -1;
    if (user_by_id(db, actor->id, &user, err) != 0)
        goto out;
    changes = json_object();
    note(changes, user, "name", name);
    note(changes, user, "theme", theme);
    if (json_object_size(changes) > 0
        && (write_profile(db, actor->id, name, theme, err) != 0
            || tell(db, actor, user, changes, err) != 0 || db_commit(db, err) != 0))
        goto out;
    rc = 0;
out:
    db_rollback(db);
    json_decref(user);
    json_decref(changes);
    return rc;
}

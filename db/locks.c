/* locks.c - the lock of an environment (locks.h). */
#include "db/locks.h"

#include "db/environment_event.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "statements.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

bool lock_is_on(const json_t *environment)
{
    return json_is_integer(json_object_get(environment, "locked_at"));
}

int lock_refuses(const json_t *environment, bool may_unlock, struct err *err)
{
    char since[CLOCK_TEXT_SIZE];
    const char *by = text_of(environment, "locked_by_name");
    if (!lock_is_on(environment) || may_unlock)
        return 0;
    clock_rfc3339(since, json_integer_value(json_object_get(environment, "locked_at")));
    return err_set(err, ERR_CONFLICT,
                   "%.60s / %.60s is locked since %.19s UTC by %.60s: %.300s. Who may unlock it "
                   "does so on its page Operate.",
                   text_of(environment, "app_slug"), text_of(environment, "slug"), since,
                   by[0] == '\0' ? "somebody" : by, text_of(environment, "locked_why"));
}

int lock_begin(struct db *db, const struct actor *actor, const json_t *environment, const char *why,
               struct err *err)
{
    int64_t changes = 0;
    int rc = -1;
    if (db_begin(db, err) != 0)
        return -1;
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_LOCK);
    db_bind_text(s, ":id", text_of(environment, "id"));
    db_bind_text(s, ":by", actor->id);
    db_bind_text(s, ":why", why);
    db_bind_int(s, ":now", clock_now_ms());
    if (db_run(s, &changes, err) != 0)
        goto out;
    if (changes == 0)
        err_field(err, "lock_why",
                  "Somebody locked it meanwhile. Their reason stands above; yours was not stored.");
    else if (environment_event(db, actor, environment, "environment.lock",
                               json_pack("{s:s}", "why", why), err)
                 == 0
             && db_commit(db, err) == 0)
        rc = 0;
out:
    db_rollback(db);
    return rc;
}

int lock_end(struct db *db, const struct actor *actor, const json_t *environment, struct err *err)
{
    int64_t changes = 0;
    int rc = -1;
    if (db_begin(db, err) != 0)
        return -1;
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_UNLOCK);
    db_bind_text(s, ":id", text_of(environment, "id"));
    if (db_run(s, &changes, err) == 0
        && (changes == 0
            || (environment_event(
                    db, actor, environment, "environment.unlock",
                    json_pack("{s:s}", "locked_why", text_of(environment, "locked_why")), err)
                    == 0
                && db_commit(db, err) == 0)))
        rc = 0;
    db_rollback(db);
    return rc;
}

/* freezes.c - see freezes.h. */
#include "db/freezes.h"

#include "db/environment_event.h"
#include "db/json_text.h"
#include "lib/base/str.h"
#include "statements.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

json_t *freeze_of(const json_t *environment)
{
    json_t *stored = json_loads(text_of(environment, "freeze"), JSON_REJECT_DUPLICATES, NULL);
    json_t *freeze = json_pack("{s:s, s:s}", "zone", text_of(stored, "zone"), "windows",
                               text_of(stored, "windows"));
    json_decref(stored);
    return freeze;
}

int freeze_state(const json_t *environment, int64_t now_ms, struct freeze_now *at, struct err *err)
{
    struct freeze freeze;
    json_t *stored = freeze_of(environment);
    int rc = freeze_parse(text_of(stored, "zone"), text_of(stored, "windows"), &freeze, err);
    json_decref(stored);
    if (rc
        != 0) { /* stored texts were checked: the zone's file is gone, or somebody changed them */
        err_wrap(err, "The freeze windows of this environment");
        return -1;
    }
    return freeze_at(&freeze, now_ms, at, err);
}

int freeze_refuses(const json_t *environment, int64_t now_ms, const char *despite, struct err *err)
{
    struct freeze_now at;
    if (freeze_state(environment, now_ms, &at, err) != 0)
        return -1;
    if (!at.is_frozen || despite[0] != '\0')
        return 0;
    return err_set(err, ERR_CONFLICT,
                   "Deploys to %.60s / %.60s are frozen (%.80s) until %.48s. An admin may deploy "
                   "all the same, with a reason.",
                   text_of(environment, "app_slug"), text_of(environment, "slug"), at.text,
                   at.until[0] == '\0' ? "somebody changes that" : at.until);
}

static int store(struct db *db, const struct actor *actor, const json_t *environment,
                 const json_t *before, const json_t *after, struct err *err)
{
    char *text = NULL;
    if (json_text(after, &text, err) != 0)
        return -1;
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_SET_FREEZE);
    db_bind_text(s, ":id", text_of(environment, "id"));
    db_bind_text(s, ":freeze", text);
    int rc = db_run(s, NULL, err);
    free(text);
    if (rc != 0)
        return -1;
    return environment_event(db, actor, environment, "environment.freeze",
                             json_pack("{s:{s:O, s:O}}", "windows", "from", before, "to", after),
                             err);
}

int freeze_save(struct db *db, const struct actor *actor, const json_t *environment,
                struct freeze_change *change, struct err *err)
{
    struct freeze checked;
    json_t *before = freeze_of(environment), *after;
    int rc = -1;
    if (freeze_parse(change->zone, change->windows, &checked, err) != 0) {
        json_decref(before);
        return -1;
    }
    after = json_pack("{s:s, s:s}", "zone", change->zone, "windows", change->windows);
    change->changed = !json_equal(before, after);
    if (!change->changed)
        rc = 0;
    else if (db_begin(db, err) == 0 && store(db, actor, environment, before, after, err) == 0)
        rc = db_commit(db, err);
    db_rollback(db);
    json_decref(before);
    json_decref(after);
    return rc;
}

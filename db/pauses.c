/* pauses.c - the pause of automatic deploys (pauses.h). */
#include "db/pauses.h"

#include "db/environment_event.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "statements.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

bool trigger_is_a_persons(const char *trigger)
{
    return str_equal(trigger, TRIGGER_BUTTON) || str_equal(trigger, TRIGGER_ROLLBACK)
           || str_equal(trigger, TRIGGER_REDEPLOY) || str_equal(trigger, TRIGGER_PROMOTE);
}

bool pause_is_on(const json_t *environment)
{
    return json_is_integer(json_object_get(environment, "paused_at"));
}

int pause_refuses(const json_t *environment, const char *trigger, struct err *err)
{
    char since[CLOCK_TEXT_SIZE];
    const char *by = text_of(environment, "paused_by_name");
    if (!pause_is_on(environment) || trigger_is_a_persons(trigger))
        return 0;
    clock_rfc3339(since, json_integer_value(json_object_get(environment, "paused_at")));
    return err_set(err, ERR_CONFLICT,
                   "Automatic deploys of this environment are paused since %.19s UTC by %.60s: "
                   "%.200s. A person resumes them on the environment's page.",
                   since, by[0] == '\0' ? "somebody" : by, text_of(environment, "paused_why"));
}

int pause_begin(struct db *db, const struct actor *actor, const json_t *environment,
                const char *why, struct err *err)
{
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_PAUSE);
    db_bind_text(s, ":id", text_of(environment, "id"));
    db_bind_text(s, ":by", actor->id);
    db_bind_text(s, ":why", why);
    db_bind_int(s, ":now", clock_now_ms());
    if (db_run(s, NULL, err) != 0)
        return -1;
    return environment_event(db, actor, environment, "environment.pause",
                             json_pack("{s:s}", "why", why), err);
}

int pause_end(struct db *db, const struct actor *actor, const json_t *environment, struct err *err)
{
    int64_t changes = 0;
    int rc = -1;
    if (db_begin(db, err) != 0)
        return -1;
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_RESUME);
    db_bind_text(s, ":id", text_of(environment, "id"));
    if (db_run(s, &changes, err) == 0
        && (changes == 0
            || (environment_event(
                    db, actor, environment, "environment.resume",
                    json_pack("{s:s}", "paused_why", text_of(environment, "paused_why")), err)
                    == 0
                && db_commit(db, err) == 0)))
        rc = 0;
    db_rollback(db);
    return rc;
}

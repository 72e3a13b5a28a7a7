/* The worker's side of releases. The one rule here: an environment's live_release_id moves only to
 * a release that was proven live; every other end of a job changes at most what is said about it.
 */
#include "db/releases.h"

#include <stdlib.h>
#include "db/json_text.h"
#include "statements.h"

int release_load(struct db *db, const char *id, json_t **release, struct err *err)
{
    struct stmt *s = db_use(db, SQL_RELEASE_BY_ID);
    db_bind_text(s, ":id", id);
    return db_row_json(s, release, err);
}

int release_set_plan(struct db *db, const char *release_id, const json_t *basis,
                     const json_t *settings, struct err *err)
{
    char *settings_text = NULL, *hosts = NULL;
    int rc = -1;
    if (json_text(settings, &settings_text, err) == 0
        && json_text(json_object_get(basis, "hosts"), &hosts, err) == 0) {
        struct stmt *s = db_use(db, SQL_RELEASE_SET_PLAN);
        db_bind_text(s, ":id", release_id);
        db_bind_text(s, ":recipe_sha256",
                     json_string_value(json_object_get(basis, "recipe_sha256")));
        db_bind_text(s, ":settings", settings_text);
        db_bind_text(s, ":hosts", hosts);
        rc = db_run(s, NULL, err);
    }
    free(settings_text);
    free(hosts);
    return rc;
}

int release_set_images(struct db *db, const char *release_id, const json_t *images, struct err *err)
{
    char *text = NULL;
    if (json_text(images, &text, err) != 0)
        return -1;
    struct stmt *s = db_use(db, SQL_RELEASE_SET_IMAGES);
    db_bind_text(s, ":id", release_id);
    db_bind_text(s, ":images", text);
    int rc = db_run(s, NULL, err);
    free(text);
    return rc;
}

int release_set_commit(struct db *db, const char *release_id, const char *commit, struct err *err)
{
    struct stmt *s = db_use(db, SQL_RELEASE_SET_COMMIT);
    db_bind_text(s, ":id", release_id);
    db_bind_text(s, ":commit", commit);
    return db_run(s, NULL, err);
}

static int set_outcome(struct db *db, const struct release_ended *ended, int64_t *changes,
                       struct err *err)
{
    struct stmt *s = db_use(db, SQL_RELEASE_END);
    db_bind_text(s, ":id", ended->release_id);
    db_bind_text(s, ":outcome", ended->outcome);
    db_bind_int(s, ":now", ended->now);
    return db_run(s, changes, err);
}

static int set_live(struct db *db, const struct release_ended *ended, const char *state,
                    struct err *err)
{
    struct stmt *s = db_use(db, SQL_RELEASE_SET_LIVE);
    db_bind_text(s, ":release_id", ended->release_id);
    db_bind_text(s, ":environment_id", ended->environment_id);
    db_bind_text(s, ":state", state);
    db_bind_int(s, ":now", ended->now);
    return db_run(s, NULL, err);
}

static int set_state(struct db *db, const char *environment_id, const char *state, struct err *err)
{
    struct stmt *s = db_use(db, SQL_RELEASE_SET_STATE);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_text(s, ":state", state);
    return db_run(s, NULL, err);
}

int release_end(struct db *db, const struct release_ended *ended, struct err *err)
{
    int64_t changes = 0;
    if (set_outcome(db, ended, &changes, err) != 0)
        return -1;
    if (changes != 1)
        return 0;
    switch (ended->effect) {
    case RELEASE_EFFECT_NONE:
        return 0;
    case RELEASE_EFFECT_LIVE:
        return set_live(db, ended, "live", err);
    case RELEASE_EFFECT_DEGRADED:
        return set_live(db, ended, "degraded", err);
    case RELEASE_EFFECT_MIXED:
        return set_state(db, ended->environment_id, "degraded", err);
    case RELEASE_EFFECT_REVERTED:
        return set_state(db, ended->environment_id, "live", err);
    case RELEASE_EFFECT_FAILED:
        return set_state(db, ended->environment_id, "failed", err);
    case RELEASE_EFFECT_UNKNOWN:
        return set_state(db, ended->environment_id, "unknown", err);
    }
    return err_set(err, ERR_INTERNAL, "The outcome of the release could not be written.");
}

int release_set_kept(struct db *db, const struct release_kept *look, struct err *err)
{
    char *kept = NULL;
    if (json_text(look->kept, &kept, err) != 0)
        return -1;
    struct stmt *s = db_use(db, SQL_RELEASE_KEPT_SET);
    db_bind_text(s, ":environment_id", look->environment_id);
    db_bind_text(s, ":server_id", look->server_id);
    db_bind_text(s, ":job_id", look->job_id);
    db_bind_text(s, ":kept", kept);
    db_bind_int(s, ":now", look->now);
    int rc = db_run(s, NULL, err);
    free(kept);
    return rc;
}

int release_sets_once_live(struct db *db, const char *environment_id, int limit, json_t **numbers,
                           struct err *err)
{
    struct stmt *s = db_use(db, SQL_RELEASE_SETS_ONCE_LIVE);
    int r;
    *numbers = json_array();
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_int(s, ":limit", limit);
    while ((r = db_step(s, err)) == 1)
        json_array_append_new(*numbers, json_integer(db_col_int(s, "number")));
    db_done(s);
    return r;
}

int release_set_look(struct db *db, const char *environment_id, int64_t number, bool opens,
                     int64_t now, struct err *err)
{
    struct stmt *s = db_use(db, SQL_RELEASE_SET_LOOK);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_int(s, ":number", number);
    db_bind_int(s, ":opens", opens ? 1 : 0);
    db_bind_int(s, ":now", now);
    return db_run(s, NULL, err);
}

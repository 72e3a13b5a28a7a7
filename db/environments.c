/* environments.c - the environment store (environments.h).
 *
 * Servers are replaced as a whole list on every save: the list is short, and a half-applied
 * difference would be worse than an extra delete. What the audit event says is computed from the
 * row read inside the same transaction, so it is what really changed, not what the form thought. */
#include "db/environments.h"

#include <string.h>
#include "db/json_text.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "statements.h"

#define CARDS_MAX 1000

static bool is_listed(const json_t *ids, const json_t *id)
{
    const json_t *item;
    size_t i;
    json_array_foreach(ids, i, item)
    {
        if (json_equal(item, id))
            return true;
    }
    return false;
}

static int link_servers(struct db *db, const char *environment_id, const json_t *server_ids,
                        const json_t *balancers, struct err *err)
{
    for (size_t i = 0; i < json_array_size(server_ids); i++) {
        struct stmt *s = db_use(db, SQL_ENVIRONMENT_SERVER_INSERT);
        db_bind_text(s, ":environment_id", environment_id);
        db_bind_text(s, ":server_id", json_string_value(json_array_get(server_ids, i)));
        db_bind_text(s, ":role",
                     is_listed(balancers, json_array_get(server_ids, i)) ? "lb" : "app");
        db_bind_int(s, ":position", (int64_t)i);
        if (db_run(s, NULL, err) != 0)
            return -1;
    }
    return 0;
}

static int insert_environment(struct db *db, const struct environment_new *env, const char *id,
                              struct err *err)
{
    struct err refused = {0};
    char *settings = NULL;
    if (json_text(env->settings, &settings, err) != 0)
        return -1;
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_INSERT);
    db_bind_text(s, ":id", id);
    db_bind_text(s, ":app_id", env->app_id);
    db_bind_text(s, ":slug", env->slug);
    db_bind_text(s, ":tier", env->tier);
    db_bind_text(s, ":recipe", env->recipe);
    db_bind_text(s, ":settings", settings);
    db_bind_int(s, ":now", clock_now_ms());
    int rc = db_run(s, NULL, &refused);
    free(settings);
    if (rc == 0)
        return 0;
    if (refused.code == ERR_CONFLICT) {
        err_field(&refused, "slug",
                  "This app has an environment called “%s” already. Choose another short name.",
                  env->slug);
        refused.code = ERR_CONFLICT;
    }
    if (err != NULL)
        *err = refused;
    return -1;
}

static int tell_created(struct db *db, const struct actor *actor, const struct environment_new *env,
                        const char *id, struct err *err)
{
    struct audit_entry entry = {.actor = actor,
                                .verb = "environment.create",
                                .target_kind = "environment",
                                .target_id = id,
                                .target_name = env->slug,
                                .app_id = env->app_id,
                                .environment_id = id,
                                .detail = json_pack("{s:s, s:s, s:O, s:O, s:O*}", "tier", env->tier,
                                                    "recipe", env->recipe, "settings",
                                                    env->settings, "servers", env->server_ids,
                                                    "load_balancers", env->balancers)};
    return audit_append(db, &entry, err);
}

int environment_create(struct db *db, const struct actor *actor, const struct environment_new *env,
                       char id[CRYPTO_ID_SIZE], struct err *err)
{
    int rc = -1;
    crypto_new_id(id);
    if (db_begin(db, err) != 0)
        return -1;
    if (insert_environment(db, env, id, err) != 0
        || link_servers(db, id, env->server_ids, env->balancers, err) != 0
        || tell_created(db, actor, env, id, err) != 0 || db_commit(db, err) != 0)
        goto out;
    rc = 0;
out:
    db_rollback(db);
    return rc;
}

static void note_change(json_t *changes, const char *name, const json_t *was, const json_t *is)
{
    if (was != NULL && is != NULL && json_equal(was, is))
        return;
    json_t *null = json_null();
    json_object_set_new(
        changes, name,
        json_pack("{s:O, s:O}", "from", was != NULL ? was : null, "to", is != NULL ? is : null));
}

/* {"settings.port": {from, to}, ...}: what differs between the row now and the form. */
static json_t *changes_between(const json_t *now, const json_t *server_ids_now,
                               const json_t *balancers_now, const struct environment_change *change)
{
    json_t *none = json_array();
    json_t *changes = json_object();
    const json_t *old = json_object_get(now, "settings");
    json_t *tier = json_string(change->tier);
    char name[96];
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)change->settings, key, value)
    {
        snprintf(name, sizeof name, "settings.%s", key);
        note_change(changes, name, json_object_get(old, key), value);
    }
    json_object_foreach((json_t *)(uintptr_t)old, key, value)
    {
        snprintf(name, sizeof name, "settings.%s", key);
        if (json_object_get(change->settings, key) == NULL)
            note_change(changes, name, value, NULL);
    }
    note_change(changes, "tier", json_object_get(now, "tier"), tier);
    note_change(changes, "servers", server_ids_now, change->server_ids);
    note_change(changes, "load_balancers", balancers_now,
                change->balancers != NULL ? change->balancers : none);
    json_decref(none);
    json_decref(tier);
    return changes;
}

static int ids_of_servers(struct db *db, const char *environment_id, json_t **ids,
                          json_t **balancers, struct err *err)
{
    json_t *servers = NULL, *server;
    size_t i;
    if (environment_servers(db, environment_id, &servers, err) != 0)
        return -1;
    *ids = json_array();
    *balancers = json_array();
    json_array_foreach(servers, i, server)
    {
        json_array_append(*ids, json_object_get(server, "id"));
        if (str_equal(json_string_value(json_object_get(server, "role")), "lb"))
            json_array_append(*balancers, json_object_get(server, "id"));
    }
    json_decref(servers);
    return 0;
}

static int write_change(struct db *db, const char *id, const struct environment_change *change,
                        struct err *err)
{
    char *settings = NULL;
    if (json_text(change->settings, &settings, err) != 0)
        return -1;
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_UPDATE_SETTINGS);
    db_bind_text(s, ":id", id);
    db_bind_text(s, ":settings", settings);
    db_bind_text(s, ":tier", change->tier);
    int rc = db_run(s, NULL, err);
    free(settings);
    if (rc != 0)
        return -1;
    s = db_use(db, SQL_ENVIRONMENT_SERVER_CLEAR);
    db_bind_text(s, ":environment_id", id);
    if (db_run(s, NULL, err) != 0)
        return -1;
    return link_servers(db, id, change->server_ids, change->balancers, err);
}

static int tell_changed(struct db *db, const struct actor *actor, const json_t *now,
                        json_t *changes, struct err *err)
{
    const char *id = json_string_value(json_object_get(now, "id"));
    struct audit_entry entry = {.actor = actor,
                                .verb = "environment.change",
                                .target_kind = "environment",
                                .target_id = id,
                                .target_name = json_string_value(json_object_get(now, "slug")),
                                .app_id = json_string_value(json_object_get(now, "app_id")),
                                .environment_id = id,
                                .detail = json_pack("{s:O}", "changed", changes)};
    return audit_append(db, &entry, err);
}

int environment_change(struct db *db, const struct actor *actor,
                       const struct environment_change *change, int *changed, struct err *err)
{
    const char *id = json_string_value(json_object_get(change->environment, "id"));
    json_t *now = NULL, *server_ids = NULL, *balancers = NULL, *changes = NULL;
    int rc = -1;

    if (db_begin(db, err) != 0)
        return -1;
    if (environment_by_id(db, id, &now, err) != 0
        || ids_of_servers(db, id, &server_ids, &balancers, err) != 0)
        goto out;
    changes = changes_between(now, server_ids, balancers, change);
    *changed = (int)json_object_size(changes);
    if (*changed > 0
        && (write_change(db, id, change, err) != 0
            || tell_changed(db, actor, now, changes, err) != 0 || db_commit(db, err) != 0))
        goto out;
    rc = 0;
out:
    db_rollback(db);
    json_decref(now);
    json_decref(server_ids);
    json_decref(balancers);
    json_decref(changes);
    return rc;
}

int environment_by_slugs(struct db *db, const char *app, const char *env, json_t **environment,
                         struct err *err)
{
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_BY_SLUGS);
    db_bind_text(s, ":app", app);
    db_bind_text(s, ":env", env);
    return db_row_json(s, environment, err);
}

int environment_by_id(struct db *db, const char *id, json_t **environment, struct err *err)
{
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_BY_ID);
    db_bind_text(s, ":id", id);
    return db_row_json(s, environment, err);
}

static int cards(struct db *db, const char *app_id, const char *id, json_t **list, struct err *err)
{
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_CARDS);
    db_bind_text(s, ":app_id", app_id);
    db_bind_text(s, ":id", id);
    db_bind_int(s, ":limit", CARDS_MAX);
    return db_rows_json(s, list, err);
}

int environment_cards(struct db *db, const char *app_id, json_t **list, struct err *err)
{
    return cards(db, app_id, NULL, list, err);
}

int environment_card(struct db *db, const char *app, const char *env, json_t **card,
                     struct err *err)
{
    json_t *row = NULL, *list = NULL;
    int rc = -1;
    if (environment_by_slugs(db, app, env, &row, err) != 0)
        return -1;
    if (cards(db, NULL, json_string_value(json_object_get(row, "id")), &list, err) != 0)
        goto out;
    if (json_array_size(list) != 1) {
        err_set(err, ERR_NOT_FOUND, "There is no such environment.");
        goto out;
    }
    *card = json_incref(json_array_get(list, 0));
    rc = 0;
out:
    json_decref(row);
    json_decref(list);
    return rc;
}

int environment_release(struct db *db, const char *release_id, json_t **release, struct err *err)
{
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_RELEASE_BY_ID);
    db_bind_text(s, ":id", release_id == NULL ? "" : release_id);
    return db_row_or_null_json(s, release, err);
}

int environment_releases(struct db *db, const char *id, int64_t before, int limit,
                         json_t **releases, struct err *err)
{
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_RELEASES);
    db_bind_text(s, ":environment_id", id);
    db_bind_int(s, ":before", before);
    db_bind_int(s, ":limit", limit);
    return db_rows_json(s, releases, err);
}

static int rows_of(struct db *db, int statement, const char *id, json_t **rows, struct err *err)
{
    struct stmt *s = db_use(db, statement);
    db_bind_text(s, ":environment_id", id);
    return db_rows_json(s, rows, err);
}

int environment_releases_whole(struct db *db, const char *id, int64_t before, int limit,
                               json_t **releases, struct err *err)
{
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_RELEASES_WHOLE);
    db_bind_text(s, ":environment_id", id);
    db_bind_int(s, ":before", before);
    db_bind_int(s, ":limit", limit);
    return db_rows_json(s, releases, err);
}

int environment_release_by_number(struct db *db, const char *id, int64_t number, json_t **release,
                                  struct err *err)
{
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_RELEASE_BY_NUMBER);
    db_bind_text(s, ":environment_id", id);
    db_bind_int(s, ":number", number);
    return db_row_json(s, release, err);
}

int environment_migrated_after(struct db *db, const char *id, int64_t number, json_t **releases,
                               struct err *err)
{
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_MIGRATED_AFTER);
    db_bind_text(s, ":environment_id", id);
    db_bind_int(s, ":number", number);
    return db_rows_json(s, releases, err);
}

int environment_kept_looks(struct db *db, const char *id, json_t **looks, struct err *err)
{
    return rows_of(db, SQL_ENVIRONMENT_KEPT_LOOKS, id, looks, err);
}

int environment_secret_looks(struct db *db, const char *id, json_t **looks, struct err *err)
{
    return rows_of(db, SQL_ENVIRONMENT_SECRET_LOOKS, id, looks, err);
}

int environment_servers(struct db *db, const char *id, json_t **servers, struct err *err)
{
    return rows_of(db, SQL_ENVIRONMENT_SERVERS, id, servers, err);
}

/* requirements.c - the store of required keys (requirements.h). */
#include "db/requirements.h"

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/domain/compose.h"
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

/* --- what a set lacks --- */

#define NAMED_MAX 5

static int keys_of_set(struct db *db, const char *environment_id, int64_t number, json_t **keys,
                       struct err *err)
{
    struct stmt *s = db_use(db, SQL_REQUIREMENT_KEYS);
    int r;
    *keys = json_object();
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_int(s, ":number", number);
    while ((r = db_step(s, err)) == 1)
        json_object_set_new(*keys, db_col_text(s, "key"), json_true());
    db_done(s);
    return r;
}

static void add_row(json_t *list, const json_t *keys, const char *key, const char *text,
                    const char *generator, const char *origin)
{
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:b}", "key", key, "text", text,
                                          "generator", generator, "origin", origin, "is_missing",
                                          (int)(json_object_get(keys, key) == NULL)));
}

static const json_t *find_row(const json_t *rows, const char *key)
{
    const json_t *row;
    size_t i;
    json_array_foreach(rows, i, row) if (strcmp(text_at(row, "key"), key) == 0) return row;
    return NULL;
}

/* What the file says about a variable, or who uses it. */
static void add_variable(json_t *list, const json_t *keys, const json_t *variable)
{
    const json_t *service;
    struct buf text;
    size_t i;
    buf_init(&text, 1000);
    if (text_at(variable, "message")[0] != '\0')
        buf_add_str(&text, text_at(variable, "message"));
    else
        buf_add_str(&text, "used in the Compose file");
    if (text_at(variable, "message")[0] == '\0')
        json_array_foreach(json_object_get(variable, "services"), i, service)
        {
            buf_add_str(&text, i == 0 ? " by " : ", ");
            buf_add_str(&text, json_string_value(service));
        }
    add_row(list, keys, text_at(variable, "name"), buf_ok(&text) ? text.data : "", "", "compose");
    buf_deinit(&text);
}

/* A file that cannot be read demands nothing here: the form and the step that validates say so. */
static json_t *variables_of(const json_t *settings)
{
    const char *text = text_at(settings, "compose");
    json_t *variables = NULL;
    struct err ignored = {0};
    if (text[0] == '\0' || compose_variables(text, &variables, &ignored) != 0)
        return json_array();
    return variables;
}

int requirements_of_set(struct db *db, const char *environment_id, const json_t *settings,
                        int64_t number, json_t **rows, struct err *err)
{
    json_t *keys = NULL, *entered = NULL, *variables = variables_of(settings);
    const json_t *row;
    int rc = -1;
    size_t i;
    *rows = json_array();
    if (keys_of_set(db, environment_id, number, &keys, err) != 0
        || requirement_list(db, environment_id, &entered, err) != 0)
        goto out;
    json_array_foreach(variables, i, row)
    {
        const char *key = text_at(row, "name");
        if (json_is_true(json_object_get(row, "is_required"))
            && !json_is_true(json_object_get(row, "is_build"))
            && strcmp(key, text_at(settings, "version_variable")) != 0
            && find_row(entered, key) == NULL)
            add_variable(*rows, keys, row);
    }
    json_array_foreach(entered, i, row)
        add_row(*rows, keys, text_at(row, "key"), text_at(row, "description"),
                text_at(row, "generator"), text_at(row, "origin"));
    rc = *rows == NULL ? err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.") : 0;
out:
    json_decref(keys);
    json_decref(entered);
    json_decref(variables);
    if (rc != 0)
        json_decref(*rows);
    return rc;
}

void requirements_missing(const json_t *rows, char text[REQUIREMENTS_MISSING_MAX])
{
    size_t count = 0, i;
    const json_t *row;
    struct buf out;
    buf_init(&out, REQUIREMENTS_MISSING_MAX);
    json_array_foreach(rows, i, row)
    {
        if (!json_is_true(json_object_get(row, "is_missing")))
            continue;
        if (count < NAMED_MAX)
            buf_printf(&out, "%s%s", count == 0 ? "" : ", ", text_at(row, "key"));
        count++;
    }
    if (count > NAMED_MAX)
        buf_printf(&out, " and %zu more", count - NAMED_MAX);
    snprintf(text, REQUIREMENTS_MISSING_MAX, "%s", out.len > 0 ? out.data : "");
    buf_deinit(&out);
}

/* --- writing --- */

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
                    const struct requirements_new *added, struct err *err)
{
    json_t *keys = json_array();
    int rc = -1;
    if (db_begin(db, err) != 0) {
        json_decref(keys);
        return -1;
    }
    for (size_t i = 0; i < added->count; i++) {
        const struct requirement_new *row = &added->rows[i];
        if (set_one(db, actor, text_at(environment, "id"), added->origin, row, err) != 0) {
            json_decref(keys);
            goto out;
        }
        json_array_append_new(keys, json_string(row->key));
    }
    if (tell(db, actor, environment, "requirement.save", keys, err) == 0 && db_commit(db, err) == 0)
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

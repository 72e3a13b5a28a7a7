/* json.c - rows as JSON objects, the form in which pages and the API want them.
 *
 * The statement decides the shape by the names of its columns (db.h). Blobs are keys, hashes and
 * sealed values: they never belong in a model and are left out. */
#include "db/connection.h"

#include "lib/base/str.h"

#define ROWS_MAX 10000

static int not_json(struct stmt *s, const char *column, struct err *err)
{
    err_set(err, ERR_INTERNAL, "The database holds a value that cannot be read.");
    return err_detail(err, "column %s of %s", column, sqlite3_sql(s->handle));
}

/* One value as a new reference, NULL when it is damaged (or out of memory). */
static json_t *value_of(struct stmt *s, int index, const char *name)
{
    int type = sqlite3_column_type(s->handle, index);

    if (type == SQLITE_NULL)
        return json_null();
    if (str_starts(name, "is_") || str_starts(name, "has_"))
        return json_boolean(sqlite3_column_int64(s->handle, index) != 0);
    if (type == SQLITE_INTEGER)
        return json_integer(sqlite3_column_int64(s->handle, index));
    if (type == SQLITE_FLOAT)
        return json_real(sqlite3_column_double(s->handle, index));
    if (str_ends(name, "_json"))
        return json_loadb((const char *)sqlite3_column_text(s->handle, index),
                          (size_t)sqlite3_column_bytes(s->handle, index),
                          JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    return json_stringn((const char *)sqlite3_column_text(s->handle, index),
                        (size_t)sqlite3_column_bytes(s->handle, index));
}

static json_t *row_object(struct stmt *s, struct err *err)
{
    json_t *object = json_object();
    int count = sqlite3_column_count(s->handle);

    for (int i = 0; object != NULL && i < count; i++) {
        const char *name = sqlite3_column_name(s->handle, i);
        char key[64];
        json_t *value;

        if (sqlite3_column_type(s->handle, i) == SQLITE_BLOB)
            continue;
        value = value_of(s, i, name);
        str_copy(key, sizeof key, name);
        if (str_ends(key, "_json"))
            key[strlen(key) - 5] = '\0';
        if (value == NULL || json_object_set_new(object, key, value) != 0) {
            not_json(s, name, err);
            json_decref(object);
            return NULL;
        }
    }
    if (object == NULL)
        err_set(err, ERR_NO_MEMORY, "This request needs more memory than it may have.");
    return object;
}

int db_row_json(struct stmt *s, json_t **object, struct err *err)
{
    json_t *row;

    if (db_one(s, err) != 0)
        return -1;
    row = row_object(s, err);
    db_done(s);
    if (row == NULL)
        return -1;
    *object = row;
    return 0;
}

int db_row_or_null_json(struct stmt *s, json_t **object, struct err *err)
{
    struct err why = {0};

    if (db_row_json(s, object, &why) == 0)
        return 0;
    if (why.code == ERR_NOT_FOUND) {
        *object = json_null();
        return 0;
    }
    if (err != NULL)
        *err = why;
    return -1;
}

int db_rows_json(struct stmt *s, json_t **array, struct err *err)
{
    json_t *rows = json_array();
    int r = rows == NULL ? err_set(err, ERR_NO_MEMORY, "There is not enough memory.") : 1;

    while (r == 1 && (r = db_step(s, err)) == 1) {
        json_t *row = NULL;

        if (json_array_size(rows) >= ROWS_MAX)
            r = err_set(err, ERR_TOO_LARGE, "There are more than %d rows. Narrow the filter.",
                        ROWS_MAX);
        else if ((row = row_object(s, err)) == NULL)
            r = -1;
        else if (json_array_append_new(rows, row) != 0)
            r = err_set(err, ERR_NO_MEMORY, "This request needs more memory than it may have.");
    }
    if (r != 0) {
        db_done(s);
        json_decref(rows);
        return -1;
    }
    *array = rows;
    return 0;
}

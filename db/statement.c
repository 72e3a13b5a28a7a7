/* statement.c - named statements: take, bind by name, step, read columns by name.
 *
 * Mistakes of the caller (a statement of another role, an unknown column) end the process: they
 * cannot be caused from outside, and going on would mean answering from the wrong data. Binding
 * mistakes stick to the statement and fail its first step, so that a chain of binds needs no
 * checks; a parameter that was never bound is such a mistake, since NULL would quietly match
 * nothing. */
#include "db/connection.h"

#include "lib/base/log.h"
#include "statements.h"

static const char *name_of(const struct stmt *s)
{
    return statement_texts[s->id].name;
}

struct stmt *db_use(struct db *db, int statement)
{
    struct stmt *s;

    if (statement <= SQL_NONE || statement >= statement_count
        || db->stmts[statement].handle == NULL) {
        LOG_ERROR("db_statement_not_of_role", "statement=%s role=%d which=%d",
                  statement > SQL_NONE && statement < statement_count
                      ? statement_texts[statement].name
                      : "?",
                  (int)db->role, (int)db->which);
        abort();
    }
    s = &db->stmts[statement];
    sqlite3_reset(s->handle);
    sqlite3_clear_bindings(s->handle);
    s->bound = 0;
    s->bind_rc = SQLITE_OK;
    s->bad_name[0] = '\0';
    s->stepping = false;
    return s;
}

/* --- binding --- */

static int parameter(struct stmt *s, const char *name)
{
    int index = sqlite3_bind_parameter_index(s->handle, name);

    if (index == 0 && s->bind_rc == SQLITE_OK) {
        s->bind_rc = SQLITE_RANGE;
        snprintf(s->bad_name, sizeof s->bad_name, "%s", name);
    }
    return index;
}

static void note_bind(struct stmt *s, const char *name, int index, int rc)
{
    if (rc == SQLITE_OK)
        s->bound |= (uint64_t)1 << index;
    else if (s->bind_rc == SQLITE_OK) {
        s->bind_rc = rc;
        snprintf(s->bad_name, sizeof s->bad_name, "%s", name);
    }
}

void db_bind_text(struct stmt *s, const char *name, const char *text)
{
    int index = parameter(s, name);

    if (index > 0)
        note_bind(s, name, index, sqlite3_bind_text(s->handle, index, text, -1, SQLITE_STATIC));
}

void db_bind_int(struct stmt *s, const char *name, int64_t value)
{
    int index = parameter(s, name);

    if (index > 0)
        note_bind(s, name, index, sqlite3_bind_int64(s->handle, index, value));
}

void db_bind_blob(struct stmt *s, const char *name, const void *bytes, size_t len)
{
    int index = parameter(s, name);

    if (index > 0) /* a NULL pointer would bind NULL; an empty blob is a value */
        note_bind(
            s, name, index,
            sqlite3_bind_blob64(s->handle, index, bytes == NULL ? "" : bytes, len, SQLITE_STATIC));
}

void db_bind_null(struct stmt *s, const char *name)
{
    int index = parameter(s, name);

    if (index > 0)
        note_bind(s, name, index, sqlite3_bind_null(s->handle, index));
}

static int check_bindings(struct stmt *s, struct err *err)
{
    if (s->bind_rc != SQLITE_OK) {
        err_set(err, s->bind_rc == SQLITE_TOOBIG ? ERR_TOO_LARGE : ERR_INTERNAL,
                s->bind_rc == SQLITE_TOOBIG ? "A value is too large to be stored."
                                            : "The database could not do this.");
        return err_detail(err, "bind %s of %s: sqlite %d", s->bad_name, name_of(s), s->bind_rc);
    }
    for (int i = 1; i <= sqlite3_bind_parameter_count(s->handle); i++)
        if ((s->bound & (uint64_t)1 << i) == 0) {
            err_set(err, ERR_INTERNAL, "The database could not do this.");
            return err_detail(err, "%s of %s was not bound",
                              sqlite3_bind_parameter_name(s->handle, i), name_of(s));
        }
    return 0;
}

/* --- stepping --- */

void db_done(struct stmt *s)
{
    sqlite3_reset(s->handle);
    sqlite3_clear_bindings(s->handle); /* borrowed texts: do not keep the pointers */
    s->stepping = false;
}

int db_step(struct stmt *s, struct err *err)
{
    int rc;

    if (!s->stepping && check_bindings(s, err) != 0) {
        db_done(s);
        return -1;
    }
    rc = sqlite3_step(s->handle);
    if (rc == SQLITE_ROW) {
        s->stepping = true;
        return 1;
    }
    if (rc == SQLITE_DONE) {
        db_done(s);
        return 0;
    }
    db_error(s->db, rc, name_of(s), err);
    db_done(s);
    return -1;
}

int db_run(struct stmt *s, int64_t *changes, struct err *err)
{
    int r, before = sqlite3_total_changes(s->db->handle);

    while ((r = db_step(s, err)) == 1)
        continue;
    if (r != 0)
        return -1;
    if (changes != NULL) /* sqlite3_changes keeps the number of the last write; a no-op has none */
        *changes =
            sqlite3_total_changes(s->db->handle) == before ? 0 : sqlite3_changes(s->db->handle);
    return 0;
}

int db_one(struct stmt *s, struct err *err)
{
    int r = db_step(s, err);

    if (r == 1)
        return 0;
    if (r == 0) {
        err_set(err, ERR_NOT_FOUND, "There is no such thing, or it was removed.");
        err_detail(err, "no row for %s", name_of(s));
    }
    return -1;
}

/* --- columns --- */

static int column(struct stmt *s, const char *name)
{
    int count = sqlite3_column_count(s->handle);

    for (int i = 0; i < count; i++)
        if (strcmp(sqlite3_column_name(s->handle, i), name) == 0)
            return i;
    LOG_ERROR("db_no_such_column", "statement=%s column=%s", name_of(s), name);
    abort();
}

bool db_col_is_null(struct stmt *s, const char *name)
{
    return sqlite3_column_type(s->handle, column(s, name)) == SQLITE_NULL;
}

int64_t db_col_int(struct stmt *s, const char *name)
{
    return sqlite3_column_int64(s->handle, column(s, name));
}

const char *db_col_text(struct stmt *s, const char *name)
{
    const unsigned char *text = sqlite3_column_text(s->handle, column(s, name));

    return text == NULL ? "" : (const char *)text;
}

const void *db_col_blob(struct stmt *s, const char *name, size_t *len)
{
    int index = column(s, name);
    const void *bytes = sqlite3_column_blob(s->handle, index);
    int size = sqlite3_column_bytes(s->handle, index);

    *len = bytes == NULL || size < 0 ? 0 : (size_t)size;
    return bytes;
}

/* db.h - a connection to one of the two databases, and the named statements of db/queries.
 *
 * SQL text lives in db/queries/{shared,vault}/ (.sql); tools/sql2c.awk makes `enum statement`
 * (build/gen/statements.h, names in capitals: -- name: job_by_id becomes SQL_JOB_BY_ID) and the
 * table behind it. A connection prepares the statements of its role and database at open and then
 * refuses to prepare anything else (authorizer, prepared early: c-style A10.6), so there is nowhere
 * to inject SQL.
 *
 * Every process opens its own connection after its last fork. WAL, synchronous=FULL, STRICT tables,
 * foreign keys on, busy_timeout 5 s, trusted_schema off, DEFENSIVE (reliability.md §4).
 *
 * Calling sequence:
 *     db_bind_text(s = db_use(db, SQL_JOB_BY_ID), ":id", id);
 *     if (db_row_json(s, &row, err) != 0) ...           or: while ((r = db_step(s, err)) == 1) ...
 * db_col_int(s, "serial") Binding errors stick to the statement and are reported by the next
 * db_step/db_run/db_row_json/db_rows_json, which also reset it when done; a parameter that was
 * never bound is such an error. Only stores (db/ *.c, db/vault/ *.c) call these; they are the only
 * callers of named statements.
 *
 * Errors: ERR_BUSY when the write lock was not free in time (nothing was changed, call again),
 * ERR_NO_SPACE when the disk is full, ERR_CONFLICT when a UNIQUE or CHECK constraint refused,
 * ERR_INTERNAL otherwise (detail says the statement). */
#ifndef WL_DB_DB_H
#define WL_DB_DB_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

struct db;
struct stmt;

enum db_role {
    DB_ROLE_NONE = 0,
    DB_ROLE_WEB = 1,
    DB_ROLE_STREAM = 2,
    DB_ROLE_WORKER = 4,
    DB_ROLE_CLI = 8
};
enum db_which { DB_SHARED = 1, DB_VAULT = 2 };

/* Open an existing, migrated database. A schema older or newer than this program's is ERR_CONFLICT
 * with the fix. */
int db_open(const char *path, enum db_which which, enum db_role role, struct db **db,
            struct err *err) MUST_USE;
void db_close(struct db *db);

/* Create or bring forward (db/migrations/<which>/NNNN_name.sql, compiled in): each migration in one
 * transaction, its checksum recorded, a VACUUM INTO copy beside the file first when there was data.
 * `group` >= 0: the files get mode 0660 and this gid. */
int db_migrate(const char *path, enum db_which which, int group, struct err *err) MUST_USE;

/* BEGIN IMMEDIATE ... COMMIT. Nesting is a bug and aborts with both places. No network call between
 * the two. */
#define db_begin(db, err) db_begin_at((db), __FILE__, __LINE__, (err))
int db_begin_at(struct db *db, const char *file, int line, struct err *err) MUST_USE;
int db_commit(struct db *db, struct err *err) MUST_USE;
void db_rollback(struct db *db); /* no-op when none is open: for `out:` */
bool db_in_transaction(const struct db *db);
/* Move everything from the write-ahead log into the database and cut the log to nothing. ERR_BUSY
 * when somebody reads or writes for longer than the waiting time below. */
int db_empty_log(struct db *db, struct err *err) MUST_USE;
/* How long to wait for the write lock; 5 s unless told. For tests and for the worker's poll loop.
 */
void db_set_busy_ms(struct db *db, int ms);

/* The statement, reset and unbound. Asking for one of another role or database is a bug and aborts.
 */
struct stmt *db_use(struct db *db, int statement);
void db_bind_text(struct stmt *s, const char *name,
                  const char *text); /* NULL binds NULL; the text must live until the step */
void db_bind_int(struct stmt *s, const char *name, int64_t value);
void db_bind_blob(struct stmt *s, const char *name, const void *bytes, size_t len);
void db_bind_null(struct stmt *s, const char *name);

/* 1 a row, 0 done (and reset), -1 error (and reset). */
int db_step(struct stmt *s, struct err *err) MUST_USE;
/* Run to the end; how many rows it changed. */
int db_run(struct stmt *s, int64_t *changes, struct err *err) MUST_USE;
/* Exactly one row or ERR_NOT_FOUND. Columns by name; pointers live until the next call on the
 * statement. Call db_done after. */
int db_one(struct stmt *s, struct err *err) MUST_USE;
void db_done(struct stmt *s);
bool db_col_is_null(struct stmt *s, const char *column);
int64_t db_col_int(struct stmt *s, const char *column);
const char *db_col_text(struct stmt *s, const char *column); /* "" for NULL */
const void *db_col_blob(struct stmt *s, const char *column, size_t *len);

/* Rows as JSON: integers, strings, null; blobs are left out. A column whose name ends in `_json` is
 * parsed and named without the suffix; one that begins with `is_` or `has_` becomes true or false.
 * New references. */
int db_row_json(struct stmt *s, json_t **object,
                struct err *err) MUST_USE; /* ERR_NOT_FOUND when there is none */
int db_row_or_null_json(struct stmt *s, json_t **object,
                        struct err *err) MUST_USE; /* JSON null when there is none */
int db_rows_json(struct stmt *s, json_t **array,
                 struct err *err) MUST_USE; /* at most 10,000 rows */

#endif

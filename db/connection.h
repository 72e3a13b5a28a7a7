/* connection.h - what the files of db/ share about a connection. Not for other folders: they see
 * db.h.
 *
 * The tables at the end are generated (tools/sql2c.awk). */
#ifndef WL_DB_CONNECTION_H
#define WL_DB_CONNECTION_H

#include <sqlite3.h>
#include "db/db.h"

enum db_returns { DB_RETURNS_NONE = 0, DB_RETURNS_ONE, DB_RETURNS_MANY };

struct statement_text {
    const char *name;
    const char *sql;
    unsigned roles;     /* mask of enum db_role */
    const char *writes; /* tables, one space between; "" on reads */
    enum db_returns returns;
    enum db_which which;
    const char *place; /* file:line of its header, for messages */
};

struct migration_text {
    int number; /* 1, 2, ... per database; 0 ends the table */
    enum db_which which;
    const char *name;
    const char *const *lines; /* NULL-terminated; concatenated they are the file */
};

struct stmt {
    struct db *db;
    sqlite3_stmt *handle; /* NULL: not of this connection's role or database */
    int id;
    uint64_t bound;    /* bit per parameter that was given a value since db_use */
    int bind_rc;       /* first binding that failed, or SQLITE_OK */
    char bad_name[48]; /* the parameter it was */
    bool stepping;     /* a row was returned and the end not yet reached */
};

struct db {
    sqlite3 *handle;
    enum db_which which;
    enum db_role role;
    sqlite3_stmt *begin, *commit, *rollback;
    const char *begin_file; /* where the open transaction began; NULL: none */
    int begin_line;
    bool locked;        /* no further statement may be prepared */
    const char *writes; /* while preparing: the tables the statement declared */
    char refused[160];  /* what the authorizer refused last, for the message */
    struct stmt *stmts; /* statement_count of them */
};

/* Fill err from the connection's last result. `what` is the statement's name or what was being
 * done. */
int db_error(struct db *db, int rc, const char *what, struct err *err);
/* Open the file and apply the hardening every connection has (flags: SQLITE_OPEN_*). */
int db_open_handle(const char *path, int flags, sqlite3 **handle, struct err *err) MUST_USE;
int db_error_handle(sqlite3 *handle, int rc, const char *what, struct err *err);
/* PRAGMA user_version. */
int db_schema_version(sqlite3 *handle, int *version, struct err *err) MUST_USE;
/* The number of the newest migration compiled in. */
int db_newest_migration(enum db_which which);

extern const struct statement_text statement_texts[];
extern const int statement_count;
extern const struct migration_text migration_texts[];

#endif

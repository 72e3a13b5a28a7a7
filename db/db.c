/* db.c - opening a connection and its transactions.
 *
 * The order of db_open matters. Settings come first, since several of them expire prepared
 * statements. The authorizer is installed before the first prepare and only changes its mind
 * afterwards: installing it later would expire every statement and even they would be refused
 * (c-style A10.6). While preparing it lets a statement read anything and write only the tables its
 * header declares; afterwards it refuses everything, so no SQL text can reach this connection any
 * more. */
#include "db/connection.h"

#include <errno.h>
#include "lib/base/log.h"
#include "statements.h"

#define BUSY_TIMEOUT_MS 5000
#define TEXT_MAX_BYTES  (16 * 1024 * 1024)

static int no_space(sqlite3 *handle, int rc)
{
    int cause = sqlite3_system_errno(handle);

    return rc == SQLITE_FULL
           || ((rc & 0xff) == SQLITE_IOERR && (cause == ENOSPC || cause == EDQUOT));
}

int db_error_handle(sqlite3 *handle, int rc, const char *what, struct err *err)
{
    int extended = handle == NULL ? rc : sqlite3_extended_errcode(handle);
    const char *message = handle == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(handle);

    if (handle != NULL && no_space(handle, extended))
        err_set(
            err, ERR_NO_SPACE,
            "The dashboard's disk is full. Nothing was changed. Free some space and try again.");
    else if ((rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED)
        err_set(err, ERR_BUSY,
                "The database is busy with another change. Nothing was changed. Try again in a "
                "moment.");
    else if ((rc & 0xff) == SQLITE_CONSTRAINT)
        err_set(err, ERR_CONFLICT, "This clashes with what is already stored.");
    else if ((rc & 0xff) == SQLITE_NOMEM)
        err_set(err, ERR_NO_MEMORY, "The dashboard ran out of memory for this request.");
    else if ((rc & 0xff) == SQLITE_READONLY)
        err_set(err, ERR_INTERNAL, "The dashboard may not write to its database.");
    else if ((rc & 0xff) == SQLITE_AUTH)
        err_set(err, ERR_INTERNAL,
                "The database was changed by another version of Windlass. "
                "Restart Windlass.");
    else
        err_set(err, ERR_INTERNAL, "The database could not do this.");
    return err_detail(err, "sqlite %d (%d) in %s: %s", rc, extended, what, message);
}

int db_error(struct db *db, int rc, const char *what, struct err *err)
{
    return db_error_handle(db->handle, rc, what, err);
}

int db_schema_version(sqlite3 *handle, int *version, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(handle, "PRAGMA user_version", -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *version = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? 0 : db_error_handle(handle, rc, "user_version", err);
}

/* Settings every connection has, migrations included (reliability.md §4). */
static int harden(sqlite3 *handle, struct err *err)
{
    static const struct {
        int option, value;
    } options[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
        /* Without it, binding a LIKE pattern may re-prepare the statement, which is refused. */
        {SQLITE_DBCONFIG_ENABLE_QPSG, 1},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
    };
    static const struct {
        int limit, value;
    } limits[] = {
        {SQLITE_LIMIT_LENGTH, TEXT_MAX_BYTES},
        {SQLITE_LIMIT_SQL_LENGTH, 64 * 1024},
        {SQLITE_LIMIT_ATTACHED, 1},
        {SQLITE_LIMIT_EXPR_DEPTH, 100},
        {SQLITE_LIMIT_COMPOUND_SELECT, 20},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 63},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 10},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    int rc;

    sqlite3_extended_result_codes(handle, 1);
    for (size_t i = 0; i < COUNT_OF(options); i++)
        if (sqlite3_db_config(handle, options[i].option, options[i].value, NULL) != SQLITE_OK)
            return db_error_handle(handle, SQLITE_ERROR, "db_config", err);
    for (size_t i = 0; i < COUNT_OF(limits); i++)
        sqlite3_limit(handle, limits[i].limit, limits[i].value);
    rc = sqlite3_busy_timeout(handle, BUSY_TIMEOUT_MS);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(handle,
                          "PRAGMA journal_mode=WAL;"
                          "PRAGMA synchronous=FULL;" /* NORMAL loses answered rows at a power cut */
                          "PRAGMA cell_size_check=ON;"
                          "PRAGMA mmap_size=0;"
                          "PRAGMA cache_size=-512;" /* KiB; the system's own cache is behind it */
                          "PRAGMA temp_store=MEMORY;"
                          "PRAGMA journal_size_limit=67108864;",
                          NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : db_error_handle(handle, rc, "settings", err);
}

int db_open_handle(const char *path, int flags, sqlite3 **out, struct err *err)
{
    sqlite3 *handle = NULL;
    int rc = sqlite3_open_v2(
        path, &handle,
        flags | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE, NULL);

    if (rc == SQLITE_CANTOPEN) {
        err_set(err, ERR_INTERNAL,
                "The database cannot be opened. Start Windlass with "
                "\"windlass up\", which creates it, or check the rights of the data folder.");
        err_detail(err, "sqlite: %s: %s", path, sqlite3_errmsg(handle));
    } else if (rc != SQLITE_OK)
        db_error_handle(handle, rc, "open", err);
    else
        rc = harden(handle, err) == 0 ? SQLITE_OK : SQLITE_ERROR;
    if (rc != SQLITE_OK) {
        sqlite3_close(handle);
        return -1;
    }
    *out = handle;
    return 0;
}

/* Whether `table` is one of the words of `list`. */
static bool declared(const char *list, const char *table)
{
    size_t len = strlen(table);

    for (const char *at = list; (at = strstr(at, table)) != NULL; at += len)
        if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

/* sqlite3_set_authorizer's callback. In triggers (`inside` set) any table may be touched: the
 * schema wrote them, not the statement. */
static int authorize(void *context, int action, const char *a, const char *b, const char *schema,
                     const char *inside)
{
    struct db *db = context;

    (void)schema;
    if (db->locked) {
        snprintf(db->refused, sizeof db->refused, "no statement may be added after opening");
        return SQLITE_DENY;
    }
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_TRANSACTION:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        if (b != NULL && strcmp(b, "load_extension") != 0)
            return SQLITE_OK;
        break;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        if (inside != NULL || declared(db->writes, a))
            return SQLITE_OK;
        snprintf(db->refused, sizeof db->refused, "its header does not declare \"writes: %s\"", a);
        return SQLITE_DENY;
    default:
        break;
    }
    snprintf(db->refused, sizeof db->refused, "action %d (%s) is not for named statements", action,
             a == NULL ? "" : a);
    return SQLITE_DENY;
}

static int prepare(struct db *db, const char *sql, sqlite3_stmt **out, const char *what,
                   struct err *err)
{
    int rc;

    db->refused[0] = '\0';
    rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (rc == SQLITE_OK)
        return 0;
    db_error(db, rc, what, err);
    if (db->refused[0] != '\0')
        err_detail(err, " - %s", db->refused);
    return -1;
}

static int prepare_all(struct db *db, struct err *err)
{
    char what[160];

    db->stmts = calloc((size_t)statement_count, sizeof *db->stmts);
    if (db->stmts == NULL)
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory to open the database.");
    db->writes = "";
    if (prepare(db, "BEGIN IMMEDIATE", &db->begin, "begin", err) != 0
        || prepare(db, "COMMIT", &db->commit, "commit", err) != 0
        || prepare(db, "ROLLBACK", &db->rollback, "rollback", err) != 0)
        return -1;
    for (int i = 1; i < statement_count; i++) {
        const struct statement_text *text = &statement_texts[i];

        db->stmts[i].db = db;
        db->stmts[i].id = i;
        if (text->which != db->which || (text->roles & (unsigned)db->role) == 0)
            continue;
        db->writes = text->writes;
        snprintf(what, sizeof what, "%s (%s)", text->name, text->place);
        if (prepare(db, text->sql, &db->stmts[i].handle, what, err) != 0)
            return -1;
    }
    db->locked = true;
    return 0;
}

static int check_version(struct db *db, struct err *err)
{
    int have = 0, want = db_newest_migration(db->which);

    if (db_schema_version(db->handle, &have, err) != 0)
        return -1;
    if (have > want)
        return err_set(
            err, ERR_CONFLICT,
            "The database was written by a newer Windlass (schema %d, this program knows "
            "%d). Install the newer version again.",
            have, want);
    if (have < want)
        return err_set(err, ERR_CONFLICT,
                       "The database has schema %d and this program needs %d. Run \"windlass "
                       "migrate\" (\"windlass up\" does it at start).",
                       have, want);
    return 0;
}

int db_open(const char *path, enum db_which which, enum db_role role, struct db **out,
            struct err *err)
{
    struct db *db = calloc(1, sizeof *db);
    int rc;

    if (db == NULL)
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory to open the database.");
    db->which = which;
    db->role = role;
    if (db_open_handle(path, SQLITE_OPEN_READWRITE, &db->handle, err) != 0)
        goto out;
    /* The stream program only reads; SQLite still needs to write the WAL's index. In the vault a
     * page that is given up is overwritten, so that no old ciphertext stays in it. */
    rc = SQLITE_OK;
    if (role == DB_ROLE_STREAM)
        rc = sqlite3_exec(db->handle, "PRAGMA query_only=ON", NULL, NULL, NULL);
    else if (which == DB_VAULT)
        rc = sqlite3_exec(db->handle, "PRAGMA secure_delete=ON", NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        db_error(db, rc, "open", err);
        goto out;
    }
    if (check_version(db, err) != 0) /* a PRAGMA: the authorizer would refuse it */
        goto out;
    sqlite3_limit(db->handle, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_set_authorizer(db->handle, authorize, db);
    if (prepare_all(db, err) != 0)
        goto out;
    *out = db;
    return 0;
out:
    db_close(db);
    return -1;
}

void db_close(struct db *db)
{
    if (db == NULL)
        return;
    for (int i = 1; db->stmts != NULL && i < statement_count; i++)
        sqlite3_finalize(db->stmts[i].handle);
    free(db->stmts);
    sqlite3_finalize(db->begin);
    sqlite3_finalize(db->commit);
    sqlite3_finalize(db->rollback);
    sqlite3_close(db->handle);
    free(db);
}

int db_empty_log(struct db *db, struct err *err)
{
    int rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

    return rc == SQLITE_OK ? 0 : db_error(db, rc, "checkpoint", err);
}

void db_set_busy_ms(struct db *db, int ms)
{
    sqlite3_busy_timeout(db->handle, ms);
}

/* --- transactions --- */

static int run_plain(struct db *db, sqlite3_stmt *stmt, const char *what, struct err *err)
{
    int rc = sqlite3_step(stmt);

    if (rc == SQLITE_DONE) {
        sqlite3_reset(stmt);
        return 0;
    }
    db_error(db, rc, what, err);
    sqlite3_reset(stmt);
    return -1;
}

int db_begin_at(struct db *db, const char *file, int line, struct err *err)
{
    if (db->begin_file != NULL) {
        LOG_ERROR("db_nested_transaction", "at=%s:%d open_since=%s:%d", file, line, db->begin_file,
                  db->begin_line);
        abort();
    }
    if (run_plain(db, db->begin, "begin", err) != 0)
        return -1;
    db->begin_file = file;
    db->begin_line = line;
    return 0;
}

/* A failed COMMIT leaves the transaction open (busy) or not (full disk): either way it is over
 * here, and nothing of it stays. */
int db_commit(struct db *db, struct err *err)
{
    if (db->begin_file == NULL) {
        LOG_ERROR("db_commit_without_begin", "which=%d", (int)db->which);
        abort();
    }
    if (run_plain(db, db->commit, "commit", err) != 0) {
        db_rollback(db);
        return -1;
    }
    db->begin_file = NULL;
    return 0;
}

void db_rollback(struct db *db)
{
    struct err ignored;

    if (db == NULL || db->begin_file == NULL)
        return;
    db->begin_file = NULL;
    for (int i = 1; i < statement_count; i++)
        if (db->stmts[i].stepping)
            db_done(&db->stmts[i]);
    /* SQLite has already rolled back after some errors (full disk); then there is nothing left. */
    if (sqlite3_get_autocommit(db->handle) == 0
        && run_plain(db, db->rollback, "rollback", &ignored) != 0)
        log_err("db_rollback_failed", &ignored);
}

bool db_in_transaction(const struct db *db)
{
    return db->begin_file != NULL;
}

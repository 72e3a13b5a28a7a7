/* migrate.c - bringing a database to the schema this program knows.
 *
 * Forward only. Each migration is one transaction with its checksum; who finds a recorded checksum
 * that differs from what is compiled in stops, because then nobody knows what the file really
 * holds. Before the first step on a database that holds data a copy is made beside it with VACUUM
 * INTO (a plain copy of the main file would lack what is still in the WAL). Only `windlass up`,
 * `windlass migrate` and tests come here. */
#include "db/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/crypto/crypto.h"

#define MIGRATION_MAX_BYTES ((size_t)256 * 1024)

int db_newest_migration(enum db_which which)
{
    int newest = 0;

    for (const struct migration_text *m = migration_texts; m->number != 0; m++)
        if (m->which == which && m->number > newest)
            newest = m->number;
    return newest;
}

/* The migration's text in one piece, for free(). */
static char *whole_text(const struct migration_text *m, size_t *len)
{
    size_t size = 0, used = 0;
    char *text;

    for (const char *const *line = m->lines; *line != NULL; line++)
        size += strlen(*line);
    text = size > MIGRATION_MAX_BYTES ? NULL : malloc(size + 1);
    if (text == NULL)
        return NULL;
    for (const char *const *line = m->lines; *line != NULL; line++) {
        size_t n = strlen(*line);

        memcpy(text + used, *line, n);
        used += n;
    }
    text[used] = '\0';
    *len = used;
    return text;
}

/* Mode and group before SQLite sees the file: it gives its WAL and shared memory the mode of the
 * database, whatever the umask says. */
static int make_file(const char *path, int group, struct err *err)
{
    mode_t mode = group >= 0 ? 0660 : 0600;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
    int rc = 0;

    if (fd == -1)
        return err_errno(err, "open %s", path);
    if (fchmod(fd, mode) != 0 || (group >= 0 && fchown(fd, (uid_t)-1, (gid_t)group) != 0))
        rc = err_errno(err, "set mode or group of %s", path);
    close(fd);
    for (int i = 0; rc == 0 && i < 2; i++) {
        char side[4096];
        struct stat st;

        if (snprintf(side, sizeof side, "%s-%s", path, i == 0 ? "wal" : "shm") >= (int)sizeof side)
            return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
        if (lstat(side, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        if (chmod(side, mode) != 0 || (group >= 0 && chown(side, (uid_t)-1, (gid_t)group) != 0))
            rc = err_errno(err, "set mode or group of %s", side);
    }
    return rc;
}

static int exec(sqlite3 *handle, const char *sql, const char *what, struct err *err)
{
    int rc = sqlite3_exec(handle, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : db_error_handle(handle, rc, what, err);
}

/* A copy of everything, readable by us alone: <path>.before-NNNN.<ms>. */
static int copy_before(sqlite3 *handle, const char *path, int number, struct err *err)
{
    char copy[4096];
    sqlite3_stmt *stmt = NULL;
    int fd, rc;

    if (snprintf(copy, sizeof copy, "%s.before-%04d.%lld", path, number, (long long)clock_now_ms())
        >= (int)sizeof copy)
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    fd = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd == -1)
        return err_errno(err, "create %s", copy);
    rc = sqlite3_prepare_v2(handle, "VACUUM INTO ?1", -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(stmt, 1, copy, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    if (rc != SQLITE_DONE)
        rc = db_error_handle(handle, rc, "copy before migration", err);
    else if (fsync(fd) != 0)
        rc = err_errno(err, "fsync %s", copy);
    else
        rc = 0;
    close(fd);
    if (rc != 0)
        unlink(copy);
    else
        LOG_INFO("db_copy_before_migration", "file=%s", copy);
    return rc;
}

/* The recorded checksum of a migration as hex; "" when it was never applied. */
static int recorded_sum(sqlite3 *handle, int number, char hex[CRYPTO_HASH_HEX], struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(handle, "SELECT sha256 FROM schema_migration WHERE number = ?1", -1,
                                &stmt, NULL);

    hex[0] = '\0';
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int(stmt, 1, number);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        snprintf(hex, CRYPTO_HASH_HEX, "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE
               ? 0
               : db_error_handle(handle, rc, "schema_migration", err);
}

static int record_sum(sqlite3 *handle, const struct migration_text *m, const char *hex,
                      struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(handle, "INSERT INTO schema_migration VALUES (?1, ?2, ?3, ?4)", -1,
                                &stmt, NULL);

    if (rc == SQLITE_OK) {
        sqlite3_bind_int(stmt, 1, m->number);
        sqlite3_bind_text(stmt, 2, m->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 3, hex, -1, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 4, clock_now_ms());
        rc = sqlite3_step(stmt);
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? 0 : db_error_handle(handle, rc, "record migration", err);
}

/* No row may point at a row that is not there; foreign keys are off while tables are rebuilt. */
static int check_references(sqlite3 *handle, const char *name, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(handle, "PRAGMA foreign_key_check", -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    if (rc == SQLITE_DONE)
        return 0;
    if (rc == SQLITE_ROW)
        return err_set(err, ERR_CONFLICT,
                       "Migration %s would leave rows that point to nothing. Nothing was changed.",
                       name);
    return db_error_handle(handle, rc, "foreign_key_check", err);
}

/* Inside the transaction: another process may have been faster, so the version is read again. */
static int apply(sqlite3 *handle, const struct migration_text *m, struct err *err)
{
    char hex[CRYPTO_HASH_HEX], was[CRYPTO_HASH_HEX], pragma[64];
    uint8_t hash[CRYPTO_HASH_BYTES];
    size_t len = 0;
    char *text = whole_text(m, &len);
    int version = 0, rc = -1;

    if (text == NULL)
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory to migrate.");
    crypto_sha256(text, len, hash);
    crypto_hex(hex, sizeof hex, hash, sizeof hash);
    if (db_schema_version(handle, &version, err) != 0
        || recorded_sum(handle, m->number, was, err) != 0)
        goto out;
    if (m->number <= version) {
        rc = strcmp(was, hex) == 0
                 ? 0
                 : err_set(
                     err, ERR_CONFLICT,
                     "Migration %s of this program is not the one this database was made with. "
                     "Use the Windlass that made it, or restore a backup.",
                     m->name);
        goto out;
    }
    snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d", m->number);
    if (exec(handle, text, m->name, err) != 0 || record_sum(handle, m, hex, err) != 0
        || check_references(handle, m->name, err) != 0 || exec(handle, pragma, m->name, err) != 0)
        goto out;
    LOG_INFO("db_migrated", "migration=%s", m->name);
    rc = 0;
out:
    free(text);
    return rc;
}

static int apply_all(sqlite3 *handle, enum db_which which, struct err *err)
{
    for (const struct migration_text *m = migration_texts; m->number != 0; m++) {
        struct err ignored;

        if (m->which != which)
            continue;
        if (exec(handle, "BEGIN IMMEDIATE", m->name, err) != 0)
            return -1;
        if (apply(handle, m, err) != 0 || exec(handle, "COMMIT", m->name, err) != 0) {
            if (exec(handle, "ROLLBACK", m->name, &ignored) != 0)
                LOG_DEBUG("db_rollback", "migration=%s already rolled back", m->name);
            return -1;
        }
    }
    return 0;
}

int db_migrate(const char *path, enum db_which which, int group, struct err *err)
{
    sqlite3 *handle = NULL;
    int version = 0, newest = db_newest_migration(which), rc = -1;

    if (make_file(path, group, err) != 0
        || db_open_handle(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &handle, err) != 0)
        return -1;
    if (db_schema_version(handle, &version, err) != 0)
        goto out;
    if (version > newest) {
        err_set(err, ERR_CONFLICT,
                "The database was written by a newer Windlass (schema %d, this program knows %d). "
                "Install the newer version again.",
                version, newest);
        goto out;
    }
    if (version > 0 && version < newest && copy_before(handle, path, version + 1, err) != 0)
        goto out;
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
    if (exec(handle,
             "CREATE TABLE IF NOT EXISTS schema_migration (number INTEGER PRIMARY KEY,"
             " name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT",
             "schema_migration", err)
            != 0
        || apply_all(handle, which, err) != 0)
        goto out;
    /* A vault from before pages were overwritten when they are given up (db_open). */
    if (which == DB_VAULT && version > 0 && version < newest
        && exec(handle, "VACUUM", "rewrite the vault", err) != 0)
        goto out;
    rc = 0;
out:
    sqlite3_close(handle);
    return rc;
}

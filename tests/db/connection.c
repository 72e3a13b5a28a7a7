/* connection.c - the connection: migrations, roles, the lock on new statements, busy and full. */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include "tests/db/fixture.h"
#include "db/connection.h"
#include "db/instance.h"
#include "db/sessions.h"
#include "db/users.h"
#include "statements.h"

static int add_event(struct db *db, const char *text, struct err *err)
{
    struct audit_entry entry = {.actor = &ACTOR_SYSTEM, .verb = "test.note", .target_name = text};

    if (db_begin(db, err) != 0)
        return -1;
    if (audit_append(db, &entry, err) == 0 && db_commit(db, err) == 0)
        return 0;
    db_rollback(db);
    return -1;
}

static int64_t last_seq(struct db *db)
{
    struct stmt *s = db_use(db, SQL_AUDIT_LAST);
    int64_t seq = 0;

    if (db_step(s, NULL) == 1) {
        seq = db_col_int(s, "seq");
        db_done(s);
    }
    return seq;
}

static void migrating_twice_changes_nothing(void)
{
    struct fixture f;
    struct err err = {0};

    fixture_shared(&f, DB_ROLE_WORKER);
    CHECK(add_event(f.shared, "before", &err) == 0);
    CHECK(db_migrate(f.shared_path, DB_SHARED, -1, &err) == 0);
    CHECK_INT(last_seq(f.shared), 1);
    CHECK(add_event(f.shared, "after", &err) == 0);
    CHECK_INT(last_seq(f.shared), 2);
    fixture_end(&f);
}

static void files_have_the_mode_of_one_user_or_of_a_group(void)
{
    struct fixture f;
    struct stat st;
    char wal[320];

    fixture_shared(&f, DB_ROLE_WORKER);
    CHECK(stat(f.shared_path, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK(db_migrate(f.shared_path, DB_SHARED, (int)getgid(), NULL) == 0);
    CHECK(stat(f.shared_path, &st) == 0 && (st.st_mode & 0777) == 0660);
    snprintf(wal, sizeof wal, "%s-wal", f.shared_path);
    CHECK(stat(wal, &st) == 0 && (st.st_mode & 0777) == 0660);
    db_close(f.shared);
    MUST(db_open(f.shared_path, DB_SHARED, DB_ROLE_WORKER, &f.shared, &fixture_err));
    CHECK(add_event(f.shared, "x", NULL) == 0);
    CHECK(stat(wal, &st) == 0 && (st.st_mode & 0777) == 0660);
    fixture_end(&f);
}

static void a_newer_schema_is_refused(void)
{
    struct fixture f;
    struct db *db = NULL;
    struct err err = {0};

    fixture_shared(&f, DB_ROLE_WORKER);
    CHECK_INT(fixture_sql(f.shared_path, "PRAGMA user_version=999"), 0);
    CHECK(db_open(f.shared_path, DB_SHARED, DB_ROLE_WEB, &db, &err) == -1);
    CHECK_INT(err.code, ERR_CONFLICT);
    CHECK(strstr(err.user, "newer") != NULL);
    CHECK(db_migrate(f.shared_path, DB_SHARED, -1, &err) == -1);
    CHECK_INT(err.code, ERR_CONFLICT);
    fixture_end(&f);
}

static void an_older_schema_is_refused_until_migrated(void)
{
    struct fixture f;
    struct db *db = NULL;
    struct err err = {0};

    fixture_folder(&f);
    CHECK_INT(fixture_sql(f.shared_path, "CREATE TABLE t(x); PRAGMA user_version=0"), 0);
    CHECK(db_open(f.shared_path, DB_SHARED, DB_ROLE_WEB, &db, &err) == -1);
    CHECK_INT(err.code, ERR_CONFLICT);
    CHECK(strstr(err.user, "windlass migrate") != NULL);
    fixture_end(&f);
}

/* How many files of this folder begin like this. */
static int count_files(const char *folder, const char *beginning)
{
    char pattern[400];
    glob_t found = {0};
    int count;

    snprintf(pattern, sizeof pattern, "%s/%s*", folder, beginning);
    count = glob(pattern, 0, NULL, &found) == 0 ? (int)found.gl_pathc : 0;
    globfree(&found);
    return count;
}

/* What the migrations after the first one made, taken back. */
#define UNDO_0002 "DROP TABLE registry; "
#define UNDO_0003                                                                                  \
    "DROP TABLE requirement; DROP INDEX secret_entry_changed; "                                    \
    "ALTER TABLE draft DROP COLUMN tail; ALTER TABLE draft DROP COLUMN notes; "                    \
    "ALTER TABLE draft_entry DROP COLUMN keep_set; "                                               \
    "ALTER TABLE draft_entry DROP COLUMN plain; ALTER TABLE draft_entry DROP COLUMN path; "        \
    "ALTER TABLE draft_entry DROP COLUMN mode; ALTER TABLE draft_entry DROP COLUMN stage; "        \
    "ALTER TABLE secret_set DROP COLUMN tail; ALTER TABLE secret_entry DROP COLUMN stage; "        \
    "ALTER TABLE secret_entry DROP COLUMN lint; ALTER TABLE session DROP COLUMN proved_mac; "

#define UNDO_0004 "DROP TABLE token; "
#define UNDO_0005                                                                                  \
    "DROP TABLE kept_look; DROP TABLE secret_look; DROP TRIGGER IF EXISTS "                        \
    "release_is_what_was_asked; "                                                                  \
    "DROP TRIGGER release_stays_as_it_ended; DROP TRIGGER release_is_never_removed; "              \
    "DROP TRIGGER release_is_never_replaced; ALTER TABLE release DROP COLUMN replays; "            \
    "ALTER TABLE release DROP COLUMN parts; ALTER TABLE release DROP COLUMN asked_from; "          \
    "ALTER TABLE release DROP COLUMN migrated; ALTER TABLE release DROP COLUMN ended_at; "         \
    "ALTER TABLE environment DROP COLUMN paused_at; "                                              \
    "ALTER TABLE environment DROP COLUMN paused_by; "                                              \
    "ALTER TABLE environment DROP COLUMN paused_why; "

/* The table of jobs stays as it is: what changed are kinds, and there are only more. */
#define UNDO_0006                                                                                  \
    "DROP TRIGGER release_is_what_was_asked; ALTER TABLE release DROP COLUMN promoted_from; "      \
    "ALTER TABLE environment DROP COLUMN locked_at; "                                              \
    "ALTER TABLE environment DROP COLUMN locked_by; "                                              \
    "ALTER TABLE environment DROP COLUMN locked_why; "                                             \
    "ALTER TABLE environment DROP COLUMN stopped_at; "                                             \
    "ALTER TABLE environment DROP COLUMN stopped_by; "                                             \
    "ALTER TABLE environment DROP COLUMN maintenance_at; "                                         \
    "ALTER TABLE environment DROP COLUMN maintenance_by; "                                         \
    "ALTER TABLE environment DROP COLUMN freeze; "

#define A_JOB                                                                                      \
    "INSERT INTO job(id, serial, kind, lock_class, params, idem, auth, requested_by, nonce, "      \
    "created_at) VALUES('j1', 1, 'check', 'none', '{}', 'i1', x'00', 'u1', 'n1', 1)"

/* A dashboard of before registries: its data stays, and a copy of it stands beside. */
static void a_database_of_an_older_version_is_brought_forward(void)
{
    struct fixture f;
    char folder[300];

    fixture_shared(&f, DB_ROLE_WORKER);
    snprintf(folder, sizeof folder, "%s/db", f.var);
    CHECK(add_event(f.shared, "before", NULL) == 0);
    db_close(f.shared);
    CHECK_INT(fixture_sql(f.shared_path, A_JOB), 0);
    CHECK_INT(fixture_sql(f.shared_path, UNDO_0006 UNDO_0005 UNDO_0004 UNDO_0003 UNDO_0002
                          "DELETE FROM schema_migration WHERE number > 1; PRAGMA user_version=1"),
              0);
    CHECK(db_open(f.shared_path, DB_SHARED, DB_ROLE_WORKER, &f.shared, NULL) == -1);
    CHECK_INT(count_files(folder, "windlass.db.before-"), 0);
    CHECK(db_migrate(f.shared_path, DB_SHARED, -1, NULL) == 0);
    CHECK_INT(count_files(folder, "windlass.db.before-0002."), 1);
    MUST(db_open(f.shared_path, DB_SHARED, DB_ROLE_WORKER, &f.shared, &fixture_err));
    CHECK_INT(last_seq(f.shared), 1);
    CHECK_INT(fixture_sql(f.shared_path, "SELECT id FROM registry"), 0);
    CHECK(fixture_sql(f.shared_path, A_JOB) != 0); /* it is there */
    fixture_end(&f);
}

static void a_migration_that_was_altered_is_refused(void)
{
    struct fixture f;
    struct err err = {0};

    fixture_shared(&f, DB_ROLE_WORKER);
    CHECK_INT(
        fixture_sql(f.shared_path, "UPDATE schema_migration SET sha256 = 'x' WHERE number = 1"), 0);
    CHECK(db_migrate(f.shared_path, DB_SHARED, -1, &err) == -1);
    CHECK_INT(err.code, ERR_CONFLICT);
    fixture_end(&f);
}

static void a_missing_database_is_an_error_and_is_not_made(void)
{
    struct fixture f;
    struct db *db = NULL;
    struct err err = {0};

    fixture_folder(&f);
    CHECK(db_open(f.shared_path, DB_SHARED, DB_ROLE_WEB, &db, &err) == -1);
    CHECK_INT(err.code, ERR_INTERNAL);
    CHECK(strstr(err.user, f.var) == NULL);
    CHECK(access(f.shared_path, F_OK) != 0);
    fixture_end(&f);
}

static void a_locked_database_is_busy_after_the_time_out(void)
{
    struct fixture f;
    struct db *other = NULL;
    struct err err = {0};
    int64_t start;

    fixture_shared(&f, DB_ROLE_WORKER);
    MUST(db_open(f.shared_path, DB_SHARED, DB_ROLE_WEB, &other, &fixture_err));
    MUST(db_begin(other, &fixture_err));
    db_set_busy_ms(f.shared, 200);
    start = clock_mono_ms();
    CHECK(db_begin(f.shared, &err) == -1);
    CHECK_INT(err.code, ERR_BUSY);
    CHECK(clock_mono_ms() - start >= 150 && clock_mono_ms() - start < 3000);
    CHECK(!db_in_transaction(f.shared));
    db_rollback(other);
    CHECK(add_event(f.shared, "now free", &err) == 0);
    db_close(other);
    fixture_end(&f);
}

/* --- the lock --- */

static void ask_for_a_worker_statement(struct fixture *f)
{
    db_use(f->shared, SQL_USER_ADD);
}

static void ask_for_a_vault_statement(struct fixture *f)
{
    db_use(f->shared, SQL_KEYRING_GET);
}

static void begin_twice(struct fixture *f)
{
    if (db_begin(f->shared, NULL) == 0 && db_begin(f->shared, NULL) == 0)
        _exit(0);
}

static void the_web_role_has_no_worker_statement(void)
{
    struct fixture f;

    fixture_shared(&f, DB_ROLE_WEB);
    CHECK(fixture_aborts(ask_for_a_worker_statement, &f));
    CHECK(fixture_aborts(ask_for_a_vault_statement, &f));
    fixture_end(&f);
}

static void a_transaction_inside_a_transaction_is_a_bug(void)
{
    struct fixture f;

    fixture_shared(&f, DB_ROLE_WORKER);
    CHECK(fixture_aborts(begin_twice, &f));
    fixture_end(&f);
}

static void no_statement_can_be_added_after_opening(void)
{
    static const char *const attempts[] = {"SELECT 1",
                                           "DROP TABLE audit_event",
                                           "PRAGMA writable_schema=ON",
                                           "ATTACH '/tmp/x.db' AS x",
                                           "DELETE FROM session",
                                           "SELECT load_extension('x')"};
    struct fixture f;

    fixture_shared(&f, DB_ROLE_WORKER);
    for (size_t i = 0; i < COUNT_OF(attempts); i++) {
        sqlite3_stmt *stmt = NULL;

        CHECK_INT(sqlite3_prepare_v2(f.shared->handle, attempts[i], -1, &stmt, NULL) & 0xff,
                  SQLITE_AUTH);
        sqlite3_finalize(stmt);
    }
    CHECK(add_event(f.shared, "prepared ones still work", NULL) == 0);
    fixture_end(&f);
}

static void stream_cannot_write(void)
{
    struct fixture f;

    fixture_shared(&f, DB_ROLE_STREAM);
    for (int i = 1; i < statement_count; i++)
        if ((statement_texts[i].roles & DB_ROLE_STREAM) != 0)
            CHECK_STR(statement_texts[i].writes, "");
    CHECK(db_begin(f.shared, NULL) == -1);
    fixture_end(&f);
}

/* --- binding --- */

static void binding_mistakes_fail_the_first_step(void)
{
    struct fixture f;
    struct err err = {0};
    struct stmt *s;

    fixture_shared(&f, DB_ROLE_WORKER);
    s = db_use(f.shared, SQL_USER_BY_LOGIN);
    CHECK(db_one(s, &err) == -1);
    CHECK_INT(err.code, ERR_INTERNAL);
    CHECK(strstr(err.detail, ":login") != NULL && strstr(err.detail, "not bound") != NULL);
    s = db_use(f.shared, SQL_USER_BY_LOGIN);
    db_bind_text(s, ":login", "ann");
    db_bind_text(s, ":nosuch", "x");
    CHECK(db_one(s, &err) == -1);
    CHECK_INT(err.code, ERR_INTERNAL);
    s = db_use(f.shared, SQL_USER_BY_LOGIN);
    db_bind_text(s, ":login", "ann");
    CHECK(db_one(s, &err) == -1);
    CHECK_INT(err.code, ERR_NOT_FOUND);
    fixture_end(&f);
}

static void nasty_text_arrives_byte_exact(void)
{
    static const char *const texts[] = {
        "'; DROP TABLE user; --", "\"$(reboot)\"", "`id`", "a\nb\tc", "%_\\", "ünï ☃ 𝄞"};
    struct fixture f;

    fixture_shared(&f, DB_ROLE_WORKER);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        json_t *event = NULL;

        CHECK(add_event(f.shared, texts[i], NULL) == 0);
        CHECK(audit_get(f.shared, (int64_t)i + 1, &event, NULL) == 0);
        CHECK_STR(json_string_value(json_object_get(event, "target_name")), texts[i]);
        CHECK(json_is_object(json_object_get(event, "detail")));
        json_decref(event);
    }
    fixture_end(&f);
}

static void a_taken_login_is_a_conflict_that_names_the_field(void)
{
    struct fixture f;
    struct err err = {0};

    fixture_shared(&f, DB_ROLE_WORKER);
    CHECK(user_add(f.shared, "u1", "ann", "Ann", &err) == 0);
    CHECK(user_add(f.shared, "u2", "ANN", "Ann", &err) == -1);
    CHECK_INT(err.code, ERR_CONFLICT);
    CHECK_STR(err.field, "login");
    fixture_end(&f);
}

/* --- a full disk --- */

static void a_full_disk_loses_nothing(void)
{
    struct fixture f;
    struct err err = {0};
    char text[4000];
    int added = 0;

    if (geteuid() != 0)
        SKIP("needs root to mount a small file system");
    fixture_folder(&f);
    if (mount("none", f.var, "tmpfs", 0, "size=900k,mode=0700") != 0) {
        MUST(fs_remove_tree(f.var, &fixture_err));
        SKIP("this machine does not let root mount a tmpfs");
    }
    snprintf(f.shared_path, sizeof f.shared_path, "%s/windlass.db", f.var);
    MUST(db_migrate(f.shared_path, DB_SHARED, -1, &fixture_err));
    MUST(db_open(f.shared_path, DB_SHARED, DB_ROLE_WORKER, &f.shared, &fixture_err));
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    while (added < 2000 && add_event(f.shared, text, &err) == 0)
        added++;
    CHECK(added > 10 && added < 2000);
    CHECK_INT(err.code, ERR_NO_SPACE);
    CHECK(!db_in_transaction(f.shared));
    CHECK_INT(last_seq(f.shared),
              added); /* reading still works, and all that was said to be there is */
    db_close(f.shared);
    CHECK(mount("none", f.var, "tmpfs", MS_REMOUNT, "size=4m,mode=0700") == 0);
    MUST(db_open(f.shared_path, DB_SHARED, DB_ROLE_WORKER, &f.shared, &fixture_err));
    CHECK_INT(last_seq(f.shared), added);
    CHECK(add_event(f.shared, "room again", &err) == 0);
    db_close(f.shared);
    f.shared = NULL;
    CHECK(umount(f.var) == 0);
    fixture_end(&f);
}

int main(void)
{
    TAP_RUN(migrating_twice_changes_nothing);
    TAP_RUN(files_have_the_mode_of_one_user_or_of_a_group);
    TAP_RUN(a_newer_schema_is_refused);
    TAP_RUN(an_older_schema_is_refused_until_migrated);
    TAP_RUN(a_database_of_an_older_version_is_brought_forward);
    TAP_RUN(a_migration_that_was_altered_is_refused);
    TAP_RUN(a_missing_database_is_an_error_and_is_not_made);
    TAP_RUN(a_locked_database_is_busy_after_the_time_out);
    TAP_RUN(the_web_role_has_no_worker_statement);
    TAP_RUN(a_transaction_inside_a_transaction_is_a_bug);
    TAP_RUN(no_statement_can_be_added_after_opening);
    TAP_RUN(stream_cannot_write);
    TAP_RUN(binding_mistakes_fail_the_first_step);
    TAP_RUN(nasty_text_arrives_byte_exact);
    TAP_RUN(a_taken_login_is_a_conflict_that_names_the_field);
    TAP_RUN(a_full_disk_loses_nothing);
    return tap_done();
}

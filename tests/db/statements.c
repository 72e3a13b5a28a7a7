/* statements.c - every named statement prepares on a fresh database, for every role, and declares
 * what it writes.
 *
 * The tables are found by preparing each statement once more on a plain connection whose authorizer
 * only takes notes: so the declaration is compared with what SQLite says, in both directions. */
#include "tests/db/fixture.h"
#include <sqlite3.h>
#include "db/connection.h"
#include "statements.h"

static const enum db_role ROLES[] = {DB_ROLE_WEB, DB_ROLE_STREAM, DB_ROLE_WORKER, DB_ROLE_CLI};

struct notes {
    char tables[8][64];
    size_t count;
};

static int note(void *context, int action, const char *a, const char *b, const char *schema,
                const char *inside)
{
    struct notes *notes = context;

    (void)b;
    (void)schema;
    if ((action != SQLITE_INSERT && action != SQLITE_UPDATE && action != SQLITE_DELETE)
        || inside != NULL)
        return SQLITE_OK;
    for (size_t i = 0; i < notes->count; i++)
        if (strcmp(notes->tables[i], a) == 0)
            return SQLITE_OK;
    if (notes->count < COUNT_OF(notes->tables))
        snprintf(notes->tables[notes->count++], sizeof notes->tables[0], "%s", a);
    return SQLITE_OK;
}

static bool is_declared(const char *list, const char *table)
{
    char copy[256], *rest = copy, *word;

    snprintf(copy, sizeof copy, "%s", list);
    while ((word = strsep(&rest, " ")) != NULL)
        if (strcmp(word, table) == 0)
            return true;
    return false;
}

static size_t words(const char *list)
{
    size_t n = *list == '\0' ? 0 : 1;

    for (; *list != '\0'; list++)
        n += *list == ' ';
    return n;
}

static void compare_declared(sqlite3 *handle, const struct statement_text *text)
{
    struct notes notes = {0};
    sqlite3_stmt *stmt = NULL;
    bool whole = true;

    sqlite3_set_authorizer(handle, note, &notes);
    if (sqlite3_prepare_v2(handle, text->sql, -1, &stmt, NULL) != SQLITE_OK) {
        printf("# %s (%s): %s\n", text->name, text->place, sqlite3_errmsg(handle));
        CHECK(stmt != NULL);
        return;
    }
    for (size_t i = 0; i < notes.count; i++)
        whole = whole && is_declared(text->writes, notes.tables[i]);
    if (!whole || notes.count != words(text->writes)
        || (sqlite3_stmt_readonly(stmt) != 0) != (text->writes[0] == '\0')) {
        printf("# %s (%s): declares \"%s\" and writes", text->name, text->place, text->writes);
        for (size_t i = 0; i < notes.count; i++)
            printf(" %s", notes.tables[i]);
        printf("\n");
        tap_note_failure(__FILE__, __LINE__, "declares exactly what it writes");
    }
    sqlite3_finalize(stmt);
}

static void statements_declare_exactly_what_they_write(void)
{
    static const enum db_which both[] = {DB_SHARED, DB_VAULT};

    for (size_t w = 0; w < COUNT_OF(both); w++) {
        struct fixture f;
        sqlite3 *handle = NULL;

        fixture_folder(&f);
        MUST(db_migrate(f.shared_path, both[w], -1, &fixture_err));
        MUST(db_open_handle(f.shared_path, SQLITE_OPEN_READWRITE, &handle, &fixture_err));
        for (int i = 1; i < statement_count; i++)
            if (statement_texts[i].which == both[w])
                compare_declared(handle, &statement_texts[i]);
        sqlite3_close(handle);
        fixture_end(&f);
    }
}

static void every_role_can_open_the_shared_database(void)
{
    struct fixture f;

    fixture_folder(&f);
    MUST(db_migrate(f.shared_path, DB_SHARED, -1, &fixture_err));
    for (size_t i = 0; i < COUNT_OF(ROLES); i++) {
        struct db *db = NULL;
        struct err err = {0};

        CHECK(db_open(f.shared_path, DB_SHARED, ROLES[i], &db, &err) == 0);
        CHECK_STR(err.detail, "");
        db_close(db);
    }
    fixture_end(&f);
}

static void the_vault_has_no_statement_for_web_or_stream(void)
{
    for (int i = 1; i < statement_count; i++)
        if (statement_texts[i].which == DB_VAULT)
            CHECK((statement_texts[i].roles & (DB_ROLE_WEB | DB_ROLE_STREAM)) == 0);
}

static void the_web_side_cannot_make_users_sessions_pins_or_secret_sets(void)
{
    static const char *const forbidden[] = {"login_failure", "secret_set",      "secret_entry",
                                            "instance",      "audit_head",      "job_step",
                                            "job_host",      "schema_migration"};

    for (int i = 1; i < statement_count; i++) {
        const struct statement_text *text = &statement_texts[i];

        if ((text->roles & DB_ROLE_WEB) == 0 || text->which != DB_SHARED)
            continue;
        for (size_t k = 0; k < COUNT_OF(forbidden); k++)
            if (is_declared(text->writes, forbidden[k])) {
                printf("# %s (%s) writes %s\n", text->name, text->place, forbidden[k]);
                tap_note_failure(__FILE__, __LINE__, "is the worker's alone");
            }
        CHECK(strstr(text->sql, "INSERT INTO session") == NULL);
        CHECK(strstr(text->sql, "INSERT INTO user") == NULL);
    }
}

static void no_statement_touches_old_events(void)
{
    for (int i = 1; i < statement_count; i++) {
        CHECK(strstr(statement_texts[i].sql, "UPDATE audit_event") == NULL);
        CHECK(strstr(statement_texts[i].sql, "DELETE FROM audit_event") == NULL);
    }
}

int main(void)
{
    TAP_RUN(every_role_can_open_the_shared_database);
    TAP_RUN(statements_declare_exactly_what_they_write);
    TAP_RUN(the_vault_has_no_statement_for_web_or_stream);
    TAP_RUN(the_web_side_cannot_make_users_sessions_pins_or_secret_sets);
    TAP_RUN(no_statement_touches_old_events);
    return tap_done();
}

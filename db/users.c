/* users.c - the store of users and of failed logins. */
#include "db/users.h"

#include "lib/base/clock.h"
#include "statements.h"

int user_by_login(struct db *db, const char *login, json_t **user, struct err *err)
{
    struct stmt *s = db_use(db, SQL_USER_BY_LOGIN);

    db_bind_text(s, ":login", login);
    return db_row_json(s, user, err);
}

int user_by_id(struct db *db, const char *id, json_t **user, struct err *err)
{
    struct stmt *s = db_use(db, SQL_USER_BY_ID);

    db_bind_text(s, ":id", id);
    return db_row_json(s, user, err);
}

int user_page(struct db *db, const char *after, int limit, json_t **users, struct err *err)
{
    struct stmt *s = db_use(db, SQL_USER_PAGE);

    db_bind_text(s, ":after", after);
    db_bind_int(s, ":limit", limit);
    return db_rows_json(s, users, err);
}

int user_count(struct db *db, int64_t *count, struct err *err)
{
    struct stmt *s = db_use(db, SQL_USER_COUNT);

    if (db_one(s, err) != 0)
        return -1;
    *count = db_col_int(s, "count");
    db_done(s);
    return 0;
}

int user_add(struct db *db, const char *id, const char *login, const char *name, struct err *err)
{
    struct err cause = {0};
    struct stmt *s = db_use(db, SQL_USER_ADD);

    db_bind_text(s, ":id", id);
    db_bind_text(s, ":login", login);
    db_bind_text(s, ":name", name);
    db_bind_int(s, ":created_at", clock_now_ms());
    if (db_run(s, NULL, &cause) == 0)
        return 0;
    if (cause.code == ERR_CONFLICT) {
        err_field(err, "login", "There is already a user with this login. Choose another one.");
        if (err != NULL)
            err->code = ERR_CONFLICT;
    } else if (err != NULL)
        *err = cause;
    return -1;
}

/* --- failed logins --- */

int login_failure_get(struct db *db, const char *key, struct login_failure *failure,
                      struct err *err)
{
    struct stmt *s = db_use(db, SQL_LOGIN_FAILURE_GET);
    int r;

    db_bind_text(s, ":key", key);
    r = db_step(s, err);
    *failure = (struct login_failure){0};
    if (r == 1) {
        failure->failures = db_col_int(s, "failures");
        failure->first_at = db_col_int(s, "first_at");
        failure->last_at = db_col_int(s, "last_at");
        failure->blocked_till = db_col_int(s, "blocked_till");
        failure->unreported = db_col_int(s, "unreported");
        failure->reported_at = db_col_int(s, "reported_at");
        db_done(s);
    }
    return r < 0 ? -1 : 0;
}

int login_failure_put(struct db *db, const char *key, const struct login_failure *failure,
                      struct err *err)
{
    struct stmt *s = db_use(db, SQL_LOGIN_FAILURE_PUT);

    db_bind_text(s, ":key", key);
    db_bind_int(s, ":failures", failure->failures);
    db_bind_int(s, ":first_at", failure->first_at);
    db_bind_int(s, ":last_at", failure->last_at);
    db_bind_int(s, ":blocked_till", failure->blocked_till);
    db_bind_int(s, ":unreported", failure->unreported);
    db_bind_int(s, ":reported_at", failure->reported_at);
    return db_run(s, NULL, err);
}

int login_failure_clear(struct db *db, const char *key, struct err *err)
{
    struct stmt *s = db_use(db, SQL_LOGIN_FAILURE_CLEAR);

    db_bind_text(s, ":key", key);
    return db_run(s, NULL, err);
}

int login_failure_unreported(struct db *db, int64_t before, json_t **rows, struct err *err)
{
    struct stmt *s = db_use(db, SQL_LOGIN_FAILURE_UNREPORTED);

    db_bind_int(s, ":before", before);
    return db_rows_json(s, rows, err);
}

int login_failure_reported(struct db *db, const char *key, int64_t now, struct err *err)
{
    struct stmt *s = db_use(db, SQL_LOGIN_FAILURE_REPORTED);

    db_bind_text(s, ":key", key);
    db_bind_int(s, ":now", now);
    return db_run(s, NULL, err);
}

int login_failure_prune(struct db *db, int64_t before, struct err *err)
{
    struct stmt *s = db_use(db, SQL_LOGIN_FAILURE_PRUNE);

    db_bind_int(s, ":before", before);
    return db_run(s, NULL, err);
}

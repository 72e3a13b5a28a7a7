/* users.h - who exists. What proves who they are (password verifiers) and what they may do (grants)
 * is in vault.db.
 *
 * Objects are new references {id, login, name, theme, created_at, disabled_at}. */
#ifndef WL_DB_USERS_H
#define WL_DB_USERS_H

#include <jansson.h>
#include <stdint.h>
#include "db/audit.h"
#include "db/db.h"

/* ERR_NOT_FOUND when there is none; disabled users are returned (disabled_at is not null). The
 * login's case does not matter. */
int user_by_login(struct db *db, const char *login, json_t **user, struct err *err) MUST_USE;
int user_by_id(struct db *db, const char *id, json_t **user, struct err *err) MUST_USE;
/* In order of logins, those after `after` ("": from the first). */
int user_page(struct db *db, const char *after, int limit, json_t **users,
              struct err *err) MUST_USE;
int user_count(struct db *db, int64_t *count, struct err *err) MUST_USE;

/* Insert only, in the caller's transaction; the caller writes the event. A login that is taken is
 * ERR_CONFLICT with field "login". Worker only. */
int user_add(struct db *db, const char *id, const char *login, const char *name,
             struct err *err) MUST_USE;

/* Failed logins by key ('account:<login>' or 'address:<ip>'), worker only. A key without failures
 * reads as zeros. */
struct login_failure {
    int64_t failures, first_at, last_at, blocked_till;
    int64_t unreported, reported_at; /* for the one audit event a minute and address */
};
int login_failure_get(struct db *db, const char *key, struct login_failure *failure,
                      struct err *err) MUST_USE;
int login_failure_put(struct db *db, const char *key, const struct login_failure *failure,
                      struct err *err) MUST_USE;
int login_failure_clear(struct db *db, const char *key, struct err *err) MUST_USE;
/* Addresses whose failures no event tells of since `before`: [{key, unreported}]; and marking one
 * as told. */
int login_failure_unreported(struct db *db, int64_t before, json_t **rows,
                             struct err *err) MUST_USE;
int login_failure_reported(struct db *db, const char *key, int64_t now, struct err *err) MUST_USE;
/* Forget keys that last failed before this time. */
int login_failure_prune(struct db *db, int64_t before, struct err *err) MUST_USE;

#endif

/* registries.h - private registries: read for pages and for jobs, written by the worker (ask verbs
 * registry.*; the web side prepares none of those statements).
 *
 * The password is in the vault (db/vault/registries.h), in the row of this id and password_number.
 * Two databases are no transaction, so the order of a change is: the vault's new row first, under a
 * new number, then the commit that makes the number count (worker/ask/registries.c). */
#ifndef WL_DB_REGISTRIES_H
#define WL_DB_REGISTRIES_H

#include <jansson.h>
#include <stdint.h>
#include "db/db.h"
#include "lib/base/attr.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/validate.h"

#define REGISTRIES_MAX 200

/* {id, slug, host, login, created_at, changed_at} of all live registries in order of names: for
 * lists and for the boxes of a settings form. */
int registry_list(struct db *db, json_t **list, struct err *err) MUST_USE;
/* The same of one, and password_number. */
int registry_by_slug(struct db *db, const char *slug, json_t **registry, struct err *err) MUST_USE;
/* {registry_slug, id, app_slug, app_name, slug, tier} of the environments whose setting
 * "registries" names it; slug NULL: of all registries. */
int registry_environments(struct db *db, const char *slug, json_t **environments,
                          struct err *err) MUST_USE;
/* {by_name, by_login} of who stored the password last, or JSON null. */
int registry_changed_by(struct db *db, const char *registry_id, json_t **by,
                        struct err *err) MUST_USE;

/* --- the worker --- */

struct registry_row {
    char id[CRYPTO_ID_SIZE];
    char slug[48];
    char host[REGISTRY_HOST_SIZE];
    char login[REGISTRY_LOGIN_SIZE];
    int64_t password_number;
};
/* ERR_NOT_FOUND for one that is unknown or removed. */
int registry_row_by_id(struct db *db, const char *id, struct registry_row *row,
                       struct err *err) MUST_USE;
int registry_row_by_slug(struct db *db, const char *slug, struct registry_row *row,
                         struct err *err) MUST_USE;

/* In an open transaction; the caller appends the event. Adding makes password_number 1. A name that
 * is taken, and one too many, are ERR_CONFLICT with field "slug". */
int registry_add(struct db *db, const struct registry_row *row, struct err *err) MUST_USE;
/* Login and password_number as in row; ERR_NOT_FOUND when it was removed. */
int registry_set_login(struct db *db, const struct registry_row *row, struct err *err) MUST_USE;
/* ERR_CONFLICT naming an environment that uses it. */
int registry_archive(struct db *db, const struct registry_row *row, struct err *err) MUST_USE;

#endif

/* secrets.h - secret sets as pages may show them, and drafts on their way to the worker.
 *
 * No value of kind secret or write_only is in this database: an entry has key, kind, form, size,
 * comment, and the plain text of kind plain only. A draft is what a form typed, sealed to the
 * worker's key; it is not a change (no event): the ask verb secrets.save makes the set and its
 * event. Sealed bytes go in and never come back out through this file; a draft made from an earlier
 * one takes them over inside the database. */
#ifndef WL_DB_SECRETS_H
#define WL_DB_SECRETS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include "db/db.h"
#include "lib/base/attr.h"
#include "lib/crypto/crypto.h"

/* The newest set's {number, message, created_at, tail, by_name, by_login, entries}; number 0 when
 * there is none. */
int secret_set_current(struct db *db, const char *environment_id, json_t **set,
                       struct err *err) MUST_USE;
/* The same of one set; ERR_NOT_FOUND. */
int secret_set_by_number(struct db *db, const char *environment_id, int64_t number, json_t **set,
                         struct err *err) MUST_USE;
/* {key, kind, form, path, mode, stage, plain, size_bytes, comment, lint, changed_in, changed_at,
 * changed_by_name, changed_by_login} in the order they were typed. */
int secret_set_entries(struct db *db, const char *environment_id, int64_t number, json_t **entries,
                       struct err *err) MUST_USE;
/* {key, verb: "missing here", "another value" or "only here"} between a set of one environment and
 * one of another, by key. */
struct secret_place {
    const char *environment_id;
    int64_t number;
};
int secret_set_across(struct db *db, const struct secret_place *from, const struct secret_place *to,
                      json_t **differences, struct err *err) MUST_USE;
/* Newest first, with numbers below `before`: {number, message, created_at, by_name, by_login,
 * entries, added, changed, removed, releases ("7,6")}. */
int secret_set_history(struct db *db, const char *environment_id, int64_t before, int limit,
                       json_t **sets, struct err *err) MUST_USE;

/* {key, verb: added|changed|about|removed, kind, old_kind, form, plain, old_plain, stage,
 * old_stage, path, old_path} from set `from` to set `to` (0: the empty set), by key. */
int secret_set_difference(struct db *db, const char *environment_id, int64_t from, int64_t to,
                          json_t **changes, struct err *err) MUST_USE;

/* The sets in which the value of a key changed, newest first: {number, kind, form, plain,
 * size_bytes, created_at, message, by_name, by_login}. */
int secret_key_history(struct db *db, const char *environment_id, const char *key, int limit,
                       json_t **rows, struct err *err) MUST_USE;

/* The newest sets of all environments of an app: {key, slug, kind, form, same, plain} by key;
 * `same` is equal where the values are, and is not for pages. */
int secret_matrix(struct db *db, const char *app_id, json_t **rows, struct err *err) MUST_USE;
/* {key, slug}: hidden values of this environment that another one of its app has as well. */
int secret_shared(struct db *db, const char *environment_id, json_t **rows,
                  struct err *err) MUST_USE;

struct secret_draft_entry {
    const char *key, *kind, *comment;
    const char *form, *stage; /* NULL: "env", "run" */
    const char *path;         /* form "file" */
    int mode;
    const void *sealed; /* NULL: not typed here */
    size_t sealed_len;
    const char *plain; /* kind plain, typed: to be shown again */
    int64_t keep_set;  /* not typed: the set whose value it keeps */
    int from;          /* not typed: one more than the position in from_draft whose value it is */
};
struct secret_draft {
    const char *environment_id, *user_id;
    const char *tail;       /* NULL: none */
    const char *notes;      /* a JSON list for the review page; NULL: none */
    const char *from_draft; /* an earlier draft of the same person; NULL: none */
    int64_t base_set;
    const struct secret_draft_entry *entries;
    size_t count;
};
/* Own transaction, all or nothing. ERR_NOT_FOUND with the fix when from_draft is gone. */
int secret_draft_add(struct db *db, const struct secret_draft *draft, char id[CRYPTO_ID_SIZE],
                     struct err *err) MUST_USE;
/* Somebody's own draft: {id, environment_id, base_set, tail, notes, created_at}, and its entries
 * {key, kind, form, path, mode, stage, keep_set, plain, comment, position, is_typed} in order. */
int secret_draft_get(struct db *db, const char *id, const char *user_id, json_t **draft,
                     json_t **entries, struct err *err) MUST_USE;
/* Forget a draft that the worker refused. */
int secret_draft_remove(struct db *db, const char *id, struct err *err) MUST_USE;

#endif

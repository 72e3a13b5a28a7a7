/* secret_sets.h - secret sets and drafts as the worker reads and writes them. (Pages use
 * secrets.h.)
 *
 * Rows and their texts live in the caller's arena. Values of kind secret and write_only are never
 * here: they are in the vault under the same environment, number and key. */
#ifndef WL_DB_SECRET_SETS_H
#define WL_DB_SECRET_SETS_H

#include <stddef.h>
#include <stdint.h>
#include "db/db.h"
#include "lib/base/arena.h"
#include "lib/crypto/crypto.h"

#define SECRET_SET_MAX_ENTRIES 500

struct secret_row {
    const char *key, *kind, *form, *comment;
    const char *stage; /* "run", or "build": not sent to servers */
    const char *path;  /* form 'file'; NULL otherwise */
    int mode;          /* likewise; 0 otherwise */
    const char *plain; /* kind 'plain' of a stored set; NULL otherwise */
    /* of a draft: */
    const uint8_t *sealed; /* NULL: keep what the set keep_set holds */
    size_t sealed_len;
    int64_t keep_set;
    /* of a stored set: */
    uint8_t fingerprint[CRYPTO_MAC_BYTES];
    int64_t size_bytes, changed_in;
    unsigned lint; /* bits of lib/domain/secret_lint.h */
};
struct secret_rows {
    struct secret_row *rows;
    size_t count;
};

struct draft {
    char environment_id[CRYPTO_ID_SIZE];
    char user_id[CRYPTO_ID_SIZE];
    int64_t base_set;
    const char *tail; /* comment lines after the last key */
    struct secret_rows entries;
};
/* ERR_NOT_FOUND, with the fix, when it is gone; ERR_TOO_LARGE above SECRET_SET_MAX_ENTRIES. */
int draft_read(struct db *db, const char *id, struct arena *arena, struct draft *draft,
               struct err *err) MUST_USE;
int draft_remove(struct db *db, const char *id, struct err *err) MUST_USE;
/* Forget drafts made before this time. */
int draft_prune(struct db *db, int64_t before, struct err *err) MUST_USE;

/* The newest set: number 0 when there is none. */
struct secret_set_head {
    int64_t number, created_at;
    char by_name[336]; /* who saved it */
    const char *tail;  /* in the arena; "" when there is none, or no arena was given */
};
/* arena may be NULL. */
int secret_set_newest(struct db *db, const char *environment_id, struct arena *arena,
                      struct secret_set_head *head, struct err *err) MUST_USE;
/* The entries of a set in order; none for number 0. */
int secret_set_read(struct db *db, const char *environment_id, int64_t number, struct arena *arena,
                    struct secret_rows *rows, struct err *err) MUST_USE;

/* In an open transaction: the number the next set of this environment has, and the set itself. */
int secret_set_next_number(struct db *db, const char *environment_id, int64_t *number,
                           struct err *err) MUST_USE;
struct secret_set_new {
    const char *environment_id, *message, *created_by, *tail; /* tail NULL: none */
    int64_t number;
    struct secret_rows entries;
};
int secret_set_add(struct db *db, const struct secret_set_new *set, struct err *err) MUST_USE;

/* Where an environment belongs; ERR_NOT_FOUND for an unknown or archived one. */
struct environment_place {
    char app_id[CRYPTO_ID_SIZE];
    char app_slug[48], slug[48];
};
int environment_place(struct db *db, const char *environment_id, struct environment_place *place,
                      struct err *err) MUST_USE;

#endif

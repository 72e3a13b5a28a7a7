/* draft.h - a draft of secrets, opened: every value in hand, checked, and set against the secret
 * sets it speaks of. For the verbs secrets.compare and secrets.save.
 *
 * The struct is large and holds values in the clear: opened_draft_new, opened_draft_free. */
#ifndef WL_WORKER_ASK_DRAFT_H
#define WL_WORKER_ASK_DRAFT_H

#include "db/secret_sets.h"
#include "db/vault/secrets.h"
#include "worker/ask/question.h"

#define DRAFT_SETS_MAX   4  /* different sets one draft may keep values of */
#define DRAFT_FAULTS_MAX 50 /* told at once */

struct known_set {
    int64_t number;
    struct secret_rows rows;
};
struct draft_fault {
    const char *key;
    char text[sizeof(((struct err *)0)->user)];
};
struct opened_draft {
    struct question *q; /* borrowed */
    struct arena *arena;
    struct environment_place place;
    struct draft draft; /* entries have fingerprint, size_bytes and lint filled in */
    struct secret_set_head newest;
    struct secret_value values[SECRET_SET_MAX_ENTRIES];
    struct known_set sets[DRAFT_SETS_MAX];
    size_t set_count;
    struct draft_fault faults[DRAFT_FAULTS_MAX];
    size_t fault_count;
};

struct opened_draft *opened_draft_new(struct question *q, struct err *err) MUST_USE;
void opened_draft_free(struct opened_draft *opened); /* NULL is fine; overwrites the values */

/* Read the draft that the question names ("draft_id"), when it is the asker's own and they may
 * change the secrets of its environment, and open all its values. What is wrong with single
 * entries is in `faults`, and 0 is returned all the same; -1 is about the whole. */
int opened_draft_read(struct opened_draft *opened, struct err *err) MUST_USE;

/* The entries of one set (0: none), read once. */
int opened_draft_set(struct opened_draft *opened, int64_t number, const struct secret_rows **rows,
                     struct err *err) MUST_USE;
const struct secret_row *secret_rows_find(const struct secret_rows *rows, const char *key);

/* How an entry stands to the one of the same key in a set. */
enum difference {
    DIFFERENCE_NONE = '=',
    DIFFERENCE_ADDED = '+',
    DIFFERENCE_VALUE = '~',
    DIFFERENCE_ABOUT = 'm' /* the same value; kind, comment, stage, path or mode differ */
};
enum difference secret_difference(const struct secret_row *row, const struct secret_row *other);

#endif

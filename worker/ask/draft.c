/* draft.c - opening a draft (draft.h).
 *
 * An entry has its own sealed value, or keeps the one a stored set has under the same key. A hidden
 * value never becomes a readable one by being kept: who makes a secret plain must know it. */
#include "worker/ask/draft.h"

#include <inttypes.h>
#include "lib/base/str.h"
#include "lib/domain/secret_lint.h"
#include "lib/domain/validate.h"

#define ARENA_MAX   ((size_t)96 * 1024 * 1024)
#define VALUE_MAX   ((size_t)1024 * 1024)
#define COMMENT_MAX 4000

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is not enough memory for this secret set.");
}

struct opened_draft *opened_draft_new(struct question *q, struct err *err)
{
    struct opened_draft *opened = calloc(1, sizeof *opened);

    if (opened != NULL)
        opened->arena = arena_new(ARENA_MAX);
    if (opened == NULL || opened->arena == NULL) {
        free(opened);
        no_memory(err);
        return NULL;
    }
    opened->q = q;
    return opened;
}

void opened_draft_free(struct opened_draft *opened)
{
    if (opened == NULL)
        return;
    for (size_t i = 0; i < SECRET_SET_MAX_ENTRIES; i++)
        if (opened->values[i].bytes != NULL)
            crypto_wipe((void *)(uintptr_t)opened->values[i].bytes, opened->values[i].len);
    arena_free(opened->arena);
    free(opened);
}

const struct secret_row *secret_rows_find(const struct secret_rows *rows, const char *key)
{
    for (size_t i = 0; i < rows->count; i++)
        if (strcmp(rows->rows[i].key, key) == 0)
            return &rows->rows[i];
    return NULL;
}

int opened_draft_set(struct opened_draft *opened, int64_t number, const struct secret_rows **rows,
                     struct err *err)
{
    struct known_set *set;

    for (size_t i = 0; i < opened->set_count; i++)
        if (opened->sets[i].number == number) {
            *rows = &opened->sets[i].rows;
            return 0;
        }
    if (opened->set_count == DRAFT_SETS_MAX)
        return err_set(err, ERR_INPUT, "A draft can keep values of at most %d secret sets.",
                       DRAFT_SETS_MAX);
    set = &opened->sets[opened->set_count];
    set->number = number;
    if (secret_set_read(opened->q->shared, opened->draft.environment_id, number, opened->arena,
                        &set->rows, err)
        != 0)
        return -1;
    opened->set_count++;
    *rows = &set->rows;
    return 0;
}

/* --- one entry --- */

static bool is_kind(const struct secret_row *row, const char *kind)
{
    return strcmp(row->kind, kind) == 0;
}

static bool is_file(const struct secret_row *row)
{
    return strcmp(row->form, "file") == 0;
}

static int check_about(const struct opened_draft *opened, size_t i, struct err *err)
{
    const struct secret_row *row = &opened->draft.entries.rows[i];

    if (validate_env_key(row->key, row->key, err) != 0
        || validate_comment(row->key, row->comment, COMMENT_MAX, err) != 0)
        return -1;
    for (size_t k = 0; k < i; k++) {
        const struct secret_row *other = &opened->draft.entries.rows[k];

        if (strcmp(other->key, row->key) == 0)
            return err_field(err, row->key, "%s is there twice. Remove one of them.", row->key);
        if (is_file(row) && is_file(other) && other->path != NULL && row->path != NULL
            && strcmp(other->path, row->path) == 0)
            return err_field(err, row->key, "%s and %s are both to be written to %s. Change one.",
                             other->key, row->key, row->path);
    }
    if (!is_file(row))
        return 0;
    return validate_secret_path(row->key, row->path == NULL ? "" : row->path, err) != 0
                   || validate_file_mode(row->key, row->mode, err) != 0
               ? -1
               : 0;
}

/* The value that the set keep_set has under this key. */
static int kept_value(struct opened_draft *opened, const struct secret_row *row, struct buf *out,
                      struct err *err)
{
    const struct secret_rows *rows;
    const struct secret_row *kept;

    if (opened_draft_set(opened, row->keep_set, &rows, err) != 0)
        return -1;
    kept = secret_rows_find(rows, row->key);
    if (kept == NULL)
        return err_field(err, row->key, "%s has no value yet. Type one.", row->key);
    if (is_kind(kept, "plain")) {
        buf_add_str(out, kept->plain == NULL ? "" : kept->plain);
        return buf_ok(out) ? 0 : err_set(err, ERR_TOO_LARGE, "%s is too large.", row->key);
    }
    if (is_kind(row, "plain") || (is_kind(kept, "write_only") && !is_kind(row, "write_only")))
        return err_field(err, row->key,
                         "To make %s readable, type its value again: a stored one is not shown.",
                         row->key);
    return vault_get_secret(opened->q->vault, opened->draft.environment_id, row->keep_set, row->key,
                            out, err);
}

static int check_value(const struct secret_row *row, const struct buf *value, struct err *err)
{
    if (!is_file(row))
        return validate_env_value(row->key, value->data, value->len, err);
    if (is_kind(row, "plain")
        && (memchr(value->data, '\0', value->len) != NULL || !str_is_utf8(value->data, value->len)))
        return err_field(err, row->key, "%s is not text, so it cannot be plain. Make it a secret.",
                         row->key);
    return 0;
}

/* Move a value from the buffer to the arena, and overwrite it in the buffer. */
static int keep_bytes(struct opened_draft *opened, size_t i, struct buf *buf, struct err *err)
{
    const struct secret_row *row = &opened->draft.entries.rows[i];
    char *bytes = arena_alloc(opened->arena, buf->len + 1); /* plain ones are read as text */

    if (bytes == NULL)
        return err_set(err, ERR_TOO_LARGE, "These secrets are too large together.");
    memcpy(bytes, buf->data, buf->len);
    bytes[buf->len] = '\0';
    opened->values[i] = (struct secret_value){row->key, bytes, buf->len};
    return 0;
}

static int open_entry(struct opened_draft *opened, size_t i, struct err *err)
{
    struct secret_row *row = &opened->draft.entries.rows[i];
    struct buf out;
    int rc = -1;

    buf_init(&out, VALUE_MAX);
    if (check_about(opened, i, err) != 0
        || (row->sealed == NULL
                ? kept_value(opened, row, &out, err)
                : vault_unseal(opened->q->vault, row->sealed, row->sealed_len, &out, err))
               != 0
        || check_value(row, &out, err) != 0)
        goto out;
    vault_fingerprint(opened->q->vault, out.data, out.len, row->fingerprint);
    row->size_bytes = (int64_t)out.len;
    row->lint = is_file(row) ? 0 : secret_lint(row->key, out.data, out.len);
    rc = keep_bytes(opened, i, &out, err);
out:
    buf_wipe(&out);
    buf_deinit(&out);
    return rc;
}

enum difference secret_difference(const struct secret_row *row, const struct secret_row *other)
{
    bool same_path;

    if (other == NULL)
        return DIFFERENCE_ADDED;
    if (!crypto_equal(row->fingerprint, other->fingerprint, sizeof row->fingerprint))
        return DIFFERENCE_VALUE;
    same_path = (row->path == NULL) == (other->path == NULL)
                && (row->path == NULL || strcmp(row->path, other->path) == 0);
    if (!same_path || row->mode != other->mode || strcmp(row->kind, other->kind) != 0
        || strcmp(row->form, other->form) != 0 || strcmp(row->comment, other->comment) != 0
        || strcmp(row->stage, other->stage) != 0)
        return DIFFERENCE_ABOUT;
    return DIFFERENCE_NONE;
}

/* --- the whole --- */

static int open_entries(struct opened_draft *opened, struct err *err)
{
    for (size_t i = 0; i < opened->draft.entries.count; i++) {
        struct err cause = {0};
        struct draft_fault *fault = &opened->faults[opened->fault_count];

        if (open_entry(opened, i, &cause) == 0)
            continue;
        /* A value that does not open is named as well: its key is in the sentence. */
        if (cause.code == ERR_NO_MEMORY || cause.code == ERR_BUSY)
            return ask_fail(err, &cause);
        if (opened->fault_count == DRAFT_FAULTS_MAX)
            return 0;
        fault->key = opened->draft.entries.rows[i].key;
        str_copy(fault->text, sizeof fault->text, cause.user);
        opened->fault_count++;
    }
    return 0;
}

int opened_draft_read(struct opened_draft *opened, struct err *err)
{
    struct question *q = opened->q;
    struct draft *draft = &opened->draft;
    const struct secret_rows *rows;

    if (draft_read(q->shared, ask_text(q, "draft_id"), opened->arena, draft, err) != 0)
        return -1;
    if (strcmp(draft->user_id, q->session.user_id) != 0)
        return err_set(err, ERR_DENIED, "These changes were typed by somebody else.");
    if (environment_place(q->shared, draft->environment_id, &opened->place, err) != 0
        || ask_require(q, CAP_SECRETS, opened->place.app_id, draft->environment_id, err) != 0
        || validate_comment("tail", draft->tail, COMMENT_MAX, err) != 0
        || secret_set_newest(q->shared, draft->environment_id, opened->arena, &opened->newest, err)
               != 0
        || opened_draft_set(opened, draft->base_set, &rows, err) != 0)
        return -1;
    return open_entries(opened, err);
}

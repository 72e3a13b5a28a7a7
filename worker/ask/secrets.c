/* secrets.c - verb secrets.save: a draft becomes the next secret set.
 *
 * All values are opened and checked before anything is written. Then, under windlass.db's write
 * lock: is the set the form showed still the newest (else ERR_CONFLICT), the values go into the
 * vault under the next number, and the set, its event and the end of the draft are one transaction.
 * A crash in between leaves values in the vault that no set refers to; the next save replaces them.
 */
#include "worker/ask/question.h"

#include <inttypes.h>
#include "db/secret_sets.h"
#include "db/vault/secrets.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

#define ARENA_MAX   ((size_t)64 * 1024 * 1024)
#define VALUE_MAX   ((size_t)1024 * 1024)
#define MESSAGE_MAX 500
#define COMMENT_MAX 500

struct save {
    struct question *q;
    struct arena *arena;
    struct environment_place place;
    struct draft draft;
    struct secret_rows base;
    struct secret_value values[SECRET_SET_MAX_ENTRIES]; /* in the arena, wiped at the end */
    bool is_changed[SECRET_SET_MAX_ENTRIES];            /* the value differs from the base set's */
    json_t *added, *changed, *removed;                  /* lists of keys */
};

static const struct secret_row *find(const struct secret_rows *rows, const char *key)
{
    for (size_t i = 0; i < rows->count; i++)
        if (strcmp(rows->rows[i].key, key) == 0)
            return &rows->rows[i];
    return NULL;
}

static bool is_plain(const struct secret_row *row)
{
    return strcmp(row->kind, "plain") == 0;
}

/* --- reading and checking --- */

/* Move a value from the buffer to the arena, and overwrite it in the buffer. */
static int keep_bytes(struct save *save, size_t i, struct buf *buf, struct err *err)
{
    char *bytes = arena_memdup(save->arena, buf->data, buf->len);

    save->values[i] =
        (struct secret_value){save->draft.entries.rows[i].key, bytes, bytes == NULL ? 0 : buf->len};
    buf_wipe(buf);
    return bytes == NULL ? err_set(err, ERR_TOO_LARGE, "These secrets are too large together.") : 0;
}

/* An entry without a typed value keeps the one of the base set. A hidden value never becomes a
 * readable one that way: who makes a secret plain must know it. */
static int value_of_base(struct save *save, size_t i, const struct secret_row *base,
                         struct buf *out, struct err *err)
{
    const struct secret_row *row = &save->draft.entries.rows[i];

    if (base == NULL)
        return err_field(err, row->key, "%s has no value yet. Type one.", row->key);
    if (is_plain(base)) {
        buf_add_str(out, base->plain == NULL ? "" : base->plain);
        return buf_ok(out) ? 0 : err_set(err, ERR_TOO_LARGE, "%s is too large.", row->key);
    }
    if (is_plain(row)
        || (strcmp(base->kind, "write_only") == 0 && strcmp(row->kind, "write_only") != 0))
        return err_field(err, row->key,
                         "To make %s readable, type its value again: a stored one is not shown.",
                         row->key);
    return vault_get_secret(save->q->vault, save->draft.environment_id, save->draft.base_set,
                            row->key, out, err);
}

static int check_entry(struct save *save, size_t i, struct err *err)
{
    const struct secret_row *row = &save->draft.entries.rows[i];

    if (validate_env_key(row->key, row->key, err) != 0
        || validate_note(row->key, row->comment, COMMENT_MAX, err) != 0)
        return -1;
    for (size_t k = 0; k < i; k++)
        if (strcmp(save->draft.entries.rows[k].key, row->key) == 0)
            return err_field(err, row->key, "%s is there twice. Remove one of them.", row->key);
    return 0;
}

static int read_value(struct save *save, size_t i, struct err *err)
{
    struct secret_row *row = &save->draft.entries.rows[i];
    const struct secret_row *base = find(&save->base, row->key);
    struct buf out;
    int rc = -1;

    buf_init(&out, VALUE_MAX);
    if (check_entry(save, i, err) != 0)
        goto out;
    if (strcmp(row->form, "env") != 0) {
        err_field(err, row->key, "Secret files are not possible yet. Remove %s.", row->key);
        goto out;
    }
    if (row->sealed == NULL
            ? value_of_base(save, i, base, &out, err) != 0
            : vault_unseal(save->q->vault, row->sealed, row->sealed_len, &out, err) != 0)
        goto out;
    if (validate_env_value(row->key, out.data, out.len, err) != 0)
        goto out;
    vault_fingerprint(save->q->vault, out.data, out.len, row->fingerprint);
    row->size_bytes = (int64_t)out.len;
    rc = keep_bytes(save, i, &out, err);
out:
    buf_wipe(&out);
    buf_deinit(&out);
    return rc;
}

/* What this entry is against the base set: added, changed or the same. */
static int compare(struct save *save, size_t i, struct err *err)
{
    struct secret_row *row = &save->draft.entries.rows[i];
    const struct secret_row *base = find(&save->base, row->key);
    json_t *list = NULL;

    save->is_changed[i] =
        base == NULL || !crypto_equal(base->fingerprint, row->fingerprint, sizeof row->fingerprint);
    row->changed_in = base == NULL ? 0 : base->changed_in;
    if (base == NULL)
        list = save->added;
    else if (save->is_changed[i] || strcmp(base->kind, row->kind) != 0
             || strcmp(base->comment, row->comment) != 0)
        list = save->changed;
    if (list != NULL && json_array_append_new(list, json_string(row->key)) != 0)
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory for this secret set.");
    return 0;
}

static int compare_all(struct save *save, struct err *err)
{
    save->added = json_array();
    save->changed = json_array();
    save->removed = json_array();
    for (size_t i = 0; i < save->draft.entries.count; i++)
        if (read_value(save, i, err) != 0 || compare(save, i, err) != 0)
            return -1;
    for (size_t i = 0; i < save->base.count; i++)
        if (find(&save->draft.entries, save->base.rows[i].key) == NULL
            && json_array_append_new(save->removed, json_string(save->base.rows[i].key)) != 0)
            return err_set(err, ERR_NO_MEMORY, "There is not enough memory for this secret set.");
    return 0;
}

static int check_base(struct save *save, struct err *err)
{
    char by_name[336];
    int64_t newest = 0;

    if (secret_set_newest(save->q->shared, save->draft.environment_id, &newest, by_name, err) != 0)
        return -1;
    if (newest != save->draft.base_set)
        return err_set(err, ERR_CONFLICT,
                       "%s saved s%" PRId64
                       " while you were editing. Nothing was saved. Load the page "
                       "again and repeat your change on it.",
                       by_name[0] == '\0' ? "Somebody" : by_name, newest);
    return 0;
}

/* The draft, who may save it, and what it is based on. */
static int open_draft(struct save *save, struct err *err)
{
    struct question *q = save->q;
    const char *environment_id = save->draft.environment_id;

    if (draft_read(q->shared, ask_text(q, "draft_id"), save->arena, &save->draft, err) != 0)
        return -1;
    if (strcmp(save->draft.user_id, q->session.user_id) != 0)
        return err_set(err, ERR_DENIED, "These changes were typed by somebody else.");
    if (environment_place(q->shared, environment_id, &save->place, err) != 0
        || ask_require(q, CAP_SECRETS, save->place.app_id, environment_id, err) != 0
        || validate_note("message", ask_text(q, "message"), MESSAGE_MAX, err) != 0
        || check_base(save, err) != 0)
        return -1;
    return secret_set_read(q->shared, environment_id, save->draft.base_set, save->arena,
                           &save->base, err);
}

/* --- writing --- */

/* Which values go where: plain ones into the row, the others to the vault. */
static size_t split_values(struct save *save, int64_t number, struct secret_value *hidden)
{
    size_t count = 0;

    for (size_t i = 0; i < save->draft.entries.count; i++) {
        struct secret_row *row = &save->draft.entries.rows[i];

        if (save->is_changed[i])
            row->changed_in = number;
        if (is_plain(row))
            row->plain = save->values[i].bytes;
        else
            hidden[count++] = save->values[i];
    }
    return count;
}

static int append_event(struct save *save, int64_t number, struct err *err)
{
    char name[128];
    struct audit_entry entry = {.actor = &save->q->actor,
                                .verb = "secret.save",
                                .target_kind = "environment",
                                .target_id = save->draft.environment_id,
                                .target_name = name,
                                .app_id = save->place.app_id,
                                .environment_id = save->draft.environment_id};

    snprintf(name, sizeof name, "%s/%s", save->place.app_slug, save->place.slug);
    entry.detail = json_pack("{s:I, s:O, s:O, s:O}", "number", (json_int_t)number, "added",
                             save->added, "changed", save->changed, "removed", save->removed);
    return audit_append(save->q->shared, &entry, err);
}

static int write_set(struct save *save, int64_t *number, struct err *err)
{
    static struct secret_value hidden[SECRET_SET_MAX_ENTRIES];
    struct question *q = save->q;
    struct secret_set_new set = {.environment_id = save->draft.environment_id,
                                 .message = ask_text(q, "message"),
                                 .created_by = q->session.user_id,
                                 .entries = save->draft.entries};
    size_t count;

    if (db_begin(q->shared, err) != 0)
        return -1;
    if (check_base(save, err) != 0
        || secret_set_next_number(q->shared, set.environment_id, number, err) != 0)
        goto out;
    set.number = *number;
    count = split_values(save, *number, hidden);
    if (vault_put_secrets(q->vault, set.environment_id, *number, hidden, count, err) == 0
        && secret_set_add(q->shared, &set, err) == 0 && append_event(save, *number, err) == 0
        && draft_remove(q->shared, ask_text(q, "draft_id"), err) == 0
        && db_commit(q->shared, err) == 0)
        return 0;
out:
    db_rollback(q->shared);
    return -1;
}

static int put_result(struct save *save, int64_t number, struct err *err)
{
    int64_t added = (int64_t)json_array_size(save->added);
    int64_t changed = (int64_t)json_array_size(save->changed);

    if (ask_put_int(save->q, "number", number, err) != 0
        || ask_put_int(save->q, "added", added, err) != 0
        || ask_put_int(save->q, "changed", changed, err) != 0
        || ask_put_int(save->q, "removed", (int64_t)json_array_size(save->removed), err) != 0)
        return -1;
    return ask_put_int(save->q, "unchanged", (int64_t)save->draft.entries.count - added - changed,
                       err);
}

static int run(struct save *save, struct err *err)
{
    int64_t number;

    if (open_draft(save, err) != 0 || compare_all(save, err) != 0)
        return -1;
    number = save->draft.base_set;
    if (json_array_size(save->added) + json_array_size(save->changed)
            + json_array_size(save->removed)
        == 0) {
        /* Saving what is already there makes no new set, and no event: nothing changed. */
        if (draft_remove(save->q->shared, ask_text(save->q, "draft_id"), err) != 0)
            return -1;
    } else if (write_set(save, &number, err) != 0)
        return -1;
    return put_result(save, number, err);
}

int ask_secrets_save(struct question *q, struct err *err)
{
    struct save *save = calloc(1, sizeof *save);
    int rc = -1;

    if (save == NULL)
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory for this secret set.");
    save->q = q;
    save->arena = arena_new(ARENA_MAX);
    if (save->arena == NULL)
        err_set(err, ERR_NO_MEMORY, "There is not enough memory for this secret set.");
    else
        rc = run(save, err);
    for (size_t i = 0; i < SECRET_SET_MAX_ENTRIES; i++)
        if (save->values[i].bytes != NULL)
            crypto_wipe((void *)(uintptr_t)save->values[i].bytes, save->values[i].len);
    json_decref(save->added);
    json_decref(save->changed);
    json_decref(save->removed);
    arena_free(save->arena);
    free(save);
    return rc;
}

/* secrets.c - verb secrets.save: a draft becomes the next secret set.
 *
 * All values are opened and checked before anything is written (draft.h). Then, under windlass.db's
 * write lock: is the set the form showed still the newest (else ERR_CONFLICT), the values go into
 * the vault under the next number, and the set, its event and the end of the draft are one
 * transaction. A crash in between leaves values in the vault that no set refers to; the next save
 * replaces them. */
#include <inttypes.h>
#include "lib/domain/validate.h"
#include "worker/ask/draft.h"
#include "worker/ask/pause.h"

#define MESSAGE_MAX 500

struct save {
    struct opened_draft *opened;
    const struct secret_rows *base;
    json_t *added, *changed, *removed; /* lists of keys */
    bool tail_differs;
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is not enough memory for this secret set.");
}

static int add_key(json_t *list, const char *key, struct err *err)
{
    return json_array_append_new(list, json_string(key)) != 0 ? no_memory(err) : 0;
}

static int compare_all(struct save *save, struct err *err)
{
    struct secret_rows *entries = &save->opened->draft.entries;

    for (size_t i = 0; i < entries->count; i++) {
        struct secret_row *row = &entries->rows[i];
        const struct secret_row *base = secret_rows_find(save->base, row->key);
        enum difference how = secret_difference(row, base);

        row->changed_in = how == DIFFERENCE_ADDED || how == DIFFERENCE_VALUE ? 0 : base->changed_in;
        if ((how == DIFFERENCE_ADDED && add_key(save->added, row->key, err) != 0)
            || ((how == DIFFERENCE_VALUE || how == DIFFERENCE_ABOUT)
                && add_key(save->changed, row->key, err) != 0))
            return -1;
    }
    for (size_t i = 0; i < save->base->count; i++)
        if (secret_rows_find(entries, save->base->rows[i].key) == NULL
            && add_key(save->removed, save->base->rows[i].key, err) != 0)
            return -1;
    return 0;
}

static int check_base(struct save *save, struct err *err)
{
    struct secret_set_head newest;

    if (secret_set_newest(save->opened->q->shared, save->opened->draft.environment_id, NULL,
                          &newest, err)
        != 0)
        return -1;
    if (newest.number == save->opened->draft.base_set)
        return 0;
    return err_set(err, ERR_CONFLICT,
                   "%s saved s%" PRId64 " while you were editing. Nothing was saved, and nothing "
                   "of yours is lost: bring both together, then save.",
                   newest.by_name[0] == '\0' ? "Somebody" : newest.by_name, newest.number);
}

/* --- writing --- */

/* Which values go where: plain ones into the row, the others to the vault. */
static size_t split_values(struct save *save, int64_t number, struct secret_value *hidden)
{
    struct opened_draft *opened = save->opened;
    size_t count = 0;

    for (size_t i = 0; i < opened->draft.entries.count; i++) {
        struct secret_row *row = &opened->draft.entries.rows[i];

        if (row->changed_in == 0)
            row->changed_in = number;
        if (strcmp(row->kind, "plain") == 0)
            row->plain = opened->values[i].bytes;
        else
            hidden[count++] = opened->values[i];
    }
    return count;
}

static int append_event(struct save *save, int64_t number, struct err *err)
{
    const struct opened_draft *opened = save->opened;
    char name[128];
    struct audit_entry entry = {.actor = &opened->q->actor,
                                .verb = "secret.save",
                                .target_kind = "environment",
                                .target_id = opened->draft.environment_id,
                                .target_name = name,
                                .app_id = opened->place.app_id,
                                .environment_id = opened->draft.environment_id};

    snprintf(name, sizeof name, "%s/%s", opened->place.app_slug, opened->place.slug);
    entry.detail = json_pack("{s:I, s:O, s:O, s:O}", "number", (json_int_t)number, "added",
                             save->added, "changed", save->changed, "removed", save->removed);
    return audit_append(opened->q->shared, &entry, err);
}

static int write_set(struct save *save, int64_t *number, struct err *err)
{
    static struct secret_value hidden[SECRET_SET_MAX_ENTRIES];
    struct question *q = save->opened->q;
    struct secret_set_new set = {.environment_id = save->opened->draft.environment_id,
                                 .message = ask_text(q, "message"),
                                 .created_by = q->session.user_id,
                                 .tail = save->opened->draft.tail,
                                 .entries = save->opened->draft.entries};
    size_t count;

    if (db_begin(q->shared, err) != 0)
        return -1;
    if (check_base(save, err) != 0
        || secret_set_next_number(q->shared, set.environment_id, number, err) != 0)
        goto out;
    set.number = *number;
    count = split_values(save, *number, hidden);
    ask_pause("secrets.save.begun");
    if (vault_put_secrets(q->vault, set.environment_id, *number, hidden, count, err) != 0)
        goto out;
    ask_pause("secrets.save.vault_written");
    if (secret_set_add(q->shared, &set, err) == 0 && append_event(save, *number, err) == 0
        && draft_remove(q->shared, ask_text(q, "draft_id"), err) == 0) {
        ask_pause("secrets.save.set_written");
        if (db_commit(q->shared, err) == 0) {
            ask_pause("secrets.save.committed");
            return 0;
        }
    }
out:
    db_rollback(q->shared);
    return -1;
}

static int put_result(struct save *save, int64_t number, struct err *err)
{
    struct question *q = save->opened->q;
    int64_t added = (int64_t)json_array_size(save->added);
    int64_t changed = (int64_t)json_array_size(save->changed);

    if (ask_put_int(q, "number", number, err) != 0 || ask_put_int(q, "added", added, err) != 0
        || ask_put_int(q, "changed", changed, err) != 0
        || ask_put_int(q, "removed", (int64_t)json_array_size(save->removed), err) != 0)
        return -1;
    return ask_put_int(q, "unchanged", (int64_t)save->opened->draft.entries.count - added - changed,
                       err);
}

static int first_fault(const struct opened_draft *opened, struct err *err)
{
    if (opened->fault_count == 0)
        return 0;
    return err_field(err, opened->faults[0].key, "%s", opened->faults[0].text);
}

static int run(struct save *save, struct err *err)
{
    struct opened_draft *opened = save->opened;
    struct question *q = opened->q;
    int64_t number;

    if (validate_note("message", ask_text(q, "message"), MESSAGE_MAX, err) != 0
        || opened_draft_read(opened, err) != 0 || check_base(save, err) != 0
        || first_fault(opened, err) != 0
        || opened_draft_set(opened, opened->draft.base_set, &save->base, err) != 0
        || compare_all(save, err) != 0)
        return -1;
    number = opened->draft.base_set;
    save->tail_differs = strcmp(opened->draft.tail, opened->newest.tail) != 0;
    if (json_array_size(save->added) + json_array_size(save->changed)
                + json_array_size(save->removed)
            == 0
        && !save->tail_differs) {
        /* Saving what is already there makes no new set, and no event: nothing changed. */
        if (draft_remove(q->shared, ask_text(q, "draft_id"), err) != 0)
            return -1;
    } else if (write_set(save, &number, err) != 0)
        return -1;
    return put_result(save, number, err);
}

int ask_secrets_save(struct question *q, struct err *err)
{
    struct save save = {.opened = opened_draft_new(q, err),
                        .added = json_array(),
                        .changed = json_array(),
                        .removed = json_array()};
    int rc = -1;

    if (save.opened != NULL)
        rc = save.added == NULL || save.changed == NULL || save.removed == NULL ? no_memory(err)
                                                                                : run(&save, err);
    json_decref(save.added);
    json_decref(save.changed);
    json_decref(save.removed);
    opened_draft_free(save.opened);
    return rc;
}

/* secrets_compare.c - verb secrets.compare: how a draft stands to what is stored, without a value
 * in the answer.
 *
 * One character for each entry of the draft, in its order (draft.h, enum difference): against the
 * set the draft is based on (`against_base`) and, when somebody saved meanwhile, against the newest
 * (`against_newest`, else ""). `lint` has the bits of each entry (lib/domain/secret_lint.h), `size`
 * its bytes. `faults` says what is wrong with single entries; those are '?'. */
#include "worker/ask/draft.h"

#define STRING_MAX ((size_t)SECRET_SET_MAX_ENTRIES + 1)

static bool is_faulty(const struct opened_draft *opened, const char *key)
{
    for (size_t i = 0; i < opened->fault_count; i++)
        if (strcmp(opened->faults[i].key, key) == 0)
            return true;
    return false;
}

static void differences(const struct opened_draft *opened, const struct secret_rows *rows,
                        char text[STRING_MAX])
{
    size_t i;

    for (i = 0; i < opened->draft.entries.count; i++) {
        const struct secret_row *row = &opened->draft.entries.rows[i];

        text[i] = is_faulty(opened, row->key)
                      ? '?'
                      : (char)secret_difference(row, secret_rows_find(rows, row->key));
    }
    text[i] = '\0';
}

static int put_against(struct opened_draft *opened, int64_t number, const char *name,
                       struct err *err)
{
    char text[STRING_MAX];
    const struct secret_rows *rows;

    if (opened_draft_set(opened, number, &rows, err) != 0)
        return -1;
    differences(opened, rows, text);
    return ask_put_text(opened->q, name, text, err);
}

static int put_lists(struct opened_draft *opened, struct err *err)
{
    json_t *lint = json_array(), *size = json_array(), *faults = json_array();
    int failed = lint == NULL || size == NULL || faults == NULL;

    for (size_t i = 0; i < opened->draft.entries.count && failed == 0; i++) {
        const struct secret_row *row = &opened->draft.entries.rows[i];

        failed = json_array_append_new(lint, json_integer((json_int_t)row->lint))
                 | json_array_append_new(size, json_integer(row->size_bytes));
    }
    for (size_t i = 0; i < opened->fault_count && failed == 0; i++)
        failed = json_array_append_new(faults, json_pack("{s:s, s:s}", "key", opened->faults[i].key,
                                                         "text", opened->faults[i].text));
    failed |= json_object_set_new(opened->q->out, "lint", lint)
              | json_object_set_new(opened->q->out, "size", size)
              | json_object_set_new(opened->q->out, "faults", faults);
    return failed != 0 ? err_set(err, ERR_NO_MEMORY, "There is not enough memory for the answer.")
                       : 0;
}

static int run(struct opened_draft *opened, struct err *err)
{
    int64_t base, newest;

    if (opened_draft_read(opened, err) != 0)
        return -1;
    base = opened->draft.base_set;
    newest = opened->newest.number;
    if (ask_put_int(opened->q, "base", base, err) != 0
        || ask_put_int(opened->q, "newest", newest, err) != 0
        || ask_put_text(opened->q, "newest_by", opened->newest.by_name, err) != 0
        || put_against(opened, base, "against_base", err) != 0)
        return -1;
    if (newest != base ? put_against(opened, newest, "against_newest", err) != 0
                       : ask_put_text(opened->q, "against_newest", "", err) != 0)
        return -1;
    return put_lists(opened, err);
}

int ask_secrets_compare(struct question *q, struct err *err)
{
    struct opened_draft *opened = opened_draft_new(q, err);
    int rc = opened == NULL ? -1 : run(opened, err);

    opened_draft_free(opened);
    return rc;
}

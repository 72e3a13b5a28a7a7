/* secrets_form.c - reading and showing the rows of the secrets table (secrets_form.h). */
#include "cgi/pages/secrets_form.h"

#include <stdio.h>
#include <string.h>
#include "cgi/pages/page.h"
#include "cgi/pages/row.h"
#include "cgi/pages/secrets_lint.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

#define BLANKS_WITH_SET    3
#define BLANKS_WITHOUT_SET 5

/* Whether the stored value stays: a hidden one whose box was left empty. */
static bool is_kept(const struct secret_typed *row)
{
    return row->stored != NULL && row->len == 0 && row->from == 0
           && !secrets_is_plain(row_text(row->stored, "kind"));
}

/* --- reading --- */

static void refuse(struct secret_typed *row, bool is_key_error, const char *text)
{
    if (row->error[0] == '\0')
        str_copy(row->error, sizeof row->error, text);
    row->is_key_error = is_key_error;
}

/* A hidden value never becomes a readable one without being typed: who makes a secret plain must
 * know it. */
static void check_kept(struct secret_typed *row)
{
    const char *was = row_text(row->stored, "kind");
    if (secrets_is_plain(row->kind) || (str_equal(was, "write_only") && !str_equal(row->kind, was)))
        refuse(row, false,
               "To change its kind, type the value again: the stored one is not shown.");
}

static void check_row(struct secrets_form *form, struct secret_typed *row)
{
    bool is_file = row->stored != NULL && str_equal(row_text(row->stored, "form"), "file");
    struct err e = {0};
    if (row->is_removed)
        return;
    if (validate_env_key("key", row->key, &e) != 0)
        refuse(row, true, e.user);
    for (const struct secret_typed *other = form->rows; other < row; other++)
        if (!other->is_removed && str_equal(other->key, row->key))
            refuse(row, true, "This key is there twice. Remove one of them.");
    if (secrets_kind(row->kind) == NULL)
        refuse(row, false, "Choose a kind: plain, secret or write-only.");
    else if (is_kept(row))
        check_kept(row);
    else if (row->len == 0 && row->from == 0 && !secrets_is_plain(row->kind))
        refuse(row, false, "Type a value. An empty value must be plain.");
    else if (!is_file && validate_env_value("value", row->value, row->len, &e) != 0)
        refuse(row, false, e.user);
}

static const char *numbered(struct request *req, const char *name, int index, size_t *len)
{
    char field[32];
    snprintf(field, sizeof field, "%s.%d", name, index);
    return request_field_bytes(req, field, len);
}

static bool read_row(struct request *req, int index, struct secret_typed *row)
{
    int64_t from = 0;
    size_t len;
    *row = (struct secret_typed){.key = numbered(req, "key", index, &len)};
    row->kind = numbered(req, "kind", index, &len);
    row->is_removed = numbered(req, "remove", index, &len)[0] != '\0';
    row->value = numbered(req, "value", index, &row->len);
    if (strlen(row->value) == row->len) { /* text: one kind of line end */
        row->value = page_lines(req, row->value);
        row->len = strlen(row->value);
    }
    if (row->len == 0
        && str_to_int64(numbered(req, "from", index, &len), 1, SECRET_ENTRIES_MAX, &from))
        row->from = (int)from;
    return row->key[0] != '\0' || row->len > 0 || row->from > 0;
}

int secrets_form_read(struct request *req, const struct secrets_view *v, struct secrets_form *form)
{
    int wrong = 0;
    *form = (struct secrets_form){.draft = request_field(req, "draft"),
                                  .base_set = secrets_form_base(req, v)};
    form->rows = arena_array(req->arena, SECRET_ROWS_MAX, sizeof *form->rows);
    if (form->rows == NULL)
        return -1;
    for (int i = 0; i < SECRET_ROWS_MAX; i++) {
        struct secret_typed *row = &form->rows[form->count];
        if (!read_row(req, i, row))
            continue;
        row->stored = secrets_find(v->entries, row->key);
        check_row(form, row);
        wrong += row->error[0] != '\0' ? 1 : 0;
        form->count++;
    }
    return wrong;
}

static struct secret_typed typed_of(const json_t *entry, const json_t *stored)
{
    bool is_typed = row_is(entry, "is_typed"), is_shown = row_has(entry, "plain");
    struct secret_typed row = {.key = row_text(entry, "key"),
                               .kind = row_text(entry, "kind"),
                               .value = is_shown ? row_text(entry, "plain") : "",
                               .stored = stored};
    row.len = strlen(row.value);
    if (is_typed && !is_shown)
        row.from = (int)row_int(entry, "position") + 1;
    if (!is_typed && stored != NULL && secrets_is_plain(row.kind)) {
        row.value = row_text(stored, "plain");
        row.len = strlen(row.value);
    }
    return row;
}

int secrets_form_of_draft(struct request *req, const struct secrets_view *v, const json_t *draft,
                          const json_t *entries, struct secrets_form *form)
{
    const json_t *entry;
    size_t i;
    *form = (struct secrets_form){.draft = row_text(draft, "id"),
                                  .base_set = row_int(draft, "base_set")};
    form->rows = arena_array(req->arena, 2 * SECRET_ROWS_MAX, sizeof *form->rows);
    if (form->rows == NULL)
        return -1;
    json_array_foreach(entries, i, entry) if (form->count < SECRET_ROWS_MAX)
        form->rows[form->count++] =
        typed_of(entry, secrets_find(v->entries, row_text(entry, "key")));
    json_array_foreach(v->entries, i,
                       entry) if (form->count < 2 * SECRET_ROWS_MAX
                                  && secrets_find(entries, row_text(entry, "key")) == NULL)
        form->rows[form->count++] = (struct secret_typed){.key = row_text(entry, "key"),
                                                          .kind = row_text(entry, "kind"),
                                                          .value = row_text(entry, "plain"),
                                                          .len = strlen(row_text(entry, "plain")),
                                                          .stored = entry,
                                                          .is_removed = true};
    return 0;
}

bool secrets_form_refuse(struct secrets_form *form, const char *key, const char *text)
{
    bool found = false;
    for (size_t i = 0; i < form->count; i++)
        if (key[0] != '\0' && !form->rows[i].is_removed && str_equal(form->rows[i].key, key)) {
            refuse(&form->rows[i], false, text);
            found = true;
        }
    return found;
}

/* --- storing --- */

static int entry_of(struct request *req, const struct secrets_form *form,
                    const struct secret_typed *row, struct secret_draft_entry *entry,
                    struct err *err)
{
    bool is_kind = secrets_kind(row->kind) != NULL;
    *entry = row->stored != NULL ? secrets_keep(row->stored, form->base_set)
                                 : (struct secret_draft_entry){.comment = ""};
    entry->key = row->key;
    entry->kind = is_kind ? row->kind : "secret";
    entry->from = row->from;
    if (row->from > 0 || is_kept(row))
        return 0;
    return secrets_type(req, entry, row->value, row->len, err);
}

int secrets_form_store(struct request *req, const struct secrets_view *v, struct secrets_form *form,
                       char id[CRYPTO_ID_SIZE], struct err *err)
{
    struct secret_draft draft = {
        .base_set = form->base_set, .tail = row_text(v->set, "tail"), .from_draft = form->draft};
    struct secret_draft_entry *entries = arena_array(req->arena, form->count + 1, sizeof *entries);
    if (entries == NULL)
        return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    for (size_t i = 0; i < form->count; i++)
        if (!form->rows[i].is_removed
            && entry_of(req, form, &form->rows[i], &entries[draft.count++], err) != 0)
            return -1;
    draft.entries = entries;
    if (secrets_draft_store(req, v, &draft, id, err) != 0)
        return -1;
    form->draft = arena_strdup(req->arena, id);
    for (size_t i = 0, place = 0; i < form->count; i++) {
        struct secret_typed *row = &form->rows[i];
        if (row->is_removed)
            continue;
        place++;
        if (row->from > 0 || (row->len > 0 && !secrets_is_plain(row->kind)))
            row->from = (int)place;
    }
    return 0;
}

/* --- the model --- */

static void tell_error(json_t *page, const struct secret_typed *row, size_t index)
{
    char field[32], text[700];
    if (row->error[0] == '\0')
        return;
    snprintf(field, sizeof field, "%s.%zu", row->is_key_error ? "key" : "value", index);
    snprintf(text, sizeof text, "%.64s%s%s", row->key, row->key[0] != '\0' ? ": " : "", row->error);
    if (str_is_utf8(text, strlen(text)))
        page_error(page, field, text);
    else
        page_error(page, field, row->error);
}

/* What the box shows: what is typed in the clear only when it is plain. */
static const char *box_of(const json_t *entry, const struct secret_typed *typed)
{
    const char *kind = typed != NULL ? typed->kind : row_text(entry, "kind");
    if (!secrets_is_plain(kind) || (entry != NULL && !secrets_is_plain(row_text(entry, "kind"))))
        return "";
    return typed != NULL ? typed->value : row_text(entry, "plain");
}

static json_t *changed_by(const json_t *entry)
{
    return part_person(row_text(entry, "changed_by_name"), row_text(entry, "changed_by_login"));
}

/* Where in the draft its hidden value is; null: nothing was typed. */
static json_t *from_model(const struct secret_typed *typed)
{
    return typed == NULL || typed->from == 0 ? json_null() : part_text("%d", typed->from);
}

static json_t *entry_model(const struct secrets_view *v, const json_t *entry, size_t index,
                           const struct secret_typed *typed, const json_t *shared,
                           const json_t *used_by)
{
    const char *kind = typed != NULL ? typed->kind : row_text(entry, "kind");
    const char *key = row_text(entry, "key");
    char rest[160];
    json_t *model;
    snprintf(rest, sizeof rest, "/key/%.128s", key);
    model = json_pack("{s:i, s:s, s:o, s:s, s:s, s:b, s:o, s:s, s:o, s:o, s:o, s:b, s:s, s:o}",
                      "index", (int)index, "key", key, "href", secrets_href(v, rest), "kind",
                      row_text(entry, "kind"), "kind_text", secrets_kind_text(kind), "is_plain",
                      (int)secrets_is_plain(row_text(entry, "kind")), "kinds",
                      secrets_kinds_model(kind), "value", box_of(entry, typed), "changed_in",
                      part_set_label(row_int(entry, "changed_in")), "changed",
                      part_time(row_int(entry, "changed_at")), "changed_by", changed_by(entry),
                      "is_removed", (int)(typed != NULL && typed->is_removed), "error",
                      typed == NULL ? "" : typed->error, "from", from_model(typed));
    if (model == NULL)
        return NULL;
    json_object_set_new(model, "is_file", json_boolean(str_equal(row_text(entry, "form"), "file")));
    json_object_set_new(model, "used_by", json_string(row_text(used_by, key)));
    json_object_set_new(model, "path", json_string(row_text(entry, "path")));
    json_object_set_new(model, "is_build",
                        json_boolean(str_equal(row_text(entry, "stage"), "build")));
    json_object_set_new(model, "lint",
                        secrets_lint_model((unsigned)row_int(entry, "lint"), key, shared));
    return model;
}

static json_t *blank_model(size_t index, const struct secret_typed *typed)
{
    const char *kind = typed == NULL ? "secret" : typed->kind;
    return json_pack("{s:i, s:s, s:s, s:o, s:s, s:o}", "index", (int)index, "key",
                     typed == NULL ? "" : typed->key, "value",
                     typed == NULL ? "" : box_of(NULL, typed), "kinds", secrets_kinds_model(kind),
                     "error", typed == NULL ? "" : typed->error, "from", from_model(typed));
}

static struct secret_typed *typed_for(const struct secrets_form *form, const json_t *entry)
{
    for (size_t i = 0; form != NULL && i < form->count; i++)
        if (form->rows[i].stored == entry)
            return &form->rows[i];
    return NULL;
}

/* Rows of keys that are not stored, and of stored ones that were typed a second time. */
static json_t *blanks_model(const struct secrets_form *form, size_t first, json_t *page)
{
    json_t *blanks = json_array();
    size_t empty = first > 0 ? BLANKS_WITH_SET : BLANKS_WITHOUT_SET;
    for (size_t i = 0; form != NULL && i < form->count; i++) {
        const struct secret_typed *row = &form->rows[i];
        size_t index = first + json_array_size(blanks);
        if (row->stored != NULL && typed_for(form, row->stored) == row)
            continue;
        tell_error(page, row, index);
        json_array_append_new(blanks, blank_model(index, row));
    }
    for (size_t i = 0; i < empty; i++)
        json_array_append_new(blanks, blank_model(first + json_array_size(blanks), NULL));
    return blanks;
}

void secrets_form_model(const struct secrets_view *v, const struct secrets_form *form,
                        const json_t *shared, const json_t *used_by, json_t *page, json_t *data)
{
    json_t *list = json_array();
    const json_t *entry;
    size_t i, count = json_array_size(v->entries);
    json_array_foreach(v->entries, i, entry)
    {
        const struct secret_typed *typed = typed_for(form, entry);
        if (typed != NULL)
            tell_error(page, typed, i);
        json_array_append_new(list, entry_model(v, entry, i, typed, shared, used_by));
    }
    json_object_set_new(data, "draft", json_string(form == NULL ? "" : form->draft));
    json_object_set_new(data, "has_entries", json_boolean(count > 0));
    json_object_set_new(data, "entries", list);
    json_object_set_new(data, "blanks", blanks_model(form, count, page));
}

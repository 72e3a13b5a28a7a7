/* secrets_form.c - reading and showing the rows of the secrets page (secrets_form.h). */
#include "cgi/pages/secrets_form.h"

#include <stdio.h>
#include <string.h>
#include "cgi/pages/page.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

#define BLANKS_WITH_SET    3
#define BLANKS_WITHOUT_SET 5

static const char *const KINDS[][2] = {
    {"plain", "Plain"}, {"secret", "Secret"}, {"write_only", "Write-only"}};

static const char *kind_of(const char *kind)
{
    for (size_t i = 0; i < COUNT_OF(KINDS); i++)
        if (str_equal(KINDS[i][0], kind))
            return KINDS[i][0];
    return NULL;
}

static const char *kind_text(const char *kind)
{
    for (size_t i = 0; i < COUNT_OF(KINDS); i++)
        if (str_equal(KINDS[i][0], kind))
            return KINDS[i][1];
    return "";
}

static bool is_plain(const char *kind)
{
    return str_equal(kind, "plain");
}

static const json_t *find_entry(const json_t *entries, const char *key)
{
    const json_t *entry;
    size_t i;
    json_array_foreach(entries, i, entry) if (str_equal(row_text(entry, "key"), key)) return entry;
    return NULL;
}

bool secret_is_kept(const struct secret_typed *row)
{
    return row->stored != NULL && row->len == 0 && !is_plain(row_text(row->stored, "kind"));
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
    if (is_plain(row->kind) || (str_equal(was, "write_only") && !str_equal(row->kind, was)))
        refuse(row, false,
               "To change its kind, type the value again: the stored one is not shown.");
}

static void check_row(struct secrets_form *form, struct secret_typed *row)
{
    struct err e = {0};
    if (row->is_removed)
        return;
    if (validate_env_key("key", row->key, &e) != 0)
        refuse(row, true, e.user);
    for (const struct secret_typed *other = form->rows; other < row; other++)
        if (!other->is_removed && str_equal(other->key, row->key))
            refuse(row, true, "This key is there twice. Remove one of them.");
    if (kind_of(row->kind) == NULL)
        refuse(row, false, "Choose a kind: plain, secret or write-only.");
    else if (secret_is_kept(row))
        check_kept(row);
    else if (row->len == 0 && !is_plain(row->kind))
        refuse(row, false, "Type a value. An empty value must be plain.");
    else if (validate_env_value("value", row->value, row->len, &e) != 0)
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
    size_t len;
    *row = (struct secret_typed){.key = numbered(req, "key", index, &len)};
    row->kind = numbered(req, "kind", index, &len);
    row->is_removed = numbered(req, "remove", index, &len)[0] != '\0';
    row->value = numbered(req, "value", index, &row->len);
    if (strlen(row->value) == row->len) { /* text: one kind of line end */
        row->value = page_lines(req, row->value);
        row->len = strlen(row->value);
    }
    return row->key[0] != '\0' || row->len > 0;
}

int secrets_form_read(struct request *req, const json_t *entries, struct secrets_form *form)
{
    int wrong = 0;
    *form = (struct secrets_form){.message = request_field(req, "message")};
    if (!str_to_int64(request_field(req, "base_set"), 0, INT64_MAX, &form->base_set))
        form->base_set = -1;
    form->rows = arena_array(req->arena, SECRET_ROWS_MAX, sizeof *form->rows);
    if (form->rows == NULL)
        return -1;
    for (int i = 0; i < SECRET_ROWS_MAX; i++) {
        struct secret_typed *row = &form->rows[form->count];
        if (!read_row(req, i, row))
            continue;
        row->stored = find_entry(entries, row->key);
        check_row(form, row);
        wrong += row->error[0] != '\0' ? 1 : 0;
        form->count++;
    }
    return wrong;
}

bool secrets_form_refuse(struct secrets_form *form, const char *key, const char *text)
{
    bool found = false;
    for (size_t i = 0; i < form->count; i++)
        if (key[0] != '\0' && str_equal(form->rows[i].key, key)) {
            refuse(&form->rows[i], false, text);
            found = true;
        }
    return found;
}

/* --- the model --- */

static json_t *kinds_model(const char *chosen)
{
    json_t *list = json_array();
    for (size_t i = 0; i < COUNT_OF(KINDS); i++)
        json_array_append_new(
            list, part_choice(KINDS[i][0], KINDS[i][1], str_equal(KINDS[i][0], chosen)));
    return list;
}

/* What the box shows again, and the row's error. */
static const char *shown_again(struct secret_typed *row, bool is_readable)
{
    if (is_readable)
        return row->value;
    if (row->len > 0 && row->error[0] == '\0')
        str_copy(row->error, sizeof row->error,
                 "Type the new value again: a typed secret is not kept on this page.");
    return "";
}

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

static json_t *entry_model(const json_t *entry, size_t index, struct secret_typed *typed,
                           json_t *page)
{
    const char *kind = row_text(entry, "kind");
    bool is_readable = is_plain(kind);
    const char *value = typed == NULL ? row_text(entry, "plain") : shown_again(typed, is_readable);
    if (typed != NULL)
        tell_error(page, typed, index);
    return json_pack(
        "{s:i, s:s, s:s, s:s, s:b, s:o, s:s, s:o, s:o, s:b, s:s}", "index", (int)index, "key",
        row_text(entry, "key"), "kind", kind, "kind_text", kind_text(kind), "is_plain",
        (int)is_readable, "kinds", kinds_model(typed == NULL ? kind : typed->kind), "value",
        is_readable ? value : "", "changed_in", part_set_label(row_int(entry, "changed_in")),
        "changed", part_time(row_int(entry, "changed_at")), "is_removed",
        (int)(typed != NULL && typed->is_removed), "error", typed == NULL ? "" : typed->error);
}

static json_t *blank_model(size_t index, struct secret_typed *typed, json_t *page)
{
    const char *kind = typed == NULL ? "secret" : typed->kind, *value = "";
    if (typed != NULL) {
        value = shown_again(typed, is_plain(kind));
        tell_error(page, typed, index);
    }
    return json_pack("{s:i, s:s, s:s, s:o, s:s}", "index", (int)index, "key",
                     typed == NULL ? "" : typed->key, "value", value, "kinds", kinds_model(kind),
                     "error", typed == NULL ? "" : typed->error);
}

static struct secret_typed *typed_for(const struct secrets_form *form, const json_t *entry)
{
    for (size_t i = 0; form != NULL && i < form->count; i++)
        if (form->rows[i].stored == entry)
            return &form->rows[i];
    return NULL;
}

void secrets_form_model(const json_t *entries, const struct secrets_form *form, json_t *page,
                        json_t *data)
{
    json_t *list = json_array(), *blanks = json_array();
    const json_t *entry;
    size_t i, count = json_array_size(entries), empty;
    json_array_foreach(entries, i, entry)
        json_array_append_new(list, entry_model(entry, i, typed_for(form, entry), page));
    for (i = 0; form != NULL && i < form->count; i++) {
        struct secret_typed *row = &form->rows[i];
        if (row->stored == NULL || typed_for(form, row->stored) != row)
            json_array_append_new(blanks, blank_model(count + json_array_size(blanks), row, page));
    }
    empty = count > 0 ? BLANKS_WITH_SET : BLANKS_WITHOUT_SET;
    for (i = 0; i < empty; i++)
        json_array_append_new(blanks, blank_model(count + json_array_size(blanks), NULL, page));
    json_object_set_new(data, "has_entries", json_boolean(count > 0));
    json_object_set_new(data, "entries", list);
    json_object_set_new(data, "blanks", blanks);
}

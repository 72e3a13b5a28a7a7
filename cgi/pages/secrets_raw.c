/* secrets_raw.c - /apps/{app}/{env}/secrets/raw: all variables as one .env text.
 *
 * The text replaces: a key that is not in it is removed, unless it is asked only to add and change
 * (what pasting into the table does). Hidden values stand as a placeholder made
 * for this form, which keeps the stored value; "Reveal all" fills in those of kind secret, after
 * the password and with an event. Comments are kept. Files are not in it and stay as they are. */
#include <stdio.h>
#include <string.h>
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/row.h"
#include "cgi/pages/secrets_draft.h"
#include "cgi/pages/secrets_reveal.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/dotenv.h"
#include "lib/domain/envfile.h"

#define NOTES_MAX 30
#define TEXT_MAX  ((size_t)4 * 1024 * 1024)

struct raw_form {
    const char *text, *placeholder, *kind; /* kind: of keys that are new */
    int64_t base_set;
    struct dotenv read;
    bool is_read;
    bool merges;      /* keys that are not in the text stay */
    bool is_revealed; /* values of kind secret stand in the text */
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
}

static bool is_file(const json_t *entry)
{
    return str_equal(row_text(entry, "form"), "file");
}

/* --- writing the text --- */

/* "(kept k3v9...)": letters and digits that no value has by chance; not quoted by the encoder. */
static const char *new_placeholder(struct request *req)
{
    char id[CRYPTO_ID_SIZE], text[64];
    crypto_new_id(id);
    snprintf(text, sizeof text, "kept-%s", id);
    return arena_strdup(req->arena, text);
}

static int add_line(struct request *req, struct buf *out, const json_t *entry,
                    const char *placeholder, const json_t *revealed, struct err *err)
{
    const char *key = row_text(entry, "key"), *value = row_text(entry, "plain");
    size_t len = strlen(value);
    if (!secrets_is_plain(row_text(entry, "kind"))) {
        value = revealed == NULL ? NULL : secrets_revealed(req, revealed, key, &len);
        if (value == NULL) {
            value = placeholder;
            len = strlen(placeholder);
        }
    }
    return envfile_add_row(out, &(struct envfile_row){row_text(entry, "comment"), key, value, len},
                           NULL, err);
}

static const char *text_of(struct request *req, const struct secrets_view *v,
                           const char *placeholder, const json_t *revealed, struct err *err)
{
    const json_t *entry;
    const char *text = NULL;
    struct buf out;
    int rc = 0;
    size_t i;
    buf_init(&out, TEXT_MAX);
    json_array_foreach(v->entries, i, entry) if (!is_file(entry) && rc == 0) rc =
        add_line(req, &out, entry, placeholder, revealed, err);
    if (rc == 0)
        rc = envfile_add_comment(&out, row_text(v->set, "tail"), err);
    if (rc == 0 && !buf_ok(&out))
        err_set(err, ERR_TOO_LARGE,
                "Together these values are too long for one text. Edit them in the table.");
    else if (rc == 0) {
        text = arena_strdup(req->arena, out.len == 0 ? "" : out.data);
        if (text == NULL)
            no_memory(err);
    }
    buf_wipe(&out);
    buf_deinit(&out);
    return text;
}

/* --- the model --- */

static json_t *problems_model(const struct dotenv_problem *problems, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:i, s:i, s:s, s:s}", "line", problems[i].line,
                                              "column", problems[i].column, "key", problems[i].key,
                                              "text", problems[i].sentence));
    return list;
}

static json_t *files_model(const struct secrets_view *v)
{
    json_t *list = json_array();
    const json_t *entry;
    size_t i;
    json_array_foreach(v->entries, i, entry) if (is_file(entry))
        json_array_append_new(list, json_pack("{s:s, s:s}", "key", row_text(entry, "key"), "path",
                                              row_text(entry, "path")));
    return list;
}

static json_t *modes_model(bool merges)
{
    json_t *list = json_array();
    json_array_append_new(list, part_choice("replace", "are removed", !merges));
    json_array_append_new(list, part_choice("merge", "stay as they are", merges));
    return list;
}

static int raw_respond(struct request *req, struct response *res, int status,
                       const struct secrets_view *v, const struct raw_form *form,
                       const struct err *refused)
{
    json_t *page = secrets_page_new(req, v, "Secrets as .env", "raw");
    json_t *data = secrets_data_new(v, "raw");
    const struct dotenv *read = &form->read;
    page_crumb(page, "Raw .env", "");
    page_field(page, "text", NULL);
    if (refused != NULL)
        page_error(page, "text", refused->user);
    for (size_t i = 0; form->is_read && i < dotenv_errors(read); i++) {
        char text[700];
        snprintf(text, sizeof text, "Line %d, column %d: %.500s", read->errors[i].line,
                 read->errors[i].column, read->errors[i].sentence);
        if (i == 0)
            page_error(page, "text", text);
    }
    json_object_set_new(data, "base_set", json_integer(form->base_set));
    json_object_set_new(data, "text", json_string(form->text));
    json_object_set_new(data, "placeholder", json_string(form->placeholder));
    json_object_set_new(data, "kinds", secrets_kinds_model(form->kind));
    part_set_list(data, "problems", "has_problems",
                  problems_model(read->errors, form->is_read ? dotenv_errors(read) : 0));
    part_set_list(data, "files", "has_files", files_model(v));
    json_object_set_new(data, "modes", modes_model(form->merges));
    json_object_set_new(data, "is_revealed", json_boolean(form->is_revealed));
    json_object_set_new(data, "href", secrets_href(v, "/raw"));
    json_object_set_new(data, "reveal_href", secrets_href(v, "/raw/reveal"));
    return respond_page(res, status, "secrets_raw", data, page);
}

int secrets_raw_show(struct request *req, struct response *res, struct err *err)
{
    struct secrets_view v;
    struct raw_form form = {.kind = "secret", .placeholder = new_placeholder(req)};
    if (secrets_view_read(req, &v, err) != 0)
        return -1;
    if (form.placeholder == NULL)
        return no_memory(err);
    form.base_set = row_int(v.set, "number");
    form.text = text_of(req, &v, form.placeholder, NULL, err);
    return form.text == NULL ? -1 : raw_respond(req, res, 200, &v, &form, NULL);
}

int secrets_raw_reveal(struct request *req, struct response *res, struct err *err)
{
    struct secrets_view v;
    struct raw_form form = {.kind = "secret", .placeholder = new_placeholder(req)};
    struct err e = {0};
    json_t *values, *href;
    if (secrets_view_read(req, &v, err) != 0)
        return -1;
    if (form.placeholder == NULL)
        return no_memory(err);
    form.base_set = row_int(v.set, "number");
    if (secrets_reveal(req, &v, &(struct secrets_asked){form.base_set, "", "show"}, &values, &e)
        != 0) {
        href = secrets_href(&v, "/raw/reveal");
        if (e.code == ERR_PROVE && !req->wants_json && href != NULL)
            return secrets_ask_password(
                req, res, &v, &e,
                &(struct secrets_again){json_string_value(href),
                                        "To see all secrets of this environment", json_array()});
        *err = e;
        return -1;
    }
    form.is_revealed = true;
    form.text = text_of(req, &v, form.placeholder, values, err);
    return form.text == NULL ? -1 : raw_respond(req, res, 200, &v, &form, NULL);
}

/* --- reading it back --- */

static bool is_placeholder(void *context, const char *key, const char *value, size_t len)
{
    const struct raw_form *form = context;
    (void)key;
    return form->placeholder[0] != '\0' && len == strlen(form->placeholder)
           && memcmp(value, form->placeholder, len) == 0;
}

/* One key of the text as an entry: kept, or typed. What is known of the key stays: kind, stage. */
static int entry_of(struct request *req, const struct secrets_view *v, const struct raw_form *form,
                    const struct dotenv_entry *line, struct secret_draft_entry *entry,
                    struct err *err)
{
    const json_t *stored = secrets_find(v->entries, line->key);
    *entry = stored != NULL ? secrets_keep(stored, form->base_set)
                            : (struct secret_draft_entry){.kind = form->kind};
    entry->key = line->key;
    if (!form->merges || stored == NULL || line->comment[0] != '\0')
        entry->comment = line->comment;
    if (stored != NULL && is_file(stored))
        return err_field(err, "text",
                         "Line %d: %s is a secret file here, and cannot be a variable as well. "
                         "Give the variable another name.",
                         line->line, line->key);
    if (!line->is_hidden)
        return secrets_type(req, entry, line->value, line->len, err);
    if (stored == NULL)
        return err_field(err, "text",
                         "Line %d: the placeholder keeps a stored value, but %s has none. Type its "
                         "value.",
                         line->line, line->key);
    return 0;
}

/* Where a key of the text goes: in the place of the one that is there, or behind all others. */
static size_t place_of(const struct secret_draft_entry *entries, size_t count, const char *key)
{
    int found = secrets_entry_of(entries, count, key);
    return found < 0 ? count : (size_t)found;
}

/* What is there before the text is read over it: everything when it only adds and changes; else
 * the files alone, of which the text cannot speak. */
static struct secret_draft_entry *start_with(struct request *req, const struct secrets_view *v,
                                             const struct raw_form *form, size_t *count)
{
    struct secret_draft_entry *entries = secrets_keep_all(req, v, form->base_set, count);
    size_t kept = 0;
    if (entries == NULL || form->merges)
        return entries;
    for (size_t i = 0; i < *count; i++)
        if (str_equal(entries[i].form, "file"))
            entries[kept++] = entries[i];
    *count = kept;
    return entries;
}

/* Where other readers of .env files would take another value from a line: for the review page.
 * `docker run` keeps all quotes; said once for each line it would drown the rest. */
static char *notes_of(const struct dotenv *read)
{
    json_t *list = json_array();
    for (size_t i = 0; i < read->warning_count; i++) {
        const struct dotenv_problem *warning = &read->warnings[i];
        if (warning->readers != DOTENV_DOCKER && json_array_size(list) < NOTES_MAX)
            json_array_append_new(list, json_pack("{s:i, s:s, s:s}", "line", warning->line, "key",
                                                  warning->key, "text", warning->sentence));
    }
    return list == NULL ? NULL : json_dumps(list, JSON_COMPACT);
}

static int store(struct request *req, struct response *res, const struct secrets_view *v,
                 const struct raw_form *form, struct err *err)
{
    struct secret_draft draft = {.base_set = form->base_set,
                                 .tail = form->merges ? row_text(v->set, "tail") : form->read.tail};
    struct secret_draft_entry *entries = start_with(req, v, form, &draft.count);
    char *notes = NULL;
    if (entries == NULL || (notes = notes_of(&form->read)) == NULL)
        return no_memory(err);
    draft.notes = notes;
    for (size_t i = 0; i < form->read.count; i++) {
        size_t at = place_of(entries, draft.count, form->read.entries[i].key);
        if (at == SECRET_ENTRIES_MAX)
            return err_set(err, ERR_TOO_LARGE, "An environment can have at most %d secrets.",
                           SECRET_ENTRIES_MAX);
        if (entry_of(req, v, form, &form->read.entries[i], &entries[at], err) != 0)
            return -1;
        if (at == draft.count)
            draft.count++;
    }
    draft.entries = entries;
    return secrets_draft_review(req, res, v, &draft, err);
}

/* The parser has an arena of its own: it needs several times the text, which a request has not. */
static int read_and_store(struct request *req, struct response *res, const struct secrets_view *v,
                          struct raw_form *form, struct err *err)
{
    struct dotenv_options options = {.is_form = true, .is_hidden = is_placeholder, .context = form};
    struct arena *arena = arena_new(DOTENV_ARENA(strlen(form->text)));
    struct err e = {0};
    int rc = -1;
    if (arena == NULL)
        return no_memory(err);
    if (dotenv_read(arena, form->text, strlen(form->text), &options, &form->read, &e) != 0)
        rc = raw_respond(req, res, 422, v, form, &e);
    else {
        form->is_read = true;
        if (form->read.error_count > 0)
            rc = raw_respond(req, res, 422, v, form, NULL);
        else if (store(req, res, v, form, &e) == 0)
            rc = 0;
        else if (e.code == ERR_INPUT || e.code == ERR_TOO_LARGE)
            rc = raw_respond(req, res, 422, v, form, &e);
        else
            *err = e;
    }
    arena_free(arena);
    return rc;
}

int secrets_raw_save(struct request *req, struct response *res, struct err *err)
{
    struct secrets_view v;
    struct raw_form form = {.text = request_field(req, "text"),
                            .placeholder = request_field(req, "placeholder"),
                            .kind = secrets_kind(request_field(req, "kind"))};
    if (form.kind == NULL)
        form.kind = "secret";
    form.merges = str_equal(request_field(req, "mode"), "merge");
    if (secrets_view_read(req, &v, err) != 0)
        return -1;
    form.base_set = secrets_form_base(req, &v);
    if (secrets_view_rebase(req, &v, form.base_set, err) != 0)
        return -1;
    return read_and_store(req, res, &v, &form, err);
}

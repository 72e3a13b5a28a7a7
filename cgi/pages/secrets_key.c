/* secrets_key.c - /apps/{app}/{env}/secrets/key/{key}: all about one secret, and adding one that
 * needs more than a row of the table: a file, a generated value, a build-time variable.
 *
 * What is changed here goes the same way as everything else: a draft of the whole set with this one
 * key in another state, and its review. */
#include <stdio.h>
#include <string.h>
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/row.h"
#include "cgi/pages/secrets_draft.h"
#include "cgi/pages/secrets_lint.h"
#include "cgi/pages/secrets_required.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/crypto/generate.h"
#include "lib/domain/validate.h"

#define HISTORY_SHOWN 50
#define COMMENT_MAX   1000

static const int MODES[] = {0600, 0400, 0640, 0440, 0644, 0444};

/* What the form says, or what is stored. */
struct key_form {
    const char *key, *kind, *comment, *stage, *path, *value;
    size_t len;
    int mode;
    bool is_file, is_typed, is_base64;
};

struct key_page {
    struct secrets_view v;
    const json_t *stored; /* NULL: a new one */
    struct key_form form;
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
}

/* --- the model --- */

static json_t *choices_of_modes(int chosen)
{
    json_t *list = json_array();
    char value[8];
    for (size_t i = 0; i < COUNT_OF(MODES); i++) {
        snprintf(value, sizeof value, "%04o", (unsigned)MODES[i]);
        json_array_append_new(list, part_choice(value, value, MODES[i] == chosen));
    }
    return list;
}

/* A pair is two new files: not for a secret that is there. */
static json_t *choices_of_generators(bool is_new)
{
    json_t *list = json_array();
    size_t count;
    const struct generate_kind *kinds = generate_kinds(&count);
    for (size_t i = 0; i < count; i++)
        if (is_new || !kinds[i].is_pair)
            json_array_append_new(list, part_choice(kinds[i].name, kinds[i].label, i == 0));
    return list;
}

static json_t *choices_of_stages(const char *chosen)
{
    json_t *list = json_array();
    json_array_append_new(list, part_choice("run", "When the app runs: sent to the servers",
                                            !str_equal(chosen, "build")));
    json_array_append_new(list, part_choice("build", "When it is built: never sent to a server",
                                            str_equal(chosen, "build")));
    return list;
}

static json_t *history_model(const struct key_page *p, const json_t *rows)
{
    json_t *list = json_array();
    const json_t *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        bool is_plain = secrets_is_plain(row_text(row, "kind"));
        json_array_append_new(
            list, json_pack("{s:I, s:o, s:o, s:o, s:s, s:s, s:o, s:b, s:s, s:b}", "number",
                            row_int(row, "number"), "label", part_set_label(row_int(row, "number")),
                            "created", part_time(row_int(row, "created_at")), "by",
                            part_person(row_text(row, "by_name"), row_text(row, "by_login")),
                            "message", row_text(row, "message"), "kind_text",
                            secrets_kind_text(row_text(row, "kind")), "size_text",
                            part_size(row_int(row, "size_bytes")), "is_plain", (int)is_plain,
                            "value", is_plain ? row_text(row, "plain") : "", "can_reveal",
                            (int)str_equal(row_text(row, "kind"), "secret")));
    }
    (void)p;
    return list;
}

static json_t *key_model(struct request *req, const struct key_page *p)
{
    const struct key_form *f = &p->form;
    const char *comment = secrets_comment_text(req, f->comment);
    json_t *key = json_pack(
        "{s:s, s:b, s:b, s:b, s:s, s:s, s:s, s:b}", "key", f->key, "is_new",
        (int)(p->stored == NULL), "is_file", (int)f->is_file, "is_plain",
        (int)secrets_is_plain(f->kind), "value", secrets_is_plain(f->kind) ? f->value : "",
        "comment", comment == NULL ? "" : comment, "path", f->path, "is_base64", (int)f->is_base64);
    if (key == NULL)
        return NULL;
    json_object_set_new(key, "kinds", secrets_kinds_model(f->kind));
    json_object_set_new(key, "modes", choices_of_modes(f->mode));
    json_object_set_new(key, "stages", choices_of_stages(f->stage));
    json_object_set_new(key, "generators", choices_of_generators(p->stored == NULL));
    json_object_set_new(
        key, "can_reveal",
        json_boolean(p->stored != NULL && str_equal(row_text(p->stored, "kind"), "secret")));
    json_object_set_new(
        key, "lint",
        secrets_lint_model(p->stored == NULL ? 0 : (unsigned)row_int(p->stored, "lint"), f->key,
                           NULL));
    return key;
}

static json_t *form_href(const struct key_page *p)
{
    char rest[160];
    if (p->stored == NULL)
        return secrets_href(&p->v, p->form.is_file ? "/add?form=file" : "/add");
    snprintf(rest, sizeof rest, "/key/%.128s", p->form.key);
    return secrets_href(&p->v, rest);
}

static const char *FIELDS[] = {"key", "value", "kind", "comment", "path", "mode", "stage"};

static int key_respond(struct request *req, struct response *res, int status, struct key_page *p,
                       const struct err *refused, struct err *err)
{
    const char *title = p->stored != NULL ? p->form.key
                        : p->form.is_file ? "New secret file"
                                          : "New secret";
    json_t *page = secrets_page_new(req, &p->v, title, ""), *data, *rows = json_array();
    page_crumb(page, title, "");
    for (size_t i = 0; i < COUNT_OF(FIELDS); i++)
        page_field(page, FIELDS[i], NULL);
    if (refused != NULL && page_take_err(page, refused, "value") != 0) {
        *err = *refused;
        return -1;
    }
    if (p->stored != NULL
        && secret_key_history(req->db, row_text(p->v.card, "id"), p->form.key, HISTORY_SHOWN, &rows,
                              err)
               != 0)
        return -1;
    data = secrets_data_new(&p->v, "");
    json_object_set_new(data, "key", key_model(req, p));
    json_object_set_new(data, "href", form_href(p));
    part_set_list(data, "history", "has_history", history_model(p, rows));
    if (secrets_used_by_model(p->v.card, p->form.key, data) != 0)
        return no_memory(err);
    return respond_page(res, status, "secrets_key", data, page);
}

/* --- reading --- */

static void form_of_stored(struct key_page *p, const json_t *stored)
{
    bool is_file = str_equal(row_text(stored, "form"), "file");
    p->form = (struct key_form){.key = row_text(stored, "key"),
                                .kind = row_text(stored, "kind"),
                                .comment = row_text(stored, "comment"),
                                .stage = row_text(stored, "stage"),
                                .path = row_text(stored, "path"),
                                .value = row_text(stored, "plain"),
                                .mode = is_file ? (int)row_int(stored, "mode") : 0600,
                                .is_file = is_file};
}

static int find_page(struct request *req, struct key_page *p, struct err *err)
{
    const char *key = request_param(req, 2);
    *p = (struct key_page){.form = {.key = "",
                                    .kind = "secret",
                                    .comment = "",
                                    .stage = "run",
                                    .path = "",
                                    .value = "",
                                    .mode = 0600}};
    if (secrets_view_read(req, &p->v, err) != 0)
        return -1;
    if (key[0] == '\0') {
        p->form.is_file = str_equal(request_query(req, "form"), "file");
        p->form.key = request_query(req, "key");
        if (p->form.is_file)
            p->form.path = "keys/";
        return 0;
    }
    p->stored = secrets_find(p->v.entries, key);
    if (p->stored == NULL)
        return err_set(err, ERR_NOT_FOUND, "There is no secret of this name here now.");
    form_of_stored(p, p->stored);
    return 0;
}

int secrets_key_show(struct request *req, struct response *res, struct err *err)
{
    struct key_page p;
    if (find_page(req, &p, err) != 0)
        return -1;
    return key_respond(req, res, 200, &p, NULL, err);
}

static int read_mode(struct request *req, int *mode, struct err *err)
{
    const char *text = request_field(req, "mode");
    *mode = 0;
    if (strlen(text) != 4 || strspn(text, "01234567") != 4)
        return validate_file_mode("mode", -1, err);
    for (const char *c = text; *c != '\0'; c++)
        *mode = *mode * 8 + (*c - '0');
    return validate_file_mode("mode", *mode, err);
}

/* The bytes of a file are typed as text, or as base64 for any bytes. */
static int read_value(struct request *req, struct key_form *f, struct err *err)
{
    f->value = request_field_bytes(req, "value", &f->len);
    if (strlen(f->value) == f->len) {
        f->value = page_lines(req, f->value);
        f->len = strlen(f->value);
    }
    f->is_typed = f->len > 0;
    if (!f->is_base64 || !f->is_typed)
        return 0;
    char *bytes = arena_alloc(req->arena, f->len + 1);
    int n = bytes == NULL ? -1 : crypto_unb64(f->value, bytes, f->len);
    if (n < 0)
        return err_field(err, "value", "This is not base64. Untick the box if it is text.");
    bytes[n] = '\0';
    f->value = bytes;
    f->len = (size_t)n;
    return 0;
}

static int read_form(struct request *req, struct key_page *p, struct err *err)
{
    struct key_form *f = &p->form;
    if (p->stored == NULL)
        f->key = request_field(req, "key");
    f->kind = request_field(req, "kind");
    f->stage = str_equal(request_field(req, "stage"), "build") ? "build" : "run";
    f->is_base64 = request_has_field(req, "is_base64");
    f->comment = secrets_comment_lines(req, page_lines(req, request_field(req, "comment")));
    if (f->comment == NULL)
        return no_memory(err);
    if (f->is_file)
        f->path = request_field(req, "path");
    if (read_value(req, f, err) != 0 || validate_env_key("key", f->key, err) != 0
        || validate_comment("comment", f->comment, COMMENT_MAX, err) != 0)
        return -1;
    if (secrets_kind(f->kind) == NULL)
        return err_field(err, "kind", "Choose a kind: plain, secret or write-only.");
    if (f->is_file
        && (validate_secret_path("path", f->path, err) != 0 || read_mode(req, &f->mode, err) != 0))
        return -1;
    if (!f->is_file && f->is_typed && validate_env_value("value", f->value, f->len, err) != 0)
        return -1;
    if (p->stored == NULL && secrets_find(p->v.entries, f->key) != NULL)
        return err_field(err, "key", "%s is there already. Open it and change it there.", f->key);
    return 0;
}

/* --- writing --- */

static bool keeps_value(const struct key_page *p)
{
    return p->stored != NULL && !p->form.is_typed && !secrets_is_plain(row_text(p->stored, "kind"));
}

static int check_kept(const struct key_page *p, struct err *err)
{
    const char *was = p->stored == NULL ? "" : row_text(p->stored, "kind"), *is = p->form.kind;
    if (!keeps_value(p)) {
        if (!p->form.is_typed && !secrets_is_plain(is))
            return err_field(err, "value", "Type a value. An empty value must be plain.");
        return 0;
    }
    if (secrets_is_plain(is) || (str_equal(was, "write_only") && !str_equal(is, was)))
        return err_field(err, "value",
                         "To change its kind, type the value again: the stored one is not shown.");
    return 0;
}

static void fill_about(const struct key_page *p, struct secret_draft_entry *entry)
{
    entry->key = p->form.key;
    entry->kind = p->form.kind;
    entry->comment = p->form.comment;
    entry->stage = p->form.stage;
    entry->form = p->form.is_file ? "file" : "env";
    entry->path = p->form.is_file ? p->form.path : NULL;
    entry->mode = p->form.mode;
}

/* A pair is two files: the private key under this name, the public one beside it. */
static int make_pair(struct request *req, const struct key_page *p,
                     struct secret_draft_entry made[2], struct err *err)
{
    char private_pem[GENERATE_PEM_SIZE];
    char *public_pem = arena_alloc(req->arena, GENERATE_PEM_SIZE);
    const char *path = p->form.is_file ? p->form.path : "keys/private.pem";
    const char *public_key = arena_printf(req->arena, "%s_PUBLIC", p->form.key);
    const char *public_path = arena_printf(req->arena, "%s.pub", path);
    int rc;
    if (public_key == NULL || public_path == NULL || public_pem == NULL)
        return no_memory(err);
    fill_about(p, &made[0]);
    made[0].form = "file";
    made[0].kind = "secret";
    made[0].path = path;
    made[1] = (struct secret_draft_entry){.key = public_key,
                                          .kind = "plain",
                                          .comment = "",
                                          .form = "file",
                                          .stage = p->form.stage,
                                          .path = public_path,
                                          .mode = 0644};
    generate_pair(private_pem, public_pem);
    rc = secrets_type(req, &made[0], private_pem, strlen(private_pem), err);
    crypto_wipe(private_pem, sizeof private_pem);
    return rc != 0 ? -1 : secrets_type(req, &made[1], public_pem, strlen(public_pem), err);
}

static int make_value(struct request *req, const char *name, struct secret_draft_entry *entry,
                      struct err *err)
{
    char *text = arena_alloc(req->arena, GENERATE_SIZE); /* a plain one is shown again */
    if (text == NULL)
        return no_memory(err);
    return generate_value(name, text, err) != 0 ? -1
                                                : secrets_type(req, entry, text, strlen(text), err);
}

static int change(struct request *req, struct response *res, struct key_page *p,
                  struct secret_draft_entry *entries, size_t count, struct err *err)
{
    struct secret_draft draft = {.base_set = row_int(p->v.set, "number"),
                                 .tail = row_text(p->v.set, "tail"),
                                 .entries = entries,
                                 .count = count};
    return secrets_draft_review(req, res, &p->v, &draft, err);
}

/* The whole set with this key in it. */
struct key_change {
    struct secret_draft_entry *entries;
    size_t count, at; /* at == count: a new one */
};

static int generate_into(struct request *req, struct response *res, struct key_page *p,
                         const struct key_change *c, struct err *err)
{
    const struct generate_kind *kind = generate_find(request_field(req, "generator"));
    size_t added = kind != NULL && kind->is_pair ? 2 : c->at == c->count ? 1 : 0;
    if (kind == NULL)
        return err_field(err, "value", "Choose what to generate.");
    if (kind->is_pair && p->stored != NULL)
        return err_field(err, "value", "A key pair is two new files. Add it as new secrets.");
    if (c->count + added > SECRET_ENTRIES_MAX)
        return err_set(err, ERR_TOO_LARGE, "An environment can have at most %d secrets.",
                       SECRET_ENTRIES_MAX);
    fill_about(p, &c->entries[c->at]);
    if ((kind->is_pair ? make_pair(req, p, &c->entries[c->at], err)
                       : make_value(req, kind->name, &c->entries[c->at], err))
        != 0)
        return -1;
    return change(req, res, p, c->entries, c->count + added, err);
}

static int save(struct request *req, struct response *res, struct key_page *p, struct err *err)
{
    const char *action = request_field(req, "action");
    size_t count, at;
    struct secret_draft_entry *entries =
        secrets_keep_all(req, &p->v, row_int(p->v.set, "number"), &count);
    int found;
    if (entries == NULL)
        return no_memory(err);
    found = secrets_entry_of(entries, count, p->form.key);
    if (str_equal(action, "remove") && found >= 0) {
        secrets_drop(entries, &count, (size_t)found);
        return change(req, res, p, entries, count, err);
    }
    at = found >= 0 ? (size_t)found : count;
    if (str_equal(action, "generate"))
        return generate_into(req, res, p, &(struct key_change){entries, count, at}, err);
    if (check_kept(p, err) != 0)
        return -1;
    if (found < 0)
        count++;
    fill_about(p, &entries[at]);
    if (!keeps_value(p) && secrets_type(req, &entries[at], p->form.value, p->form.len, err) != 0)
        return -1;
    return change(req, res, p, entries, count, err);
}

int secrets_key_save(struct request *req, struct response *res, struct err *err)
{
    struct key_page p;
    struct err e = {0};
    bool removes = str_equal(request_field(req, "action"), "remove");
    if (find_page(req, &p, err) != 0)
        return -1;
    if (!removes && read_form(req, &p, &e) != 0)
        return key_respond(req, res, 422, &p, &e, err);
    if (save(req, res, &p, &e) == 0)
        return 0;
    return key_respond(req, res, e.code == ERR_CONFLICT ? 409 : 422, &p, &e, err);
}

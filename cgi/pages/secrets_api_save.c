/* secrets_api_save.c - PUT and PATCH /api/v1/apps/{app}/{env}/secrets: the next secret set, from an
 * API token.
 *
 * PUT takes the full set, PATCH what differs; both name the set they replace (If-Match, whose ETag
 * is "s14"), so that nobody's work is lost. Values are sealed to the worker's key in this request
 * and never come back; what a change does is said by key. With ?dry_run=1 nothing is stored. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cgi/pages/pages.h"
#include "cgi/pages/row.h"
#include "cgi/pages/secrets_api.h"
#include "cgi/pages/secrets_draft.h"
#include "cgi/pages/secrets_lint.h"
#include "cgi/pages/secrets_view.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

/* One change on its way. */
struct change {
    struct request *req;
    struct secrets_view v;
    struct secret_draft_entry *entries; /* room for SECRET_ENTRIES_MAX */
    size_t count;
    const char *tail;
    bool is_whole; /* PUT */
    bool is_trial; /* ?dry_run=1 */
    bool is_saved; /* the draft became a set */
    char draft_id[CRYPTO_ID_SIZE];
    json_t *compared; /* the worker's answer */
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
}

/* --- which set it replaces --- */

static json_t *problem(const struct request *req, int status, const char *title, const char *detail)
{
    return json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "about:blank", "title", title, "status",
                     status, "detail", detail, "request_id", req->id);
}

/* "Ann Weaver saved s14 meanwhile (rotated the password)." */
static const char *stale_words(const struct change *c)
{
    const json_t *set = c->v.set;
    const char *name = row_text(set, "by_name"), *message = row_text(set, "message");

    return arena_printf(c->req->arena,
                        "%s saved s%lld meanwhile%s%s%s. Nothing of yours was saved: look at it, "
                        "then send the change again on top of it.",
                        name[0] != '\0' ? name : "Somebody", (long long)row_int(set, "number"),
                        message[0] != '\0' ? " (" : "", message, message[0] != '\0' ? ")" : "");
}

static int respond_stale(const struct change *c, struct response *res)
{
    json_t *body = problem(c->req, 412, "The secrets were saved meanwhile", stale_words(c));

    json_object_set_new(body, "current", secrets_api_set(c->v.set));
    respond_header(res, "ETag", secrets_api_etag(c->req, row_int(c->v.set, "number")));
    return respond_json(res, 412, body);
}

/* 0: it is the newest. 1: answered already. */
static int check_base(const struct change *c, struct response *res)
{
    const char *wanted = request_header(c->req, "HTTP_IF_MATCH");
    const char *newest = secrets_api_etag(c->req, row_int(c->v.set, "number"));

    if (wanted[0] == '\0') {
        (void)respond_json(res, 428,
                           problem(c->req, 428, "If-Match is missing",
                                   "Say which set this replaces: send If-Match with the ETag that "
                                   "GET gives."));
        return 1;
    }
    if (newest != NULL && str_equal(wanted, newest))
        return 0;
    (void)respond_stale(c, res);
    return 1;
}

/* --- reading the change --- */

static int wrong(struct err *err, const char *key, const char *text)
{
    return err_field(err, key, "%.128s: %s", key, text);
}

/* A member that is text; *text stays as it is when it is absent. */
static int take_text(const json_t *item, const char *key, const char *name, const char **text,
                     struct err *err)
{
    const json_t *value = json_object_get(item, name);
    char sentence[80];

    if (value == NULL || json_is_null(value))
        return 0;
    if (json_is_string(value)) {
        *text = json_string_value(value);
        return 0;
    }
    snprintf(sentence, sizeof sentence, "\"%.20s\" must be text.", name);
    return wrong(err, key, sentence);
}

/* "0600" */
static int take_mode(const json_t *item, struct secret_draft_entry *entry, struct err *err)
{
    const char *text = NULL;
    unsigned long mode;
    char *end;

    if (take_text(item, entry->key, "mode", &text, err) != 0)
        return -1;
    if (text == NULL)
        return 0;
    mode = strtoul(text, &end, 8);
    if (*text < '0' || *text > '7' || *end != '\0' || mode > 0777)
        return wrong(err, entry->key, "\"mode\" is octal, as 0600.");
    entry->mode = (int)mode;
    return 0;
}

/* Comment lines as a .env has them stay; words become such lines. */
static int take_comment(struct request *req, const json_t *item, struct secret_draft_entry *entry,
                        struct err *err)
{
    const char *text = NULL;

    if (take_text(item, entry->key, "comment", &text, err) != 0)
        return -1;
    if (text == NULL)
        return 0;
    entry->comment = text[0] == '#' || text[0] == '\n' ? text : secrets_comment_lines(req, text);
    return entry->comment != NULL ? 0 : no_memory(err);
}

/* Kind, comment, form, path, mode and stage, where they are given. */
static int take_about(struct request *req, const json_t *item, struct secret_draft_entry *entry,
                      struct err *err)
{
    const char *key = entry->key;

    if (take_text(item, key, "kind", &entry->kind, err) != 0
        || take_text(item, key, "form", &entry->form, err) != 0
        || take_text(item, key, "path", &entry->path, err) != 0
        || take_text(item, key, "stage", &entry->stage, err) != 0
        || take_mode(item, entry, err) != 0 || take_comment(req, item, entry, err) != 0)
        return -1;
    entry->kind = secrets_kind(entry->kind);
    if (entry->kind == NULL)
        return wrong(err, key, "\"kind\" is plain, secret or write_only.");
    if (!str_equal(entry->form, "env") && !str_equal(entry->form, "file"))
        return wrong(err, key, "\"form\" is env or file.");
    if (!str_equal(entry->stage, "run") && !str_equal(entry->stage, "build"))
        return wrong(err, key, "\"stage\" is run or build.");
    return 0;
}

/* A value, or "keep" for the stored one; PATCH keeps when it says nothing. */
static int take_value(struct change *c, const json_t *item, struct secret_draft_entry *entry,
                      const json_t *stored, struct err *err)
{
    const json_t *value = json_object_get(item, "value");
    bool keep = json_is_true(json_object_get(item, "keep"));

    if (value != NULL && !json_is_string(value))
        return wrong(err, entry->key, "\"value\" must be text.");
    if (value != NULL && keep)
        return wrong(err, entry->key, "Give \"value\" or \"keep\", not both.");
    if (value != NULL)
        return secrets_type(c->req, entry, json_string_value(value), json_string_length(value),
                            err);
    if (stored == NULL)
        return wrong(err, entry->key, "It has no value yet. Give one.");
    if (c->is_whole && !keep)
        return wrong(err, entry->key, "Give its \"value\", or \"keep\": true for the stored one.");
    return 0;
}

static int put_entry(struct change *c, const struct secret_draft_entry *entry, struct err *err)
{
    int at = secrets_entry_of(c->entries, c->count, entry->key);

    if (at >= 0 && c->is_whole)
        return wrong(err, entry->key, "It is there twice.");
    if (at >= 0) {
        c->entries[at] = *entry;
        return 0;
    }
    if (c->count >= SECRET_ENTRIES_MAX)
        return err_set(err, ERR_TOO_LARGE, "An environment can have at most %d secrets.",
                       SECRET_ENTRIES_MAX);
    c->entries[c->count++] = *entry;
    return 0;
}

static int take_entry(struct change *c, const json_t *item, struct err *err)
{
    const char *key = json_string_value(json_object_get(item, "key"));
    struct secret_draft_entry entry = {
        .kind = "secret", .form = "env", .stage = "run", .comment = ""};
    const json_t *stored;

    if (key == NULL)
        return err_field(err, "entries", "Each entry is an object with a \"key\".");
    if (validate_env_key("key", key, err) != 0)
        return -1;
    stored = secrets_find(c->v.entries, key);
    if (stored != NULL)
        entry = secrets_keep(stored, row_int(c->v.set, "number"));
    entry.key = key;
    if (take_about(c->req, item, &entry, err) != 0 || take_value(c, item, &entry, stored, err) != 0)
        return -1;
    return put_entry(c, &entry, err);
}

static int take_removed(struct change *c, struct err *err)
{
    const json_t *list = json_object_get(c->req->body, "remove"), *key;
    size_t i;

    if (list == NULL)
        return 0;
    if (c->is_whole || !json_is_array(list))
        return err_field(err, "remove",
                         "\"remove\" is a list of keys, for PATCH alone: with PUT what is not "
                         "there is removed.");
    json_array_foreach(list, i, key)
    {
        int at = secrets_entry_of(c->entries, c->count,
                                  json_is_string(key) ? json_string_value(key) : "");

        if (at < 0)
            return err_field(err, "remove", "There is no secret of one of these names.");
        secrets_drop(c->entries, &c->count, (size_t)at);
    }
    return 0;
}

static int read_change(struct change *c, struct err *err)
{
    const json_t *list = json_object_get(c->req->body, "entries"), *item;
    const json_t *tail = json_object_get(c->req->body, "tail");
    size_t i;

    c->entries = secrets_keep_all(c->req, &c->v, row_int(c->v.set, "number"), &c->count);
    if (c->entries == NULL)
        return no_memory(err);
    if (c->is_whole)
        c->count = 0;
    c->tail = json_is_string(tail) ? json_string_value(tail) : row_text(c->v.set, "tail");
    if ((list == NULL && c->is_whole) || (list != NULL && !json_is_array(list)))
        return err_field(err, "entries", "\"entries\" is a list of {key, value, ...}.");
    if (take_removed(c, err) != 0)
        return -1;
    json_array_foreach(list, i, item) if (take_entry(c, item, err) != 0) return -1;
    return 0;
}

/* --- what it does --- */

static void add_key(json_t *list, const char *key)
{
    json_array_append_new(list, json_string(key));
}

static json_t *lint_model(const struct change *c)
{
    const json_t *bits = json_object_get(c->compared, "lint"), *hint;
    json_t *list = json_array();

    for (size_t i = 0; i < c->count; i++) {
        unsigned found = (unsigned)json_integer_value(json_array_get(bits, i));
        const json_t *hints = secrets_lint_model(found, c->entries[i].key, NULL);
        size_t k;

        json_array_foreach(hints, k, hint) json_array_append_new(
            list, json_pack("{s:s, s:s, s:s}", "key", c->entries[i].key, "code",
                            row_text(hint, "code"), "text", row_text(hint, "text")));
    }
    return list;
}

static json_t *result_model(const struct change *c, int64_t number)
{
    json_t *added = json_array(), *changed = json_array(), *removed = json_array();
    json_t *unchanged = json_array();
    const char *marks = row_text(c->compared, "against_base");
    const json_t *stored;
    size_t i, len = strlen(marks);

    for (i = 0; i < c->count && i < len; i++)
        add_key(marks[i] == '+' ? added : marks[i] == '=' ? unchanged : changed, c->entries[i].key);
    json_array_foreach(c->v.entries, i,
                       stored) if (secrets_entry_of(c->entries, c->count, row_text(stored, "key"))
                                   < 0) add_key(removed, row_text(stored, "key"));
    return json_pack("{s:o, s:I, s:b, s:o, s:o, s:o, s:o, s:b, s:o}", "environment",
                     secrets_api_place(&c->v), "number", (json_int_t)number, "stored",
                     (int)c->is_saved, "added", added, "changed", changed, "removed", removed,
                     "unchanged", unchanged, "comments_differ",
                     (int)!str_equal(c->tail, row_text(c->v.set, "tail")), "lint", lint_model(c));
}

/* What the worker found wrong with single entries, all at once. */
static int respond_faults(const struct change *c, struct response *res, const json_t *faults)
{
    json_t *errors = json_array();
    json_t *body =
        problem(c->req, 422, "Not accepted", row_text(json_array_get(faults, 0), "text"));
    const json_t *fault;
    size_t i;

    json_array_foreach(faults, i, fault)
        json_array_append_new(errors, json_pack("{s:s, s:s}", "field", row_text(fault, "key"),
                                                "text", row_text(fault, "text")));
    json_object_set_new(body, "errors", errors);
    return respond_json(res, 422, body);
}

static int store_and_compare(struct change *c, struct err *err)
{
    struct secret_draft draft = {.base_set = row_int(c->v.set, "number"),
                                 .tail = c->tail,
                                 .entries = c->entries,
                                 .count = c->count};

    if (secrets_draft_store(c->req, &c->v, &draft, c->draft_id, err) != 0)
        return -1;
    return secrets_draft_compare(c->req, c->draft_id, &c->compared, err);
}

/* The worker looks at the base once more, under its lock: who was faster is told here too. */
static int save(struct change *c, struct response *res, struct err *err)
{
    struct err refused = {0};
    json_t *answer = NULL;
    int64_t number;

    if (secrets_draft_save(c->req, c->draft_id, row_text(c->req->body, "message"), &answer,
                           &refused)
        == 0) {
        c->is_saved = true;
        number = row_int(answer, "number");
        respond_header(res, "ETag", secrets_api_etag(c->req, number));
        return respond_json(res, 200, result_model(c, number));
    }
    *err = refused;
    if (refused.code != ERR_CONFLICT || secrets_view_read(c->req, &c->v, &refused) != 0)
        return -1;
    return respond_stale(c, res);
}

static int answer_change(struct change *c, struct response *res, struct err *err)
{
    const json_t *faults;

    if (store_and_compare(c, err) != 0)
        return -1;
    faults = json_object_get(c->compared, "faults");
    if (json_array_size(faults) > 0)
        return respond_faults(c, res, faults);
    if (!c->is_trial)
        return save(c, res, err);
    respond_header(res, "ETag", secrets_api_etag(c->req, row_int(c->v.set, "number")));
    return respond_json(res, 200, result_model(c, row_int(c->v.set, "number")));
}

/* A draft that did not become a set is not left lying. */
static void forget_draft(const struct change *c)
{
    struct err ignored = {0};

    if (c->draft_id[0] != '\0' && secret_draft_remove(c->req->db, c->draft_id, &ignored) != 0)
        log_err("draft-not-removed", &ignored);
}

int secrets_api_save(struct request *req, struct response *res, struct err *err)
{
    struct change c = {.req = req,
                       .is_whole = req->method == METHOD_PUT,
                       .is_trial = str_equal(request_query(req, "dry_run"), "1")};
    int rc;

    if (!c.is_trial && (req->scopes & SCOPE_SECRETS_WRITE) == 0)
        return err_set(err, ERR_DENIED,
                       "This API token lacks the scope secrets:write. Make one that has it.");
    if (secrets_view_read(req, &c.v, err) != 0
        || validate_note("message", row_text(req->body, "message"), SECRET_MESSAGE_MAX, err) != 0)
        return -1;
    if (check_base(&c, res) != 0)
        return 0;
    if (read_change(&c, err) != 0)
        return -1;
    rc = answer_change(&c, res, err);
    if (!c.is_saved)
        forget_draft(&c);
    return rc;
}

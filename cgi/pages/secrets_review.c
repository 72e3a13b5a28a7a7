/* secrets_review.c - /apps/{app}/{env}/secrets/review/{draft}: what would change, before it does.
 *
 * The worker says for each key how the draft stands to what is stored, without a value
 * (worker/ask/secrets_compare.c). When somebody saved meanwhile, the page shows all three sides and
 * answers 409: what the set was, what they made of it, what was typed here. Bringing both together
 * makes a new draft on the newest set, which is reviewed again. */
#include "cgi/pages/secrets_review.h"

#include <string.h>
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/row.h"
#include "cgi/pages/secrets_lint.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

int secrets_review_read(struct request *req, struct secrets_review *r, struct err *err)
{
    const char *id = request_param(req, 2);
    if (secrets_view_read(req, &r->v, err) != 0
        || secret_draft_get(req->db, id, req->session.user_id, &r->draft, &r->entries, err) != 0)
        return -1;
    if (!str_equal(row_text(r->draft, "environment_id"), row_text(r->v.card, "id")))
        return err_set(err, ERR_NOT_FOUND, "These changes belong to another environment.");
    r->newest_entries = r->v.entries;
    if (secrets_view_rebase(req, &r->v, row_int(r->draft, "base_set"), err) != 0)
        return -1;
    r->base_entries = r->v.entries;
    if (secrets_draft_compare(req, id, &r->answer, err) != 0)
        return -1;
    r->is_stale = row_int(r->answer, "base") != row_int(r->answer, "newest");
    return 0;
}

char secrets_review_how(const struct secrets_review *r, const char *against, size_t at)
{
    const char *text = row_text(r->answer, against);
    return at < strlen(text) ? text[at] : '?';
}

/* --- the model --- */

static const char *how_word(char how)
{
    switch (how) {
    case '+':
        return "added";
    case '~':
        return "changed";
    case 'm':
        return "about";
    case '=':
        return "same";
    default:
        return "wrong";
    }
}

static const char *how_text(char how)
{
    switch (how) {
    case '+':
        return "Added";
    case '~':
        return "New value";
    case 'm':
        return "Same value";
    case '=':
        return "Unchanged";
    default:
        return "Not possible";
    }
}

/* {is_shown, text, is_none}: a plain value as it is, a hidden one as a mask of one width. */
static json_t *value_model(const json_t *row, bool is_new_value)
{
    bool is_plain = row != NULL && secrets_is_plain(row_text(row, "kind"));
    bool is_shown = is_plain && row_has(row, "plain");
    const char *text = row == NULL    ? ""
                       : is_shown     ? row_text(row, "plain")
                       : is_new_value ? "•••••••• new"
                                      : "••••••••";
    return json_pack("{s:b, s:s, s:b}", "is_shown", (int)is_shown, "text", text, "is_none",
                     (int)(row == NULL));
}

static json_t *place_text(const json_t *row)
{
    if (!str_equal(row_text(row, "form"), "file"))
        return json_string(str_equal(row_text(row, "stage"), "build") ? "when building" : "");
    return part_text("%s, %04llo", row_text(row, "path"), (unsigned long long)row_int(row, "mode"));
}

/* What of it, besides the value, is another: "Secret → Write-only". */
static json_t *about_model(const json_t *row, const json_t *base)
{
    json_t *list = json_array(), *was, *is;
    const char *old_kind, *kind = row_text(row, "kind");
    if (base == NULL)
        return list;
    old_kind = row_text(base, "kind");
    if (!str_equal(old_kind, kind))
        json_array_append_new(
            list, part_text("%s → %s", secrets_kind_text(old_kind), secrets_kind_text(kind)));
    was = place_text(base);
    is = place_text(row);
    if (!json_equal(was, is))
        json_array_append_new(
            list, part_text("%s → %s",
                            json_string_value(was)[0] != '\0' ? json_string_value(was)
                                                              : "variable when running",
                            json_string_value(is)[0] != '\0' ? json_string_value(is)
                                                             : "variable when running"));
    if (!str_equal(row_text(base, "comment"), row_text(row, "comment")))
        json_array_append_new(list, json_string("comment"));
    return list;
}

static const char *fault_of(const struct secrets_review *r, const char *key)
{
    const json_t *fault;
    size_t i;
    json_array_foreach(json_object_get(r->answer, "faults"), i,
                       fault) if (str_equal(row_text(fault, "key"), key)) return row_text(fault,
                                                                                          "text");
    return "";
}

static json_t *change_model(const struct secrets_review *r, size_t at, char how)
{
    const json_t *row = json_array_get(r->entries, at);
    const char *key = row_text(row, "key");
    const json_t *base = secrets_find(r->base_entries, key);
    unsigned bits =
        (unsigned)json_integer_value(json_array_get(json_object_get(r->answer, "lint"), at));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:s}", "key", key, "verb",
                     how_word(how), "text", how_text(how), "kind_text",
                     secrets_kind_text(row_text(row, "kind")), "old", value_model(base, false),
                     "new", value_model(row, how == '+' || how == '~'), "about",
                     about_model(row, base), "lint", secrets_lint_model(bits, key, NULL), "fault",
                     how == '?' ? fault_of(r, key) : "");
}

static json_t *removed_model(const json_t *base)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:[], s:[], s:s}", "key",
                     row_text(base, "key"), "verb", "removed", "text", "Removed", "kind_text",
                     secrets_kind_text(row_text(base, "kind")), "old", value_model(base, false),
                     "new", value_model(NULL, false), "about", "lint", "fault", "");
}

struct counts {
    size_t added, changed, removed, unchanged, wrong;
};

static json_t *changes_model(const struct secrets_review *r, json_t *same, struct counts *n)
{
    json_t *list = json_array();
    const json_t *row;
    size_t i;
    *n = (struct counts){0};
    json_array_foreach(r->entries, i, row)
    {
        char how = secrets_review_how(r, "against_base", i);
        if (how == '=') {
            n->unchanged++;
            json_array_append_new(same, json_string(row_text(row, "key")));
            continue;
        }
        n->added += how == '+' ? 1 : 0;
        n->changed += how == '~' || how == 'm' ? 1 : 0;
        n->wrong += how == '?' ? 1 : 0;
        json_array_append_new(list, change_model(r, i, how));
    }
    json_array_foreach(r->base_entries, i,
                       row) if (secrets_find(r->entries, row_text(row, "key")) == NULL)
    {
        n->removed++;
        json_array_append_new(list, removed_model(row));
    }
    return list;
}

static json_t *summary(const struct counts *n)
{
    return part_text("%zu added, %zu changed, %zu removed, %zu unchanged", n->added, n->changed,
                     n->removed, n->unchanged);
}

static json_t *review_href(const struct secrets_review *r)
{
    return part_text("/apps/%s/%s/secrets/review/%s", row_text(r->v.card, "app_slug"),
                     row_text(r->v.card, "slug"), row_text(r->draft, "id"));
}

static json_t *data_of(const struct secrets_review *r, struct counts *n)
{
    json_t *data = secrets_data_new(&r->v, ""), *same = json_array();
    const char *env_href = row_text(r->draft, "id");
    bool tail = !str_equal(row_text(r->draft, "tail"), row_text(r->v.set, "tail"));
    json_object_set_new(data, "changes", changes_model(r, same, n));
    json_object_set_new(data, "same", same);
    json_object_set_new(data, "has_same", json_boolean(n->unchanged > 0));
    json_object_set_new(data, "same_text", part_text("%zu unchanged", n->unchanged));
    json_object_set_new(data, "summary", summary(n));
    json_object_set_new(
        data, "is_nothing",
        json_boolean(n->added + n->changed + n->removed + n->wrong == 0 && (!tail || r->is_stale)));
    json_object_set_new(data, "can_save", json_boolean(n->wrong == 0 && !r->is_stale));
    part_set_list(data, "notes", "has_notes", json_incref(json_object_get(r->draft, "notes")));
    json_object_set_new(data, "href", review_href(r));
    json_object_set_new(data, "back_href",
                        part_text("/apps/%s/%s/secrets?draft=%s", row_text(r->v.card, "app_slug"),
                                  row_text(r->v.card, "slug"), env_href));
    json_object_set_new(data, "can_deploy", json_boolean(row_has(r->v.card, "live_number")));
    json_object_set_new(data, "live_version", json_string(row_text(r->v.card, "live_version")));
    return data;
}

static int review_respond(struct request *req, struct response *res, int status,
                          const struct secrets_review *r, const char *message,
                          const struct err *refused)
{
    json_t *page = secrets_page_new(req, &r->v, "Review changes", ""), *data;
    struct counts n;
    page_crumb(page, "Review", "");
    page_field(page, "message", message);
    if (refused != NULL)
        page_error(page, "message", refused->user);
    data = data_of(r, &n);
    json_object_set_new(data, "is_stale", json_boolean(r->is_stale));
    secrets_merge_model(req, r, data);
    if (r->is_stale && status == 200)
        status = 409;
    return respond_page(res, status, "secrets_review", data, page);
}

int secrets_review_show(struct request *req, struct response *res, struct err *err)
{
    struct secrets_review r;
    if (secrets_review_read(req, &r, err) != 0)
        return -1;
    return review_respond(req, res, 200, &r, "", NULL);
}

/* --- the buttons --- */

static int discard(struct request *req, struct response *res, const struct secrets_review *r,
                   struct err *err)
{
    if (secret_draft_remove(req->db, row_text(r->draft, "id"), err) != 0)
        return -1;
    respond_flash(res, "ok", "Discarded. Nothing was changed.");
    return respond_redirect(res, "/apps/%s/%s/secrets", row_text(r->v.card, "app_slug"),
                            row_text(r->v.card, "slug"));
}

static int saved(struct response *res, const struct secrets_review *r, const json_t *answer,
                 bool deploy)
{
    const char *app = row_text(r->v.card, "app_slug"), *env = row_text(r->v.card, "slug");
    bool is_new = row_int(answer, "number") > row_int(r->draft, "base_set");
    respond_flash(res, "ok", "%s: %lld added, %lld changed, %lld removed.",
                  is_new ? "Saved" : "Nothing was different", (long long)row_int(answer, "added"),
                  (long long)row_int(answer, "changed"), (long long)row_int(answer, "removed"));
    if (deploy && row_has(r->v.card, "live_number"))
        return respond_redirect(res, "/apps/%s/%s/deploy?version=%s", app, env,
                                row_text(r->v.card, "live_version"));
    if (deploy)
        return respond_redirect(res, "/apps/%s/%s/deploy", app, env);
    return respond_redirect(res, "/apps/%s/%s/secrets", app, env);
}

static int save(struct request *req, struct response *res, struct secrets_review *r, bool deploy,
                struct err *err)
{
    const char *message = request_field(req, "message");
    struct err e = {0};
    json_t *answer;
    if (validate_note("message", message, SECRET_MESSAGE_MAX, &e) != 0)
        return review_respond(req, res, 422, r, message, &e);
    if (r->is_stale)
        return review_respond(req, res, 409, r, message, NULL);
    if (secrets_draft_save(req, row_text(r->draft, "id"), message, &answer, &e) == 0)
        return saved(res, r, answer, deploy);
    if (e.code == ERR_CONFLICT) { /* in this very moment: all three sides, as on a reload */
        if (secrets_review_read(req, r, err) != 0)
            return -1;
        return review_respond(req, res, 409, r, message, NULL);
    }
    if (e.code == ERR_INPUT || e.code == ERR_TOO_LARGE)
        return review_respond(req, res, 422, r, message, &e);
    *err = e;
    return -1;
}

int secrets_review_save(struct request *req, struct response *res, struct err *err)
{
    const char *action = request_field(req, "action");
    struct secrets_review r;
    if (secrets_review_read(req, &r, err) != 0)
        return -1;
    if (str_equal(action, "discard"))
        return discard(req, res, &r, err);
    if (str_equal(action, "merge"))
        return secrets_merge_save(req, res, &r, err);
    if (!str_equal(action, "save") && !str_equal(action, "deploy"))
        return err_field(err, "action", "Choose what to do: save, save and deploy, or discard.");
    return save(req, res, &r, str_equal(action, "deploy"), err);
}

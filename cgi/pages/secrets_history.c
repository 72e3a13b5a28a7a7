/* secrets_history.c - /apps/{app}/{env}/secrets/history: all sets, what one changed against
 * another, and restoring one; /apps/{app}/secrets: the keys of an app's environments side by side.
 *
 * Restoring makes a draft that keeps every value of the old set, on top of the newest: nothing in
 * the history is rewritten, and it is reviewed like any other change. */
#include <stdio.h>
#include <string.h>
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/row.h"
#include "cgi/pages/secrets_draft.h"
#include "db/apps.h"
#include "db/environments.h"
#include "lib/base/str.h"

#define PAGE_SIZE 30

/* --- history --- */

static json_t *counts_text(const json_t *row)
{
    return part_text("+%lld  ~%lld  −%lld", (long long)row_int(row, "added"),
                     (long long)row_int(row, "changed"), (long long)row_int(row, "removed"));
}

static json_t *releases_of(const json_t *row)
{
    json_t *list = json_array();
    const char *text = row_text(row, "releases");
    while (*text != '\0') {
        size_t n = strcspn(text, ",");
        json_array_append_new(list, part_text("v%.*s", (int)n, text));
        text += n + (text[n] == ',' ? 1 : 0);
    }
    return list;
}

static json_t *sets_model(const struct secrets_view *v, const json_t *rows)
{
    int64_t newest = row_int(v->set, "number"), live = row_int(v->card, "live_secret_set");
    json_t *list = json_array();
    const json_t *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        int64_t number = row_int(row, "number");
        json_t *set = json_pack(
            "{s:I, s:o, s:o, s:o, s:s, s:o, s:I, s:b, s:b, s:o}", "number", number, "label",
            part_set_label(number), "created", part_time(row_int(row, "created_at")), "by",
            part_person(row_text(row, "by_name"), row_text(row, "by_login")), "message",
            row_text(row, "message"), "counts", counts_text(row), "entries",
            row_int(row, "entries"), "is_live", (int)(number == live), "is_newest",
            (int)(number == newest), "releases", releases_of(row));
        char rest[80];
        snprintf(rest, sizeof rest, "/history?from=%lld&to=%lld", (long long)number - 1,
                 (long long)number);
        if (set != NULL)
            json_object_set_new(set, "href", secrets_href(v, rest));
        json_array_append_new(list, set);
    }
    return list;
}

static const char *verb_text(const char *verb)
{
    return str_equal(verb, "added")     ? "Added"
           : str_equal(verb, "removed") ? "Removed"
           : str_equal(verb, "about")   ? "Same value"
                                        : "New value";
}

static const char *shown(const json_t *row, const char *kind, const char *plain)
{
    const char *what = row_text(row, kind);
    if (what[0] == '\0')
        return "";
    return secrets_is_plain(what) ? row_text(row, plain) : "••••••••";
}

static json_t *changes_model(const json_t *rows)
{
    json_t *list = json_array();
    const json_t *row;
    size_t i;
    json_array_foreach(rows, i, row) json_array_append_new(
        list,
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "key", row_text(row, "key"), "verb",
                  row_text(row, "verb"), "text", verb_text(row_text(row, "verb")), "kind_text",
                  secrets_kind_text(row_has(row, "kind") ? row_text(row, "kind")
                                                         : row_text(row, "old_kind")),
                  "old", shown(row, "old_kind", "old_plain"), "new", shown(row, "kind", "plain")));
    return list;
}

static json_t *set_choices(const json_t *rows, int64_t chosen)
{
    json_t *list = json_array();
    const json_t *row;
    char value[24], text[64];
    size_t i;
    json_array_append_new(list, part_choice("0", "before the first", chosen == 0));
    json_array_foreach(rows, i, row)
    {
        int64_t number = row_int(row, "number");
        snprintf(value, sizeof value, "%lld", (long long)number);
        snprintf(text, sizeof text, "s%lld", (long long)number);
        json_array_append_new(list, part_choice(value, text, number == chosen));
    }
    return list;
}

static int compare_model(struct request *req, const struct secrets_view *v, const json_t *rows,
                         json_t *data, struct err *err)
{
    int64_t newest = row_int(v->set, "number");
    int64_t to = request_query_int(req, "to", 0, newest, newest);
    int64_t from = request_query_int(req, "from", 0, newest, to > 0 ? to - 1 : 0);
    json_t *changes;
    if (secret_set_difference(req->db, row_text(v->card, "id"), from, to, &changes, err) != 0)
        return -1;
    json_object_set_new(
        data, "compare",
        json_pack("{s:o, s:o, s:o, s:o, s:b, s:o, s:b}", "from", set_choices(rows, from), "to",
                  set_choices(rows, to), "from_label",
                  from == 0 ? json_string("nothing") : part_set_label(from), "to_label",
                  to == 0 ? json_string("nothing") : part_set_label(to), "has_changes",
                  (int)(json_array_size(changes) > 0), "changes", changes_model(changes),
                  "is_asked", (int)(request_query(req, "to")[0] != '\0')));
    return 0;
}

int secrets_history_show(struct request *req, struct response *res, struct err *err)
{
    int64_t before = request_query_int(req, "before", 1, INT64_MAX, INT64_MAX);
    struct secrets_view v;
    json_t *page, *data, *rows, *all;
    char rest[60];
    size_t count;
    if (secrets_view_read(req, &v, err) != 0
        || secret_set_history(req->db, row_text(v.card, "id"), before, PAGE_SIZE + 1, &rows, err)
               != 0
        || secret_set_history(req->db, row_text(v.card, "id"), INT64_MAX, 200, &all, err) != 0)
        return -1;
    page = secrets_page_new(req, &v, "History of secrets", "history");
    page_crumb(page, "History", "");
    data = secrets_data_new(&v, "history");
    count = json_array_size(rows);
    json_object_set_new(data, "older_href", json_string(""));
    if (count > PAGE_SIZE) {
        snprintf(rest, sizeof rest, "/history?before=%lld",
                 (long long)row_int(json_array_get(rows, PAGE_SIZE - 1), "number"));
        json_array_remove(rows, PAGE_SIZE);
        json_object_set_new(data, "older_href", secrets_href(&v, rest));
    }
    part_set_list(data, "sets", "has_sets", sets_model(&v, rows));
    json_object_set_new(data, "restore_href", secrets_href(&v, "/restore"));
    json_object_set_new(data, "href", secrets_href(&v, "/history"));
    if (compare_model(req, &v, all, data, err) != 0)
        return -1;
    return respond_page(res, 200, "secrets_history", data, page);
}

int secrets_restore(struct request *req, struct response *res, struct err *err)
{
    struct secrets_view v;
    struct secret_draft draft = {0};
    struct secret_draft_entry *entries;
    const json_t *entry;
    json_t *old, *set;
    int64_t number = 0;
    size_t i;
    if (secrets_view_read(req, &v, err) != 0)
        return -1;
    draft.base_set = row_int(v.set, "number");
    if (!str_to_int64(request_field(req, "number"), 0, draft.base_set, &number))
        return err_field(err, "number", "Choose which secret set to bring back.");
    if (number == 0) /* what was live before the first */
        return secrets_draft_review(req, res, &v, &draft, err);
    if (secret_set_by_number(req->db, row_text(v.card, "id"), number, &set, err) != 0
        || secret_set_entries(req->db, row_text(v.card, "id"), number, &old, err) != 0)
        return -1;
    entries = arena_array(req->arena, json_array_size(old) + 1, sizeof *entries);
    if (entries == NULL)
        return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    json_array_foreach(old, i, entry) entries[draft.count++] = secrets_keep(entry, number);
    draft.entries = entries;
    draft.tail = row_text(set, "tail");
    return secrets_draft_review(req, res, &v, &draft, err);
}

/* --- side by side --- */

static json_t *cell_model(const json_t *row, const char *first, const char *app, const char *slug,
                          const char *key)
{
    bool is_plain = row != NULL && secrets_is_plain(row_text(row, "kind"));
    const char *state = row == NULL                               ? "missing"
                        : str_equal(row_text(row, "same"), first) ? "same"
                                                                  : "differs";
    return json_pack("{s:s, s:s, s:s, s:o}", "slug", slug, "state", state, "text",
                     row == NULL ? ""
                     : is_plain  ? row_text(row, "plain")
                                 : "••••••••",
                     "href",
                     row == NULL ? part_text("/apps/%s/%s/secrets/add?key=%s", app, slug, key)
                                 : part_text("/apps/%s/%s/secrets/key/%s", app, slug, key));
}

/* The rows of one key, in the order of environments; what is equal to the first that has it is
 * "same". */
static json_t *key_model(const json_t *rows, size_t from, size_t to, const json_t *slugs,
                         const char *app)
{
    const char *key = row_text(json_array_get(rows, from), "key");
    const char *first = row_text(json_array_get(rows, from), "same");
    json_t *cells = json_array();
    const json_t *slug;
    bool same = to - from == json_array_size(slugs);
    size_t i;
    json_array_foreach(slugs, i, slug)
    {
        const char *name = row_text(slug, "slug");
        const json_t *found = NULL;
        for (size_t k = from; k < to && found == NULL; k++)
            if (str_equal(row_text(json_array_get(rows, k), "slug"), name))
                found = json_array_get(rows, k);
        same = same && found != NULL && str_equal(row_text(found, "same"), first);
        json_array_append_new(cells, cell_model(found, first, app, name, key));
    }
    return json_pack("{s:s, s:o, s:b}", "key", key, "cells", cells, "is_same", (int)same);
}

static json_t *matrix_model(const json_t *rows, const json_t *slugs, const char *app)
{
    json_t *list = json_array();
    size_t count = json_array_size(rows);
    for (size_t from = 0, to; from < count; from = to) {
        const char *key = row_text(json_array_get(rows, from), "key");
        for (to = from + 1;
             to < count && str_equal(row_text(json_array_get(rows, to), "key"), key);)
            to++;
        json_array_append_new(list, key_model(rows, from, to, slugs, app));
    }
    return list;
}

int secrets_matrix_show(struct request *req, struct response *res, struct err *err)
{
    json_t *app, *cards, *rows, *slugs = json_array(), *data, *page;
    const json_t *card;
    const char *slug;
    char title[100];
    size_t i;
    if (app_by_slug(req->db, request_param(req, 0), &app, err) != 0
        || environment_cards(req->db, row_text(app, "id"), &cards, err) != 0
        || secret_matrix(req->db, row_text(app, "id"), &rows, err) != 0)
        return -1;
    slug = row_text(app, "slug");
    json_array_foreach(cards, i, card) json_array_append_new(
        slugs, json_pack("{s:s, s:o, s:s}", "slug", row_text(card, "slug"), "href",
                         part_text("/apps/%s/%s/secrets", slug, row_text(card, "slug")), "tier",
                         row_text(card, "tier")));
    snprintf(title, sizeof title, "Secrets of %.60s", slug);
    page = page_new(title, "apps");
    page_crumbs_of(page, slug, NULL, NULL);
    page_crumb(page, "Secrets", "");
    data =
        json_pack("{s:o, s:O}", "app", part_app(row_text(app, "id"), slug, row_text(app, "name")),
                  "environments", slugs);
    json_object_set_new(data, "is_several", json_boolean(json_array_size(slugs) > 1));
    part_set_list(data, "rows", "has_rows", matrix_model(rows, slugs, slug));
    return respond_page(res, 200, "secrets_compare", data, page);
}

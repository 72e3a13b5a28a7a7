/* secrets_view.c - the common part of the secrets pages (secrets_view.h). */
#include "cgi/pages/secrets_view.h"

#include <stdio.h>
#include "cgi/pages/page.h"
#include "cgi/pages/row.h"
#include "cgi/pages/undeployed.h"
#include "db/environments.h"
#include "db/secrets.h"
#include "lib/base/str.h"

static const char *const KINDS[][2] = {
    {"plain", "Plain"}, {"secret", "Secret"}, {"write_only", "Write-only"}};

static const struct {
    const char *name, *text, *rest;
} TABS[] = {{"table", "Table", ""},
            {"raw", "Raw .env", "/raw"},
            {"history", "History", "/history"},
            {"compare", "Compare", NULL}};

const char *secrets_kind(const char *text)
{
    for (size_t i = 0; i < COUNT_OF(KINDS); i++)
        if (str_equal(KINDS[i][0], text))
            return KINDS[i][0];
    return NULL;
}

const char *secrets_kind_text(const char *kind)
{
    for (size_t i = 0; i < COUNT_OF(KINDS); i++)
        if (str_equal(KINDS[i][0], kind))
            return KINDS[i][1];
    return "";
}

bool secrets_is_plain(const char *kind)
{
    return str_equal(kind, "plain");
}

json_t *secrets_kinds_model(const char *chosen)
{
    json_t *list = json_array();
    for (size_t i = 0; i < COUNT_OF(KINDS); i++)
        json_array_append_new(
            list, part_choice(KINDS[i][0], KINDS[i][1], str_equal(KINDS[i][0], chosen)));
    return list;
}

const json_t *secrets_find(const json_t *entries, const char *key)
{
    const json_t *entry;
    size_t i;
    json_array_foreach(entries, i, entry) if (str_equal(row_text(entry, "key"), key)) return entry;
    return NULL;
}

int secrets_view_read(struct request *req, struct secrets_view *v, struct err *err)
{
    const char *id;
    *v = (struct secrets_view){.card = NULL};
    if (environment_card(req->db, request_param(req, 0), request_param(req, 1), &v->card, err) != 0)
        return -1;
    id = row_text(v->card, "id");
    if (places_load(req, &v->places, err) != 0
        || secret_set_current(req->db, id, &v->set, err) != 0)
        return -1;
    return secret_set_entries(req->db, id, row_int(v->set, "number"), &v->entries, err);
}

int secrets_view_rebase(struct request *req, struct secrets_view *v, int64_t number,
                        struct err *err)
{
    if (number < 0 || number >= row_int(v->set, "number"))
        return 0;
    return secret_set_entries(req->db, row_text(v->card, "id"), number, &v->entries, err);
}

json_t *secrets_href(const struct secrets_view *v, const char *rest)
{
    return part_text("/apps/%s/%s/secrets%s", row_text(v->card, "app_slug"),
                     row_text(v->card, "slug"), rest);
}

json_t *secrets_set_model(const json_t *set)
{
    int64_t number = row_int(set, "number");
    if (number == 0)
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:I, s:o, s:o, s:s}", "number", number, "label",
                     part_set_label(number), "next_label", part_set_label(number + 1), "count",
                     row_int(set, "entries"), "created", part_time(row_int(set, "created_at")),
                     "by", part_person(row_text(set, "by_name"), row_text(set, "by_login")),
                     "message", row_text(set, "message"));
}

static json_t *tabs_model(const struct secrets_view *v, const char *tab)
{
    json_t *list = json_array();
    for (size_t i = 0; i < COUNT_OF(TABS); i++) {
        json_t *href = TABS[i].rest != NULL
                           ? secrets_href(v, TABS[i].rest)
                           : part_text("/apps/%s/secrets", row_text(v->card, "app_slug"));
        json_array_append_new(list, json_pack("{s:s, s:o, s:b}", "text", TABS[i].text, "href", href,
                                              "is_here", (int)str_equal(TABS[i].name, tab)));
    }
    return list;
}

json_t *secrets_data_new(const struct secrets_view *v, const char *tab)
{
    json_t *data = json_object();
    json_object_set_new(data, "environment", part_environment(&v->places, v->card));
    json_object_set_new(data, "set", secrets_set_model(v->set));
    json_object_set_new(data, "has_set", json_boolean(row_int(v->set, "number") > 0));
    json_object_set_new(data, "base_set", json_integer(row_int(v->set, "number")));
    json_object_set_new(data, "tabs", tabs_model(v, tab));
    json_object_set_new(data, "raw_href", secrets_href(v, "/raw"));
    json_object_set_new(data, "add_href", secrets_href(v, "/add"));
    json_object_set_new(data, "add_file_href", secrets_href(v, "/add?form=file"));
    return data;
}

json_t *secrets_page_new(struct request *req, const struct secrets_view *v, const char *title,
                         const char *tab)
{
    const char *app = row_text(v->card, "app_slug"), *env = row_text(v->card, "slug");
    char text[160], href[160];
    json_t *page;
    snprintf(text, sizeof text, "%.50s · %.50s / %.50s", title, app, env);
    snprintf(href, sizeof href, "/apps/%.60s/%.60s/secrets", app, env);
    page = page_new(text, "apps");
    page_crumbs_of(page, app, env, row_text(v->card, "tier"));
    page_crumb(page, "Secrets", str_equal(tab, "table") ? "" : href);
    undeployed_add(req, page, v->card);
    return page;
}

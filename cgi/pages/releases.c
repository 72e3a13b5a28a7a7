/* releases.c - /apps/{app}/{env}/releases: all releases, newest first by keyset pages, with what
 * each changed and whether one can go back to it; /apps/{app}/{env}/releases/{n}: one in full. */
#include <stdio.h>
#include <string.h>
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/release_view.h"
#include "cgi/pages/row.h"
#include "db/environments.h"
#include "lib/base/str.h"

#define PAGE_SIZE 20 /* a row may hold a Compose file of 128 KiB */

/* The page that confirms it; "" where it cannot be, or for what is not worth a button. */
static json_t *rollback_href(const struct release_view *v, const json_t *row, const json_t *ready)
{
    if (!row_is(ready, "can_partly"))
        return json_string("");
    return release_href(v, "/%lld/rollback", (long long)row_int(row, "number"));
}

/* --- the list --- */

static bool was_live(const json_t *row)
{
    const char *outcome = row_text(row, "outcome");
    return str_equal(outcome, "live") || str_equal(outcome, "degraded");
}

static json_t *item_model(const struct release_view *v, const json_t *row, json_t *changes)
{
    json_t *item = release_model(v, row), *ready = release_ready(v, row);
    json_object_set_new(item, "changes", changes);
    json_object_set_new(item, "was_live", json_boolean(was_live(row)));
    json_object_set_new(item, "rollback_href", rollback_href(v, row, ready));
    json_object_set_new(item, "ready", ready);
    return item;
}

static int list_model(struct request *req, const struct release_view *v, const json_t *rows,
                      json_t **list, struct err *err)
{
    size_t count = json_array_size(rows);
    *list = json_array();
    for (size_t i = 0; i < count && i < PAGE_SIZE; i++) {
        json_t *changes;
        if (release_changes_text(req, i + 1 < count ? json_array_get(rows, i + 1) : NULL,
                                 json_array_get(rows, i), &changes, err)
            != 0)
            return -1;
        json_array_append_new(*list, item_model(v, json_array_get(rows, i), changes));
    }
    return 0;
}

static int show_list(struct request *req, struct response *res, const struct release_view *v,
                     struct err *err)
{
    int64_t before = request_query_int(req, "before", 1, INT64_MAX, INT64_MAX);
    json_t *rows, *list, *page, *data;
    size_t count;
    if (environment_releases_whole(req->db, row_text(v->card, "id"), before, PAGE_SIZE + 1, &rows,
                                   err)
            != 0
        || list_model(req, v, rows, &list, err) != 0)
        return -1;
    count = json_array_size(list);
    page = release_page_new(req, v, "Releases", NULL);
    data = release_data_new(v);
    part_set_list(data, "releases", "has_releases", list);
    json_object_set_new(data, "is_first_page", json_boolean(before == INT64_MAX));
    json_object_set_new(data, "newest_href",
                        before == INT64_MAX ? json_string("") : release_href(v, "%s", ""));
    json_object_set_new(
        data, "older_href",
        json_array_size(rows) <= count
            ? json_string("")
            : release_href(v, "?before=%lld",
                           (long long)row_int(json_array_get(rows, count - 1), "number")));
    json_object_set_new(data, "compare_href", release_href(v, "/compare"));
    return respond_page(res, 200, "releases", data, page);
}

int releases_show(struct request *req, struct response *res, struct err *err)
{
    struct release_view v;
    int rc = -1;
    if (release_view_read(req, &v, err) == 0)
        rc = show_list(req, res, &v, err);
    release_view_end(&v);
    return rc;
}

/* --- one --- */

/* Settings as they were, but the Compose file, which may be long. */
static json_t *settings_model(const json_t *settings)
{
    json_t *list = json_array(), *value;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)settings, key, value)
    {
        json_t *text = json_is_string(value) ? json_incref(value)
                       : json_is_integer(value)
                           ? part_text("%lld", (long long)json_integer_value(value))
                           : json_string(json_is_true(value) ? "yes" : "no");
        if (str_equal(key, "compose"))
            json_decref(text);
        else
            json_array_append_new(list, json_pack("{s:s, s:o}", "key", key, "value", text));
    }
    return list;
}

/* What those see who may deploy: settings can hold what is nobody else's business. */
static json_t *inside_model(const json_t *row)
{
    const json_t *settings = json_object_get(row, "settings");
    return json_pack("{s:o, s:s, s:s}", "settings", settings_model(settings), "compose",
                     row_text(settings, "compose"), "asked_from", row_text(row, "asked_from"));
}

static json_t *servers_model(const json_t *row)
{
    json_t *list = json_array();
    const json_t *host;
    size_t i;
    json_array_foreach(json_object_get(row, "hosts"), i, host) json_array_append_new(
        list, json_pack("{s:s, s:o, s:s}", "slug", row_text(host, "slug"), "href",
                        part_text("/servers/%s", row_text(host, "slug")), "pin_print",
                        row_text(host, "pin_print")));
    return list;
}

static const char *trigger_text(const char *trigger)
{
    return str_equal(trigger, "button")     ? "somebody pressed Deploy"
           : str_equal(trigger, "rollback") ? "a rollback"
           : str_equal(trigger, "redeploy") ? "a redeploy"
           : str_equal(trigger, "promote")  ? "a promotion"
           : str_equal(trigger, "token")    ? "an API token"
                                            : trigger;
}

static int show_one(struct request *req, struct response *res, const struct release_view *v,
                    struct err *err)
{
    json_t *row, *before = NULL, *changes, *release, *data, *rows;
    char label[40];
    if (release_view_one(req, v, request_param(req, 2), &row, err) != 0
        || environment_releases_whole(req->db, row_text(v->card, "id"), row_int(row, "number"), 1,
                                      &rows, err)
               != 0)
        return -1;
    if (json_array_size(rows) > 0)
        before = json_array_get(rows, 0);
    if (release_changes_text(req, before, row, &changes, err) != 0)
        return -1;
    release = item_model(v, row, changes);
    snprintf(label, sizeof label, "v%lld", (long long)row_int(row, "number"));
    data = release_data_new(v);
    json_object_set_new(release, "recipe", json_string(row_text(row, "recipe")));
    json_object_set_new(release, "recipe_sha256", json_string(row_text(row, "recipe_sha256")));
    json_object_set_new(release, "recipe_sha256_short",
                        part_short_hash(row_text(row, "recipe_sha256")));
    json_object_set_new(release, "trigger_text",
                        json_string(trigger_text(row_text(row, "trigger"))));
    json_object_set_new(release, "ended", part_time(row_int(row, "ended_at")));
    json_object_set_new(release, "is_migrated", json_boolean(row_int(row, "migrated") == 1));
    json_object_set_new(release, "servers", servers_model(row));
    json_object_set_new(release, "before_href",
                        before == NULL ? json_string("")
                                       : release_href(v, "/compare?a=%lld&b=%lld",
                                                      (long long)row_int(before, "number"),
                                                      (long long)row_int(row, "number")));
    json_object_set_new(data, "release", release);
    json_object_set_new(data, "inside",
                        role_may(req->session.role, CAP_DEPLOY) ? inside_model(row) : json_null());
    return respond_page(res, 200, "release", data, release_page_new(req, v, label, label));
}

int release_show(struct request *req, struct response *res, struct err *err)
{
    struct release_view v;
    int rc = -1;
    if (release_view_read(req, &v, err) == 0)
        rc = show_one(req, res, &v, err);
    release_view_end(&v);
    return rc;
}

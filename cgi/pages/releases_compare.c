/* releases_compare.c - /apps/{app}/{env}/releases/compare?a=&b=: what differs between any two
 * releases: the Compose file line by line, settings, images by digest, secrets by key (never a
 * value), servers. */
#include <stdio.h>
#include <string.h>
#include "cgi/pages/lines.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/release_view.h"
#include "cgi/pages/row.h"
#include "db/environments.h"
#include "db/secrets.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"

#define CHOICES_MAX 200

static void add_row(json_t *rows, json_t *name, json_t *before, json_t *after)
{
    bool is_changed = !json_equal(before, after);
    json_array_append_new(rows, json_pack("{s:o, s:o, s:o, s:b}", "name", name, "before", before,
                                          "after", after, "is_changed", (int)is_changed));
}

static json_t *names_of(const json_t *hosts)
{
    struct buf out;
    const json_t *host;
    json_t *text;
    size_t i;
    buf_init(&out, 8000);
    json_array_foreach(hosts, i, host)
        buf_printf(&out, "%s%s", i > 0 ? ", " : "", row_text(host, "slug"));
    text = json_string(buf_ok(&out) && out.len > 0 ? out.data : "");
    buf_deinit(&out);
    return text;
}

static json_t *rows_model(const json_t *a, const json_t *b)
{
    json_t *rows = json_array();
    add_row(rows, json_string("Version"), json_string(row_text(a, "version")),
            json_string(row_text(b, "version")));
    if (row_has(a, "artefact_sha256") || row_has(b, "artefact_sha256"))
        add_row(rows, json_string("Artefact"), part_short_hash(row_text(a, "artefact_sha256")),
                part_short_hash(row_text(b, "artefact_sha256")));
    if (row_has(a, "git_commit") || row_has(b, "git_commit"))
        add_row(rows, json_string("Commit"), part_text("%.12s", row_text(a, "git_commit")),
                part_text("%.12s", row_text(b, "git_commit")));
    add_row(rows, json_string("Secret set"), part_set_label(row_int(a, "secret_set")),
            part_set_label(row_int(b, "secret_set")));
    add_row(rows, json_string("Servers"), names_of(json_object_get(a, "hosts")),
            names_of(json_object_get(b, "hosts")));
    add_row(rows, json_string("Recipe"),
            part_text("%s %.7s", row_text(a, "recipe"), row_text(a, "recipe_sha256")),
            part_text("%s %.7s", row_text(b, "recipe"), row_text(b, "recipe_sha256")));
    return rows;
}

/* --- images, settings, secrets --- */

static json_t *image_text(const json_t *image)
{
    const char *digest = strstr(row_text(image, "digest"), "sha256:");
    if (row_text(image, "image")[0] == '\0')
        return json_string("");
    return part_text("%.300s @ %.19s", row_text(image, "image"), digest == NULL ? "" : digest);
}

/* Keys of both, each once, in the order of the second. */
static json_t *keys_of(const json_t *a, const json_t *b)
{
    json_t *keys = json_object(), *value;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)b, key, value)
        json_object_set_new(keys, key, json_true());
    json_object_foreach((json_t *)(uintptr_t)a, key, value)
        json_object_set_new(keys, key, json_true());
    return keys;
}

static json_t *images_model(const json_t *a, const json_t *b)
{
    json_t *rows = json_array(), *keys, *value;
    const char *service;
    a = json_object_get(a, "images");
    b = json_object_get(b, "images");
    keys = keys_of(a, b);
    json_object_foreach(keys, service, value)
    {
        const json_t *was = json_object_get(a, service), *is = json_object_get(b, service);
        json_t *row = json_pack("{s:s, s:o, s:o, s:b}", "name", service, "before", image_text(was),
                                "after", image_text(is), "is_changed",
                                (int)!str_equal(row_text(was, "digest"), row_text(is, "digest")));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *value_text(const json_t *value)
{
    if (json_is_integer(value))
        return part_text("%lld", (long long)json_integer_value(value));
    if (json_is_boolean(value))
        return json_string(json_is_true(value) ? "yes" : "no");
    return json_string(json_is_string(value) ? json_string_value(value) : "");
}

/* What differs, by the label that the form has. */
static json_t *settings_model(const struct release_view *v, const json_t *a, const json_t *b)
{
    json_t *rows = json_array(), *keys, *ignored;
    const json_t *setting;
    const char *key;
    size_t i;
    a = json_object_get(a, "settings");
    b = json_object_get(b, "settings");
    keys = keys_of(a, b);
    json_object_foreach(keys, key, ignored)
    {
        const char *label = key;
        if (str_equal(key, "compose")
            || json_equal(json_object_get(a, key), json_object_get(b, key)))
            continue;
        if (v->recipe != NULL)
            json_array_foreach(json_object_get(recipe_spec(v->recipe), "settings"), i,
                               setting) if (str_equal(row_text(setting, "key"), key)) label =
                row_text(setting, "label");
        add_row(rows, json_string(label), value_text(json_object_get(a, key)),
                value_text(json_object_get(b, key)));
    }
    return rows;
}

static const char *verb_text(const char *verb)
{
    return str_equal(verb, "added")     ? "Added"
           : str_equal(verb, "removed") ? "Removed"
           : str_equal(verb, "about")   ? "Same value, kept otherwise"
                                        : "New value";
}

static int secrets_model(struct request *req, const struct release_view *v, const json_t *a,
                         const json_t *b, json_t **list, struct err *err)
{
    int64_t from = row_int(a, "secret_set"), to = row_int(b, "secret_set");
    json_t *changes = json_array();
    const json_t *row;
    size_t i;
    *list = json_array();
    if (from != to
        && secret_set_difference(req->db, row_text(v->card, "id"), from, to, &changes, err) != 0)
        return -1;
    json_array_foreach(changes, i, row) json_array_append_new(
        *list, json_pack("{s:s, s:s, s:s}", "key", row_text(row, "key"), "verb",
                         row_text(row, "verb"), "text", verb_text(row_text(row, "verb"))));
    return 0;
}

/* --- the Compose file --- */

static int compose_model(const json_t *a, const json_t *b, json_t **model, struct err *err)
{
    return lines_model(row_text(json_object_get(a, "settings"), "compose"),
                       row_text(json_object_get(b, "settings"), "compose"), model, err);
}

/* --- the page --- */

static json_t *choices(const json_t *rows, int64_t chosen)
{
    json_t *list = json_array();
    const json_t *row;
    char value[24], text[120];
    size_t i;
    json_array_foreach(rows, i, row)
    {
        snprintf(value, sizeof value, "%lld", (long long)row_int(row, "number"));
        snprintf(text, sizeof text, "v%s  %.60s", value, row_text(row, "version"));
        json_array_append_new(list, part_choice(value, text, row_int(row, "number") == chosen));
    }
    return list;
}

/* Asked for, or: what is live (else the newest) against the one before it. */
static void choose(struct request *req, const struct release_view *v, const json_t *rows,
                   int64_t *a, int64_t *b)
{
    int64_t newest = row_int(json_array_get(rows, 0), "number");
    int64_t live = row_int(v->card, "live_number");
    *b = request_query_int(req, "b", 1, INT64_MAX, live > 0 ? live : newest);
    *a = request_query_int(req, "a", 1, INT64_MAX, *b > 1 ? *b - 1 : *b);
}

static int fill(struct request *req, const struct release_view *v, json_t *data, int64_t a_number,
                int64_t b_number, struct err *err)
{
    const char *id = row_text(v->card, "id");
    json_t *a, *b, *secrets, *compose;
    if (environment_release_by_number(req->db, id, a_number, &a, err) != 0
        || environment_release_by_number(req->db, id, b_number, &b, err) != 0
        || secrets_model(req, v, a, b, &secrets, err) != 0
        || compose_model(a, b, &compose, err) != 0)
        return -1;
    json_object_set_new(data, "before", release_model(v, a));
    json_object_set_new(data, "after", release_model(v, b));
    json_object_set_new(data, "rows", rows_model(a, b));
    part_set_list(data, "images", "has_images", images_model(a, b));
    part_set_list(data, "settings", "has_settings", settings_model(v, a, b));
    part_set_list(data, "secrets", "has_secrets", secrets);
    json_object_set_new(data, "compose", compose);
    return 0;
}

static int show(struct request *req, struct response *res, const struct release_view *v,
                struct err *err)
{
    json_t *rows, *data = release_data_new(v);
    int64_t a = 0, b = 0;
    if (environment_releases(req->db, row_text(v->card, "id"), INT64_MAX, CHOICES_MAX, &rows, err)
        != 0)
        return -1;
    if (json_array_size(rows) == 0)
        return err_set(err, ERR_NOT_FOUND,
                       "There is no release yet, so there is nothing to "
                       "compare.");
    choose(req, v, rows, &a, &b);
    json_object_set_new(data, "from", choices(rows, a));
    json_object_set_new(data, "to", choices(rows, b));
    json_object_set_new(data, "compare_href", release_href(v, "/compare"));
    json_object_set_new(data, "swap_href",
                        release_href(v, "/compare?a=%lld&b=%lld", (long long)b, (long long)a));
    if (fill(req, v, data, a, b, err) != 0)
        return -1;
    return respond_page(res, 200, "releases_compare", data,
                        release_page_new(req, v, "Compare releases", "Compare"));
}

int releases_compare_show(struct request *req, struct response *res, struct err *err)
{
    struct release_view v;
    int rc = -1;
    if (release_view_read(req, &v, err) == 0)
        rc = show(req, res, &v, err);
    release_view_end(&v);
    return rc;
}

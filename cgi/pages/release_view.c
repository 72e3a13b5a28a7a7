/* release_view.c - the common part of the pages of releases (release_view.h). */
#include "cgi/pages/release_view.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "cgi/http/site.h"
#include "cgi/pages/page.h"
#include "cgi/pages/row.h"
#include "cgi/pages/undeployed.h"
#include "db/environments.h"
#include "db/secrets.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"

int release_view_read(struct request *req, struct release_view *v, struct err *err)
{
    struct err gone = {0};
    const char *id;
    *v = (struct release_view){.card = NULL};
    if (environment_card(req->db, request_param(req, 0), request_param(req, 1), &v->card, err) != 0)
        return -1;
    id = row_text(v->card, "id");
    if (places_load(req, &v->places, err) != 0
        || environment_kept_looks(req->db, id, &v->kept, err) != 0
        || environment_secret_looks(req->db, id, &v->sets, err) != 0)
        return -1;
    if (recipe_load(req->site->recipes_dir, row_text(v->card, "recipe"), &v->recipe, &gone) != 0)
        v->recipe = NULL;
    return 0;
}

void release_view_end(struct release_view *v)
{
    recipe_free(v->recipe);
    v->recipe = NULL;
}

int release_view_one(struct request *req, const struct release_view *v, const char *number,
                     json_t **row, struct err *err)
{
    int64_t n = 0;
    if (!str_to_int64(number, 1, INT64_MAX, &n))
        return err_set(err, ERR_NOT_FOUND, "There is no such release.");
    return environment_release_by_number(req->db, row_text(v->card, "id"), n, row, err);
}

/* --- one release --- */

json_t *release_model(const struct release_view *v, const json_t *row)
{
    json_t *release = part_release(v->card, row);
    long long number = (long long)row_int(row, "number");
    bool has_live = row_has(v->card, "live_number"), replays = row_has(row, "replays_number");
    long long live = (long long)row_int(v->card, "live_number");
    long long back = (long long)row_int(row, "replays_number");
    json_object_set_new(release, "rollback_href", json_string(""));
    json_object_set_new(release, "compare_href",
                        !has_live || live == number
                            ? json_string("")
                            : release_href(v, "/compare?a=%lld&b=%lld", live, number));
    json_object_set_new(release, "replays_label",
                        replays ? part_text("v%lld", back) : json_string(""));
    json_object_set_new(release, "replays_href",
                        replays ? release_href(v, "/%lld", back) : json_string(""));
    json_object_set_new(release, "parts", json_string(row_text(row, "parts")));
    json_object_set_new(release, "promoted_label",
                        row_has(row, "promoted_number")
                            ? part_text("%s v%lld", row_text(row, "promoted_env"),
                                        (long long)row_int(row, "promoted_number"))
                            : json_string(""));
    json_object_set_new(release, "promoted_href",
                        row_has(row, "promoted_number")
                            ? part_text("/apps/%s/%s/releases/%lld", row_text(v->card, "app_slug"),
                                        row_text(row, "promoted_env"),
                                        (long long)row_int(row, "promoted_number"))
                            : json_string(""));
    return release;
}

/* --- what changed --- */

int release_count_secrets(struct request *req, const char *environment_id, int64_t from, int64_t to,
                          int counts[3], struct err *err)
{
    json_t *changes;
    const json_t *row;
    size_t i;
    counts[0] = counts[1] = counts[2] = 0;
    if (from == to)
        return 0;
    if (secret_set_difference(req->db, environment_id, from, to, &changes, err) != 0)
        return -1;
    json_array_foreach(changes, i, row)
    {
        const char *verb = row_text(row, "verb");
        counts[str_equal(verb, "added") ? 0 : str_equal(verb, "removed") ? 2 : 1]++;
    }
    return 0;
}

static bool is_compose(const char *key)
{
    return str_equal(key, "compose");
}

size_t release_count_settings(const json_t *before, const json_t *after)
{
    const char *key;
    json_t *value;
    size_t count = 0;
    json_object_foreach((json_t *)(uintptr_t)after, key, value) count +=
        !is_compose(key) && !json_equal(value, json_object_get(before, key)) ? 1 : 0;
    json_object_foreach((json_t *)(uintptr_t)before, key, value) count +=
        !is_compose(key) && json_object_get(after, key) == NULL ? 1 : 0;
    return count;
}

bool release_same_compose(const json_t *before, const json_t *after)
{
    return str_equal(row_text(before, "compose"), row_text(after, "compose"));
}

static void say(struct buf *out, const char *fmt, ...) PRINTF(2, 3);
static void say(struct buf *out, const char *fmt, ...)
{
    char text[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_printf(out, "%s%s", out->len > 0 ? "; " : "", text);
}

static size_t count_images(const json_t *before, const json_t *after)
{
    const char *service;
    json_t *image;
    size_t count = 0;
    json_object_foreach((json_t *)(uintptr_t)after, service, image) count +=
        !str_equal(row_text(image, "digest"), row_text(json_object_get(before, service), "digest"))
            ? 1
            : 0;
    return count;
}

static bool same_hosts(const json_t *before, const json_t *after)
{
    const json_t *host;
    size_t i;
    if (json_array_size(before) != json_array_size(after))
        return false;
    json_array_foreach(after, i, host) if (!str_equal(row_text(host, "server_id"),
                                                      row_text(json_array_get(before, i),
                                                               "server_id"))) return false;
    return true;
}

static void say_code(struct buf *out, const json_t *before, const json_t *row)
{
    size_t images = count_images(json_object_get(before, "images"), json_object_get(row, "images"));
    bool is_new = !str_equal(row_text(before, "version"), row_text(row, "version"));
    if (is_new)
        say(out, "version %.64s → %.64s", row_text(before, "version"), row_text(row, "version"));
    else if (images > 0 && json_is_object(json_object_get(before, "images")))
        say(out, "%zu image%s behind the same tag", images, images == 1 ? "" : "s");
}

int release_changes_text(struct request *req, const json_t *before, const json_t *row,
                         json_t **text, struct err *err)
{
    const json_t *was = json_object_get(before, "settings"), *is = json_object_get(row, "settings");
    int counts[3];
    struct buf out;
    *text = NULL;
    if (before == NULL) {
        *text = json_string("The first release");
        return 0;
    }
    if (release_count_secrets(req, row_text(row, "environment_id"), row_int(before, "secret_set"),
                              row_int(row, "secret_set"), counts, err)
        != 0)
        return -1;
    buf_init(&out, 1000);
    say_code(&out, before, row);
    if (release_count_settings(was, is) > 0)
        say(&out, "%zu setting%s", release_count_settings(was, is),
            release_count_settings(was, is) == 1 ? "" : "s");
    if (!release_same_compose(was, is))
        say(&out, "Compose file");
    if (counts[0] + counts[1] + counts[2] > 0)
        say(&out, "secrets +%d ~%d −%d", counts[0], counts[1], counts[2]);
    if (!same_hosts(json_object_get(before, "hosts"), json_object_get(row, "hosts")))
        say(&out, "servers");
    if (!str_equal(row_text(before, "recipe_sha256"), row_text(row, "recipe_sha256")))
        say(&out, "recipe");
    *text = json_string(out.len == 0 ? "Nothing: the same again" : out.data);
    buf_deinit(&out);
    return 0;
}

/* --- page --- */

json_t *release_href(const struct release_view *v, const char *fmt, ...)
{
    char rest[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(rest, sizeof rest, fmt, args);
    va_end(args);
    return part_text("/apps/%s/%s/releases%s", row_text(v->card, "app_slug"),
                     row_text(v->card, "slug"), rest);
}

json_t *release_page_new(struct request *req, const struct release_view *v, const char *title,
                         const char *crumb)
{
    const char *app = row_text(v->card, "app_slug"), *env = row_text(v->card, "slug");
    char whole[160], href[160];
    json_t *page;
    snprintf(whole, sizeof whole, "%.60s of %.40s / %.40s", title, app, env);
    snprintf(href, sizeof href, "/apps/%.60s/%.60s/releases", app, env);
    page = page_new(whole, "apps");
    page_crumbs_of(page, app, env, row_text(v->card, "tier"));
    page_crumb(page, "Releases", crumb == NULL ? "" : href);
    if (crumb != NULL)
        page_crumb(page, crumb, "");
    undeployed_add(req, page, v->card);
    return page;
}

json_t *release_data_new(const struct release_view *v)
{
    return json_pack("{s:o, s:o}", "environment", part_environment(&v->places, v->card),
                     "releases_href", release_href(v, "%s", ""));
}

/* parts_place.c - apps, environments, releases and servers as cards and rows show them (parts.h).
 */
#include <stdio.h>
#include <string.h>
#include "cgi/http/site.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/jobs_web.h"
#include "lib/base/str.h"
#include "lib/domain/recipe.h"

json_t *part_app(const char *id, const char *slug, const char *name)
{
    return json_pack("{s:s, s:s, s:s, s:o}", "id", id, "slug", slug, "name", name, "href",
                     part_text("/apps/%s", slug));
}

json_t *part_environment_ref(const char *id, const char *app_slug, const char *slug,
                             const char *tier)
{
    return json_pack("{s:s, s:s, s:o, s:s, s:b, s:o, s:s}", "id", id, "slug", slug, "href",
                     part_text("/apps/%s/%s", app_slug, slug), "tier", tier, "is_production",
                     (int)str_equal(tier, "production"), "label",
                     part_text("%s / %s", app_slug, slug), "app_slug", app_slug);
}

json_t *part_environments_of(const json_t *rows, const char *column, const char *value)
{
    json_t *list = json_array();
    const json_t *row;
    size_t i;
    json_array_foreach(rows, i, row) if (str_equal(row_text(row, column), value))
        json_array_append_new(list,
                              part_environment_ref(row_text(row, "id"), row_text(row, "app_slug"),
                                                   row_text(row, "slug"), row_text(row, "tier")));
    return list;
}

int places_load(struct request *req, struct places *places, struct err *err)
{
    places->active = NULL;
    places->recipes = NULL;
    if (job_list_active(req->db, &places->active, err) != 0)
        return -1;
    return recipe_list(req->site->recipes_dir, &places->recipes, err);
}

bool places_takes_artefact(const struct places *places, const char *recipe)
{
    const json_t *entry;
    size_t i;
    json_array_foreach(places->recipes, i,
                       entry) if (str_equal(row_text(entry, "name"),
                                            recipe)) return row_is(entry, "takes_artefact");
    return true;
}

const char *places_recipe_title(const struct places *places, const char *recipe)
{
    const json_t *entry;
    size_t i;
    json_array_foreach(
        places->recipes, i,
        entry) if (str_equal(row_text(entry, "name"), recipe)) return row_text(entry, "title");
    return recipe;
}

const json_t *places_active_job(const struct places *places, const char *environment_id)
{
    const json_t *row, *queued = NULL;
    size_t i;
    json_array_foreach(places->active, i, row)
    {
        if (!str_equal(row_text(row, "env_id"), environment_id)
            || str_equal(row_text(row, "kind"), "plan")) /* looks, and changes nothing */
            continue;
        if (str_equal(row_text(row, "state"), "running"))
            return row;
        if (queued == NULL)
            queued = row;
    }
    return queued;
}

/* A release that was put live once and is not now is "past"; one whose job is
 * under way has the job's state (the environment page sets active_*). */
static const char *release_state(const json_t *card, const json_t *row, bool is_live)
{
    const char *outcome = row_text(row, "outcome");
    if (is_live)
        return str_equal(outcome, "degraded") ? "degraded" : "live";
    if (str_equal(outcome, "live") || str_equal(outcome, "degraded"))
        return "past";
    if (str_equal(outcome, "pending") && row_int(card, "active_release") == row_int(row, "number"))
        return row_text(card, "active_state");
    return outcome;
}

static json_t *again_href(const json_t *card, const json_t *row)
{
    if (!row_is(row, "is_repeatable"))
        return json_string("");
    return part_text("/apps/%s/%s/deploy?version=%s", row_text(card, "app_slug"),
                     row_text(card, "slug"), row_text(row, "version"));
}

/* Which images it runs: {service, image, digest, digest_short}, by name of service as stored. */
static json_t *images_of(const json_t *row)
{
    json_t *list = json_array(), *image;
    const char *service;
    json_object_foreach(json_object_get(row, "images"), service, image)
    {
        const char *digest = strstr(row_text(image, "digest"), "sha256:");
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "service", service, "image",
                                              row_text(image, "image"), "digest",
                                              row_text(image, "digest"), "digest_short",
                                              part_short_hash(digest == NULL ? "" : digest + 7)));
    }
    return list;
}

json_t *part_release(const json_t *card, const json_t *row)
{
    int64_t number = row_int(row, "number");
    bool is_live = str_equal(row_text(row, "id"), row_text(card, "live_release_id"));
    const char *state = release_state(card, row, is_live);
    const char *sha256 = row_text(row, "artefact_sha256");
    json_t *release =
        json_pack("{s:s, s:I, s:o, s:s, s:o, s:b, s:o, s:o, s:s, s:s}", "id", row_text(row, "id"),
                  "number", number, "label", part_text("v%lld", (long long)number), "version",
                  row_text(row, "version"), "status", part_status(state, word_job(state)),
                  "is_live", (int)is_live, "created", part_time(row_int(row, "created_at")), "by",
                  part_person(row_text(row, "by_name"), row_text(row, "by_login")), "why",
                  row_text(row, "why"), "trigger", row_text(row, "trigger"));
    if (release == NULL)
        return NULL;
    json_object_set_new(release, "secret_set", json_integer(row_int(row, "secret_set")));
    json_object_set_new(release, "secret_set_label", part_set_label(row_int(row, "secret_set")));
    json_object_set_new(release, "sha256", json_string(sha256));
    json_object_set_new(release, "sha256_short", part_short_hash(sha256));
    part_set_list(release, "images", "has_images", images_of(row));
    json_object_set_new(release, "git_commit", json_string(row_text(row, "git_commit")));
    json_object_set_new(release, "job_href",
                        row_has(row, "job_id") ? part_text("/jobs/%s", row_text(row, "job_id"))
                                               : json_string(""));
    json_object_set_new(release, "again_href", again_href(card, row));
    json_object_set_new(release, "href",
                        part_text("/apps/%s/%s/releases/%lld", row_text(card, "app_slug"),
                                  row_text(card, "slug"), (long long)number));
    return release;
}

json_t *part_live(const json_t *card)
{
    json_t *row = json_object();
    const char *key;
    json_t *value;
    if (!row_has(card, "live_id"))
        return json_null();
    json_object_foreach((json_t *)(uintptr_t)card, key, value) if (str_starts(key, "live_"))
        json_object_set(row, key + strlen("live_"), value);
    json_object_set(row, "is_repeatable", json_object_get(card, "is_repeatable"));
    return part_release(card, row);
}

static void add_links(json_t *environment, const json_t *card)
{
    const char *app = row_text(card, "app_slug"), *slug = row_text(card, "slug");
    json_object_set_new(environment, "deploy_href", part_text("/apps/%s/%s/deploy", app, slug));
    json_object_set_new(environment, "secrets_href", part_text("/apps/%s/%s/secrets", app, slug));
    json_object_set_new(environment, "settings_href", part_text("/apps/%s/%s/settings", app, slug));
    json_object_set_new(environment, "releases_href", part_text("/apps/%s/%s/releases", app, slug));
    json_object_set_new(environment, "operate_href", part_text("/apps/%s/%s/operate", app, slug));
    json_object_set_new(environment, "jobs_href", part_text("/jobs?environment=%s/%s", app, slug));
}

/* What was stopped is not live, whatever was proven before. */
static const char *state_of(const json_t *card)
{
    return row_has(card, "stopped_at") ? "stopped" : row_text(card, "live_state");
}

json_t *part_environment(const struct places *places, const json_t *card)
{
    const char *state = state_of(card);
    const json_t *active = places_active_job(places, row_text(card, "id"));
    const char *url = row_text(json_object_get(card, "settings"), "public_url");
    json_t *environment = part_environment_ref(row_text(card, "id"), row_text(card, "app_slug"),
                                               row_text(card, "slug"), row_text(card, "tier"));
    json_object_set_new(
        environment, "app",
        part_app(row_text(card, "app_id"), row_text(card, "app_slug"), row_text(card, "app_name")));
    json_object_set_new(environment, "status", part_status(state, word_environment(state)));
    json_object_set_new(environment, "live", part_live(card));
    json_object_set_new(environment, "since", part_time(row_int(card, "live_since")));
    json_object_set_new(environment, "running", active == NULL ? json_null() : part_job(active));
    json_object_set_new(environment, "recipe", json_string(row_text(card, "recipe")));
    json_object_set_new(environment, "recipe_title",
                        json_string(places_recipe_title(places, row_text(card, "recipe"))));
    add_links(environment, card);
    json_object_set_new(environment, "public_url",
                        json_string(str_starts(url, "https://") ? url : ""));
    return environment;
}

json_t *part_address(const json_t *row)
{
    const char *host = row_text(row, "host");
    bool is_v6 = strchr(host, ':') != NULL;
    return part_text("%s@%s%s%s:%lld", row_text(row, "login"), is_v6 ? "[" : "", host,
                     is_v6 ? "]" : "", (long long)row_int(row, "port"));
}

json_t *part_host(const json_t *row)
{
    const char *state = row_text(row, "state");
    return json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:s, s:s, s:o}", "id", row_text(row, "id"),
                     "slug", row_text(row, "slug"), "href",
                     part_text("/servers/%s", row_text(row, "slug")), "role", row_text(row, "role"),
                     "address", part_address(row), "status", part_status(state, word_server(state)),
                     "pin_type", row_text(row, "pin_type"), "pin_print", row_text(row, "pin_print"),
                     "checked", part_time(row_int(row, "checked_at")));
}

/* release_ready.c - whether a release can be gone back to (release_view.h). The worker asks all of
 * it again before it begins; this is to be known before one needs it. Servers and secrets are as
 * the last deploy saw them, with the time: this page asks nobody. */
#include "cgi/pages/release_view.h"

#include <stdio.h>
#include <string.h>
#include "cgi/pages/row.h"
#include "db/rollbacks.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"

/* word: what stands in the pill; NULL: the usual one of the state. */
static void add_check(json_t *checks, const char *name, const char *state, const char *word,
                      json_t *text)
{
    if (word == NULL)
        word = str_equal(state, "ok") ? "Ready" : str_equal(state, "failed") ? "No" : "Not known";
    json_array_append_new(checks, json_pack("{s:s, s:o, s:o}", "name", name, "status",
                                            part_status(state, word), "text", text));
}

/* "seen 5 min ago" */
static void ago(char *text, size_t size, int64_t at)
{
    json_t *time = part_time(at);
    snprintf(text, size, "seen %s", row_text(time, "text"));
    json_decref(time);
}

/* --- each thing --- */

static void check_release(const struct release_view *v, const json_t *row, json_t *checks)
{
    struct err e = {0};
    json_t *row_of_env = json_pack("{s:O, s:O, s:O?, s:O}", "id", json_object_get(v->card, "id"),
                                   "recipe", json_object_get(v->card, "recipe"), "live_release_id",
                                   json_object_get(v->card, "live_release_id"), "live_state",
                                   json_object_get(v->card, "live_state"));
    if (rollback_may(row_of_env, row, &e) != 0)
        add_check(checks, "Release", "failed", NULL, json_string(e.user));
    json_decref(row_of_env);
}

static void check_recipe(const struct release_view *v, const json_t *row, json_t *checks)
{
    struct err e = {0};
    json_t *checked = NULL;
    if (v->recipe == NULL) {
        add_check(
            checks, "Recipe", "failed", NULL,
            part_text("This version of Windlass has no recipe %.40s.", row_text(row, "recipe")));
        return;
    }
    if (recipe_check_settings(v->recipe, json_object_get(row, "settings"), &checked, &e) != 0)
        add_check(checks, "Recipe", "failed", NULL,
                  part_text("The recipe has changed and does not take these settings any more: "
                            "%.200s",
                            e.user));
    else if (!str_equal(recipe_sha256(v->recipe), row_text(row, "recipe_sha256")))
        add_check(checks, "Recipe", "warn", "Has changed",
                  json_string("The recipe’s steps have changed since, with an upgrade of Windlass. "
                              "Those of today are run, with the release’s settings."));
    else
        add_check(checks, "Recipe", "ok", NULL, json_string("The steps are the same as then."));
    json_decref(checked);
}

static void check_artefact(const struct release_view *v, const json_t *row, json_t *checks)
{
    if (v->recipe == NULL || !recipe_takes_artefact(v->recipe))
        return;
    if (row_is(row, "is_repeatable") && row_has(row, "artefact_id"))
        add_check(checks, "Artefact", "ok", NULL,
                  part_text("The dashboard has it (SHA-256 %.12s) and sends it anew.",
                            row_text(row, "artefact_sha256")));
    else
        add_check(checks, "Artefact", "failed", NULL,
                  part_text("The artefact of version %.64s was removed from the dashboard.",
                            row_text(row, "version")));
}

static bool is_listed(const json_t *ids, const char *id)
{
    const json_t *item;
    size_t i;
    json_array_foreach(ids, i, item) if (str_equal(json_string_value(item), id)) return true;
    return false;
}

/* One line over all servers; the worst of them counts. */
static void check_images(const struct release_view *v, const json_t *row, json_t *checks)
{
    const json_t *look;
    const char *worst = "ok";
    char seen[80];
    struct buf out;
    json_t *images = json_object_get(row, "images");
    bool is_built = v->recipe != NULL && recipe_takes_ref(v->recipe);
    size_t i;
    if (!json_is_object(images) || json_object_size(images) == 0) {
        if (v->recipe != NULL && !recipe_takes_artefact(v->recipe))
            add_check(checks, "Images", "unknown", NULL,
                      json_string("Their digests were not recorded: what the tag is now would be "
                                  "pulled."));
        return;
    }
    buf_init(&out, 1000);
    json_array_foreach(v->kept, i, look)
    {
        bool is_seen = row_int(look, "seen_at") >= row_int(row, "created_at");
        bool is_here = is_listed(json_object_get(look, "kept"), row_text(row, "id"));
        ago(seen, sizeof seen, row_int(look, "seen_at"));
        buf_printf(&out, "%s%.60s: %s", i > 0 ? "; " : "", row_text(look, "slug"),
                   !is_seen   ? "nobody has looked since it was deployed"
                   : is_here  ? "all there, "
                   : is_built ? "must be built again from the commit, "
                              : "must be pulled by digest, ");
        buf_add_str(&out, is_seen ? seen : "");
        if (!is_seen)
            worst = "unknown";
        else if (!is_here && !str_equal(worst, "unknown"))
            worst = "warn";
    }
    add_check(checks, "Images", json_array_size(v->kept) == 0 ? "unknown" : worst,
              !str_equal(worst, "warn") ? NULL
              : is_built                ? "To be built"
                                        : "To be pulled",
              json_string(out.len == 0 ? "The environment has no server." : out.data));
    buf_deinit(&out);
}

static void check_secrets(const struct release_view *v, const json_t *row, json_t *checks)
{
    int64_t number = row_int(row, "secret_set");
    const json_t *look;
    char seen[80];
    size_t i;
    if (number == 0) {
        add_check(checks, "Secrets", "ok", NULL, json_string("It had none."));
        return;
    }
    json_array_foreach(v->sets, i, look)
    {
        if (row_int(look, "number") != number)
            continue;
        ago(seen, sizeof seen, row_int(look, "seen_at"));
        if (row_int(look, "opens") == 1)
            add_check(checks, "Secrets", "ok", NULL,
                      part_text("Every value of s%lld opens, %s.", (long long)number, seen));
        else
            add_check(checks, "Secrets", "failed", NULL,
                      part_text("A value of s%lld cannot be opened any more, %s.",
                                (long long)number, seen));
        return;
    }
    add_check(checks, "Secrets", "unknown", NULL,
              part_text("Nobody has tried to open s%lld since. The next deploy does.",
                        (long long)number));
}

/* --- all of it --- */

static const json_t *first_with(const json_t *checks, const char *state)
{
    const json_t *check;
    size_t i;
    json_array_foreach(checks, i,
                       check) if (str_equal(row_text(json_object_get(check, "status"), "state"),
                                            state)) return check;
    return NULL;
}

/* Another part may come back although this one cannot. */
static bool is_partly(const json_t *checks)
{
    const json_t *check;
    size_t i;
    json_array_foreach(
        checks, i,
        check) if (str_equal(row_text(json_object_get(check, "status"), "state"), "failed")
                   && (str_equal(row_text(check, "name"), "Release")
                       || str_equal(row_text(check, "name"), "Recipe"))) return false;
    return true;
}

json_t *release_ready(const struct release_view *v, const json_t *row)
{
    static const char *const STATES[] = {"failed", "unknown", "warn"};
    json_t *checks = json_array();
    const json_t *worst = NULL;
    const char *state = "ok", *word;
    check_release(v, row, checks);
    if (first_with(checks, "failed") == NULL) { /* else the rest is idle talk */
        check_artefact(v, row, checks);
        check_images(v, row, checks);
        check_secrets(v, row, checks);
        check_recipe(v, row, checks);
    }
    for (size_t i = 0; i < COUNT_OF(STATES) && worst == NULL; i++) {
        worst = first_with(checks, STATES[i]);
        state = worst != NULL ? STATES[i] : "ok";
    }
    word = str_equal(state, "unknown")   ? "Not all is known"
           : !str_equal(state, "failed") ? "Yes"
           : is_partly(checks)           ? "Not all of it"
                                         : "No";
    return json_pack("{s:b, s:b, s:o, s:s, s:o}", "can", (int)!str_equal(state, "failed"),
                     "can_partly", (int)is_partly(checks), "status", part_status(state, word),
                     "text", worst == NULL ? "" : row_text(worst, "text"), "checks", checks);
}

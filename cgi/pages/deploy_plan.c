/* deploy_plan.c - the plan of a deploy in words (deploy_plan.h). The steps are those the worker
 * will make from the same recipe and settings; the worker refuses when the basis is another by
 * then. */
#include "cgi/pages/deploy_plan.h"

#include <stdio.h>
#include <string.h>
#include "cgi/pages/deploy_images.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/environments.h"
#include "db/jobs_web.h"
#include "db/secrets.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/domain/rollout.h"

/* --- steps --- */

static json_t *skipped_text(const struct recipe *recipe, const json_t *step)
{
    const json_t *setting;
    size_t i;
    json_array_foreach(
        json_object_get(recipe_spec(recipe), "settings"), i,
        setting) if (str_equal(row_text(setting, "key"),
                               row_text(step, "when"))) return part_text("“%s” is empty",
                                                                         row_text(setting,
                                                                                  "label"));
    return json_string("not needed here");
}

/* Deadlines are round numbers: "up to 90 s", "up to 5 min", "up to 1 h 2 min". */
static json_t *deadline_text(int64_t seconds)
{
    long long minutes = (long long)(seconds + 59) / 60;
    if (seconds < 120)
        return part_text("up to %lld s", (long long)seconds);
    if (minutes < 60)
        return part_text("up to %lld min", minutes);
    if (minutes % 60 == 0)
        return part_text("up to %lld h", minutes / 60);
    return part_text("up to %lld h %lld min", minutes / 60, minutes % 60);
}

static const char *mode_text(const char *mode)
{
    return str_equal(mode, "detached") ? "script" : str_equal(mode, "upload") ? "SFTP" : "";
}

static void add_built_in(json_t *steps, const char *name, const char *title, int64_t seconds)
{
    json_array_append_new(steps, json_pack("{s:i, s:s, s:s, s:s, s:o, s:b, s:s, s:b, s:s}",
                                           "number", (int)json_array_size(steps) + 1, "name", name,
                                           "title", title, "mode_text", "", "deadline_text",
                                           deadline_text(seconds), "is_skipped", 0, "skipped_text",
                                           "", "is_switch", 0, "note", ""));
}

static json_t *step_note(const struct deploy_view *view, bool is_switch)
{
    const char *live = row_text(view->card, "live_version");
    if (!is_switch)
        return json_string("");
    if (live[0] != '\0')
        return part_text("From here on a failure goes back to %s", live);
    return json_string("From here on the new release serves");
}

static void add_step(const struct deploy_view *view, json_t *steps, const json_t *step)
{
    bool is_skipped = !recipe_step_wanted(step, view->settings);
    bool is_switch = row_is(step, "point_of_no_return");
    json_array_append_new(
        steps, json_pack("{s:i, s:s, s:s, s:s, s:o, s:b, s:o, s:b, s:o}", "number",
                         (int)json_array_size(steps) + 1, "name", row_text(step, "id"), "title",
                         row_text(step, "title"), "mode_text", mode_text(row_text(step, "mode")),
                         "deadline_text", deadline_text(row_int(step, "deadline_s")), "is_skipped",
                         (int)is_skipped, "skipped_text",
                         is_skipped ? skipped_text(view->recipe, step) : json_string(""),
                         "is_switch", (int)is_switch, "note", step_note(view, is_switch)));
}

static json_t *steps_of(const struct deploy_view *view, const json_t *list)
{
    json_t *steps = json_array();
    const json_t *step;
    size_t i;
    add_built_in(steps, "connect", "Connect and compare the host key", 90);
    add_built_in(steps, "lock", "Lock the environment on the server", 60);
    json_array_foreach(list, i, step) add_step(view, steps, step);
    add_built_in(steps, "unlock", "Unlock and tidy up", 60);
    return steps;
}

json_t *deploy_plan_steps(const struct deploy_view *view)
{
    return steps_of(view, json_object_get(recipe_spec(view->recipe), "steps"));
}

json_t *deploy_plan_operation(const struct deploy_view *view, const json_t *list)
{
    json_t *steps = steps_of(view, list), *step;
    size_t i;
    json_array_foreach(steps, i, step)
    {
        json_object_set_new(step, "is_switch", json_false());
        json_object_set_new(step, "note", json_string(""));
    }
    return steps;
}

/* --- what changes --- */

static void add_change(json_t *list, const char *name, json_t *before, json_t *after)
{
    bool is_changed = !json_equal(before, after);
    json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:b}", "name", name, "before", before,
                                          "after", after, "is_changed", (int)is_changed));
}

static json_t *slugs_of(const json_t *hosts)
{
    struct buf out;
    const json_t *host;
    json_t *text;
    size_t i;
    buf_init(&out, 2000);
    json_array_foreach(hosts, i, host)
        buf_printf(&out, "%s%s", i > 0 ? ", " : "", row_text(host, "slug"));
    text = json_string(buf_ok(&out) ? out.data : "many");
    buf_deinit(&out);
    return text;
}

/* Names of the settings that differ, by their labels' keys. */
static json_t *settings_text(const json_t *before, const json_t *after)
{
    struct buf out;
    const char *key;
    json_t *value, *text;
    buf_init(&out, 1000);
    json_object_foreach((json_t *)(uintptr_t)after, key,
                        value) if (!json_equal(value, json_object_get(before, key)))
        buf_printf(&out, "%s%s", out.len > 0 ? ", " : "changed: ", key);
    text = json_string(out.len == 0 ? "as they are" : buf_ok(&out) ? out.data : "many changed");
    buf_deinit(&out);
    return text;
}

static json_t *recipe_text(const char *name, const char *sha256)
{
    return part_text("%s %.7s", name, sha256);
}

static json_t *set_text(int64_t number)
{
    return number > 0 ? part_set_label(number) : json_string("none");
}

static json_t *changes_of(const struct deploy_view *view, const json_t *live)
{
    json_t *list = json_array();
    bool has_live = json_is_object(live);
    const json_t *basis = view->basis;
    add_change(list, "Version", json_string(row_text(live, "version")),
               json_string(row_text(basis, "version")));
    if (!view->is_tag)
        add_change(list, "Artefact", part_short_hash(row_text(live, "artefact_sha256")),
                   part_short_hash(row_text(basis, "artefact_sha256")));
    deploy_images_changes(view->services, live, list);
    add_change(list, "Secret set",
               has_live ? set_text(row_int(live, "secret_set")) : json_string(""),
               set_text(row_int(basis, "secret_set")));
    if (has_live) {
        add_change(list, "Recipe",
                   recipe_text(row_text(live, "recipe"), row_text(live, "recipe_sha256")),
                   recipe_text(row_text(basis, "recipe"), row_text(basis, "recipe_sha256")));
        add_change(list, "Settings", json_string("as they are"),
                   settings_text(json_object_get(live, "settings"), view->settings));
    }
    add_change(list, "Servers", slugs_of(json_object_get(live, "hosts")),
               slugs_of(json_object_get(basis, "hosts")));
    return list;
}

static int count_changed(const json_t *changes)
{
    const json_t *change;
    size_t i;
    int count = 0;
    json_array_foreach(changes, i, change) count += row_is(change, "is_changed") ? 1 : 0;
    return count;
}

static int set_model(struct request *req, const struct deploy_view *view, json_t **model,
                     struct err *err)
{
    const char *id = row_text(view->environment, "id");
    int64_t number = row_int(view->basis, "secret_set");
    json_t *set = NULL, *changes = NULL;
    *model = json_null();
    if (number == 0)
        return 0;
    if (secret_set_current(req->db, id, &set, err) != 0
        || secret_set_difference(req->db, id, row_int(view->card, "live_secret_set"), number,
                                 &changes, err)
               != 0)
        return -1;
    *model = json_pack("{s:I, s:o, s:I, s:o, s:o, s:b}", "number", number, "label",
                       part_set_label(number), "count", row_int(set, "entries"), "href",
                       part_text("/apps/%s/%s/secrets", row_text(view->card, "app_slug"),
                                 row_text(view->card, "slug")),
                       "changes", changes, "has_changes", (int)(json_array_size(changes) > 0));
    return 0;
}

static bool is_balancer(const json_t *server)
{
    return str_equal(row_text(server, "role"), "lb");
}

static json_t *hosts_of(const struct deploy_view *view)
{
    json_t *list = json_array();
    const json_t *row;
    size_t i;
    json_array_foreach(view->servers, i, row)
    {
        json_t *host = part_host(row);
        json_object_set_new(host, "role_text",
                            json_string(is_balancer(row) ? "Load balancer" : ""));
        json_array_append_new(list, host);
    }
    return list;
}

/* In which order the servers take turns and what a failure means, in words; null for one server. */
static json_t *rollout_of(const struct deploy_view *view)
{
    static const char *const failures[] = {
        "When one fails, no further one begins, and those that were switched go back.",
        "When one fails, no further one begins. Those that were switched keep the new release.",
        "When one fails, the others go on. When the first one fails, no other one begins."};
    int hosts = 0;
    const json_t *row;
    size_t i;
    json_array_foreach(view->servers, i, row) hosts += is_balancer(row) ? 0 : 1;
    struct rollout rollout = rollout_of_settings(view->settings, hosts);
    json_t *groups;
    if (hosts < 2)
        return json_null();
    if (rollout.at_once == 1)
        groups = json_string("One after another, in this order.");
    else
        groups = part_text("The first one alone, then %d at a time, in this order.",
                           rollout.at_once < hosts ? rollout.at_once : hosts - 1);
    return json_pack("{s:o, s:o, s:s}", "groups_text", groups, "wait_text",
                     rollout.wait_s == 0 ? json_string("")
                                         : part_text("%d s between them.", rollout.wait_s),
                     "failure_text", failures[rollout.on_failure]);
}

/* How long nothing serves and why, as the recipe says; null when it says nothing, or when nothing
 * serves yet. */
static json_t *downtime_of(const struct deploy_view *view, bool has_live)
{
    const json_t *downtime = has_live ? recipe_downtime(view->recipe, view->settings) : NULL;
    if (downtime == NULL)
        return json_null();
    return json_pack("{s:s, s:s}", "text", row_text(downtime, "text"), "why",
                     row_text(downtime, "why"));
}

int deploy_plan_model(struct request *req, const struct deploy_view *view, const char *hash,
                      json_t **plan, struct err *err)
{
    struct job_estimate estimate = {.runs = 0};
    struct plan_view seen = {.look = &view->look,
                             .card = view->card,
                             .settings = view->settings,
                             .basis = view->basis,
                             .servers = view->servers,
                             .recipe = view->recipe};
    json_t *live = NULL, *changes, *set = NULL, *look = NULL;
    char took[32];
    if (environment_release(req->db, row_text_or_null(view->card, "live_release_id"), &live, err)
            != 0
        || job_estimate(req->db, row_text(view->environment, "id"), "deploy", &estimate, err) != 0
        || set_model(req, view, &set, err) != 0)
        return -1;
    seen.live = live;
    if (plan_view_model(req, &seen, &look, err) != 0)
        return -1;
    changes = changes_of(view, live);
    *plan = json_pack(
        "{s:s, s:o, s:o, s:o, s:b, s:i, s:o, s:o, s:o, s:o, s:o}", "hash", hash, "steps",
        deploy_plan_steps(view), "hosts", hosts_of(view), "rollout", rollout_of(view), "has_live",
        (int)json_is_object(live), "changed_count", count_changed(changes), "changes", changes,
        "secret_set", set, "downtime", downtime_of(view, json_is_object(live)), "estimate_text",
        estimate.runs == 0
            ? json_string("")
            : part_text("about %s", str_duration(took, sizeof took, estimate.median_ms)),
        "estimate_from",
        estimate.runs == 0 ? json_string("")
                           : part_text("median of %d good deploy%s", estimate.runs,
                                       estimate.runs == 1 ? "" : "s"));
    if (json_is_object(json_object_get(look, "downtime")))
        json_object_set(*plan, "downtime", json_object_get(look, "downtime"));
    json_object_set_new(*plan, "look", look);
    return 0;
}

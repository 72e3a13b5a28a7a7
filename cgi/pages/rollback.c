/* rollback.c - /apps/{app}/{env}/releases/{n}/rollback: what comes back, what stays, and the button
 * that adds the release and its job; /apps/{app}/{env}/resume: automatic deploys may go on.
 *
 * Each part may be left out. What is confirmed depends on that, so the form carries one plan for
 * each choice that is possible (plan.1 ... plan.7, the sum of enum rollback_part), and a person
 * without scripts can untick a box and press the button: both sides of each part are on the page.
 */
#include <stdio.h>
#include <string.h>
#include "cgi/pages/confirm.h"
#include "cgi/pages/deploy_plan.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/readiness.h"
#include "cgi/pages/release_view.h"
#include "cgi/pages/row.h"
#include "db/environments.h"
#include "db/pauses.h"
#include "db/rollbacks.h"
#include "db/secrets.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/domain/line_diff.h"

struct rollback_page {
    struct release_view v;
    json_t *environment; /* row */
    json_t *servers;
    json_t *row; /* the release that comes back */
    json_t *live, *set;
    struct rollback_plan plans[ROLLBACK_ALL + 1]; /* by parts; without a basis: not possible */
    struct err refused;                           /* why not all of it comes back */
    unsigned possible;                            /* parts that are in one plan at least */
    unsigned chosen;
};

static const struct {
    enum rollback_part part;
    const char *name, *field, *title;
} PARTS[] = {{ROLLBACK_CODE, "code", "part.code", "Version and images"},
             {ROLLBACK_SETTINGS, "settings", "part.settings", "Settings and Compose file"},
             {ROLLBACK_SECRETS, "secrets", "part.secrets", "Secrets"}};

/* --- reading --- */

static int make_plans(struct request *req, struct rollback_page *p, struct err *err)
{
    for (unsigned parts = 1; parts <= ROLLBACK_ALL; parts++) {
        struct rollback_inputs in = {p->v.recipe, p->environment, p->row, parts};
        struct err e = {0};
        if (rollback_plan_make(req->db, &in, &p->plans[parts], &e) == 0) {
            p->possible |= parts;
            continue;
        }
        if (e.code != ERR_CONFLICT && e.code != ERR_INPUT && e.code != ERR_DENIED) {
            *err = e;
            return -1;
        }
        p->refused = e;
    }
    return 0;
}

/* Whether a value of its set was seen not to open. */
static bool is_known_shut(const struct rollback_page *p)
{
    const json_t *look;
    size_t i;
    json_array_foreach(p->v.sets, i,
                       look) if (row_int(look, "number")
                                 == row_int(p->row, "secret_set")) return row_int(look, "opens")
        == 0;
    return false;
}

static int read_page(struct request *req, struct rollback_page *p, struct err *err)
{
    const char *app = request_param(req, 0), *env = request_param(req, 1), *id;
    *p = (struct rollback_page){.chosen = ROLLBACK_ALL};
    if (release_view_read(req, &p->v, err) != 0
        || environment_by_slugs(req->db, app, env, &p->environment, err) != 0)
        return -1;
    id = row_text(p->environment, "id");
    if (environment_servers(req->db, id, &p->servers, err) != 0
        || secret_set_current(req->db, id, &p->set, err) != 0
        || environment_release(req->db, row_text_or_null(p->v.card, "live_release_id"), &p->live,
                               err)
               != 0
        || release_view_one(req, &p->v, request_param(req, 2), &p->row, err) != 0)
        return -1;
    if (p->v.recipe == NULL)
        return err_set(err, ERR_CONFLICT, "This version of Windlass has no recipe %.40s.",
                       row_text(p->environment, "recipe"));
    if (make_plans(req, p, err) != 0)
        return -1;
    p->chosen = p->possible;
    if (is_known_shut(p)) /* it may be tried all the same: the worker looks again */
        p->chosen &= ~(unsigned)ROLLBACK_SECRETS;
    return 0;
}

/* --- the model --- */

static json_t *code_text(const json_t *release)
{
    const json_t *images = json_object_get(release, "images"), *image;
    const char *service, *sha256 = row_text(release, "artefact_sha256");
    struct buf out;
    json_t *text;
    buf_init(&out, 4000);
    buf_add_str(&out, row_text(release, "version"));
    if (sha256[0] != '\0')
        buf_printf(&out, ", artefact %.12s", sha256);
    if (row_has(release, "git_commit"))
        buf_printf(&out, ", commit %.12s", row_text(release, "git_commit"));
    json_object_foreach((json_t *)(uintptr_t)images, service, image)
    {
        const char *digest = strstr(row_text(image, "digest"), "sha256:");
        buf_printf(&out, "; %.60s %.19s", service,
                   digest == NULL ? row_text(image, "digest") : digest);
    }
    text = json_string(buf_ok(&out) ? out.data : row_text(release, "version"));
    buf_deinit(&out);
    return text;
}

/* note: what is worth a word; where the part cannot come back, why. */
static json_t *part_of(const struct rollback_page *p, size_t i, json_t *back, json_t *now,
                       json_t *note, bool is_changed)
{
    bool is_possible = (p->possible & PARTS[i].part) != 0;
    if (!is_possible) {
        json_decref(note);
        note = part_text("It cannot come back. %.300s", p->refused.user);
    }
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:b}", "name", PARTS[i].name,
                     "field", PARTS[i].field, "title", PARTS[i].title, "is_chosen",
                     (int)((p->chosen & PARTS[i].part) != 0), "is_possible", (int)is_possible,
                     "back", back, "now", now, "note", note, "is_changed",
                     (int)(is_changed && is_possible));
}

static json_t *code_part(const struct rollback_page *p)
{
    json_t *back = code_text(p->row);
    json_t *now = json_is_object(p->live) ? code_text(p->live) : json_string("nothing is live");
    bool is_changed = !json_equal(back, now);
    return part_of(p, 0, back, now,
                   json_string(is_changed ? "What is run is what ran then, by content, whatever a "
                                            "tag has become since."
                                          : ""),
                   is_changed);
}

static int settings_part(const struct rollback_page *p, json_t **part, struct err *err)
{
    const json_t *was = json_object_get(p->row, "settings");
    const json_t *now = json_object_get(p->environment, "settings");
    size_t count = release_count_settings(now, was);
    struct line_diff diff;
    bool same = release_same_compose(was, now), is_changed = count > 0 || !same;
    if (line_diff(row_text(now, "compose"), row_text(was, "compose"), 0, &diff, err) != 0)
        return -1;
    json_decref(diff.lines);
    json_t *back = !is_changed ? json_string("as the environment has them")
                   : same ? part_text("%zu setting%s as in v%lld", count, count == 1 ? "" : "s",
                                      (long long)row_int(p->row, "number"))
                   : count > 0 ? part_text("%zu setting%s, Compose file +%d −%d lines", count,
                                           count == 1 ? "" : "s", diff.added, diff.removed)
                               : part_text("Compose file +%d −%d lines", diff.added, diff.removed);
    *part = part_of(p, 1, back, json_string("as the environment has them"),
                    json_string(is_changed ? "The environment’s own settings stay as they are "
                                             "saved: the next deploy uses those again."
                                           : ""),
                    is_changed);
    return 0;
}

/* "DATABASE_URL changed, API_KEY removed and 3 more" */
static json_t *keys_text(const json_t *changes)
{
    struct buf out;
    const json_t *row;
    json_t *text;
    size_t i, count = json_array_size(changes);
    buf_init(&out, 4000);
    json_array_foreach(changes, i, row)
    {
        if (i == 8)
            break;
        buf_printf(&out, "%s%.128s %s", i > 0 ? ", " : "", row_text(row, "key"),
                   str_equal(row_text(row, "verb"), "about") ? "kept otherwise"
                                                             : row_text(row, "verb"));
    }
    if (count > 8)
        buf_printf(&out, " and %zu more", count - 8);
    text = json_string(out.len > 0 ? out.data : "");
    buf_deinit(&out);
    return text;
}

static int secrets_part(struct request *req, const struct rollback_page *p, json_t **part,
                        struct err *err)
{
    int64_t was = row_int(p->row, "secret_set"), newest = row_int(p->set, "number");
    json_t *changes = json_array();
    if (was != newest
        && secret_set_difference(req->db, row_text(p->environment, "id"), newest, was, &changes,
                                 err)
               != 0)
        return -1;
    *part = part_of(p, 2, was > 0 ? part_set_label(was) : json_string("none"),
                    newest > 0 ? part_text("s%lld, the newest", (long long)newest)
                               : json_string("none"),
                    keys_text(changes), json_array_size(changes) > 0);
    return 0;
}

static int parts_model(struct request *req, const struct rollback_page *p, json_t **parts,
                       struct err *err)
{
    json_t *settings, *secrets;
    if (settings_part(p, &settings, err) != 0 || secrets_part(req, p, &secrets, err) != 0)
        return -1;
    *parts = json_pack("[o, o, o]", code_part(p), settings, secrets);
    return 0;
}

static json_t *names_of(const json_t *servers)
{
    struct buf out;
    const json_t *server;
    json_t *text;
    size_t i;
    buf_init(&out, 8000);
    json_array_foreach(servers, i, server)
        buf_printf(&out, "%s%s", i > 0 ? ", " : "", row_text(server, "slug"));
    text = json_string(buf_ok(&out) && out.len > 0 ? out.data : "none");
    buf_deinit(&out);
    return text;
}

static bool migrates(const struct rollback_page *p)
{
    const struct rollback_plan *plan = &p->plans[p->chosen];
    const json_t *step;
    size_t i;
    json_array_foreach(json_object_get(recipe_spec(p->v.recipe), "steps"), i,
                       step) if (str_equal(row_text(step, "id"), "migrate")) return plan->settings
            != NULL
        && recipe_step_wanted(step, plan->settings);
    return false;
}

static int warnings_model(struct request *req, const struct rollback_page *p, json_t **list,
                          struct err *err)
{
    json_t *rows, *row;
    struct buf out;
    size_t i;
    *list = json_array();
    if (environment_migrated_after(req->db, row_text(p->environment, "id"),
                                   row_int(p->row, "number"), &rows, err)
        != 0)
        return -1;
    if (json_array_size(rows) > 0) {
        buf_init(&out, 4000);
        json_array_foreach(rows, i, row)
            buf_printf(&out, "%sv%lld", i > 0 ? ", " : "", (long long)row_int(row, "number"));
        json_array_append_new(
            *list, part_text("The data was migrated since: %.300s ran a migrate command. That is "
                             "not undone. See whether version %.64s works with the data as it is.",
                             out.data, row_text(p->row, "version")));
        buf_deinit(&out);
    }
    if (migrates(p))
        json_array_append_new(*list,
                              json_string("The migrate command of the release that comes back is "
                                          "run again, before the switch."));
    return 0;
}

static json_t *steps_model(const struct rollback_page *p)
{
    struct deploy_view view = {
        .card = p->v.card, .recipe = p->v.recipe, .settings = p->plans[p->chosen].settings};
    return deploy_plan_steps(&view);
}

static int estimate(struct request *req, const struct rollback_page *p, json_t *data,
                    struct err *err)
{
    static const char *const KINDS[] = {"rollback", "deploy"};
    const char *id = row_text(p->environment, "id");
    struct job_estimate e = {.runs = 0};
    char took[32];
    for (size_t i = 0; i < COUNT_OF(KINDS) && e.runs == 0; i++)
        if (job_estimate(req->db, id, KINDS[i], &e, err) != 0)
            return -1;
    json_object_set_new(data, "estimate_text",
                        e.runs == 0
                            ? json_string("")
                            : part_text("about %s", str_duration(took, sizeof took, e.median_ms)));
    return 0;
}

/* A hidden field for each choice that is possible. */
static int plans_model(struct request *req, const struct rollback_page *p, json_t **list,
                       struct err *err)
{
    *list = json_array();
    for (unsigned parts = 1; parts <= ROLLBACK_ALL; parts++) {
        char hash[65];
        const char *field;
        if (p->plans[parts].basis == NULL)
            continue;
        if (confirm_field(req, p->plans[parts].basis, hash, &field, err) != 0)
            return -1;
        json_array_append_new(
            *list, json_pack("{s:o, s:s}", "name", part_text("plan.%u", parts), "value", field));
    }
    return 0;
}

static json_t *problems_of(const struct rollback_page *p)
{
    json_t *problems = readiness_problems(p->v.card, p->servers, true);
    if (p->possible == ROLLBACK_NOTHING)
        json_array_append_new(problems, json_pack("{s:s, s:o, s:s}", "text", p->refused.user,
                                                  "href", release_href(&p->v, "%s", ""), "action",
                                                  "Choose another release"));
    return problems;
}

static int respond(struct request *req, struct response *res, int status, struct rollback_page *p,
                   json_t *page, struct err *err)
{
    json_t *data = release_data_new(&p->v), *parts, *warnings, *plans, *problems = problems_of(p);
    if (parts_model(req, p, &parts, err) != 0 || warnings_model(req, p, &warnings, err) != 0
        || plans_model(req, p, &plans, err) != 0 || estimate(req, p, data, err) != 0)
        return -1;
    json_object_set_new(data, "release", release_model(&p->v, p->row));
    json_object_set_new(data, "live", part_live(p->v.card));
    json_object_set_new(data, "ready", release_ready(&p->v, p->row));
    json_object_set_new(data, "parts", parts);
    json_object_set_new(data, "servers", names_of(p->servers));
    json_object_set_new(data, "newest_set", part_set_label(row_int(p->set, "number")));
    json_object_set_new(data, "warnings", warnings);
    json_object_set_new(data, "plans", plans);
    json_object_set_new(data, "steps", steps_model(p));
    json_object_set_new(data, "becomes",
                        part_text("v%lld", (long long)row_int(p->environment, "next_release")));
    json_object_set_new(
        data, "rollback_href",
        release_href(&p->v, "/%lld/rollback", (long long)row_int(p->row, "number")));
    json_object_set_new(data, "can_rollback", json_boolean(json_array_size(problems) == 0));
    json_object_set_new(data, "problems", problems);
    return respond_page(res, status, "rollback", data, page);
}

static json_t *page_of(struct request *req, const struct rollback_page *p)
{
    char title[60];
    json_t *page;
    snprintf(title, sizeof title, "Roll back to v%lld", (long long)row_int(p->row, "number"));
    page = release_page_new(req, &p->v, title, "Roll back");
    page_field(page, "parts", NULL);
    confirm_fields(req, page);
    return page;
}

static void end_page(struct rollback_page *p)
{
    for (unsigned parts = 1; parts <= ROLLBACK_ALL; parts++)
        rollback_plan_free(&p->plans[parts]);
    release_view_end(&p->v);
}

int rollback_show(struct request *req, struct response *res, struct err *err)
{
    struct rollback_page p;
    int rc = -1;
    if (read_page(req, &p, err) == 0)
        rc = respond(req, res, 200, &p, page_of(req, &p), err);
    end_page(&p);
    return rc;
}

/* --- the button --- */

static unsigned chosen_parts(struct request *req)
{
    unsigned parts = ROLLBACK_NOTHING;
    for (size_t i = 0; i < COUNT_OF(PARTS); i++)
        if (str_equal(request_field(req, PARTS[i].field), "1"))
            parts |= (unsigned)PARTS[i].part;
    return parts;
}

/* 0 when all is well, else the status of the page that says what is not. */
static int check_form(struct request *req, struct rollback_page *p, json_t *page)
{
    struct err e = {0};
    char field[16];
    unsigned parts = chosen_parts(req);
    const json_t *basis = p->plans[parts].basis;
    confirm_check(req, page);
    if (parts == ROLLBACK_NOTHING)
        page_error(page, "parts", "Choose at least one part that is to come back.");
    else if (basis == NULL)
        page_error(page, "parts", p->refused.user);
    else
        p->chosen = parts;
    if (page_has_errors(page) || json_array_size(problems_of(p)) > 0)
        return 422;
    snprintf(field, sizeof field, "plan.%u", parts);
    if (confirm_compare(req, field, basis, &e) == 0)
        return 0;
    confirm_error(page, e.user);
    return 409;
}

/* Why automatic deploys are paused, as everybody reads it. */
static const char *pause_why(struct request *req, const struct rollback_page *p)
{
    const char *why = page_lines(req, request_field(req, "why"));
    const char *text = arena_printf(req->arena, "rolled back to v%lld (%.64s)%s%.300s",
                                    (long long)row_int(p->row, "number"),
                                    row_text(p->row, "version"), why[0] != '\0' ? ": " : "", why);
    return text == NULL ? "rolled back" : text;
}

static int add_rollback(struct request *req, struct response *res, struct rollback_page *p,
                        struct deploy_request *request, struct err *err)
{
    const struct rollback_plan *plan = &p->plans[p->chosen];
    json_t *artefact = json_pack("{s:O?}", "id", json_object_get(plan->code, "artefact_id"));
    request->environment = p->environment;
    request->artefact = artefact;
    request->basis = plan->basis;
    request->settings = plan->settings;
    request->trigger = TRIGGER_ROLLBACK;
    request->replays = row_text(p->row, "id");
    request->pause_why = pause_why(req, p);
    int rc = confirm_add(req, res, request, err);
    json_decref(artefact);
    return rc;
}

static int answer(struct request *req, struct response *res, struct rollback_page *p,
                  struct err *err)
{
    struct deploy_request request = {
        .job = confirm_job(req, p->v.card, "rollback", "rollback.request")};
    json_t *page = page_of(req, p);
    int found = confirm_second_click(req, res, &request.job, err), status;
    if (found != 0)
        return found == 1 ? 0 : -1;
    status = check_form(req, p, page);
    return status == 0 ? add_rollback(req, res, p, &request, err)
                       : respond(req, res, status, p, page, err);
}

int rollback_save(struct request *req, struct response *res, struct err *err)
{
    struct rollback_page p;
    int rc = -1;
    if (read_page(req, &p, err) == 0)
        rc = answer(req, res, &p, err);
    end_page(&p);
    return rc;
}

/* --- automatic deploys --- */

int env_resume(struct request *req, struct response *res, struct err *err)
{
    json_t *environment;
    const char *app = request_param(req, 0), *env = request_param(req, 1);
    if (environment_by_slugs(req->db, app, env, &environment, err) != 0
        || pause_end(req->db, &req->actor, environment, err) != 0)
        return -1;
    respond_flash(res, "ok", "Automatic deploys of %.40s / %.40s go on.", app, env);
    return respond_redirect(res, "/apps/%s/%s", app, env);
}

/* deploy.c - /apps/{app}/{env}/deploy: the confirm page is the plan, and pressing its button adds
 * the release and its job.
 *
 * What was confirmed is what runs: the form carries the plan's basis and its hash; a basis that is
 * another by now shows the page again (409) and names what changed (confirm.h). The worker compares
 * once more when the job starts. */
#include <stdio.h>
#include <string.h>
#include "cgi/http/site.h"
#include "cgi/pages/confirm.h"
#include "cgi/pages/deploy_images.h"
#include "cgi/pages/deploy_plan.h"
#include "cgi/pages/gates.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/readiness.h"
#include "cgi/pages/row.h"
#include "cgi/pages/secrets_required.h"
#include "cgi/pages/undeployed.h"
#include "db/artefacts.h"
#include "db/basis.h"
#include "db/environments.h"
#include "db/pauses.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

#define VERSIONS_MAX 50
#define TAGS_SHOWN   12

/* --- reading --- */

/* The asked-for version, or the newest. One older than the list is added to it. */
static int choose_artefact(struct request *req, struct deploy_view *view, const char *version,
                           struct err *err)
{
    struct err e = {0};
    json_t *row;
    size_t i;
    view->artefact = version[0] == '\0' ? json_array_get(view->artefacts, 0) : NULL;
    if (version[0] == '\0')
        return 0;
    json_array_foreach(view->artefacts, i, row) if (str_equal(row_text(row, "version"), version))
        view->artefact = row;
    if (view->artefact != NULL)
        return 0;
    if (artefact_by_version(req->db, row_text(view->card, "app_id"), version, &row, &e) == 0
        && artefact_by_id(req->db, row_text(row, "id"), &row, &e) == 0) {
        view->artefact = row;
        json_array_append(view->artefacts, row);
        return 0;
    }
    if (e.code == ERR_NOT_FOUND)
        return 0;
    *err = e;
    return -1;
}

/* Where the version is a tag there is nothing to choose from: any tag may be in the registry. One
 * that no image can have chooses nothing. */
static void choose_tag(struct deploy_view *view, const char *version)
{
    struct err refused = {0};
    json_t *shown = version[0] == '\0' ? deploy_images_tag(view) : json_string(version);
    view->version = json_string_value(shown);
    view->artefact =
        view->version == NULL || recipe_check_version(view->recipe, view->version, &refused) != 0
            ? NULL
            : json_pack("{s:s, s:s}", "version", view->version, "sha256", "");
}

static int choose_version(struct request *req, struct deploy_view *view, const char *version,
                          struct err *err)
{
    view->is_tag = !recipe_takes_artefact(view->recipe);
    view->artefacts = json_array();
    view->services = json_array();
    if (view->is_tag) {
        choose_tag(view, version);
        return 0;
    }
    if (artefact_page(req->db, row_text(view->card, "app_id"), INT64_MAX, VERSIONS_MAX,
                      &view->artefacts, err)
        != 0)
        return -1;
    return choose_artefact(req, view, version, err);
}

static int find_look(struct request *req, struct deploy_view *view, struct err *err)
{
    struct plan_subject subject = {
        .environment_id = row_text(view->environment, "id"),
        .settings = view->settings,
        .basis = view->basis,
        .params = json_pack("{s:s}", "version", row_text(view->artefact, "version"))};
    return plan_look_find(req, &subject, &view->look, err);
}

static int read_view(struct request *req, const char *version, struct deploy_view *view,
                     struct err *err)
{
    struct basis_inputs inputs;
    const char *app = request_param(req, 0), *env = request_param(req, 1);
    *view = (struct deploy_view){.version = version, .missing = json_array()};
    if (environment_by_slugs(req->db, app, env, &view->environment, err) != 0
        || environment_card(req->db, app, env, &view->card, err) != 0
        || environment_servers(req->db, row_text(view->environment, "id"), &view->servers, err) != 0
        || secrets_required_problem(req, view->card, view->missing, err) != 0
        || recipe_load(req->site->recipes_dir, row_text(view->environment, "recipe"), &view->recipe,
                       err)
               != 0
        || choose_version(req, view, version, err) != 0)
        return -1;
    if (view->artefact == NULL)
        return 0;
    inputs = (struct basis_inputs){view->recipe, view->environment, view->artefact};
    if (basis_of_deploy(req->db, &inputs, &view->basis, &view->settings, err) != 0
        || find_look(req, view, err) != 0)
        return -1;
    return view->is_tag ? deploy_images_services(view, &view->services, err) : 0;
}

/* --- the page --- */

/* "live here", "live in hello / staging", or "". */
static json_t *version_note(const json_t *cards, const json_t *card, const json_t *artefact)
{
    const json_t *other;
    size_t i;
    json_array_foreach(cards, i, other)
    {
        if (!str_equal(row_text(other, "live_version"), row_text(artefact, "version")))
            continue;
        if (str_equal(row_text(other, "id"), row_text(card, "id")))
            return json_string("live here");
        return part_text("live in %s / %s", row_text(other, "app_slug"), row_text(other, "slug"));
    }
    return json_string("");
}

static json_t *versions_of(const struct deploy_view *view, const json_t *cards)
{
    json_t *list = json_array();
    const json_t *row;
    size_t i;
    json_array_foreach(view->artefacts, i, row)
    {
        bool is_live =
            str_equal(row_text(row, "sha256"), row_text(view->card, "live_artefact_sha256"))
            && str_equal(row_text(row, "version"), row_text(view->card, "live_version"));
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:s, s:b, s:b, s:o}", "version",
                                              row_text(row, "version"), "size_text",
                                              part_size(row_int(row, "size_bytes")), "sha256_short",
                                              part_short_hash(row_text(row, "sha256")), "created",
                                              part_time(row_int(row, "created_at")), "origin_text",
                                              word_origin(row_text(row, "origin")), "is_selected",
                                              (int)(row == view->artefact), "is_live", (int)is_live,
                                              "note", version_note(cards, view->card, row)));
    }
    return list;
}

/* Tags that were deployed here or are live in another environment of the app, each once. */
static int tags_of(struct request *req, const struct deploy_view *view, const json_t *cards,
                   json_t **tags, struct err *err)
{
    json_t *seen = json_object(), *rows = NULL;
    const json_t *row;
    size_t i;
    *tags = json_array();
    if (environment_releases(req->db, row_text(view->card, "id"), INT64_MAX, VERSIONS_MAX, &rows,
                             err)
        != 0)
        return -1;
    json_array_foreach(cards, i, row) if (row_has(row, "live_version"))
        json_array_append(rows, json_pack("{s:s}", "version", row_text(row, "live_version")));
    json_array_foreach(rows, i, row)
    {
        const char *version = row_text(row, "version");
        if (json_object_get(seen, version) != NULL || json_array_size(*tags) >= TAGS_SHOWN)
            continue;
        json_object_set_new(seen, version, json_true());
        json_array_append_new(*tags, json_pack("{s:s, s:o, s:o}", "version", version, "href",
                                               part_text("/apps/%s/%s/deploy?version=%s",
                                                         row_text(view->card, "app_slug"),
                                                         row_text(view->card, "slug"), version),
                                               "note", version_note(cards, view->card, row)));
    }
    return 0;
}

static json_t *problems_of(const struct request *req, const struct deploy_view *view)
{
    json_t *problems = readiness_problems(view->card, view->servers,
                                          view->is_tag || json_array_size(view->artefacts) > 0);
    if (view->artefact == NULL && !view->is_tag && json_array_size(view->artefacts) > 0)
        json_array_append_new(
            problems,
            json_pack("{s:o, s:o, s:s}", "text",
                      part_text("There is no artefact of version %.64s.", view->version), "href",
                      part_text("/apps/%s/%s/deploy", row_text(view->card, "app_slug"),
                                row_text(view->card, "slug")),
                      "action", "Choose another"));
    json_array_extend(problems, view->missing);
    gate_add_problems(req, view->card, GATE_RELEASE, problems);
    return problems;
}

static json_t *deploy_page(struct request *req, const struct deploy_view *view)
{
    const char *app = row_text(view->card, "app_slug"), *env = row_text(view->card, "slug");
    char title[128];
    json_t *page;
    snprintf(title, sizeof title, "Deploy %.50s / %.50s", app, env);
    page = page_new(title, "apps");
    page_crumbs_of(page, app, env, row_text(view->card, "tier"));
    page_crumb(page, "Deploy", "");
    undeployed_add(req, page, view->card);
    page_field(page, "version", NULL);
    page_field(page, "despite_pause", request_field(req, "despite_pause"));
    gate_fields(req, page, view->card, GATE_RELEASE);
    confirm_fields(req, page);
    return page;
}

static int deploy_respond(struct request *req, struct response *res, int status,
                          const struct deploy_view *view, json_t *page, struct err *err)
{
    struct places places;
    json_t *cards = NULL, *plan = json_null(), *problems = problems_of(req, view), *data,
           *tags = NULL;
    json_t *warnings;
    const char *field = "";
    char hash[65] = "";

    if (places_load(req, &places, err) != 0
        || environment_cards(req->db, row_text(view->card, "app_id"), &cards, err) != 0
        || tags_of(req, view, cards, &tags, err) != 0)
        return -1;
    warnings = readiness_warnings(view->servers);
    deploy_images_warn(view, view->services, warnings);
    if (view->basis != NULL
        && (confirm_field(req, view->basis, hash, &field, err) != 0
            || deploy_plan_model(req, view, hash, &plan, err) != 0))
        return -1;
    json_object_set_new(json_object_get(page, "values"), "plan_hash", json_string(field));
    data = json_pack(
        "{s:o, s:o, s:o, s:b, s:s, s:o, s:o}", "environment", part_environment(&places, view->card),
        "live", part_live(view->card), "versions", versions_of(view, cards), "has_versions",
        (int)(json_array_size(view->artefacts) > 0), "version",
        view->artefact == NULL ? "" : row_text(view->artefact, "version"), "release_label",
        part_text("v%lld", (long long)row_int(view->environment, "next_release")), "plan", plan);
    json_object_set_new(data, "has_problems", json_boolean(json_array_size(problems) > 0));
    json_object_set_new(data, "can_deploy",
                        json_boolean(json_array_size(problems) == 0 && view->artefact != NULL));
    json_object_set_new(data, "problems", problems);
    json_object_set_new(data, "is_tag", json_boolean(view->is_tag));
    json_object_set_new(data, "is_ref", json_boolean(recipe_takes_ref(view->recipe)));
    json_object_set_new(data, "tag", json_string(view->is_tag ? view->version : ""));
    part_set_list(data, "tags", "has_tags", tags);
    json_object_set_new(data, "warnings", warnings);
    return respond_page(res, status, "deploy", data, page);
}

int deploy_show(struct request *req, struct response *res, struct err *err)
{
    struct deploy_view view;
    const char *version = request_query(req, "version");
    int rc = -1;
    if (read_view(req, version, &view, err) == 0) {
        json_t *page = deploy_page(req, &view);
        struct err e = {0};
        if (view.is_tag && view.artefact == NULL
            && recipe_check_version(view.recipe, view.version, &e) != 0)
            page_error(page, "version", e.user);
        rc = deploy_respond(req, res, page_has_errors(page) ? 422 : 200, &view, page, err);
    }
    recipe_free(view.recipe);
    return rc;
}

/* --- the button --- */

/* A person may deploy while automatic deploys are paused, knowing it; nobody else may. */
static int check_pause(struct request *req, const struct deploy_view *view, json_t *page,
                       struct err *err)
{
    if (pause_refuses(view->card, req->has_bearer ? TRIGGER_TOKEN : TRIGGER_BUTTON, err) != 0)
        return -1;
    if (pause_is_on(view->card) && !str_equal(request_field(req, "despite_pause"), "1"))
        page_error(page, "despite_pause",
                   "Automatic deploys are paused here. Confirm that you deploy all the same.");
    return 0;
}

/* One field, one sentence; 0 when all is well, else the status of the page that says so. */
static int check_form(struct request *req, const struct deploy_view *view, json_t *page)
{
    struct err e = {0};
    confirm_check(req, page);
    gate_check(req, page, view->card, GATE_RELEASE);
    if (view->artefact == NULL && view->is_tag
        && recipe_check_version(view->recipe, view->version, &e) != 0)
        page_error(page, "version", e.user);
    else if (view->artefact == NULL)
        page_error(page, "version", "There is no artefact of this version. Choose one.");
    if (page_has_errors(page))
        return 422;
    if (json_array_size(problems_of(req, view)) > 0)
        return 422;
    if (confirm_compare(req, "plan_hash", view->basis, &e) == 0)
        return 0;
    confirm_error(page, e.user);
    return 409;
}

static int answer(struct request *req, struct response *res, const struct deploy_view *view,
                  struct err *err)
{
    struct deploy_request request = {.job =
                                         confirm_job(req, view->card, "deploy", "deploy.request"),
                                     .environment = view->environment,
                                     .artefact = view->artefact,
                                     .basis = view->basis,
                                     .settings = view->settings};
    json_t *page = deploy_page(req, view);
    int found = confirm_second_click(req, res, &request.job, err), status;
    if (found != 0)
        return found == 1 ? 0 : -1;
    if (check_pause(req, view, page, err) != 0)
        return -1;
    request.job.params = gate_params(req, view->card);
    status = check_form(req, view, page);
    return status == 0 ? confirm_add(req, res, &request, err)
                       : deploy_respond(req, res, status, view, page, err);
}

int deploy_save(struct request *req, struct response *res, struct err *err)
{
    struct deploy_view view;
    int rc = -1;
    if (read_view(req, request_field(req, "version"), &view, err) == 0)
        rc = answer(req, res, &view, err);
    recipe_free(view.recipe);
    return rc;
}

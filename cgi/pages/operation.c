/* operation.c - /apps/{app}/{env}/operate/{what}: what a restart, stop, start or redeploy of what
 * is live does, and the button that adds its job. What is confirmed is what is asked for
 * (confirm.h).
 */
#include <stdio.h>
#include <string.h>
#include "cgi/http/ask.h"
#include "cgi/http/site.h"
#include "cgi/pages/confirm.h"
#include "cgi/pages/deploy_plan.h"
#include "cgi/pages/gates.h"
#include "cgi/pages/operation_view.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/promotion.h"
#include "cgi/pages/readiness.h"
#include "cgi/pages/row.h"
#include "cgi/pages/secrets_required.h"
#include "cgi/pages/submit.h"
#include "cgi/pages/undeployed.h"
#include "db/environments.h"
#include "db/operations.h"
#include "db/pauses.h"
#include "db/rollbacks.h"
#include "db/secrets.h"
#include "lib/base/str.h"

struct operation_page {
    const struct operation_words *words;
    json_t *card, *environment, *servers;
    struct recipe *recipe;
    bool makes_release, is_promotion;
    struct operation_plan plan;  /* what makes no release */
    struct rollback_plan replay; /* what makes one */
    struct promotion promotion;
    json_t *basis, *settings, *of; /* borrowed from the two; NULL: refused */
    struct err refused;
    json_t *missing; /* secrets that a new release needs */
};

/* --- reading --- */

static int find_code(struct request *req, struct operation_page *p, json_t **code, struct err *err)
{
    const char *id = row_text_or_null(p->environment, "live_release_id");
    if (p->is_promotion) {
        if (promotion_read(req, p->card, &p->promotion, err) != 0)
            return -1;
        *code = p->promotion.release;
        return 0;
    }
    if (environment_release(req->db, id, code, err) != 0)
        return -1;
    return operation_may(p->recipe, p->environment, *code, "redeploy", err);
}

static int make_replay(struct request *req, struct operation_page *p, struct err *err)
{
    json_t *code = NULL;
    struct rollback_inputs in = {.recipe = p->recipe,
                                 .environment = p->environment,
                                 .parts = ROLLBACK_CODE,
                                 .mode = p->is_promotion ? REPLAY_PROMOTE : REPLAY_REDEPLOY};
    if (secrets_required_problem(req, p->card, p->missing, err) != 0
        || find_code(req, p, &code, err) != 0)
        return -1;
    in.replayed = code;
    if (rollback_plan_make(req->db, &in, &p->replay, err) != 0)
        return -1;
    p->basis = p->replay.basis;
    p->settings = p->replay.settings;
    p->of = p->replay.code;
    return 0;
}

static int make_plan(struct request *req, struct operation_page *p, struct err *err)
{
    if (p->makes_release)
        return make_replay(req, p, err);
    if (operation_plan_make(req->db, p->recipe, p->environment, p->words->name, &p->plan, err) != 0)
        return -1;
    p->basis = p->plan.basis;
    p->settings = p->plan.settings;
    p->of = p->plan.live;
    return 0;
}

static int read_page(struct request *req, struct operation_page *p, struct err *err)
{
    const char *app = request_param(req, 0), *env = request_param(req, 1);
    *p = (struct operation_page){.words = operation_words_find(request_param(req, 2)),
                                 .missing = json_array()};
    if (p->words == NULL)
        return err_set(err, ERR_NOT_FOUND, "There is no such operation.");
    p->is_promotion = str_equal(p->words->name, "promote");
    p->makes_release = p->is_promotion || str_equal(p->words->name, "redeploy");
    if (environment_card(req->db, app, env, &p->card, err) != 0
        || environment_by_slugs(req->db, app, env, &p->environment, err) != 0
        || environment_servers(req->db, row_text(p->environment, "id"), &p->servers, err) != 0
        || recipe_load(req->site->recipes_dir, row_text(p->environment, "recipe"), &p->recipe, err)
               != 0)
        return -1;
    if (make_plan(req, p, &p->refused) == 0 || p->refused.code == ERR_CONFLICT
        || p->refused.code == ERR_INPUT || p->refused.code == ERR_DENIED)
        return 0;
    *err = p->refused;
    return -1;
}

static void end_page(struct operation_page *p)
{
    operation_plan_free(&p->plan);
    rollback_plan_free(&p->replay);
    recipe_free(p->recipe);
}

/* --- the model --- */

static enum gate_for gate_of(const struct operation_page *p)
{
    return p->makes_release ? GATE_RELEASE : GATE_OPERATION;
}

static json_t *problems_of(const struct request *req, const struct operation_page *p)
{
    json_t *problems = readiness_problems(p->card, p->servers, true);
    if (p->basis == NULL)
        json_array_append_new(
            problems, json_pack("{s:s, s:o, s:s}", "text", p->refused.user, "href",
                                part_text("/apps/%s/%s/operate", row_text(p->card, "app_slug"),
                                          row_text(p->card, "slug")),
                                "action", "Back to Operate"));
    json_array_extend(problems, p->missing);
    gate_add_problems(req, p->card, gate_of(p), problems);
    return problems;
}

static json_t *hosts_of(const json_t *servers)
{
    json_t *list = json_array();
    const json_t *row;
    size_t i;
    json_array_foreach(servers, i, row) json_array_append_new(list, part_host(row));
    return list;
}

static json_t *steps_of(const struct operation_page *p)
{
    struct deploy_view view = {.card = p->card, .recipe = p->recipe, .settings = p->settings};
    if (p->basis == NULL)
        return json_array();
    return p->makes_release
               ? deploy_plan_steps(&view)
               : deploy_plan_operation(&view, recipe_operation(p->recipe, p->words->name));
}

/* What a new release brings against the live one; and for one of another environment, which secrets
 * differ by key. */
static int add_changes(struct request *req, const struct operation_page *p, json_t *data,
                       struct err *err)
{
    json_t *changes = json_array(), *secrets = json_array(), *source = json_null();
    struct promotion_new next = {p->basis, p->settings, p->of};
    if (p->makes_release && p->basis != NULL
        && promotion_changes(req, p->card, &next, &changes, err) != 0)
        return -1;
    if (p->is_promotion && p->basis != NULL) {
        source = promotion_source(&p->promotion, p->card);
        if (promotion_secrets(req, &p->promotion, p->card, p->basis, &secrets, err) != 0)
            return -1;
    }
    part_set_list(data, "changes", "has_changes", changes);
    part_set_list(data, "secret_changes", "has_secret_changes", secrets);
    json_object_set_new(data, "source", source);
    return 0;
}

static int add_estimate(struct request *req, const struct operation_page *p, json_t *data,
                        struct err *err)
{
    struct job_estimate e = {.runs = 0};
    const char *kind = p->makes_release ? "deploy" : p->words->name;
    char took[32];
    if (job_estimate(req->db, row_text(p->card, "id"), kind, &e, err) != 0)
        return -1;
    json_object_set_new(data, "estimate_text",
                        e.runs == 0
                            ? json_string("")
                            : part_text("about %s", str_duration(took, sizeof took, e.median_ms)));
    return 0;
}

static json_t *page_of(struct request *req, const struct operation_page *p)
{
    const char *app = row_text(p->card, "app_slug"), *env = row_text(p->card, "slug");
    char title[128], href[200];
    json_t *page;
    snprintf(title, sizeof title, "%.20s %.50s / %.50s", p->words->title, app, env);
    snprintf(href, sizeof href, "/apps/%.60s/%.60s/operate", app, env);
    page = page_new(title, "apps");
    page_crumbs_of(page, app, env, row_text(p->card, "tier"));
    page_crumb(page, "Operate", href);
    page_crumb(page, p->words->title, "");
    undeployed_add(req, page, p->card);
    gate_fields(req, page, p->card, gate_of(p));
    page_field(page, "from", promotion_field(req, "from"));
    page_field(page, "release", promotion_field(req, "release"));
    confirm_fields(req, page);
    return page;
}

static int respond(struct request *req, struct response *res, int status,
                   const struct operation_page *p, json_t *page, struct err *err)
{
    struct places places;
    json_t *data, *problems = problems_of(req, p);
    const char *field = "";
    char hash[65] = "";
    if (places_load(req, &places, err) != 0
        || (p->basis != NULL && confirm_field(req, p->basis, hash, &field, err) != 0))
        return -1;
    json_object_set_new(json_object_get(page, "values"), "plan_hash", json_string(field));
    data = json_pack("{s:o, s:{s:s, s:s, s:s, s:s, s:b}, s:o, s:o, s:o, s:o, s:o}", "environment",
                     part_environment(&places, p->card), "operation", "name", p->words->name,
                     "title", p->words->title, "text", p->words->text, "button", p->words->button,
                     "is_danger", (int)p->words->is_danger, "live", part_live(p->card), "steps",
                     steps_of(p), "hosts", hosts_of(p->servers), "becomes",
                     p->makes_release
                         ? part_text("v%lld", (long long)row_int(p->environment, "next_release"))
                         : json_string(""),
                     "operation_href",
                     part_text("/apps/%s/%s/operate/%s", row_text(p->card, "app_slug"),
                               row_text(p->card, "slug"), p->words->name));
    if (add_changes(req, p, data, err) != 0)
        return -1;
    json_object_set_new(data, "can", json_boolean(json_array_size(problems) == 0));
    json_object_set_new(data, "problems", problems);
    if (add_estimate(req, p, data, err) != 0)
        return -1;
    return respond_page(res, status, "operation", data, page);
}

int operation_show(struct request *req, struct response *res, struct err *err)
{
    struct operation_page p;
    int rc = -1;
    if (read_page(req, &p, err) == 0)
        rc = respond(req, res, 200, &p, page_of(req, &p), err);
    end_page(&p);
    return rc;
}

/* --- the button --- */

static int check_form(struct request *req, const struct operation_page *p, json_t *page)
{
    struct err e = {0};
    confirm_check(req, page);
    gate_check(req, page, p->card, gate_of(p));
    if (page_has_errors(page) || json_array_size(problems_of(req, p)) > 0)
        return 422;
    if (confirm_compare(req, "plan_hash", p->basis, &e) == 0)
        return 0;
    confirm_error(page, e.user);
    return 409;
}

static int add_release(struct request *req, struct response *res, const struct operation_page *p,
                       const struct job_request *job, struct err *err)
{
    json_t *artefact = json_pack("{s:O?}", "id", json_object_get(p->of, "artefact_id"));
    struct deploy_request request = {.job = *job,
                                     .environment = p->environment,
                                     .artefact = artefact,
                                     .basis = p->basis,
                                     .settings = p->settings,
                                     .trigger =
                                         p->is_promotion ? TRIGGER_PROMOTE : TRIGGER_REDEPLOY};
    if (p->is_promotion)
        request.promoted_from = row_text(p->of, "id");
    else
        request.replays = row_text(p->of, "id");
    return confirm_add(req, res, &request, err);
}

static int add_operation(struct request *req, struct response *res, const struct operation_page *p,
                         struct job_request *job, struct err *err)
{
    struct job_added added;
    job->confirmed = p->basis;
    if (submit_job(req, job, &added, err) != 0)
        return -1;
    return respond_redirect(res, "/jobs/%s", added.id);
}

static int answer(struct request *req, struct response *res, const struct operation_page *p,
                  struct err *err)
{
    const char *verb = arena_printf(req->arena, "%s.request", p->words->name);
    struct job_request job = confirm_job(req, p->card, p->words->name, verb);
    json_t *params = p->makes_release ? gate_params(req, p->card) : NULL;
    json_t *page = page_of(req, p);
    int found = confirm_second_click(req, res, &job, err), status;
    if (found != 0)
        return found == 1 ? 0 : -1;
    job.params = params;
    status = check_form(req, p, page);
    if (status != 0)
        return respond(req, res, status, p, page, err);
    return p->makes_release ? add_release(req, res, p, &job, err)
                            : add_operation(req, res, p, &job, err);
}

int operation_save(struct request *req, struct response *res, struct err *err)
{
    struct operation_page p;
    int rc = -1;
    if (read_page(req, &p, err) == 0)
        rc = answer(req, res, &p, err);
    end_page(&p);
    return rc;
}

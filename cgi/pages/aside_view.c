/* aside_view.c - see aside_view.h. */
#include "cgi/pages/aside_view.h"

#include <stdio.h>
#include "cgi/http/site.h"
#include "cgi/pages/containers.h"
#include "cgi/pages/page.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/readiness.h"
#include "cgi/pages/row.h"
#include "cgi/pages/undeployed.h"
#include "db/environments.h"
#include "lib/base/str.h"

/* --- reading --- */

static void add_service(json_t *services, const char *name)
{
    const json_t *known;
    size_t i;
    json_array_foreach(services, i, known) if (str_equal(json_string_value(known), name)) return;
    if (name[0] != '\0')
        json_array_append_new(services, json_string(name));
}

static int read_services(struct request *req, struct aside_view *v, struct err *err)
{
    json_t *look = NULL, *image;
    const json_t *row;
    const char *service;
    size_t i;
    v->services = json_array();
    if (recipe_takes_artefact(v->recipe))
        return 0;
    if (containers_model(req, row_text(v->environment, "id"), &look, err) != 0)
        return -1;
    json_array_foreach(json_object_get(look, "containers"), i, row)
        add_service(v->services, row_text(row, "service"));
    json_object_foreach(json_object_get(v->plan.live, "images"), service, image)
        add_service(v->services, service);
    return 0;
}

int aside_view_read(struct request *req, const char *kind, struct aside_view *v, struct err *err)
{
    const char *app = request_param(req, 0), *env = request_param(req, 1);
    *v = (struct aside_view){.recipe = NULL};
    if (environment_card(req->db, app, env, &v->card, err) != 0
        || environment_by_slugs(req->db, app, env, &v->environment, err) != 0
        || environment_servers(req->db, row_text(v->environment, "id"), &v->servers, err) != 0
        || recipe_load(req->site->recipes_dir, row_text(v->environment, "recipe"), &v->recipe, err)
               != 0)
        return -1;
    if (operation_plan_make(req->db, v->recipe, v->environment, kind, &v->plan, &v->refused) != 0
        && v->refused.code != ERR_CONFLICT && v->refused.code != ERR_INPUT) {
        *err = v->refused;
        return -1;
    }
    return read_services(req, v, err);
}

void aside_view_end(struct aside_view *v)
{
    operation_plan_free(&v->plan);
    recipe_free(v->recipe);
}

/* --- the model --- */

json_t *aside_servers(const struct aside_view *v, const char *chosen)
{
    json_t *list = json_array();
    const json_t *row;
    size_t i;
    json_array_foreach(v->servers, i, row)
    {
        const char *slug = row_text(row, "slug");
        json_array_append_new(list, part_choice(slug, slug, str_equal(slug, chosen)));
    }
    return list;
}

json_t *aside_services(const struct aside_view *v, const char *chosen, bool with_all)
{
    json_t *list = json_array();
    const json_t *name;
    size_t i;
    if (with_all)
        json_array_append_new(list, part_choice("", "all of them", chosen[0] == '\0'));
    json_array_foreach(v->services, i, name)
    {
        const char *text = json_string_value(name);
        json_array_append_new(list, part_choice(text, text, str_equal(text, chosen)));
    }
    return list;
}

const json_t *aside_server(const struct aside_view *v, const char *slug)
{
    const json_t *row;
    size_t i;
    json_array_foreach(v->servers, i, row) if (str_equal(row_text(row, "slug"), slug)) return row;
    return NULL;
}

static json_t *problems_of(const struct aside_view *v)
{
    json_t *problems = readiness_problems(v->card, v->servers, true);
    if (v->plan.basis == NULL)
        json_array_append_new(
            problems, json_pack("{s:s, s:o, s:s}", "text", v->refused.user, "href",
                                part_text("/apps/%s/%s/operate", row_text(v->card, "app_slug"),
                                          row_text(v->card, "slug")),
                                "action", "Back to Operate"));
    return problems;
}

json_t *aside_page_new(struct request *req, const struct aside_view *v, const char *title)
{
    const char *app = row_text(v->card, "app_slug"), *env = row_text(v->card, "slug");
    char whole[160], href[200];
    json_t *page;
    snprintf(whole, sizeof whole, "%.40s of %.50s / %.50s", title, app, env);
    snprintf(href, sizeof href, "/apps/%.60s/%.60s/operate", app, env);
    page = page_new(whole, "apps");
    page_crumbs_of(page, app, env, row_text(v->card, "tier"));
    page_crumb(page, "Operate", href);
    page_crumb(page, title, "");
    undeployed_add(req, page, v->card);
    return page;
}

int aside_data_new(struct request *req, const struct aside_view *v, json_t **data, struct err *err)
{
    struct places places;
    json_t *problems = problems_of(v);
    if (places_load(req, &places, err) != 0)
        return -1;
    *data = json_pack("{s:o, s:o, s:b, s:b, s:o}", "environment",
                      part_environment(&places, v->card), "live", part_live(v->card),
                      "has_services", (int)(json_array_size(v->services) > 0), "can",
                      (int)(json_array_size(problems) == 0), "problems", problems);
    return 0;
}

/* environment_forms.c - /apps/{app}/new and /apps/{app}/{env}/settings: making an environment, and
 * changing its tier, servers and settings. */
#include <stdio.h>
#include <string.h>
#include "cgi/http/site.h"
#include "cgi/pages/env_form.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "cgi/pages/undeployed.h"
#include "db/apps.h"
#include "db/environments.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"

/* --- /apps/{app}/new --- */

/* The recipe asked for, or the only one, or "release" where there are several. */
static int choose_recipe(struct request *req, const char *wanted, const json_t *recipes,
                         struct recipe **recipe, struct err *err)
{
    const char *name = "release";
    const json_t *entry;
    size_t i;
    if (json_array_size(recipes) == 1)
        name = row_text(json_array_get(recipes, 0), "name");
    json_array_foreach(recipes, i, entry) if (str_equal(row_text(entry, "name"), wanted)) name =
        row_text(entry, "name");
    if (wanted[0] != '\0' && !str_equal(name, wanted))
        return err_set(err, ERR_NOT_FOUND, "There is no recipe of that name.");
    return recipe_load(req->site->recipes_dir, name, recipe, err);
}

static json_t *env_new_page(const struct request *req, const json_t *app)
{
    json_t *page = page_new("New environment", "apps");
    page_crumbs_of(page, row_text(app, "slug"), NULL, NULL);
    page_crumb(page, "New environment", "");
    page_field(page, "slug", request_field(req, "slug"));
    page_field(page, "tier", NULL);
    page_field(page, "recipe", NULL);
    page_field(page, "servers", NULL);
    return page;
}

struct env_new {
    json_t *app, *recipes;
    struct recipe *recipe;
    json_t *defaults; /* with {env} still in them: the name is not known yet */
};

static int env_new_read(struct request *req, const char *wanted, struct env_new *n, struct err *err)
{
    *n = (struct env_new){.recipe = NULL};
    if (app_by_slug(req->db, request_param(req, 0), &n->app, err) != 0
        || recipe_list(req->site->recipes_dir, &n->recipes, err) != 0
        || choose_recipe(req, wanted, n->recipes, &n->recipe, err) != 0)
        return -1;
    return recipe_defaults(n->recipe, row_text(n->app, "slug"), "{env}", &n->defaults, err);
}

static int env_new_respond(struct response *res, int status, const struct env_new *n,
                           const struct env_form *form, json_t *page)
{
    json_t *data = json_object(), *recipes = json_array();
    const json_t *entry;
    size_t i;
    json_array_foreach(n->recipes, i, entry) json_array_append_new(
        recipes,
        json_pack("{s:s, s:s, s:s, s:b}", "name", row_text(entry, "name"), "title",
                  row_text(entry, "title"), "summary", row_text(entry, "summary"), "is_selected",
                  (int)str_equal(row_text(entry, "name"), recipe_name(n->recipe))));
    json_object_set_new(
        data, "app",
        part_app(row_text(n->app, "id"), row_text(n->app, "slug"), row_text(n->app, "name")));
    json_object_set_new(data, "has_choice", json_boolean(json_array_size(recipes) > 1));
    json_object_set_new(data, "recipes", recipes);
    json_object_set_new(data, "recipe", env_form_recipe(n->recipe));
    env_form_model(n->recipe, form, n->defaults, page, data);
    return respond_page(res, status, "env_new", data, page);
}

int env_new_show(struct request *req, struct response *res, struct err *err)
{
    struct env_new n;
    struct env_form form = {.tier = "staging"};
    int rc = -1;
    if (env_new_read(req, request_query(req, "recipe"), &n, err) == 0
        && env_form_choices(req, &form, err) == 0) {
        form.values = n.defaults;
        form.server_ids = json_array();
        if (json_array_size(form.servers) == 1) /* no choice to make */
            json_array_append(form.server_ids,
                              json_object_get(json_array_get(form.servers, 0), "id"));
        rc = env_new_respond(res, 200, &n, &form, env_new_page(req, n.app));
    }
    recipe_free(n.recipe);
    return rc;
}

/* {env} was not known before: defaults and what was typed get it now. */
static int fill_in_name(struct request *req, const struct env_new *n, struct env_form *form,
                        struct err *err)
{
    if (form->checked == NULL)
        return 0;
    if (recipe_fill_in(n->recipe, form->checked, row_text(n->app, "slug"),
                       request_field(req, "slug"), err)
        != 0)
        return -1;
    return recipe_check_settings(n->recipe, form->checked, &form->checked, err);
}

static void check_slug(struct request *req, json_t *page)
{
    struct err e = {0};
    const char *slug = request_field(req, "slug");
    if (validate_slug("slug", slug, &e) != 0)
        page_error(page, "slug", e.user);
    else if (str_equal(slug, "new") || str_equal(slug, "artefacts") || str_equal(slug, "secrets"))
        page_error(page, "slug",
                   "This name is the address of another page of the app. Choose another one.");
}

static int env_new_create(struct request *req, struct response *res, const struct env_new *n,
                          struct env_form *form, json_t *page, struct err *err)
{
    struct err e = {0};
    char id[CRYPTO_ID_SIZE];
    struct environment_new env = {.app_id = row_text(n->app, "id"),
                                  .slug = request_field(req, "slug"),
                                  .tier = form->tier,
                                  .recipe = recipe_name(n->recipe),
                                  .server_ids = form->server_ids,
                                  .balancers = form->balancers};
    if (fill_in_name(req, n, form, err) != 0)
        return -1;
    env.settings = form->checked;
    if (environment_create(req->db, &req->actor, &env, id, &e) == 0) {
        respond_flash(res, "ok", "Environment %s is made.", env.slug);
        return respond_redirect(res, "/apps/%s/%s", row_text(n->app, "slug"), env.slug);
    }
    if (page_take_err(page, &e, "slug") != 0) {
        *err = e;
        return -1;
    }
    return env_new_respond(res, 422, n, form, page);
}

int env_new_save(struct request *req, struct response *res, struct err *err)
{
    struct env_new n;
    struct env_form form = {.tier = ""};
    json_t *page;
    int rc = -1;
    if (env_new_read(req, request_field(req, "recipe"), &n, err) == 0) {
        page = env_new_page(req, n.app);
        check_slug(req, page);
        if (env_form_read(req, n.recipe, &form, page, err) == 0)
            rc = page_has_errors(page) ? env_new_respond(res, 422, &n, &form, page)
                                       : env_new_create(req, res, &n, &form, page, err);
    }
    recipe_free(n.recipe);
    return rc;
}

/* --- /apps/{app}/{env}/settings --- */

struct env_edit {
    json_t *environment, *card, *defaults;
    struct places places;
    struct recipe *recipe;
};

static int env_edit_read(struct request *req, struct env_edit *edit, struct err *err)
{
    const char *app = request_param(req, 0), *env = request_param(req, 1);
    *edit = (struct env_edit){.recipe = NULL};
    if (environment_by_slugs(req->db, app, env, &edit->environment, err) != 0
        || environment_card(req->db, app, env, &edit->card, err) != 0
        || places_load(req, &edit->places, err) != 0
        || recipe_load(req->site->recipes_dir, row_text(edit->environment, "recipe"), &edit->recipe,
                       err)
               != 0)
        return -1;
    return recipe_defaults(edit->recipe, app, env, &edit->defaults, err);
}

static json_t *settings_page(struct request *req, const struct env_edit *edit)
{
    const char *app = row_text(edit->card, "app_slug"), *env = row_text(edit->card, "slug");
    char title[128];
    json_t *page;
    snprintf(title, sizeof title, "Settings of %.50s / %.50s", app, env);
    page = page_new(title, "apps");
    page_crumbs_of(page, app, env, row_text(edit->card, "tier"));
    page_crumb(page, "Settings", "");
    undeployed_add(req, page, edit->card);
    page_field(page, "slug", NULL);
    page_field(page, "tier", NULL);
    page_field(page, "recipe", NULL);
    page_field(page, "servers", NULL);
    return page;
}

static int settings_respond(struct response *res, int status, const struct env_edit *edit,
                            const struct env_form *form, json_t *page)
{
    json_t *data = json_object();
    json_object_set_new(data, "environment", part_environment(&edit->places, edit->card));
    json_object_set_new(data, "recipe", env_form_recipe(edit->recipe));
    env_form_model(edit->recipe, form, edit->defaults, page, data);
    return respond_page(res, status, "env_settings", data, page);
}

/* The form as the environment is now. */
static int settings_form(struct request *req, const struct env_edit *edit, struct env_form *form,
                         struct err *err)
{
    json_t *linked = NULL;
    const json_t *row;
    size_t i;
    if (env_form_choices(req, form, err) != 0
        || environment_servers(req->db, row_text(edit->environment, "id"), &linked, err) != 0)
        return -1;
    form->tier = row_text(edit->environment, "tier");
    form->values = json_object();
    json_object_update(form->values, edit->defaults); /* settings the recipe gained since */
    json_object_update(form->values, json_object_get(edit->environment, "settings"));
    form->server_ids = json_array();
    form->balancers = json_array();
    json_array_foreach(linked, i, row)
    {
        json_array_append(form->server_ids, json_object_get(row, "id"));
        if (str_equal(row_text(row, "role"), "lb"))
            json_array_append(form->balancers, json_object_get(row, "id"));
    }
    return 0;
}

int env_settings_show(struct request *req, struct response *res, struct err *err)
{
    struct env_edit edit;
    struct env_form form = {.tier = ""};
    int rc = -1;
    if (env_edit_read(req, &edit, err) == 0 && settings_form(req, &edit, &form, err) == 0)
        rc = settings_respond(res, 200, &edit, &form, settings_page(req, &edit));
    recipe_free(edit.recipe);
    return rc;
}

static int settings_store(struct request *req, struct response *res, const struct env_edit *edit,
                          const struct env_form *form, struct err *err)
{
    int changed = 0;
    struct environment_change change = {.environment = edit->environment,
                                        .tier = form->tier,
                                        .settings = form->checked,
                                        .server_ids = form->server_ids,
                                        .balancers = form->balancers};
    if (environment_change(req->db, &req->actor, &change, &changed, err) != 0)
        return -1;
    if (changed == 0)
        respond_flash(res, "ok", "Nothing was different, so nothing was saved.");
    else
        respond_flash(res, "ok", "Saved. The next deploy uses it.");
    return respond_redirect(res, "/apps/%s/%s", row_text(edit->card, "app_slug"),
                            row_text(edit->card, "slug"));
}

int env_settings_save(struct request *req, struct response *res, struct err *err)
{
    struct env_edit edit;
    struct env_form form = {.tier = ""};
    json_t *page;
    int rc = -1;
    if (env_edit_read(req, &edit, err) == 0) {
        page = settings_page(req, &edit);
        if (env_form_read(req, edit.recipe, &form, page, err) == 0
            && (form.checked == NULL
                || recipe_fill_in(edit.recipe, form.checked, row_text(edit.card, "app_slug"),
                                  row_text(edit.card, "slug"), err)
                       == 0))
            rc = page_has_errors(page) ? settings_respond(res, 422, &edit, &form, page)
                                       : settings_store(req, res, &edit, &form, err);
    }
    recipe_free(edit.recipe);
    return rc;
}

/* registries.c - /registries, /registries/new, /registries/{slug} and its two forms.
 *
 * Adding, replacing the password and removing are questions to the worker: passwords are its own. A
 * typed one is sealed to it here and never shown again, not even on a form that comes back. */
#include <string.h>
#include "cgi/http/ask.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/registries.h"
#include "lib/base/str.h"

/* --- /registries --- */

static json_t *registry_head(const json_t *row)
{
    const char *host = row_text(row, "host");
    return json_pack("{s:s, s:s, s:o, s:s, s:b, s:s, s:o, s:o}", "id", row_text(row, "id"), "slug",
                     row_text(row, "slug"), "href",
                     part_text("/registries/%s", row_text(row, "slug")), "host", host,
                     "is_docker_hub", (int)str_equal(host, "docker.io"), "login",
                     row_text(row, "login"), "created", part_time(row_int(row, "created_at")),
                     "changed", part_time(row_int(row, "changed_at")));
}

static json_t *registry_item(const json_t *row, const json_t *used)
{
    json_t *registry = registry_head(row);
    part_set_list(registry, "environments", "has_environments",
                  part_environments_of(used, "registry_slug", row_text(row, "slug")));
    return registry;
}

int registries_show(struct request *req, struct response *res, struct err *err)
{
    json_t *rows = NULL, *used = NULL, *list = json_array(), *data = json_object();
    json_t *page = page_new("Registries", "registries");
    const json_t *row;
    size_t i;
    if (registry_list(req->db, &rows, err) != 0
        || registry_environments(req->db, NULL, &used, err) != 0)
        return -1;
    json_array_foreach(rows, i, row) json_array_append_new(list, registry_item(row, used));
    part_set_list(data, "registries", "has_registries", list);
    page_crumb(page, "Registries", "");
    return respond_page(res, 200, "registries", data, page);
}

/* --- the typed account --- */

struct typed {
    const char *login, *password;
    size_t password_len;
};

static struct typed read_typed(const struct request *req)
{
    struct typed typed = {.login = request_field(req, "login")};
    typed.password = request_field_bytes(req, "password", &typed.password_len);
    return typed;
}

static void check_typed(json_t *page, const struct typed *typed)
{
    struct err e = {0};
    if (validate_registry_login("login", typed->login, &e) != 0)
        page_error(page, "login", e.user);
    if (validate_registry_password("password", typed->password, typed->password_len, &e) != 0)
        page_error(page, "password", e.user);
}

/* A form that comes back has everything but the password, and says so. */
static void ask_password_again(json_t *page, const struct typed *typed)
{
    const json_t *errors = json_object_get(page, "errors");
    if (typed->password_len > 0 && row_text(errors, "password")[0] == '\0')
        page_error(page, "password", "Type the password again: a typed one is not kept here.");
}

/* --- /registries/new --- */

static json_t *registry_new_page(const struct request *req)
{
    json_t *page = page_new("Add a registry", "registries");
    page_crumb(page, "Registries", "/registries");
    page_crumb(page, "New", "");
    page_field(page, "host", request_field(req, "host"));
    page_field(page, "slug", request_field(req, "slug"));
    page_field(page, "login", request_field(req, "login"));
    page_field(page, "password", NULL);
    return page;
}

int registry_new_show(struct request *req, struct response *res, struct err *err)
{
    (void)err;
    return respond_page(res, 200, "registry_new", json_object(), registry_new_page(req));
}

static void check_place(json_t *page, const char *host_typed, const char *slug,
                        char host[REGISTRY_HOST_SIZE])
{
    struct err e = {0};
    if (validate_registry_host("host", host_typed, host, &e) != 0)
        page_error(page, "host", e.user);
    if (validate_slug("slug", slug, &e) != 0)
        page_error(page, "slug", e.user);
    else if (str_equal(slug, "new"))
        page_error(page, "slug",
                   "A registry cannot be called “new”: that is the address of this form.");
}

/* 0 the worker did it, 1 it refused with something for the form (in page), -1 error. */
static int ask_with_password(struct request *req, const char *verb, json_t *question,
                             const struct typed *typed, json_t *page, struct err *err)
{
    struct err e = {0};
    json_t *answer = NULL;
    const char *sealed = ask_seal(req, typed->password, typed->password_len, err);
    if (sealed == NULL)
        return -1;
    json_object_set_new(question, "login", json_string(typed->login));
    json_object_set_new(question, "password", json_string(sealed));
    if (ask(req, verb, question, &answer, &e) == 0)
        return 0;
    if (page_take_err(page, &e, "login") == 0)
        return 1;
    *err = e;
    return -1;
}

int registry_new_save(struct request *req, struct response *res, struct err *err)
{
    char host[REGISTRY_HOST_SIZE] = "";
    json_t *page = registry_new_page(req);
    const char *slug = request_field(req, "slug");
    struct typed typed = read_typed(req);
    int refused = 1;

    check_place(page, request_field(req, "host"), slug, host);
    check_typed(page, &typed);
    if (!page_has_errors(page))
        refused = ask_with_password(req, "registry.save",
                                    json_pack("{s:s, s:s}", "slug", slug, "host", host), &typed,
                                    page, err);
    if (refused < 0)
        return -1;
    if (refused == 0) {
        respond_flash(res, "ok", "Registry %s is added, and its password is stored.", slug);
        return respond_redirect(res, "/registries/%s", slug);
    }
    ask_password_again(page, &typed);
    return respond_page(res, 422, "registry_new", json_object(), page);
}

/* --- /registries/{slug} --- */

static json_t *registry_page(const json_t *row, const char *login)
{
    json_t *page;
    char title[64];
    snprintf(title, sizeof title, "Registry %.50s", row_text(row, "slug"));
    page = page_new(title, "registries");
    page_crumb(page, "Registries", "/registries");
    page_crumb(page, row_text(row, "slug"), "");
    page_field(page, "login", login);
    page_field(page, "password", NULL);
    page_field(page, "confirm", NULL);
    return page;
}

static int respond_registry(struct request *req, struct response *res, int status,
                            const json_t *row, json_t *page, struct err *err)
{
    json_t *used = NULL, *by = NULL, *data, *list;
    const char *slug = row_text(row, "slug");
    if (registry_environments(req->db, slug, &used, err) != 0
        || registry_changed_by(req->db, row_text(row, "id"), &by, err) != 0)
        return -1;
    list = part_environments_of(used, "registry_slug", slug);
    data =
        json_pack("{s:o, s:o, s:b}", "registry", registry_head(row), "changed_by",
                  json_is_null(by) ? json_null()
                                   : part_person(row_text(by, "by_name"), row_text(by, "by_login")),
                  "can_remove", (int)(json_array_size(list) == 0));
    part_set_list(data, "environments", "has_environments", list);
    return respond_page(res, status, "registry", data, page);
}

int registry_show(struct request *req, struct response *res, struct err *err)
{
    json_t *row = NULL;
    if (registry_by_slug(req->db, request_param(req, 0), &row, err) != 0)
        return -1;
    return respond_registry(req, res, 200, row, registry_page(row, row_text(row, "login")), err);
}

int registry_save(struct request *req, struct response *res, struct err *err)
{
    struct typed typed = read_typed(req);
    json_t *row = NULL, *page;
    int refused = 1;
    if (registry_by_slug(req->db, request_param(req, 0), &row, err) != 0)
        return -1;
    page = registry_page(row, typed.login);
    check_typed(page, &typed);
    if (!page_has_errors(page))
        refused = ask_with_password(req, "registry.password",
                                    json_pack("{s:s}", "registry_id", row_text(row, "id")), &typed,
                                    page, err);
    if (refused < 0)
        return -1;
    if (refused == 0) {
        respond_flash(res, "ok", "The new password of %s is stored. The next deploy uses it.",
                      row_text(row, "slug"));
        return respond_redirect(res, "/registries/%s", row_text(row, "slug"));
    }
    ask_password_again(page, &typed);
    return respond_registry(req, res, 422, row, page, err);
}

int registry_remove(struct request *req, struct response *res, struct err *err)
{
    struct err e = {0};
    json_t *row = NULL, *answer = NULL, *page;
    if (registry_by_slug(req->db, request_param(req, 0), &row, err) != 0)
        return -1;
    page = registry_page(row, row_text(row, "login"));
    if (!str_equal(request_field(req, "confirm"), "1")) {
        page_error(page, "confirm", "Tick the box to say that the password may be deleted.");
        return respond_registry(req, res, 422, row, page, err);
    }
    if (ask(req, "registry.remove", json_pack("{s:s}", "registry_id", row_text(row, "id")), &answer,
            &e)
        == 0) {
        respond_flash(res, "ok", "Registry %s is removed, and its password with it.",
                      row_text(row, "slug"));
        return respond_redirect(res, "/registries");
    }
    if (page_take_err(page, &e, "confirm") != 0) {
        *err = e;
        return -1;
    }
    return respond_registry(req, res, e.code == ERR_CONFLICT ? 409 : 422, row, page, err);
}

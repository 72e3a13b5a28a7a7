/* secrets_required.c - required keys (secrets_required.h), and /secrets/required: the list, adding
 * one by hand, and importing an .env.example.
 *
 * The values of an .env.example are examples: they are never taken as secrets. */
#include "cgi/pages/secrets_required.h"

#include <string.h>
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/row.h"
#include "db/requirements.h"
#include "db/secrets.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/crypto/generate.h"
#include "lib/domain/compose.h"
#include "lib/domain/requirement.h"
#include "lib/domain/validate.h"

#define DESCRIPTION_MAX 200

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
}

/* The variables of the environment's Compose file; an empty list when it has none, or one that
 * cannot be read (the settings page says so). */
static json_t *variables_of(const json_t *card)
{
    const char *text = row_text(json_object_get(card, "settings"), "compose");
    json_t *variables = NULL;
    struct err ignored = {0};
    if (text[0] == '\0' || compose_variables(text, &variables, &ignored) != 0)
        return json_array();
    return variables;
}

static json_t *services_text(const json_t *variable)
{
    const json_t *service;
    json_t *text;
    struct buf out;
    size_t i;
    buf_init(&out, 1000);
    json_array_foreach(json_object_get(variable, "services"), i, service)
    {
        buf_add_str(&out, i == 0 ? "" : ", ");
        buf_add_str(&out, json_string_value(service));
    }
    text = json_string(buf_ok(&out) && out.len > 0 ? out.data : "");
    buf_deinit(&out);
    return text;
}

static json_t *row_model(const json_t *card, const json_t *row)
{
    bool is_missing = row_is(row, "is_missing");
    json_t *href =
        part_text(is_missing ? "/apps/%s/%s/secrets/add?key=%s" : "/apps/%s/%s/secrets/key/%s",
                  row_text(card, "app_slug"), row_text(card, "slug"), row_text(row, "key"));
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:b}", "key", row_text(row, "key"), "text",
                     row_text(row, "text"), "generator", row_text(row, "generator"), "origin",
                     row_text(row, "origin"), "is_missing", (int)is_missing, "href", href,
                     "can_remove", (int)!str_equal(row_text(row, "origin"), "compose"));
}

int secrets_required_model(struct request *req, const struct secrets_view *v, json_t *data,
                           struct err *err)
{
    char missing[REQUIREMENTS_MISSING_MAX];
    json_t *rows, *list = json_array();
    const json_t *row;
    size_t i;
    if (requirements_of_set(req->db, row_text(v->card, "id"), json_object_get(v->card, "settings"),
                            row_int(v->set, "number"), &rows, err)
        != 0)
        return -1;
    requirements_missing(rows, missing);
    json_array_foreach(rows, i, row) json_array_append_new(list, row_model(v->card, row));
    json_object_set_new(data, "missing_text", json_string(missing));
    part_set_list(data, "required", "has_required", list);
    json_object_set_new(data, "required_href", secrets_href(v, "/required"));
    return 0;
}

int secrets_required_problem(struct request *req, const json_t *card, json_t *list, struct err *err)
{
    const char *id = row_text(card, "id");
    char missing[REQUIREMENTS_MISSING_MAX];
    json_t *set, *rows;
    if (secret_set_current(req->db, id, &set, err) != 0
        || requirements_of_set(req->db, id, json_object_get(card, "settings"),
                               row_int(set, "number"), &rows, err)
               != 0)
        return -1;
    requirements_missing(rows, missing);
    if (missing[0] != '\0')
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:s}", "text",
                            part_text("Required secrets are missing: %s.", missing), "href",
                            part_text("/apps/%s/%s/secrets/required", row_text(card, "app_slug"),
                                      row_text(card, "slug")),
                            "action", "Set them"));
    return 0;
}

json_t *secrets_used_by(const json_t *card)
{
    json_t *variables = variables_of(card), *used = json_object();
    const json_t *row;
    size_t i;
    json_array_foreach(variables, i, row)
        json_object_set_new(used, row_text(row, "name"), services_text(row));
    return used;
}

int secrets_used_by_model(const json_t *card, const char *key, json_t *data)
{
    json_t *used = secrets_used_by(card);
    if (used == NULL)
        return -1;
    return json_object_set_new(data, "used_by", json_string(row_text(used, key)));
}

/* --- the page --- */

static json_t *generators_model(void)
{
    json_t *list = json_array();
    size_t count;
    const struct generate_kind *kinds = generate_kinds(&count);
    json_array_append_new(list, part_choice("", "No generator", true));
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, part_choice(kinds[i].name, kinds[i].label, false));
    return list;
}

static int required_respond(struct request *req, struct response *res, int status,
                            const struct err *refused, struct err *err)
{
    struct secrets_view v;
    json_t *page, *data;
    if (secrets_view_read(req, &v, err) != 0)
        return -1;
    page = secrets_page_new(req, &v, "Required secrets", "");
    page_crumb(page, "Required", "");
    page_field(page, "key", request_field(req, "key"));
    page_field(page, "description", request_field(req, "description"));
    page_field(page, "text", request_field(req, "text"));
    if (refused != NULL && page_take_err(page, refused, "key") != 0) {
        *err = *refused;
        return -1;
    }
    data = secrets_data_new(&v, "");
    json_object_set_new(data, "generators", generators_model());
    if (secrets_required_model(req, &v, data, err) != 0)
        return -1;
    return respond_page(res, status, "secrets_required", data, page);
}

int secrets_required_show(struct request *req, struct response *res, struct err *err)
{
    return required_respond(req, res, 200, NULL, err);
}

static int add_by_hand(struct request *req, const struct secrets_view *v, struct err *err)
{
    struct requirement_new row = {.key = request_field(req, "key"),
                                  .description = request_field(req, "description"),
                                  .generator = request_field(req, "generator")};
    if (validate_env_key("key", row.key, err) != 0
        || validate_note("description", row.description, DESCRIPTION_MAX, err) != 0)
        return -1;
    if (row.generator[0] != '\0' && generate_find(row.generator) == NULL)
        return err_field(err, "generator", "There is no such generator.");
    return requirement_add(req->db, &req->actor, v->card,
                           &(struct requirements_new){"hand", &row, 1}, err);
}

static int import(struct request *req, const struct secrets_view *v, struct err *err)
{
    const char *text = page_lines(req, request_field(req, "text"));
    struct requirement_list found;
    struct requirement_new *rows;
    size_t count = 0;
    if (text[0] == '\0')
        return err_field(err, "text", "Paste the text of your .env.example.");
    if (requirement_read(req->arena, text, strlen(text), &found, err) != 0)
        return -1;
    if (found.error_count > 0)
        return err_field(err, "text", "Line %d, column %d: %s", found.errors[0].line,
                         found.errors[0].column, found.errors[0].sentence);
    rows = arena_array(req->arena, found.count + 1, sizeof *rows);
    if (rows == NULL)
        return no_memory(err);
    for (size_t i = 0; i < found.count; i++)
        if (found.items[i].is_required)
            rows[count++] = (struct requirement_new){
                .key = found.items[i].key,
                .description = arena_printf(req->arena, "%.190s", found.items[i].description),
                .generator = ""};
    if (count == 0)
        return err_field(err, "text",
                         "No key of this text is required: all have a value that serves, or are "
                         "called optional.");
    return requirement_add(req->db, &req->actor, v->card,
                           &(struct requirements_new){"example", rows, count}, err);
}

int secrets_required_save(struct request *req, struct response *res, struct err *err)
{
    const char *action = request_field(req, "action");
    struct secrets_view v;
    struct err e = {0};
    int rc;
    if (secrets_view_read(req, &v, err) != 0)
        return -1;
    if (str_equal(action, "remove"))
        rc = requirement_remove(req->db, &req->actor, v.card, request_field(req, "key"), &e);
    else if (str_equal(action, "import"))
        rc = import(req, &v, &e);
    else
        rc = add_by_hand(req, &v, &e);
    if (rc == 0)
        return respond_redirect(res, "/apps/%s/%s/secrets/required", row_text(v.card, "app_slug"),
                                row_text(v.card, "slug"));
    if (e.code == ERR_INPUT || e.code == ERR_TOO_LARGE)
        return required_respond(req, res, 422, &e, err);
    *err = e;
    return -1;
}

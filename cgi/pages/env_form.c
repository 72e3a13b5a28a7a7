/* env_form.c - reading and showing the form of an environment (env_form.h). The recipe says which
 * settings there are and what they may hold; nothing here knows any of them by name. */
#include "cgi/pages/env_form.h"

#include <stdio.h>
#include <string.h>
#include "cgi/http/form.h"
#include "cgi/pages/page.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/registries.h"
#include "db/servers.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"

#define SERVERS_MAX   500
#define ROLE_BALANCER "lb"

static const struct {
    const char *value, *text, *help;
} TIERS[] = {
    {"production", "Production", "Real users. Its pages have a frame of their own."},
    {"staging", "Staging", "For trying things."},
    {"other", "Other", "Anything else."},
};

int env_form_choices(struct request *req, struct env_form *form, struct err *err)
{
    form->servers = form->registries = NULL;
    if (server_page(req->db, "", SERVERS_MAX, &form->servers, err) != 0)
        return -1;
    return registry_list(req->db, &form->registries, err);
}

static const char *read_tier(struct request *req, json_t *page)
{
    const char *tier = request_field(req, "tier");
    for (size_t i = 0; i < COUNT_OF(TIERS); i++)
        if (str_equal(TIERS[i].value, tier))
            return TIERS[i].value;
    page_error(page, "tier", "Choose what kind of place it is: production, staging or other.");
    return "";
}

/* server.<slug>=1 and role.<slug>; a name nobody has is an error, not silence. */
static void read_servers(struct request *req, struct env_form *form, json_t *page)
{
    json_t *chosen = request_fields_with(req, "server.");
    json_t *roles = request_fields_with(req, "role.");
    const json_t *row;
    size_t i;
    form->server_ids = json_array();
    form->balancers = json_array();
    json_array_foreach(form->servers, i, row)
    {
        if (json_object_get(chosen, row_text(row, "slug")) == NULL)
            continue;
        if (str_equal(row_text(roles, row_text(row, "slug")), ROLE_BALANCER))
            json_array_append(form->balancers, json_object_get(row, "id"));
        json_array_append(form->server_ids, json_object_get(row, "id"));
        json_object_del(chosen, row_text(row, "slug"));
    }
    if (json_object_size(chosen) > 0)
        page_error(page, "servers",
                   "One of the chosen servers is gone. Look at the list and choose again.");
}

static const json_t *spec_settings(const struct recipe *recipe)
{
    return json_object_get(recipe_spec(recipe), "settings");
}

/* settings.<key>.<name>=1 for each ticked registry: names with a space between two. A name that is
 * gone stays in the text, and the worker's refusal would come late: it is left out here. */
static json_t *read_registries(const json_t *typed, const char *key, const struct env_form *form)
{
    struct buf names;
    json_t *text;
    const json_t *row;
    size_t i;
    buf_init(&names, 1200);
    json_array_foreach(form->registries, i, row)
    {
        char field[FORM_NAME_MAX];
        (void)snprintf(field, sizeof field, "%s.%s", key, row_text(row, "slug"));
        if (json_object_get(typed, field) != NULL)
            buf_printf(&names, "%s%s", names.len > 0 ? " " : "", row_text(row, "slug"));
    }
    text = json_string(names.data);
    buf_deinit(&names);
    return text;
}

/* What a browser sends for a text of several lines ends its lines with CR LF. */
static json_t *without_cr(const json_t *value)
{
    const char *text = json_string_value(value);
    struct buf out;
    json_t *result;
    buf_init(&out, FORM_BODY_MAX);
    for (; text != NULL && *text != '\0'; text++)
        if (text[0] != '\r' || text[1] != '\n')
            buf_add_char(&out, *text);
    result = buf_ok(&out) ? json_stringn(out.data, out.len) : NULL;
    buf_deinit(&out);
    return result;
}

/* Text of several lines. */
static bool is_of_lines(const char *type)
{
    return str_equal(type, "compose") || str_equal(type, "processes") || str_equal(type, "hooks")
           || str_equal(type, "known_hosts");
}

static json_t *read_value(const json_t *setting, const json_t *typed, const struct env_form *form)
{
    const char *key = row_text(setting, "key"), *type = row_text(setting, "type");
    json_t *value = json_object_get(typed, key);
    if (str_equal(type, "registries") && value == NULL)
        return read_registries(typed, key, form);
    if (is_of_lines(type) && value != NULL)
        return without_cr(value);
    return value != NULL ? json_incref(value) : json_string(str_equal(type, "bool") ? "0" : "");
}

static void read_values(struct request *req, const struct recipe *recipe, struct env_form *form)
{
    const json_t *setting;
    json_t *typed = request_fields_with(req, "settings.");
    size_t i;
    form->values = json_object();
    json_array_foreach(spec_settings(recipe), i, setting) json_object_set_new(
        form->values, row_text(setting, "key"), read_value(setting, typed, form));
}

/* A value that stands for the refused one while the rest is checked: any that passes. */
static void put_stand_in(const struct recipe *recipe, json_t *trial, const char *key)
{
    const json_t *setting;
    size_t i;
    json_array_foreach(spec_settings(recipe), i, setting)
    {
        if (!str_equal(row_text(setting, "key"), key))
            continue;
        const json_t *standard = json_object_get(setting, "default");
        bool is_empty =
            standard == NULL || (json_is_string(standard) && !json_string_length(standard));
        if (is_empty && !row_is(setting, "required") && !row_has(setting, "required_unless"))
            json_object_set_new(trial, key, json_string(""));
        else if (is_empty)
            json_object_set_new(trial, key,
                                json_string(str_equal(row_text(setting, "type"), "compose")
                                                ? "services: {x: {image: x}}"
                                                : "x"));
        else
            json_object_del(trial, key);
    }
}

/* The check stops at the first wrong setting; to name all of them it is repeated with a value known
 * to be right in the place of each refused one. */
static int check_values(const struct recipe *recipe, struct env_form *form, json_t *page,
                        struct err *err)
{
    json_t *trial = json_copy(form->values), *checked = NULL;
    size_t tries = json_array_size(spec_settings(recipe)) + 1;
    char last[64] = "";
    form->checked = NULL;
    for (size_t i = 0; i < tries; i++) {
        struct err e = {0};
        if (recipe_check_settings(recipe, trial, &checked, &e) == 0) {
            form->checked = i == 0 ? checked : NULL;
            return 0;
        }
        if (e.code != ERR_INPUT || !str_starts(e.field, "settings.")) {
            *err = e;
            return -1;
        }
        if (str_equal(e.field, last)) /* no stand-in fits: at least the first ones are named */
            return 0;
        page_error(page, e.field, e.user);
        str_copy(last, sizeof last, e.field);
        put_stand_in(recipe, trial, e.field + strlen("settings."));
    }
    return 0;
}

int env_form_read(struct request *req, const struct recipe *recipe, struct env_form *form,
                  json_t *page, struct err *err)
{
    if (env_form_choices(req, form, err) != 0)
        return -1;
    form->tier = read_tier(req, page);
    read_servers(req, form, page);
    read_values(req, recipe, form);
    return check_values(recipe, form, page, err);
}

/* --- the model --- */

static json_t *value_text(const json_t *value)
{
    if (json_is_integer(value))
        return part_text("%lld", (long long)json_integer_value(value));
    if (json_is_boolean(value))
        return json_string(json_is_true(value) ? "1" : "0");
    return json_string(json_is_string(value) ? json_string_value(value) : "");
}

static bool is_ticked(const json_t *value)
{
    static const char *const YES[] = {"1", "on", "true", "yes"};
    const char *text = json_string_value(value);
    for (size_t i = 0; text != NULL && i < COUNT_OF(YES); i++)
        if (strcmp(text, YES[i]) == 0)
            return true;
    return json_is_true(value);
}

static json_t *choices_of(const json_t *setting, const json_t *value)
{
    json_t *list = json_array();
    const json_t *choice;
    size_t i;
    json_array_foreach(json_object_get(setting, "choices"), i, choice)
    {
        const char *text = json_string_value(choice);
        if (text != NULL)
            json_array_append_new(
                list, part_choice(text, text, str_equal(text, json_string_value(value))));
    }
    return list;
}

static int64_t bound(const json_t *setting, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(setting, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

/* Names with a space between two, as boxes to tick. */
static bool is_named(const char *names, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = strstr(names, name); at != NULL; at = strstr(at + 1, name))
        if ((at == names || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' '))
            return true;
    return false;
}

static json_t *boxes_of(const struct env_form *form, const char *field, const json_t *value)
{
    json_t *list = json_array();
    const char *names = json_string_value(value);
    const json_t *row;
    size_t i;
    json_array_foreach(form->registries, i, row) json_array_append_new(
        list,
        json_pack("{s:o, s:s, s:s, s:s, s:b}", "name",
                  part_text("%s.%s", field, row_text(row, "slug")), "slug", row_text(row, "slug"),
                  "host", row_text(row, "host"), "login", row_text(row, "login"), "is_selected",
                  (int)(names != NULL && is_named(names, row_text(row, "slug")))));
    return list;
}

/* Which of the template's inputs a type gets. */
static void add_input(json_t *field, const json_t *setting, const json_t *value,
                      const struct env_form *form)
{
    const char *type = row_text(setting, "type");
    bool is_port = str_equal(type, "port"), is_number = is_port || str_equal(type, "number");
    bool is_command = str_equal(type, "command") || str_equal(type, "arguments");
    bool is_choice = str_equal(type, "choice");
    bool is_bool = str_equal(type, "bool"), is_text = is_of_lines(type);
    bool is_boxes = str_equal(type, "registries");
    json_object_set_new(
        field, "is_line",
        json_boolean(!is_number && !is_command && !is_choice && !is_bool && !is_text && !is_boxes));
    json_object_set_new(field, "is_text", json_boolean(is_text));
    json_object_set_new(field, "rows", json_integer(str_equal(type, "compose") ? 18 : 3));
    json_object_set_new(field, "is_boxes", json_boolean(is_boxes));
    json_object_set_new(field, "is_labelled", json_boolean(!is_bool && !is_boxes));
    part_set_list(field, "boxes", "has_boxes",
                  is_boxes ? boxes_of(form, row_text(field, "name"), value) : json_array());
    json_object_set_new(field, "is_command", json_boolean(is_command));
    json_object_set_new(field, "is_number", json_boolean(is_number));
    json_object_set_new(field, "is_choice", json_boolean(is_choice));
    json_object_set_new(field, "is_bool", json_boolean(is_bool));
    json_object_set_new(field, "is_checked", json_boolean(is_bool && is_ticked(value)));
    json_object_set_new(field, "min", json_integer(bound(setting, "min", is_port ? 1 : 0)));
    json_object_set_new(field, "max",
                        json_integer(bound(setting, "max", is_port ? 65535 : 1000000000)));
    json_object_set_new(field, "choices", choices_of(setting, value));
}

static json_t *field_model(const json_t *setting, const struct env_form *form,
                           const json_t *standard, const json_t *page)
{
    const json_t *value = json_object_get(form->values, row_text(setting, "key"));
    char name[96];
    snprintf(name, sizeof name, "settings.%.80s", row_text(setting, "key"));
    json_t *field = json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:b, s:s}", "key", row_text(setting, "key"), "name",
        name, "label", row_text(setting, "label"), "help", row_text(setting, "help"), "value",
        value_text(value), "default", value_text(standard), "type", row_text(setting, "type"),
        "is_required", (int)row_is(setting, "required"), "error",
        row_text(json_object_get(page, "errors"), name));
    if (field != NULL)
        add_input(field, setting, value, form);
    return field;
}

static bool is_among(const json_t *ids, const json_t *server)
{
    const json_t *id;
    size_t i;
    json_array_foreach(ids, i, id) if (json_equal(id, json_object_get(server, "id"))) return true;
    return false;
}

/* What a server may be here; empty where the recipe knows only one role. */
static json_t *role_choices(const struct recipe *recipe, bool is_balancer)
{
    json_t *list = json_array();
    if (!json_is_object(json_object_get(recipe_spec(recipe), "balancer")))
        return list;
    json_array_append_new(list, part_choice("app", "App server", !is_balancer));
    json_array_append_new(list, part_choice(ROLE_BALANCER, "Load balancer", is_balancer));
    return list;
}

static json_t *server_choice(const struct recipe *recipe, const struct env_form *form,
                             const json_t *row)
{
    const char *state = row_text(row, "state");
    json_t *roles = role_choices(recipe, is_among(form->balancers, row));
    bool has_roles = json_array_size(roles) > 0;
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:b, s:b, s:o}", "id", row_text(row, "id"), "slug",
                     row_text(row, "slug"), "href", part_text("/servers/%s", row_text(row, "slug")),
                     "address", part_address(row), "status", part_status(state, word_server(state)),
                     "is_selected", (int)is_among(form->server_ids, row), "has_roles",
                     (int)has_roles, "roles", roles);
}

void env_form_model(const struct recipe *recipe, const struct env_form *form,
                    const json_t *defaults, const json_t *page, json_t *data)
{
    json_t *tiers = json_array(), *servers = json_array(), *fields = json_array();
    const json_t *item;
    size_t i;
    for (i = 0; i < COUNT_OF(TIERS); i++)
        json_array_append_new(tiers,
                              json_pack("{s:s, s:s, s:s, s:b}", "value", TIERS[i].value, "text",
                                        TIERS[i].text, "help", TIERS[i].help, "is_selected",
                                        (int)str_equal(TIERS[i].value, form->tier)));
    json_array_foreach(form->servers, i, item)
        json_array_append_new(servers, server_choice(recipe, form, item));
    json_array_foreach(spec_settings(recipe), i, item)
    {
        const char *key = row_text(item, "key");
        json_array_append_new(fields,
                              field_model(item, form, json_object_get(defaults, key), page));
    }
    json_object_set_new(data, "tiers", tiers);
    json_object_set_new(data, "has_servers", json_boolean(json_array_size(servers) > 0));
    json_object_set_new(data, "servers", servers);
    json_object_set_new(data, "fields", fields);
}

json_t *env_form_recipe(const struct recipe *recipe)
{
    const json_t *spec = recipe_spec(recipe);
    return json_pack("{s:s, s:s, s:s}", "name", recipe_name(recipe), "title",
                     row_text(spec, "title"), "summary", row_text(spec, "summary"));
}

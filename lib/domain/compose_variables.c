/* compose_variables.c - which variables a Compose file asks for (compose.h). The values of the
 * whole document are walked, since Compose fills in all of them; keys are not filled in. */
#include <string.h>
#include "lib/base/str.h"
#include "lib/domain/compose.h"
#include "lib/domain/dotenv_reference.h"
#include "lib/yaml/yaml_read.h"

#define NAME_MAX_BYTES 128
#define NESTED_MAX     16                    /* references in the defaults of references */
#define VALUES_MAX     (10 * YAML_NODES_MAX) /* aliases make many values of few */

struct walk {
    json_t *found;       /* object: name -> the variable being put together */
    const char *service; /* the one that is walked, or NULL */
    bool is_build;       /* below its `build:` */
    bool is_extension;   /* below a top-level `x-...`, which is only there to be merged */
    int values;
    bool failed;
};

/* --- one use --- */

static json_t *variable_of(struct walk *w, const char *name)
{
    json_t *variable = json_object_get(w->found, name);
    if (variable != NULL)
        return variable;
    variable = json_pack("{s:s, s:b, s:s, s:n, s:b, s:[], s:i, s:b, s:b}", "name", name,
                         "is_required", 0, "message", "", "default", "is_build", 0, "services",
                         "line", 0, "in_build", 0, "elsewhere", 0);
    if (variable == NULL || json_object_set_new(w->found, name, variable) != 0)
        w->failed = true;
    return variable;
}

static void add_service(json_t *services, const char *name)
{
    const json_t *other;
    size_t i;
    json_array_foreach(services, i, other)
    {
        if (str_equal(json_string_value(other), name))
            return;
    }
    json_array_append_new(services, json_string(name));
}

/* `name` is used where the walk stands. */
static json_t *use(struct walk *w, const char *name, size_t len)
{
    char copy[NAME_MAX_BYTES + 1];
    json_t *variable;
    if (len > NAME_MAX_BYTES || (name[0] & 0x80) != 0)
        return NULL;
    memcpy(copy, name, len);
    copy[len] = '\0';
    variable = variable_of(w, copy);
    if (variable == NULL)
        return NULL;
    if (w->service != NULL)
        add_service(json_object_get(variable, "services"), w->service);
    if (w->is_build)
        json_object_set_new(variable, "in_build", json_true());
    else if (!w->is_extension)
        json_object_set_new(variable, "elsewhere", json_true());
    return variable;
}

static void use_text(struct walk *w, const char *at, const char *end, int depth);

static void use_reference(struct walk *w, const struct reference *found, int depth)
{
    json_t *variable = use(w, found->name, found->name_len);
    size_t len = (size_t)(found->text_end - found->text);
    if (variable != NULL && depth == 0 && (found->op == 0 || found->op == '?'))
        json_object_set_new(variable, "is_required", json_true());
    if (variable != NULL && found->op == '?' && len > 0
        && json_string_length(json_object_get(variable, "message")) == 0)
        json_object_set_new(variable, "message", json_stringn(found->text, len));
    if (variable != NULL && found->op == '-' && json_is_null(json_object_get(variable, "default")))
        json_object_set_new(variable, "default", json_stringn(found->text, len));
    use_text(w, found->text, found->text_end, depth + 1);
}

static void use_text(struct walk *w, const char *at, const char *end, int depth)
{
    struct reference_line line = {0};
    struct reference found;
    while (depth <= NESTED_MAX && at < end && (at = memchr(at, '$', (size_t)(end - at))) != NULL) {
        if (reference_read(at, end, &line, &found) == REFERENCE_FOUND)
            use_reference(w, &found, depth);
        at = found.end;
    }
}

/* --- the document --- */

/* `environment: [NAME]` and `NAME:` without a value take it from outside too. */
static void use_names_alone(struct walk *w, const json_t *list)
{
    const char *name;
    const json_t *value;
    size_t i;
    json_array_foreach(list, i, value)
    {
        const char *text = json_string_value(value);
        if (text != NULL && text[0] != '\0' && strpbrk(text, "=$ ") == NULL)
            (void)use(w, text, strlen(text));
    }
    json_object_foreach((json_t *)(uintptr_t)list, name, value)
    {
        if (json_is_null(value) && name[0] != '\0')
            (void)use(w, name, strlen(name));
    }
}

static void walk_value(struct walk *w, const json_t *value)
{
    const char *key;
    const json_t *below;
    size_t i;
    if (++w->values > VALUES_MAX)
        return;
    if (json_is_string(value))
        use_text(w, json_string_value(value), json_string_value(value) + json_string_length(value),
                 0);
    json_array_foreach(value, i, below) walk_value(w, below);
    json_object_foreach((json_t *)(uintptr_t)value, key, below) walk_value(w, below);
}

static void walk_service(struct walk *w, const char *name, const json_t *service)
{
    const char *key;
    const json_t *value;
    w->service = name;
    json_object_foreach((json_t *)(uintptr_t)service, key, value)
    {
        w->is_build = strcmp(key, "build") == 0;
        walk_value(w, value);
        if (w->is_build)
            use_names_alone(w, json_object_get(value, "args"));
        else if (strcmp(key, "environment") == 0)
            use_names_alone(w, value);
    }
    w->is_build = false;
    w->service = NULL;
}

static void walk_document(struct walk *w, const json_t *document)
{
    const char *key, *name;
    const json_t *value, *service;
    json_object_foreach((json_t *)(uintptr_t)document, key, value)
    {
        w->is_extension = str_starts(key, "x-");
        if (strcmp(key, "services") != 0 || !json_is_object(value)) {
            walk_value(w, value);
            continue;
        }
        json_object_foreach((json_t *)(uintptr_t)value, name, service)
        {
            if (json_is_object(service))
                walk_service(w, name, service);
            else
                walk_value(w, service);
        }
    }
}

/* --- lines --- */

static void mark(json_t *found, const char *name, size_t len, int line)
{
    char copy[NAME_MAX_BYTES + 1];
    json_t *variable;
    if (len > NAME_MAX_BYTES)
        return;
    memcpy(copy, name, len);
    copy[len] = '\0';
    variable = json_object_get(found, copy);
    if (variable != NULL && json_integer_value(json_object_get(variable, "line")) == 0)
        json_object_set_new(variable, "line", json_integer(line));
}

/* The first line in which each name stands, comments left out: behind a dollar sign, or anywhere.
 */
static void find_lines(json_t *found, const char *text, bool is_reference)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    int number = 1;
    for (const char *line = text; *line != '\0'; number++) {
        const char *end = line + strcspn(line, "\n"), *at = line + strspn(line, " \t");
        while (at < end && *at != '#') {
            size_t other = strcspn(at, letters), len;
            at = at + other < end ? at + other : end;
            len = strspn(at, letters);
            if (len > 0 && (!is_reference || (at > line && (at[-1] == '$' || at[-1] == '{'))))
                mark(found, at, len, number);
            at += len;
            while (at < end && *at == '#') /* only one that begins the line begins a comment here */
                at++;
        }
        line = end + (*end == '\n' ? 1 : 0);
    }
}

/* --- the answer --- */

static int answer(json_t *found, json_t **variables)
{
    const char *name;
    json_t *variable;
    *variables = json_array();
    json_object_foreach(found, name, variable)
    {
        bool is_build = json_is_true(json_object_get(variable, "in_build"))
                        && !json_is_true(json_object_get(variable, "elsewhere"));
        if (json_object_set_new(variable, "is_build", json_boolean(is_build)) != 0
            || json_object_del(variable, "in_build") != 0
            || json_object_del(variable, "elsewhere") != 0
            || json_array_append(*variables, variable) != 0)
            return -1;
    }
    return 0;
}

int compose_variables(const char *text, json_t **variables, struct err *err)
{
    struct yaml_text yaml;
    struct walk w = {.found = NULL};
    json_t *list = NULL;
    size_t len = strlen(text);
    int rc = -1;
    if (len > COMPOSE_MAX)
        return err_set(err, ERR_INPUT, "The Compose file is larger than %zu KiB.",
                       COMPOSE_MAX / 1024);
    if (yaml_read(text, len, &yaml, err) != 0)
        return -1;
    if (!json_is_object(yaml.value)) {
        err_set(err, ERR_INPUT,
                "Line 1, column 1: a Compose file is a mapping that begins with \"services:\".");
        goto out;
    }
    w.found = json_object();
    walk_document(&w, yaml.value);
    if (w.values > VALUES_MAX) {
        err_set(err, ERR_INPUT, "The aliases of this file stand for more than %d values.",
                VALUES_MAX);
        goto out;
    }
    find_lines(w.found, text, true);
    find_lines(w.found, text, false);
    if (w.found == NULL || w.failed || answer(w.found, &list) != 0) {
        json_decref(list);
        err_set(err, ERR_NO_MEMORY, "There is not enough memory to read the file.");
        goto out;
    }
    *variables = list;
    rc = 0;
out:
    json_decref(w.found);
    yaml_text_free(&yaml);
    return rc;
}

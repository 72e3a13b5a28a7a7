/* compose_changes.c - two readings of a Compose file side by side (compose_changes.h). */
#include "lib/domain/compose_changes.h"

#include <string.h>
#include "lib/base/str.h"
#include "lib/domain/compose.h"
#include "lib/yaml/yaml_read.h"

/* `version` says nothing to an engine of today, and `x-` only what is used elsewhere. */
static bool is_about_containers(const char *key)
{
    return strcmp(key, "services") != 0 && strcmp(key, "version") != 0 && strcmp(key, "name") != 0
           && !str_starts(key, "x-");
}

static bool has_other_frame(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)a, key,
                        value) if (is_about_containers(key)
                                   && !json_equal(value, json_object_get(b, key))) return true;
    return false;
}

static bool is_same_service(const json_t *a, const json_t *b)
{
    json_t *one = json_copy((json_t *)(uintptr_t)a), *two = json_copy((json_t *)(uintptr_t)b);
    bool same;
    json_object_del(one, "image");
    json_object_del(two, "image");
    same = json_equal(one, two) == 1;
    json_decref(one);
    json_decref(two);
    return same;
}

static json_t *uses_of(const json_t *variables, const char *service)
{
    json_t *list = json_array();
    const json_t *variable, *name;
    size_t i, k;
    json_array_foreach(variables, i, variable)
        json_array_foreach(json_object_get(variable, "services"), k,
                           name) if (str_equal(json_string_value(name), service))
            json_array_append(list, json_object_get(variable, "name"));
    return list;
}

struct sides {
    const json_t *before, *after; /* whole documents */
    const json_t *variables;      /* of after */
};

static json_t *compare(const struct sides *sides)
{
    const json_t *old = json_object_get(sides->before, "services"), *was;
    bool frame = has_other_frame(sides->before, sides->after)
                 || has_other_frame(sides->after, sides->before);
    json_t *changes = json_object(), *service;
    const char *name;
    json_object_foreach(json_object_get(sides->after, "services"), name, service)
    {
        was = json_object_get(old, name);
        json_object_set_new(
            changes, name,
            json_pack("{s:b, s:b, s:b, s:b, s:o}", "is_new", (int)(was == NULL), "is_changed",
                      (int)(was != NULL && (frame || !is_same_service(was, service))),
                      "is_optional",
                      (int)(json_array_size(json_object_get(service, "profiles")) > 0), "reads_all",
                      (int)(json_object_get(service, "env_file") != NULL), "uses",
                      uses_of(sides->variables, name)));
    }
    return changes;
}

int compose_changes(const char *before, const char *after, json_t **changes, struct err *err)
{
    struct yaml_text old = {.value = NULL}, new = {.value = NULL};
    struct sides sides = {.before = NULL};
    json_t *variables = NULL;
    int rc = -1;
    if (compose_check("compose", after, err) != 0
        || (before[0] != '\0' && yaml_read(before, strlen(before), &old, err) != 0)
        || yaml_read(after, strlen(after), &new, err) != 0
        || compose_variables(after, &variables, err) != 0)
        goto out;
    sides = (struct sides){.before = old.value, .after = new.value, .variables = variables};
    *changes = compare(&sides);
    rc = *changes != NULL ? 0 : err_set(err, ERR_NO_MEMORY, "No memory is left.");
out:
    yaml_text_free(&old);
    yaml_text_free(&new);
    json_decref(variables);
    return rc;
}

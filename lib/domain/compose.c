/* compose.c - checks and reads a Compose file (compose.h). The text comes from a form and goes to a
 * target as it is; nothing here writes YAML. */
#include "lib/domain/compose.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/domain/compose_words.h"
#include "lib/yaml/yaml_read.h"

#define REFERENCE_MAX 600

/* --- checking -----------------------------------------------------------------------------------
 */

static const char *kind_of(const json_t *value)
{
    return json_is_object(value)   ? "a mapping"
           : json_is_array(value)  ? "a list"
           : json_is_string(value) ? "text"
                                   : "nothing";
}

static int wrong_at(const struct yaml_text *yaml, const char *path, struct err *err)
{
    int line, column;
    if (!yaml_place(yaml, path, &line, &column))
        return -1;
    return err_wrap(err, "Line %d, column %d", line, column);
}

static bool is_service_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(name);
    return len > 0 && len <= 63 && strspn(name, allowed) == len;
}

static int check_top_keys(const struct yaml_text *yaml, struct err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(yaml->value, key, value)
    {
        const char *close;
        if (compose_is_top_word(key) || str_starts(key, "x-"))
            continue;
        close = compose_close_top_word(key);
        err_set(err, ERR_INPUT, "\"%.60s\" is no part of a Compose file%s%s%s", key,
                close != NULL ? "; did you mean \"" : ". Services stand below \"services:\"",
                close != NULL ? close : "", close != NULL ? "\"?" : ".");
        return wrong_at(yaml, key, err);
    }
    return 0;
}

/* Keys that engines newer than this list may know are left to them; what looks like a slip of the
 * finger is not. */
static int check_service_keys(const struct yaml_text *yaml, const char *name, const json_t *service,
                              struct err *err)
{
    char path[400];
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)service, key, value)
    {
        const char *close =
            compose_is_service_word(key) || str_starts(key, "x-") || strcmp(key, "<<") == 0
                ? NULL
                : compose_close_service_word(key);
        if (close == NULL)
            continue;
        err_set(err, ERR_INPUT, "\"%.60s\" is no setting of a service; did you mean \"%s\"?", key,
                close);
        (void)snprintf(path, sizeof path, "services.%.100s.%.200s", name, key);
        return wrong_at(yaml, path, err);
    }
    return 0;
}

static int check_service(const struct yaml_text *yaml, const char *name, const json_t *service,
                         struct err *err)
{
    char path[400];
    const json_t *image = json_object_get(service, "image");
    (void)snprintf(path, sizeof path, "services.%.200s", name);
    if (!is_service_name(name))
        err_set(err, ERR_INPUT,
                "A service's name has letters, digits, dots, dashes and underscores only.");
    else if (!json_is_object(service))
        err_set(err, ERR_INPUT, "The service \"%.60s\" must be a mapping, and is %s.", name,
                kind_of(service));
    else if (check_service_keys(yaml, name, service, err) != 0)
        return -1;
    else if (image != NULL && (!json_is_string(image) || json_string_length(image) == 0))
        err_set(err, ERR_INPUT, "The image of the service \"%.60s\" must be text.", name);
    else if (image == NULL)
        err_set(err, ERR_INPUT,
                "The service \"%.60s\" has no image. This recipe runs images from a registry; "
                "build and push it, then name it with \"image:\".",
                name);
    else
        return 0;
    return wrong_at(yaml, path, err);
}

static int check(const struct yaml_text *yaml, struct err *err)
{
    const json_t *services = json_object_get(yaml->value, "services");
    const char *name;
    json_t *service;
    if (json_is_null(yaml->value))
        return err_set(err, ERR_INPUT, "The Compose file is empty.");
    if (!json_is_object(yaml->value))
        return err_set(err, ERR_INPUT,
                       "Line 1, column 1: a Compose file is a mapping that begins with "
                       "\"services:\"; this is %s.",
                       kind_of(yaml->value));
    if (check_top_keys(yaml, err) != 0)
        return -1;
    if (services == NULL)
        return err_set(err, ERR_INPUT, "The Compose file has no \"services:\".");
    if (!json_is_object(services) || json_object_size(services) == 0) {
        err_set(err, ERR_INPUT, "\"services\" must be a mapping with at least one service.");
        return wrong_at(yaml, "services", err);
    }
    json_object_foreach((json_t *)(uintptr_t)services, name,
                        service) if (check_service(yaml, name, service, err) != 0) return -1;
    return 0;
}

static int read_checked(const char *text, struct yaml_text *yaml, struct err *err)
{
    size_t len = strlen(text);
    if (len > COMPOSE_MAX)
        return err_set(err, ERR_INPUT, "The Compose file is larger than %zu KiB.",
                       COMPOSE_MAX / 1024);
    if (yaml_read(text, len, yaml, err) != 0)
        return -1;
    if (check(yaml, err) == 0)
        return 0;
    yaml_text_free(yaml);
    return -1;
}

int compose_check(const char *field, const char *text, struct err *err)
{
    struct yaml_text yaml;
    struct err e = {0};
    if (read_checked(text, &yaml, &e) == 0) {
        yaml_text_free(&yaml);
        return 0;
    }
    return e.code == ERR_INPUT ? err_field(err, field, "%s", e.user)
                               : err_set(err, e.code, "%s", e.user);
}

/* --- variables ----------------------------------------------------------------------------------
 */

static size_t name_length(const char *text)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return *text != '\0' && strchr(first, *text) != NULL ? strspn(text, rest) : 0;
}

bool compose_uses(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = strchr(text, '$'); at != NULL && len > 0; at = strchr(at, '$')) {
        if (at[1] == '$') {
            at += 2;
            continue;
        }
        at += at[1] == '{' ? 2 : 1;
        if (name_length(at) == len && strncmp(at, name, len) == 0)
            return true;
    }
    return false;
}

static const char *variable(const json_t *variables, const char *name, size_t len)
{
    char key[130];
    if (len >= sizeof key)
        return NULL;
    memcpy(key, name, len);
    key[len] = '\0';
    return json_string_value(json_object_get(variables, key));
}

/* `${NAME...}` from behind the brace; returns what follows the closing one, or NULL when it is not
 * understood and stays as it is written. */
static const char *fill_braced(struct buf *out, const char *at, const json_t *variables)
{
    size_t len = name_length(at);
    const char *value = variable(variables, at, len), *op = at + len;
    const char *end = strchr(at, '}');
    bool colon = *op == ':', has;
    if (len == 0 || end == NULL)
        return NULL;
    op += colon ? 1 : 0;
    has = value != NULL && (!colon || value[0] != '\0');
    if (op == end && !colon) {
        if (value == NULL)
            return NULL;
        buf_add_str(out, value);
    } else if (*op == '-' && memchr(op, '$', (size_t)(end - op)) == NULL) {
        if (has)
            buf_add_str(out, value);
        else
            buf_add(out, op + 1, (size_t)(end - op - 1));
    } else if (*op == '?' && has) {
        buf_add_str(out, value);
    } else if (*op == '+') {
        buf_add(out, op + 1, has ? (size_t)(end - op - 1) : 0);
    } else {
        return NULL;
    }
    return end + 1;
}

/* True when no variable was left. */
static bool fill_in(struct buf *out, const char *text, const json_t *variables)
{
    bool complete = true;
    while (*text != '\0') {
        const char *after = NULL, *value;
        size_t len;
        if (*text != '$') {
            buf_add_char(out, *text++);
            continue;
        }
        if (text[1] == '$') {
            buf_add_char(out, '$');
            text += 2;
            continue;
        }
        if (text[1] == '{')
            after = fill_braced(out, text + 2, variables);
        else if ((len = name_length(text + 1)) > 0
                 && (value = variable(variables, text + 1, len)) != NULL) {
            buf_add_str(out, value);
            after = text + 1 + len;
        }
        if (after == NULL) {
            complete = false;
            buf_add_char(out, *text);
            after = text + 1;
        }
        text = after;
    }
    return complete;
}

/* --- services -----------------------------------------------------------------------------------
 */

bool compose_is_moving(const char *reference)
{
    const char *slash = strrchr(reference, '/');
    const char *colon = strrchr(slash == NULL ? reference : slash, ':');
    if (strchr(reference, '@') != NULL)
        return false;
    return colon == NULL || strcmp(colon, ":latest") == 0;
}

/* "3000:3000" and "0.0.0.0:3000:3000" are open to all; "127.0.0.1:3000:3000" and a container port
 * alone (published on a random one) are for the caller to judge: the first is not open. */
static bool is_open_port(const json_t *port)
{
    const char *text = json_string_value(port), *host;
    if (json_is_object(port)) {
        host = json_string_value(json_object_get(port, "host_ip"));
        return json_object_get(port, "published") != NULL
               && (host == NULL || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0);
    }
    if (text == NULL || strchr(text, ':') == NULL)
        return false;
    return str_starts(text, "0.0.0.0:") || str_starts(text, "[::]:")
           || (strchr(text, ':') == strrchr(text, ':') && !str_starts(text, "["));
}

static json_t *open_ports_of(const json_t *service)
{
    json_t *list = json_array();
    const json_t *port;
    size_t i;
    json_array_foreach(json_object_get(service, "ports"), i, port)
    {
        const char *published =
            json_string_value(json_is_object(port) ? json_object_get(port, "published") : port);
        if (is_open_port(port) && published != NULL)
            json_array_append_new(list, json_string(published));
    }
    return list;
}

static int add_service(json_t *list, const char *name, const json_t *service,
                       const json_t *variables, struct err *err)
{
    const char *image = json_string_value(json_object_get(service, "image"));
    struct buf reference;
    buf_init(&reference, REFERENCE_MAX);
    bool complete = fill_in(&reference, image, variables);
    int rc = !buf_ok(&reference) || str_equal(reference.data, "")
                 ? err_set(err, ERR_INPUT,
                           "The image of the service \"%.60s\" is empty or longer "
                           "than %d characters.",
                           name, REFERENCE_MAX)
                 : 0;
    if (rc == 0)
        rc = json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:b, s:b, s:o}", "name", name, "image", image,
                            "reference", reference.data, "is_complete", (int)complete, "is_moving",
                            (int)(complete && compose_is_moving(reference.data)), "open_ports",
                            open_ports_of(service)));
    buf_deinit(&reference);
    return rc;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_services(const json_t *services, const json_t *variables, json_t *list,
                         struct err *err)
{
    size_t count = json_object_size(services), i = 0;
    const char **names = calloc(count, sizeof *names), *name;
    json_t *service;
    int rc = 0;
    if (names == NULL)
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory to read the file.");
    json_object_foreach((json_t *)(uintptr_t)services, name, service) names[i++] = name;
    qsort(names, count, sizeof *names, compare_names);
    for (i = 0; i < count && rc == 0; i++)
        rc = add_service(list, names[i], json_object_get(services, names[i]), variables, err);
    free(names);
    return rc;
}

int compose_services(const char *text, const json_t *variables, json_t **services, struct err *err)
{
    struct yaml_text yaml;
    json_t *list;
    int rc;
    if (read_checked(text, &yaml, err) != 0)
        return -1;
    list = json_array();
    rc = list_services(json_object_get(yaml.value, "services"), variables, list, err);
    yaml_text_free(&yaml);
    if (rc == 0)
        *services = list;
    else
        json_decref(list);
    return rc;
}

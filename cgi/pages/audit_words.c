/* audit_words.c - details of events as text (audit_words.h). Events of all verbs and ages are shown
 * by the same rules, so that a new verb needs nothing here. */
#include "cgi/pages/audit_words.h"

#include <stdio.h>
#include <string.h>
#include "lib/base/buf.h"
#include "lib/base/str.h"

#define SUMMARY_MAX ((size_t)200)
#define VALUE_MAX   ((size_t)4000)
#define ROWS_MAX    200
#define DEPTH_MAX   4

static void add_value(struct buf *out, const json_t *value);

static void add_object(struct buf *out, const json_t *object)
{
    const char *key;
    json_t *value;
    size_t n = 0;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        buf_printf(out, "%s%s ", n++ > 0 ? " " : "", key);
        add_value(out, value);
    }
}

static void add_value(struct buf *out, const json_t *value)
{
    const json_t *item;
    size_t i;
    if (json_is_string(value))
        buf_add_str(out, json_string_value(value));
    else if (json_is_integer(value))
        buf_printf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        buf_add_str(out, json_is_true(value) ? "yes" : "no");
    else if (json_is_array(value))
        json_array_foreach(value, i, item)
        {
            buf_add_str(out, i > 0 ? ", " : "");
            add_value(out, item);
        }
    else if (json_is_object(value) && json_object_size(value) == 2
             && json_object_get(value, "from") != NULL && json_object_get(value, "to") != NULL) {
        add_value(out, json_object_get(value, "from"));
        buf_add_str(out, " → ");
        add_value(out, json_object_get(value, "to"));
    } else if (json_is_object(value))
        add_object(out, value);
}

/* Text of a value, cut at a character's border. */
static json_t *text_of(const json_t *value, size_t max)
{
    struct buf out;
    char *fitting = malloc(max + 1);
    json_t *text;
    buf_init(&out, VALUE_MAX * 4);
    add_value(&out, value);
    if (fitting != NULL)
        str_copy(fitting, max + 1, out.data);
    text = json_string(fitting == NULL ? "" : fitting);
    free(fitting);
    buf_deinit(&out);
    return text;
}

/* Ids, hashes and lists of hosts say nothing to a reader of the list; the event's own page has
 * them.
 */
static bool is_for_summary(const char *key, const json_t *value)
{
    static const char *const LEFT_OUT[] = {"job",      "sha256", "size_bytes", "before",
                                           "settings", "hosts",  "servers"};
    for (size_t i = 0; i < COUNT_OF(LEFT_OUT); i++)
        if (str_equal(LEFT_OUT[i], key))
            return false;
    return !json_is_null(value) && !(json_is_array(value) && json_array_size(value) == 0)
           && !(json_is_string(value) && json_string_length(value) == 0)
           && !(json_is_integer(value) && json_integer_value(value) == 0);
}

/* What stands before a value: its key, unless the value speaks for itself. */
static const char *label_of(const char *key)
{
    static const char *const WORDS[][2] = {{"summary", ""},
                                           {"why", ""},
                                           {"slug", ""},
                                           {"release", "v"},
                                           {"shown", ""},
                                           {"print", ""},
                                           {"secret_set", "s"},
                                           {"number", "s"},
                                           {"source", ""},
                                           {"version", "version "},
                                           {"with_token", "with API token "},
                                           {"expires", "until "},
                                           {"keys", ""},
                                           {"purpose", "to "}};
    for (size_t i = 0; i < COUNT_OF(WORDS); i++)
        if (str_equal(WORDS[i][0], key))
            return WORDS[i][1];
    return NULL;
}

static void add_names(struct buf *out, const json_t *object)
{
    const char *name;
    json_t *ignored;
    size_t n = 0;
    json_object_foreach((json_t *)(uintptr_t)object, name, ignored)
        buf_printf(out, "%s%s", n++ > 0 ? ", " : "", name);
}

json_t *audit_summary(const json_t *detail)
{
    struct buf out;
    const char *key;
    json_t *value, *text;
    char fitting[SUMMARY_MAX + 1];
    buf_init(&out, VALUE_MAX * 4);
    json_object_foreach((json_t *)(uintptr_t)detail, key, value)
    {
        const char *label = label_of(key);
        if (out.len >= SUMMARY_MAX || !is_for_summary(key, value))
            continue;
        buf_printf(&out, "%s%s%s", out.len > 0 ? ", " : "", label == NULL ? key : label,
                   label == NULL ? " " : "");
        if (str_equal(key, "changed") && json_is_object(value))
            add_names(&out, value);
        else
            add_value(&out, value);
    }
    str_copy(fitting, sizeof fitting, out.data);
    text = json_string(fitting);
    buf_deinit(&out);
    return text;
}

static bool is_change(const json_t *value)
{
    return json_object_size(value) == 2 && json_object_get(value, "from") != NULL
           && json_object_get(value, "to") != NULL;
}

static void add_rows(json_t *rows, const char *prefix, const json_t *object, int depth)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        char name[160];
        if (json_array_size(rows) >= ROWS_MAX)
            return;
        snprintf(name, sizeof name, "%.70s%s%.70s", prefix, prefix[0] != '\0' ? "." : "", key);
        if (json_is_object(value) && !is_change(value) && depth < DEPTH_MAX)
            add_rows(rows, name, value, depth + 1);
        else
            json_array_append_new(
                rows, json_pack("{s:s, s:o}", "key", name, "text", text_of(value, VALUE_MAX)));
    }
}

json_t *audit_details(const json_t *detail)
{
    json_t *rows = json_array();
    add_rows(rows, "", detail, 0);
    return rows;
}

/* yaml_read.c - libyaml's events become a tree of JSON values. Recursive, with a limit of depth far
 * below what the stack holds. A value is registered under its anchor when it is whole, so a value
 * cannot contain itself. */
#include "lib/yaml/yaml_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>
#include "lib/base/str.h"

#define PATH_SIZE 512

struct reader {
    yaml_parser_t parser;
    int nodes;
    json_t *anchors, *marks;
    struct err *err;
};

/* Where a value stands: the keys that lead to it, for marks. */
struct place {
    char path[PATH_SIZE];
    int depth;
};

static int wrong(struct reader *r, const yaml_mark_t *mark, const char *fmt, ...) PRINTF(3, 4);
static int wrong(struct reader *r, const yaml_mark_t *mark, const char *fmt, ...)
{
    char what[300];
    va_list values;
    va_start(values, fmt);
    (void)vsnprintf(what, sizeof what, fmt, values);
    va_end(values);
    return err_set(r->err, ERR_INPUT, "Line %zu, column %zu: %s", mark->line + 1, mark->column + 1,
                   what);
}

static int no_memory(struct reader *r)
{
    return err_set(r->err, ERR_NO_MEMORY, "There is not enough memory to read the file.");
}

/* libyaml's own words, with where it began when that helps. */
static int broken(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return no_memory(r);
    if (p->error == YAML_READER_ERROR)
        return err_set(r->err, ERR_INPUT,
                       "Byte %zu: this is not text in UTF-8, or has a control character.",
                       p->problem_offset + 1);
    if (p->context != NULL && p->context_mark.line != p->problem_mark.line)
        return wrong(r, &p->problem_mark, "%s (%s that begins in line %zu).", p->problem,
                     p->context, p->context_mark.line + 1);
    return wrong(r, &p->problem_mark, "%s.", p->problem == NULL ? "this is no YAML" : p->problem);
}

static int next(struct reader *r, yaml_event_t *event)
{
    return yaml_parser_parse(&r->parser, event) ? 0 : broken(r);
}

/* --- values -------------------------------------------------------------------------------------
 */

static int read_value(struct reader *r, yaml_event_t *event, const struct place *at,
                      json_t **value);

static int keep_anchor(struct reader *r, const char *anchor, json_t *value)
{
    if (anchor == NULL)
        return 0;
    return json_object_set(r->anchors, anchor, value) == 0 ? 0 : no_memory(r);
}

static bool is_null(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE
           && (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

static int read_scalar(struct reader *r, const yaml_event_t *event, json_t **value)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    if (memchr(text, '\0', len) != NULL)
        return wrong(r, &event->start_mark, "there is a NUL character here.");
    *value = is_null(event) ? json_null() : json_stringn(text, len);
    if (*value == NULL)
        return wrong(r, &event->start_mark, "this text is not UTF-8.");
    return keep_anchor(r, (const char *)event->data.scalar.anchor, *value);
}

static int read_list(struct reader *r, const struct place *at, json_t *list)
{
    struct place below = {.depth = at->depth + 1};
    for (;;) {
        yaml_event_t event;
        json_t *item = NULL;
        if (next(r, &event) != 0)
            return -1;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return 0;
        }
        int rc = read_value(r, &event, &below, &item);
        yaml_event_delete(&event);
        if (rc == 0 && json_array_append(list, item) != 0)
            rc = no_memory(r);
        json_decref(item);
        if (rc != 0)
            return -1;
    }
}

/* `<<: *defaults` or a list of them: what the mapping itself does not say. */
static int merge(struct reader *r, const yaml_mark_t *mark, json_t *merged, const json_t *value)
{
    const json_t *item;
    size_t i;
    if (json_is_array(value)) {
        json_array_foreach(value, i, item) if (merge(r, mark, merged, item) != 0) return -1;
        return 0;
    }
    if (!json_is_object(value))
        return wrong(r, mark, "\"<<\" merges mappings, and this is none.");
    return json_object_update_missing(merged, (json_t *)(uintptr_t)value) == 0 ? 0 : no_memory(r);
}

static int set_mark(struct reader *r, const struct place *at, const yaml_mark_t *mark)
{
    if (at->depth > YAML_MARKED || at->path[0] == '\0')
        return 0;
    return json_object_set_new(r->marks, at->path,
                               json_pack("[i, i]", (int)mark->line + 1, (int)mark->column + 1))
                   == 0
               ? 0
               : no_memory(r);
}

static void go_below(struct place *below, const struct place *at, const char *key)
{
    below->depth = at->depth + 1;
    int n = snprintf(below->path, sizeof below->path, "%s%s%s", at->path,
                     at->path[0] != '\0' ? "." : "", key);
    if (n < 0 || (size_t)n >= sizeof below->path || (at->depth > 0 && at->path[0] == '\0'))
        below->path[0] = '\0';
}

/* One `key: value`, whose key is in `event`. */
static int read_pair(struct reader *r, const yaml_event_t *event, const struct place *at,
                     json_t *mapping, json_t *merged)
{
    struct place below;
    yaml_event_t of_value;
    json_t *value = NULL;
    const char *key;
    int rc = -1;

    if (event->type != YAML_SCALAR_EVENT)
        return wrong(r, &event->start_mark, "a key must be a word.");
    key = (const char *)event->data.scalar.value;
    if (strlen(key) != event->data.scalar.length || !str_is_utf8(key, strlen(key)))
        return wrong(r, &event->start_mark, "this key is not UTF-8 text.");
    if (json_object_get(mapping, key) != NULL)
        return wrong(r, &event->start_mark, "the key \"%.80s\" stands here for the second time.",
                     key);
    go_below(&below, at, key);
    if (set_mark(r, &below, &event->start_mark) != 0 || next(r, &of_value) != 0)
        return -1;
    if (read_value(r, &of_value, &below, &value) != 0)
        goto out;
    if (strcmp(key, "<<") == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        rc = merge(r, &of_value.start_mark, merged, value);
    else
        rc = json_object_set(mapping, key, value) == 0 ? 0 : no_memory(r);
out:
    json_decref(value);
    yaml_event_delete(&of_value);
    return rc;
}

static int read_mapping(struct reader *r, const struct place *at, json_t *mapping)
{
    json_t *merged = json_object();
    int rc = merged != NULL ? 0 : no_memory(r);
    while (rc == 0) {
        yaml_event_t event;
        rc = next(r, &event);
        if (rc != 0)
            break;
        bool ended = event.type == YAML_MAPPING_END_EVENT;
        if (!ended)
            rc = read_pair(r, &event, at, mapping, merged);
        yaml_event_delete(&event);
        if (ended)
            break;
    }
    if (rc == 0 && json_object_update_missing(mapping, merged) != 0)
        rc = no_memory(r);
    json_decref(merged);
    return rc;
}

static int read_alias(struct reader *r, const yaml_event_t *event, json_t **value)
{
    const char *name = (const char *)event->data.alias.anchor;
    json_t *found = json_object_get(r->anchors, name);
    if (found == NULL)
        return wrong(r, &event->start_mark, "the alias *%.80s names no anchor above it.", name);
    *value = json_incref(found);
    return 0;
}

static int read_value(struct reader *r, yaml_event_t *event, const struct place *at, json_t **value)
{
    bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
    if (++r->nodes > YAML_NODES_MAX)
        return wrong(r, &event->start_mark, "the file has more than %d values.", YAML_NODES_MAX);
    if (at->depth >= YAML_DEPTH_MAX)
        return wrong(r, &event->start_mark, "values are nested deeper than %d levels.",
                     YAML_DEPTH_MAX);
    if (event->type == YAML_SCALAR_EVENT)
        return read_scalar(r, event, value);
    if (event->type == YAML_ALIAS_EVENT)
        return read_alias(r, event, value);
    if (!is_mapping && event->type != YAML_SEQUENCE_START_EVENT)
        return wrong(r, &event->start_mark, "a value is missing here.");
    const char *anchor = (const char *)(is_mapping ? event->data.mapping_start.anchor
                                                   : event->data.sequence_start.anchor);
    *value = is_mapping ? json_object() : json_array();
    if (*value == NULL)
        return no_memory(r);
    if ((is_mapping ? read_mapping(r, at, *value) : read_list(r, at, *value)) == 0)
        return keep_anchor(r, anchor, *value);
    return -1;
}

/* --- the document -------------------------------------------------------------------------------
 */

static int read_document(struct reader *r, json_t **value)
{
    struct place top = {.depth = 0};
    for (int documents = 0;;) {
        yaml_event_t event;
        if (next(r, &event) != 0)
            return -1;
        int rc = 0;
        bool ended = event.type == YAML_STREAM_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && ++documents > 1)
            rc = wrong(r, &event.start_mark, "a second document begins here; there may be one.");
        else if (!ended && event.type != YAML_STREAM_START_EVENT
                 && event.type != YAML_DOCUMENT_START_EVENT
                 && event.type != YAML_DOCUMENT_END_EVENT)
            rc = read_value(r, &event, &top, value);
        yaml_event_delete(&event);
        if (ended || rc != 0)
            return rc;
    }
}

int yaml_read(const char *text, size_t len, struct yaml_text *yaml, struct err *err)
{
    struct reader r = {.err = err};
    int rc = -1;
    *yaml = (struct yaml_text){.value = NULL};
    if (!yaml_parser_initialize(&r.parser))
        return no_memory(&r);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    r.anchors = json_object();
    r.marks = json_object();
    if (r.anchors == NULL || r.marks == NULL)
        rc = no_memory(&r);
    else
        rc = read_document(&r, &yaml->value);
    if (yaml->value == NULL)
        yaml->value = json_null();
    yaml->marks = r.marks;
    json_decref(r.anchors);
    yaml_parser_delete(&r.parser);
    if (rc != 0)
        yaml_text_free(yaml);
    return rc;
}

void yaml_text_free(struct yaml_text *yaml)
{
    json_decref(yaml->value);
    json_decref(yaml->marks);
    *yaml = (struct yaml_text){.value = NULL};
}

bool yaml_place(const struct yaml_text *yaml, const char *path, int *line, int *column)
{
    const json_t *mark = json_object_get(yaml->marks, path);
    *line = (int)json_integer_value(json_array_get(mark, 0));
    *column = (int)json_integer_value(json_array_get(mark, 1));
    return *line > 0;
}

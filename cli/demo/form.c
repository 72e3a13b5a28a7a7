/* form.c - reading a form out of a page (form.h). */
#include "cli/demo/form.h"

#include <string.h>
#include "lib/base/buf.h"
#include "lib/base/str.h"

#define TAG_MAX 4096

/* The five entities our templates write, and decimal ones below 128. */
static const struct {
    const char *name;
    char c;
} ENTITIES[] = {{"&amp;", '&'},  {"&lt;", '<'},   {"&gt;", '>'},
                {"&quot;", '"'}, {"&#39;", '\''}, {"&#x27;", '\''}};

static char *unescape(struct arena *arena, const char *text, size_t len)
{
    char *out = arena_alloc(arena, len + 1);
    size_t n = 0, e;

    for (size_t i = 0; out != NULL && i < len;) {
        for (e = 0; e < COUNT_OF(ENTITIES); e++)
            if (strlen(ENTITIES[e].name) <= len - i
                && strncmp(text + i, ENTITIES[e].name, strlen(ENTITIES[e].name)) == 0)
                break;
        out[n++] = e < COUNT_OF(ENTITIES) ? ENTITIES[e].c : text[i];
        i += e < COUNT_OF(ENTITIES) ? strlen(ENTITIES[e].name) : 1;
    }
    return out;
}

/* One tag's text between < and >, copied; NULL when it is not closed. */
static char *tag_at(struct arena *arena, const char *open)
{
    const char *close = strchr(open, '>');

    if (close == NULL || close - open > TAG_MAX)
        return NULL;
    return arena_memdup(arena, open, (size_t)(close - open));
}

/* name="value" in a tag: unescaped, or NULL. */
static char *attribute(struct arena *arena, const char *tag, const char *name)
{
    char pattern[64];
    const char *from, *to;

    (void)snprintf(pattern, sizeof(pattern), " %s=\"", name);
    from = strstr(tag, pattern);
    if (from == NULL)
        return NULL;
    from += strlen(pattern);
    to = strchr(from, '"');
    return to != NULL ? unescape(arena, from, (size_t)(to - from)) : NULL;
}

static void add(struct form_read *form, const char *name, const char *value)
{
    if (name == NULL || value == NULL || form->count >= FORM_FIELDS_MAX)
        return;
    form->fields[form->count].name = name;
    form->fields[form->count].value = value;
    form->count++;
    form->fields[form->count].name = NULL;
}

static void take_input(struct arena *arena, const char *tag, struct form_read *form)
{
    const char *type = attribute(arena, tag, "type");
    const char *value = attribute(arena, tag, "value");
    bool is_choice = str_equal(type, "checkbox") || str_equal(type, "radio");

    if (str_equal(type, "submit") || str_equal(type, "file")
        || (is_choice && strstr(tag, " checked") == NULL))
        return;
    add(form, attribute(arena, tag, "name"), value != NULL ? value : is_choice ? "on" : "");
}

/* A textarea's text, without the newline that HTML drops at its start. */
static void take_textarea(struct arena *arena, const char *tag, const char *after,
                          struct form_read *form)
{
    const char *end = strstr(after, "</textarea>");

    if (*after == '\n')
        after++;
    if (end != NULL && end >= after)
        add(form, attribute(arena, tag, "name"), unescape(arena, after, (size_t)(end - after)));
}

/* A select's chosen option, else its first. */
static void take_select(struct arena *arena, const char *tag, const char *after,
                        struct form_read *form)
{
    const char *end = strstr(after, "</select>"), *chosen = NULL;

    for (const char *at = after; end != NULL && (at = strstr(at, "<option")) != NULL && at < end;
         at++) {
        const char *option = tag_at(arena, at);
        if (option != NULL && (chosen == NULL || strstr(option, " selected") != NULL))
            chosen = attribute(arena, option, "value");
    }
    add(form, attribute(arena, tag, "name"), chosen);
}

static void take_fields(struct arena *arena, const char *from, const char *to,
                        struct form_read *form)
{
    for (const char *at = from; (at = strchr(at, '<')) != NULL && at < to; at++) {
        const char *tag = tag_at(arena, at), *after;
        if (tag == NULL)
            return;
        after = at + strlen(tag) + 1;
        if (str_starts(tag, "<input"))
            take_input(arena, tag, form);
        else if (str_starts(tag, "<textarea"))
            take_textarea(arena, tag, after, form);
        else if (str_starts(tag, "<select"))
            take_select(arena, tag, after, form);
    }
}

int form_read(struct arena *arena, const char *html, const char *action, struct form_read *form,
              struct err *err)
{
    memset(form, 0, sizeof(*form));
    for (const char *at = html; (at = strstr(at, "<form")) != NULL; at++) {
        const char *tag = tag_at(arena, at), *end = strstr(at, "</form>");
        if (tag == NULL || end == NULL)
            break;
        if (!str_equal(attribute(arena, tag, "method"), "post")
            || !str_equal(attribute(arena, tag, "action"), action))
            continue;
        take_fields(arena, at + strlen(tag), end, form);
        if (arena_overflowed(arena))
            return err_set(err, ERR_NO_MEMORY, "The page's form is too large.");
        return 0;
    }
    return err_set(err, ERR_NOT_FOUND, "The page has no form that is sent to %s.", action);
}

int form_set(struct form_read *form, const char *name, const char *value, struct err *err)
{
    for (size_t i = 0; i < form->count; i++)
        if (str_equal(form->fields[i].name, name)) {
            form->fields[i].value = value;
            return 0;
        }
    return err_set(err, ERR_NOT_FOUND, "The form has no field %s.", name);
}

/* stage_pages.h - asking for the pages of a stage and looking at what came: the last part of
 * pages_world.h, which includes it. */
#ifndef WL_TESTS_WEB_LIB_STAGE_PAGES_H
#define WL_TESTS_WEB_LIB_STAGE_PAGES_H

#include "tests/web/lib/pages_world.h"

/* The data of a page, as JSON; new reference, NULL when the status is not the wanted one. */
static UNUSED json_t *stage_json(struct stage *s, const char *uri, int status)
{
    int got;
    s->w.wants_json = true;
    got = world_get(&s->w, uri);
    s->w.wants_json = false;
    CHECK_INT(got, status);
    return got == status ? json_loads(fake_body(&s->w.f), 0, NULL) : NULL;
}

/* data.a.b or data.list.0.b as text; "" when it is not there. */
static UNUSED const char *stage_text(const json_t *data, const char *path)
{
    char copy[200], *save = NULL;
    static char number[32];
    snprintf(copy, sizeof copy, "%s", path);
    for (char *part = strtok_r(copy, ".", &save); part != NULL; part = strtok_r(NULL, ".", &save))
        data = json_is_array(data) ? json_array_get(data, (size_t)strtol(part, NULL, 10))
                                   : json_object_get(data, part);
    if (json_is_integer(data))
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(data));
    return json_is_string(data)    ? json_string_value(data)
           : json_is_integer(data) ? number
           : json_is_true(data)    ? "true"
           : json_is_false(data)   ? "false"
           : json_is_null(data)    ? "null"
                                   : "";
}

static UNUSED bool stage_shows(const struct stage *s, const char *text)
{
    return strstr(fake_body(&s->w.f), text) != NULL;
}

/* The newest event's verb. */
static UNUSED const char *stage_last_verb(struct stage *s)
{
    static char verb[64];
    json_t *events = NULL, *none = json_object();
    WORLD_MUST(audit_list(s->w.worker, none, 0, 1, &events, &world_err));
    snprintf(verb, sizeof verb, "%s",
             json_string_value(json_object_get(json_array_get(events, 0), "verb")));
    json_decref(none);
    json_decref(events);
    return verb;
}

/* The value of a hidden field on the page in w.f. */
static UNUSED const char *stage_hidden(const struct stage *s, const char *name)
{
    static char value[8192];
    char mark[100];
    const char *at;
    snprintf(mark, sizeof mark, "name=\"%s\" value=\"", name);
    at = strstr(fake_body(&s->w.f), mark);
    snprintf(value, sizeof value, "%s", at == NULL ? "" : at + strlen(mark));
    value[strcspn(value, "\"")] = '\0';
    return value;
}

static UNUSED int stage_post(struct stage *s, const char *uri, const char *fmt, ...) PRINTF(3, 4);
static UNUSED int stage_post(struct stage *s, const char *uri, const char *fmt, ...)
{
    static char body[20000];
    va_list args;
    va_start(args, fmt);
    vsnprintf(body, sizeof body, fmt, args);
    va_end(args);
    return world_post(&s->w, uri, body);
}

#endif

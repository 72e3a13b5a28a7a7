/* page.c - building the `page` half of a model (page.h). */
#include "cgi/pages/page.h"

#include <stdio.h>
#include <string.h>
#include "cgi/http/form.h"
#include "cgi/pages/parts.h"
#include "lib/base/str.h"

/* With " · Windlass" 70 characters, as long as anything that shows titles shows them. */
#define TITLE_MAX 59

/* The whole is in the heading. Characters beyond the first plane count twice, as in a browser. */
static json_t *title_of(const char *title)
{
    char cut[TITLE_MAX * 4];
    size_t at = 0, fits = 0, count = 0;
    for (; title[at] != '\0' && count <= TITLE_MAX; at++) {
        if (((unsigned char)title[at] & 0xC0U) != 0x80U) {
            if (count < TITLE_MAX)
                fits = at;
            count += (unsigned char)title[at] >= 0xF0U ? 2 : 1;
        }
    }
    if (count <= TITLE_MAX)
        return json_string(title);
    (void)snprintf(cut, sizeof cut, "%.*s…", (int)fits, title);
    return json_string(cut);
}

json_t *page_new(const char *title, const char *tab)
{
    return json_pack("{s:o, s:s, s:s, s:[], s:s, s:{}, s:[], s:{}}", "title", title_of(title),
                     "tab", tab, "tier", "", "crumbs", "refresh", "", "errors", "error_list",
                     "values");
}

void page_crumb(json_t *page, const char *text, const char *href)
{
    json_array_append_new(json_object_get(page, "crumbs"),
                          json_pack("{s:s, s:s}", "text", text, "href", href));
}

void page_crumbs_of(json_t *page, const char *app_slug, const char *env_slug, const char *tier)
{
    char href[160];
    page_crumb(page, "Apps", "/apps");
    snprintf(href, sizeof href, "/apps/%s", app_slug);
    page_crumb(page, app_slug, href);
    if (env_slug == NULL)
        return;
    snprintf(href, sizeof href, "/apps/%s/%s", app_slug, env_slug);
    page_crumb(page, env_slug, href);
    json_object_set_new(page, "tier", json_string(tier));
}

void page_here(json_t *page)
{
    json_t *crumbs = json_object_get(page, "crumbs");
    size_t count = json_array_size(crumbs);
    if (count > 0)
        json_object_set_new(json_array_get(crumbs, count - 1), "href", json_string(""));
}

void page_refresh(json_t *page, int seconds)
{
    json_object_set_new(page, "refresh", part_text("%d", seconds));
}

const char *page_lines(struct request *req, const char *text)
{
    char *out;
    size_t n = 0;
    for (size_t i = 0; text[i] != '\0'; i++)
        if ((text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            || (text[i] == '\r' && text[i + 1] != '\n'))
            return text;
    out = arena_strdup(req->arena, text);
    if (out == NULL)
        return "";
    for (size_t i = 0; text[i] != '\0'; i++)
        if (text[i] != '\r')
            out[n++] = text[i];
    out[n] = '\0';
    return out;
}

void page_field(json_t *page, const char *field, const char *value)
{
    json_object_set_new(json_object_get(page, "errors"), field, json_string(""));
    if (value != NULL)
        json_object_set_new(json_object_get(page, "values"), field, json_string(value));
}

/* The id of a field without its "f-": dots would need escaping wherever an id is a selector. */
static json_t *anchor_of(const char *field)
{
    char anchor[FORM_NAME_MAX + 1];
    str_copy(anchor, sizeof anchor, field);
    for (char *dot = strchr(anchor, '.'); dot != NULL; dot = strchr(dot, '.'))
        *dot = '-';
    return json_string(anchor);
}

void page_error(json_t *page, const char *field, const char *text)
{
    json_object_set_new(json_object_get(page, "errors"), field, json_string(text));
    json_array_append_new(
        json_object_get(page, "error_list"),
        json_pack("{s:s, s:s, s:o}", "field", field, "text", text, "anchor", anchor_of(field)));
}

bool page_has_errors(const json_t *page)
{
    return json_array_size(json_object_get(page, "error_list")) > 0;
}

int page_take_err(json_t *page, const struct err *refused, const char *otherwise)
{
    if (refused->code != ERR_INPUT && refused->code != ERR_CONFLICT
        && refused->code != ERR_TOO_LARGE)
        return -1;
    page_error(page, refused->field[0] != '\0' ? refused->field : otherwise, refused->user);
    return 0;
}

/* template_render.c - nodes and a model to HTML. Each value is escaped for the place the parser
 * found it in; there is no way to write one as it is. */
#include "cgi/http/template_impl.h"

#include <string.h>
#include "lib/base/log.h"
#include "lib/base/str.h"

#define FRAMES_MAX   64
#define PARTIALS_MAX 16

struct render {
    bool strict;
    struct buf *out;
    const json_t *frames[FRAMES_MAX]; /* what names are looked up in, outermost first */
    int depth;
    int partials;
    size_t url_start;
    struct err *err;
};

static int wrong(const struct template *t, const struct node *node, struct err *err,
                 const char *problem)
{
    char name[128] = "";

    for (int i = 0; i < node->parts_count; i++)
        snprintf(name + strlen(name), sizeof name - strlen(name), "%s%s", i > 0 ? "." : "",
                 node->parts[i]);
    err_set(err, ERR_INTERNAL, "Something went wrong while making this page.");
    return err_detail(err, "%s:%d: {{%s}} %s", t->file, node->line, name, problem);
}

static const json_t *lookup(const struct render *r, const struct node *node)
{
    const json_t *found = NULL;

    if (node->parts_count == 0)
        return r->frames[r->depth - 1];
    for (int i = r->depth - 1; i >= 0 && found == NULL; i--)
        found = json_object_get(r->frames[i], node->parts[0]);
    for (int i = 1; i < node->parts_count && found != NULL; i++)
        found = json_object_get(found, node->parts[i]);
    return found;
}

/* *value NULL (and 0) when the name is missing and that is only noted. */
static int find(struct render *r, const struct template *t, struct node *node, const json_t **value)
{
    struct err missing = {0};

    *value = lookup(r, node);
    if (*value != NULL)
        return 0;
    wrong(t, node, &missing, "is not in the model");
    if (r->strict) {
        if (r->err != NULL)
            *r->err = missing;
        return -1;
    }
    if (!node->was_noted)
        log_err("template-name-missing", &missing);
    node->was_noted = true;
    return 0;
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'
           || c == '_' || c == '.' || c == '~';
}

/* Characters with a role in an address, that stay as they are in one made by a handler. */
static bool is_reserved(unsigned char c)
{
    return c != '\0' && strchr(":/?#[]@!$&'()*+,;=%", c) != NULL;
}

static void add_html_byte(struct buf *out, char c)
{
    switch (c) {
    case '&':
        buf_add_str(out, "&amp;");
        break;
    case '<':
        buf_add_str(out, "&lt;");
        break;
    case '>':
        buf_add_str(out, "&gt;");
        break;
    case '"':
        buf_add_str(out, "&quot;");
        break;
    case '\'':
        buf_add_str(out, "&#39;");
        break;
    case '\r':
        buf_add_str(out, "&#13;"); /* a bare one would be read as a line feed */
        break;
    default:
        if ((unsigned char)c < ' ' && c != '\n' && c != '\t')
            buf_add_str(out, "\xEF\xBF\xBD"); /* HTML has no way to say it */
        else
            buf_add_char(out, c);
    }
}

/* Whole runs of harmless bytes at once: most text is one run. */
static void add_text(struct buf *out, const char *text, size_t len)
{
    while (len > 0) {
        size_t run = 0;

        while (run < len && (unsigned char)text[run] >= ' ' && text[run] != '&' && text[run] != '<'
               && text[run] != '>' && text[run] != '"' && text[run] != '\'')
            run++;
        buf_add(out, text, run);
        if (run < len)
            add_html_byte(out, text[run++]);
        text += run;
        len -= run;
    }
}

static void add_url(struct buf *out, const char *text, size_t len, bool is_value)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (is_unreserved(c) || (!is_value && is_reserved(c)))
            add_html_byte(out, text[i]);
        else
            buf_printf(out, "%%%02X", c);
    }
}

static int add_escaped(struct render *r, const struct template *t, const struct node *node,
                       const char *text, size_t len)
{
    switch (node->escape) {
    case ESCAPE_URL:
    case ESCAPE_URL_VALUE:
        add_url(r->out, text, len, node->escape == ESCAPE_URL_VALUE);
        return 0;
    case ESCAPE_META:
        if (memchr(text, ';', len) != NULL)
            return wrong(t, node, r->err, "holds a semicolon, which no meta content may");
        add_text(r->out, text, len);
        return 0;
    case ESCAPE_TEXT:
    default:
        add_text(r->out, text, len);
        return 0;
    }
}

static int render_value(struct render *r, const struct template *t, struct node *node)
{
    const json_t *value;
    char number[64];

    if (find(r, t, node, &value) != 0)
        return -1;
    if (value == NULL || json_is_null(value))
        return 0;
    if (json_is_string(value))
        return add_escaped(r, t, node, json_string_value(value), json_string_length(value));
    if (json_is_integer(value))
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(number, sizeof number, "%.15g", json_real_value(value));
    else if (json_is_boolean(value))
        snprintf(number, sizeof number, "%s", json_is_true(value) ? "true" : "false");
    else
        return wrong(t, node, r->err, "is a list or an object, where text is wanted");
    return add_escaped(r, t, node, number, strlen(number));
}

/* An address of ours; or, for links, any http(s) one. The text is HTML-escaped already, which
 * changes none of the characters looked at here. */
static bool is_harmless_url(const char *url, bool is_form_target)
{
    if (url[0] == '/')
        return url[1] != '/' && url[1] != '\\';
    if (url[0] == '#' || url[0] == '?')
        return true;
    return !is_form_target && (str_starts(url, "https://") || str_starts(url, "http://"));
}

static void end_url(struct render *r, const struct node *node)
{
    const char *url = r->out->data + r->url_start;

    if (!buf_ok(r->out) || is_harmless_url(url, node->is_form_target))
        return;
    r->out->len = r->url_start;
    r->out->data[r->out->len] = '\0';
    buf_add_char(r->out, '#');
}

static int render_nodes(struct render *r, const struct template *t, size_t from, size_t to);

static int render_in(struct render *r, const struct template *t, size_t node, const json_t *frame)
{
    int rc;

    if (r->depth == FRAMES_MAX)
        return wrong(t, &t->nodes[node], r->err, "is nested too deep");
    r->frames[r->depth++] = frame;
    rc = render_nodes(r, t, node + 1, t->nodes[node].jump);
    r->depth--;
    return rc;
}

static bool shows(const json_t *value)
{
    if (value == NULL)
        return false;
    switch (json_typeof(value)) {
    case JSON_ARRAY:
        return json_array_size(value) > 0;
    case JSON_STRING:
        return json_string_length(value) > 0;
    case JSON_OBJECT:
    case JSON_TRUE:
        return true;
    case JSON_FALSE:
    case JSON_NULL:
    case JSON_INTEGER:
    case JSON_REAL:
    default:
        return false;
    }
}

static int render_section(struct render *r, const struct template *t, size_t index)
{
    struct node *node = &t->nodes[index];
    const json_t *value;

    if (find(r, t, node, &value) != 0)
        return -1;
    if (json_is_number(value))
        return wrong(t, node, r->err, "is a number, which opens no section");
    if ((node->kind == NODE_INVERTED) == shows(value))
        return 0;
    if (node->kind == NODE_INVERTED || json_is_true(value))
        return render_nodes(r, t, index + 1, node->jump);
    if (!json_is_array(value))
        return render_in(r, t, index, value);
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (render_in(r, t, index, json_array_get(value, i)) != 0)
            return -1;
    }
    return 0;
}

static int render_partial(struct render *r, const struct template *t, const struct node *node)
{
    int rc;

    if (r->partials == PARTIALS_MAX)
        return wrong(t, node, r->err, "is a partial nested too deep");
    r->partials++;
    rc = render_nodes(r, node->partial, 0, node->partial->count);
    r->partials--;
    return rc;
}

static int render_nodes(struct render *r, const struct template *t, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct node *node = &t->nodes[i];
        int rc = 0;

        switch (node->kind) {
        case NODE_TEXT:
            buf_add(r->out, node->text, node->len);
            break;
        case NODE_VALUE:
            rc = render_value(r, t, node);
            break;
        case NODE_SECTION:
        case NODE_INVERTED:
            rc = render_section(r, t, i);
            i = node->jump;
            break;
        case NODE_PARTIAL:
            rc = render_partial(r, t, node);
            break;
        case NODE_URL_BEGIN:
            r->url_start = r->out->len;
            break;
        case NODE_URL_END:
            end_url(r, node);
            break;
        case NODE_END:
        default:
            break;
        }
        if (rc != 0)
            return -1;
    }
    return 0;
}

int template_render(const struct templates *templates, const char *name, const json_t *model,
                    struct buf *out, struct err *err)
{
    const struct template *t = templates != NULL ? templates_find(templates, name) : NULL;
    struct render r = {.out = out, .err = err, .frames = {model}, .depth = 1};

    if (t == NULL) {
        err_set(err, ERR_INTERNAL, "Something went wrong while making this page.");
        return err_detail(err, "there is no template \"%s\"", name);
    }
    r.strict = templates->strict;
    if (render_nodes(&r, t, 0, t->count) != 0)
        return -1;
    if (!buf_ok(out))
        return err_set(err, ERR_NO_MEMORY,
                       "The page became larger than one request may be. Narrow it down: choose "
                       "fewer rows, or a filter.");
    return 0;
}

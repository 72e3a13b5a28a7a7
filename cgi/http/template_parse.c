/* template_parse.c - from a file's bytes to nodes, with the place of every tag in the HTML known
 * (template_html.h), so that rendering needs no thought about context. */
#include "cgi/http/template_impl.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/str.h"

#define NAME_MAX_BYTES 100

struct open_section {
    size_t node;
    struct html html;
};

struct parser {
    struct template *t;
    const char *at, *end;
    const char *text; /* start of the text not yet made a node */
    int line;
    struct html html;
    const char *tag_in_value; /* value_start of the last value that held a tag */
    const char *rcdata_start; /* just after the last <title> or <textarea> */
    struct open_section open[TEMPLATE_DEPTH_MAX];
    int depth;
    struct err *err;
};

static int wrong(struct parser *p, const char *problem)
{
    return err_set(p->err, ERR_INTERNAL, "%s:%d: %s.", p->t->file, p->line, problem);
}

static struct node *add_node(struct parser *p, enum node_kind kind)
{
    struct template *t = p->t;
    struct node *node;

    if (t->count == t->cap) {
        size_t cap = t->cap == 0 ? 64 : t->cap * 2;
        struct node *nodes = reallocarray(t->nodes, cap, sizeof *nodes);

        if (nodes == NULL) {
            wrong(p, "out of memory");
            return NULL;
        }
        t->nodes = nodes;
        t->cap = cap;
    }
    node = &t->nodes[t->count++];
    *node = (struct node){.kind = kind, .line = p->line};
    return node;
}

static int add_text(struct parser *p, const char *text, size_t len)
{
    struct node *node;

    if (len == 0)
        return 0;
    node = add_node(p, NODE_TEXT);
    if (node == NULL)
        return -1;
    node->text = text;
    node->len = len;
    return 0;
}

/* The text collected so far becomes a node. */
static int flush_text(struct parser *p)
{
    int rc = add_text(p, p->text, (size_t)(p->at - p->text));

    p->text = p->at;
    return rc;
}

static bool is_static_url(const char *value, size_t len)
{
    return (len > 0 && (value[0] == '#' || value[0] == '?')) || (len == 1 && value[0] == '/')
           || (len > 1 && value[0] == '/' && value[1] != '/' && value[1] != '\\')
           || (len > 8 && memcmp(value, "https://", 8) == 0)
           || (len > 7 && memcmp(value, "http://", 7) == 0);
}

/* A value of an address attribute ended: one without tags is checked here and now. */
static int end_url(struct parser *p)
{
    struct node *node;

    if (p->tag_in_value != p->html.value_start)
        return is_static_url(p->html.value_start, (size_t)(p->at - p->html.value_start))
                   ? 0
                   : wrong(p, "an address must begin with / # ? or https://");
    if (flush_text(p) != 0 || (node = add_node(p, NODE_URL_END)) == NULL)
        return -1;
    node->is_form_target = strcmp(p->html.name, "href") != 0;
    return 0;
}

/* Indentation is for who reads the template. Pages go without it, so that a section that shows
 * nothing leaves no blanks at the end of a line. */
static int skip_indentation(struct parser *p)
{
    if (flush_text(p) != 0)
        return -1;
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t'))
        p->at++;
    p->text = p->at;
    return 0;
}

/* One byte of plain HTML. */
static int take_html(struct parser *p)
{
    enum html_state before = p->html.state;
    bool is_line_end = before == HTML_TEXT && *p->at == '\n';

    if (before == HTML_VALUE && *p->at == '"' && p->html.attr == HTML_ATTR_URL && end_url(p) != 0)
        return -1;
    if (!html_feed(&p->html, p->at))
        return wrong(p, p->html.problem);
    if (*p->at == '\n')
        p->line++;
    p->at++;
    if (before != HTML_RCDATA && p->html.state == HTML_RCDATA)
        p->rcdata_start = p->at;
    return is_line_end ? skip_indentation(p) : 0;
}

/* The first tag in a value of an address attribute: the whole value is watched from its start. A
 * value of several parts has its static beginning in a text node already. */
static int begin_url(struct parser *p)
{
    const char *start = p->html.value_start;
    struct node *node;

    if (p->html.state != HTML_VALUE || p->html.attr != HTML_ATTR_URL || p->tag_in_value == start)
        return 0;
    p->tag_in_value = start;
    if (p->text > start)
        return wrong(p, "an address that begins before a tag on another level");
    if (add_text(p, p->text, (size_t)(start - p->text)) != 0)
        return -1;
    p->text = start;
    node = add_node(p, NODE_URL_BEGIN);
    return node != NULL ? 0 : -1;
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '-';
}

/* "a.b.c" or "." into the node. */
static int set_name(struct parser *p, struct node *node, const char *name, size_t len)
{
    if (len == 0 || len > NAME_MAX_BYTES)
        return wrong(p, "a name that is empty or too long");
    node->name = strndup(name, len);
    if (node->name == NULL)
        return wrong(p, "out of memory");
    if (strcmp(node->name, ".") == 0)
        return 0;
    for (char *part = node->name; part != NULL;) {
        char *dot = strchr(part, '.');

        if (dot != NULL)
            *dot = '\0';
        for (const char *c = part; *c != '\0'; c++) {
            if (!is_name_byte(*c))
                return wrong(p, "a name with a character other than letters, digits, _ - and .");
        }
        if (part[0] == '\0' || node->parts_count == TEMPLATE_NAME_PARTS)
            return wrong(p, "a name with an empty part or too many parts");
        node->parts[node->parts_count++] = part;
        part = dot != NULL ? dot + 1 : NULL;
    }
    return 0;
}

static bool same_name(const struct node *a, const struct node *b)
{
    if (a->parts_count != b->parts_count)
        return false;
    for (int i = 0; i < a->parts_count; i++) {
        if (strcmp(a->parts[i], b->parts[i]) != 0)
            return false;
    }
    return true;
}

static int choose_escape(struct parser *p, enum escape *escape)
{
    const char *value = p->html.value_start;

    *escape = ESCAPE_TEXT;
    if (p->html.state == HTML_TEXT || (p->html.state == HTML_RCDATA && p->html.matched == 0))
        return 0;
    if (p->html.state != HTML_VALUE)
        return wrong(p, "a tag may stand only in text and in double-quoted attribute values");
    if (p->html.attr == HTML_ATTR_NEVER)
        return wrong(p, "a tag may not stand in this attribute");
    if (p->html.attr == HTML_ATTR_META)
        *escape = ESCAPE_META;
    if (p->html.attr != HTML_ATTR_URL)
        return 0;
    *escape = ESCAPE_URL;
    if (p->at > value && p->at[-1] == '=' && memchr(value, '?', (size_t)(p->at - value)) != NULL)
        *escape = ESCAPE_URL_VALUE;
    return 0;
}

static int add_value(struct parser *p, const char *name, size_t len)
{
    enum escape escape;
    struct node *node;

    if (choose_escape(p, &escape) != 0 || begin_url(p) != 0 || flush_text(p) != 0
        || (node = add_node(p, NODE_VALUE)) == NULL)
        return -1;
    node->escape = escape;
    return set_name(p, node, name, len);
}

static int open_section(struct parser *p, enum node_kind kind, const char *name, size_t len)
{
    struct node *node;

    if (p->depth == TEMPLATE_DEPTH_MAX)
        return wrong(p, "sections are nested too deep");
    if (begin_url(p) != 0 || flush_text(p) != 0)
        return -1;
    if (!html_at_section(&p->html))
        return wrong(p, "a section may not begin here");
    p->open[p->depth++] = (struct open_section){.node = p->t->count, .html = p->html};
    node = add_node(p, kind);
    return node != NULL ? set_name(p, node, name, len) : -1;
}

static int close_section(struct parser *p, const char *name, size_t len)
{
    const struct open_section *open;
    struct node *node;

    if (p->depth == 0)
        return wrong(p, "a section ends that never began");
    open = &p->open[--p->depth];
    if (flush_text(p) != 0 || (node = add_node(p, NODE_END)) == NULL
        || set_name(p, node, name, len) != 0)
        return -1;
    if (!same_name(node, &p->t->nodes[open->node]))
        return wrong(p, "a section ends under another name than it began");
    if (!html_at_section(&p->html) || !html_join(&open->html, &p->html))
        return wrong(p, "a section must end at the same kind of place as it began (in text, in the "
                        "same tag, in the same value)");
    p->t->nodes[open->node].jump = p->t->count - 1;
    return 0;
}

static int add_partial(struct parser *p, const char *name, size_t len)
{
    struct node *node;

    if (p->html.state != HTML_TEXT)
        return wrong(p, "a partial may stand only in text");
    if (flush_text(p) != 0 || (node = add_node(p, NODE_PARTIAL)) == NULL)
        return -1;
    return set_name(p, node, name, len);
}

/* A line with nothing but this tag leaves no trace: not its indentation, not its line end. */
static bool is_alone(const struct parser *p, const char *after)
{
    const char *left = p->at;

    if (p->html.state == HTML_RCDATA || p->html.state == HTML_VALUE)
        return false;
    while (left > p->t->source && (left[-1] == ' ' || left[-1] == '\t'))
        left--;
    if (left > p->t->source && left[-1] != '\n')
        return false;
    while (after < p->end && (*after == ' ' || *after == '\t'))
        after++;
    return after == p->end || *after == '\n';
}

static int add_tag(struct parser *p, char sigil, const char *name, size_t len)
{
    switch (sigil) {
    case '#':
        return open_section(p, NODE_SECTION, name, len);
    case '^':
        return open_section(p, NODE_INVERTED, name, len);
    case '/':
        return close_section(p, name, len);
    case '>':
        return add_partial(p, name, len);
    case '!':
        return flush_text(p);
    case '{':
    case '&':
    case '=':
        return wrong(p, "there is no raw tag, and delimiters cannot be changed");
    default:
        return add_value(p, name, len);
    }
}

/* <textarea>{{x}}: the parser of a browser drops a newline right after the tag, so one of ours is
 * put there, and a value that begins with a newline keeps it. */
static int protect_first_newline(struct parser *p)
{
    if (p->html.state != HTML_RCDATA || strcmp(p->html.closer, "textarea") != 0
        || p->at != p->rcdata_start)
        return 0;
    return flush_text(p) != 0 ? -1 : add_text(p, "\n", 1);
}

static void count_lines(struct parser *p, const char *from, const char *to)
{
    for (; from < to; from++)
        p->line += *from == '\n';
}

static int take_tag(struct parser *p)
{
    const char *close = memmem(p->at, (size_t)(p->end - p->at), "}}", 2);
    const char *name = p->at + 2;
    const char *start = p->at;
    const char *after = close != NULL ? close + 2 : NULL;
    char sigil;
    bool alone;
    int rc;

    if (close == NULL)
        return wrong(p, "a tag that never ends");
    sigil = *name;
    if (strchr("#^/>!{&=", sigil) != NULL)
        name++;
    while (name < close && *name == ' ')
        name++;
    while (close > name && close[-1] == ' ')
        close--;
    alone = strchr("#^/>!", sigil) != NULL && is_alone(p, after);
    if (protect_first_newline(p) != 0)
        return -1;
    while (alone && p->at > p->text && (p->at[-1] == ' ' || p->at[-1] == '\t'))
        p->at--;
    rc = add_tag(p, sigil, name, close > name ? (size_t)(close - name) : 0);
    while (alone && after < p->end && *after != '\n')
        after++;
    if (alone && after < p->end)
        after++;
    count_lines(p, start, after);
    p->at = p->text = after;
    return rc == 0 && alone && p->html.state == HTML_TEXT ? skip_indentation(p) : rc;
}

int template_parse(struct template *template, struct err *err)
{
    struct parser p = {.t = template,
                       .at = template->source,
                       .end = template->source + template->source_len,
                       .text = template->source,
                       .line = 1,
                       .err = err};

    if (!str_is_utf8(template->source, template->source_len))
        return wrong(&p, "the file is not UTF-8");
    while (p.at < p.end) {
        bool is_tag = p.end - p.at >= 2 && p.at[0] == '{' && p.at[1] == '{';

        if ((is_tag ? take_tag(&p) : take_html(&p)) != 0)
            return -1;
    }
    if (flush_text(&p) != 0)
        return -1;
    if (p.depth > 0) {
        p.line = template->nodes[p.open[p.depth - 1].node].line;
        return wrong(&p, "a section that never ends");
    }
    if (p.html.state != HTML_TEXT)
        return wrong(&p, "the file ends inside a tag, a comment, a script or a title");
    return 0;
}

/* template_impl.h - a parsed template: a flat list of nodes, sections by jumps. For the three files
 * template.c, template_parse.c and template_render.c. */
#ifndef WL_CGI_HTTP_TEMPLATE_IMPL_H
#define WL_CGI_HTTP_TEMPLATE_IMPL_H

#include "cgi/http/template.h"
#include "cgi/http/template_html.h"

#define TEMPLATE_NAME_PARTS 6
#define TEMPLATE_DEPTH_MAX  32
#define TEMPLATE_FILE_MAX   ((size_t)256 * 1024)
#define TEMPLATES_MAX       200

enum node_kind {
    NODE_TEXT,
    NODE_VALUE,
    NODE_SECTION,  /* jump: its NODE_END */
    NODE_INVERTED, /* jump: its NODE_END */
    NODE_END,
    NODE_PARTIAL,
    NODE_URL_BEGIN, /* the whole value up to NODE_URL_END must be a harmless address */
    NODE_URL_END
};

enum escape {
    ESCAPE_TEXT = 0,  /* text, <title>, <textarea>, double-quoted values */
    ESCAPE_URL,       /* in an address: reserved characters stay */
    ESCAPE_URL_VALUE, /* in an address after ?name= : only unreserved ones stay */
    ESCAPE_META       /* as text; a semicolon is refused */
};

struct node {
    enum node_kind kind;
    enum escape escape;
    bool is_form_target; /* URL_END: src, action, formaction: paths of ours only */
    bool was_noted;      /* a missing name was logged once */
    int line;
    const char *text; /* TEXT: into the source */
    size_t len;
    char *name;                             /* owned; parts are cut by NUL bytes */
    const char *parts[TEMPLATE_NAME_PARTS]; /* none for "." */
    int parts_count;
    size_t jump;
    struct template *partial; /* PARTIAL: set when all files are parsed */
};

struct template
{
    char *name; /* "app", "partials/head" */
    char *file; /* for messages: "templates/app.html" */
    char *source;
    size_t source_len;
    struct node *nodes;
    size_t count, cap;
    int visit; /* for finding circles: 0 not seen, 1 on the way, 2 done */
};

struct templates {
    struct template *all[TEMPLATES_MAX];
    size_t count;
    bool strict;
};

/* Source to nodes; every error names file and line. */
int template_parse(struct template *template, struct err *err) MUST_USE;
struct template *templates_find(const struct templates *templates, const char *name);

#endif

/* template_html.h - where in an HTML document a template tag stands. A small tokenizer (WHATWG
 * HTML §13.2.5, the part our templates use) that is stricter than browsers: what could be read in
 * two ways is an error, so that one way of escaping per place is enough. */
#ifndef WL_CGI_HTTP_TEMPLATE_HTML_H
#define WL_CGI_HTTP_TEMPLATE_HTML_H

#include <stdbool.h>
#include <stddef.h>

enum html_state {
    HTML_TEXT = 0,
    HTML_TAG_OPEN,     /* after < */
    HTML_TAG_NAME,     /* in a name after < or </ */
    HTML_TAG_SPACE,    /* in a tag, ready for an attribute's name */
    HTML_TAG_GAP,      /* in a tag, white space, / or > must come */
    HTML_ATTR_NAME,    /* in an attribute's name */
    HTML_AFTER_NAME,   /* white space after it */
    HTML_BEFORE_VALUE, /* after = */
    HTML_VALUE,        /* in a double-quoted value */
    HTML_VALUE_SINGLE, /* no template tag may stand here */
    HTML_VALUE_BARE,   /* nor here */
    HTML_RCDATA,       /* in <title> or <textarea> */
    HTML_RAW,          /* in <script>, <style>: no template tag may stand here */
    HTML_COMMENT,
    HTML_DECLARATION /* <!doctype ...> */
};

enum html_attr {
    HTML_ATTR_PLAIN = 0,
    HTML_ATTR_URL,  /* href, src, action, formaction... */
    HTML_ATTR_META, /* content of <meta>: could hold a refresh address */
    HTML_ATTR_NEVER /* srcset, srcdoc, ping...: no template tag may stand here */
};

struct html {
    enum html_state state;
    char tag[16]; /* lower case, cut */
    bool is_end_tag;
    char name[24]; /* of the attribute, lower case, cut */
    enum html_attr attr;
    char closer[16];         /* RAW, RCDATA: the element that must end */
    size_t matched;          /* bytes of "</closer" or of "-->" seen so far */
    const char *value_start; /* where the present value began, for the caller */
    const char *problem;     /* in words, when feeding failed */
};

/* One byte at `at` of the document. false: problem says what is wrong. */
bool html_feed(struct html *html, const char *at);
/* May a section begin or end here? On true the state is the one its body starts with (or that
 * follows its end). */
bool html_at_section(struct html *html);
/* Whether a section that began in `before` may end in `after`, and the state that then follows. */
bool html_join(const struct html *before, struct html *after);

#endif

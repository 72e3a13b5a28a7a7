/* template_html.c - the tokenizer behind the escaping of templates: one byte at a time, one state
 * at a time. */
#include "cgi/http/template_html.h"

#include <string.h>
#include "lib/base/attr.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_one_of(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, list[i]) == 0)
            return true;
    }
    return false;
}

static bool wrong(struct html *html, const char *problem)
{
    html->problem = problem;
    return false;
}

/* Add a byte to a bounded word; what is cut off never equals a word we know. */
static void grow(char *word, size_t size, char c)
{
    size_t len = strlen(word);

    if (len + 1 < size) {
        word[len] = lower(c);
        word[len + 1] = '\0';
    }
}

static void begin_word(char *word, size_t size, char c)
{
    word[0] = '\0';
    grow(word, size, c);
}

static bool end_attr_name(struct html *html)
{
    static const char *const URLS[] = {"href", "src",  "action",     "formaction", "poster",
                                       "cite", "data", "background", "manifest",   "xlink:href"};
    static const char *const NEVER[] = {"srcset", "srcdoc", "ping", "imagesrcset", "http-equiv"};

    if (strcmp(html->name, "style") == 0)
        return wrong(html, "a style attribute, which the content security policy forbids");
    if (strncmp(html->name, "on", 2) == 0)
        return wrong(html, "an event handler attribute, which the content security policy forbids");
    html->attr = HTML_ATTR_PLAIN;
    if (is_one_of(html->name, URLS, COUNT_OF(URLS)))
        html->attr = HTML_ATTR_URL;
    else if (is_one_of(html->name, NEVER, COUNT_OF(NEVER)))
        html->attr = HTML_ATTR_NEVER;
    else if (strcmp(html->tag, "meta") == 0 && strcmp(html->name, "content") == 0)
        html->attr = HTML_ATTR_META;
    return true;
}

/* After the > of a tag: what kind of text follows. */
static void end_tag(struct html *html)
{
    static const char *const RAW[] = {"script", "style", "xmp", "iframe", "noembed", "noframes"};

    html->state = HTML_TEXT;
    html->matched = 0;
    if (html->is_end_tag)
        return;
    if (strcmp(html->tag, "title") == 0 || strcmp(html->tag, "textarea") == 0)
        html->state = HTML_RCDATA;
    else if (is_one_of(html->tag, RAW, COUNT_OF(RAW)))
        html->state = HTML_RAW;
    if (html->state != HTML_TEXT)
        memcpy(html->closer, html->tag, sizeof html->closer);
}

static bool in_tag_open(struct html *html, char c)
{
    if (is_letter(c)) {
        begin_word(html->tag, sizeof html->tag, c);
        html->state = HTML_TAG_NAME;
    } else if (c == '/' && !html->is_end_tag) {
        html->is_end_tag = true;
    } else if (c == '!' && !html->is_end_tag) {
        html->state = HTML_DECLARATION;
        html->matched = 0;
    } else if (html->is_end_tag) {
        return wrong(html, "</ without the name of an element");
    } else {
        html->state = HTML_TEXT; /* "a < b": browsers agree that this is text */
    }
    return true;
}

/* Between attributes, or after a name: `may_name` when a new attribute may begin. */
static bool in_tag(struct html *html, char c, bool may_name)
{
    if (c == '>') {
        end_tag(html);
    } else if (is_space(c)) {
        html->state = HTML_TAG_SPACE;
    } else if (c == '/') {
        html->state = HTML_TAG_GAP;
    } else if (!may_name) {
        return wrong(html, "white space is missing between two attributes");
    } else if (c == '=' || c == '"' || c == '\'' || c == '<' || c == '`') {
        return wrong(html, "a character that no attribute's name may have");
    } else {
        begin_word(html->name, sizeof html->name, c);
        html->state = HTML_ATTR_NAME;
    }
    return true;
}

static bool in_attr_name(struct html *html, char c)
{
    if (c == '=') {
        html->state = HTML_BEFORE_VALUE;
        return end_attr_name(html);
    }
    if (is_space(c)) {
        html->state = HTML_AFTER_NAME;
        return end_attr_name(html);
    }
    if (c == '>' || c == '/')
        return end_attr_name(html) && in_tag(html, c, false);
    if (c == '"' || c == '\'' || c == '<')
        return wrong(html, "a character that no attribute's name may have");
    grow(html->name, sizeof html->name, c);
    return true;
}

static bool before_value(struct html *html, const char *at)
{
    html->value_start = at + 1;
    if (*at == '"')
        html->state = HTML_VALUE;
    else if (*at == '\'')
        html->state = HTML_VALUE_SINGLE;
    else if (*at == '>' || *at == '<' || *at == '=' || *at == '`')
        return wrong(html, "an attribute's value is missing");
    else if (!is_space(*at))
        html->state = HTML_VALUE_BARE;
    return true;
}

/* Script, style, title, textarea: only the end tag of the same name ends them. */
static void in_raw(struct html *html, char c)
{
    size_t name_len = strlen(html->closer);

    if (html->matched == name_len + 2 && (is_space(c) || c == '>' || c == '/')) {
        html->is_end_tag = true;
        memcpy(html->tag, html->closer, sizeof html->tag);
        html->state = HTML_TAG_SPACE;
        if (c == '>')
            end_tag(html);
        return;
    }
    if (html->matched >= 2 && html->matched < name_len + 2
        && lower(c) == html->closer[html->matched - 2])
        html->matched++;
    else if (html->matched == 1 && c == '/')
        html->matched = 2;
    else
        html->matched = c == '<' ? 1 : 0;
}

/* <!doctype ...> or <!-- ... -->; matched counts the dashes. */
static void in_declaration(struct html *html, char c)
{
    if (html->matched < 2 && c == '-') {
        if (++html->matched == 2) {
            html->state = HTML_COMMENT;
            html->matched = 0;
        }
        return;
    }
    html->matched = 3;
    if (c == '>')
        html->state = HTML_TEXT;
}

static void in_comment(struct html *html, char c)
{
    if (c == '-')
        html->matched++;
    else if (c == '>' && html->matched >= 2)
        html->state = HTML_TEXT;
    else
        html->matched = 0;
}

bool html_feed(struct html *html, const char *at)
{
    char c = *at;

    switch (html->state) {
    case HTML_TEXT:
        if (c == '<') {
            html->state = HTML_TAG_OPEN;
            html->is_end_tag = false;
        }
        return true;
    case HTML_TAG_OPEN:
        return in_tag_open(html, c);
    case HTML_TAG_NAME:
        if (is_space(c) || c == '>' || c == '/')
            return in_tag(html, c, false);
        grow(html->tag, sizeof html->tag, c);
        return true;
    case HTML_TAG_SPACE:
        return in_tag(html, c, true);
    case HTML_TAG_GAP:
        return in_tag(html, c, false);
    case HTML_ATTR_NAME:
        return in_attr_name(html, c);
    case HTML_AFTER_NAME:
        if (c == '=')
            html->state = HTML_BEFORE_VALUE;
        else if (!is_space(c))
            return in_tag(html, c, true);
        return true;
    case HTML_BEFORE_VALUE:
        return before_value(html, at);
    case HTML_VALUE:
        if (c == '"')
            html->state = HTML_TAG_GAP;
        return true;
    case HTML_VALUE_SINGLE:
        if (c == '\'')
            html->state = HTML_TAG_GAP;
        return true;
    case HTML_VALUE_BARE:
        if (is_space(c) || c == '>')
            return in_tag(html, c, false);
        return true;
    case HTML_RCDATA:
    case HTML_RAW:
        in_raw(html, c);
        return true;
    case HTML_COMMENT:
        in_comment(html, c);
        return true;
    case HTML_DECLARATION:
        in_declaration(html, c);
        return true;
    default:
        return wrong(html, "an unknown place");
    }
}

bool html_at_section(struct html *html)
{
    switch (html->state) {
    case HTML_TEXT:
    case HTML_VALUE:
    case HTML_TAG_SPACE:
    case HTML_TAG_GAP:
        return true;
    case HTML_RCDATA:
        html->matched = 0;
        return true;
    case HTML_TAG_NAME:
        html->state = HTML_TAG_GAP;
        return true;
    case HTML_ATTR_NAME:
        html->state = HTML_TAG_GAP;
        return end_attr_name(html);
    case HTML_AFTER_NAME:
        html->state = HTML_TAG_SPACE;
        return true;
    case HTML_TAG_OPEN:
    case HTML_BEFORE_VALUE:
    case HTML_VALUE_SINGLE:
    case HTML_VALUE_BARE:
    case HTML_RAW:
    case HTML_COMMENT:
    case HTML_DECLARATION:
    default:
        return false;
    }
}

static bool is_between_attributes(const struct html *html)
{
    return html->state == HTML_TAG_SPACE || html->state == HTML_TAG_GAP;
}

bool html_join(const struct html *before, struct html *after)
{
    if (is_between_attributes(before) && is_between_attributes(after)) {
        if (before->state == HTML_TAG_GAP)
            after->state = HTML_TAG_GAP;
        return strcmp(before->tag, after->tag) == 0;
    }
    if (before->state != after->state)
        return false;
    if (before->state == HTML_VALUE)
        return strcmp(before->tag, after->tag) == 0 && strcmp(before->name, after->name) == 0
               && before->value_start == after->value_start;
    if (before->state == HTML_RCDATA)
        return strcmp(before->closer, after->closer) == 0;
    return true;
}

/* template.h - HTML templates: a strict mustache subset, parsed once at start, escaped by default,
 * no raw tag.
 *
 *   {{name}} {{a.b.c}} {{.}}     text, escaped for HTML. A string, integer, real or boolean;
 * anything else is an error.
 *   {{#x}}...{{/x}}              list: once per item; object: once inside it; true or non-empty
 * string: once; else not.
 *   {{^x}}...{{/x}}              when {{#x}} would show nothing.
 *   {{> partial}}                templates/partials/partial.html, acyclic.   {{! a note }}
 * Names are looked up from the innermost section outwards (mustache(5)). A name no level has is an
 * error: in strict mode (tests, debug) the page fails, else it renders empty and is logged once. A
 * handler therefore sets null or "" explicitly. Context: tags may stand in text and in
 * double-quoted attribute values; in href, src, action and formaction the whole value must then be
 * a path of ours ("/..."), "#..." or https://, else "#" is written. Tags in unquoted attributes,
 * <script>, <style> or comments are parse errors, with file and line. */
#ifndef WL_CGI_HTTP_TEMPLATE_H
#define WL_CGI_HTTP_TEMPLATE_H

#include <jansson.h>
#include <stdbool.h>
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

struct templates;

/* Load and check templates/ *.html and partials/. Any error is fatal for the caller; the message
 * names file and line. */
int templates_load(const char *dir, bool strict, struct templates **templates,
                   struct err *err) MUST_USE;
void templates_free(struct templates *templates);
int template_render(const struct templates *templates, const char *name, const json_t *model,
                    struct buf *out, struct err *err) MUST_USE;

#endif

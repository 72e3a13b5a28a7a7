/* lines.h - two texts side by side, line by line, for the partial lines.html. */
#ifndef WL_CGI_PAGES_LINES_H
#define WL_CGI_PAGES_LINES_H

#include <jansson.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

/* {lines: [{kind, sign, before, after, text, spoken}], has_lines, counts: "+2 −1"}; null when both
 * texts are empty. */
int lines_model(const char *before, const char *after, json_t **model, struct err *err) MUST_USE;

#endif

/* json_text.h - a JSON value as canonical text (keys sorted, compact), for columns and hashes.
 *
 * jansson's own json_dumps allocates with whatever json_set_alloc_funcs set (the request's arena in
 * the web programs), so its result has no single right way to be freed. This one is always free().
 */
#ifndef WL_DB_JSON_TEXT_H
#define WL_DB_JSON_TEXT_H

#include <jansson.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

/* *text is released with free(). NULL counts as {}. */
int json_text(const json_t *value, char **text, struct err *err) MUST_USE;

#endif

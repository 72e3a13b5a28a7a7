/* table.h - lists on standard output: columns for people, JSON for programs. */
#ifndef WL_CLI_TABLE_H
#define WL_CLI_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

struct table_column {
    const char *title;
    const char *key; /* a name that ends in _at is shown as a time, null as - */
};

/* rows: list of objects, borrowed. columns ends with a NULL title. Control characters are shown as
 * '?', so that no stored value can write to the terminal. Returns 0, an exit status. */
int table_print(const struct table_column *columns, const json_t *rows, bool as_json,
                struct err *err) MUST_USE;

#endif

/* form.h - what a browser would send for a form of one of our pages, untouched.
 *
 * Reads our own templates' HTML (attributes in double quotes, no markup in values) and nothing
 * else. */
#ifndef WL_CLI_DEMO_FORM_H
#define WL_CLI_DEMO_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/arena.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/net/browse.h"

#define FORM_FIELDS_MAX 64

struct form_read {
    struct browser_field fields[FORM_FIELDS_MAX + 1]; /* ends with a NULL name; in the arena */
    size_t count;
};

/* The POST form with this action. ERR_NOT_FOUND when the page has none. */
int form_read(struct arena *arena, const char *html, const char *action, struct form_read *form,
              struct err *err) MUST_USE;
/* Set a field that the form has; ERR_NOT_FOUND when it has not. value is borrowed. */
int form_set(struct form_read *form, const char *name, const char *value, struct err *err) MUST_USE;

#endif

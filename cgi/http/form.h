/* form.h - fields of a query string or of an urlencoded body (WHATWG URL, "application/x-www-form-
 * urlencoded parsing"), stricter: a bad escape, a name twice, or too many fields is refused.
 *
 * Values are raw bytes and may hold anything, until form_check_text. */
#ifndef WL_CGI_HTTP_FORM_H
#define WL_CGI_HTTP_FORM_H

#include <stddef.h>
#include "lib/base/arena.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"

/* A value of 1 MiB fits, also one of which each byte takes three: its field can be named. */
#define FORM_BODY_MAX   ((size_t)4 * 1024 * 1024)
#define FORM_FIELDS_MAX 2100 /* a full secret set: 500 rows of four fields */
#define FORM_NAME_MAX   100

struct form_field {
    const char *name;
    const char *value; /* NUL-terminated as well */
    size_t len;
};

struct form {
    struct form_field *fields;
    size_t count;
};

/* ERR_INPUT naming the field; ERR_TOO_LARGE over the limits; ERR_NO_MEMORY. */
int form_parse(struct arena *arena, const char *bytes, size_t len, struct form **form,
               struct err *err) MUST_USE;
/* The field, or NULL. form may be NULL. */
const struct form_field *form_find(const struct form *form, const char *name);
/* Every value is UTF-8 without NUL, except those of fields named raw.*; else ERR_INPUT naming it.
 */
int form_check_text(const struct form *form, struct err *err) MUST_USE;
/* 1..FORM_NAME_MAX of letters, digits and . _ - : */
int form_check_name(const char *name, size_t len, struct err *err) MUST_USE;
/* One value's text check, for uploads. */
int form_check_value(const char *name, const char *value, size_t len, struct err *err) MUST_USE;

#endif

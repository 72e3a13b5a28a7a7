/* row.h - short reads of JSON rows from the stores: an absent value is "" or 0, never NULL. */
#ifndef WL_CGI_PAGES_ROW_H
#define WL_CGI_PAGES_ROW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

static inline const char *row_text(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text == NULL ? "" : text;
}

static inline int64_t row_int(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

static inline bool row_is(const json_t *row, const char *key)
{
    return json_is_true(json_object_get(row, key));
}

/* NULL and JSON null both count as "not there". */
static inline bool row_has(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    return value != NULL && !json_is_null(value);
}

/* For a store's parameter that may be NULL: the text, or NULL when there is none. */
static inline const char *row_text_or_null(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

#endif

/* dotenv_reference.h - one reference to a variable, `$X` or `${X...}`, as Docker Compose v2 finds
 * it in values of a .env file and of a Compose file. It only finds; who looks the name up decides
 * what it means. Source: https://docs.docker.com/reference/compose-file/interpolation/ */
#ifndef WL_DOMAIN_DOTENV_REFERENCE_H
#define WL_DOMAIN_DOTENV_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

enum reference_kind {
    REFERENCE_NONE = 0, /* a dollar sign that means itself */
    REFERENCE_ESCAPED,  /* `$$`: one dollar sign */
    REFERENCE_FOUND,
    REFERENCE_WRONG /* `${` that is no reference: Compose refuses the whole value */
};

struct reference {
    const char *name;
    size_t name_len;
    char op;        /* 0, '-', '+', '?' */
    bool has_colon; /* `:-` and so on: an empty value counts as none */
    bool is_braced;
    const char *text, *text_end; /* behind op */
    const char *end;             /* behind all of it; always set */
};

/* What is known of the line that was looked at, so that a long line is not searched again for each
 * of its references. Zero it before the first call; one per run of text. */
struct reference_line {
    const char *end, *last_brace;
};

/* `at` points to a dollar sign; [at, end) is the text. */
enum reference_kind reference_read(const char *at, const char *end, struct reference_line *line,
                                   struct reference *found);

#endif

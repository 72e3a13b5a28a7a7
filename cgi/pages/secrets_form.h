/* secrets_form.h - the rows of the secrets page: what is stored, and what was typed over it. */
#ifndef WL_CGI_PAGES_SECRETS_FORM_H
#define WL_CGI_PAGES_SECRETS_FORM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "cgi/http/request.h"

#define SECRET_ROWS_MAX 510 /* a full set and the empty rows; four fields a row */

struct secret_typed {
    const char *key, *kind, *value;
    size_t len;
    bool is_removed;
    const json_t *stored; /* the entry of the current set with this key; NULL: a new one */
    char error[560];      /* "": none */
    bool is_key_error;    /* the error is about the key, not the value */
};
struct secrets_form {
    struct secret_typed *rows; /* in the arena; empty rows left out */
    size_t count;
    int64_t base_set;
    const char *message;
};

/* Read and check a POST against the entries of the current set. Returns how many rows are wrong, -1
 * when there is no memory. */
int secrets_form_read(struct request *req, const json_t *entries, struct secrets_form *form);
/* Whether the stored value stays: a hidden one whose box was left empty. */
bool secret_is_kept(const struct secret_typed *row);
/* Mark the row of this key as wrong (a refusal by the worker); false: no row has it. */
bool secrets_form_refuse(struct secrets_form *form, const char *key, const char *text);

/* Put entries, has_entries and blanks into data, and the rows' errors into page. form NULL: as
 * stored. Typed values of kind secret and write-only are never shown again: their row says so. */
void secrets_form_model(const json_t *entries, const struct secrets_form *form, json_t *page,
                        json_t *data);

#endif

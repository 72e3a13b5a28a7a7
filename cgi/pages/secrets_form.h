/* secrets_form.h - the rows of the secrets table: what is stored, and what was typed over it.
 *
 * A typed value of kind secret or write-only is sealed into a draft in the same request, and the
 * form then carries the draft's id and each row's place in it: whatever is wrong with another row,
 * nothing has to be typed twice, and nothing hidden stands in a page. */
#ifndef WL_CGI_PAGES_SECRETS_FORM_H
#define WL_CGI_PAGES_SECRETS_FORM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "cgi/http/request.h"
#include "cgi/pages/secrets_draft.h"

#define SECRET_ROWS_MAX 510 /* a full set and the empty rows; five fields a row */

struct secret_typed {
    const char *key, *kind, *value;
    size_t len;
    int from; /* one more than its place in the earlier draft; 0: none */
    bool is_removed;
    const json_t *stored; /* the entry of the current set with this key; NULL: a new one */
    char error[560];      /* "": none */
    bool is_key_error;    /* the error is about the key, not the value */
};
struct secrets_form {
    struct secret_typed *rows; /* in the arena; empty rows left out */
    size_t count;
    int64_t base_set;
    const char *draft; /* id of the earlier draft, or "" */
};

/* Read and check a POST against the entries of the current set. Returns how many rows are wrong, -1
 * when there is no memory. */
int secrets_form_read(struct request *req, const struct secrets_view *v, struct secrets_form *form);
/* The rows as a draft has them (secret_draft_get). -1: no memory. */
int secrets_form_of_draft(struct request *req, const struct secrets_view *v, const json_t *draft,
                          const json_t *entries, struct secrets_form *form);
/* Seal and store what was typed. Afterwards the form's rows lie in the new draft. */
int secrets_form_store(struct request *req, const struct secrets_view *v, struct secrets_form *form,
                       char id[CRYPTO_ID_SIZE], struct err *err) MUST_USE;
/* Mark the row of this key as wrong (a refusal by the worker); false: no row has it. */
bool secrets_form_refuse(struct secrets_form *form, const char *key, const char *text);

/* Put draft, entries, has_entries and blanks into data, and the rows' errors into page. form NULL:
 * as stored. shared: of secret_shared; used_by: of secrets_used_by. */
void secrets_form_model(const struct secrets_view *v, const struct secrets_form *form,
                        const json_t *shared, const json_t *used_by, json_t *page, json_t *data);

#endif

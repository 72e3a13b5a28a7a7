/* secrets_reveal.h - stored values of kind secret, as the worker gives them for one answer: after
 * the password, with an audit event, sealed under a key made for this question. */
#ifndef WL_CGI_PAGES_SECRETS_REVEAL_H
#define WL_CGI_PAGES_SECRETS_REVEAL_H

#include "cgi/http/request.h"
#include "cgi/http/response.h"
#include "cgi/pages/secrets_view.h"

struct secrets_asked {
    int64_t number;      /* of the set */
    const char *key;     /* "": all variables of kind secret */
    const char *purpose; /* "show", "copy" or "export" */
};
/* *values: what secrets_revealed() reads; in the arena. When the form carries a password it is
 * proven first. ERR_PROVE when it must be entered (again). */
int secrets_reveal(struct request *req, const struct secrets_view *v,
                   const struct secrets_asked *asked, json_t **values, struct err *err) MUST_USE;
/* One value, NUL-terminated beyond len; NULL when it is not among them. */
const char *secrets_revealed(struct request *req, const json_t *values, const char *key,
                             size_t *len);
/* The page that asks for the password and then repeats this very form: 403. */
struct secrets_again {
    const char *action, *what; /* where the form goes; "To see API_TOKEN of s3" */
    json_t *hidden;            /* its fields {name, value}; stolen */
};
int secrets_ask_password(struct request *req, struct response *res, const struct secrets_view *v,
                         const struct err *refused, const struct secrets_again *again) MUST_USE;

#endif

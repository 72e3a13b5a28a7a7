/* secrets_reveal.h - stored values of kind secret, as the worker gives them for one answer: after
 * the password, with an audit event, sealed under a key made for this question. */
#ifndef WL_CGI_PAGES_SECRETS_REVEAL_H
#define WL_CGI_PAGES_SECRETS_REVEAL_H

#include "cgi/http/request.h"
#include "cgi/http/response.h"
#include "cgi/pages/secrets_view.h"

/* key "": all variables of kind secret. purpose: "show", "copy" or "export". *values: key ->
 * {bytes, len} by secrets_revealed(); in the arena. When the form carries a password it is proven
 * first. ERR_PROVE when it must be entered (again). */
int secrets_reveal(struct request *req, const struct secrets_view *v, int64_t number,
                   const char *key, const char *purpose, json_t **values,
                   struct err *err) MUST_USE;
/* One value, NUL-terminated beyond len; NULL when it is not among them. */
const char *secrets_revealed(struct request *req, const json_t *values, const char *key,
                             size_t *len);
/* The page that asks for the password and then repeats this very form: 403. */
int secrets_ask_password(struct request *req, struct response *res, const struct secrets_view *v,
                         const struct err *refused, const char *action, const char *what,
                         json_t *hidden) MUST_USE;

#endif

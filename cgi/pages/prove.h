/* prove.h - the password, entered again for what needs more than an open browser. The worker is who
 * counts: what is here saves a person a refusal. */
#ifndef WL_CGI_PAGES_PROVE_H
#define WL_CGI_PAGES_PROVE_H

#include <stdbool.h>
#include "cgi/http/request.h"
#include "lib/base/attr.h"

/* It was entered (or the person signed in) in the last ten minutes. */
bool prove_is_fresh(const struct request *req);
/* The form's field `password`, when there is one, is proven by the worker. ERR_PROVE when it is
 * wrong. */
int prove_password(struct request *req, struct err *err) MUST_USE;

#endif

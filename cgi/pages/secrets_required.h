/* secrets_required.h - which keys an environment must have, and which of its services use which
 * key: read from its Compose file, and from what was entered or imported. */
#ifndef WL_CGI_PAGES_SECRETS_REQUIRED_H
#define WL_CGI_PAGES_SECRETS_REQUIRED_H

#include "cgi/pages/secrets_view.h"

/* required, has_required, missing_text ("" when none is missing) and required_href into data. */
int secrets_required_model(struct request *req, const struct secrets_view *v, json_t *data,
                           struct err *err) MUST_USE;
/* For the deploy page: one problem that names what is missing, appended to list. */
int secrets_required_problem(struct request *req, const json_t *card, json_t *list,
                             struct err *err) MUST_USE;

/* {key: "backend, web"} by the Compose file; an object without keys for other recipes. NULL: no
 * memory. */
json_t *secrets_used_by(const json_t *card);
/* used_by (text, "" when nothing says so) of one key into data. -1: no memory. */
int secrets_used_by_model(const json_t *card, const char *key, json_t *data);

#endif

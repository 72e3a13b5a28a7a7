/* secrets_api.h - what the two halves of the secrets API share (secrets_api.c shows,
 * secrets_api_save.c changes). */
#ifndef WL_CGI_PAGES_SECRETS_API_H
#define WL_CGI_PAGES_SECRETS_API_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "cgi/pages/secrets_view.h"

/* "s14" in quotes, as an ETag; in the arena, NULL when that is full. */
const char *secrets_api_etag(struct request *req, int64_t number);
/* {number, saved_by, saved_by_name, saved_at, message} */
json_t *secrets_api_set(const json_t *set);
/* {app, env} */
json_t *secrets_api_place(const struct secrets_view *v);

#endif

/* tokens.h - the API tokens on one's profile: what profile.c shows of them. */
#ifndef WL_CGI_PAGES_TOKENS_H
#define WL_CGI_PAGES_TOKENS_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "cgi/http/response.h"
#include "lib/base/attr.h"

/* data.tokens, has_tokens, token_scopes, token_days_max and new_token: the one just made (stolen),
 * or NULL. */
int tokens_model(struct request *req, json_t *data, json_t *new_token, struct err *err) MUST_USE;
/* The fields of the form for a new one, empty. */
void tokens_fields(json_t *page);
/* profile.c: the page with what was typed and what is wrong with it, or with a new token. */
json_t *profile_page(const char *name);
int profile_respond_new_token(struct request *req, struct response *res, json_t *new_token,
                              struct err *err) MUST_USE;
int profile_respond(struct request *req, struct response *res, int status, json_t *page,
                    struct err *err) MUST_USE;

#endif

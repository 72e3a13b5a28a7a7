/* app_model.h - the model of /apps/{app}, which three forms come back to when they are refused. */
#ifndef WL_CGI_PAGES_APP_MODEL_H
#define WL_CGI_PAGES_APP_MODEL_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "cgi/http/response.h"

/* The page object with all fields of the three artefact forms declared and empty. */
json_t *app_page_new(const json_t *app);
/* Answer with the app's page. page: stolen. */
int app_respond(struct request *req, struct response *res, int status, const json_t *app,
                json_t *page, struct err *err) MUST_USE;

#endif

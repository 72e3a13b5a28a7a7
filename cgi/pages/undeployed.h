/* undeployed.h - the amber bars on all pages of an environment: what was saved and is not live, and
 * that automatic deploys are paused. */
#ifndef WL_CGI_PAGES_UNDEPLOYED_H
#define WL_CGI_PAGES_UNDEPLOYED_H

#include <jansson.h>
#include "cgi/http/request.h"

/* card: of environment_card. Sets page.undeployed: {text, review_href, deploy_href, discard_href,
 * has_secrets, live_set, base_set}, and page.paused: {since, by, why, resume_href}; or leaves one
 * out when there is nothing to say (the dispatcher then says null). A fault of the database leaves
 * it out as well, and is logged: the bar is no reason to lose a page. */
void undeployed_add(struct request *req, json_t *page, const json_t *card);

#endif

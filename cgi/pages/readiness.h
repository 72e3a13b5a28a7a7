/* readiness.h - what stands between an environment and its next deploy. */
#ifndef WL_CGI_PAGES_READINESS_H
#define WL_CGI_PAGES_READINESS_H

#include <jansson.h>
#include <stdbool.h>

/* New list of {text, href, action}, empty when it can be deployed. environment: anything with
 * app_slug and slug; servers: rows of environment_servers. */
json_t *readiness_problems(const json_t *environment, const json_t *servers, bool has_artefact);
/* What does not stop a deploy but should be looked at: failing, silent or long unchecked servers.
 */
json_t *readiness_warnings(const json_t *servers);

#endif

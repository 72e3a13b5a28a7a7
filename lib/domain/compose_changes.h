/* compose_changes.h - what a new Compose file means for each container that there is: whether its
 * definition is another, and which variables it is made with. */
#ifndef WL_DOMAIN_COMPOSE_CHANGES_H
#define WL_DOMAIN_COMPOSE_CHANGES_H

#include <jansson.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

/* Of each service of `after`, by name: a new object of
 *     {is_new, is_changed, is_optional, reads_all: whether it has an env_file, uses: ["KEY", ...]}
 * is_changed: its own part of the file (anchors and merged parts included, the image's name left
 * out) differs from that of `before`, or what the file says outside of services does. is_optional:
 * it has a profile, and does not run by itself. before: "" where there was none. Both texts pass
 * compose_check; ERR_INPUT otherwise. */
int compose_changes(const char *before, const char *after, json_t **changes,
                    struct err *err) MUST_USE;

#endif

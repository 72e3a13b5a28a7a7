/* compose.h - a Compose file as the dashboard needs to know it: is it one, where is the mistake,
 * which images does it run, what will be worth a warning.
 *
 * The engine on the target has the last word (the recipe's step "write" asks it); this reading is
 * for the person at the form, with line and column, and for the plan. It follows the Compose
 * Specification (https://github.com/compose-spec/compose-spec/blob/main/spec.md) and refuses only
 * what no engine takes, and what the recipe cannot deploy: a service without an image. */
#ifndef WL_DOMAIN_COMPOSE_H
#define WL_DOMAIN_COMPOSE_H

#include <jansson.h>
#include <stdbool.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

#define COMPOSE_MAX ((size_t)128 * 1024) /* bytes of the text */

/* 0, or -1 with the field and a sentence "Line 7, column 3: ...". */
int compose_check(const char *field, const char *text, struct err *err) MUST_USE;

/* The services of a text that passes compose_check, sorted by name: a new list of
 *     {name, image, reference, is_complete, is_moving, open_ports: ["3000:3000", ...]}
 * image: as written; reference: with the variables filled in; is_complete: no variable was left;
 * is_moving: the tag is `latest` or none, and no digest is given. open_ports: published on all
 * addresses of the server. `variables`: object name -> text; what it lacks takes the default that
 * the file gives. ERR_INPUT as compose_check. */
int compose_services(const char *text, const json_t *variables, json_t **services,
                     struct err *err) MUST_USE;

/* Whether the text has ${NAME...} or $NAME. */
bool compose_uses(const char *text, const char *name);

/* The variables that a Compose text uses, in the order of the text: a new list of
 *     {name, is_required, message, default, is_build, services: ["web", ...], line}
 * Compose takes them from the project's .env, so each is a key that the environment may have to
 * set. is_required: some use of it has no default (`${X}`, `$X`), or demands it (`${X:?message}`);
 * a use within the default of another variable demands nothing, nor does `${X:+text}`, nor a name
 * under `environment:` or `args:` that has no value. default: text, or null where there is none.
 * is_build: it occurs only under a service's `build:`. services: those in which it occurs, merged
 * and aliased parts included. line: of its first occurrence. The text needs not pass compose_check;
 * ERR_INPUT "Line 7, column 3: ..." when it is no YAML mapping. */
int compose_variables(const char *text, json_t **variables, struct err *err) MUST_USE;

/* Whether an image reference names no fixed content: no digest, and the tag `latest` or none. */
bool compose_is_moving(const char *reference);

#endif

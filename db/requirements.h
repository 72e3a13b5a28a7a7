/* requirements.h - keys that an environment must have before it is deployed: entered by hand, or
 * read from an .env.example. What its Compose file demands is not stored (lib/domain/compose.h).
 *
 * Writes append their audit event in their own transaction. */
#ifndef WL_DB_REQUIREMENTS_H
#define WL_DB_REQUIREMENTS_H

#include <jansson.h>
#include <stddef.h>
#include "db/audit.h"
#include "db/db.h"
#include "lib/base/attr.h"

#define REQUIREMENTS_MAX 500

/* {key, description, generator, origin} by key. */
int requirement_list(struct db *db, const char *environment_id, json_t **rows,
                     struct err *err) MUST_USE;

/* All keys that a deploy of this environment with this set needs, those that its Compose file
 * demands first: {key, text, generator, origin ("compose", "hand", "example"), is_missing}.
 * settings: of the environment; number 0: the empty set. The web side shows it, and the worker asks
 * again before a deploy. */
int requirements_of_set(struct db *db, const char *environment_id, const json_t *settings,
                        int64_t number, json_t **rows, struct err *err) MUST_USE;
/* "API_KEY, DATABASE_URL and 3 more": the keys of such rows that are missing; "" when none is. */
#define REQUIREMENTS_MISSING_MAX 1000
void requirements_missing(const json_t *rows, char text[REQUIREMENTS_MISSING_MAX]);

struct requirement_new {
    const char *key, *description;
    const char *generator; /* a name of lib/crypto/generate.h, or "" */
};
struct requirements_new {
    const char *origin; /* "hand" or "example" */
    const struct requirement_new *rows;
    size_t count;
};
/* Add, or change what is there. environment: of environment_card or environment_by_slugs. Event
 * requirement.save with the keys. */
int requirement_add(struct db *db, const struct actor *actor, const json_t *environment,
                    const struct requirements_new *added, struct err *err) MUST_USE;
/* Event requirement.remove; ERR_NOT_FOUND. */
int requirement_remove(struct db *db, const struct actor *actor, const json_t *environment,
                       const char *key, struct err *err) MUST_USE;

#endif

/* environment_event.h - the audit event of a change of one environment, for the stores that make
 * such changes. */
#ifndef WL_DB_ENVIRONMENT_EVENT_H
#define WL_DB_ENVIRONMENT_EVENT_H

#include <jansson.h>
#include "db/audit.h"
#include "db/db.h"
#include "lib/base/attr.h"

/* environment: of environment_by_slugs, environment_by_id or environment_card. detail: stolen.
 * Needs an open transaction. */
int environment_event(struct db *db, const struct actor *actor, const json_t *environment,
                      const char *verb, json_t *detail, struct err *err) MUST_USE;

#endif

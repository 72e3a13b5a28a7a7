/* locks.h - an environment is locked, with a reason, until somebody unlocks it: during an incident,
 * while data is moved by hand, over a holiday.
 *
 * The rule is in one place: the web side asks lock_refuses before it adds a job that changes what
 * serves, and the worker before it runs one, since a job may have waited. Who may unlock (CAP_LOCK)
 * may also act in spite of the lock; that they know of it is part of what they confirm
 * (db/basis.h, `locked`). A program (an API token, a timetable) never may. */
#ifndef WL_DB_LOCKS_H
#define WL_DB_LOCKS_H

#include <jansson.h>
#include <stdbool.h>
#include "db/audit.h"
#include "db/db.h"
#include "lib/base/attr.h"

#define LOCK_WHY_MAX 300

/* environment: of environment_by_slugs, environment_by_id or environment_card. */
bool lock_is_on(const json_t *environment);
/* may_unlock: a person who has CAP_LOCK here. ERR_CONFLICT with a sentence that says since when, by
 * whom and why. 0: it may be. */
int lock_refuses(const json_t *environment, bool may_unlock, struct err *err) MUST_USE;

/* Event environment.lock; opens its own transaction. why: validated, not empty. ERR_CONFLICT when
 * it is locked already: that lock stays. */
int lock_begin(struct db *db, const struct actor *actor, const json_t *environment, const char *why,
               struct err *err) MUST_USE;
/* Event environment.unlock; nothing when it is not locked. Opens its own transaction. */
int lock_end(struct db *db, const struct actor *actor, const json_t *environment,
             struct err *err) MUST_USE;

#endif

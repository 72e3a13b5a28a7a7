/* pauses.h - automatic deploys of an environment are paused: by a rollback, so that the next push
 * does not bring back what was just taken away, until a person says that they may go on.
 *
 * The rule is in one place: whoever makes a release asks pause_refuses, the web side before it adds
 * the job and the worker before it runs it. Whatever is not a person's button (an API token, a
 * webhook, a timetable) is refused while the pause lasts. A person may deploy all the same; that
 * they know of the pause is part of what they confirm (db/basis.h, `paused`). */
#ifndef WL_DB_PAUSES_H
#define WL_DB_PAUSES_H

#include <jansson.h>
#include <stdbool.h>
#include "db/audit.h"
#include "db/db.h"
#include "lib/base/attr.h"

/* What makes a release (release.trigger). All but the token are a person's. */
#define TRIGGER_BUTTON   "button"
#define TRIGGER_ROLLBACK "rollback"
#define TRIGGER_REDEPLOY "redeploy"
#define TRIGGER_PROMOTE  "promote"
#define TRIGGER_TOKEN    "token"
/* False for every word that is none of the above as well. */
bool trigger_is_a_persons(const char *trigger);

/* environment: of environment_by_slugs, environment_by_id or environment_card. */
bool pause_is_on(const json_t *environment);
/* Whether a release with this trigger must not be made now: ERR_CONFLICT with a sentence that says
 * since when, by whom and why. 0: it may. */
int pause_refuses(const json_t *environment, const char *trigger, struct err *err) MUST_USE;

/* Needs an open transaction. Event environment.pause. */
int pause_begin(struct db *db, const struct actor *actor, const json_t *environment,
                const char *why, struct err *err) MUST_USE;
/* Event environment.resume; nothing when it is not paused. Opens its own transaction. */
int pause_end(struct db *db, const struct actor *actor, const json_t *environment,
              struct err *err) MUST_USE;

#endif

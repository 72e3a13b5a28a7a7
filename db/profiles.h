/* profiles.h - what a person may change about themself: the name others see, and colours. */
#ifndef WL_DB_PROFILES_H
#define WL_DB_PROFILES_H

#include "db/audit.h"
#include "db/db.h"
#include "lib/base/attr.h"

/* Own transaction with the event user.change, which names what differs; no difference: no event. A
 * CHECK refuses an unknown theme (ERR_CONFLICT). */
int profile_change(struct db *db, const struct actor *actor, const char *name, const char *theme,
                   struct err *err) MUST_USE;

#endif

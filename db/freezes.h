/* freezes.h - the freeze windows of an environment (lib/domain/freeze.h): while one holds, nobody
 * makes a new release of it. The web asks before it adds the job, the worker when it begins. A
 * rollback is no deploy here: going back must always be possible. An admin may deploy in spite of a
 * window with a reason, which is in the job and in the history. */
#ifndef WL_DB_FREEZES_H
#define WL_DB_FREEZES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "db/audit.h"
#include "db/db.h"
#include "lib/base/attr.h"
#include "lib/domain/freeze.h"

#define FREEZE_DESPITE_MAX 300

/* Of an environment's row: its zone and windows as typed; "" where there are none. Borrowed from a
 * new object (json_decref). */
json_t *freeze_of(const json_t *environment); /* {zone, windows} */
/* What holds at this moment. ERR_INTERNAL when nobody can know. */
int freeze_state(const json_t *environment, int64_t now_ms, struct freeze_now *at,
                 struct err *err) MUST_USE;
/* despite: the reason of a person who may override (CAP_ADMIN); "" for everybody else.
 * ERR_CONFLICT with which window holds and until when. 0: a deploy may be. */
int freeze_refuses(const json_t *environment, int64_t now_ms, const char *despite,
                   struct err *err) MUST_USE;

/* Checked; event environment.freeze with both sides. `changed` false: it is what it was. Opens its
 * own transaction. */
struct freeze_change {
    const char *zone, *windows;
    bool changed; /* out */
};
int freeze_save(struct db *db, const struct actor *actor, const json_t *environment,
                struct freeze_change *change, struct err *err) MUST_USE;

#endif

/* operations.h - what is done with the release that is live, without a new one: restart, stop,
 * start, the maintenance page. The one place that says whether it may be and what it rests on; the
 * web asks for the confirm page, the worker again when the job begins.
 *
 * The steps are the recipe's (recipe.json, "operations"), the settings those with which the release
 * was deployed: what the environment has saved since is for the next deploy. */
#ifndef WL_DB_OPERATIONS_H
#define WL_DB_OPERATIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "db/db.h"
#include "lib/base/attr.h"
#include "lib/domain/recipe.h"

/* Whether this kind of job ("restart", "stop", "start", "redeploy",
 * "maintenance_on", "maintenance_off", "command", "logs") makes sense now. ERR_CONFLICT
 * with the reason. environment: of environment_by_slugs, environment_by_id or environment_card;
 * live: of environment_release, or JSON null. */
int operation_may(const struct recipe *recipe, const json_t *environment, const json_t *live,
                  const char *kind, struct err *err) MUST_USE;

struct operation_plan {
    json_t *basis;    /* {recipe, recipe_sha256, version, artefact_sha256, secret_set, live_release,
                         settings_sha256, hosts, operation: kind, stopped?, locked?} */
    json_t *settings; /* checked, of the live release */
    json_t *live;     /* the release */
};
/* New references (operation_plan_free). Refuses what operation_may refuses, and a release whose
 * settings the recipe of today does not take. */
int operation_plan_make(struct db *db, const struct recipe *recipe, const json_t *environment,
                        const char *kind, struct operation_plan *plan, struct err *err) MUST_USE;
void operation_plan_free(struct operation_plan *plan);

/* What came of one, for the environment. Zero changes nothing. */
enum operation_effect {
    OPERATION_EFFECT_NONE = 0,
    OPERATION_EFFECT_RUNS,     /* the release serves, every witness saw it */
    OPERATION_EFFECT_GONE,     /* everything was seen to be gone */
    OPERATION_EFFECT_PAGE_ON,  /* the maintenance page was seen to answer */
    OPERATION_EFFECT_PAGE_OFF, /* requests were seen to arrive at the app again */
    OPERATION_EFFECT_FAILED,   /* begun, and what was wanted was not seen */
    OPERATION_EFFECT_UNKNOWN   /* begun, and nobody saw how it ended */
};
/* Needs an open transaction. by: user id, for "stopped by". */
int operation_end(struct db *db, const char *environment_id, enum operation_effect effect,
                  const char *by, int64_t now, struct err *err) MUST_USE;

#endif

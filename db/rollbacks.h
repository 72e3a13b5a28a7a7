/* rollbacks.h - going back to an earlier release, as data: the one place that says whether it may
 * be, and what comes of it. The web asks for the confirm page, the worker again when the job runs.
 *
 * A rollback makes a new release. Of the one it replays it takes the chosen parts; the others are
 * as they are now:
 *     code      version, artefact, image digests, commit else: those of the live release
 *     settings  recipe settings, the Compose file        else: the environment's
 *     secrets   the secret set                           else: the newest
 * The servers are always the environment's. What a promotion brings is in its basis as
 * `promoted_from` ("staging v3") instead of `replays`. */
#ifndef WL_DB_ROLLBACKS_H
#define WL_DB_ROLLBACKS_H

#include <jansson.h>
#include "db/db.h"
#include "lib/base/attr.h"
#include "lib/domain/recipe.h"

enum rollback_part {
    ROLLBACK_NOTHING = 0,
    ROLLBACK_CODE = 1,
    ROLLBACK_SETTINGS = 2,
    ROLLBACK_SECRETS = 4,
    ROLLBACK_ALL = 7
};
/* As stored and confirmed: "code settings secrets". Static text. */
const char *rollback_parts_text(unsigned parts);
/* ROLLBACK_NOTHING for what rollback_parts_text never writes. */
unsigned rollback_parts(const char *text);

/* Whether this release can be gone back to at all, by its own row: it was live once, is not what
 * serves, and is of this environment and its recipe. ERR_CONFLICT (ERR_DENIED for another
 * environment's) with the reason. environment: of environment_by_slugs, environment_by_id or
 * environment_card; release: of environment_release or environment_releases_whole. */
int rollback_may(const json_t *environment, const json_t *release, struct err *err) MUST_USE;

/* Zero is going back. */
enum replay_mode {
    REPLAY_ROLLBACK = 0, /* an earlier release of this environment */
    REPLAY_REDEPLOY,     /* the live one, with what is saved by now: of its parts the code alone */
    REPLAY_PROMOTE /* one of another environment of the same app that was live there: the same */
};
struct rollback_inputs {
    const struct recipe *recipe; /* the environment's */
    const json_t *environment;
    const json_t *replayed; /* a release */
    unsigned parts;         /* of enum rollback_part; at least one */
    enum replay_mode mode;
};
struct rollback_plan {
    json_t *basis;    /* as basis_of_deploy's, and {replays: <number>, parts, images_sha256}; with a
                         repository also git_commit */
    json_t *settings; /* checked */
    json_t *code;     /* the release whose version and images are run */
};
/* Fills *plan with new references (rollback_plan_free). Refuses, in words and before anything runs:
 * what rollback_may refuses; an artefact that was removed; a secret set that is gone; settings that
 * the recipe of today does not take; a part that has nothing to come from. */
int rollback_plan_make(struct db *db, const struct rollback_inputs *inputs,
                       struct rollback_plan *plan, struct err *err) MUST_USE;
void rollback_plan_free(struct rollback_plan *plan);

#endif

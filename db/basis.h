/* basis.h - the one function that says what a deploy's outcome rests on (lib/domain/plan.h), used
 * by the web for the confirm page and by the worker when the job starts. One function, so that the
 * two can only differ when the world does. */
#ifndef WL_DB_BASIS_H
#define WL_DB_BASIS_H

#include <jansson.h>
#include "db/db.h"
#include "lib/base/attr.h"
#include "lib/domain/recipe.h"

/* The basis of deploying an artefact to an environment now:
 *     {recipe, recipe_sha256, version, artefact_sha256, secret_set: <number>, live_release:
 *      <number>, settings_sha256, hosts: [{server_id, slug, address, pin_print, role}]}
 * 0 stands for "no secret set" and "nothing live"; a host whose key is not pinned has pin_print "".
 * While automatic deploys are paused (db/pauses.h) there is `paused` as well, the time since when,
 * and while the environment is locked (db/locks.h) `locked`.
 * settings_sha256 is over the canonical text of the checked settings. environment: object of
 * environment_by_slugs or environment_by_id; artefact: of artefact_by_id; both borrowed. `settings`
 * (may be NULL) gets the checked settings as a new reference. ERR_INPUT when the stored settings no
 * longer fit the recipe. */
struct basis_inputs {
    const struct recipe *recipe;
    const json_t *environment, *artefact;
};
int basis_of_deploy(struct db *db, const struct basis_inputs *inputs, json_t **basis,
                    json_t **settings, struct err *err) MUST_USE;

/* The same where what is put live is not the newest of everything (db/rollbacks.h). settings:
 * checked. Without `paused`: a rollback is what begins the pause. */
struct basis_parts {
    const struct recipe *recipe;
    const json_t *environment, *settings;
    const char *version, *artefact_sha256;
    json_int_t secret_set;
};
int basis_of_parts(struct db *db, const struct basis_parts *parts, json_t **basis,
                   struct err *err) MUST_USE;

#endif

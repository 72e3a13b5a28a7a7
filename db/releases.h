/* releases.h - the worker's side of releases: what to deploy, and how it ended.
 *
 * A release row is made by the web side together with its job (outcome `pending`) and never changes
 * but for its outcome, which is written once, in the transaction that ends the job. */
#ifndef WL_DB_RELEASES_H
#define WL_DB_RELEASES_H

#include <jansson.h>
#include <stdint.h>
#include "db/db.h"
#include "lib/base/attr.h"

/* New object with the row's columns (settings and hosts as JSON) and its artefact's artefact_file,
 * artefact_size, artefact_removed_at. */
int release_load(struct db *db, const char *id, json_t **release, struct err *err) MUST_USE;

/* Which images it runs: object service -> {image, digest}. Written once; needs an open transaction.
 */
int release_set_images(struct db *db, const char *release_id, const json_t *images,
                       struct err *err) MUST_USE;

/* What a finished job means for its environment. Zero changes nothing. */
enum release_effect {
    RELEASE_EFFECT_NONE = 0, /* what serves is what it was */
    RELEASE_EFFECT_LIVE,     /* this release is live, proven on every host */
    RELEASE_EFFECT_DEGRADED, /* this release serves, not every witness agrees */
    RELEASE_EFFECT_MIXED,    /* the hosts do not serve the same */
    RELEASE_EFFECT_REVERTED, /* the one before serves, proven */
    RELEASE_EFFECT_FAILED,   /* the switch was made and what serves is broken */
    RELEASE_EFFECT_UNKNOWN   /* the switch may have been made and nobody saw how it ended */
};

/* Write the release's outcome and the environment's live_*. Needs an open transaction. A release
 * that has an outcome already keeps it, and the environment stays as it is. */
struct release_ended {
    const char *release_id, *environment_id;
    const char *outcome; /* live, degraded, reverted, failed, cancelled, unknown, refused */
    enum release_effect effect;
    int64_t now;
};
int release_end(struct db *db, const struct release_ended *ended, struct err *err) MUST_USE;

#endif

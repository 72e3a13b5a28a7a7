/* releases.h - the worker's side of releases: what to deploy, and how it ended.
 *
 * A release row is made by the web side together with its job (outcome `pending`). The worker
 * writes into it what it found itself (settings, recipe, servers when the plan is made; image
 * digests, outcome when the job ends); after the outcome nothing changes any more (triggers see to
 * it). */
#ifndef WL_DB_RELEASES_H
#define WL_DB_RELEASES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "db/db.h"
#include "lib/base/attr.h"

/* New object with the row's columns (settings and hosts as JSON) and its artefact's artefact_file,
 * artefact_size, artefact_removed_at. */
int release_load(struct db *db, const char *id, json_t **release, struct err *err) MUST_USE;

/* What is put live, as the worker found it: recipe_sha256 and hosts of the basis, the checked
 * settings with the Compose file's bytes. */
int release_set_plan(struct db *db, const char *release_id, const json_t *basis,
                     const json_t *settings, struct err *err) MUST_USE;

/* Which images it runs: object service -> {image, digest}. Written once, before its outcome; needs
 * an open transaction. */
int release_set_images(struct db *db, const char *release_id, const json_t *images,
                       struct err *err) MUST_USE;

/* Which commit it runs, in hex. Written once, before its outcome; needs an open transaction. */
int release_set_commit(struct db *db, const char *release_id, const char *commit,
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

/* Which releases a server still has: kept is a list of ids. Needs an open transaction. */
struct release_kept {
    const char *environment_id, *server_id, *job_id;
    const json_t *kept;
    int64_t now;
};
int release_set_kept(struct db *db, const struct release_kept *look, struct err *err) MUST_USE;
/* The secret sets of releases that once were live: a new list of numbers, newest first. */
int release_sets_once_live(struct db *db, const char *environment_id, int limit, json_t **numbers,
                           struct err *err) MUST_USE;
/* Whether a set's values opened just now. */
int release_set_look(struct db *db, const char *environment_id, int64_t number, bool opens,
                     int64_t now, struct err *err) MUST_USE;

#endif

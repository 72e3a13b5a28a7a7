/* plan.h - what a confirm page promises, as data. "What was confirmed is what runs."
 *
 * The `basis` of a job is a JSON object of everything its outcome rests on and that can be known
 * without asking a target: {recipe, recipe_sha256, version, artefact_sha256, secret_set,
 * live_release, settings_sha256, hosts: [{server_id, slug, address, pin_print}]}, for a rollback
 * also {replays, parts, images_sha256} and where there is one {git_commit}, while automatic deploys
 * are paused also {paused}, while the environment is locked also {locked}. Where the servers were
 * looked at and told what the tags are, also {images: service -> digest, planned: the look's job}:
 * those digests are run, whatever the tags have become (db/plans.h). The page shows it and stores
 * it in the form as plan_hash; the job row carries it (job.confirmed); the worker makes it again
 * when the job starts and refuses, naming what changed, when they differ. */
#ifndef WL_DOMAIN_PLAN_H
#define WL_DOMAIN_PLAN_H

#include <jansson.h>
#include "lib/base/buf.h"
#include "lib/base/err.h"

/* SHA-256 of the canonical form (sorted keys, compact), 64 hex digits. */
int plan_hash(const json_t *basis, char hex[65], struct err *err) MUST_USE;
/* ERR_CONFLICT naming, in words, what differs ("the secret set is now s4, not s3"); 0 when equal.
 */
int plan_compare(const json_t *confirmed, const json_t *now, struct err *err) MUST_USE;

#endif

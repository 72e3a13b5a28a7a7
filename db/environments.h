/* environments.h - app × place: recipe, settings, servers, and what is live there.
 *
 * Objects are new references with the columns' names. An environment is always asked for by the
 * slugs of its URL, so that a page can only reach what its URL names. Writes open their own
 * transaction and append their audit event in it. `live_*` is written by the worker alone. */
#ifndef WL_DB_ENVIRONMENTS_H
#define WL_DB_ENVIRONMENTS_H

#include <jansson.h>
#include <stdint.h>
#include "db/audit.h"
#include "db/db.h"
#include "lib/base/attr.h"
#include "lib/crypto/crypto.h"

struct environment_new {
    const char *app_id, *slug, *tier, *recipe;
    const json_t *settings;   /* checked object (recipe_check_settings) */
    const json_t *server_ids; /* list of ids in order; may be empty */
    const json_t *balancers;  /* those of them that are load balancers; NULL: none */
};

/* Event environment.create. A taken slug is ERR_CONFLICT with field "slug". */
int environment_create(struct db *db, const struct actor *actor, const struct environment_new *env,
                       char id[CRYPTO_ID_SIZE], struct err *err) MUST_USE;

struct environment_change {
    const json_t *environment; /* the object as read; what the form was filled from */
    const char *tier;
    const json_t *settings;   /* checked */
    const json_t *server_ids; /* the full new list */
    const json_t *balancers;  /* those of them that are load balancers; NULL: none */
};
/* Event environment.change with old and new of every setting that differs. Nothing differs: no
 * event, *changed 0. */
int environment_change(struct db *db, const struct actor *actor,
                       const struct environment_change *change, int *changed,
                       struct err *err) MUST_USE;

/* {id, app_id, slug, tier, recipe, settings: {}, live_release_id, live_since, live_state,
 * next_release, created_at, paused_at, paused_why, paused_by_name, paused_by_login, locked_at,
 * locked_why, locked_by_name, locked_by_login, stopped_at, stopped_by_name, stopped_by_login,
 * maintenance_at, maintenance_by_name, maintenance_by_login, freeze, app_slug, app_name} */
int environment_by_slugs(struct db *db, const char *app, const char *env, json_t **environment,
                         struct err *err) MUST_USE;
int environment_by_id(struct db *db, const char *id, json_t **environment,
                      struct err *err) MUST_USE;
/* One card each (queries/shared/environment.sql says the columns); app_id NULL: of all apps. At
 * most 1,000. */
int environment_cards(struct db *db, const char *app_id, json_t **cards, struct err *err) MUST_USE;
/* The card of one environment; ERR_NOT_FOUND for unknown slugs. */
int environment_card(struct db *db, const char *app, const char *env, json_t **card,
                     struct err *err) MUST_USE;
/* One release with recipe, recipe_sha256, settings and hosts, or JSON null when id is NULL or
 * unknown. */
int environment_release(struct db *db, const char *release_id, json_t **release,
                        struct err *err) MUST_USE;
/* Newest first, numbers below `before`. */
int environment_releases(struct db *db, const char *id, int64_t before, int limit,
                         json_t **releases, struct err *err) MUST_USE;
/* Newest first as well, with recipe, settings, hosts, images, replays, replays_number, parts,
 * asked_from, migrated, ended_at: all that was put live. */
int environment_releases_whole(struct db *db, const char *id, int64_t before, int limit,
                               json_t **releases, struct err *err) MUST_USE;
/* One of them; ERR_NOT_FOUND. */
int environment_release_by_number(struct db *db, const char *id, int64_t number, json_t **release,
                                  struct err *err) MUST_USE;
/* {number, version, created_at} of releases after this one that ran their migrate command. */
int environment_migrated_after(struct db *db, const char *id, int64_t number, json_t **releases,
                               struct err *err) MUST_USE;
/* {server_id, slug, seen_at, kept: [release ids], job_id} of each server it has now; nulls where
 * nobody has looked. And {number, seen_at, opens: 0 or 1} of its secret sets. */
int environment_kept_looks(struct db *db, const char *id, json_t **looks, struct err *err) MUST_USE;
int environment_secret_looks(struct db *db, const char *id, json_t **looks,
                             struct err *err) MUST_USE;
/* {id, slug, host, port, login, pin_type, pin_print, state, checked_at, role, position} in order.
 */
int environment_servers(struct db *db, const char *id, json_t **servers, struct err *err) MUST_USE;

#endif

/* apps.h - what a team deploys. An app has environments (db/environments.h) and artefacts.
 *
 * Objects are new references with the columns' names: {id, slug, name, note, created_at}. A write
 * opens its own transaction and appends its audit event in it: no event, no change. Values were
 * checked by the caller (lib/domain/validate.h). */
#ifndef WL_DB_APPS_H
#define WL_DB_APPS_H

#include <jansson.h>
#include <stdint.h>
#include "db/audit.h"
#include "db/db.h"
#include "lib/base/attr.h"
#include "lib/crypto/crypto.h"

struct app_new {
    const char *slug, *name, *note;
};

/* Event app.create. A slug that is taken is ERR_CONFLICT with field "slug". */
int app_create(struct db *db, const struct actor *actor, const struct app_new *app,
               char id[CRYPTO_ID_SIZE], struct err *err) MUST_USE;
/* ERR_NOT_FOUND for an unknown or archived one. */
int app_by_slug(struct db *db, const char *slug, json_t **app, struct err *err) MUST_USE;
/* In order of slugs, those after `after` ("": from the first), at most `limit`. */
int app_page(struct db *db, const char *after, int limit, json_t **apps, struct err *err) MUST_USE;

#endif

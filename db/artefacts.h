/* artefacts.h - build results of an app: a row per version, the bytes in var/artefacts/<file>.
 *
 * A version is never replaced: deploying "1.4.0" next year means the same bytes. Objects are new
 * references with the columns' names. */
#ifndef WL_DB_ARTEFACTS_H
#define WL_DB_ARTEFACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "db/audit.h"
#include "db/db.h"
#include "lib/base/attr.h"
#include "lib/crypto/crypto.h"

struct artefact_new {
    const char *app_id, *app_name, *version;
    const char *file; /* name below var/artefacts, one path part */
    int64_t size_bytes;
    const char *sha256; /* 64 hex digits, measured by us */
    const char *origin; /* upload, folder, url */
    const char *source; /* the file name or URL it came from; "" unknown */
    const char *created_by;
};

/* Own transaction with the event artefact.add. A version that exists is ERR_CONFLICT with field
 * "version"; the caller then removes the file it kept. */
int artefact_add(struct db *db, const struct actor *actor, const struct artefact_new *artefact,
                 char id[CRYPTO_ID_SIZE], struct err *err) MUST_USE;
/* ERR_NOT_FOUND for an unknown or removed one. */
int artefact_by_id(struct db *db, const char *id, json_t **artefact, struct err *err) MUST_USE;
/* Also a removed one: its version stays taken. */
int artefact_by_version(struct db *db, const char *app_id, const char *version, json_t **artefact,
                        struct err *err) MUST_USE;
/* Newest first, created before `before` (ms; INT64_MAX: from the newest). */
int artefact_page(struct db *db, const char *app_id, int64_t before, int limit, json_t **artefacts,
                  struct err *err) MUST_USE;

int artefact_count(struct db *db, const char *app_id, int64_t *count, struct err *err) MUST_USE;
/* Whether a row names this file of var/artefacts. */
int artefact_file_known(struct db *db, const char *file, bool *known, struct err *err) MUST_USE;

#endif

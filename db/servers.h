/* servers.h - servers as pages show them. Adding, pinning and checking are the worker's (ask verbs
 * server.*, job kind check); the web only reads. Objects are new references with the columns' names
 * (queries/shared/server.sql). */
#ifndef WL_DB_SERVERS_H
#define WL_DB_SERVERS_H

#include <jansson.h>
#include "db/db.h"
#include "lib/base/attr.h"

int server_by_slug(struct db *db, const char *slug, json_t **server, struct err *err) MUST_USE;
/* In order of slugs, those after `after` ("": from the first). */
int server_page(struct db *db, const char *after, int limit, json_t **servers,
                struct err *err) MUST_USE;
/* Those a person must look at: not pinned, failing, silent, or with a changed key. */
int server_attention(struct db *db, int limit, json_t **servers, struct err *err) MUST_USE;
/* {server_id, id, app_slug, app_name, slug, tier, role} of the environments that run on it;
 * server_id NULL: on any. */
int server_environments(struct db *db, const char *server_id, json_t **environments,
                        struct err *err) MUST_USE;
/* {at, by_name, by_login} of the last confirmation of its host key, or JSON null. */
int server_pinned_by(struct db *db, const char *server_id, json_t **pinned,
                     struct err *err) MUST_USE;

/* The detail of the event that saw its host key last ({print} or {shown}), or JSON null. */
int server_seen_key(struct db *db, const char *server_id, json_t **detail,
                    struct err *err) MUST_USE;

#endif

/* servers_worker.h - what the worker writes about servers: adding one and pinning its host key,
 * each with its event. (Pages read servers through servers.h.) */
#ifndef WL_DB_SERVERS_WORKER_H
#define WL_DB_SERVERS_WORKER_H

#include "db/audit.h"
#include "db/db.h"
#include "lib/crypto/crypto.h"

struct server_row {
    char id[CRYPTO_ID_SIZE];
    char slug[48];
    char host[256];
    int port;
    char login[64];
    char pin_print[64]; /* as shown; the pin that counts is in the vault. "": none */
};
struct server_new {
    const char *id, *slug, *host, *login, *public_key;
    int port;
};

/* ERR_NOT_FOUND for an unknown or archived one. */
int server_by_id(struct db *db, const char *id, struct server_row *server,
                 struct err *err) MUST_USE;
/* Event server.add. A slug that is taken is ERR_CONFLICT with field "slug". */
int server_add(struct db *db, const struct actor *actor, const struct server_new *server,
               struct err *err) MUST_USE;
/* Event server.host_key: somebody had the dashboard connect to it and look at its key. */
int server_looked_at(struct db *db, const struct actor *actor, const struct server_row *server,
                     const char *print, struct err *err) MUST_USE;
/* Event server.pin. ERR_CONFLICT when the server's address is no longer the one of `server`. */
int server_set_pin(struct db *db, const struct actor *actor, const struct server_row *server,
                   const char *type, const char *print, struct err *err) MUST_USE;

#endif

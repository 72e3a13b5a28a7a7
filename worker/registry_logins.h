/* registry_logins.h - the user names and passwords of an environment's registries, for a deploy
 * that pulls images.
 *
 * Accounts are in windlass.db, passwords in vault.db; here they come together, for the worker
 * alone. The caller owns the list and must call registry_logins_free, which overwrites the
 * passwords. `host` is as in an image's name; docker's configuration has Docker Hub's (docker.io)
 * under the key https://index.docker.io/v1/. */
#ifndef WL_WORKER_REGISTRY_LOGINS_H
#define WL_WORKER_REGISTRY_LOGINS_H

#include "db/db.h"
#include "db/vault/vault.h"

struct registry_login {
    char host[300];
    char login[256];
    char *password; /* NUL-terminated beyond password_len */
    size_t password_len;
    char slug[48];
};
struct registry_logins {
    struct registry_login *items;
    size_t count;
};

/* `names`: registry slugs separated by single spaces ("" = none). ERR_NOT_FOUND naming the one that
 * does not exist (any more); ERR_INPUT when two of them are for one host, since docker keeps one
 * account per host; and what vault_registry_password says of a password that does not come out.
 * All with field "registries". On failure nothing is held. */
int registry_logins_load(struct db *db, struct vault *vault, const char *names,
                         struct registry_logins *logins, struct err *err) MUST_USE;
void registry_logins_free(struct registry_logins *logins);

#endif

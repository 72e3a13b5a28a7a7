/* servers.h - adding a server from the command line; also what the demo does. */
#ifndef WL_CLI_SERVERS_H
#define WL_CLI_SERVERS_H

#include "cli/dashboard.h"
#include "lib/base/attr.h"

#define AUTHORIZED_LINE_SIZE 512

struct server_added {
    char id[CRYPTO_ID_SIZE];
    char authorized_line[AUTHORIZED_LINE_SIZE]; /* for the account's authorized_keys */
};
/* address: user@host[:port]. token: of somebody who may add servers. */
int server_add(const struct dashboard *dashboard, const char *token, const char *slug,
               const char *address, struct server_added *added, struct err *err) MUST_USE;
/* Ask the server for its host key; pin it when its fingerprint is `print` (SHA256:...), else
 * ERR_CONFLICT shows both. */
int server_pin(const struct dashboard *dashboard, const char *token, const char *server_id,
               const char *print, struct err *err) MUST_USE;

#endif

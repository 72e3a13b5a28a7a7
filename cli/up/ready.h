/* ready.h - is a port free, does the worker answer, does the first page come. */
#ifndef WL_CLI_UP_READY_H
#define WL_CLI_UP_READY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "cli/place.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"

/* Where nginx listens, as it was asked for and as the parts need it. */
struct endpoint {
    struct sockaddr_storage address;
    socklen_t address_len;
    int port;
    char listen[80]; /* "127.0.0.1:8080", "[::1]:8080": for nginx */
    char local[96];  /* "http://127.0.0.1:8080": how this machine reaches it */
    char host[64];   /* the address alone, for an allow list */
};
int endpoint_parse(struct endpoint *endpoint, const char *address, const char *port,
                   struct err *err) MUST_USE;
/* ERR_BUSY in one line when something else has it. */
int endpoint_is_free(const struct endpoint *endpoint, struct err *err) MUST_USE;

/* A listening unix socket at var/run/<name>, mode, owned by gid (0: ours); the descriptor or -1. */
int socket_listen(const struct place *place, const char *name, gid_t gid, struct err *err) MUST_USE;
/* One `ping` on the ask socket, 2 s: whether the worker answered that it is well. */
bool worker_answers(const struct place *place);
/* One GET of /healthz: whether a page program answered through nginx; `why` says what was seen when
 * not. */
bool site_answers(const struct endpoint *endpoint, struct err *why);

#endif

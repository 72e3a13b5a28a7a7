/* servers.h - our private key for each server, and the host key each server must show.
 *
 * A pin belongs to an address: when host or port of the server row are changed (the web side can),
 * the pin no longer holds and vault_pin refuses. */
#ifndef WL_DB_VAULT_SERVERS_H
#define WL_DB_VAULT_SERVERS_H

#include "db/vault/vault.h"

#define SERVER_PUBLIC_KEY_SIZE 256

/* Make an Ed25519 pair for a new server. public_line: "ssh-ed25519 AAAA... windlass-<slug>". Before
 * the server row exists it is of no use to anybody. */
int vault_make_server_key(struct vault *vault, const char *server_id, const char *slug,
                          char public_line[SERVER_PUBLIC_KEY_SIZE], struct err *err) MUST_USE;
/* Append the private key as an OpenSSH private key file. Wipe the buffer after use. */
int vault_server_key(struct vault *vault, const char *server_id, struct buf *private_key,
                     struct err *err) MUST_USE;

/* A server at an address. */
struct server_at {
    const char *id, *host;
    int port;
};
struct host_pin {
    char type[32];
    uint8_t blob[1024]; /* the raw public key, compared byte for byte */
    size_t len;
    char print[64]; /* SHA256:..., as ssh-keygen -lf shows it */
};
/* The pin of a server at this address. ERR_NOT_FOUND, with the fix, when none was confirmed for it.
 */
int vault_pin(struct vault *vault, const char *server_id, const char *host, int port,
              struct host_pin *pin, struct err *err) MUST_USE;
/* Replaces any other pin of the server. The caller has written the event. */
int vault_set_pin(struct vault *vault, const struct server_at *server, const struct host_pin *pin,
                  const char *approved_by, struct err *err) MUST_USE;

#endif

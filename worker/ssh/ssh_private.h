/* ssh_private.h - what the files of worker/ssh share. Nobody else includes it.
 *
 * Rules of libssh2 1.10 that every file here obeys (measured; reliability.md §2): non-blocking
 * only; after EAGAIN the same call is repeated with the same arguments and nothing else is sent
 * meanwhile; block_directions may be 0 with EAGAIN, so each wait is capped; nothing is torn down
 * politely once a deadline passed. */
#ifndef WL_WORKER_SSH_PRIVATE_H
#define WL_WORKER_SSH_PRIVATE_H

#include <libssh2.h>
#include <libssh2_sftp.h>
#include "worker/ssh/ssh.h"

#define SSH_TICK_MS 100
#define SSH_WAIT_MS 1000 /* where nothing but the socket, or wake_fd, has to be noticed */

struct block;

struct ssh {
    int fd;
    int wake_fd; /* -1: none */
    int wait_ms; /* the longest wait at a time */
    bool alive;
    LIBSSH2_SESSION *session;
    struct block *blocks; /* the head of the list of all memory that libssh2 has for this session */
    LIBSSH2_SFTP *sftp;   /* opened when first needed */
    char host[256];
    int port;
    char login[64];
};

/* The methods we accept, best first, as comma lists without spaces. What this build of libssh2 does
 * not know is ignored. */
extern const char SSH_KEX[], SSH_CIPHERS[], SSH_MACS[], SSH_HOST_KEYS[];

/* A TCP connection within the deadline, non-blocking, with keep-alive and a 30 s limit for
 * unacknowledged data. The fd or -1. */
int ssh_dial(const char *host, int port, int64_t mono_deadline, struct err *err) MUST_USE;

/* A session over a dialled connection up to and with the key exchange; only host_key_type is
 * accepted from the server. */
int ssh_handshake(const char *host, int port, const char *host_key_type, struct ssh **ssh,
                  enum ssh_fault *fault, struct err *err) MUST_USE;

/* After a failed handshake: ask the server for its lists on a connection of its own and say in
 * words what is missing. Fills err and returns the fault; UNREACHABLE when the lists do not explain
 * it. */
enum ssh_fault ssh_explain_handshake(const char *host, int port, const char *host_key_type,
                                     struct err *err);

/* Wait for the socket as libssh2 wants it, at most wait_ms, and at most SSH_TICK_MS once wake_fd is
 * readable: what is there waits for the caller's tick, which may be busy elsewhere. 0, or -1 when
 * the deadline passed (fault and err are filled, and the session is marked dead). */
int ssh_wait(struct ssh *ssh, int64_t mono_deadline, enum ssh_fault *fault,
             struct err *err) MUST_USE;

/* The session is broken: mark it, and say what was being done. Always -1. */
int ssh_lost(struct ssh *ssh, const char *doing, enum ssh_fault *fault, struct err *err);

/* "SHA256:..." of a host key blob. */
void ssh_fingerprint(char print[64], const void *blob, size_t len);

#endif

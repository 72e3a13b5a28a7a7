/* ssh.h - one SSH connection to one hostile target. The only door to libssh2; another transport
 * could stand behind it.
 *
 * Non-blocking libssh2 with our own poll loop and monotonic deadlines (reliability.md §2). One
 * thread, one session, one operation at a time. After any -1 that is not ERR_REMOTE with
 * ssh_alive() the session is of no more use: ssh_close and exit or reconnect. Commands: only the
 * constant "/bin/sh" is ever executed; the script goes to its standard input (lib/domain/shell.h
 * writes the assignments in front of it). An exit status counts only when the channel ended by
 * itself, with no signal, and the script's trailer line carried the nonce. */
#ifndef WL_WORKER_SSH_SSH_H
#define WL_WORKER_SSH_SSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

struct ssh;

struct ssh_target {
    const char *host;
    int port;
    const char *login;
    const char *
        pin_type; /* "ssh-ed25519", ...; only this type is offered. NULL: ssh_fetch_host_key only */
    const uint8_t *pin_blob; /* compared byte for byte before any credential is sent */
    size_t pin_len;
    const char *private_key; /* OpenSSH Ed25519 private key file, as text; borrowed until ssh_open
                                returns */
    size_t private_key_len;
    int wake_fd; /* 0: none. When it is readable, ticks come soon; while it is not, once a second */
};

enum ssh_fault { /* what kind of failure the last -1 was: decides retry or verdict */
                 SSH_FAULT_NONE = 0,
                 SSH_FAULT_UNREACHABLE, /* resolve, connect, banner: try again until the deadline,
                                           then unknown */
                 SSH_FAULT_LOST,        /* an open connection broke: reconnect */
                 SSH_FAULT_HOST_KEY,    /* hard stop; both fingerprints are in err->user */
                 SSH_FAULT_ALGORITHMS, /* the server's algorithms are not ours; err->user names them
                                          and the fix */
                 SSH_FAULT_AUTH,       /* our key was refused */
                 SSH_FAULT_REMOTE,     /* the target answered, with a failure */
                 SSH_FAULT_DEADLINE    /* no answer in time */
};

/* Connect (10 s), handshake (15 s), compare the host key, authenticate (10 s). */
int ssh_open(const struct ssh_target *target, struct ssh **ssh, enum ssh_fault *fault,
             struct err *err) MUST_USE;
void ssh_close(struct ssh *ssh); /* closes the socket; no polite goodbye */
bool ssh_alive(const struct ssh *ssh);

/* The host key a server presents, without authenticating: for a person to confirm. Tries ed25519,
 * then ecdsa. */
struct ssh_host_key {
    char type[32];
    uint8_t blob[1024];
    size_t len;
    char print[64]; /* SHA256:... unpadded base64, as ssh-keygen -lf */
};
int ssh_fetch_host_key(const char *host, int port, struct ssh_host_key *key,
                       struct err *err) MUST_USE;

/* Called with bytes as they arrive on stdout; return non-zero to stop listening to the command (not
 * an error: ssh_run returns 0 with `stopped`; the session is of no more use then, since sshd holds
 * the channel until the command ends). */
typedef int ssh_output_fn(void *context, const char *bytes, size_t len);
/* Called about every 100 ms and after output while waiting; non-zero stops. May be NULL. */
typedef int ssh_tick_fn(void *context);

struct ssh_run {
    const char *script; /* whole text for /bin/sh's stdin */
    size_t script_len;
    int64_t deadline_ms;   /* budget from now */
    int64_t quiet_ms;      /* no output for so long is a failure; 0: no such limit */
    ssh_output_fn *output; /* NULL: collect into `out` */
    ssh_tick_fn *tick;
    void *context;
    struct buf *out;    /* with its own maximum; more is an error */
    struct buf *errors; /* the end of standard error (its last 4 KiB at most); may be NULL */
};
/* 0 when the channel ended by itself with exit status 0 and no signal. *status is -1 when none is
 * known. `stopped` true when a callback asked to stop. */
int ssh_run(struct ssh *ssh, const struct ssh_run *run, int *status, bool *stopped,
            enum ssh_fault *fault, struct err *err) MUST_USE;

/* Copy size bytes from fd (rewound first) to an absolute path by SFTP (created or replaced, mode);
 * progress may be NULL. fsync at the end where the server can. A full disk is told from other
 * failures by statvfs. A progress that returns non-zero stops the copy: -1 with ERR_CONFLICT and
 * SSH_FAULT_NONE. */
typedef int ssh_progress_fn(void *context, int64_t done, int64_t total);
int ssh_put(struct ssh *ssh, int fd, int64_t size, const char *path, int mode, int64_t deadline_ms,
            ssh_progress_fn *progress, void *context, enum ssh_fault *fault,
            struct err *err) MUST_USE;
/* The same from memory: small files with secrets, mode 0600, O_EXCL. */
int ssh_put_bytes(struct ssh *ssh, const void *bytes, size_t len, const char *path, int mode,
                  int64_t deadline_ms, enum ssh_fault *fault, struct err *err) MUST_USE;

/* One HTTP GET seen from the target: direct-tcpip to 127.0.0.1:port, libcurl over that channel
 * (worker/ssh/ssh_http.c). The answer's status and at most 64 KiB of body; no redirect is followed.
 * SSH_FAULT_REMOTE with ERR_DENIED: forwarding is not allowed (ask in another way); with
 * ERR_REMOTE: nothing listens, or it does not speak HTTP. */
int ssh_http_get(struct ssh *ssh, int port, const char *path, const char *host_header,
                 int64_t deadline_ms, int *http_status, struct buf *body, enum ssh_fault *fault,
                 struct err *err) MUST_USE;

#endif

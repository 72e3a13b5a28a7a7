/* ssh_open.c - from an address to a session that may act: key exchange, pinned host key, our key.
 * In that order: nothing that proves who we are is sent before the server has proven who it is.
 *
 * libssh2 1.10 prefers ECDSA host keys, so a server pinned as Ed25519 would look changed: only the
 * pinned type is offered. Its buffers hold key material and are not wiped by the library; the
 * allocator here does that. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "worker/ssh/ssh_private.h"

#define CONNECT_MS   10000
#define HANDSHAKE_MS 15000
#define AUTH_MS      10000

/* Counter mode and encrypt-and-MAC for 1.10; the others are used where a newer libssh2 has them.
 * CBC and chacha20-poly1305 are left out: the prefix truncation attack (CVE-2023-48795) needs one
 * of them. */
const char SSH_KEX[] =
    "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
    "ecdh-sha2-nistp521,diffie-hellman-group16-sha512,diffie-hellman-group14-sha256";
const char SSH_CIPHERS[] = "aes256-ctr,aes192-ctr,aes128-ctr";
const char SSH_MACS[] =
    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512";
const char SSH_HOST_KEYS[] =
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521";

/* --- an allocator that forgets ---------------------------------------------------------------
 *
 * Each session has its own list of blocks. libssh2_session_free gives up, and keeps its memory, on
 * a connection that broke in the middle of a packet; ssh_close then wipes and frees what is left.
 */

struct block {
    struct block *next, *before;
    size_t size;
    size_t pad; /* keeps what follows aligned to 16 */
};

static LIBSSH2_ALLOC_FUNC(block_alloc)
{
    struct block *list = *abstract;
    if (count > (size_t)64 * 1024 * 1024)
        return NULL; /* a hostile server named a length */
    struct block *block = malloc(sizeof *block + count);
    if (block == NULL)
        return NULL;
    block->size = count;
    block->before = list;
    block->next = list->next;
    if (list->next != NULL)
        list->next->before = block;
    list->next = block;
    return block + 1;
}

static LIBSSH2_FREE_FUNC(block_free)
{
    (void)abstract;
    if (ptr == NULL)
        return;
    struct block *block = (struct block *)ptr - 1;
    block->before->next = block->next;
    if (block->next != NULL)
        block->next->before = block->before;
    explicit_bzero(ptr, block->size);
    free(block);
}

static LIBSSH2_REALLOC_FUNC(block_realloc)
{
    void *bigger = block_alloc(count, abstract);
    if (bigger == NULL || ptr == NULL)
        return bigger;
    size_t old = ((struct block *)ptr - 1)->size;
    memcpy(bigger, ptr, old < count ? old : count);
    block_free(ptr, abstract);
    return bigger;
}

static void free_all(struct block *list)
{
    while (list != NULL && list->next != NULL)
        block_free(list->next + 1, NULL);
    free(list);
}

/* --- waiting -----------------------------------------------------------------------------------
 */

int ssh_lost(struct ssh *ssh, const char *doing, enum ssh_fault *fault, struct err *err)
{
    char *text = NULL;
    int code = libssh2_session_last_error(ssh->session, &text, NULL, 0);
    ssh->alive = false;
    *fault = SSH_FAULT_LOST;
    (void)err_set(
        err, ERR_REMOTE,
        "The connection to %s broke while %s. Fix: check the network and the server's sshd.",
        ssh->host, doing);
    return err_detail(err, "libssh2 %d %s", code, text != NULL ? text : "");
}

int ssh_wait(struct ssh *ssh, int64_t mono_deadline, enum ssh_fault *fault, struct err *err)
{
    int left = clock_left_ms(mono_deadline);
    if (left == 0) {
        ssh->alive = false;
        *fault = SSH_FAULT_DEADLINE;
        return err_set(err, ERR_REMOTE,
                       "%s did not answer in time. Fix: check the network and the server's load.",
                       ssh->host);
    }
    short events = POLLIN;
    if ((libssh2_session_block_directions(ssh->session) & LIBSSH2_SESSION_BLOCK_OUTBOUND) != 0)
        events |= POLLOUT;
    struct pollfd fds[2] = {{.fd = ssh->fd, .events = events},
                            {.fd = ssh->wake_fd, .events = POLLIN}};
    (void)poll(fds, 2, left < ssh->wait_ms ? left : ssh->wait_ms);
    if (fds[1].revents != 0 && fds[0].revents == 0)
        (void)poll(fds, 1, left < SSH_TICK_MS ? left : SSH_TICK_MS);
    return 0;
}

/* --- life cycle --------------------------------------------------------------------------------
 */

bool ssh_alive(const struct ssh *ssh)
{
    return ssh != NULL && ssh->alive;
}

void ssh_close(struct ssh *ssh)
{
    if (ssh == NULL)
        return;
    io_close(&ssh->fd); /* first: then nothing below can wait for the other side */
    if (ssh->session != NULL) {
        if (ssh->sftp != NULL)
            (void)libssh2_sftp_shutdown(ssh->sftp);
        (void)libssh2_session_free(ssh->session);
    }
    free_all(ssh->blocks);
    free(ssh);
}

/* Hands libssh2 only names it knows: 1.10 takes unknown ones (which newer releases know) out of the
 * list by an overlapping memcpy. */
static int prefer_known(LIBSSH2_SESSION *session, int method, const char *wanted)
{
    const char **known = NULL;
    char list[512] = "";
    size_t used = 0;
    int count = libssh2_session_supported_algs(session, method, &known);
    for (const char *at = wanted; *at != '\0'; at += *at == ',' ? 1 : 0) {
        size_t len = strcspn(at, ",");
        for (int i = 0; i < count; i++) {
            if (strlen(known[i]) != len || memcmp(known[i], at, len) != 0
                || used + len + 2 > sizeof list)
                continue;
            if (used > 0)
                list[used++] = ',';
            memcpy(list + used, at, len);
            used += len;
        }
        at += len;
    }
    list[used] = '\0';
    if (count > 0)
        libssh2_free(session, known);
    return libssh2_session_method_pref(session, method, list);
}

static int prefer(LIBSSH2_SESSION *session, const char *host_key_type)
{
    int rc = prefer_known(session, LIBSSH2_METHOD_KEX, SSH_KEX);
    if (rc == 0)
        rc = prefer_known(session, LIBSSH2_METHOD_HOSTKEY, host_key_type);
    if (rc == 0)
        rc = prefer_known(session, LIBSSH2_METHOD_CRYPT_CS, SSH_CIPHERS);
    if (rc == 0)
        rc = prefer_known(session, LIBSSH2_METHOD_CRYPT_SC, SSH_CIPHERS);
    if (rc == 0)
        rc = prefer_known(session, LIBSSH2_METHOD_MAC_CS, SSH_MACS);
    if (rc == 0)
        rc = prefer_known(session, LIBSSH2_METHOD_MAC_SC, SSH_MACS);
    return rc;
}

static struct ssh *ssh_new(const char *host, int port, int fd)
{
    struct ssh *ssh = calloc(1, sizeof *ssh);
    if (ssh == NULL)
        return NULL;
    ssh->fd = fd;
    ssh->wake_fd = -1;
    ssh->wait_ms = SSH_WAIT_MS; /* nobody ticks before the login */
    ssh->port = port;
    (void)str_copy(ssh->host, sizeof ssh->host, host);
    ssh->blocks = calloc(1, sizeof *ssh->blocks);
    if (ssh->blocks != NULL)
        ssh->session = libssh2_session_init_ex(block_alloc, block_free, block_realloc, ssh->blocks);
    if (ssh->session == NULL) {
        free(ssh->blocks);
        free(ssh);
        return NULL;
    }
    libssh2_session_set_blocking(ssh->session, 0);
    return ssh;
}

/* libssh2's own words are for the log; the person gets what the server's lists say. */
static void explain_failure(struct ssh *ssh, int rc, const char *host_key_type,
                            enum ssh_fault *fault, struct err *err)
{
    struct err explained = {0};
    *fault = ssh_explain_handshake(ssh->host, ssh->port, host_key_type, &explained);
    if (*fault == SSH_FAULT_UNREACHABLE && explained.code == ERR_NONE)
        (void)err_set(&explained, ERR_REMOTE,
                      "%s port %d did not complete the SSH handshake. Fix: check that sshd answers "
                      "there and is not overloaded "
                      "(MaxStartups).",
                      ssh->host, ssh->port);
    (void)err_detail(&explained, "handshake %d", rc);
    if (err != NULL)
        *err = explained;
}

int ssh_handshake(const char *host, int port, const char *host_key_type, struct ssh **out,
                  enum ssh_fault *fault, struct err *err)
{
    int64_t deadline;
    int rc;
    *fault = SSH_FAULT_UNREACHABLE;
    if (libssh2_init(0) != 0)
        return err_set(err, ERR_INTERNAL, "The SSH library did not start.");
    int fd = ssh_dial(host, port, clock_mono_ms() + CONNECT_MS, err);
    if (fd < 0)
        return -1;
    struct ssh *ssh = ssh_new(host, port, fd);
    if (ssh == NULL) {
        io_close(&fd);
        return err_set(err, ERR_NO_MEMORY, "There is no memory for an SSH session.");
    }
    deadline = clock_mono_ms() + HANDSHAKE_MS;
    if (prefer(ssh->session, host_key_type) != 0) {
        (void)err_set(err, ERR_REMOTE,
                      "The pinned host key type %s is not known to this dashboard's SSH library.",
                      host_key_type);
        *fault = SSH_FAULT_ALGORITHMS;
        goto fail;
    }
    while ((rc = libssh2_session_handshake(ssh->session, ssh->fd)) == LIBSSH2_ERROR_EAGAIN)
        if (ssh_wait(ssh, deadline, fault, err) != 0) {
            *fault = SSH_FAULT_UNREACHABLE;
            goto fail;
        }
    if (rc != 0) {
        explain_failure(ssh, rc, host_key_type, fault, err);
        goto fail;
    }
    ssh->alive = true;
    *fault = SSH_FAULT_NONE;
    *out = ssh;
    return 0;
fail:
    ssh_close(ssh);
    return -1;
}

/* --- who the server is ---------------------------------------------------------------------------
 */

void ssh_fingerprint(char print[64], const void *blob, size_t len)
{
    uint8_t hash[CRYPTO_HASH_BYTES];
    char text[CRYPTO_B64_SIZE(CRYPTO_HASH_BYTES)];
    crypto_sha256(blob, len, hash);
    crypto_b64(text, sizeof text, hash, sizeof hash);
    text[strcspn(text, "=")] = '\0'; /* as ssh-keygen -lf shows it */
    (void)snprintf(print, 64, "SHA256:%s", text);
}

static int check_host_key(struct ssh *ssh, const struct ssh_target *target, enum ssh_fault *fault,
                          struct err *err)
{
    size_t len = 0;
    int type = 0;
    const char *blob = libssh2_session_hostkey(ssh->session, &len, &type);
    if (blob != NULL && target->pin_blob != NULL && len == target->pin_len
        && memcmp(blob, target->pin_blob, len) == 0)
        return 0;
    char seen[64] = "none", pinned[64] = "none";
    if (blob != NULL)
        ssh_fingerprint(seen, blob, len);
    if (target->pin_blob != NULL)
        ssh_fingerprint(pinned, target->pin_blob, target->pin_len);
    *fault = SSH_FAULT_HOST_KEY;
    return err_set(err, ERR_REMOTE,
                   "The host key of %s is not the pinned one: pinned %s, now %s. Nothing was sent. "
                   "Fix: find out why it changed; if it "
                   "is right, compare it on the server's console (ssh-keygen -lf) and pin it again "
                   "on the server's page.",
                   ssh->host, pinned, seen);
}

/* Whether the other side hung up. libssh2 says "unverified" both for a signature that was refused
 * and for an answer that never came. */
static bool peer_is_gone(const struct ssh *ssh)
{
    char c;
    ssize_t got = recv(ssh->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

static int authenticate(struct ssh *ssh, const struct ssh_target *target, enum ssh_fault *fault,
                        struct err *err)
{
    int64_t deadline = clock_mono_ms() + AUTH_MS;
    int rc;
    while ((rc = libssh2_userauth_publickey_frommemory(
                ssh->session, target->login, strlen(target->login), NULL, 0, target->private_key,
                target->private_key_len, NULL))
           == LIBSSH2_ERROR_EAGAIN)
        if (ssh_wait(ssh, deadline, fault, err) != 0)
            return -1;
    if (rc == 0 && libssh2_userauth_authenticated(ssh->session) != 0)
        return 0;
    if (rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED && peer_is_gone(ssh))
        return ssh_lost(ssh, "logging in", fault, err);
    if (rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED || rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED
        || rc == 0) {
        *fault = SSH_FAULT_AUTH;
        (void)err_set(
            err, ERR_REMOTE,
            "%s refused our key for %s. Fix: put the line shown on the server's page into "
            "~%s/.ssh/authorized_keys there, and "
            "check that sshd lets this account in (AllowUsers, PermitRootLogin, a locked account).",
            ssh->host, target->login, target->login);
        return err_detail(err, "userauth %d", rc);
    }
    bool link_broke = rc == LIBSSH2_ERROR_SOCKET_SEND || rc == LIBSSH2_ERROR_SOCKET_RECV
                      || rc == LIBSSH2_ERROR_SOCKET_DISCONNECT || rc == LIBSSH2_ERROR_SOCKET_NONE;
    if (!link_broke) {
        *fault = SSH_FAULT_AUTH;
        (void)err_set(
            err, ERR_INTERNAL,
            "The private key for %s cannot be read. Fix: remove the server and add it again.",
            ssh->host);
        return err_detail(err, "userauth %d", rc);
    }
    return ssh_lost(ssh, "logging in", fault, err);
}

int ssh_open(const struct ssh_target *target, struct ssh **out, enum ssh_fault *fault,
             struct err *err)
{
    struct ssh *ssh = NULL;
    if (target->pin_type == NULL || target->pin_blob == NULL) {
        *fault = SSH_FAULT_HOST_KEY;
        return err_set(err, ERR_REMOTE,
                       "The host key of %s is not pinned yet. Fix: confirm its fingerprint on the "
                       "server's page.",
                       target->host);
    }
    if (ssh_handshake(target->host, target->port, target->pin_type, &ssh, fault, err) != 0)
        return -1;
    (void)str_copy(ssh->login, sizeof ssh->login, target->login);
    if (check_host_key(ssh, target, fault, err) != 0
        || authenticate(ssh, target, fault, err) != 0) {
        ssh_close(ssh);
        return -1;
    }
    ssh->wake_fd = target->wake_fd > 0 ? target->wake_fd : -1;
    ssh->wait_ms = target->wake_fd > 0 ? SSH_WAIT_MS : SSH_TICK_MS;
    *fault = SSH_FAULT_NONE;
    *out = ssh;
    return 0;
}

/* --- a key to confirm
 * ------------------------------------------------------------------------------ */

int ssh_fetch_host_key(const char *host, int port, struct ssh_host_key *key, struct err *err)
{
    static const char *const types[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
                                        "ecdsa-sha2-nistp521"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct ssh *ssh = NULL;
        enum ssh_fault fault = SSH_FAULT_NONE;
        if (ssh_handshake(host, port, types[i], &ssh, &fault, err) != 0) {
            if (fault == SSH_FAULT_HOST_KEY)
                continue; /* it has a key of another type that we know */
            return -1;
        }
        size_t len = 0;
        int type = 0;
        const char *blob = libssh2_session_hostkey(ssh->session, &len, &type);
        bool fits = blob != NULL && len <= sizeof key->blob;
        if (fits) {
            (void)str_copy(key->type, sizeof key->type, types[i]);
            memcpy(key->blob, blob, len);
            key->len = len;
            ssh_fingerprint(key->print, blob, len);
        }
        ssh_close(ssh);
        return fits ? 0
                    : err_set(err, ERR_REMOTE, "%s sent a host key of an impossible size.", host);
    }
    return -1;
}

/* ssh_explain.c - why a handshake failed, in words.
 *
 * libssh2 says "-5" and no more when it and a server share no algorithm. The server's lists are the
 * first packet it sends, in the clear (RFC 4253 §7.1), so a second connection reads them and
 * compares them with ours. What arrives is hostile input: every length is checked against what was
 * read, every list is cut when shown. */
#include <errno.h>
#include <libssh2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/str.h"
#include "worker/ssh/ssh_private.h"

#define EXPLAIN_MS 8000
#define PACKET_MAX 35000 /* RFC 4253 §6.1 */
#define BANNER_MAX 8192

enum list {
    LIST_KEX,
    LIST_HOST_KEY,
    LIST_CIPHER,
    LIST_CIPHER_BACK,
    LIST_MAC,
    LIST_MAC_BACK,
    LIST_COUNT
};

struct offer {
    char text[PACKET_MAX];
    char *lists[LIST_COUNT]; /* into text, NUL-terminated */
};

static int read_exactly(int fd, void *bytes, size_t len, int64_t deadline)
{
    bool eof = false;
    return io_read_exact(fd, bytes, len, deadline, &eof, NULL) == 0 && !eof ? 0 : -1;
}

/* Lines before the one that begins "SSH-" are allowed (RFC 4253 §4.2); byte by byte, since the
 * packet follows at once. */
static int skip_banner(int fd, int64_t deadline)
{
    char line[256];
    size_t len = 0;
    for (int count = 0; count < BANNER_MAX; count++) {
        char c;
        if (read_exactly(fd, &c, 1, deadline) != 0)
            return -1;
        if (c != '\n') {
            if (len < sizeof line - 1)
                line[len++] = c;
            continue;
        }
        line[len] = '\0';
        if (str_starts(line, "SSH-"))
            return str_starts(line, "SSH-2.0-") || str_starts(line, "SSH-1.99-") ? 0 : -1;
        len = 0;
    }
    return -1;
}

static size_t big_endian(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    return (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
}

static bool split_lists(struct offer *offer, size_t len)
{
    size_t at = 17; /* SSH_MSG_KEXINIT and the cookie */
    if (len < at || offer->text[0] != 20)
        return false;
    for (int i = 0; i < LIST_COUNT; i++) {
        if (len - at < 4)
            return false;
        size_t size = big_endian(offer->text + at);
        if (size > len - at - 4)
            return false;
        /* The list moves one byte down, over the last byte of its length, to make room for its NUL.
         */
        memmove(offer->text + at + 3, offer->text + at + 4, size);
        offer->text[at + 3 + size] = '\0';
        offer->lists[i] = offer->text + at + 3;
        at += 4 + size;
    }
    return true;
}

/* 1 read, 0 the server is not an SSH server or hung up, -1 not even a connection. */
static int read_offer(const char *host, int port, struct offer *offer)
{
    static const char greeting[] = "SSH-2.0-Windlass\r\n";
    int64_t deadline = clock_mono_ms() + EXPLAIN_MS;
    int fd = ssh_dial(host, port, deadline, NULL);
    if (fd < 0)
        return -1;
    char head[5];
    size_t len = 0;
    bool whole = io_write_all(fd, greeting, sizeof greeting - 1, deadline, NULL) == 0
                 && skip_banner(fd, deadline) == 0
                 && read_exactly(fd, head, sizeof head, deadline) == 0;
    if (whole) {
        size_t packet = big_endian(head), padding = (unsigned char)head[4];
        whole = packet < PACKET_MAX && packet > padding + 1;
        len = whole ? packet - 1 - padding : 0;
    }
    whole = whole && read_exactly(fd, offer->text, len, deadline) == 0 && split_lists(offer, len);
    io_close(&fd);
    return whole ? 1 : 0;
}

/* --- comparing ---------------------------------------------------------------------------------
 */

static bool list_has(const char *list, const char *name, size_t len)
{
    for (const char *at = list; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, ",");
        if (size == len && memcmp(at, name, len) == 0)
            return true;
        at += size;
        at += *at == ',';
    }
    return false;
}

static bool lists_meet(const char *ours, const char *theirs)
{
    for (const char *at = ours; *at != '\0';) {
        size_t size = strcspn(at, ",");
        if (list_has(theirs, at, size))
            return true;
        at += size;
        at += *at == ',';
    }
    return false;
}

/* Of what we would take, what this build of libssh2 has: 1.10 lacks the EtM MACs that are on our
 * list. */
static void known_here(int method, const char *ours, char *known, size_t known_size)
{
    known[0] = '\0';
    LIBSSH2_SESSION *session = libssh2_session_init_ex(NULL, NULL, NULL, NULL);
    const char **names = NULL;
    int count = session != NULL ? libssh2_session_supported_algs(session, method, &names) : 0;
    size_t used = 0;
    for (const char *at = ours; *at != '\0'; at += *at == ',') {
        size_t len = strcspn(at, ",");
        for (int i = 0; i < count; i++)
            if (strlen(names[i]) == len && memcmp(names[i], at, len) == 0
                && used + len + 2 < known_size)
                used += (size_t)snprintf(known + used, known_size - used, "%s%.*s",
                                         used > 0 ? "," : "", (int)len, at);
        at += len;
    }
    if (names != NULL)
        libssh2_free(session, (void *)names);
    if (session != NULL)
        (void)libssh2_session_free(session);
}

/* A list from outside, fit for a sentence: printable, cut, with a space after each comma. */
static void show_list(char *dst, size_t dst_size, const char *list)
{
    size_t used = 0;
    for (const char *at = list; *at != '\0' && used + 8 < dst_size; at++) {
        if (*at == ',' && used > dst_size / 2) {
            (void)str_copy(dst + used, dst_size - used, ", ...");
            return;
        }
        dst[used++] = *at > ' ' && *at < 127 ? *at : '?';
        if (*at == ',')
            dst[used++] = ' ';
    }
    dst[used] = '\0';
}

struct kind {
    enum list list;
    int method;
    const char *ours;
    const char *what; /* in a sentence: "offers only the <what> ..." */
    const char *fix;
};

static const struct kind kinds[] = {
    {LIST_KEX, LIBSSH2_METHOD_KEX, SSH_KEX, "key exchanges",
     "add curve25519-sha256 to KexAlgorithms in its sshd_config"},
    {LIST_HOST_KEY, LIBSSH2_METHOD_HOSTKEY, SSH_HOST_KEYS, "host key types",
     "run ssh-keygen -A there, name /etc/ssh/ssh_host_ed25519_key as a HostKey in its sshd_config"},
    {LIST_CIPHER, LIBSSH2_METHOD_CRYPT_CS, SSH_CIPHERS, "ciphers",
     "add aes256-ctr to Ciphers in its sshd_config"},
    {LIST_CIPHER_BACK, LIBSSH2_METHOD_CRYPT_SC, SSH_CIPHERS, "ciphers",
     "add aes256-ctr to Ciphers in its sshd_config"},
    {LIST_MAC, LIBSSH2_METHOD_MAC_CS, SSH_MACS, "MACs",
     "add hmac-sha2-256 to MACs in its sshd_config"},
    {LIST_MAC_BACK, LIBSSH2_METHOD_MAC_SC, SSH_MACS, "MACs",
     "add hmac-sha2-256 to MACs in its sshd_config"},
};

static bool explain_missing(const char *host, const struct offer *offer, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        char known[512], theirs[128], mine[96];
        known_here(kinds[i].method, kinds[i].ours, known, sizeof known);
        if (lists_meet(known, offer->lists[kinds[i].list]))
            continue;
        show_list(theirs, sizeof theirs, offer->lists[kinds[i].list]);
        show_list(mine, sizeof mine, known);
        (void)err_set(err, ERR_REMOTE,
                      "%s offers only the %s %s; this dashboard's SSH library (libssh2 %s) has %s. "
                      "Fix: %s, and reload sshd.",
                      host, kinds[i].what, theirs, libssh2_version(0), mine, kinds[i].fix);
        return true;
    }
    return false;
}

enum ssh_fault ssh_explain_handshake(const char *host, int port, const char *host_key_type,
                                     struct err *err)
{
    struct offer *offer = calloc(1, sizeof *offer);
    enum ssh_fault fault = SSH_FAULT_UNREACHABLE;
    int got = offer != NULL ? read_offer(host, port, offer) : -1;
    if (got == 0) {
        (void)err_set(err, ERR_REMOTE,
                      "%s port %d answers, but not as an SSH server should. Fix: check the port; "
                      "if sshd is overloaded "
                      "(MaxStartups), try again.",
                      host, port);
    } else if (got > 0 && explain_missing(host, offer, err)) {
        fault = SSH_FAULT_ALGORITHMS;
    } else if (got > 0
               && !list_has(offer->lists[LIST_HOST_KEY], host_key_type, strlen(host_key_type))) {
        char theirs[128];
        show_list(theirs, sizeof theirs, offer->lists[LIST_HOST_KEY]);
        fault = SSH_FAULT_HOST_KEY;
        (void)err_set(err, ERR_REMOTE,
                      "%s has no host key of the pinned type %s any more; it has %s. Nothing was "
                      "sent. Fix: find out why; if it is "
                      "right, pin the new key on the server's page.",
                      host, host_key_type, theirs);
    }
    free(offer);
    return fault;
}

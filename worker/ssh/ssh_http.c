/* ssh_http.c - one HTTP GET as the app's own machine sees it.
 *
 * A direct-tcpip channel goes from the target to 127.0.0.1:port there. libcurl speaks HTTP into a
 * local socket; this file carries bytes between its other end and the channel, in one poll loop.
 * libssh2 allows one sender at a time: while a write is half done, nothing else is asked of the
 * session. No DNS, no proxy, no redirect, no other protocol: the answer comes from where we looked.
 *
 * libcurl 7.88 (Debian 12) calls connect() even on a socket that it is told is connected
 * (curl#10626), so a socketpair will not do: it connects to an abstract socket of ours, whose name
 * the kernel chose, and only a connection of this very process is accepted. */
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "worker/ssh/ssh_private.h"

#define BODY_MAX ((size_t)64 * 1024)

struct tunnel {
    struct ssh *ssh;
    LIBSSH2_CHANNEL *channel;
    int listener, near; /* where libcurl connects to, and our end of that connection */
    char out[16384];    /* from libcurl, on its way to the app */
    size_t out_at, out_len;
    char in[16384]; /* from the app, on its way to libcurl */
    size_t in_at, in_len;
    bool ended; /* the app closed its side */
    struct buf *body;
    int64_t deadline;
    enum ssh_fault *fault;
    struct err *err;
};

/* The listening socket and its name, as CURLOPT_ABSTRACT_UNIX_SOCKET wants it. */
static int listen_here(struct tunnel *tunnel, char *name, size_t name_size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof address;
    tunnel->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* A length of the family alone: the kernel picks a free abstract name (unix(7)). */
    if (tunnel->listener < 0
        || bind(tunnel->listener, (const struct sockaddr *)&address, sizeof address.sun_family) != 0
        || listen(tunnel->listener, 4) != 0
        || getsockname(tunnel->listener, (struct sockaddr *)&address, &size) != 0)
        return err_errno(tunnel->err, "open a socket for HTTP");
    size_t len = size - offsetof(struct sockaddr_un, sun_path) - 1;
    if (len == 0 || len >= name_size)
        return err_set(tunnel->err, ERR_INTERNAL, "The kernel gave no name for a socket.");
    memcpy(name, address.sun_path + 1, len);
    name[len] = '\0';
    return 0;
}

/* libcurl's connection; anybody else's is closed. */
static void accept_own(struct tunnel *tunnel)
{
    struct ucred peer = {0};
    socklen_t size = sizeof peer;
    while (tunnel->near < 0) {
        int fd = accept4(tunnel->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == getpid())
            tunnel->near = fd;
        else
            io_close(&fd);
    }
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct tunnel *tunnel = context;
    size_t len = size * count,
           room = tunnel->body->len < BODY_MAX ? BODY_MAX - tunnel->body->len : 0;
    buf_add(tunnel->body, bytes, len < room ? len : room);
    return len; /* what is over the limit is read and dropped: the status still counts */
}

static int open_tunnel(struct tunnel *tunnel, int port)
{
    LIBSSH2_SESSION *session = tunnel->ssh->session;
    while ((tunnel->channel =
                libssh2_channel_direct_tcpip_ex(session, "127.0.0.1", port, "127.0.0.1", 0))
           == NULL) {
        int code = libssh2_session_last_errno(session);
        if (code == LIBSSH2_ERROR_EAGAIN) {
            if (ssh_wait(tunnel->ssh, tunnel->deadline, tunnel->fault, tunnel->err) != 0)
                return -1;
            continue;
        }
        if (code != LIBSSH2_ERROR_CHANNEL_FAILURE)
            return ssh_lost(tunnel->ssh, "asking the app", tunnel->fault, tunnel->err);
        char *text = NULL;
        (void)libssh2_session_last_error(session, &text, NULL, 0);
        *tunnel->fault = SSH_FAULT_REMOTE;
        if (text != NULL && strstr(text, "prohibited") != NULL)
            return err_set(tunnel->err, ERR_DENIED,
                           "%s does not allow port forwarding. Fix: add "
                           "port-forwarding,permitopen=\"127.0.0.1:*\" to the line in "
                           "authorized_keys.",
                           tunnel->ssh->host);
        return err_set(tunnel->err, ERR_REMOTE, "Nothing listens on 127.0.0.1:%d of %s.", port,
                       tunnel->ssh->host);
    }
    return 0;
}

/* Bytes of libcurl to the app. 0, or -1 when the session is lost. */
static int pump_out(struct tunnel *tunnel)
{
    if (tunnel->near < 0)
        accept_own(tunnel);
    if (tunnel->near >= 0 && tunnel->out_at == tunnel->out_len) {
        ssize_t got = recv(tunnel->near, tunnel->out, sizeof tunnel->out, MSG_DONTWAIT);
        tunnel->out_at = 0;
        tunnel->out_len = got > 0 ? (size_t)got : 0;
    }
    while (tunnel->out_at < tunnel->out_len) {
        ssize_t sent = libssh2_channel_write(tunnel->channel, tunnel->out + tunnel->out_at,
                                             tunnel->out_len - tunnel->out_at);
        if (sent == LIBSSH2_ERROR_EAGAIN)
            return 0;
        if (sent == LIBSSH2_ERROR_CHANNEL_CLOSED || sent == LIBSSH2_ERROR_CHANNEL_EOF_SENT) {
            tunnel->out_at = tunnel->out_len; /* the app hung up; libcurl will see it */
            return 0;
        }
        if (sent < 0)
            return ssh_lost(tunnel->ssh, "asking the app", tunnel->fault, tunnel->err);
        tunnel->out_at += (size_t)sent;
    }
    return 0;
}

static int pump_in(struct tunnel *tunnel)
{
    if (tunnel->near < 0 || tunnel->out_at < tunnel->out_len || tunnel->ended)
        return 0; /* a write may be half sent: ask nothing else */
    if (tunnel->in_at == tunnel->in_len) {
        ssize_t got = libssh2_channel_read(tunnel->channel, tunnel->in, sizeof tunnel->in);
        tunnel->in_at = 0;
        tunnel->in_len = got > 0 ? (size_t)got : 0;
        if (got < 0 && got != LIBSSH2_ERROR_EAGAIN)
            return ssh_lost(tunnel->ssh, "asking the app", tunnel->fault, tunnel->err);
        if (got == 0 && libssh2_channel_eof(tunnel->channel) != 0) {
            tunnel->ended = true;
            (void)shutdown(tunnel->near, SHUT_WR);
        }
    }
    if (tunnel->in_at < tunnel->in_len) {
        ssize_t sent = send(tunnel->near, tunnel->in + tunnel->in_at,
                            tunnel->in_len - tunnel->in_at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0)
            tunnel->in_at += (size_t)sent;
        else if (sent < 0 && errno != EAGAIN && errno != EINTR)
            tunnel->in_at = tunnel->in_len; /* libcurl has what it wanted */
    }
    return 0;
}

static void wait_for_any(struct tunnel *tunnel)
{
    short session_events = POLLIN;
    if ((libssh2_session_block_directions(tunnel->ssh->session) & LIBSSH2_SESSION_BLOCK_OUTBOUND)
        != 0)
        session_events |= POLLOUT;
    short near_events = tunnel->in_at < tunnel->in_len ? POLLOUT : 0;
    if (tunnel->out_at == tunnel->out_len)
        near_events |= POLLIN;
    struct pollfd fds[2] = {{.fd = tunnel->ssh->fd, .events = session_events},
                            {.fd = tunnel->near, .events = near_events}};
    (void)poll(fds, tunnel->ended ? 1 : 2, 20);
}

/* Runs the transfer; *result is libcurl's word. -1 only when the session is lost or time is up. */
static int pump(struct tunnel *tunnel, CURLM *multi, CURLcode *result)
{
    for (;;) {
        int running = 0;
        (void)curl_multi_perform(multi, &running);
        int queued = 0;
        CURLMsg *message = curl_multi_info_read(multi, &queued);
        if (message != NULL && message->msg == CURLMSG_DONE) {
            *result = message->data.result;
            return 0;
        }
        if (clock_left_ms(tunnel->deadline) == 0) {
            *result = CURLE_OPERATION_TIMEDOUT;
            return 0;
        }
        if (pump_out(tunnel) != 0 || pump_in(tunnel) != 0)
            return -1;
        wait_for_any(tunnel);
    }
}

static int close_tunnel(struct tunnel *tunnel)
{
    int64_t deadline = clock_mono_ms() + 5000;
    enum ssh_fault late = SSH_FAULT_NONE;
    int rc = 0;
    if (tunnel->channel == NULL || !tunnel->ssh->alive)
        return 0;
    while ((rc = libssh2_channel_free(tunnel->channel)) == LIBSSH2_ERROR_EAGAIN)
        if (ssh_wait(tunnel->ssh, deadline, &late, NULL) != 0)
            return -1;
    if (rc != 0)
        tunnel->ssh->alive = false;
    return rc;
}

/* A configured handle; NULL when libcurl has no memory. */
static CURL *make_request(struct tunnel *tunnel, const char *name, int port, const char *path,
                          struct curl_slist *headers)
{
    char url[2300];
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        return NULL;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "Windlass/" WL_VERSION);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_ABSTRACT_UNIX_SOCKET, name);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, tunnel);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)clock_left_ms(tunnel->deadline));
    return curl;
}

static int transfer(struct tunnel *tunnel, int port, const char *path, struct curl_slist *headers,
                    int *http_status)
{
    char name[64];
    CURLcode result = CURLE_OUT_OF_MEMORY;
    int rc = 0;
    if (listen_here(tunnel, name, sizeof name) != 0)
        return -1;
    CURLM *multi = curl_multi_init();
    CURL *curl = make_request(tunnel, name, port, path, headers);
    if (multi != NULL && curl != NULL && curl_multi_add_handle(multi, curl) == CURLM_OK) {
        rc = pump(tunnel, multi, &result);
        long status = 0;
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        *http_status = (int)status;
        (void)curl_multi_remove_handle(multi, curl);
    }
    curl_easy_cleanup(curl);
    (void)curl_multi_cleanup(multi);
    if (rc != 0)
        return -1;
    if (result != CURLE_OK || *http_status == 0) {
        *tunnel->fault = SSH_FAULT_REMOTE;
        return err_set(tunnel->err, ERR_REMOTE, "The app on 127.0.0.1:%d gave no HTTP answer (%s).",
                       port, curl_easy_strerror(result));
    }
    return 0;
}

int ssh_http_get(struct ssh *ssh, int port, const char *path, const char *host_header,
                 int64_t deadline_ms, int *http_status, struct buf *body, enum ssh_fault *fault,
                 struct err *err)
{
    struct tunnel tunnel = {
        .ssh = ssh, .near = -1, .listener = -1, .body = body, .fault = fault, .err = err};
    struct curl_slist *headers = NULL;
    char line[300];
    int rc = -1;
    *fault = SSH_FAULT_NONE;
    *http_status = 0;
    tunnel.deadline = clock_mono_ms() + deadline_ms;
    headers = curl_slist_append(headers, "Accept: application/json, */*");
    if (host_header != NULL && host_header[0] != '\0') {
        (void)snprintf(line, sizeof line, "Host: %s", host_header);
        headers = curl_slist_append(headers, line);
    }
    rc = open_tunnel(&tunnel, port);
    if (rc == 0)
        rc = transfer(&tunnel, port, path, headers, http_status);
    if (close_tunnel(&tunnel) != 0)
        ssh->alive = false;
    curl_slist_free_all(headers);
    io_close(&tunnel.near);
    io_close(&tunnel.listener);
    return rc;
}

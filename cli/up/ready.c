/* ready.c - the questions asked before and while starting (ready.h). */
#include "cli/up/ready.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/str.h"
#include "lib/net/browse.h"

#define BACKLOG 511

static int fill_v4(struct endpoint *endpoint, const char *address, bool is_any)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)endpoint->port)};

    if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
        return -1;
    memcpy(&endpoint->address, &in, sizeof(in));
    endpoint->address_len = sizeof(in);
    (void)snprintf(endpoint->listen, sizeof(endpoint->listen), "%s:%d", address, endpoint->port);
    (void)str_copy(endpoint->host, sizeof(endpoint->host), is_any ? "127.0.0.1" : address);
    (void)snprintf(endpoint->local, sizeof(endpoint->local), "http://%s:%d", endpoint->host,
                   endpoint->port);
    return 0;
}

static int fill_v6(struct endpoint *endpoint, const char *address, bool is_any)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                               .sin6_port = htons((uint16_t)endpoint->port)};

    if (inet_pton(AF_INET6, address, &in6.sin6_addr) != 1)
        return -1;
    memcpy(&endpoint->address, &in6, sizeof(in6));
    endpoint->address_len = sizeof(in6);
    (void)snprintf(endpoint->listen, sizeof(endpoint->listen), "[%s]:%d", address, endpoint->port);
    (void)str_copy(endpoint->host, sizeof(endpoint->host), is_any ? "::1" : address);
    (void)snprintf(endpoint->local, sizeof(endpoint->local), "http://[%s]:%d", endpoint->host,
                   endpoint->port);
    return 0;
}

int endpoint_parse(struct endpoint *endpoint, const char *address, const char *port,
                   struct err *err)
{
    int64_t number;

    memset(endpoint, 0, sizeof(*endpoint));
    if (!str_to_int64(port, 1, 65535, &number))
        return err_field(err, "port", "The port must be a number from 1 to 65535.");
    endpoint->port = (int)number;
    if (strlen(address) >= sizeof(endpoint->host)
        || (fill_v4(endpoint, address, strcmp(address, "0.0.0.0") == 0) != 0
            && fill_v6(endpoint, address, strcmp(address, "::") == 0) != 0))
        return err_field(err, "listen",
                         "--listen takes an IP address of this machine, for example "
                         "127.0.0.1.");
    return 0;
}

int endpoint_is_free(const struct endpoint *endpoint, struct err *err)
{
    int one = 1, rc = 0;
    int fd = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd == -1)
        return err_errno(err, "socket");
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)); /* as nginx will */
    if (bind(fd, (const struct sockaddr *)&endpoint->address, endpoint->address_len) == 0
        && listen(fd, 1) == 0)
        goto out;
    if (errno == EADDRINUSE)
        rc = err_set(err, ERR_BUSY,
                     "port %d of %s is taken by another program. Fix: stop it, or choose another: "
                     "make run PORT=%d",
                     endpoint->port, endpoint->host,
                     endpoint->port < 65535 ? endpoint->port + 1 : 8080);
    else if (errno == EACCES)
        rc = err_set(err, ERR_DENIED,
                     "port %d is only for root. Fix: choose one from 1024 up, and let an nginx of "
                     "this machine stand in front (docs/running.md)",
                     endpoint->port);
    else if (errno == EADDRNOTAVAIL)
        rc = err_set(err, ERR_INPUT,
                     "%s is not an address of this machine. Fix: --listen with one "
                     "that is.",
                     endpoint->host);
    else
        rc = err_errno(err, "bind %s", endpoint->listen);
out:
    io_close(&fd);
    return rc;
}

static int fill_unix(const struct place *place, const char *name, struct sockaddr_un *address,
                     struct err *err)
{
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    if (snprintf(address->sun_path, sizeof(address->sun_path), "%s/run/%s", place->var, name)
        >= (int)sizeof(address->sun_path))
        return err_field(err, "var", "The data folder's path is too long for sockets.");
    return 0;
}

int socket_listen(const struct place *place, const char *name, gid_t gid, struct err *err)
{
    struct sockaddr_un address;
    int fd;

    if (fill_unix(place, name, &address, err) != 0)
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return err_errno(err, "socket");
    /* The lock is ours, so a socket that lies there is of a run that is over. */
    if (unlink(address.sun_path) != 0 && errno != ENOENT)
        goto fail;
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0
        || listen(fd, BACKLOG) != 0 || (gid != 0 && lchown(address.sun_path, geteuid(), gid) != 0)
        || chmod(address.sun_path, gid != 0 ? 0660 : 0600) != 0)
        goto fail;
    return fd;
fail:
    (void)err_errno(err, "listen on %s", address.sun_path);
    io_close(&fd);
    return -1;
}

/* Whether the bytes are a JSON object that says "ok": true. */
static bool says_ok(const char *bytes, size_t len)
{
    json_t *answer = json_loadb(bytes, len, 0, NULL);
    bool ok = json_is_true(json_object_get(answer, "ok"));

    json_decref(answer);
    return ok;
}

bool worker_answers(const struct place *place)
{
    static const char QUESTION[] = "{\"verb\":\"ping\",\"ip\":\"\",\"request_id\":\"up\"}";
    struct sockaddr_un address;
    char answer[4096];
    ssize_t len = -1;
    int fd;

    if (fill_unix(place, "ask.sock", &address, NULL) != 0)
        return false;
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return false;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0
        && send(fd, QUESTION, sizeof(QUESTION) - 1, MSG_NOSIGNAL) == sizeof(QUESTION) - 1
        && io_wait(fd, POLLIN, clock_mono_ms() + 2000) == 1)
        len = recv(fd, answer, sizeof(answer), 0);
    io_close(&fd);
    return len > 0 && says_ok(answer, (size_t)len);
}

bool site_answers(const struct endpoint *endpoint, struct err *why)
{
    const char *const allow[] = {endpoint->host, NULL};
    struct browser *browser = browser_new(endpoint->local, allow);
    struct browser_page page;
    bool answers = false;

    browser_page_init(&page);
    /* A public origin other than this address makes the page refuse our Host with a 4xx: that is an
     * answer too. */
    if (browser != NULL && browser_get(browser, "/healthz", "application/json", &page, why) == 0) {
        answers = page.status > 0 && page.status < 500;
        (void)err_set(why, ERR_REMOTE, "It answers %d.", page.status);
    }
    browser_page_deinit(&page);
    browser_free(browser);
    return answers;
}

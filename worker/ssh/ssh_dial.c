/* ssh_dial.c - one TCP connection to a server, with a deadline, noticed when it dies.
 *
 * Linux keeps unacknowledged data for a quarter of an hour before it gives a connection up; a
 * deploy must know within half a minute. So TCP_USER_TIMEOUT for data in flight, and keep-alive
 * probes for a connection that is only read from. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "worker/ssh/ssh_private.h"

#define UNACKED_LIMIT_MS 30000u

static void set_option(int fd, int level, int option, int value)
{
    /* A kernel without one of these still connects; it only notices a dead link later. */
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

static void watch_link(int fd)
{
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 10);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(unsigned){UNACKED_LIMIT_MS},
                     sizeof(unsigned));
}

/* 0 connected; else the errno that says why not. */
static int connect_one(int fd, const struct addrinfo *address, int64_t mono_deadline)
{
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    int ready = io_wait(fd, POLLOUT, mono_deadline);
    if (ready == 0)
        return ETIMEDOUT;
    if (ready < 0)
        return errno;
    int failure = 0;
    socklen_t size = sizeof failure;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0)
        return errno;
    return failure;
}

static int explain_connect(const char *host, int port, int failure, struct err *err)
{
    const char *fix =
        "Check the address and port, that the server is up, and that no firewall is between";
    if (failure == ECONNREFUSED)
        fix = "Check the port, and that sshd runs there";
    else if (failure == ETIMEDOUT)
        fix = "Check that the server is up, and that no firewall drops the connection";
    (void)err_set(err, ERR_REMOTE, "%s port %d cannot be reached: %s. Fix: %s.", host, port,
                  strerror(failure), fix);
    return -1;
}

int ssh_dial(const char *host, int port, int64_t mono_deadline, struct err *err)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    char service[16];
    (void)snprintf(service, sizeof service, "%d", port);
    int found = getaddrinfo(host, service, &hints, &list);
    if (found != 0)
        return err_set(err, ERR_REMOTE,
                       "The name %s was not found: %s. Fix: check the server's address.", host,
                       gai_strerror(found));
    int failure = EHOSTUNREACH;
    for (const struct addrinfo *a = list; a != NULL && clock_left_ms(mono_deadline) > 0;
         a = a->ai_next) {
        int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) {
            failure = errno;
            continue;
        }
        watch_link(fd);
        failure = connect_one(fd, a, mono_deadline);
        if (failure == 0) {
            freeaddrinfo(list);
            return fd;
        }
        io_close(&fd);
    }
    freeaddrinfo(list);
    return explain_connect(host, port, failure, err);
}

/* fcgi_client.h - the web server's side of FastCGI, as small as a test needs it (FastCGI
 * Specification 1.0, §3): start one of our programs with a listening socket on descriptor 0, send
 * it requests, read what it answers as it comes. */
#ifndef WL_TESTS_WEB_LIB_FCGI_CLIENT_H
#define WL_TESTS_WEB_LIB_FCGI_CLIENT_H

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "tests/program_log.h"
#include "tests/web/lib/fake_transport.h"

struct program {
    pid_t pid;
    char socket_path[256];
    struct program_log log;
};

struct connection {
    int fd;
    struct buf raw; /* records not yet taken apart */
    struct buf out; /* standard output: headers and body */
    bool has_ended; /* end of request, or the connection closed */
};

/* build/bin next to this test's own folder build/tests/web. */
static UNUSED void program_path(char path[PATH_MAX], const char *name)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    self[n > 0 ? n : 0] = '\0';
    for (int level = 0; level < 3; level++) {
        char *slash = strrchr(self, '/');

        if (slash != NULL)
            *slash = '\0';
    }
    snprintf(path, PATH_MAX, "%.3000s/bin/%.64s", self, name);
}

static UNUSED void program_start(struct program *p, const char *name, const char *socket_path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[PATH_MAX];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(p->socket_path, sizeof p->socket_path, "%s", socket_path);
    snprintf(address.sun_path, sizeof address.sun_path, "%.107s", socket_path);
    unlink(socket_path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0
        || listen(fd, 64) != 0) {
        printf("Bail out! no listening socket at %s\n", socket_path);
        exit(1);
    }
    program_path(path, name);
    program_log_open(&p->log);
    fflush(stdout);
    p->pid = fork();
    if (p->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that crashes leaves nothing running */
        dup2(fd, 0);
        program_log_is_stderr(&p->log);
        execl(path, name, (char *)NULL);
        _exit(127);
    }
    close(fd);
}

/* SIGTERM and wait. It must end by itself within `ms`, with status 0, and have started nothing
 * again but the `replaced` children that the test has killed. */
static UNUSED void program_stop(struct program *p, int ms, int replaced)
{
    int64_t deadline = clock_mono_ms() + ms;
    int status = 0;

    kill(p->pid, SIGTERM);
    while (waitpid(p->pid, &status, WNOHANG) == 0) {
        if (clock_mono_ms() > deadline)
            kill(p->pid, SIGKILL);
        clock_sleep_ms(10);
    }
    program_log_check_end(status);
    program_log_check(&p->log, replaced);
}

static UNUSED void add_record(struct buf *b, int type, const void *content, size_t len)
{
    const unsigned char head[8] = {
        1, (unsigned char)type, 0, 1, (unsigned char)(len >> 8), (unsigned char)len, 0, 0};

    buf_add(b, head, sizeof head);
    buf_add(b, content, len);
}

static UNUSED void add_param(struct buf *b, const char *name, const char *value)
{
    size_t len = strlen(value);

    buf_add_char(b, (char)strlen(name));
    if (len < 128)
        buf_add_char(b, (char)len);
    else
        buf_add(b,
                (const char[4]){(char)(0x80 | (len >> 24)), (char)(len >> 16), (char)(len >> 8),
                                (char)len},
                4);
    buf_add_str(b, name);
    buf_add_str(b, value);
}

static UNUSED int connect_to(const struct program *p)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%.107s", p->socket_path);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

#define END_OF_BODY 8 /* bytes of the record that ends the body, the last one of a request */

/* The fake's parameters and body as one request. */
static UNUSED void request_bytes(const struct fake *f, struct buf *all)
{
    static const unsigned char BEGIN[8] = {0, 1, 0, 0, 0, 0, 0, 0}; /* responder, close after */
    struct buf params;

    buf_init(&params, 60000);
    for (int i = 0; i < f->count; i++)
        add_param(&params, f->names[i], f->values[i]);
    add_record(all, 1, BEGIN, sizeof BEGIN);
    add_record(all, 4, params.data, params.len);
    add_record(all, 4, "", 0);
    for (size_t at = 0; at < f->body_len; at += 60000)
        add_record(all, 5, f->body + at, f->body_len - at < 60000 ? f->body_len - at : 60000);
    add_record(all, 5, "", 0);
    buf_deinit(&params);
}

/* Connect and send it; `late_ms` > 0: the end of the body comes so much later than the rest. */
static UNUSED void connection_open_late(struct connection *c, const struct program *p,
                                        const struct fake *f, int late_ms)
{
    struct buf all;
    size_t first;

    memset(c, 0, sizeof *c);
    buf_init(&c->raw, (size_t)64 * 1024 * 1024);
    buf_init(&c->out, (size_t)64 * 1024 * 1024);
    buf_init(&all, (size_t)16 * 1024 * 1024);
    request_bytes(f, &all);
    first = late_ms > 0 ? all.len - END_OF_BODY : all.len;
    c->fd = connect_to(p);
    c->has_ended = c->fd < 0 || write(c->fd, all.data, first) != (ssize_t)first;
    if (late_ms > 0 && !c->has_ended) {
        clock_sleep_ms(late_ms);
        c->has_ended = send(c->fd, all.data + first, END_OF_BODY, MSG_NOSIGNAL) != END_OF_BODY;
    }
    buf_deinit(&all);
}

static UNUSED void connection_open(struct connection *c, const struct program *p,
                                   const struct fake *f)
{
    connection_open_late(c, p, f, 0);
}

static UNUSED void connection_close(struct connection *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    buf_deinit(&c->raw);
    buf_deinit(&c->out);
}

static void take_records(struct connection *c)
{
    while (c->raw.len >= 8) {
        const unsigned char *head = (const unsigned char *)c->raw.data;
        size_t len = (size_t)head[4] * 256 + head[5], all = 8 + len + head[6];

        if (c->raw.len < all)
            return;
        if (head[1] == 6)
            buf_add(&c->out, head + 8, len);
        if (head[1] == 3)
            c->has_ended = true;
        buf_consume(&c->raw, all);
    }
}

/* Read until the output holds `text` (NULL: until the end), at most `ms`. */
static UNUSED bool connection_wait(struct connection *c, const char *text, int ms)
{
    int64_t deadline = clock_mono_ms() + ms;
    char bytes[65536];

    while (!(text != NULL && strstr(c->out.data, text) != NULL)) {
        struct pollfd ready = {.fd = c->fd, .events = POLLIN};
        ssize_t n;

        if (c->has_ended || poll(&ready, 1, clock_left_ms(deadline)) <= 0)
            break;
        n = read(c->fd, bytes, sizeof bytes);
        if (n <= 0) {
            c->has_ended = true;
            break;
        }
        buf_add(&c->raw, bytes, (size_t)n);
        take_records(c);
    }
    return text != NULL ? strstr(c->out.data, text) != NULL : c->has_ended;
}

#endif

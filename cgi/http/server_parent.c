/* server_parent.c - keeps the children of windlass-web alive. It touches no request and no
 * database; the listening socket stays open in it, so connections wait while a child restarts. */
#include "cgi/http/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cgi/http/stop.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#define CHILDREN_MAX  64
#define QUICK_MS      2000 /* a child that lived shorter did not start well */
#define BACKOFF_MAX   5000
#define DRAIN_MS      30000 /* for requests under way when we are told to stop */
#define TERM_AGAIN_MS 1000

struct child {
    pid_t pid; /* 0: none */
    int64_t started;
    int64_t not_before; /* back-off */
    int backoff_ms;
};

struct parent {
    int listener;
    struct site *site;
    const struct route *routes;
    size_t routes_count;
    struct child children[CHILDREN_MAX];
    int count;
};

static void on_child(int number)
{
    (void)number; /* only to end the sleep */
}

static void start_child(struct parent *parent, struct child *child)
{
    pid_t before = getpid();
    pid_t pid = fork();

    if (pid == 0) {
        /* A parent that is killed takes its children with it. */
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != before)
            _exit(0);
        /* exit, not _exit: in a sanitizer build the leak check is what it runs. */
        exit(server_child(parent->listener, parent->site, parent->routes, parent->routes_count));
    }
    child->started = clock_mono_ms();
    if (pid < 0) {
        LOG_ERROR("fork-failed", "errno=%d", errno);
        child->not_before = child->started + BACKOFF_MAX;
        return;
    }
    child->pid = pid;
}

static void note_ended(struct child *child, int status)
{
    int64_t now = clock_mono_ms();
    bool is_clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;

    if (!is_clean)
        LOG_ERROR("child-ended", "pid=%d status=%d signal=%d", (int)child->pid,
                  WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                  WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    child->pid = 0;
    if (now - child->started >= QUICK_MS)
        child->backoff_ms = 0;
    else
        child->backoff_ms = child->backoff_ms == 0 ? 100 : child->backoff_ms * 2;
    if (child->backoff_ms > BACKOFF_MAX)
        child->backoff_ms = BACKOFF_MAX;
    child->not_before = now + child->backoff_ms;
}

/* Collect who ended. How many are still there. */
static int reap(struct parent *parent)
{
    int status, alive = 0;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (int i = 0; i < parent->count; i++) {
            if (parent->children[i].pid == pid)
                note_ended(&parent->children[i], status);
        }
    }
    for (int i = 0; i < parent->count; i++)
        alive += parent->children[i].pid != 0;
    return alive;
}

static void signal_all(const struct parent *parent, int number)
{
    for (int i = 0; i < parent->count; i++) {
        if (parent->children[i].pid != 0)
            kill(parent->children[i].pid, number);
    }
}

/* Wait for a signal, at most `ms`. */
static void doze(const sigset_t *waiting, int64_t ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    /* A stop that comes between the check and the wait is held back until the wait. */
    (void)ppoll(NULL, 0, &time, waiting);
}

static int drain(struct parent *parent, const sigset_t *waiting)
{
    int64_t deadline = clock_mono_ms() + DRAIN_MS;

    while (reap(parent) > 0 && clock_mono_ms() < deadline) {
        signal_all(parent, SIGTERM);
        doze(waiting, TERM_AGAIN_MS);
    }
    if (reap(parent) == 0)
        return 0;
    LOG_WARN("children-killed", "after_ms=%d", DRAIN_MS);
    signal_all(parent, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    return 1;
}

/* A child that ends also interrupts the wait. */
static void set_signals(sigset_t *waiting)
{
    struct sigaction child = {.sa_handler = on_child};
    sigset_t blocked;

    stop_prepare(waiting);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    sigdelset(waiting, SIGCHLD);
    sigaction(SIGCHLD, &child, NULL);
}

int server_parent(int listener, struct site *site, const struct route *routes, size_t count,
                  int children)
{
    struct parent parent = {.listener = listener,
                            .site = site,
                            .routes = routes,
                            .routes_count = count,
                            .count = children > CHILDREN_MAX ? CHILDREN_MAX : children};
    sigset_t waiting;

    set_signals(&waiting);
    while (!stop_asked()) {
        int64_t now = clock_mono_ms();
        int64_t next = now + BACKOFF_MAX;

        reap(&parent);
        for (int i = 0; i < parent.count; i++) {
            struct child *child = &parent.children[i];

            if (child->pid == 0 && child->not_before <= now)
                start_child(&parent, child);
            if (child->pid == 0 && child->not_before < next)
                next = child->not_before;
        }
        doze(&waiting, next > now ? next - now : 1);
    }
    return drain(&parent, &waiting);
}

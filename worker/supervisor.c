/* The supervisor. It claims jobs and moves each on (run.c), and does nothing that can block for
 * longer than a database write: no name resolution, no SSH, no password hash.
 *
 * Stopping (SIGTERM): no claims, no further steps; runners that only follow what goes on by itself
 * on the target may be left at once, others get ten seconds to reach that point. The jobs stay
 * `running`; the next supervisor takes them over. */
#include "worker/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "db/audit.h"
#include "lib/base/clock.h"
#include "lib/base/fs.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "worker/ask/ask.h"
#include "worker/ballast.h"
#include "worker/owner.h"
#include "worker/queue.h"
#include "worker/start.h"
#include "worker/wake.h"
#include "worker/worker.h"

#define POLL_MS     1000
#define RENEW_MS    10000
#define ASK_TICK_MS 5000
#define SWEEP_MS    60000
#define STOP_MS     10000
#define OWN_FDS     3

struct loop {
    struct worker w;
    int signals, poke, ask, lock;
    int64_t polled_at, asked_at, swept_at, stop_by;
    bool claim; /* look for jobs in this turn */
    struct pollfd *fds;
    size_t room; /* of fds */
};

static void reap(struct loop *loop)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        const char *part = ask_reaped(pid) ? "ask" : "left";
        for (size_t i = 0; i < loop->w.run_count; i++)
            if (run_reaped(loop->w.runs[i], pid))
                part = "job";
        /* Of a job that is gone, a kill is ours: the kernel let go of it late. */
        if (strcmp(part, "left") != 0 || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
            turn_child_note_end(part, pid, status);
    }
}

static void take_signals(struct loop *loop)
{
    struct signalfd_siginfo info;
    while (read(loop->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD || loop->w.stopping)
            continue;
        LOG_INFO("stopping", "jobs=%zu", loop->w.run_count);
        loop->w.stopping = true;
        loop->stop_by = clock_mono_ms() + STOP_MS;
    }
    reap(loop);
}

/* Once a second, and at once after a poke: cancel requests, leases, new jobs, the audit head. */
static void second(struct loop *loop, int64_t now)
{
    struct worker *w = &loop->w;
    struct err err = {0};
    int64_t seq = 0;
    for (size_t i = 0; i < w->run_count; i++) {
        bool renew = now - w->runs[i]->renewed_at >= RENEW_MS;
        if (renew)
            w->runs[i]->renewed_at = now;
        run_check(w, w->runs[i], renew);
    }
    if (!w->stopping)
        queue_look(w);
    if (vault_sign_head(w->vault, w->db, &seq, &err) != 0)
        log_err("audit_head", &err);
}

static void timers(struct loop *loop)
{
    int64_t now = clock_mono_ms();
    if (loop->claim || now - loop->polled_at >= POLL_MS) {
        loop->claim = false;
        loop->polled_at = now;
        second(loop, now);
    }
    if (now - loop->asked_at >= ASK_TICK_MS) {
        loop->asked_at = now;
        ask_tick(loop->w.db);
    }
    if (now - loop->swept_at >= SWEEP_MS) {
        loop->swept_at = now;
        start_sweep(&loop->w.config);
        ballast_keep(&loop->w.config);
    }
}

/* Move every job on; forget those that are gone. One that ended may have let another begin. */
static void tick_runs(struct loop *loop)
{
    struct worker *w = &loop->w;
    size_t left = 0;
    for (size_t i = 0; i < w->run_count; i++) {
        struct run *run = w->runs[i];
        run_tick(w, run);
        if (run->phase == RUN_GONE) {
            run_free(run);
            loop->claim = true;
            continue;
        }
        w->runs[left++] = run;
    }
    w->run_count = left;
}

/* How long nothing needs to be done: until the next second, or a job's own time. */
static int wait_ms(const struct loop *loop)
{
    int64_t until = loop->polled_at + POLL_MS;
    if (loop->claim)
        return 0;
    for (size_t i = 0; i < loop->w.run_count; i++)
        until = run_next(&loop->w, loop->w.runs[i], until);
    int left = clock_left_ms(until);
    return left < 1 ? 1 : left;
}

/* Room for the descriptors of all jobs. What does not fit any more, for want of memory, waits for
 * the next second. */
static size_t poll_room(struct loop *loop)
{
    size_t wanted = OWN_FDS;
    for (size_t i = 0; i < loop->w.run_count; i++)
        wanted += run_fds(loop->w.runs[i]);
    if (wanted > loop->room) {
        struct pollfd *grown = realloc(loop->fds, wanted * sizeof *grown);
        if (grown == NULL)
            return loop->room;
        loop->fds = grown;
        loop->room = wanted;
    }
    return loop->room;
}

/* One turn: wait, then serve what is ready. */
static void turn(struct loop *loop)
{
    size_t first[WORKER_RUNS_MAX], count[WORKER_RUNS_MAX], n = OWN_FDS, runs = loop->w.run_count;
    size_t room = poll_room(loop);
    struct pollfd *fds = loop->fds;

    fds[0] = (struct pollfd){.fd = loop->signals, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = loop->poke, .events = POLLIN};
    fds[2] = (struct pollfd){.fd = loop->w.stopping ? -1 : loop->ask, .events = POLLIN};
    for (size_t i = 0; i < runs; i++) {
        first[i] = n;
        count[i] = n + run_fds(loop->w.runs[i]) <= room ? run_poll(loop->w.runs[i], fds + n) : 0;
        n += count[i];
    }
    if (poll(fds, (nfds_t)n, wait_ms(loop)) < 0 && errno != EINTR)
        LOG_ERROR("poll", "errno=%d", errno);
    if (fds[0].revents != 0)
        take_signals(loop);
    if (fds[1].revents != 0 && wake_drain(loop->poke))
        loop->claim = true;
    if (fds[2].revents != 0) {
        ask_accept(loop->ask, loop->w.config.program);
        loop->claim = true; /* its event wants a signature soon */
    }
    for (size_t i = 0; i < runs; i++)
        run_ready(&loop->w, loop->w.runs[i], fds + first[i], count[i]);
    timers(loop);
    tick_runs(loop);
}

static bool may_stop(const struct loop *loop)
{
    if (!loop->w.stopping)
        return false;
    for (size_t i = 0; i < loop->w.run_count; i++) {
        if (!run_is_safe(loop->w.runs[i]) && clock_mono_ms() < loop->stop_by)
            return false;
    }
    return true;
}

static int open_signals(struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return err_errno(err, "block signals");
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return err_errno(err, "signalfd");
    return fd;
}

static int open_loop(struct loop *loop, bool *stop, struct err *err)
{
    struct worker_config *c = &loop->w.config;
    loop->signals = open_signals(err);
    if (loop->signals < 0 || start_lock(c, loop->signals, &loop->lock, stop, err) != 0)
        return -1;
    if (*stop)
        return 0;
    if (start_databases(c, &loop->w.db, &loop->w.vault, err) != 0)
        return -1;
    ballast_keep(c);
    start_sweep(c);
    loop->poke = wake_listen(c, err);
    if (loop->poke < 0)
        return -1;
    loop->ask = ask_listen(c->var, c->group, err);
    return loop->ask < 0 ? -1 : 0;
}

static void close_loop(struct loop *loop)
{
    for (size_t i = 0; i < loop->w.run_count; i++) {
        run_leave(loop->w.runs[i]);
        run_free(loop->w.runs[i]);
    }
    io_close(&loop->ask);
    io_close(&loop->poke);
    vault_close(loop->w.vault);
    if (loop->w.db != NULL)
        db_close(loop->w.db);
    io_close(&loop->lock);
    io_close(&loop->signals);
}

int supervisor_main(const struct worker_config *config, struct err *err)
{
    struct loop *loop = calloc(1, sizeof *loop);
    bool stop = false;
    int rc = -1;
    if (loop == NULL)
        return err_set(err, ERR_NO_MEMORY, "No memory is left.");
    loop->w.config = *config;
    start_limits();
    loop->signals = loop->poke = loop->ask = loop->lock = -1;
    loop->fds = calloc(OWN_FDS, sizeof *loop->fds);
    loop->room = OWN_FDS;
    if (loop->fds == NULL) {
        free(loop);
        return err_set(err, ERR_NO_MEMORY, "No memory is left.");
    }
    owner_name(loop->w.owner);
    if (open_loop(loop, &stop, err) == 0) {
        if (!stop) {
            LOG_INFO("ready", "owner=\"%s\"", loop->w.owner);
            queue_recover(&loop->w);
            loop->claim = true;
        }
        while (!stop && !may_stop(loop))
            turn(loop);
        rc = 0;
    }
    close_loop(loop);
    free(loop->fds);
    free(loop);
    return rc;
}

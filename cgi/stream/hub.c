/* hub.c - the loop of windlass-stream. One process serves everybody: a viewer costs some 20 KB, and
 * a write happens only when the kernel has room for all of it, so the slowest browser holds up
 * nobody (libfcgi has no non-blocking write; the send deadline is only the last resort). */
#include "cgi/stream/hub.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include "cgi/stream/admit.h"
#include "cgi/http/stop.h"
#include "lib/base/clock.h"
#include "lib/base/fs.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

#define PEER_MS        2000 /* for a request's head; the web server sends it at once */
#define LOOK_MS        200  /* without inotify */
#define LOOK_ANYWAY_MS 2000 /* with it: a lost event costs this much */
#define WAIT_MS        1000
#define FIXED_FDS      2 /* listener, inotify */

int hub_init(struct hub *hub, struct site *site, struct db *db, int listener, struct err *err)
{
    char folder[PATH_MAX];

    *hub = (struct hub){.site = site, .db = db, .listener = listener, .inotify = -1};
    hub->arena = arena_new((size_t)1024 * 1024);
    if (hub->arena == NULL)
        return err_set(err, ERR_NO_MEMORY, "There is no memory left to start.");
    if (!fs_join(folder, sizeof folder, site->var_dir, "serve/logs"))
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    hub->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (hub->inotify >= 0
        && inotify_add_watch(hub->inotify, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
        io_close(&hub->inotify);
    if (hub->inotify < 0)
        LOG_WARN("no-inotify", "looking every_ms=%d", LOOK_MS);
    return 0;
}

/* name NULL: all of them. */
static void mark_news(struct hub *hub, const char *name)
{
    for (size_t i = 0; i < hub->count; i++) {
        struct viewer *v = hub->viewers[i];

        if (name == NULL
            || (str_starts(name, v->job_id) && str_equal(name + strlen(v->job_id), ".log")))
            v->may_have_news = true;
    }
}

static void read_inotify(struct hub *hub)
{
    _Alignas(struct inotify_event) char bytes[8192];
    ssize_t have;

    while ((have = read(hub->inotify, bytes, sizeof bytes)) > 0) {
        for (char *at = bytes; at < bytes + have;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;

            mark_news(hub,
                      (event->mask & IN_Q_OVERFLOW) != 0 || event->len == 0 ? NULL : event->name);
            at += sizeof *event + event->len;
        }
    }
}

static void drop(struct hub *hub, size_t index)
{
    viewer_free(hub->viewers[index]);
    hub->viewers[index] = hub->viewers[--hub->count];
}

static void open_database(struct hub *hub)
{
    char path[PATH_MAX];
    struct err err = {0};

    if (!fs_join(path, sizeof path, hub->site->var_dir, "db/windlass.db")
        || db_open(path, DB_SHARED, DB_ROLE_STREAM, &hub->db, &err) != 0) {
        log_err("database-not-open", &err);
        hub->db = NULL;
    }
}

static void accept_some(struct hub *hub)
{
    int connection = fcgi_accept_fd(hub->listener, PEER_MS);
    struct fcgi *fcgi;

    if (connection < 0 || (fcgi = fcgi_begin(connection)) == NULL)
        return;
    if (hub->db == NULL)
        open_database(hub);
    admit(hub, fcgi);
}

/* What the last poll said about one viewer, then its own clocks. -1: close it. */
static int serve(struct hub *hub, struct viewer *v, short revents)
{
    char bytes[256];

    /* A web server sends nothing after the request's head; end of file is the browser leaving. */
    if ((revents & (POLLHUP | POLLERR | POLLRDHUP)) != 0
        || ((revents & POLLIN) != 0 && read(fcgi_fd(v->fcgi), bytes, sizeof bytes) <= 0))
        return -1;
    if (v->may_have_news && viewer_read(v, hub->site) != 0)
        return -1;
    if ((revents & POLLOUT) != 0 && viewer_write(v) != 0)
        return -1;
    return hub->db != NULL ? viewer_tick(v, hub->db) : 0;
}

/* Waiting is short while somebody has unread news and room for it. */
static int wait_ms(const struct hub *hub)
{
    for (size_t i = 0; i < hub->count; i++) {
        if (hub->viewers[i]->may_have_news && hub->viewers[i]->pending.len < VIEWER_BATCH_BYTES)
            return 0;
    }
    return hub->inotify >= 0 || hub->count == 0 ? WAIT_MS : LOOK_MS;
}

static void wait_for_work(struct hub *hub, struct pollfd *fds, const sigset_t *waiting)
{
    int ms = wait_ms(hub);
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    fds[0] = (struct pollfd){.fd = hub->listener, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = hub->inotify, .events = POLLIN};
    for (size_t i = 0; i < hub->count; i++) {
        const struct viewer *v = hub->viewers[i];
        short events = POLLIN | POLLRDHUP;

        if (v->pending.len > 0)
            events |= POLLOUT;
        fds[FIXED_FDS + i] = (struct pollfd){.fd = fcgi_fd(v->fcgi), .events = events};
    }
    if (ppoll(fds, FIXED_FDS + hub->count, &time, waiting) < 0)
        memset(fds, 0, (FIXED_FDS + hub->count) * sizeof *fds); /* a signal: nothing is ready */
}

static void look_anyway(struct hub *hub)
{
    int64_t now = clock_mono_ms();

    if (now < hub->look_at)
        return;
    mark_news(hub, NULL);
    hub->look_at = now + (hub->inotify >= 0 ? LOOK_ANYWAY_MS : LOOK_MS);
}

void hub_run(struct hub *hub, const sigset_t *waiting)
{
    struct pollfd fds[FIXED_FDS + VIEWERS_MAX];

    while (!stop_asked()) {
        wait_for_work(hub, fds, waiting);
        if ((fds[1].revents & POLLIN) != 0)
            read_inotify(hub);
        look_anyway(hub);
        /* From the end: dropping moves the last one, which had its turn, into the gap. */
        for (size_t i = hub->count; i-- > 0;) {
            if (serve(hub, hub->viewers[i], fds[FIXED_FDS + i].revents) != 0)
                drop(hub, i);
        }
        if ((fds[0].revents & POLLIN) != 0)
            accept_some(hub);
    }
}

void hub_deinit(struct hub *hub)
{
    while (hub->count > 0)
        drop(hub, hub->count - 1);
    io_close(&hub->inotify);
    db_close(hub->db);
    arena_free(hub->arena);
}

/* server_child.c - the loop of one web process. Single-threaded on purpose: a request owns the
 * whole process, a crash costs one request, and SIGTERM between two requests loses nothing. */
#include "cgi/http/stop.h"
#include "cgi/http/server.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
#include "cgi/http/confine.h"
#include "cgi/http/dispatch.h"
#include "cgi/http/fcgi.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/crypto/crypto.h"

#define REQUESTS_MAX 10000                        /* then a fresh process takes over */
#define PEER_MS      10000                        /* a web server silent for longer is gone */
#define MEMORY_MAX   ((rlim_t)1024 * 1024 * 1024) /* a parameter's length cannot ask for more */

/* The database may be away for a while (a full disk, a migration under way): the pages then say so,
 * and the next request tries again. */
static void open_database(struct dispatcher *d, struct site *site)
{
    char path[PATH_MAX];
    struct err err = {0};

    if (d->db == NULL
        && (!fs_join(path, sizeof path, site->var_dir, "db/windlass.db")
            || db_open(path, DB_SHARED, DB_ROLE_WEB, &d->db, &err) != 0)) {
        log_err("database-not-open", &err);
        d->db = NULL;
        return;
    }
    if (!site->has_instance && site_load_instance(site, d->db, &err) != 0)
        log_err("instance-unknown", &err);
}

static int confine_child(const struct site *site, struct err *err)
{
    char db[PATH_MAX], artefacts[PATH_MAX], logs[PATH_MAX];
    struct confine_path paths[] = {
        {db, CONFINE_WRITE},
        {artefacts, CONFINE_WRITE},
        {logs, CONFINE_READ},
        {site->home_dir, CONFINE_READ},
        {"/dev/null", CONFINE_WRITE},
        {"/dev/urandom", CONFINE_READ},
        {"/proc/sys/kernel/random", CONFINE_READ},
        {"/usr/share/zoneinfo", CONFINE_READ}, /* lib/domain/freeze.c */
    };
    int version;

    if (!fs_join(db, sizeof db, site->var_dir, "db")
        || !fs_join(artefacts, sizeof artefacts, site->var_dir, "artefacts")
        || !fs_join(logs, sizeof logs, site->var_dir, "serve/logs"))
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    version = confine(paths, sizeof paths / sizeof paths[0], err);
    if (version > 0)
        LOG_INFO("confine", "landlock=%d dumpable=0 network=%s", version,
                 version >= 4 ? "none" : "open");
    return version < 0 ? -1 : 0;
}

static int prepare(struct dispatcher *d, struct site *site, struct err *err)
{
    struct rlimit memory = {.rlim_cur = MEMORY_MAX, .rlim_max = MEMORY_MAX};

#ifndef WL_SANITIZE
    if (setrlimit(RLIMIT_AS, &memory) != 0)
        return err_errno(err, "limit the memory");
#else
    (void)memory;
#endif
    if (crypto_start(err) != 0 || fcgi_start(err) != 0)
        return -1;
    open_database(d, site);
    return confine_child(site, err);
}

static void serve_one(struct dispatcher *d, struct site *site, int listener)
{
    int connection = fcgi_accept_fd(listener, PEER_MS);
    struct fcgi *fcgi;

    if (connection < 0)
        return; /* another child was quicker */
    fcgi = fcgi_begin(connection);
    if (fcgi == NULL)
        return;
    if (d->db == NULL || !site->has_instance)
        open_database(d, site);
    (void)dispatch(d, fcgi_transport(fcgi));
    fcgi_end(fcgi);
}

int server_child(int listener, struct site *site, const struct route *routes, size_t count)
{
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    struct dispatcher d;
    struct err err = {0};
    sigset_t waiting;

    stop_prepare(&waiting);
    signal(SIGCHLD, SIG_DFL);
    if (dispatcher_init(&d, site, routes, count) != 0 || prepare(&d, site, &err) != 0) {
        log_err("child-not-started", &err);
        return 1;
    }
    for (int served = 0; served < REQUESTS_MAX && !stop_asked(); served++) {
        if (ppoll(&ready, 1, NULL, &waiting) == 1)
            serve_one(&d, site, listener);
        else if (errno != EINTR)
            break;
    }
    db_close(d.db);
    dispatcher_deinit(&d);
    return 0;
}

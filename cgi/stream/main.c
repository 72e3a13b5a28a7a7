/* main.c - windlass-stream: live logs of jobs as server-sent events over FastCGI. The listening
 * socket is descriptor 0. It reads var/serve/logs and windlass.db and nothing else. */
#include <limits.h>
#include "cgi/http/stop.h"
#include "cgi/http/confine.h"
#include "cgi/http/json_arena.h"
#include "cgi/stream/hub.h"
#include "lib/base/fs.h"
#include "lib/base/heap.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/crypto/crypto.h"

#define LISTENER 0

static int open_database(const struct site *site, struct db **db, struct err *err)
{
    char path[PATH_MAX];

    if (!fs_join(path, sizeof path, site->var_dir, "db/windlass.db"))
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    return db_open(path, DB_SHARED, DB_ROLE_STREAM, db, err);
}

static int confine_stream(const struct site *site, struct err *err)
{
    char db[PATH_MAX], logs[PATH_MAX];
    struct confine_path paths[] = {
        {db, CONFINE_WRITE}, /* the shared-memory file of a WAL database is written by readers */
        {logs, CONFINE_READ},
        {"/dev/null", CONFINE_WRITE},
        {"/dev/urandom", CONFINE_READ},
        {"/proc/sys/kernel/random", CONFINE_READ},
    };
    int version;

    if (!fs_join(db, sizeof db, site->var_dir, "db")
        || !fs_join(logs, sizeof logs, site->var_dir, "serve/logs"))
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    version = confine(paths, COUNT_OF(paths), err);
    if (version > 0)
        LOG_INFO("confine", "landlock=%d dumpable=0 network=%s", version,
                 version >= 4 ? "none" : "open");
    return version < 0 ? -1 : 0;
}

int main(void)
{
    struct site site = {0};
    struct hub hub = {.inotify = -1};
    struct db *db = NULL;
    struct err err = {0};
    sigset_t waiting;
    int status = 1;

    heap_give_back();
    log_init("windlass-stream", site_log_level());
    json_arena_install();
    stop_prepare(&waiting);
    if (crypto_start(&err) != 0 || site_load(&site, &err) != 0 || fcgi_start(&err) != 0)
        goto out;
    if (io_set_nonblocking(LISTENER, true) != 0) {
        err_errno(&err, "make the listener on descriptor 0 non-blocking");
        goto out;
    }
    if (open_database(&site, &db, &err) != 0) {
        log_err("database-not-open", &err); /* asked for again with each viewer */
        err = (struct err){0};
    }
    if (hub_init(&hub, &site, db, LISTENER, &err) != 0 || confine_stream(&site, &err) != 0)
        goto out;
    LOG_INFO("started", "viewers_max=%d inotify=%d", VIEWERS_MAX, hub.inotify >= 0);
    hub_run(&hub, &waiting);
    LOG_INFO("stopped", "viewers=%zu", hub.count);
    status = 0;
out:
    if (status != 0)
        log_err("not-started", &err);
    hub_deinit(&hub);
    site_free(&site);
    return status;
}

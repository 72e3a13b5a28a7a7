/* The supervisor's start. Order matters: the lock first, so that of two new versions only one
 * migrates. */
#include "worker/start.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/fs.h"
#include "lib/base/io.h"
#include "lib/base/log.h"

#define LOCK_EVERY_MS 250
#define INCOMING_S    (24 * 3600)

#define DESCRIPTORS_MAX 10000

void start_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t wanted = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
    if (limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        LOG_WARN("limits", "errno=%d the number of open files stays as it is", errno);
}

/* Owner and mode of folders that exist already are left to whoever installed them. */
static int make_folders(const struct worker_config *c, struct err *err)
{
    static const char *const names[] = {"db", "run", "artefacts", "serve", "serve/logs"};
    mode_t mode = c->group >= 0 ? 0770 : 0700;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char path[WORKER_PATH_MAX];
        if (!fs_join(path, sizeof path, c->var, names[i]))
            return err_set(err, ERR_INPUT, "WL_VAR is too long.");
        if (fs_exists(path))
            continue;
        if (fs_mkdirs(path, mode, err) != 0)
            return -1;
        if (c->group >= 0 && chown(path, (uid_t)-1, (gid_t)c->group) != 0)
            return err_errno(err, "give %s to the group of WL_GROUP", names[i]);
    }
    return 0;
}

static bool told_to_stop(int signals)
{
    struct signalfd_siginfo info;
    bool stop = false;
    if (io_wait(signals, POLLIN, clock_mono_ms() + LOCK_EVERY_MS) != 1)
        return false;
    while (read(signals, &info, sizeof info) == (ssize_t)sizeof info)
        stop = stop || info.ssi_signo != SIGCHLD;
    return stop;
}

int start_lock(const struct worker_config *config, int signals, int *lock, bool *stop,
               struct err *err)
{
    bool told = false;
    if (make_folders(config, err) != 0)
        return -1;
    *lock = open(config->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*lock < 0)
        return err_errno(err, "open %s", config->lock);
    while (flock(*lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_errno(err, "lock %s", config->lock);
        if (!told)
            LOG_WARN("waiting", "another worker serves this data folder; waiting for it to end");
        told = true;
        if (told_to_stop(signals)) {
            *stop = true;
            return 0;
        }
    }
    return 0;
}

int start_databases(const struct worker_config *config, struct db **db, struct vault **vault,
                    struct err *err)
{
    if (db_migrate(config->db, DB_SHARED, config->group, err) != 0
        || db_open(config->db, DB_SHARED, DB_ROLE_WORKER, db, err) != 0
        || vault_prepare(config->var, *db, err) != 0)
        return -1;
    return vault_open(config->var, DB_ROLE_WORKER, vault, err);
}

void start_sweep(const struct worker_config *config)
{
    char path[WORKER_PATH_MAX];
    struct dirent *entry;
    int64_t now = clock_now_ms() / 1000;
    if (!fs_join(path, sizeof path, config->artefacts, ".incoming"))
        return;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        struct stat st;
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0
            || !S_ISREG(st.st_mode) || now - (int64_t)st.st_mtime < INCOMING_S)
            continue;
        if (unlinkat(dirfd(dir), entry->d_name, 0) == 0)
            LOG_INFO("swept", "an upload that was given up file=%s", entry->d_name);
    }
    (void)closedir(dir);
}

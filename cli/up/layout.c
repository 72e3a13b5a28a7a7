/* layout.c - making the data folder (layout.h).
 *
 * Nothing outside our own named subfolders is ever chowned, and a folder that is not empty and not
 * ours is refused: `--var /home/ann` must not give /home/ann away. */
#include "cli/up/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "lib/base/fs.h"
#include "lib/base/str.h"

#define LONGEST_SOCKET "/run/stream.sock"
#define MARKER         ".windlass"
#define DEPTH_MAX      16

static int check_path(const char *var, struct err *err)
{
    size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - sizeof(LONGEST_SOCKET);

    if (strlen(var) > most)
        return err_field(err, "var",
                         "The data folder's path has %zu bytes; sockets allow %zu. Fix: choose a "
                         "shorter one with VAR= or --var.",
                         strlen(var), most);
    if (strpbrk(var, "\"'\\$:;{}*") != NULL || str_has_control(var, strlen(var), false))
        return err_field(err, "var",
                         "The data folder's path has a character that nginx's configuration cannot "
                         "hold (\" ' \\ $ : ; { } * or a control character). Fix: choose another "
                         "folder with VAR= or --var.");
    return 0;
}

/* 1 empty, 0 not, -1 it cannot be read. */
static int is_empty(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int empty = 1;

    if (dir == NULL)
        return -1;
    while (empty == 1 && (entry = readdir(dir)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    (void)closedir(dir);
    return empty;
}

int layout_check(const struct place *place, struct err *err)
{
    char marker[PLACE_SIZE];
    struct stat st;

    if (check_path(place->var, err) != 0 || place_path(place, MARKER, marker, err) != 0)
        return -1;
    if (stat(place->var, &st) != 0)
        return errno == ENOENT ? 0 : err_errno(err, "stat %s", place->var);
    if (!S_ISDIR(st.st_mode))
        return err_field(err, "var",
                         "%s is a file, not a folder. Fix: choose another with VAR= or "
                         "--var.",
                         place->var);
    if (geteuid() != 0 && st.st_uid != geteuid())
        return err_set(err, ERR_DENIED,
                       "%s belongs to another user (uid %u). Fix: start as that user, or choose "
                       "another folder with VAR= or --var.",
                       place->var, st.st_uid);
    if (access(marker, F_OK) == 0 || is_empty(place->var) == 1)
        return 0;
    return err_field(err, "var",
                     "%s is not empty and not a data folder of Windlass. Fix: choose another with "
                     "VAR= or --var.",
                     place->var);
}

int layout_lock(const struct place *place, struct err *err)
{
    char path[PLACE_SIZE], pid[32] = "";
    ssize_t len;
    int fd;

    if (fs_mkdirs(place->var, 0700, err) != 0 || place_path(place, MARKER, path, err) != 0)
        return -1;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd == -1)
        return err_errno(err, "open %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        len = pread(fd, pid, sizeof(pid) - 1, 0);
        pid[len > 0 ? len : 0] = '\0';
        pid[strcspn(pid, "\n")] = '\0';
        (void)close(fd);
        return err_set(err, ERR_BUSY,
                       "Windlass already runs with this data folder (process %s). Fix: stop it, or "
                       "choose another folder with VAR= or --var.",
                       pid[0] != '\0' ? pid : "unknown");
    }
    len = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len) {
        (void)close(fd);
        return err_errno(err, "write %s", path);
    }
    return fd;
}

/* Give everything beneath an open folder to uid:gid, following no link. `dir` is closed. */
static int hand_over_beneath(int dir, uid_t uid, gid_t gid, int depth)
{
    DIR *list = fdopendir(dir);
    const struct dirent *entry;
    int rc = 0;

    if (list == NULL) {
        (void)close(dir);
        return -1;
    }
    while (rc == 0 && (entry = readdir(list)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        rc = fchownat(dir, entry->d_name, uid, gid, AT_SYMLINK_NOFOLLOW);
        if (rc == 0 && entry->d_type == DT_DIR && depth < DEPTH_MAX) {
            int sub = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            rc = sub == -1 ? -1 : hand_over_beneath(sub, uid, gid, depth + 1);
        }
    }
    (void)closedir(list);
    return rc;
}

/* One folder of ours: made, and when root says whose it is, given to them with all in it. */
static int make_folder(const char *path, uid_t uid, gid_t gid, mode_t mode, struct err *err)
{
    struct stat st;
    int fd, rc = 0;

    if (fs_mkdirs(path, 0700, err) != 0)
        return -1;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1 || fstat(fd, &st) != 0) {
        rc = err_errno(err, "open %s", path);
        goto out;
    }
    if (geteuid() == 0 && (st.st_uid != uid || st.st_gid != gid)) {
        int beneath = dup(fd);
        if (beneath == -1 || hand_over_beneath(beneath, uid, gid, 0) != 0
            || fchown(fd, uid, gid) != 0) {
            rc = err_errno(err, "chown %s", path);
            goto out;
        }
    }
    if (fchmod(fd, mode) != 0) /* after chown, which clears the set-group bit */
        rc = err_errno(err, "chmod %s", path);
out:
    if (fd != -1)
        (void)close(fd);
    return rc;
}

struct folder {
    const char *name;
    uid_t uid;
    gid_t gid;
    mode_t mode;
};

static int make_all(const struct place *place, const struct folder *folders, size_t count,
                    struct err *err)
{
    char path[PLACE_SIZE];

    for (size_t i = 0; i < count; i++)
        if (place_path(place, folders[i].name, path, err) != 0
            || make_folder(path, folders[i].uid, folders[i].gid, folders[i].mode, err) != 0)
            return -1;
    return 0;
}

int layout_make(const struct place *place, const struct isolation *iso, struct err *err)
{
    uid_t us = geteuid();
    gid_t our_group = getegid();
    const struct folder apart[] = {
        {"db", iso->worker, iso->group, 02770},
        {"vault", iso->worker, iso->group, 0700},
        {"keys", iso->worker, iso->group, 0700},
        {"run", iso->worker, iso->group, 0711},
        {"run/log", us, our_group, 0700},
        {"run/nginx", iso->nginx, iso->serve, 0700},
        {"artefacts", iso->worker, iso->group, 02770},
        {"artefacts/.incoming", iso->worker, iso->group, 02770},
        {"serve", us, iso->serve, 0711},
        {"serve/logs", iso->worker, iso->serve, 02750},
        {"serve/backups", iso->worker, iso->serve, 02750},
    };
    struct folder together[COUNT_OF(apart)];

    for (size_t i = 0; i < COUNT_OF(apart); i++)
        together[i] = (struct folder){apart[i].name, us, our_group, 0700};
    if (chmod(place->var, iso->is_separate ? 0711 : 0700) != 0)
        return err_errno(err, "chmod %s", place->var);
    umask(iso->is_separate ? 0007 : 0077);
    return make_all(place, iso->is_separate ? apart : together, COUNT_OF(apart), err);
}

/* fs.c - files: whole or not at all, and never outside the folder that was meant. Errors name the
 * path in the detail only: the sentence for people holds no path of the dashboard. */
#include "lib/base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/str.h"

#define TREE_DEPTH_MAX 64 /* one open folder per level */

bool fs_join(char *dst, size_t dst_size, const char *dir, const char *name)
{
    const char *between = str_ends(dir, "/") ? "" : "/";
    int n = snprintf(dst, dst_size, "%s%s%s", dir, between, name);

    return n >= 0 && (size_t)n < dst_size;
}

/* mkdir, where an existing folder (or a link to one) is fine. */
static int make_folder(const char *path, mode_t mode, struct err *err)
{
    struct stat st;
    int number;

    if (mkdir(path, mode) == 0)
        return 0;
    number = errno;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    errno = number;
    return err_errno(err, "mkdir %s", path);
}

int fs_mkdirs(const char *path, mode_t mode, struct err *err)
{
    char part[PATH_MAX];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof part) {
        errno = len == 0 ? ENOENT : ENAMETOOLONG;
        return err_errno(err, "mkdir %.100s", path);
    }
    memcpy(part, path, len + 1);
    while (len > 1 && part[len - 1] == '/')
        part[--len] = '\0';
    for (size_t i = 1; i < len; i++) {
        if (part[i] != '/' || part[i - 1] == '/')
            continue;
        part[i] = '\0';
        if (make_folder(part, 0755, err) != 0)
            return -1;
        part[i] = '/';
    }
    return make_folder(part, mode, err);
}

static int sync_folder_of(const char *path, struct err *err)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd, rc;

    if (slash == NULL)
        (void)snprintf(dir, sizeof dir, ".");
    else
        (void)snprintf(dir, sizeof dir, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1)
        return err_errno(err, "open folder %s", dir);
    rc = fsync(fd);
    if (rc != 0 && errno == EINVAL)
        rc = 0; /* this file system has nothing to sync in a folder */
    if (rc != 0)
        err_errno(err, "fsync folder %s", dir);
    (void)close(fd);
    return rc;
}

/* Create the temporary file; its name goes into temp. */
static int open_temp(const char *path, char temp[PATH_MAX], struct err *err)
{
    uint64_t unique = 0;
    int fd, n;

    if (getrandom(&unique, sizeof unique, 0) != (ssize_t)sizeof unique)
        return err_errno(err, "getrandom");
    n = snprintf(temp, PATH_MAX, "%s.%016llx.tmp", path, (unsigned long long)unique);
    if (n < 0 || n >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return err_errno(err, "temporary file beside %.100s", path);
    }
    fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd == -1)
        return err_errno(err, "create %s", temp);
    return fd;
}

static int write_whole(int fd, const void *bytes, size_t len, struct err *err)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return err_errno(err, "write");
        at += n;
        len -= (size_t)n;
    }
    if (fsync(fd) != 0)
        return err_errno(err, "fsync");
    return 0;
}

int fs_write_atomic(const char *path, const void *bytes, size_t len, mode_t mode, struct err *err)
{
    char temp[PATH_MAX];
    int fd = open_temp(path, temp, err);
    int rc = -1;

    if (fd == -1)
        return -1;
    if (fchmod(fd, mode) != 0) {
        err_errno(err, "fchmod");
        goto out;
    }
    if (write_whole(fd, bytes, len, err) != 0)
        goto out;
    if (rename(temp, path) != 0) {
        err_errno(err, "rename to %s", path);
        goto out;
    }
    rc = sync_folder_of(path, err);
out:
    io_close(&fd);
    if (rc != 0) {
        (void)unlink(temp); /* already gone when only the folder's fsync failed */
        err_detail(err, "file %s", path);
    }
    return rc;
}

static int not_found(struct err *err, const char *path)
{
    err_set(err, ERR_NOT_FOUND, "This file does not exist.");
    return err_detail(err, "no file %s", path);
}

int fs_read_all(const char *path, struct buf *out, struct err *err)
{
    size_t before = out->len;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = -1;

    if (fd == -1 && errno == ENOENT)
        return not_found(err, path);
    if (fd == -1)
        return err_errno(err, "open %s", path);
    for (;;) {
        size_t room = out->max - out->len;
        size_t want = room < 65536 ? room : 65536;
        char byte, *place = want > 0 ? buf_reserve(out, want) : &byte;
        ssize_t n;

        if (place == NULL) {
            err_set(err, ERR_NO_MEMORY, "There is not enough memory to read a file.");
            goto out;
        }
        n = read(fd, place, want > 0 ? want : 1);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1) {
            err_errno(err, "read %s", path);
            goto out;
        }
        if (n == 0)
            break;
        if (want == 0) {
            err_set(err, ERR_TOO_LARGE, "A file is larger than the limit of %zu bytes.", out->max);
            err_detail(err, "file %s", path);
            goto out;
        }
        out->len += (size_t)n;
    }
    rc = 0;
out:
    if (rc != 0 && out->cap > 0) {
        out->len = before;
        out->data[before] = '\0';
    }
    io_close(&fd);
    return rc;
}

int fs_open_beneath(const char *dir, const char *name, int flags, mode_t mode, struct err *err)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = (flags & O_CREAT) != 0 ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int number;
    long fd;

    if (dir_fd == -1)
        return err_errno(err, "open folder %s", dir);
    do {
        fd = syscall(SYS_openat2, dir_fd, name, &how, sizeof how);
    } while (fd == -1 && (errno == EINTR || errno == EAGAIN));
    number = errno;
    (void)close(dir_fd);
    if (fd >= 0)
        return (int)fd;
    errno = number;
    if (number == ENOENT)
        return not_found(err, name);
    if (number == EXDEV || number == ELOOP) {
        err_set(err, ERR_DENIED,
                "This name leads outside its folder or through a link, so it was refused.");
        return err_detail(err, "%s beneath %s", name, dir);
    }
    if (number == EEXIST)
        return err_set(err, ERR_CONFLICT, "A file of this name is there already.");
    err_errno(err, "openat2 %s beneath %s", name, dir);
    if (number == ENOSYS)
        err_detail(err, "this kernel lacks openat2(2): Linux 5.6 or newer is needed");
    return -1;
}

bool fs_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

int64_t fs_free_bytes(const char *path)
{
    struct statvfs v;
    uint64_t bytes;

    if (statvfs(path, &v) != 0)
        return -1;
    if (__builtin_mul_overflow((uint64_t)v.f_bavail, (uint64_t)v.f_frsize, &bytes)
        || bytes > INT64_MAX)
        return -1;
    return (int64_t)bytes;
}

static int remove_entry(int parent, const char *name, int depth, struct err *err);

/* Empty the folder that `fd` is open on; takes ownership of fd. */
static int empty_folder(int fd, int depth, struct err *err)
{
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    int rc = 0;

    if (dir == NULL) {
        err_errno(err, "fdopendir");
        (void)close(fd);
        return -1;
    }
    for (;;) {
        errno = 0;
        entry = readdir(dir);
        if (entry == NULL)
            break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        rc = remove_entry(dirfd(dir), entry->d_name, depth + 1, err);
        if (rc != 0)
            goto out;
    }
    if (errno != 0)
        rc = err_errno(err, "readdir");
out:
    (void)closedir(dir);
    return rc;
}

static int remove_entry(int parent, const char *name, int depth, struct err *err)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd == -1) {
        if (errno == ENOENT)
            return 0;
        if (errno != ENOTDIR && errno != ELOOP)
            return err_errno(err, "open folder %s", name);
        if (unlinkat(parent, name, 0) != 0 && errno != ENOENT)
            return err_errno(err, "unlink %s", name);
        return 0;
    }
    if (depth >= TREE_DEPTH_MAX) {
        (void)close(fd);
        errno = ENAMETOOLONG;
        return err_errno(err, "more than %d folders deep at %s", TREE_DEPTH_MAX, name);
    }
    if (empty_folder(fd, depth, err) != 0)
        return -1;
    if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        return err_errno(err, "rmdir %s", name);
    return 0;
}

int fs_remove_tree(const char *path, struct err *err)
{
    if (remove_entry(AT_FDCWD, path, 0, err) != 0)
        return err_detail(err, "removing %s", path);
    return 0;
}

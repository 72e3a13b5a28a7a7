/* confine.c - Landlock by its system calls (landlock(7)); Debian 12 has headers for version 2 only,
 * so the numbers of later versions are written out here. What a kernel does not know is left out:
 * the more it can forbid, the more is forbidden. */
#include "cgi/http/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"

#define FS_TRUNCATE  (UINT64_C(1) << 14) /* version 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15) /* version 5 */
#define NET_BIND_TCP (UINT64_C(1) << 0)  /* version 4 */
#define NET_CONNECT  (UINT64_C(1) << 1)
#define SCOPE_SOCKET (UINT64_C(1) << 0) /* version 6: abstract sockets of others */
#define SCOPE_SIGNAL (UINT64_C(1) << 1) /* and signals to them */

/* Rights that make sense on a file that is no folder. */
#define FILE_RIGHTS                                                                                \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE     \
     | FS_TRUNCATE | FS_IOCTL_DEV)
#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_RIGHTS                                                                               \
    (READ_RIGHTS | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE                  \
     | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR   \
     | LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE)

struct ruleset { /* struct landlock_ruleset_attr as of version 6 */
    uint64_t fs, net, scoped;
};

static struct ruleset ruleset_of(int version, size_t *size)
{
    struct ruleset rules = {.fs = (UINT64_C(1) << 13) - 1}; /* all of version 1 */

    *size = sizeof rules.fs;
    if (version >= 2)
        rules.fs |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3)
        rules.fs |= FS_TRUNCATE;
    if (version >= 4) {
        rules.net = NET_BIND_TCP | NET_CONNECT;
        *size = 2 * sizeof(uint64_t);
    }
    if (version >= 5)
        rules.fs |= FS_IOCTL_DEV;
    if (version >= 6) {
        rules.scoped = SCOPE_SOCKET | SCOPE_SIGNAL;
        *size = sizeof rules;
    }
    return rules;
}

static int allow(int ruleset, const struct ruleset *rules, const struct confine_path *path,
                 struct err *err)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = READ_RIGHTS};
    struct stat st;
    int rc = 0;
    int fd = open(path->path, O_PATH | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_errno(err, "open %s", path->path);
    if (path->access == CONFINE_WRITE)
        rule.allowed_access = WRITE_RIGHTS;
    if (!S_ISDIR(st.st_mode))
        rule.allowed_access &= FILE_RIGHTS;
    rule.allowed_access &= rules->fs;
    rule.parent_fd = fd;
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        rc = err_errno(err, "allow %s", path->path);
    io_close(&fd);
    return rc;
}

#ifdef WL_SANITIZE
/* They look into /proc/self, name the lines of our code, and write a report. */
static int allow_sanitizers(int ruleset, const struct ruleset *rules, struct err *err)
{
    char folder[PATH_MAX];
    const struct confine_path paths[] = {{"/proc", CONFINE_READ},
                                         {"/proc/self/exe", CONFINE_READ},
                                         {proc_report_folder(folder), CONFINE_WRITE}};

    for (size_t i = 0; i < COUNT_OF(paths); i++)
        if (allow(ruleset, rules, &paths[i], err) != 0)
            return -1;
    return 0;
}
#endif

int confine(const struct confine_path *paths, size_t count, struct err *err)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct ruleset rules;
    size_t size;
    int ruleset;
    int rc = -1;

    proc_harden();
    if (version <= 0) {
        LOG_WARN("confine", "landlock=none dumpable=0");
        return 0;
    }
    rules = ruleset_of((int)version, &size);
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (ruleset < 0)
        return err_errno(err, "make a Landlock ruleset");
    for (size_t i = 0; i < count; i++) {
        if (allow(ruleset, &rules, &paths[i], err) != 0)
            goto out;
    }
#ifdef WL_SANITIZE
    if (allow_sanitizers(ruleset, &rules, err) != 0)
        goto out;
#endif
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
        || syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
        err_errno(err, "put Landlock in force");
        goto out;
    }
    rc = (int)version;
out:
    io_close(&ruleset);
    return rc;
}

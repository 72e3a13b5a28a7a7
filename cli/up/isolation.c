/* isolation.c - choosing and describing the programs' users (isolation.h).
 *
 * The ids come from 64900 up, where Debian's policy assigns none by itself; a range in which any id
 * has a name is skipped. Whether they work (a container may map few ids) and whether such a user
 * can reach our files is tried in a child rather than reasoned about. */
#include "cli/up/isolation.h"

#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib/base/str.h"

#define FIRST_ID 64900U
#define LAST_ID  64990U

enum probe { PROBE_OK = 0, PROBE_NO_IDS = 1, PROBE_NO_ACCESS = 2 };

static bool range_is_unused(unsigned base)
{
    for (unsigned id = base; id < base + 6; id++)
        if (getpwuid(id) != NULL || getgrgid(id) != NULL)
            return false;
    return true;
}

/* Runs in a child: become the user, then look at the files. */
static enum probe probe_as(uid_t uid, gid_t gid, const char *const *readable)
{
    if (setgroups(0, NULL) != 0 || setgid(gid) != 0 || setuid(uid) != 0)
        return PROBE_NO_IDS;
    for (; *readable != NULL; readable++)
        if (access(*readable, X_OK) != 0)
            return PROBE_NO_ACCESS;
    return PROBE_OK;
}

static enum probe probe_ids(const struct isolation *iso, const char *const *readable)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit((int)probe_as(iso->web, iso->group, readable));
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return PROBE_NO_IDS;
    return (enum probe)WEXITSTATUS(status);
}

static void share(struct isolation *iso, const char *why)
{
    memset(iso, 0, sizeof(*iso));
    (void)str_copy(iso->why_shared, sizeof(iso->why_shared), why);
}

void isolation_choose(struct isolation *iso, const char *const *readable)
{
    unsigned base = FIRST_ID;

    memset(iso, 0, sizeof(*iso));
    if (geteuid() != 0)
        return;
    while (base < LAST_ID && !range_is_unused(base))
        base += 10;
    if (base >= LAST_ID) {
        share(iso, "all user ids from 64900 to 64990 have names on this machine");
        return;
    }
    iso->is_separate = true;
    iso->group = base;
    iso->web = base + 1;
    iso->stream = base + 2;
    iso->worker = base + 3;
    iso->nginx = base + 4;
    iso->serve = base + 5;
    switch (probe_ids(iso, readable)) {
    case PROBE_OK:
        break;
    case PROBE_NO_IDS:
        share(iso, "this container does not let root become another user");
        break;
    case PROBE_NO_ACCESS:
        share(iso, "other users cannot reach the programs or the data folder (try chmod o+x on "
                   "the folders above them)");
        break;
    }
}

int isolation_landlock_abi(void)
{
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);

    return abi > 0 ? (int)abi : 0;
}

/* The effective user of a process as the kernel shows it; -1 when unknown. */
static long process_uid(pid_t pid)
{
    char path[64], line[256];
    long uid = -1;
    FILE *status;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    status = fopen(path, "re");
    if (status == NULL)
        return -1;
    while (uid == -1 && fgets(line, sizeof(line), status) != NULL)
        if (str_starts(line, "Uid:"))
            (void)sscanf(line, "Uid: %*d %ld", &uid);
    (void)fclose(status);
    return uid;
}

void isolation_describe(const struct isolation *iso, pid_t web, char *text, size_t size)
{
    int abi = isolation_landlock_abi();
    char landlock[64] = "";

    if (abi > 0)
        (void)snprintf(landlock, sizeof(landlock), "Landlock (ABI %d) and no-dump", abi);
    if (iso->is_separate && process_uid(web) == (long)iso->web)
        (void)snprintf(text, size,
                       "a user of its own per program (web %u, stream %u, worker %u, "
                       "nginx %u)%s%s",
                       iso->web, iso->stream, iso->worker, iso->nginx, abi > 0 ? "; " : "",
                       landlock);
    else if (abi > 0)
        (void)snprintf(text, size, "%s; all programs share one user", landlock);
    else
        (void)snprintf(text, size,
                       "none beyond no-dump: this kernel has no Landlock; all programs "
                       "share one user");
    if (iso->why_shared[0] != '\0') {
        size_t used = strlen(text);
        (void)snprintf(text + used, size - used, "\n             (although root: %s)",
                       iso->why_shared);
    }
}

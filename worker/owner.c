/* Who holds a job. A pid alone is not enough: pids are used again. */
#include "worker/owner.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"

/* Field 22 of /proc/<pid>/stat (proc(5)): start time in clock ticks since boot. -1: no process. */
static int64_t start_ticks(int64_t pid)
{
    char path[64];
    struct buf text;
    int64_t ticks = -1;
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    buf_init(&text, 4096);
    const char *at = NULL;
    if (fs_read_all(path, &text, NULL) == 0)
        at = strrchr(text.data, ')'); /* the command's name may hold anything */
    for (int field = 2; at != NULL && field < 22; field++) {
        at = strchr(at + 1, ' ');
        if (at != NULL && field == 2 && at[1] == 'Z') /* dead, not yet reaped */
            at = NULL;
    }
    if (at != NULL) {
        char number[32] = "";
        size_t n = strspn(at + 1, "0123456789");
        if (n < sizeof number)
            memcpy(number, at + 1, n);
        if (!str_to_int64(number, 0, INT64_MAX, &ticks))
            ticks = -1;
    }
    buf_deinit(&text);
    return ticks;
}

void owner_name(char name[JOB_OWNER_SIZE])
{
    snprintf(name, JOB_OWNER_SIZE, "%s %lld %lld", clock_boot_id(), (long long)getpid(),
             (long long)start_ticks(getpid()));
}

bool owner_is_dead(const char *name)
{
    char boot[64] = "";
    long long pid = 0, ticks = 0;
    if (name == NULL || sscanf(name, "%63s %lld %lld", boot, &pid, &ticks) != 3 || pid <= 0)
        return true;
    if (strcmp(boot, clock_boot_id()) != 0)
        return true;
    return start_ticks(pid) != ticks;
}

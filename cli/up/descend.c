/* descend.c - walking /proc for descendants (descend.h).
 *
 * One pass reads every pid's parent, then descent is decided by following parents upwards; a
 * process that forks while we look is seen by the next pass, and passes go on until one finds
 * nobody. */
#include "cli/up/descend.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "lib/base/clock.h"
#include "lib/base/str.h"

#define PROCESSES_MAX 65536
#define DEPTH_MAX     64

struct process {
    pid_t pid, parent;
};

int descend_adopt(struct err *err)
{
    if (prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL) != 0)
        return err_errno(err, "prctl PR_SET_CHILD_SUBREAPER");
    return 0;
}

/* proc(5): pid (comm) state ppid ...; comm may hold anything, so look behind the last ')'. */
static bool read_process(const char *pid_text, struct process *process)
{
    char path[300], line[512];
    const char *after;
    char state;
    int parent;
    size_t len;
    FILE *stat;

    (void)snprintf(path, sizeof(path), "/proc/%s/stat", pid_text);
    stat = fopen(path, "re");
    if (stat == NULL)
        return false;
    len = fread(line, 1, sizeof(line) - 1, stat);
    (void)fclose(stat);
    line[len] = '\0';
    after = strrchr(line, ')');
    if (after == NULL || sscanf(after + 1, " %c %d", &state, &parent) != 2 || state == 'Z'
        || state == 'X')
        return false;
    process->parent = parent;
    return true;
}

static size_t list_processes(struct process *list, size_t max)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    size_t count = 0;
    int64_t pid;

    if (proc == NULL)
        return 0;
    while (count < max && (entry = readdir(proc)) != NULL) {
        if (!str_to_int64(entry->d_name, 1, INT32_MAX, &pid))
            continue;
        list[count].pid = (pid_t)pid;
        if (read_process(entry->d_name, &list[count]))
            count++;
    }
    (void)closedir(proc);
    return count;
}

static int by_pid(const void *a, const void *b)
{
    pid_t one = ((const struct process *)a)->pid, other = ((const struct process *)b)->pid;

    return (one > other) - (one < other);
}

static pid_t parent_of(const struct process *list, size_t count, pid_t pid)
{
    struct process key = {.pid = pid};
    const struct process *found = bsearch(&key, list, count, sizeof(*list), by_pid);

    return found != NULL ? found->parent : 0;
}

static bool comes_from(const struct process *list, size_t count, pid_t pid, pid_t ancestor)
{
    for (int depth = 0; pid > 1 && depth < DEPTH_MAX; depth++) {
        pid = parent_of(list, count, pid);
        if (pid == ancestor)
            return true;
    }
    return false;
}

int descend_signal(int signal_number)
{
    struct process *list = calloc(PROCESSES_MAX, sizeof(*list));
    pid_t self = getpid();
    size_t count;
    int found = 0;

    if (list == NULL)
        return 0;
    count = list_processes(list, PROCESSES_MAX);
    qsort(list, count, sizeof(*list), by_pid);
    for (size_t i = 0; i < count; i++)
        if (comes_from(list, count, list[i].pid, self)) {
            found++;
            (void)kill(list[i].pid, signal_number);
        }
    free(list);
    return found;
}

void descend_reap(void)
{
    pid_t pid;

    do
        pid = waitpid(-1, NULL, WNOHANG);
    while (pid > 0 || (pid == -1 && errno == EINTR));
}

/* Wait for everybody to be gone; how many were still there at the deadline. */
static int await_none(int64_t mono_deadline)
{
    int left;

    for (;;) {
        descend_reap();
        left = descend_signal(0);
        if (left == 0 || clock_left_ms(mono_deadline) == 0)
            return left;
        clock_sleep_ms(20);
    }
}

int descend_end_all(int64_t mono_deadline)
{
    int64_t last = mono_deadline + 5000;
    int killed;

    if (descend_signal(SIGTERM) == 0) {
        descend_reap();
        return 0;
    }
    killed = await_none(mono_deadline);
    if (killed == 0)
        return 0;
    while (descend_signal(SIGKILL) > 0 && clock_left_ms(last) > 0) {
        descend_reap();
        clock_sleep_ms(20);
    }
    descend_reap();
    return descend_signal(0) == 0 ? killed : -1;
}

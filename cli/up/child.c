/* child.c - starting, restarting, and saying so (child.h). */
#include "cli/up/child.h"

#include <signal.h>
#include <sys/wait.h>
#include "lib/base/clock.h"
#include "lib/base/str.h"

#define FIRST_WAIT_MS 200
#define LAST_WAIT_MS  10000
#define LIVED_MS      30000

int child_start(struct child *child, struct err *err)
{
    pid_t pid;

    child->spec.argv = child->argv;
    child->start_at = 0;
    pid = proc_start(&child->spec, err);
    if (pid == -1)
        return err_wrap(err, "%s could not be started", child->name);
    child->pid = pid;
    child->started_at = clock_mono_ms();
    child->starts++;
    return 0;
}

static int64_t plan_next(struct child *child)
{
    int64_t wait_ms = FIRST_WAIT_MS;

    if (clock_mono_ms() - child->started_at > LIVED_MS)
        child->failures = 0;
    for (int i = 0; i < child->failures && wait_ms < LAST_WAIT_MS; i++)
        wait_ms *= 2;
    if (wait_ms > LAST_WAIT_MS)
        wait_ms = LAST_WAIT_MS;
    child->failures++;
    child->start_at = clock_mono_ms() + wait_ms;
    return wait_ms;
}

const char *child_end_text(char *dst, size_t size, int wait_status)
{
    if (WIFEXITED(wait_status))
        (void)snprintf(dst, size, "exit status %d", WEXITSTATUS(wait_status));
    else
        (void)snprintf(dst, size, "signal %d (%s)", WTERMSIG(wait_status),
                       strsignal(WTERMSIG(wait_status)));
    return dst;
}

void child_ended(struct child *child, int wait_status)
{
    char how[64], when[32];
    int64_t wait_ms = plan_next(child);

    /* An nginx worker whose master is gone still holds the port, and the next master could not have
     * it. The group's number is the leader's, and stays taken while a member lives. */
    if (child->ends_group)
        (void)kill(-child->pid, SIGKILL);
    child->last_status = wait_status;
    child->pid = 0;
    fprintf(stderr, "windlass: %s ended (%s); it is started again in %s\n", child->name,
            child_end_text(how, sizeof(how), wait_status),
            str_duration(when, sizeof(when), wait_ms));
}

void child_tick(struct child *child)
{
    struct err err = {0};

    if (child->pid != 0 || child->start_at == 0 || clock_mono_ms() < child->start_at)
        return;
    if (child_start(child, &err) != 0) {
        fprintf(stderr, "windlass: %s\n", err.user);
        (void)plan_next(child);
    }
}

int child_due_ms(const struct child *child)
{
    if (child->pid != 0 || child->start_at == 0)
        return -1;
    return clock_left_ms(child->start_at);
}

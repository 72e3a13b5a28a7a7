/* nest.c - `windlass nest -- PROGRAM...`: run one program and leave nothing of it behind.
 *
 * The demo deploys real apps onto its own sshd. They run detached, in sessions of their own, and
 * are meant to outlive everything; only the process above that sshd can find them all. */
#include "cli/command.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include "cli/up/descend.h"
#include "cli/up/programs.h"
#include "lib/base/clock.h"
#include "lib/base/proc.h"

#define GRACE_MS 20000

/* Until the child has ended. After a stop signal it is told to, and given GRACE_MS. */
static bool await_child(pid_t child, int *wait_status)
{
    int64_t deadline = 0;
    int told = 0;
    pid_t pid;

    for (;;) {
        while ((pid = waitpid(-1, wait_status, WNOHANG)) > 0)
            if (pid == child)
                return true;
        if (programs_stop_asked() > told) {
            told = programs_stop_asked();
            deadline = deadline != 0 ? deadline : clock_mono_ms() + GRACE_MS;
            (void)kill(child, SIGTERM);
        }
        if (told > 2 || (deadline != 0 && clock_left_ms(deadline) == 0))
            return false;
        programs_await_signal(1000);
    }
}

int nest_command(int argc, char **argv, struct err *err)
{
    const struct cli_option options[] = {{NULL, NULL, NULL}};
    struct proc_spec spec = proc_spec_init();
    char path[PATH_MAX];
    int wait_status = 0;
    bool ended;
    pid_t pid;

    if (cli_options(options, (struct cli_bounds){1, 64}, &argc, argv, err) != 0)
        return -1;
    if (realpath(argv[1], path) == NULL)
        return err_set(err, ERR_INPUT, "%s is not a program's path.", argv[1]);
    if (descend_adopt(err) != 0 || programs_listen_for_signals(err) != 0)
        return -1;
    spec.path = path;
    spec.argv = (const char *const *)(argv + 1);
    spec.new_session = true;
    spec.death_signal = SIGTERM;
    pid = proc_start(&spec, err);
    if (pid == -1)
        return -1;
    ended = await_child(pid, &wait_status);
    if (descend_end_all(clock_mono_ms() + 3000) < 0)
        return err_set(err, ERR_INTERNAL, "A process could not be ended.");
    if (programs_stop_asked() > 0)
        return CLI_INTERRUPTED;
    return ended && WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : CLI_FAILED;
}

/* runner_sandbox.c - what a runner cannot do once it speaks to a target. Each claim is tried in a
 * child of its own, since the sandbox is for good. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "tests/sanitizer_report.h"
#include "tests/tap.h"
#include "worker/runner/runner_private.h"

static char folder[] = "/tmp/wl-sandbox-XXXXXX", file[64];
static bool has_landlock;

/* Run `claim` in a child inside the sandbox: true when it says so. */
static bool inside(bool (*claim)(void))
{
    int status = 0;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        sandbox_enter();
        _exit(claim() ? 0 : 1);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool opens(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool starts_nothing(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return errno == EPERM || errno == EACCES;
}

static bool signals_nobody(void)
{
    return kill(getppid(), 0) != 0 && errno == EPERM;
}

static bool opens_nothing_of_ours(void)
{
    return !opens(file, O_RDONLY) && !opens(file, O_WRONLY)
           && !opens("/tmp/wl-sandbox-new", O_WRONLY | O_CREAT);
}

static bool writes_nothing_of_the_system(void)
{
    return opens("/etc/hosts", O_RDONLY) && !opens("/etc/hosts", O_WRONLY)
           && !opens("/etc/wl-sandbox-new", O_WRONLY | O_CREAT);
}

static bool leaves_no_core(void)
{
    return prctl(PR_GET_DUMPABLE) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static void it_starts_no_program_and_signals_nobody(void)
{
    CHECK(inside(starts_nothing));
    CHECK(inside(signals_nobody));
}

static void it_reads_what_resolving_a_name_needs_and_writes_nothing(void)
{
    if (!has_landlock)
        SKIP("this kernel has no Landlock");
    CHECK(inside(opens_nothing_of_ours));
    CHECK(inside(writes_nothing_of_the_system));
}

static void its_memory_is_not_dumped(void)
{
    CHECK(inside(leaves_no_core));
}

#ifndef WL_SANITIZE /* there the leak check is let look into it */
static bool looks_into_nobody(void)
{
    return ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) != 0 && errno == EPERM;
}

static void it_looks_into_no_other_process(void)
{
    CHECK(inside(looks_into_nobody));
}
#endif

int main(int argc, char **argv)
{
    report_if_asked(argc, argv, sandbox_enter);
    log_init("test", LOG_LEVEL_ERROR);
    /* LANDLOCK_CREATE_RULESET_VERSION */
    has_landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, 1U) > 0;
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(file, sizeof file, "%s/file", folder);
    if (fs_write_atomic(file, "x", 1, 0600, NULL) != 0)
        return 1;
    TAP_RUN(it_starts_no_program_and_signals_nobody);
    TAP_RUN(it_reads_what_resolving_a_name_needs_and_writes_nothing);
    TAP_RUN(its_memory_is_not_dumped);
#ifndef WL_SANITIZE
    TAP_RUN(it_looks_into_no_other_process);
#else
    TAP_RUN(a_report_of_a_sanitizer_comes_out);
#endif
    return fs_remove_tree(folder, NULL) == 0 ? tap_done() : 1;
}

/* proc.c - starting a program. fork and exec by hand rather than posix_spawn, because the child
 * must drop privileges, set its death signal afterwards (a change of user clears it) and close what
 * it must not hold. Between fork and exec only async-signal-safe calls are made. */
#include "lib/base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/io.h"

#define CHILD_FDS    6  /* stdin, stdout, stderr, extra_fd, extra_fd2, extra_fd3 */
#define REPORT_FD    6  /* where the child says that exec failed */
#define ABOVE_ALL    16 /* sources are moved up here first, so that no dup2 overwrites another */
#define EXIT_NO_EXEC 127

/* What the child sends when it could not start the program. */
struct failure {
    char stage[24];
    int number;
};

struct proc_spec proc_spec_init(void)
{
    return (struct proc_spec){.stdin_fd = -1,
                              .stdout_fd = -1,
                              .stderr_fd = -1,
                              .extra_fd = -1,
                              .extra_fd2 = -1,
                              .extra_fd3 = -1};
}

NORETURN static void give_up(int report, const char *stage)
{
    struct failure failure = {.number = errno};
    ssize_t ignored;

    for (size_t i = 0; i + 1 < sizeof failure.stage && stage[i] != '\0'; i++)
        failure.stage[i] = stage[i];
    ignored = write(report, &failure, sizeof failure);
    (void)ignored;
    _exit(EXIT_NO_EXEC);
}

static void close_from(unsigned first)
{
    struct rlimit limit = {.rlim_cur = 65536};

    if (syscall(SYS_close_range, first, ~0U, 0U) == 0)
        return;
    (void)getrlimit(RLIMIT_NOFILE, &limit); /* a kernel before 5.9 */
    for (unsigned fd = first; fd < limit.rlim_cur && fd < 65536; fd++)
        (void)close((int)fd);
}

/* Put the descriptors where the spec wants them and close all others. Returns the report pipe's new
 * number. */
static int arrange_fds(const struct proc_spec *spec, int report)
{
    int sources[CHILD_FDS] = {spec->stdin_fd, spec->stdout_fd, spec->stderr_fd,
                              spec->extra_fd, spec->extra_fd2, spec->extra_fd3};

    report = fcntl(report, F_DUPFD_CLOEXEC, ABOVE_ALL);
    if (report == -1)
        _exit(EXIT_NO_EXEC);
    if (sources[0] == -1)
        sources[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (sources[0] == -1)
        give_up(report, "open /dev/null");
    for (int i = 0; i < CHILD_FDS; i++) {
        if (sources[i] == -1)
            continue;
        sources[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, ABOVE_ALL);
        if (sources[i] == -1)
            give_up(report, "duplicate a descriptor");
    }
    for (int i = 0; i < CHILD_FDS; i++) {
        if (sources[i] != -1 && dup2(sources[i], i) == -1)
            give_up(report, "dup2");
        if (sources[i] == -1 && i > STDERR_FILENO)
            (void)close(i);
    }
    if (dup3(report, REPORT_FD, O_CLOEXEC) == -1)
        give_up(report, "dup3");
    close_from(REPORT_FD + 1);
    return REPORT_FD;
}

static void reset_signals(void)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL); /* an ignored SIGPIPE would outlive exec */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

NORETURN static void run_child(const struct proc_spec *spec, int report, pid_t parent)
{
    char *const *envp = spec->envp != NULL ? (char *const *)(uintptr_t)spec->envp : environ;

    report = arrange_fds(spec, report);
    if (spec->new_session && setsid() == -1)
        give_up(report, "setsid");
    if (spec->uid != 0 && geteuid() == 0) {
        if (setgroups(spec->extra_gid != 0 ? 1 : 0, &spec->extra_gid) != 0
            || setgid(spec->gid) != 0)
            give_up(report, "change group");
        if (setuid(spec->uid) != 0)
            give_up(report, "change user");
    }
    if (spec->death_signal != 0) {
        if (prctl(PR_SET_PDEATHSIG, (unsigned long)spec->death_signal) != 0)
            give_up(report, "set death signal");
        if (getppid() != parent) /* it died before the signal was set */
            _exit(EXIT_NO_EXEC);
    }
    reset_signals();
    (void)execve(spec->path, (char *const *)(uintptr_t)spec->argv, envp);
    give_up(report, "execve");
}

/* Wait until the child has become the program (end of file) or said why not. */
static int read_report(int fd, const char *path, struct err *err)
{
    struct failure failure = {.number = 0};
    ssize_t n;

    do {
        n = read(fd, &failure, sizeof failure);
    } while (n == -1 && errno == EINTR);
    if (n == 0)
        return 0;
    failure.stage[sizeof failure.stage - 1] = '\0';
    if (n == (ssize_t)sizeof failure)
        errno = failure.number;
    return err_errno(err, "start %s: %s", path, failure.stage);
}

pid_t proc_start(const struct proc_spec *spec, struct err *err)
{
    pid_t parent = getpid(), pid;
    int report[2];
    sigset_t all, before;

    if (spec->path[0] != '/' || (spec->uid != 0 && spec->gid == 0)) {
        errno = EINVAL;
        return err_errno(err, "start %s: the path must be absolute, a user needs its group",
                         spec->path);
    }
    if (pipe2(report, O_CLOEXEC) != 0)
        return err_errno(err, "pipe");
    /* No handler of ours may run in the child before exec. */
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0)
        run_child(spec, report[1], parent);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    io_close(&report[1]);
    if (pid == -1)
        err_errno(err, "fork");
    if (pid > 0 && read_report(report[0], spec->path, err) != 0) {
        while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
            ;
        pid = -1;
    }
    io_close(&report[0]);
    return pid;
}

#ifdef WL_SANITIZE
static void let_be_looked_into(void)
{
    (void)prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL);
}

const char *proc_report_folder(char folder[PATH_MAX])
{
    const char *options = getenv("ASAN_OPTIONS");
    const char *path = options != NULL ? strstr(options, "log_path=/") : NULL;

    folder[0] = '\0';
    if (path == NULL || snprintf(folder, PATH_MAX, "%s", strchr(path, '/')) >= PATH_MAX)
        return "/dev/null";
    folder[strcspn(folder, ":")] = '\0';
    *strrchr(folder, '/') = '\0';
    return folder;
}
#endif

void proc_harden(void)
{
    struct rlimit none = {0};

#ifdef WL_SANITIZE /* the leak check, last of all that exit() runs, stops the process by ptrace */
    (void)atexit(let_be_looked_into);
#endif
    (void)prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL);
    (void)setrlimit(RLIMIT_CORE, &none);
}

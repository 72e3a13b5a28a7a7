/* Starting programs: what the child gets, and that a failure to start is an error here. */
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/proc.h"

/* Run sh -c script with stdout to a pipe; what it printed. */
static const char *output_of(struct proc_spec spec, const char *script, int *status)
{
    static char out[8192];
    const char *const argv[] = {"sh", "-c", script, NULL};
    struct err err = {0};
    int fds[2];
    size_t len = 0;
    ssize_t n;
    pid_t pid;

    CHECK(pipe2(fds, O_CLOEXEC) == 0);
    spec.path = "/bin/sh";
    spec.argv = argv;
    spec.stdout_fd = fds[1];
    pid = proc_start(&spec, &err);
    CHECK(pid > 0);
    (void)close(fds[1]);
    while (len < sizeof out - 1 && (n = read(fds[0], out + len, sizeof out - 1 - len)) > 0)
        len += (size_t)n;
    out[len] = '\0';
    (void)close(fds[0]);
    CHECK(waitpid(pid, status, 0) == pid);
    return out;
}

static void a_missing_program_is_an_error_and_no_child(void)
{
    static const char *const argv[] = {"x", NULL};
    struct proc_spec spec = proc_spec_init();
    struct err err = {0};

    spec.path = "/no/such/program";
    spec.argv = argv;
    CHECK(proc_start(&spec, &err) == -1);
    CHECK_INT(err.code, ERR_INTERNAL);
    CHECK(strstr(err.detail, "/no/such/program") != NULL);
    CHECK(strstr(err.detail, "No such file") != NULL);
    spec.path = "/etc/passwd";
    CHECK(proc_start(&spec, &err) == -1);
    CHECK(strstr(err.detail, "Permission denied") != NULL);
    spec.path = "sh"; /* PATH is never searched */
    CHECK(proc_start(&spec, &err) == -1);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

static void arguments_pass_no_shell(void)
{
    static const char *const argv[] = {"printf", "%s|", "$(id)", "a b", "'\"`\n", "", NULL};
    struct proc_spec spec = proc_spec_init();
    char out[100] = "";
    struct err err = {0};
    int fds[2];
    pid_t pid;

    CHECK(pipe2(fds, O_CLOEXEC) == 0);
    spec.path = "/usr/bin/printf";
    spec.argv = argv;
    spec.stdout_fd = fds[1];
    pid = proc_start(&spec, &err);
    CHECK(pid > 0);
    (void)close(fds[1]);
    CHECK(waitpid(pid, NULL, 0) == pid);
    CHECK(read(fds[0], out, sizeof out - 1) > 0);
    CHECK_STR(out, "$(id)|a b|'\"`\n||");
    (void)close(fds[0]);
}

static void the_child_holds_only_the_named_descriptors(void)
{
    /* The glob's own descriptor is closed by the time the loop looks. */
    static const char list[] = "for f in /proc/$$/fd/*; do [ -e $f ] && echo ${f##*/}; done; :";
    struct proc_spec spec = proc_spec_init();
    int extra = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int leak = open("/dev/null", O_RDONLY); /* not close-on-exec, as some library's would be */
    int far = fcntl(leak, F_DUPFD, 200), status = -1;

    CHECK(extra >= 0 && leak >= 0 && far >= 200);
    CHECK_STR(output_of(spec, list, &status), "0\n1\n2\n");
    spec.extra_fd = extra;
    CHECK_STR(output_of(spec, list, &status), "0\n1\n2\n3\n");
    spec.extra_fd2 = extra;
    CHECK_STR(output_of(spec, list, &status), "0\n1\n2\n3\n4\n");
    spec.extra_fd2 = -1;
    spec.extra_fd3 = extra;
    CHECK_STR(output_of(spec, list, &status), "0\n1\n2\n3\n5\n");
    (void)close(extra);
    (void)close(leak);
    (void)close(far);
}

/* Two ends of pipes that hold a word each, at descriptors 50 and above. */
static int holding(const char *word)
{
    int fds[2] = {-1, -1}, high;

    CHECK(pipe2(fds, O_CLOEXEC) == 0);
    CHECK(write(fds[1], word, strlen(word)) == (ssize_t)strlen(word));
    high = fcntl(fds[0], F_DUPFD_CLOEXEC, 50);
    (void)close(fds[0]);
    (void)close(fds[1]);
    return high;
}

/* Our 3 must become the child's 4 and our 4 its 3: done one after the other, one would be lost. */
static void crossed_descriptors_arrive_where_they_belong(void)
{
    struct proc_spec spec = proc_spec_init();
    int first = holding("first\n"), second = holding("second\n"), status = -1;

    CHECK(dup3(first, 3, O_CLOEXEC) == 3 && dup3(second, 4, O_CLOEXEC) == 4);
    spec.extra_fd = 4;
    spec.extra_fd2 = 3;
    CHECK_STR(output_of(spec, "read a <&4; read b <&3; echo $a $b", &status), "first second\n");
    for (int fd = 3; fd <= 4; fd++)
        (void)close(fd);
    (void)close(first);
    (void)close(second);
}

static void standard_input_is_empty_unless_given(void)
{
    int status = -1;

    CHECK_STR(output_of(proc_spec_init(), "cat; echo end", &status), "end\n");
}

static void the_environment_is_the_given_one(void)
{
    static const char *const envp[] = {"ONLY=this", NULL};
    struct proc_spec spec = proc_spec_init();
    int status = -1;

    CHECK(setenv("WL_TEST_INHERITED", "yes", 1) == 0);
    CHECK_STR(output_of(spec, "echo $WL_TEST_INHERITED", &status), "yes\n");
    spec.envp = envp;
    CHECK_STR(output_of(spec, "echo $WL_TEST_INHERITED$ONLY", &status), "this\n");
}

static void ignored_and_blocked_signals_are_reset(void)
{
    struct proc_spec spec = proc_spec_init();
    sigset_t set, before;
    int status = -1;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, &before);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)output_of(spec, "kill -TERM $$; sleep 5", &status);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    (void)output_of(spec, "kill -PIPE $$; sleep 5", &status);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
}

static void a_new_session_is_led_by_the_child(void)
{
    struct proc_spec spec = proc_spec_init();
    int status = -1;

    spec.new_session = true;
    CHECK_STR(output_of(spec,
                        "read pid comm state ppid pgrp session rest < /proc/$$/stat; "
                        "[ $pid = $session ] && echo leads",
                        &status),
              "leads\n");
}

static void privileges_are_dropped_for_good(void)
{
    struct proc_spec spec = proc_spec_init();
    static const char *const argv[] = {"true", NULL};
    struct err err = {0};
    int status = -1;

    spec.path = "/bin/true";
    spec.argv = argv;
    spec.uid = 65534; /* without a group: refused rather than half done */
    CHECK(proc_start(&spec, &err) == -1);
    if (geteuid() != 0)
        SKIP("needs root, to have something to drop");
    spec.gid = 65534;
    CHECK_STR(output_of(spec, "id -u; id -g; id -G; grep ^CapEff /proc/self/status | tr -d '\\t'",
                        &status),
              "65534\n65534\n65534\nCapEff:0000000000000000\n");
}

/* A parent that dies by SIGKILL takes the child along, also after a change of user. */
static void the_death_signal_reaches_the_child(void)
{
    int report[2], status = -1;
    pid_t grandchild = -1, middle;
    int64_t until;

    CHECK(pipe2(report, O_CLOEXEC) == 0);
    middle = fork();
    if (middle == 0) {
        static const char *const argv[] = {"sleep", "60", NULL};
        struct proc_spec spec = proc_spec_init();
        ssize_t n;

        spec.path = "/bin/sleep";
        spec.argv = argv;
        spec.death_signal = SIGKILL;
        if (geteuid() == 0)
            spec.uid = spec.gid = 65534;
        grandchild = proc_start(&spec, NULL);
        n = write(report[1], &grandchild, sizeof grandchild);
        (void)n;
        (void)raise(SIGKILL);
    }
    CHECK(read(report[0], &grandchild, sizeof grandchild) == (ssize_t)sizeof grandchild);
    CHECK(grandchild > 0);
    CHECK(waitpid(middle, &status, 0) == middle);
    until = clock_mono_ms() + 3000;
    /* Whoever adopted it may leave it a zombie; both count as dead. */
    while (grandchild > 0 && kill(grandchild, 0) == 0 && clock_mono_ms() < until) {
        char path[64], stat[256] = "";
        int fd;

        (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)grandchild);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, stat, sizeof stat - 1) <= 0 || strstr(stat, ") Z ") != NULL)
            grandchild = 0;
        if (fd >= 0)
            (void)close(fd);
        clock_sleep_ms(10);
    }
    CHECK(grandchild == 0 || kill(grandchild, 0) != 0);
    (void)close(report[0]);
    (void)close(report[1]);
}

static void hardening_turns_dumps_off(void)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        struct rlimit limit = {.rlim_cur = 1};

        proc_harden();
        _exit(prctl(PR_GET_DUMPABLE) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
                      && getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0
                  ? 0
                  : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(void)
{
    TAP_RUN(a_missing_program_is_an_error_and_no_child);
    TAP_RUN(arguments_pass_no_shell);
    TAP_RUN(the_child_holds_only_the_named_descriptors);
    TAP_RUN(crossed_descriptors_arrive_where_they_belong);
    TAP_RUN(standard_input_is_empty_unless_given);
    TAP_RUN(the_environment_is_the_given_one);
    TAP_RUN(ignored_and_blocked_signals_are_reset);
    TAP_RUN(a_new_session_is_led_by_the_child);
    TAP_RUN(privileges_are_dropped_for_good);
    TAP_RUN(the_death_signal_reaches_the_child);
    TAP_RUN(hardening_turns_dumps_off);
    return tap_done();
}

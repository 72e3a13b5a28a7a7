/* proc.h - start our own programs. No shell, no PATH: the program is an absolute path, arguments
 * are an array.
 *
 * The child gets exactly the descriptors named: stdin, stdout and stderr plus `extra_fd`,
 * `extra_fd2` and `extra_fd3` as descriptors 3, 4 and 5 (all others are closed), the parent's death
 * signal `death_signal` (0: none), and the environment given. */
#ifndef WL_BASE_PROC_H
#define WL_BASE_PROC_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

struct proc_spec {
    const char *path;
    const char *const *argv; /* NULL-terminated, argv[0] included */
    const char *const *envp; /* NULL: inherit */
    int stdin_fd;            /* -1: /dev/null */
    int stdout_fd;           /* -1: inherit */
    int stderr_fd;           /* -1: inherit */
    int extra_fd;            /* becomes fd 3; -1: none */
    int extra_fd2;           /* becomes fd 4; -1: none */
    int extra_fd3;           /* becomes fd 5; -1: none */
    int death_signal;
    bool new_session; /* setsid in the child */
    uid_t uid;        /* dropped to when run as root and not 0 */
    gid_t gid;
    gid_t extra_gid; /* one supplementary group; 0: none */
};

/* A spec with every descriptor -1 and all else zero. */
struct proc_spec proc_spec_init(void);
/* Start; returns the pid or -1. A program that cannot be executed is an error here (reported over a
 * pipe), not a dead child. */
pid_t proc_start(const struct proc_spec *spec, struct err *err) MUST_USE;
/* Core dumps off, ptrace and /proc/self/mem by others off (PR_SET_DUMPABLE 0, RLIMIT_CORE 0), no
 * new privileges. */
void proc_harden(void);

#ifdef WL_SANITIZE
/* The folder that sanitizers write their reports to (log_path in ASAN_OPTIONS), which a sandbox
 * must leave open; "/dev/null" when they go to standard error. */
const char *proc_report_folder(char folder[PATH_MAX]);
#endif

#endif

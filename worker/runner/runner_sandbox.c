/* runner_sandbox.c - what this process can no longer do once it speaks to a hostile machine.
 *
 * Its descriptors are open by now, so of the file system it needs only what resolving a name reads
 * (Landlock, Linux 5.13). It starts no program and looks into no other process (seccomp: a short
 * list of calls that fail with EPERM). Where the kernel has neither, ordinary limits remain, and
 * the log says so: this is a second fence, not the first. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "lib/base/attr.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "worker/runner/runner_private.h"

#define FILES_MAX  64u
#define MEMORY_MAX ((rlim_t)1024 * 1024 * 1024)

/* What glibc's resolver and its modules read. */
static const char *const readable[] = {
    "/etc",  "/usr",           "/lib", "/lib64", "/run", "/dev/urandom", "/proc/sys/kernel",
#ifdef WL_SANITIZE /* what a report is made from */
    "/proc", "/proc/self/exe",
#endif
};

static bool allow_reading(int ruleset, const char *path)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return true; /* it is not there */
    struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE
                                                                | LANDLOCK_ACCESS_FS_READ_DIR,
                                              .parent_fd = fd};
    long rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    if (rc != 0) { /* a file rather than a folder: READ_DIR does not apply to it */
        rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
        rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    }
    (void)close(fd);
    return rc == 0;
}

#ifdef WL_SANITIZE
static bool allow_reports(int ruleset)
{
    char folder[PATH_MAX];
    int fd = open(proc_report_folder(folder), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return true; /* they go to standard error */
    struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_WRITE_FILE
                                                                | LANDLOCK_ACCESS_FS_MAKE_REG,
                                              .parent_fd = fd};
    long rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    (void)close(fd);
    return rc == 0;
}
#endif

static bool enter_landlock(void)
{
    /* The thirteen rights of ABI 1, which every later one knows. */
    struct landlock_ruleset_attr attributes = {.handled_access_fs =
                                                   (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset < 0)
        return false;
    bool ok = true;
    for (size_t i = 0; i < COUNT_OF(readable); i++)
        ok = allow_reading(ruleset, readable[i]) && ok;
#ifdef WL_SANITIZE
    ok = allow_reports(ruleset) && ok;
#endif
    ok = ok && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    (void)close(ruleset);
    return ok;
}

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef THIS_ARCH
#define REFUSE(call)                                                                               \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1),                                             \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA))

static bool enter_seccomp(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        REFUSE(SYS_execve),
        REFUSE(SYS_execveat),
#ifdef SYS_fork
        REFUSE(SYS_fork),
        REFUSE(SYS_vfork),
#endif
#ifndef WL_SANITIZE /* the leak check at the end */
        REFUSE(SYS_ptrace),
#endif
        REFUSE(SYS_process_vm_readv),
        REFUSE(SYS_process_vm_writev),
        REFUSE(SYS_kill),
        REFUSE(SYS_tkill),
        REFUSE(SYS_mount),
        REFUSE(SYS_umount2),
        REFUSE(SYS_unshare),
        REFUSE(SYS_setns),
        REFUSE(SYS_bpf),
        REFUSE(SYS_keyctl),
        REFUSE(SYS_add_key),
        REFUSE(SYS_request_key),
        REFUSE(SYS_io_uring_setup),
        REFUSE(SYS_userfaultfd),
        REFUSE(SYS_perf_event_open),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = (unsigned short)COUNT_OF(filter), .filter = filter};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
#else
static bool enter_seccomp(void)
{
    return false;
}
#endif

void sandbox_enter(void)
{
    proc_harden(); /* no core, no ptrace by others, no new privileges */
    (void)setrlimit(RLIMIT_NOFILE, &(struct rlimit){FILES_MAX, FILES_MAX});
#ifndef WL_SANITIZE
    (void)setrlimit(RLIMIT_AS, &(struct rlimit){MEMORY_MAX, MEMORY_MAX});
#endif
    bool landlock = enter_landlock();
    bool seccomp = enter_seccomp();
    LOG_INFO("sandbox", "landlock=%d seccomp=%d", landlock, seccomp);
}

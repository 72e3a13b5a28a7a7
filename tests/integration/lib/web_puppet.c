/* web_puppet.c - makes a running process do system calls: code run as that process, with its user,
 * its groups, its Landlock and all else it has given up, without a change in its program.
 *
 *     web_puppet PID         as root; reads one call per line, answers each with one line
 *
 * A call is its number and up to six arguments, separated by spaces: a number; `x:HEX` (bytes in
 * the process's memory); `r:N` (room for N bytes there, printed after the call as hex); `v:A:N` (an
 * iovec of N bytes at the address A, with A 0 at room of its own); `$N` (the result of the Nth
 * call, from 0). The answer is the result (a negative one is -errno) and the room's bytes. At the
 * end of the input the process goes on as if nothing had been.
 *
 * It is stopped in a system call of its own (it waits for requests), whose instruction is used. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)

#define ROOM     ((size_t)1024 * 1024)
#define ROOM_ONE ((size_t)128 * 1024) /* per argument */
#define SYSCALL  0x050f
#define NR_MMAP  9

#define CALLS_MAX 256

static pid_t pid;
static long long results[CALLS_MAX];
static size_t call_count;
static struct user_regs_struct before;
static unsigned long long room; /* ROOM bytes in the process */

static int fail(const char *what)
{
    fprintf(stderr, "web_puppet: %s: %s\n", what, strerror(errno));
    return 1;
}

static int wait_for_stop(void)
{
    int status;

    if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) {
        fprintf(stderr, "web_puppet: the process is gone\n");
        return -1;
    }
    return 0;
}

static int copy(void *ours, unsigned long long theirs, size_t len, int to_them)
{
    struct iovec here = {ours, len}, there = {(void *)(uintptr_t)theirs, len};
    ssize_t n = to_them ? process_vm_writev(pid, &here, 1, &there, 1, 0)
                        : process_vm_readv(pid, &here, 1, &there, 1, 0);

    return n == (ssize_t)len ? 0 : -1;
}

/* One system call; 0 and its result, or -1. */
static int call(unsigned long long number, const unsigned long long args[6], long long *result)
{
    struct user_regs_struct regs = before;

    regs.rip = before.rip - 2;
    regs.orig_rax = (unsigned long long)-1; /* nothing to restart */
    regs.rax = number;
    regs.rdi = args[0];
    regs.rsi = args[1];
    regs.rdx = args[2];
    regs.r10 = args[3];
    regs.r8 = args[4];
    regs.r9 = args[5];
    if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) != 0
        || ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0 || wait_for_stop() != 0
        || ptrace(PTRACE_GETREGS, pid, NULL, &regs) != 0)
        return -1;
    *result = (long long)regs.rax;
    return 0;
}

static int attach(void)
{
    static const unsigned long long MAP[6] = {0, ROOM, 3, 0x22, (unsigned long long)-1, 0};
    unsigned short instruction = 0;
    long long where = 0;

    if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) != 0)
        return fail("attach");
    if (wait_for_stop() != 0 || ptrace(PTRACE_GETREGS, pid, NULL, &before) != 0)
        return fail("stop");
    if (copy(&instruction, before.rip - 2, sizeof instruction, 0) != 0 || instruction != SYSCALL)
        return fail("the process is not in a system call");
    if (call(NR_MMAP, MAP, &where) != 0 || where <= 0)
        return fail("mmap");
    room = (unsigned long long)where;
    return 0;
}

static size_t unhex(const char *text, unsigned char *bytes, size_t max)
{
    size_t len = 0;
    unsigned value;

    while (len < max && sscanf(text + 2 * len, "%2x", &value) == 1)
        bytes[len++] = (unsigned char)value;
    return len;
}

/* What an argument is in the process; room_len: of an `r:N`. */
static int argument(int place, const char *text, unsigned long long *value, size_t *room_len)
{
    static unsigned char bytes[ROOM_ONE];
    unsigned long long at = room + (unsigned long long)place * ROOM_ONE;
    size_t len;

    *room_len = 0;
    *value = at;
    if (strncmp(text, "x:", 2) == 0) {
        len = unhex(text + 2, bytes, sizeof bytes);
        return len == 0 ? 0 : copy(bytes, at, len, 1);
    }
    if (strncmp(text, "r:", 2) == 0) {
        *room_len = strtoul(text + 2, NULL, 10);
        return *room_len <= ROOM_ONE ? 0 : -1;
    }
    if (strncmp(text, "v:", 2) == 0) {
        char *end;
        struct iovec vector;

        vector.iov_base = (void *)(uintptr_t)strtoull(text + 2, &end, 0);
        vector.iov_len = strtoul(end + 1, NULL, 10);
        if (vector.iov_base == NULL)
            vector.iov_base = (void *)(uintptr_t)(at + sizeof vector);
        return copy(&vector, at, sizeof vector, 1);
    }
    if (text[0] == '$') {
        len = strtoul(text + 1, NULL, 10);
        if (len >= call_count)
            return -1;
        *value = (unsigned long long)results[len];
        return 0;
    }
    *value = strtoull(text, NULL, 0);
    return 0;
}

static int serve(char *line)
{
    static unsigned char bytes[ROOM_ONE];
    unsigned long long number, args[6] = {0}, shown_at = 0;
    size_t shown = 0;
    long long result = 0;
    char *save = NULL, *word = strtok_r(line, " \n", &save);

    if (word == NULL)
        return 0;
    number = strtoull(word, NULL, 10);
    for (int i = 0; i < 6 && (word = strtok_r(NULL, " \n", &save)) != NULL; i++) {
        size_t len;

        if (argument(i, word, &args[i], &len) != 0)
            return fail(word);
        if (len > 0) {
            shown = len;
            shown_at = args[i];
        }
    }
    if (call_count == CALLS_MAX || call(number, args, &result) != 0)
        return fail("call");
    results[call_count++] = result;
    printf("%lld ", result);
    if (result > 0 && (size_t)result < shown)
        shown = (size_t)result;
    if (result >= 0 && shown > 0 && copy(bytes, shown_at, shown, 0) == 0)
        for (size_t i = 0; i < shown; i++)
            printf("%02x", bytes[i]);
    putchar('\n');
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    static char line[300000];
    int rc;

    if (argc != 2)
        return 2;
    pid = (pid_t)strtol(argv[1], NULL, 10);
    rc = attach();
    while (rc == 0 && fgets(line, sizeof line, stdin) != NULL)
        rc = serve(line);
    (void)ptrace(PTRACE_SETREGS, pid, NULL, &before);
    (void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
    return rc;
}

#else

int main(void)
{
    fputs("web_puppet: knows the registers of x86-64 only\n", stderr);
    return 3;
}

#endif

/* engine_confine.c - what a confined process can and cannot reach. Each claim is tried in a child
 * of its own, since confinement is for good. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "cgi/http/confine.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "tests/sanitizer_report.h"
#include "tests/tap.h"

static char top[64], open_dir[96], shut_dir[96], read_dir[96];
static int version; /* of Landlock here */

/* Run `claim` in a confined child: true when it says so. */
static bool confined(bool (*claim)(void))
{
    const struct confine_path paths[] = {
        {open_dir, CONFINE_WRITE}, {read_dir, CONFINE_READ}, {"/no/such/path", CONFINE_READ}};
    int status = 0;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        struct err err = {0};

        if (confine(paths, sizeof paths / sizeof paths[0], &err) != version)
            _exit(2);
        _exit(claim() ? 0 : 1);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool opens(const char *dir, const char *name, int flags)
{
    char path[160];
    int fd;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, flags, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool can_use_its_folders(void)
{
    return opens(open_dir, "new", O_WRONLY | O_CREAT) && opens(open_dir, "file", O_RDWR)
           && opens(read_dir, "file", O_RDONLY);
}

static bool cannot_read_elsewhere(void)
{
    return !opens(shut_dir, "file", O_RDONLY) && errno == EACCES
           && !opens("/etc", "passwd", O_RDONLY) && !opens("/usr/bin", "env", O_RDONLY);
}

static bool cannot_write_what_it_reads(void)
{
    return !opens(read_dir, "file", O_WRONLY) && !opens(read_dir, "new", O_WRONLY | O_CREAT);
}

static bool cannot_reach_out(void)
{
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(21290)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool refused;

    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    refused = connect(fd, (struct sockaddr *)&there, sizeof there) != 0 && errno == EACCES;
    refused = refused && bind(fd, (struct sockaddr *)&there, sizeof there) != 0 && errno == EACCES;
    return refused;
}

static bool cannot_run_programs(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return errno == EACCES;
}

static bool cannot_signal_others(void)
{
    return kill(getppid(), 0) != 0 && errno == EPERM;
}

static bool leaves_no_core(void)
{
    struct rlimit core;

    return prctl(PR_GET_DUMPABLE) == 0 && getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0
           && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static void a_confined_process_keeps_its_own_folders(void)
{
    CHECK(confined(can_use_its_folders));
}

static void it_reads_nothing_else_and_writes_only_where_it_may(void)
{
    if (version == 0)
        SKIP("this kernel has no Landlock");
    CHECK(confined(cannot_read_elsewhere));
    CHECK(confined(cannot_write_what_it_reads));
    CHECK(confined(cannot_run_programs));
}

static void it_has_no_network_and_signals_nobody(void)
{
    if (version < 6)
        SKIP("this kernel's Landlock is older than version 6");
    CHECK(confined(cannot_reach_out));
    CHECK(confined(cannot_signal_others));
}

static void its_memory_is_not_dumped(void)
{
    CHECK(confined(leaves_no_core));
}

static void shut_in(void)
{
    if (confine(NULL, 0, NULL) < 0)
        _exit(2);
}

static void make_dir(char *path, size_t size, const char *name)
{
    char file[160];

    snprintf(path, size, "%s/%s", top, name);
    snprintf(file, sizeof file, "%s/file", path);
    if (mkdir(path, 0700) != 0 || fs_write_atomic(file, "x", 1, 0600, NULL) != 0) {
        printf("Bail out! cannot make %s\n", file);
        _exit(1);
    }
}

static int probe(void)
{
    struct err err = {0};
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(confine(NULL, 0, &err));
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

int main(int argc, char **argv)
{
    report_if_asked(argc, argv, shut_in);
    log_init("test", LOG_LEVEL_ERROR);
    snprintf(top, sizeof top, "/tmp/wl-confine-XXXXXX");
    if (mkdtemp(top) == NULL)
        return 1;
    make_dir(open_dir, sizeof open_dir, "open");
    make_dir(shut_dir, sizeof shut_dir, "shut");
    make_dir(read_dir, sizeof read_dir, "read");
    version = probe();
    TAP_RUN(a_confined_process_keeps_its_own_folders);
    TAP_RUN(it_reads_nothing_else_and_writes_only_where_it_may);
    TAP_RUN(it_has_no_network_and_signals_nobody);
    TAP_RUN(its_memory_is_not_dumped);
#ifdef WL_SANITIZE
    TAP_RUN(a_report_of_a_sanitizer_comes_out);
#endif
    return fs_remove_tree(top, NULL) == 0 ? tap_done() : 1;
}

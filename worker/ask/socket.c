/* socket.c - the supervisor's side of the ask socket: listen, look who it is, start a child.
 *
 * The supervisor itself reads nothing from the connection: whatever a taken-over web tier sends is
 * parsed by a process that lives for one question. */
#include "worker/ask/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"

#define BACKLOG      64
#define CHILDREN_MAX 32

#define SAY_BUSY                                                                                   \
    "{\"ok\":false,\"code\":\"busy\",\"field\":\"\",\"user\":\"The worker is answering too many "  \
    "questions at once. Try again in a moment.\"}"
#define SAY_STRANGER                                                                               \
    "{\"ok\":false,\"code\":\"denied\",\"field\":\"\",\"user\":\"This user may not ask the "       \
    "worker.\"}"

static pid_t children[CHILDREN_MAX]; /* 0: free */

static int set_rights(const char *path, int group, struct err *err)
{
    if (group >= 0 && chown(path, (uid_t)-1, (gid_t)group) != 0)
        return err_errno(err, "set the group of %s", path);
    if (chmod(path, group >= 0 ? 0660 : 0600) != 0)
        return err_errno(err, "set the mode of %s", path);
    return 0;
}

int ask_listen(const char *var_dir, int group, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    mode_t mask;
    int fd, bound;

    if (snprintf(address.sun_path, sizeof address.sun_path, "%s/run/ask.sock", var_dir)
        >= (int)sizeof address.sun_path)
        return err_set(
            err, ERR_INPUT,
            "WL_VAR is too long: a socket's path has at most 107 bytes. Choose a shorter "
            "data folder.");
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return err_errno(err, "socket");
    (void)unlink(address.sun_path); /* one supervisor at a time: it holds the lock on var */
    mask = umask(0177);             /* private until its rights are set */
    bound = bind(fd, (const struct sockaddr *)&address, sizeof address);
    (void)umask(mask);
    if (bound != 0 || set_rights(address.sun_path, group, err) != 0 || listen(fd, BACKLOG) != 0) {
        if (err == NULL || err->code == ERR_NONE)
            err_errno(err, "listen on %s", address.sun_path);
        close(fd);
        return -1;
    }
    return fd;
}

/* Root, ourselves, or a member of the group that web, stream and worker share. */
static bool may_ask(int fd)
{
    struct ucred peer;
    gid_t groups[64];
    socklen_t len = sizeof peer, size = sizeof groups;
    const char *text = getenv("WL_GROUP");
    int64_t group = -1;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return false;
    if (peer.uid == 0 || peer.uid == geteuid())
        return true;
    if (text == NULL || !str_to_int64(text, 0, 0x7fffffff, &group))
        return false;
    if ((int64_t)peer.gid == group)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0)
        return false;
    for (size_t i = 0; i < size / sizeof groups[0]; i++)
        if ((int64_t)groups[i] == group)
            return true;
    return false;
}

static pid_t *free_place(void)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (children[i] == 0)
            return &children[i];
    return NULL;
}

static void say(int fd, const char *text)
{
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void answer_in_child(int fd, const char *program)
{
    const char *argv[] = {"windlass-worker", "-x", "ask", NULL};
    struct proc_spec spec = proc_spec_init();
    pid_t *place = free_place();
    struct err err = {0};
    pid_t pid;

    if (!may_ask(fd)) {
        LOG_WARN("ask_refused", "reason=peer");
        say(fd, SAY_STRANGER);
        return;
    }
    if (place == NULL) {
        say(fd, SAY_BUSY);
        return;
    }
    spec.path = program;
    spec.argv = argv;
    spec.extra_fd = fd;
    spec.death_signal = SIGKILL;
    pid = proc_start(&spec, &err);
    if (pid < 0) {
        log_err("ask_start", &err);
        say(fd, SAY_BUSY);
        return;
    }
    *place = pid;
}

void ask_accept(int listen_fd, const char *program)
{
    for (int i = 0; i < BACKLOG; i++) { /* at most so many before the poll loop goes on */
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

        if (fd == -1) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            if (errno != EAGAIN)
                LOG_ERROR("ask_accept", "errno=%d", errno);
            return;
        }
        answer_in_child(fd, program);
        close(fd);
    }
}

bool ask_reaped(pid_t pid)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (children[i] == pid) {
            children[i] = 0;
            return true;
        }
    return false;
}

/* ssh_lab.h - real sshd processes for C tests: start, ask, stop. One per scenario, on a free port
 * of 127.0.0.1, in a folder below $TMPDIR; tools/private-sshd.sh does the work. Programs are run
 * from the top of the source tree. */
#ifndef WL_TESTS_SSH_LAB_H
#define WL_TESTS_SSH_LAB_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/fs.h"
#include "lib/crypto/crypto.h"
#include "worker/ssh/ssh.h"

struct lab {
    char folder[200];
    char key_path[256];
    int port;
    pid_t pid;
    char login[64];
    struct buf key;     /* our private key */
    uint8_t blob[1024]; /* the server's ed25519 host key, or whichever lab_pin named */
    size_t blob_len;
    char type[64];
};

__attribute__((unused)) static int lab_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int port = -1;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0
        && getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        port = ntohs(address.sin_port);
    close(fd);
    return port;
}

/* Whether something accepts connections on the port within the time. */
__attribute__((unused)) static bool lab_await_port(int port, int wait_ms)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)};
    for (int64_t deadline = clock_mono_ms() + wait_ms; clock_mono_ms() < deadline;
         clock_sleep_ms(20)) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool up = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
        close(fd);
        if (up)
            return true;
    }
    return false;
}

/* Run a program to its end; its exit status. */
__attribute__((unused)) static int lab_command(const char *const *argv)
{
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Whether a file of the lab's folder holds the text. */
__attribute__((unused)) static bool lab_file_has(const struct lab *lab, const char *name,
                                                 const char *text)
{
    char path[512];
    struct buf bytes;
    buf_init(&bytes, (size_t)64 * 1024 * 1024);
    (void)snprintf(path, sizeof path, "%s/%s", lab->folder, name);
    bool found = fs_read_all(path, &bytes, NULL) == 0
                 && memmem(bytes.data, bytes.len, text, strlen(text)) != NULL;
    buf_deinit(&bytes);
    return found;
}

/* Pin the server's key of this type ("ed25519", "ecdsa", "rsa"), read from its .pub file. */
__attribute__((unused)) static bool lab_pin(struct lab *lab, const char *type)
{
    char path[512], text[4096];
    (void)snprintf(path, sizeof path, "%s/host_%s_key.pub", lab->folder, type);
    struct buf bytes;
    buf_init(&bytes, sizeof text);
    bool ok = fs_read_all(path, &bytes, NULL) == 0
              && sscanf(bytes.data, "%63s %4095s", lab->type, text) == 2;
    int len = ok ? crypto_unb64(text, lab->blob, sizeof lab->blob) : -1;
    lab->blob_len = len > 0 ? (size_t)len : 0;
    buf_deinit(&bytes);
    return len > 0;
}

/* Options are pairs for tools/private-sshd.sh, ended by NULL: "--host-key", "rsa", "--option",
 * "MACs ...", NULL. */
__attribute__((unused)) static bool lab_start(struct lab *lab, ...)
{
    const char *argv[32] = {"tools/private-sshd.sh", "--client-key", lab->key_path};
    int argc = 3;
    char port[16];
    memset(lab, 0, sizeof *lab);
    const char *base = getenv("TMPDIR");
    (void)snprintf(lab->folder, sizeof lab->folder, "%s/wl-ssh-XXXXXX",
                   base != NULL ? base : "/tmp");
    if (mkdtemp(lab->folder) == NULL)
        return false;
    (void)snprintf(lab->key_path, sizeof lab->key_path, "%s/client", lab->folder);
    va_list options;
    va_start(options, lab);
    for (const char *word = va_arg(options, const char *); word != NULL && argc < 28;
         word = va_arg(options, const char *))
        argv[argc++] = word;
    va_end(options);
    lab->port = lab_free_port();
    (void)snprintf(port, sizeof port, "%d", lab->port);
    argv[argc++] = lab->folder;
    argv[argc++] = port;
    argv[argc] = NULL;
    lab->pid = fork();
    if (lab->pid == 0) {
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    struct passwd *account = getpwuid(getuid());
    (void)snprintf(lab->login, sizeof lab->login, "%s",
                   account != NULL ? account->pw_name : "nobody");
    buf_init(&lab->key, 16384);
    return lab_await_port(lab->port, 60000) && fs_read_all(lab->key_path, &lab->key, NULL) == 0
           && (lab_pin(lab, "ed25519") || lab_pin(lab, "ecdsa") || lab_pin(lab, "rsa"));
}

__attribute__((unused)) static void lab_stop(struct lab *lab)
{
    if (lab->pid > 0) {
        const char *const reap[] = {"tools/private-sshd.sh", "--reap", lab->folder, NULL};
        kill(lab->pid, SIGTERM);
        (void)waitpid(lab->pid, NULL, 0);
        (void)lab_command(reap);
    }
    buf_deinit(&lab->key);
    (void)!fs_remove_tree(lab->folder, NULL);
}

__attribute__((unused)) static struct ssh_target lab_target(const struct lab *lab)
{
    return (struct ssh_target){.host = "127.0.0.1",
                               .port = lab->port,
                               .login = lab->login,
                               .pin_type = lab->type,
                               .pin_blob = lab->blob,
                               .pin_len = lab->blob_len,
                               .private_key = lab->key.data,
                               .private_key_len = lab->key.len};
}

#endif

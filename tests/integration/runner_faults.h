/* runner_faults.h - what tests do to a deploy that runs, and how they look at what came of it. */
#ifndef WL_TESTS_RUNNER_FAULTS_H
#define WL_TESTS_RUNNER_FAULTS_H

#include "tests/integration/runner_lab.h"

/* KILL to every direct child of the lab's sshd: the sessions. */
__attribute__((unused)) static void play_print(const struct play *play)
{
    printf("# verdict %s: %s | %s\n", play->verdict, play->summary, play->left_as);
    for (int i = 0; i < play->step_count; i++)
        printf("#   %-12s %-9s %5lld ms  %s\n", play->steps[i].name, play->steps[i].state,
               (long long)play->steps[i].ms, play->steps[i].cause);
}

__attribute__((unused)) static int play_kill_sessions(const struct lab *lab)
{
    DIR *proc = lab->pid > 1 ? opendir("/proc") : NULL; /* never the children of 0 or 1 */
    int killed = 0;
    for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;) {
        char path[300], text[512], *after;
        int parent = 0;
        (void)snprintf(path, sizeof path, "/proc/%.20s/stat", entry->d_name);
        FILE *file = entry->d_name[0] >= '0' && entry->d_name[0] <= '9' ? fopen(path, "r") : NULL;
        if (file == NULL)
            continue;
        if (fgets(text, sizeof text, file) != NULL && (after = strrchr(text, ')')) != NULL
            && sscanf(after, ") %*c %d", &parent) == 1 && parent == lab->pid) {
            kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
            killed++;
        }
        fclose(file);
    }
    if (proc != NULL)
        closedir(proc);
    return killed;
}

/* The body of one GET on a port of 127.0.0.1, "" when nothing answers. */
__attribute__((unused)) static void play_get(int port, const char *path, char *body, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)};
    char request[200], answer[8192];
    size_t used = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    body[0] = '\0';
    int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0
        && write(fd, request, (size_t)len) == len)
        for (ssize_t got; used < sizeof answer - 1
                          && (got = read(fd, answer + used, sizeof answer - 1 - used)) > 0;)
            used += (size_t)got;
    answer[used] = '\0';
    close(fd);
    const char *start = strstr(answer, "\r\n\r\n");
    (void)snprintf(body, size, "%s", start != NULL ? start + 4 : "");
}

/* How often the line stands in a file of the lab's folder. */
__attribute__((unused)) static int play_count_lines(const struct lab *lab, const char *name,
                                                    const char *line)
{
    char path[512];
    struct buf bytes;
    int count = 0;
    buf_init(&bytes, 1 << 20);
    (void)snprintf(path, sizeof path, "%s/%s", lab->folder, name);
    if (fs_read_all(path, &bytes, NULL) == 0)
        for (char *at = bytes.data; at != NULL && *at != '\0';) {
            char *end = strchr(at, '\n');
            if (end != NULL)
                *end = '\0';
            count += strcmp(at, line) == 0;
            at = end != NULL ? end + 1 : NULL;
        }
    buf_deinit(&bytes);
    return count;
}

#endif

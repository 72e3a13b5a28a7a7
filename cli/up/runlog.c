/* runlog.c - the programs' common log (runlog.h).
 *
 * The programs hold the descriptor as their standard error, so a rename would not move them: the
 * contents are copied aside and the file is cut. Lines written between the two are lost, which a
 * log may; nothing that matters lives here (the history is in the database). */
#include "cli/up/runlog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "lib/base/io.h"

#define LOG_MAX ((off_t)8 * 1024 * 1024)
#define END_MAX 2048

int runlog_open(const struct place *place, struct err *err)
{
    char path[PLACE_SIZE];
    int fd;

    if (place_path(place, "run/log/windlass.log", path, err) != 0)
        return -1;
    fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd != -1 ? fd : err_errno(err, "open %s", path);
}

/* Copy the whole file to `to`; -1 with errno. */
static int copy_all(int from, int to)
{
    char bytes[65536];
    off_t at = 0;
    ssize_t n;

    while ((n = pread(from, bytes, sizeof(bytes), at)) > 0) {
        if (write(to, bytes, (size_t)n) != n)
            return -1;
        at += n;
    }
    return n == 0 ? 0 : -1;
}

void runlog_bound(const struct place *place, int fd)
{
    char path[PLACE_SIZE];
    struct stat st;
    int old;

    if (fstat(fd, &st) != 0 || st.st_size <= LOG_MAX
        || place_path(place, "run/log/windlass.log.1", path, NULL) != 0)
        return;
    old = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (old != -1)
        (void)copy_all(fd, old); /* a full disk: the cut below is then all the more needed */
    io_close(&old);
    if (ftruncate(fd, 0) != 0)
        fprintf(stderr, "windlass: the log could not be cut: %s\n", strerror(errno));
}

void runlog_show_end(int fd)
{
    char bytes[END_MAX + 1];
    struct stat st;
    off_t from;
    ssize_t n;
    char *line, *newline;

    if (fstat(fd, &st) != 0)
        return;
    from = st.st_size > END_MAX ? st.st_size - END_MAX : 0;
    n = pread(fd, bytes, END_MAX, from);
    bytes[n > 0 ? n : 0] = '\0';
    line = bytes;
    if (from > 0 && (newline = strchr(line, '\n')) != NULL)
        line = newline + 1;
    for (; *line != '\0' && (newline = strchr(line, '\n')) != NULL; line = newline + 1)
        fprintf(stderr, "  | %.*s\n", (int)(newline - line), line);
}

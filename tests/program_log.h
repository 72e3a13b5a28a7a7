/* program_log.h - what a program that a test has started says on standard error, and whether it
 * went well: one that had to start a child again which no test has ended, or in which a sanitizer
 * has complained, fails the test. */
#ifndef WL_TESTS_PROGRAM_LOG_H
#define WL_TESTS_PROGRAM_LOG_H

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/tap.h"

#define LOG_TEXT_MAX ((size_t)4 * 1024 * 1024)

struct program_log {
    int fd; /* a file of no folder: a full disk cannot cut it */
};

__attribute__((unused)) static void program_log_open(struct program_log *log)
{
    log->fd = memfd_create("log", MFD_CLOEXEC);
    if (log->fd < 0 || fcntl(log->fd, F_SETFL, O_APPEND) != 0) {
        printf("Bail out! no memory for a log\n");
        exit(1);
    }
}

/* In the child, before exec. */
__attribute__((unused)) static void program_log_is_stderr(const struct program_log *log)
{
    if (dup2(log->fd, STDERR_FILENO) < 0)
        _exit(9);
}

static bool is_one_of(const char *line, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strstr(line, *words) != NULL)
            return true;
    return false;
}

/* A child that was killed (9) is told of by the line that it is started again. */
static bool is_fault(const char *line)
{
    static const char *const complaints[] = {"Sanitizer", "runtime error: ", "status=86",
                                             "ERROR: Can't open file", NULL};
    const char *number = strstr(line, "event=child-ended") == NULL ? NULL : strstr(line, "signal=");

    if (number != NULL && strtol(number + 7, NULL, 10) != 0
        && strtol(number + 7, NULL, 10) != SIGKILL)
        return true;
    return is_one_of(line, complaints);
}

/* All of the log since it was opened. `replaced`: how many children the test, or what it made the
 * program do, has ended; -1: some. Closes the log. */
__attribute__((unused)) static void program_log_check(struct program_log *log, int replaced)
{
    static const char *const again[] = {"event=runner_lost", "event=mask_lost",
                                        "prog=windlass-web ", NULL};
    char *text = calloc(1, LOG_TEXT_MAX), *rest = text, *line;
    bool was_failed = tap_test_failed;
    int seen = 0;

    CHECK(text != NULL && pread(log->fd, text, LOG_TEXT_MAX - 1, 0) >= 0);
    while (text != NULL && (line = strsep(&rest, "\n")) != NULL) {
        bool is_child =
            strstr(line, "prog=windlass-web ") == NULL || strstr(line, "event=child-ended") != NULL;

        if (is_child && is_one_of(line, again))
            seen++;
        if (is_fault(line))
            tap_note_failure(__FILE__, __LINE__, line);
    }
    if (replaced < 0 ? seen == 0 : seen != replaced) {
        printf("# %d children were started again, %d (-1: some) have been ended by the test\n",
               seen, replaced);
        tap_test_failed = true;
    }
    if (tap_test_failed && !was_failed && pread(log->fd, text, LOG_TEXT_MAX - 1, 0) > 0)
        for (rest = text; (line = strsep(&rest, "\n")) != NULL;)
            printf("# said: %s\n", line);
    free(text);
    (void)close(log->fd);
    log->fd = -1;
}

/* Asked to stop by SIGTERM, a program ends with status 0. */
__attribute__((unused)) static void program_log_check_end(int wait_status)
{
    CHECK(WIFEXITED(wait_status));
    CHECK_INT(WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status), 0);
}

#endif

/* sanitizer_report.h - in sanitizer builds: a report reaches its file even from a process that has
 * given up nearly everything. A sandbox that is in its way would make every test of what is inside
 * blind. */
#ifndef WL_TESTS_SANITIZER_REPORT_H
#define WL_TESTS_SANITIZER_REPORT_H

#include "tests/tap.h"

#ifdef WL_SANITIZE
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/buf.h"
#include "lib/base/fs.h"

static void report_leak(void)
{
    char *volatile lost = malloc(4711);

    if (lost != NULL)
        lost[0] = 'x';
    lost = NULL;
}

static void report_overflow(void)
{
    volatile int most = INT_MAX;

    most = most + 1;
}

/* Whether the only file in `folder` holds `words`; it is removed. */
static bool report_says(const char *folder, const char *words)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    bool said = false;
    int count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[PATH_MAX];
        struct buf text;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%.1000s/%.250s", folder, entry->d_name);
        buf_init(&text, (size_t)1024 * 1024);
        said = fs_read_all(path, &text, NULL) == 0 && strstr(text.data, words) != NULL;
        buf_deinit(&text);
        unlink(path);
        count++;
    }
    if (dir != NULL)
        closedir(dir);
    return said && count == 1;
}

/* Start this program again (the sanitizers read their options at the start) to do wrong. */
static void report_from(const char *wrong, const char *words)
{
    char folder[] = "/tmp/wl-report-XXXXXX", options[PATH_MAX];
    int status = 0;
    pid_t pid;

    CHECK(mkdtemp(folder) != NULL);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        snprintf(options, sizeof options, "log_path=%s/r", folder);
        setenv("ASAN_OPTIONS", options, 1);
        setenv("UBSAN_OPTIONS", options, 1);
        setenv("LSAN_OPTIONS", options, 1);
        execl("/proc/self/exe", "report", wrong, (char *)NULL);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) != 0);
    CHECK(report_says(folder, words));
    CHECK(rmdir(folder) == 0);
}

__attribute__((unused)) static void a_report_of_a_sanitizer_comes_out(void)
{
    report_from("leak", "4711 byte(s) leaked");
    report_from("overflow", "signed integer overflow");
}

#endif

/* First in main: the program that was started again shuts itself in, then does wrong. */
__attribute__((unused)) static void report_if_asked(int argc, char **argv, void (*shut_in)(void))
{
    (void)argc, (void)argv, (void)shut_in;
#ifdef WL_SANITIZE
    if (argc != 2)
        return;
    shut_in();
    if (strcmp(argv[1], "leak") == 0)
        report_leak();
    else
        report_overflow();
    exit(0);
#endif
}

#endif

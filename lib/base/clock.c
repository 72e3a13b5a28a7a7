/* clock.c - the two clocks. A failing clock_gettime cannot happen on Linux with these two ids, so
 * the functions have no error to return. */
#include "lib/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FIRST_MS INT64_C(-62135596800000) /* 0001-01-01 */
#define LAST_MS  INT64_C(253402300799999) /* 9999-12-31: RFC 3339 years have four digits */

static int64_t read_clock(clockid_t id)
{
    struct timespec t = {0};

    (void)clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

const char *clock_boot_id(void)
{
    static char id[40]; /* read once: it cannot change while this process lives */
    ssize_t n;
    int fd;

    if (id[0] != '\0')
        return id;
    fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    n = fd >= 0 ? read(fd, id, 36) : -1;
    if (fd >= 0)
        (void)close(fd);
    if (n != 36)
        memcpy(id, "unknown", 8);
    return id;
}

const char *clock_rfc3339(char dst[CLOCK_TEXT_SIZE], int64_t unix_ms)
{
    struct tm tm = {0};
    int64_t ms;
    time_t s;

    if (unix_ms < FIRST_MS)
        unix_ms = FIRST_MS;
    if (unix_ms > LAST_MS)
        unix_ms = LAST_MS;
    ms = (unix_ms % 1000 + 1000) % 1000;
    s = (time_t)((unix_ms - ms) / 1000);
    (void)gmtime_r(&s, &tm);
    (void)snprintf(dst, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                   (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
                   (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
                   (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100, (unsigned)ms % 1000);
    return dst;
}

int clock_left_ms(int64_t mono_deadline)
{
    int64_t left = mono_deadline - clock_mono_ms();

    if (left <= 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

void clock_sleep_ms(int ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    if (ms <= 0)
        return;
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
        ;
}

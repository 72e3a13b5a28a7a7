/* freeze.c - see freeze.h. What the wall shows is counted as civil time, that is as if it were UTC
 * (timegm); only the way from a moment to the wall needs the zone. So nothing here adds 24 hours
 * and calls it a day. */
#include "lib/domain/freeze.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/str.h"

#define MINUTE       60
#define DAY          ((int64_t)24 * 60 * MINUTE)
#define WEEK_MINUTES (7 * 24 * 60)
#define HORIZON      (400 * DAY)
#define SLACK        (3 * 60 * MINUTE) /* more than any change of summer time */
#define ZONES        "/usr/share/zoneinfo"

static const char *const DAYS[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* --- the zone -----------------------------------------------------------------------------------
 */

static int check_zone(const char *zone, struct err *err)
{
    char path[sizeof ZONES + 1 + FREEZE_ZONE_MAX];
    size_t len = strlen(zone);
    struct stat st;

    if (len == 0 || len >= FREEZE_ZONE_MAX || zone[0] == '/' || strstr(zone, "..") != NULL
        || strspn(zone, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/")
               != len)
        return err_field(err, "zone", "Give a time zone by its name, such as Europe/Berlin.");
    if (str_equal(zone, "UTC"))
        return 0;
    (void)snprintf(path, sizeof path, ZONES "/%s", zone);
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || access(path, R_OK) != 0)
        return err_field(err, "zone",
                         "There is no time zone %.64s here. Write it as Europe/Berlin; if that is "
                         "right, install the package tzdata on the dashboard.",
                         zone);
    return 0;
}

/* The C library has one zone at a time; ours goes back to UTC, which everything else here uses. */
static void enter_zone(const char *zone)
{
    char value[FREEZE_ZONE_MAX + 1];

    (void)snprintf(value, sizeof value, ":%s", str_equal(zone, "UTC") ? "UTC0" : zone);
    (void)setenv("TZ", str_equal(zone, "UTC") ? "UTC0" : value, 1);
    tzset();
}

static void leave_zone(void)
{
    (void)unsetenv("TZ");
    tzset();
}

/* --- reading ------------------------------------------------------------------------------------
 */

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* "16:00", "24:00": minutes; -1 when it is none. */
static int read_time(const char **at)
{
    int hour = 0, minute = 0, used = 0;

    if (sscanf(*at, "%2d:%2d%n", &hour, &minute, &used) != 2 || used != 5 || (*at)[2] != ':'
        || hour < 0 || minute < 0 || minute > 59 || hour * 60 + minute > 24 * 60)
        return -1;
    *at += used;
    return hour * 60 + minute;
}

static int read_day(const char **at)
{
    for (int day = 0; day < 7; day++) {
        if (strncasecmp(*at, DAYS[day], 3) == 0 && (*at)[3] == ' ') {
            *at = skip_blanks(*at + 3);
            return day;
        }
    }
    return -1;
}

/* "2026-12-20" or "2026-12-20 18:00". has_time tells which. */
static bool read_date(const char **at, int64_t *civil, bool *has_time)
{
    struct tm tm = {0};
    int year = 0, month = 0, day = 0, used = 0, minutes;
    const char *time_at;

    if (sscanf(*at, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3 || used != 10 || year < 2000
        || month < 1 || month > 12 || day < 1)
        return false;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    tm.tm_mday = day;
    *civil = (int64_t)timegm(&tm);
    if (tm.tm_mon != month - 1 || tm.tm_mday != day)
        return false; /* 30 February */
    *at += used;
    time_at = skip_blanks(*at);
    minutes = read_time(&time_at);
    *has_time = minutes >= 0;
    if (*has_time) {
        *civil += (int64_t)minutes * MINUTE;
        *at = time_at;
    }
    return true;
}

static bool read_dash(const char **at)
{
    *at = skip_blanks(*at);
    if (**at != '-')
        return false;
    *at = skip_blanks(*at + 1);
    return true;
}

static bool read_weekly(const char *line, struct freeze_window *window)
{
    const char *at = line;
    int day = read_day(&at), minutes = day < 0 ? -1 : read_time(&at), to_day, to_minutes;

    if (minutes < 0 || !read_dash(&at))
        return false;
    to_day = read_day(&at);
    to_minutes = to_day < 0 ? -1 : read_time(&at);
    if (to_minutes < 0 || *skip_blanks(at) != '\0')
        return false;
    window->is_weekly = true;
    window->from = (day * 24 * 60 + minutes) % WEEK_MINUTES;
    window->to = (to_day * 24 * 60 + to_minutes) % WEEK_MINUTES;
    return window->from != window->to;
}

static bool read_dates(const char *line, struct freeze_window *window)
{
    const char *at = line;
    bool from_has_time, to_has_time;

    if (!read_date(&at, &window->from, &from_has_time) || !read_dash(&at)
        || !read_date(&at, &window->to, &to_has_time) || *skip_blanks(at) != '\0')
        return false;
    if (!to_has_time)
        window->to += DAY; /* the last day is whole */
    return window->from < window->to && window->to - window->from <= HORIZON;
}

/* A line of its own, without its comment and the blanks around. Changes the text. */
static int read_line(char *line, int number, struct freeze *freeze, struct err *err)
{
    char *hash = strchr(line, '#'), *name = hash == NULL ? line + strlen(line) : hash + 1;
    struct freeze_window window = {.is_weekly = false};
    size_t len;

    if (hash != NULL)
        *hash = '\0';
    line += strspn(line, " \t\r");
    len = strlen(line);
    while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r'))
        line[--len] = '\0';
    if (len == 0)
        return 0;
    if (freeze->count == FREEZE_WINDOWS_MAX)
        return err_field(err, "windows", "More than %d windows. Join some.", FREEZE_WINDOWS_MAX);
    if (!read_weekly(line, &window) && !read_dates(line, &window))
        return err_field(err, "windows",
                         "Line %d is no window. Write it as Fri 16:00 - Mon 08:00 or as 2026-12-20 "
                         "- 2027-01-03 (its end behind its beginning, at most 400 days).",
                         number);
    name += strspn(name, " \t");
    len = strlen(name);
    while (len > 0 && (name[len - 1] == ' ' || name[len - 1] == '\r'))
        name[--len] = '\0';
    (void)str_copy(window.text, sizeof window.text, name[0] != '\0' ? name : line);
    freeze->windows[freeze->count++] = window;
    return 0;
}

int freeze_parse(const char *zone, const char *windows, struct freeze *freeze, struct err *err)
{
    char text[FREEZE_TEXT_MAX + 1], *save = NULL;
    size_t len = strlen(windows);
    int number = 0;

    memset(freeze, 0, sizeof *freeze);
    if (len > FREEZE_TEXT_MAX || !str_is_utf8(windows, len) || str_has_control(windows, len, true))
        return err_field(err, "windows", "The windows are text of at most %d bytes.",
                         FREEZE_TEXT_MAX);
    memcpy(text, windows, len + 1);
    for (char *line = text; line != NULL; line = save) {
        save = strchr(line, '\n');
        if (save != NULL)
            *save++ = '\0';
        if (read_line(line, ++number, freeze, err) != 0)
            return -1;
    }
    if (freeze->count == 0)
        return 0;
    if (check_zone(zone, err) != 0)
        return -1;
    (void)str_copy(freeze->zone, sizeof freeze->zone, zone);
    return 0;
}

/* --- a moment -----------------------------------------------------------------------------------
 */

/* For how many civil seconds more this window holds; 0: it does not. */
static int64_t holds_for(const struct freeze_window *window, const struct tm *tm, int64_t civil)
{
    int64_t minute, left;

    if (!window->is_weekly)
        return civil >= window->from && civil < window->to ? window->to - civil : 0;
    minute = (int64_t)((tm->tm_wday + 6) % 7) * 24 * 60 + tm->tm_hour * 60 + tm->tm_min;
    left = (window->to - minute + WEEK_MINUTES) % WEEK_MINUTES;
    if ((minute - window->from + WEEK_MINUTES) % WEEK_MINUTES
        >= (window->to - window->from + WEEK_MINUTES) % WEEK_MINUTES)
        return 0;
    return left * MINUTE - tm->tm_sec;
}

/* The longest of those that hold at this moment. */
static int64_t frozen_for(const struct freeze *freeze, int64_t seconds, int *first)
{
    time_t moment = (time_t)seconds;
    struct tm tm, copy;
    int64_t longest = 0, civil;

    if (localtime_r(&moment, &tm) == NULL)
        return HORIZON;
    copy = tm;
    civil = (int64_t)timegm(&copy);
    for (int i = freeze->count - 1; i >= 0; i--) {
        int64_t left = holds_for(&freeze->windows[i], &tm, civil);

        if (left > 0)
            *first = i;
        if (left > longest)
            longest = left;
    }
    return longest;
}

/* The first moment at which no window holds. While one is sure to hold for longer than any change
 * of summer time there is nothing to look at; near its end each minute is. */
static int64_t find_end(const struct freeze *freeze, int64_t now)
{
    int64_t at = now;

    while (at - now < HORIZON) {
        int ignored = 0;
        int64_t left = frozen_for(freeze, at, &ignored);

        if (left == 0)
            return at;
        at = left > 2 * SLACK ? at + left - SLACK : at - at % MINUTE + MINUTE;
    }
    return 0;
}

int freeze_at(const struct freeze *freeze, int64_t now_ms, struct freeze_now *at, struct err *err)
{
    int64_t now = now_ms / 1000, end;
    int first = 0;
    struct err unreadable = {0};

    memset(at, 0, sizeof *at);
    if (freeze->count == 0)
        return 0;
    if (check_zone(freeze->zone, &unreadable) != 0)
        return err_set(err, ERR_INTERNAL,
                       "The rules of the time zone %.64s cannot be read, so nobody knows whether "
                       "deploys are frozen. Install the package tzdata on the dashboard, or change "
                       "the freeze windows.",
                       freeze->zone);
    enter_zone(freeze->zone);
    if (frozen_for(freeze, now, &first) > 0) {
        at->is_frozen = true;
        (void)str_copy(at->text, sizeof at->text, freeze->windows[first].text);
        end = find_end(freeze, now);
        if (end > 0) {
            time_t moment = (time_t)end;
            struct tm tm;

            at->until_ms = end * 1000;
            if (localtime_r(&moment, &tm) != NULL)
                (void)strftime(at->until, sizeof at->until, "%a %Y-%m-%d %H:%M %Z", &tm);
        }
    }
    leave_zone();
    return 0;
}

/* freeze.c - freeze windows over the week, over dates, and over both changes of summer time.
 * Moments are given in UTC and computed by nothing that the rule itself uses. */
#include "tests/tap.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lib/base/attr.h"
#include "lib/domain/freeze.h"

/* "2026-10-25T00:30Z" as milliseconds, by counting days (Howard Hinnant's civil calendar is not
 * needed: a loop will do). */
static int64_t utc(const char *text)
{
    static const int MONTHS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day, hour, minute;
    int64_t days = 0;
    if (sscanf(text, "%d-%d-%dT%d:%dZ", &year, &month, &day, &hour, &minute) != 5)
        abort();
    for (int y = 1970; y < year; y++)
        days += y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) ? 366 : 365;
    for (int m = 1; m < month; m++)
        days += MONTHS[m - 1] + (m == 2 && year % 4 == 0 ? 1 : 0);
    return (((days + day - 1) * 24 + hour) * 60 + minute) * (int64_t)60000;
}

static struct freeze made(const char *zone, const char *windows)
{
    struct freeze freeze;
    struct err err = {0};
    CHECK(freeze_parse(zone, windows, &freeze, &err) == 0);
    if (err.user[0] != '\0')
        printf("# %s\n", err.user);
    return freeze;
}

/* "open", or until when in UTC: "2026-11-30T07:00Z". */
static const char *at(const struct freeze *freeze, const char *moment)
{
    static char text[40];
    struct freeze_now now;
    struct err err = {0};
    struct tm tm;
    if (freeze_at(freeze, utc(moment), &now, &err) != 0)
        return "error";
    if (!now.is_frozen)
        return "open";
    time_t until = (time_t)(now.until_ms / 1000);
    gmtime_r(&until, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%MZ", &tm);
    return now.until_ms == 0 ? "no end" : text;
}

static void a_weekend_begins_and_ends_in_its_own_zone(void)
{
    struct freeze f = made("Europe/Berlin", "Fri 16:00 - Mon 08:00  # weekend\n");
    CHECK_STR(at(&f, "2026-11-27T14:59Z"), "open");              /* Friday 15:59 */
    CHECK_STR(at(&f, "2026-11-27T15:00Z"), "2026-11-30T07:00Z"); /* 16:00 */
    CHECK_STR(at(&f, "2026-11-29T23:30Z"), "2026-11-30T07:00Z"); /* Monday 0:30 */
    CHECK_STR(at(&f, "2026-11-30T06:59Z"), "2026-11-30T07:00Z");
    CHECK_STR(at(&f, "2026-11-30T07:00Z"), "open");
    CHECK_STR(at(&f, "2026-07-03T13:59Z"), "open"); /* in summer an hour earlier */
    CHECK_STR(at(&f, "2026-07-03T14:00Z"), "2026-07-06T06:00Z");
}

static void the_clock_goes_forward_within_a_window(void)
{
    struct freeze f = made("Europe/Berlin", "Sat 20:00 - Sun 06:00");
    CHECK_STR(at(&f, "2026-03-28T20:00Z"), "2026-03-29T04:00Z"); /* 06:00 CEST, an hour less */
    struct freeze gap = made("Europe/Berlin", "Sun 01:00 - Sun 02:30");
    CHECK_STR(at(&gap, "2026-03-29T00:30Z"), "2026-03-29T01:00Z"); /* 02:00 to 03:00 is not */
    CHECK_STR(at(&gap, "2026-03-29T01:00Z"), "open");              /* 03:00 CEST */
    struct freeze inside = made("Europe/Berlin", "Sun 02:00 - Sun 02:45");
    CHECK_STR(at(&inside, "2026-03-29T01:10Z"), "open"); /* never on that day */
    CHECK_STR(at(&inside, "2026-03-22T01:10Z"), "2026-03-22T01:45Z");
}

static void the_clock_goes_back_within_a_window(void)
{
    struct freeze f = made("Europe/Berlin", "Sat 20:00 - Sun 06:00");
    CHECK_STR(at(&f, "2026-10-24T19:00Z"), "2026-10-25T05:00Z"); /* 06:00 CET, an hour more */
    struct freeze twice = made("Europe/Berlin", "Sun 01:00 - Sun 02:30");
    CHECK_STR(at(&twice, "2026-10-25T00:10Z"), "2026-10-25T00:30Z"); /* the first 02:30 */
    CHECK_STR(at(&twice, "2026-10-25T00:40Z"), "open");              /* 02:40 CEST */
    CHECK_STR(at(&twice, "2026-10-25T01:10Z"), "2026-10-25T01:30Z"); /* 02:10 again, CET */
    CHECK_STR(at(&twice, "2026-10-25T01:30Z"), "open");
    struct freeze ny = made("America/New_York", "2026-11-01 01:00 - 2026-11-01 01:30");
    CHECK_STR(at(&ny, "2026-11-01T05:10Z"), "2026-11-01T05:30Z"); /* EDT */
    CHECK_STR(at(&ny, "2026-11-01T06:10Z"), "2026-11-01T06:30Z"); /* EST */
}

static void dates_are_whole_days_and_years_go_round(void)
{
    struct freeze f = made("Asia/Kolkata", "2026-12-20 - 2027-01-03");
    CHECK_STR(at(&f, "2026-12-19T18:29Z"), "open");
    CHECK_STR(at(&f, "2026-12-19T18:30Z"), "2027-01-03T18:30Z");
    CHECK_STR(at(&f, "2027-01-03T18:29Z"), "2027-01-03T18:30Z");
    CHECK_STR(at(&f, "2027-01-03T18:30Z"), "open");
    struct freeze leap = made("UTC", "2028-02-29 - 2028-02-29");
    CHECK_STR(at(&leap, "2028-02-29T12:00Z"), "2028-03-01T00:00Z");
    CHECK_STR(at(&leap, "2028-03-01T00:00Z"), "open");
}

static void windows_that_meet_are_one(void)
{
    struct freeze f = made("UTC", "Sat 00:00 - Mon 00:00\nMon 00:00 - Mon 08:00\n"
                                  "# a comment\n\n2026-11-30 07:00 - 2026-11-30 09:00 # launch");
    struct freeze_now now;
    struct err err = {0};
    CHECK_STR(at(&f, "2026-11-28T10:00Z"), "2026-11-30T09:00Z");
    CHECK(freeze_at(&f, utc("2026-11-30T08:30Z"), &now, &err) == 0);
    CHECK_STR(now.text, "launch");
    CHECK_STR(now.until, "Mon 2026-11-30 09:00 UTC");
    struct freeze always = made("UTC", "Mon 00:00 - Thu 00:00\nThu 00:00 - Mon 00:00");
    CHECK_STR(at(&always, "2026-11-28T10:00Z"), "no end");
    struct freeze never = made("Nowhere/Land", " \n# nothing\n");
    CHECK_INT(never.count, 0);
    CHECK_STR(at(&never, "2026-11-28T10:00Z"), "open");
}

static void what_is_no_window_is_named(void)
{
    static const char *const LINES[] = {"Fri 16:00",
                                        "Fri 16:00 - ",
                                        "Fri 25:00 - Sat 01:00",
                                        "Fri 16:60 - Sat 01:00",
                                        "Fri 24:01 - Sat 01:00",
                                        "Fri 16 - Sat 01:00",
                                        "Fry 16:00 - Sat 01:00",
                                        "Fri 16:00 - Fri 16:00",
                                        "2026-02-30 - 2026-03-01",
                                        "2026-13-01 - 2026-13-02",
                                        "2026-01-02 - 2026-01-01",
                                        "2026-01-01 - 2030-01-01",
                                        "2026-01-01 - 2026-01-02 x",
                                        "Fri 16:00 - Mon 08:00 x",
                                        "-5:00 - 3:00"};
    static const char *const ZONES[] = {
        "",       "/etc/passwd", "../../etc/passwd", "Europe/Nowhere",
        "CET;rm", "Europe",      "Europe/../UTC"};
    struct freeze freeze;
    char text[200];
    for (size_t i = 0; i < COUNT_OF(LINES); i++) {
        struct err err = {0};
        snprintf(text, sizeof text, "\n%s", LINES[i]);
        CHECK(freeze_parse("UTC", text, &freeze, &err) != 0);
        CHECK_STR(err.field, "windows");
        CHECK(strstr(err.user, "Line 2") != NULL);
        if (err.user[0] == '\0')
            printf("#   taken: %s\n", LINES[i]);
    }
    for (size_t i = 0; i < COUNT_OF(ZONES); i++) {
        struct err err = {0};
        CHECK(freeze_parse(ZONES[i], "Fri 16:00 - Mon 08:00", &freeze, &err) != 0);
        CHECK_STR(err.field, "zone");
    }
}

static void without_the_zones_rules_nobody_knows(void)
{
    struct freeze f = made("Europe/Berlin", "Fri 16:00 - Mon 08:00");
    struct freeze_now now;
    struct err err = {0};
    snprintf(f.zone, sizeof f.zone, "Europe/Vanished");
    CHECK(freeze_at(&f, utc("2026-11-24T12:00Z"), &now, &err) != 0);
    CHECK(strstr(err.user, "tzdata") != NULL);
}

int main(void)
{
    TAP_RUN(a_weekend_begins_and_ends_in_its_own_zone);
    TAP_RUN(the_clock_goes_forward_within_a_window);
    TAP_RUN(the_clock_goes_back_within_a_window);
    TAP_RUN(dates_are_whole_days_and_years_go_round);
    TAP_RUN(windows_that_meet_are_one);
    TAP_RUN(what_is_no_window_is_named);
    TAP_RUN(without_the_zones_rules_nobody_knows);
    return tap_done();
}

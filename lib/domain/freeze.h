/* freeze.h - windows of time in which nobody deploys: "Fri 16:00 - Mon 08:00" of each week, and
 * dates, both in the wall time of one zone, summer time included. A pure rule over a moment; the
 * zone's rules are those of the C library's zone files on the dashboard.
 *
 * A window is a line, what follows # is its name:
 *     Fri 16:00 - Mon 08:00  # weekend
 *     2026-12-20 - 2027-01-03  # both days whole
 *     2026-12-20 18:00 - 2027-01-03 06:00
 * Its end does not belong to it. 24:00 is the end of a day. */
#ifndef WL_DOMAIN_FREEZE_H
#define WL_DOMAIN_FREEZE_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

#define FREEZE_WINDOWS_MAX 32
#define FREEZE_TEXT_MAX    4000
#define FREEZE_NAME_MAX    80
#define FREEZE_ZONE_MAX    64

struct freeze_window {
    bool is_weekly;
    int64_t from, to;           /* weekly: minutes from Monday 00:00; else civil seconds (timegm) */
    char text[FREEZE_NAME_MAX]; /* its name, or the line as it was typed */
};
struct freeze {
    char zone[FREEZE_ZONE_MAX];
    struct freeze_window windows[FREEZE_WINDOWS_MAX];
    int count; /* 0: nothing is ever frozen */
};

/* ERR_INPUT with field "zone" (no such zone here) or "windows" (the line's number, the cause, an
 * example). Empty windows: count 0, whatever the zone. */
int freeze_parse(const char *zone, const char *windows, struct freeze *freeze,
                 struct err *err) MUST_USE;

struct freeze_now {
    bool is_frozen;
    int64_t until_ms;           /* when no window holds any more; 0: not within 400 days */
    char text[FREEZE_NAME_MAX]; /* of the first window that holds */
    char until[48];             /* "Mon 2026-11-30 08:00 CET", "" when unknown */
};
/* -1 (ERR_INTERNAL) when the zone's rules cannot be read: nobody knows, so nobody may. Not for use
 * by several threads. */
int freeze_at(const struct freeze *freeze, int64_t now_ms, struct freeze_now *at,
              struct err *err) MUST_USE;

#endif

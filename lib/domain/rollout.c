/* rollout.c - order of hosts, canary, groups, and the decision over those that are held
 * (rollout.h). */
#include "lib/domain/rollout.h"

#include <string.h>
#include "lib/base/str.h"

#define KEY_SHARE   "rollout"
#define KEY_WAIT    "rollout_wait_s"
#define KEY_FAILURE "rollout_failure"
#define SHARE_MAX   1000
#define WAIT_S_MAX  3600

static const char *const FAILURES[] = {"go back", "stop", "continue"};

json_t *rollout_settings(void)
{
    return json_pack(
        "[{s:s, s:s, s:s, s:s, s:b, s:s}, {s:s, s:s, s:s, s:i, s:i, s:s, s:b, s:s},"
        " {s:s, s:s, s:s, s:[s, s, s], s:s, s:b, s:s}]",
        "key", KEY_SHARE, "label", "Servers at a time", "type", "share", "default", "1", "required",
        0, "help",
        "How many servers are deployed to at the same time: a number, or a share such as 25%. The "
        "first server always goes alone, and nothing else begins before it is proven healthy.",
        "key", KEY_WAIT, "label", "Seconds between groups of servers", "type", "number", "min", 0,
        "max", WAIT_S_MAX, "default", "0", "required", 0, "help",
        "How long to wait before the next servers begin.", "key", KEY_FAILURE, "label",
        "When a server fails", "type", "choice", "choices", FAILURES[0], FAILURES[1], FAILURES[2],
        "default", FAILURES[0], "required", 0, "help",
        "go back: no further server begins, and those that were switched go back to the release "
        "before. stop: no further server begins; those that were switched keep the new release. "
        "continue: the other servers go on. When the first server fails, no other one begins.");
}

/* The number in front of an optional %; 0: it is none. */
static int share_of(const char *text, bool *percent)
{
    char digits[8];
    size_t len = text == NULL ? 0 : strlen(text);
    int64_t number = 0;
    *percent = len > 0 && text[len - 1] == '%';
    if (*percent)
        len--;
    if (len == 0 || len >= sizeof digits)
        return 0;
    memcpy(digits, text, len);
    digits[len] = '\0';
    return str_to_int64(digits, 1, *percent ? 100 : SHARE_MAX, &number) ? (int)number : 0;
}

int rollout_check_share(const char *field, const char *text, struct err *err)
{
    bool percent;
    if (share_of(text, &percent) > 0)
        return 0;
    return err_field(err, field,
                     "This must be a number of servers, such as 1, or a share of them, such as "
                     "25%%.");
}

static enum rollout_failure failure_of(const char *text)
{
    for (size_t i = 0; i < COUNT_OF(FAILURES); i++) {
        if (str_equal(text, FAILURES[i]))
            return (enum rollout_failure)i;
    }
    return ROLLOUT_GO_BACK;
}

static struct rollout bounded(json_int_t at_once, json_int_t wait_s, const char *failure)
{
    return (struct rollout){.at_once = at_once < 1           ? 1
                                       : at_once > SHARE_MAX ? SHARE_MAX
                                                             : (int)at_once,
                            .wait_s = wait_s < 0            ? 0
                                      : wait_s > WAIT_S_MAX ? WAIT_S_MAX
                                                            : (int)wait_s,
                            .on_failure = failure_of(failure)};
}

struct rollout rollout_of_settings(const json_t *settings, int hosts)
{
    bool percent;
    int share = share_of(json_string_value(json_object_get(settings, KEY_SHARE)), &percent);
    return bounded(percent ? (share * hosts + 99) / 100 : share,
                   json_integer_value(json_object_get(settings, KEY_WAIT)),
                   json_string_value(json_object_get(settings, KEY_FAILURE)));
}

json_t *rollout_json(const struct rollout *rollout)
{
    return json_pack("{s:i, s:i, s:s, s:b}", "at_once", rollout->at_once, "wait_s", rollout->wait_s,
                     "on_failure", FAILURES[rollout->on_failure], "no_canary",
                     (int)rollout->no_canary);
}

struct rollout rollout_of_json(const json_t *value)
{
    struct rollout rollout = bounded(json_integer_value(json_object_get(value, "at_once")),
                                     json_integer_value(json_object_get(value, "wait_s")),
                                     json_string_value(json_object_get(value, "on_failure")));
    rollout.no_canary = json_is_true(json_object_get(value, "no_canary"));
    return rollout;
}

static bool is_proven(enum rollout_host host)
{
    return host == ROLLOUT_HELD || host == ROLLOUT_PASSED;
}

/* The canary is a group of its own. */
static int group_of(const struct rollout *rollout, int host)
{
    if (rollout->no_canary)
        return host / rollout->at_once;
    return host == 0 ? 0 : 1 + (host - 1) / rollout->at_once;
}

bool rollout_next(const struct rollout *rollout, const enum rollout_host *hosts, int count,
                  int *first, int *end)
{
    int next = 0;
    while (next < count && hosts[next] != ROLLOUT_WAITING)
        next++;
    if (next == count || (next > 0 && !rollout->no_canary && !is_proven(hosts[0])))
        return false;
    for (int h = 0; h < count; h++) {
        if (hosts[h] == ROLLOUT_BAD && rollout->on_failure != ROLLOUT_CONTINUE)
            return false;
        if (hosts[h] == ROLLOUT_UNDER_WAY && group_of(rollout, h) < group_of(rollout, next))
            return false;
    }
    *first = *end = next;
    while (*end < count && group_of(rollout, *end) == group_of(rollout, next))
        (*end)++;
    return true;
}

enum rollout_decision rollout_decide(const enum rollout_host *hosts, int count, bool stopped)
{
    bool all_proven = true, bad = false;
    for (int h = 0; h < count; h++) {
        if (hosts[h] == ROLLOUT_PASSED)
            return ROLLOUT_FINISH; /* it was decided before: who has passed does not go back */
        all_proven = all_proven && hosts[h] == ROLLOUT_HELD;
        bad = bad || hosts[h] == ROLLOUT_BAD;
    }
    if (all_proven)
        return ROLLOUT_FINISH;
    return bad || stopped ? ROLLOUT_BACK : ROLLOUT_HOLD;
}

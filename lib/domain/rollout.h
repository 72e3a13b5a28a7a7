/* rollout.h - in which order a job's hosts begin, and what becomes of those that were switched when
 * one fails. Pure rules: the worker asks them each time something has changed.
 *
 * The first host is the canary: nobody else begins before it is proven. After it come groups of
 * `at_once`, each when the one before is over and `wait_s` seconds have gone by. A host that fails
 * stops what has not begun (canary) or as on_failure says; who has begun finishes the turn.
 *
 * With GO_BACK a proven host stays held, its way back open, until all hosts are proven; then all
 * finish. When one fails instead, all that are held go back. What was decided is read off the
 * hosts' states, so it outlives the process that decided. */
#ifndef WL_DOMAIN_ROLLOUT_H
#define WL_DOMAIN_ROLLOUT_H

#include <jansson.h>
#include <stdbool.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

enum rollout_failure { ROLLOUT_GO_BACK = 0, ROLLOUT_STOP, ROLLOUT_CONTINUE };

struct rollout {
    int at_once; /* hosts of a group, at least 1 */
    int wait_s;
    enum rollout_failure on_failure;
    bool no_canary; /* the first host is like any other: for what changes nothing */
};

/* The settings that every recipe for apps has besides its own: a new list, as in recipe.json. */
json_t *rollout_settings(void);
/* "3" or "25%" (of the hosts, rounded up): ERR_INPUT with this field otherwise. */
int rollout_check_share(const char *field, const char *text, struct err *err) MUST_USE;
/* From checked settings. What is missing: one at a time, no wait, go back. */
struct rollout rollout_of_settings(const json_t *settings, int hosts);
/* {at_once, wait_s, on_failure, no_canary}, as it stands in a plan; and back. */
json_t *rollout_json(const struct rollout *rollout);
struct rollout rollout_of_json(const json_t *value);

enum rollout_host {
    ROLLOUT_WAITING = 0, /* its turn has not begun */
    ROLLOUT_UNDER_WAY,
    ROLLOUT_HELD,   /* proven, and waits for the decision */
    ROLLOUT_PASSED, /* proven, and has begun to tidy up, or ended well: it does not go back */
    ROLLOUT_BAD     /* its turn ended otherwise, or it goes back */
};

/* Which hosts may begin now: those that wait from *first to before *end. False: none. With a wait
 * between groups the caller sees to it that the time has gone by. */
bool rollout_next(const struct rollout *rollout, const enum rollout_host *hosts, int count,
                  int *first, int *end);

enum rollout_decision { ROLLOUT_HOLD = 0, ROLLOUT_FINISH, ROLLOUT_BACK };
/* What those that are held are to do. stopped: no further host will begin (a cancel). */
enum rollout_decision rollout_decide(const enum rollout_host *hosts, int count, bool stopped);

#endif

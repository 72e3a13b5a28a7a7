/* aside.h - what may be asked of jobs that run beside what is live without changing it: one command
 * in its context, and its own log. Pure rules, used by the form and again by the worker, which
 * believes no row. */
#ifndef WL_DOMAIN_ASIDE_H
#define WL_DOMAIN_ASIDE_H

#include <jansson.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

#define ASIDE_COMMAND_S_MAX 3600
#define ASIDE_LINES_MAX     5000
#define ASIDE_SINCE_S_MAX   (7 * 24 * 3600)
#define ASIDE_FOLLOW_S      300 /* a log that is followed ends after this by itself */

/* params of a command: {server_id, command (one shell line), service ("" where the recipe has
 * none), how ("running": in the container that runs; "once": in one of its own), limit_s}.
 * ERR_INPUT with the field's name. */
int aside_check_command(const json_t *params, struct err *err) MUST_USE;

/* params of a log: {server_id, service ("" for all), filter ("" for none: lines that have this
 * text), lines (1 to ASIDE_LINES_MAX), since_s (0: from the beginning), follow (bool)}. */
int aside_check_logs(const json_t *params, struct err *err) MUST_USE;

#endif

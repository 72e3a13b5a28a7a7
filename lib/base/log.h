/* log.h - the program's own log: one logfmt line per event on standard error.
 *
 * time=... level=... prog=... event=... then what the format says, which is written as `key=value`
 * pairs by convention. Control characters, quotes and invalid UTF-8 in the result are escaped, so
 * that no value can begin a line of its own. Never pass a secret, a session id or a token. Safe
 * before log_init. */
#ifndef WL_BASE_LOG_H
#define WL_BASE_LOG_H

#include "lib/base/attr.h"
#include "lib/base/err.h"

enum log_level { LOG_LEVEL_ERROR = 0, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_init(const char *program, enum log_level max_level);
void log_event(enum log_level level, const char *event, const char *fmt, ...) PRINTF(3, 4);
/* The error's code, sentence and detail under `event`. */
void log_err(const char *event, const struct err *e);

#define LOG_ERROR(event, ...) log_event(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define LOG_WARN(event, ...)  log_event(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define LOG_INFO(event, ...)  log_event(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define LOG_DEBUG(event, ...) log_event(LOG_LEVEL_DEBUG, event, __VA_ARGS__)

#endif

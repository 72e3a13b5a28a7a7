/* attr.h - compiler attributes by the names this code base uses. */
#ifndef WL_BASE_ATTR_H
#define WL_BASE_ATTR_H

/* The result says whether the call failed; ignoring it is a bug. */
#define MUST_USE __attribute__((warn_unused_result))
/* printf-style argument checking: format is argument `f`, first value is argument `a`. */
#define PRINTF(f, a)    __attribute__((format(printf, f, a)))
#define NORETURN        __attribute__((noreturn))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif

/* err.h - what went wrong, once for the person and once for the log.
 *
 * Every fallible function returns 0 or -1 and takes a `struct err *` as its last parameter. The
 * function that notices the failure fills it; callers pass it on unchanged, or put a sentence in
 * front with err_wrap. Only the top (dispatcher, job, main) reports it.
 *
 * Invariants: `user` is safe to show: no path of the dashboard, no SQL, no secret; it says the
 * cause and the fix. `detail` is for the log alone. `field` names the form field or setting at
 * fault, or is "". A zeroed struct is "no error". All functions accept err == NULL and then only
 * return -1. */
#ifndef WL_BASE_ERR_H
#define WL_BASE_ERR_H

#include "lib/base/attr.h"

enum err_code {
    ERR_NONE = 0,
    ERR_INPUT,      /* the caller's data is wrong: HTTP 422 */
    ERR_NOT_FOUND,  /* HTTP 404 */
    ERR_DENIED,     /* HTTP 403 */
    ERR_SIGNED_OUT, /* no valid session: HTTP 303 to /login, or 401 */
    ERR_PROVE,      /* the password must be entered again first: HTTP 403 */
    ERR_CONFLICT,   /* somebody else was first, or a version is stale: HTTP 409 */
    ERR_TOO_LARGE,  /* HTTP 413 */
    ERR_THROTTLED,  /* HTTP 429 */
    ERR_BUSY,       /* locked or overloaded; the same call may succeed later: HTTP 503 */
    ERR_NO_SPACE,   /* the dashboard's disk is full: HTTP 507 */
    ERR_NO_MEMORY,  /* a limit of this request was reached: HTTP 503 */
    ERR_REMOTE,     /* the target or another machine failed: HTTP 502 */
    ERR_INTERNAL    /* our fault, or the environment's: HTTP 500 */
};

struct err {
    enum err_code code;
    char field[64];
    char user[512];
    char detail[512];
};

/* Fill `e` with a code and the sentence for the person. Always returns -1, for `return
 * err_set(...)`. */
int err_set(struct err *e, enum err_code code, const char *user_fmt, ...) PRINTF(3, 4);

/* As err_set, and name the form field (or setting) at fault. */
int err_field(struct err *e, const char *field, const char *user_fmt, ...) PRINTF(3, 4);

/* Append to the detail for the log. Returns -1. */
int err_detail(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* ERR_INTERNAL (or ERR_NO_SPACE for ENOSPC/EDQUOT) from errno: `what` is what was being done, for
 * the log. */
int err_errno(struct err *e, const char *what_fmt, ...) PRINTF(2, 3);

/* Put "prefix: " in front of the sentence. Returns -1. */
int err_wrap(struct err *e, const char *prefix_fmt, ...) PRINTF(2, 3);

/* The code's name in lower case with dashes ("not-found"), for JSON and logs. Never NULL. */
const char *err_code_name(enum err_code code);

/* The HTTP status of a code (the numbers above). */
int err_http_status(enum err_code code);

#endif

/* err.c - the error object. Sentences are cut at a UTF-8 boundary rather than refused: an error
 * that cannot be reported whole must still be reported. */
#include "lib/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"

/* vsnprintf cuts at a byte; take back the part of a character it may have left. */
static void end_at_character(char *text)
{
    size_t len = strlen(text), lead = len;

    for (int back = 0; back < 4 && lead > 0; back++) {
        lead--;
        if (((unsigned char)text[lead] & 0xC0U) != 0x80U)
            break;
    }
    if (!str_is_utf8(text + lead, len - lead))
        text[lead] = '\0';
}

static void format(char *dst, size_t size, const char *fmt, va_list ap) PRINTF(3, 0);
static void format(char *dst, size_t size, const char *fmt, va_list ap)
{
    int n = vsnprintf(dst, size, fmt, ap);

    if (n < 0)
        dst[0] = '\0';
    else if ((size_t)n >= size)
        end_at_character(dst);
}

int err_set(struct err *e, enum err_code code, const char *user_fmt, ...)
{
    va_list ap;

    if (e == NULL)
        return -1;
    e->code = code;
    e->field[0] = '\0';
    e->detail[0] = '\0';
    va_start(ap, user_fmt);
    format(e->user, sizeof e->user, user_fmt, ap);
    va_end(ap);
    return -1;
}

int err_field(struct err *e, const char *field, const char *user_fmt, ...)
{
    va_list ap;

    if (e == NULL)
        return -1;
    e->code = ERR_INPUT;
    (void)str_copy(e->field, sizeof e->field, field != NULL ? field : "");
    e->detail[0] = '\0';
    va_start(ap, user_fmt);
    format(e->user, sizeof e->user, user_fmt, ap);
    va_end(ap);
    return -1;
}

int err_detail(struct err *e, const char *fmt, ...)
{
    va_list ap;
    size_t len;

    if (e == NULL)
        return -1;
    len = strlen(e->detail);
    if (len > 0 && len + 3 < sizeof e->detail) {
        memcpy(e->detail + len, "; ", 3);
        len += 2;
    }
    va_start(ap, fmt);
    format(e->detail + len, sizeof e->detail - len, fmt, ap);
    va_end(ap);
    return -1;
}

int err_errno(struct err *e, const char *what_fmt, ...)
{
    int number = errno; /* before anything else can change it */
    char what[256];
    va_list ap;

    if (e == NULL)
        return -1;
    va_start(ap, what_fmt);
    format(what, sizeof what, what_fmt, ap);
    va_end(ap);
    if (number == ENOSPC || number == EDQUOT)
        err_set(e, ERR_NO_SPACE,
                "The dashboard's disk is full, so nothing was changed. "
                "Free some space on it and try again.");
    else
        err_set(e, ERR_INTERNAL,
                "Windlass could not do this because of a fault on its own machine. "
                "The program's log names it.");
    return err_detail(e, "%s: %s (errno %d)", what, strerror(number), number);
}

int err_wrap(struct err *e, const char *prefix_fmt, ...)
{
    char old[sizeof e->user];
    char prefix[sizeof e->user];
    va_list ap;
    int n;

    if (e == NULL)
        return -1;
    memcpy(old, e->user, sizeof old);
    va_start(ap, prefix_fmt);
    format(prefix, sizeof prefix, prefix_fmt, ap);
    va_end(ap);
    n = snprintf(e->user, sizeof e->user, "%s: %s", prefix, old);
    if (n < 0 || (size_t)n >= sizeof e->user)
        end_at_character(e->user);
    return -1;
}

static const struct {
    enum err_code code;
    int http_status;
    const char *name;
} CODES[] = {
    {ERR_NONE, 200, "none"},
    {ERR_INPUT, 422, "input"},
    {ERR_NOT_FOUND, 404, "not-found"},
    {ERR_DENIED, 403, "denied"},
    {ERR_SIGNED_OUT, 401, "signed-out"},
    {ERR_PROVE, 403, "prove"},
    {ERR_CONFLICT, 409, "conflict"},
    {ERR_TOO_LARGE, 413, "too-large"},
    {ERR_THROTTLED, 429, "throttled"},
    {ERR_BUSY, 503, "busy"},
    {ERR_NO_SPACE, 507, "no-space"},
    {ERR_NO_MEMORY, 503, "no-memory"},
    {ERR_REMOTE, 502, "remote"},
    {ERR_INTERNAL, 500, "internal"},
};

const char *err_code_name(enum err_code code)
{
    for (size_t i = 0; i < COUNT_OF(CODES); i++) {
        if (CODES[i].code == code)
            return CODES[i].name;
    }
    return "internal";
}

int err_http_status(enum err_code code)
{
    for (size_t i = 0; i < COUNT_OF(CODES); i++) {
        if (CODES[i].code == code)
            return CODES[i].http_status;
    }
    return 500;
}

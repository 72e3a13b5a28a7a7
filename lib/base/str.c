/* str.c - questions about text from outside. */
#include "lib/base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Length of the well-formed UTF-8 sequence at s, 0 when there is none. The ranges are table 3-7 of
 * the Unicode standard (the same as RFC 3629 section 4). */
static size_t utf8_sequence(const unsigned char *s, size_t len)
{
    unsigned char low = 0x80, high = 0xBF;
    size_t need;

    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xC2 && s[0] <= 0xDF) {
        need = 2;
    } else if (s[0] >= 0xE0 && s[0] <= 0xEF) {
        need = 3;
        low = s[0] == 0xE0 ? 0xA0 : 0x80;
        high = s[0] == 0xED ? 0x9F : 0xBF;
    } else if (s[0] >= 0xF0 && s[0] <= 0xF4) {
        need = 4;
        low = s[0] == 0xF0 ? 0x90 : 0x80;
        high = s[0] == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if (len < need || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++) {
        if ((s[i] & 0xC0U) != 0x80U)
            return 0;
    }
    return need;
}

bool str_is_utf8(const char *bytes, size_t len)
{
    const unsigned char *s = (const unsigned char *)bytes;
    size_t i = 0;

    while (i < len) {
        size_t n = utf8_sequence(s + i, len - i);

        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

bool str_has_control(const char *bytes, size_t len, bool allow_lines)
{
    const unsigned char *s = (const unsigned char *)bytes;

    for (size_t i = 0; i < len; i++) {
        if (allow_lines && (s[i] == '\n' || s[i] == '\t'))
            continue;
        if (s[i] < 0x20 || s[i] == 0x7F)
            return true;
        /* C1 controls U+0080 to U+009F are C2 80 to C2 9F. */
        if (s[i] == 0xC2 && i + 1 < len && s[i + 1] >= 0x80 && s[i + 1] <= 0x9F)
            return true;
    }
    return false;
}

bool str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t len = strlen(text), end = strlen(suffix);

    return len >= end && memcmp(text + len - end, suffix, end) == 0;
}

bool str_equal(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return strcmp(a, b) == 0;
}

bool str_to_int64(const char *text, int64_t min, int64_t max, int64_t *value)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    char *end = NULL;
    intmax_t n;

    if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
        return false;
    errno = 0;
    n = strtoimax(text, &end, 10);
    if (errno != 0 || *end != '\0' || n < min || n > max)
        return false;
    *value = n;
    return true;
}

bool str_copy(char *dst, size_t dst_size, const char *src)
{
    size_t len = strlen(src), i = 0;

    if (dst_size == 0)
        return false;
    if (len < dst_size) {
        memcpy(dst, src, len + 1);
        return true;
    }
    while (i < dst_size - 1) {
        size_t n = utf8_sequence((const unsigned char *)src + i, len - i);

        n = n == 0 ? 1 : n; /* not UTF-8: a byte is a character */
        if (n > dst_size - 1 - i)
            break;
        i += n;
    }
    memcpy(dst, src, i);
    dst[i] = '\0';
    return false;
}

const char *str_bytes(char *dst, size_t dst_size, int64_t bytes)
{
    static const char *const UNITS[] = {"kB", "MB", "GB", "TB", "PB"};
    int64_t unit = 1000;
    size_t i = 0;

    if (bytes < 0)
        bytes = 0;
    if (bytes < 1000) {
        (void)snprintf(dst, dst_size, "%" PRId64 " B", bytes);
        return dst;
    }
    /* Up while the number, rounded to the digits shown, would read 1000. */
    while (i + 1 < COUNT_OF(UNITS) && bytes >= unit * 1000 - unit / 2) {
        unit *= 1000;
        i++;
    }
    if (bytes < unit * 10 - unit / 20) {
        int64_t tenths = bytes / (unit / 10) + (bytes % (unit / 10) >= unit / 20 ? 1 : 0);

        (void)snprintf(dst, dst_size, "%" PRId64 ".%" PRId64 " %s", tenths / 10, tenths % 10,
                       UNITS[i]);
    } else {
        int64_t whole = bytes / unit + (bytes % unit >= unit / 2 ? 1 : 0);

        (void)snprintf(dst, dst_size, "%" PRId64 " %s", whole, UNITS[i]);
    }
    return dst;
}

const char *str_duration(char *dst, size_t dst_size, int64_t ms)
{
    int64_t s;

    if (ms < 0)
        ms = 0;
    s = ms / 1000;
    if (ms < 10000)
        (void)snprintf(dst, dst_size, "%" PRId64 ".%" PRId64 " s", s, ms % 1000 / 100);
    else if (s < 60)
        (void)snprintf(dst, dst_size, "%" PRId64 " s", s);
    else if (s < 3600)
        (void)snprintf(dst, dst_size, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
    else
        (void)snprintf(dst, dst_size, "%" PRId64 "h %" PRId64 "m", s / 3600, s % 3600 / 60);
    return dst;
}

int str_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

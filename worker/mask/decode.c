/* Reading escaped text one value byte at a time. Each way of escaping is deterministic (what is
 * printed says which byte it stands for), so no backtracking is needed. */
#include "worker/mask/decode.h"

#include <stdint.h>
#include <string.h>
#include "lib/base/str.h"

#define RUN_MAX 32 /* single quotes that a shell writes together */

/* One unit of the printed text: the bytes it stands for (up to 4 for \u escapes as UTF-8, more for
 * a run of quotes). */
struct unit {
    char bytes[RUN_MAX];
    size_t count;
    size_t printed;
    bool cut; /* the printed text ends inside this unit */
};

static void literal(struct unit *u, char c, size_t printed)
{
    u->bytes[0] = c;
    u->count = 1;
    u->printed = printed;
}

/* Exactly `digits` hex digits at text. -1: not hex; -2: the text ends before. */
static int32_t hex_number(const char *text, size_t len, size_t digits)
{
    int32_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        if (i == len)
            return -2;
        int digit = str_hex_value(text[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static void put_utf8(struct unit *u, uint32_t code)
{
    if (code < 0x80) {
        u->bytes[0] = (char)code;
        u->count = 1;
    } else if (code < 0x800) {
        u->bytes[0] = (char)(0xC0 | (code >> 6));
        u->bytes[1] = (char)(0x80 | (code & 0x3F));
        u->count = 2;
    } else if (code < 0x10000) {
        u->bytes[0] = (char)(0xE0 | (code >> 12));
        u->bytes[1] = (char)(0x80 | ((code >> 6) & 0x3F));
        u->bytes[2] = (char)(0x80 | (code & 0x3F));
        u->count = 3;
    } else {
        u->bytes[0] = (char)(0xF0 | ((code >> 18) & 7));
        u->bytes[1] = (char)(0x80 | ((code >> 12) & 0x3F));
        u->bytes[2] = (char)(0x80 | ((code >> 6) & 0x3F));
        u->bytes[3] = (char)(0x80 | (code & 0x3F));
        u->count = 4;
    }
}

static void read_url(struct unit *u, const char *text, size_t len)
{
    literal(u, text[0], 1);
    if (text[0] != '%')
        return;
    int32_t value = hex_number(text + 1, len - 1, 2);
    if (value == -2)
        u->cut = true;
    else if (value >= 0)
        literal(u, (char)value, 3);
}

/* \uXXXX, and \uXXXX\uXXXX for what UTF-16 needs two units for. */
static void read_unicode(struct unit *u, const char *text, size_t len)
{
    int32_t high = hex_number(text + 2, len - 2, 4), low;
    literal(u, 'u', 2);
    if (high == -2)
        u->cut = true;
    if (high < 0)
        return;
    u->printed = 6;
    put_utf8(u, (uint32_t)high);
    if (high < 0xD800 || high > 0xDBFF)
        return;
    if (len < 8) {
        u->cut = true;
        return;
    }
    low = text[6] == '\\' && text[7] == 'u' ? hex_number(text + 8, len - 8, 4) : -1;
    if (low == -2)
        u->cut = true;
    if (low < 0xDC00 || low > 0xDFFF)
        return;
    put_utf8(u, 0x10000U + (((uint32_t)high - 0xD800U) << 10) + ((uint32_t)low - 0xDC00U));
    u->printed = 12;
}

/* Three octal digits, as $'...' writes control characters and bytes of other scripts. */
static bool read_octal(struct unit *u, const char *text, size_t len)
{
    int value = 0;
    for (size_t i = 1; i < 4; i++) {
        if (i == len) {
            u->cut = true;
            return true;
        }
        if (text[i] < '0' || text[i] > '7')
            return false;
        value = value * 8 + (text[i] - '0');
    }
    literal(u, (char)value, 4);
    return true;
}

static void read_backslash(struct unit *u, const char *text, size_t len)
{
    static const char names[] = "nrtbfaev", meanings[] = "\n\r\t\b\f\a\033\v";
    literal(u, text[0], 1);
    if (text[0] != '\\')
        return;
    if (len == 1) {
        u->cut = true;
        return;
    }
    const char *name = text[1] == '\0' ? NULL : strchr(names, text[1]);
    if (name != NULL) {
        literal(u, meanings[name - names], 2);
    } else if (text[1] == 'u') {
        read_unicode(u, text, len);
    } else if (text[1] == 'x') {
        int32_t value = hex_number(text + 2, len - 2, 2);
        u->cut = value == -2;
        literal(u, value >= 0 ? (char)value : 'x', value >= 0 ? 4 : 2);
    } else if (text[1] < '0' || text[1] > '7' || !read_octal(u, text, len)) {
        literal(u, text[1], 2);
    }
}

/* "'", or "''" and so on as dash writes a run of them, from the double quote on; then the single
 * quote with which the rest begins, when there is more. */
static void read_quote_run(struct unit *u, const char *text, size_t len, size_t before)
{
    size_t at = before + 1, count = 0;
    while (at < len && text[at] == '\'' && count < RUN_MAX) {
        at++;
        count++;
    }
    if (at == len) {
        u->cut = true;
        return;
    }
    if (count == 0 || text[at] != '"')
        return;
    at++;
    memset(u->bytes, '\'', count);
    u->count = count;
    u->printed = at < len && text[at] == '\'' ? at + 1 : at;
}

static void read_quote(struct unit *u, const char *text, size_t len)
{
    static const char spelling[] = "'\\''";
    literal(u, text[0], 1);
    if (text[0] != '\'')
        return;
    size_t n = strlen(spelling), have = len < n ? len : n;
    if (memcmp(text, spelling, have) == 0) {
        u->cut = have < n;
        u->printed = n;
    } else if (text[1] == '"') {
        read_quote_run(u, text, len, 1);
    }
}

/* A value that begins with single quotes, where nothing stands before them to be closed. */
static void read_first(struct unit *u, enum decode_way way, const char *text, size_t len)
{
    if (way != DECODE_QUOTE || text[0] != '"')
        return;
    literal(u, '"', 1);
    u->cut = false;
    read_quote_run(u, text, len, 0);
}

static void read_plain(struct unit *u, const char *text, size_t len)
{
    literal(u, text[0], 1);
    u->cut = text[0] == '\r' && len == 1;
    if (text[0] == '\r' && len > 1 && text[1] == '\n')
        literal(u, '\n', 2);
}

static void read_base64(struct unit *u, const char *text, size_t len)
{
    read_url(u, text, len); /* %2B, %2F in a URL */
    if (u->bytes[0] == '-')
        u->bytes[0] = '+';
    if (u->bytes[0] == '_')
        u->bytes[0] = '/';
}

static void read_unit(struct unit *u, enum decode_way way, const char *text, size_t len)
{
    u->cut = false;
    switch (way) {
    case DECODE_NONE:
        read_plain(u, text, len);
        break;
    case DECODE_URL:
        read_url(u, text, len);
        break;
    case DECODE_BACKSLASH:
        read_backslash(u, text, len);
        break;
    case DECODE_QUOTE:
        read_quote(u, text, len);
        break;
    case DECODE_BASE64:
        read_base64(u, text, len);
        break;
    }
}

/* Does the unit stand for the next bytes of the value? How many of them it covers, or 0. */
static size_t unit_fits(const struct unit *u, enum decode_way way, const char *value, size_t left)
{
    if (u->count <= left && memcmp(u->bytes, value, u->count) == 0)
        return u->count;
    return way == DECODE_URL && u->bytes[0] == '+' && u->printed == 1 && value[0] == ' ' ? 1 : 0;
}

size_t decode_wrap_after(size_t value_len)
{
    return value_len / 2 < 8 ? value_len / 2 : 8;
}

/* The length of a line break inside wrapped base64 (LF, CR LF, or either as JSON writes it, and
 * indentation after it); 0: none here. */
static size_t line_break(const char *text, size_t len)
{
    size_t n = 0;
    if (len > 3 && memcmp(text, "\\r\\n", 4) == 0)
        return 4;
    if (text[0] == '\r')
        n++;
    if (n < len && text[n] == '\n')
        n++;
    else if (len > 1 && text[0] == '\\' && text[1] == 'n')
        n = 2;
    else if (n < len || n == 0)
        return 0;
    while (n < len && (text[n] == ' ' || text[n] == '\t'))
        n++;
    return n;
}

enum decode_result decode_match(enum decode_way way, const char *value, size_t value_len,
                                const char *printed, size_t printed_len, struct decode_match *match)
{
    struct unit unit = {0};
    size_t at = 0, met = 0;
    while (met < value_len && at < printed_len) {
        if (way == DECODE_BASE64 && met >= decode_wrap_after(value_len)) {
            at += line_break(printed + at, printed_len - at);
            if (at >= printed_len)
                break;
        }
        read_unit(&unit, way, printed + at, printed_len - at);
        if (met == 0)
            read_first(&unit, way, printed, printed_len);
        size_t fits = unit.cut ? 0 : unit_fits(&unit, way, value + met, value_len - met);
        if (unit.cut) /* it may become a fit */
            break;
        if (fits == 0)
            return DECODE_DIFFERENT;
        met += fits;
        at += unit.printed;
    }
    match->matched = met;
    match->printed = met == value_len ? at : printed_len;
    return met == value_len ? DECODE_WHOLE : DECODE_CUT;
}

bool decode_can_begin(enum decode_way way, char first, char printed)
{
    if (first == printed)
        return true;
    switch (way) {
    case DECODE_NONE:
        return first == '\n' && printed == '\r';
    case DECODE_URL:
        return printed == '%' || (first == ' ' && printed == '+');
    case DECODE_BACKSLASH:
        return printed == '\\';
    case DECODE_QUOTE:
        return first == '\'' && printed == '"';
    case DECODE_BASE64:
        return (first == '+' && printed == '-') || (first == '/' && printed == '_')
               || ((first == '+' || first == '/') && printed == '%');
    }
    return false;
}

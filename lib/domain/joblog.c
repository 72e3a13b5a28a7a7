/* joblog.c - the log file's record format, written and read by the same few lines. Reading is
 * strict: what is not exactly a record is no record, so that a damaged file cannot look like other
 * output. */
#include "lib/domain/joblog.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "lib/base/clock.h"

#define KINDS "opwsvtm"

static void add_number(struct buf *out, int64_t number)
{
    if (number < 0)
        buf_add_str(out, "- ");
    else
        buf_printf(out, "%" PRId64 " ", number);
}

void joblog_write(struct buf *out, const struct joblog_record *record)
{
    char time[CLOCK_TEXT_SIZE];
    size_t at = 0;

    buf_add_str(out, clock_rfc3339(time, record->time_ms));
    buf_add_char(out, ' ');
    add_number(out, record->host);
    add_number(out, record->step);
    buf_add_char(out, record->kind);
    buf_add_char(out, ' ');
    add_number(out, record->origin);
    while (at < record->text_len) { /* an LF would begin a record of the target's choice */
        const char *from = record->text + at;
        const char *lf = memchr(from, '\n', record->text_len - at);
        size_t len = lf != NULL ? (size_t)(lf - from) : record->text_len - at;

        buf_add(out, from, len);
        if (lf != NULL)
            buf_add_char(out, ' ');
        at += len + (lf != NULL ? 1 : 0);
    }
    buf_add_char(out, '\n');
}

/* The rest of the line that is being read. */
struct reader {
    const char *at, *end;
    bool failed;
};

static char next_char(struct reader *r)
{
    if (r->failed || r->at == r->end) {
        r->failed = true;
        return '\0';
    }
    return *r->at++;
}

static void expect(struct reader *r, char c)
{
    if (next_char(r) != c)
        r->failed = true;
}

static int digits(struct reader *r, int count)
{
    int value = 0;

    while (count-- > 0) {
        char c = next_char(r);

        if (c < '0' || c > '9') {
            r->failed = true;
            return 0;
        }
        value = value * 10 + (c - '0');
    }
    return value;
}

/* A decimal number without leading zeros, or '-' for none, and the space after it. */
static int64_t number(struct reader *r, int64_t max)
{
    const char *start = r->at;
    int64_t value = 0;
    char c = next_char(r);

    if (c == '-') {
        expect(r, ' ');
        return -1;
    }
    for (; c != ' ' && !r->failed; c = next_char(r)) {
        int digit = c - '0';

        if (digit < 0 || digit > 9 || value > (max - digit) / 10)
            r->failed = true;
        else
            value = value * 10 + digit;
    }
    if (r->at - start < 2 || (*start == '0' && r->at - start > 2))
        r->failed = true;
    return value;
}

static bool is_day(int year, int month, int day)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return year >= 1 && month >= 1 && month <= 12 && day >= 1
           && day <= DAYS[month - 1] + (leap && month == 2 ? 1 : 0);
}

static int64_t read_time(struct reader *r)
{
    struct tm tm = {0};
    int year, month, ms;

    year = digits(r, 4);
    expect(r, '-');
    month = digits(r, 2);
    expect(r, '-');
    tm.tm_mday = digits(r, 2);
    expect(r, 'T');
    tm.tm_hour = digits(r, 2);
    expect(r, ':');
    tm.tm_min = digits(r, 2);
    expect(r, ':');
    tm.tm_sec = digits(r, 2);
    expect(r, '.');
    ms = digits(r, 3);
    expect(r, 'Z');
    expect(r, ' ');
    if (!is_day(year, month, tm.tm_mday) || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
        r->failed = true;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    return r->failed ? 0 : (int64_t)timegm(&tm) * 1000 + ms;
}

ptrdiff_t joblog_parse(const char *bytes, size_t len, struct joblog_record *record)
{
    const char *lf = len > 0 ? memchr(bytes, '\n', len) : NULL;
    struct joblog_record found = {0};
    struct reader r;

    if (lf == NULL)
        return 0;
    r = (struct reader){.at = bytes, .end = lf};
    found.time_ms = read_time(&r);
    found.host = (int)number(&r, INT_MAX);
    found.step = (int)number(&r, INT_MAX);
    found.kind = next_char(&r);
    expect(&r, ' ');
    found.origin = number(&r, INT64_MAX);
    if (r.failed || memchr(KINDS, found.kind, strlen(KINDS)) == NULL)
        return -1;
    found.text = r.at;
    found.text_len = (size_t)(r.end - r.at);
    *record = found;
    return lf - bytes + 1;
}

/* Job log records: what is written is read back, and nothing else is a record. */
#include "tests/tap.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/domain/joblog.h"

static const char EXAMPLE[] = "2026-11-21T01:40:46.123Z 0 3 o 1841 Listening on port 8000\n";

static void the_example_of_the_header_reads_as_it_says(void)
{
    struct joblog_record r = {0};

    CHECK_INT(joblog_parse(EXAMPLE, strlen(EXAMPLE), &r), strlen(EXAMPLE));
    CHECK_INT(r.host, 0);
    CHECK_INT(r.step, 3);
    CHECK_INT(r.kind, 'o');
    CHECK_INT(r.origin, 1841);
    CHECK_INT(r.time_ms, INT64_C(1795225246123));
    CHECK(r.text_len == 22 && memcmp(r.text, "Listening on port 8000", 22) == 0);
}

static void round_trip(const struct joblog_record *in)
{
    struct joblog_record out = {0};
    struct buf b;

    buf_init(&b, 1 << 16);
    joblog_write(&b, in);
    CHECK(buf_ok(&b));
    CHECK_INT(joblog_parse(b.data, b.len, &out), b.len);
    CHECK_INT(out.time_ms, in->time_ms);
    CHECK_INT(out.host, in->host);
    CHECK_INT(out.step, in->step);
    CHECK_INT(out.kind, in->kind);
    CHECK_INT(out.origin, in->origin);
    CHECK(out.text_len == in->text_len && memcmp(out.text, in->text, in->text_len) == 0);
    CHECK(b.len <= in->text_len + JOBLOG_HEAD_MAX);
    buf_deinit(&b);
}

static void every_kind_and_number_survives(void)
{
    static const int64_t TIMES[] = {0, 1, 999, 951782400000, 1709164800000, 253402300799999};
    static const int64_t ORIGINS[] = {-1, 0, 9, 10, INT64_MAX};
    static const int NUMBERS[] = {-1, 0, 7, 10, INT_MAX};

    for (const char *kind = "opwsvtm"; *kind != '\0'; kind++)
        for (size_t t = 0; t < COUNT_OF(TIMES); t++)
            for (size_t o = 0; o < COUNT_OF(ORIGINS); o++)
                for (size_t n = 0; n < COUNT_OF(NUMBERS); n++)
                    round_trip(&(struct joblog_record){.time_ms = TIMES[t],
                                                       .host = NUMBERS[n],
                                                       .step = NUMBERS[COUNT_OF(NUMBERS) - 1 - n],
                                                       .kind = *kind,
                                                       .origin = ORIGINS[o],
                                                       .text = "x",
                                                       .text_len = 1});
}

static void all_bytes_but_the_line_feed_survive(void)
{
    static char text[JOBLOG_TEXT_MAX];
    struct joblog_record r = {.host = 1, .step = 2, .kind = 'o', .origin = 5, .text = text};

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 256 == '\n' ? '\r' : (char)i;
    r.text_len = sizeof text;
    round_trip(&r);
    r.text_len = 0;
    round_trip(&r);
}

static void a_line_feed_cannot_begin_a_record(void)
{
    struct joblog_record r = {
        .host = 0, .step = 0, .kind = 'o', .origin = 1, .text = "a\nb\n", .text_len = 4};
    struct buf b;

    buf_init(&b, 1000);
    joblog_write(&b, &r);
    CHECK(memchr(b.data, '\n', b.len - 1) == NULL);
    CHECK_INT(joblog_parse(b.data, b.len, &r), b.len);
    CHECK(r.text_len == 4 && memcmp(r.text, "a b ", 4) == 0);
    buf_deinit(&b);
}

static void a_part_of_a_record_is_not_yet_one(void)
{
    struct joblog_record r = {0};

    for (size_t len = 0; len < strlen(EXAMPLE); len++)
        CHECK_INT(joblog_parse(EXAMPLE, len, &r), 0);
}

static void garbage_is_not_a_record(void)
{
    static const char *const BAD[] = {
        "\n",
        " \n",
        "2026-11-21T01:40:46.123Z 0 3 o 1841\n",
        "2026-11-21T01:40:46.123Z 0 3 x 1841 text\n",
        "2026-11-21T01:40:46.123Z 0 3  1841 text\n",
        "2026-11-21T01:40:46.123Z 00 3 o 1841 text\n",
        "2026-11-21T01:40:46.123Z -1 3 o 1841 text\n",
        "2026-11-21T01:40:46.123Z 0 99999999999 o 1841 text\n",
        "2026-11-21T01:40:46.123Z 0 3 o 9223372036854775808 text\n",
        "2026-13-21T01:40:46.123Z 0 3 o 1841 text\n",
        "2026-02-29T01:40:46.123Z 0 3 o 1841 text\n",
        "2026-11-21T24:40:46.123Z 0 3 o 1841 text\n",
        "2026-11-21 01:40:46.123Z 0 3 o 1841 text\n",
        "2026-11-21T01:40:46.123+ 0 3 o 1841 text\n",
        "2026-11-21T01:40:46.123Z  0 3 o 1841 text\n",
        "x2026-11-21T01:40:46.123Z 0 3 o 1841 text\n",
    };
    struct joblog_record r = {.kind = 'o'};

    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        CHECK_INT(joblog_parse(BAD[i], strlen(BAD[i]), &r), -1);
        CHECK_INT(r.kind, 'o'); /* written only on success */
    }
    CHECK_INT(joblog_parse("2026-11-21T01:40:46.123Z 0 3 \0 1 x\n", 35, &r), -1);
}

/* Every single byte of the example changed to every other: parse must accept only what it would
 * write again. */
static void whatever_parses_is_written_back_the_same(void)
{
    char line[sizeof EXAMPLE];
    size_t len = strlen(EXAMPLE);
    int wrong = 0;

    for (size_t at = 0; at + 1 < len; at++) {
        for (int c = 0; c < 256; c++) {
            struct joblog_record r = {0};
            struct buf b;

            memcpy(line, EXAMPLE, sizeof line);
            line[at] = (char)c;
            if (joblog_parse(line, len, &r) != (ptrdiff_t)len)
                continue;
            buf_init(&b, 1000);
            joblog_write(&b, &r);
            wrong += b.len != len || memcmp(b.data, line, len) != 0 ? 1 : 0;
            buf_deinit(&b);
        }
    }
    CHECK_INT(wrong, 0);
}

int main(void)
{
    TAP_RUN(the_example_of_the_header_reads_as_it_says);
    TAP_RUN(every_kind_and_number_survives);
    TAP_RUN(all_bytes_but_the_line_feed_survive);
    TAP_RUN(a_line_feed_cannot_begin_a_record);
    TAP_RUN(a_part_of_a_record_is_not_yet_one);
    TAP_RUN(garbage_is_not_a_record);
    TAP_RUN(whatever_parses_is_written_back_the_same);
    return tap_done();
}

/* Questions about text: UTF-8 by the book, controls, numbers, sizes and durations. */
#include "tests/tap.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/str.h"

static void well_formed_utf8_is_accepted(void)
{
    static const char *const GOOD[] = {"",
                                       "plain",
                                       "gr\xC3\xBC\xC3\x9F",
                                       "\xE2\x82\xAC",
                                       "\xF0\x9F\x9A\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xF4\x8F\xBF\xBF",
                                       "\xC2\x80",
                                       "\xE0\xA0\x80",
                                       "\xF0\x90\x80\x80"};

    for (size_t i = 0; i < COUNT_OF(GOOD); i++)
        CHECK(str_is_utf8(GOOD[i], strlen(GOOD[i])));
    CHECK(str_is_utf8("a\0b", 3));
}

static void ill_formed_utf8_is_refused(void)
{
    static const char *const BAD[] = {
        "\x80",
        "\xBF",
        "\xC0\xAF",
        "\xC1\xBF",
        "\xE0\x9F\xBF",
        "\xE0\x80\xAF",
        "\xED\xA0\x80",
        "\xED\xBF\xBF",
        "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xFF",
        "\xFE",
        "\xC3",
        "\xE2\x82",
        "\xF0\x9F\x9A",
        "\xC3(",
        "ok \xE2(\xA1",
        "\xF0\x28\x8C\x28",
    };

    for (size_t i = 0; i < COUNT_OF(BAD); i++)
        CHECK(!str_is_utf8(BAD[i], strlen(BAD[i])));
}

/* An independent decoder: decode by arithmetic, encode again, compare. */
static bool reference_utf8(const unsigned char *s, size_t len)
{
    size_t i = 0;

    while (i < len) {
        size_t n = s[i] < 0x80       ? 1
                   : s[i] >> 5 == 6  ? 2
                   : s[i] >> 4 == 14 ? 3
                   : s[i] >> 3 == 30 ? 4
                                     : 0;
        uint32_t point;
        static const uint32_t LEAST[] = {0, 0, 0x80, 0x800, 0x10000};

        if (n == 0 || n > len - i)
            return false;
        point = n == 1 ? s[i] : s[i] & (0xFFU >> (n + 1));
        for (size_t k = 1; k < n; k++) {
            if (s[i + k] >> 6 != 2)
                return false;
            point = point << 6 | (s[i + k] & 0x3FU);
        }
        if (point < LEAST[n] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
            return false;
        i += n;
    }
    return true;
}

static void all_short_byte_strings_agree_with_an_independent_decoder(void)
{
    unsigned char s[4];
    int differences = 0;

    for (uint32_t n = 0; n < 1U << 24; n += 1) {
        s[0] = (unsigned char)(n >> 16);
        s[1] = (unsigned char)(n >> 8);
        s[2] = (unsigned char)n;
        differences += str_is_utf8((const char *)s, 3) != reference_utf8(s, 3) ? 1 : 0;
    }
    for (uint32_t n = 0; n < 1U << 22; n++) { /* four bytes that begin with F0 to FF */
        s[0] = (unsigned char)(0xF0 + (n >> 18));
        s[1] = (unsigned char)(0x70 + (n >> 11 & 0x7F));
        s[2] = (unsigned char)(0x78 + (n >> 5 & 0x3F) * 2);
        s[3] = (unsigned char)(0x70 + (n & 0x1F) * 4);
        differences += str_is_utf8((const char *)s, 4) != reference_utf8(s, 4) ? 1 : 0;
    }
    CHECK_INT(differences, 0);
}

static void controls_are_found(void)
{
    for (int c = 1; c < 256; c++) {
        char text[1] = {(char)c};
        bool control = c < 0x20 || c == 0x7F;
        bool line = c == '\n' || c == '\t';

        CHECK_INT(str_has_control(text, 1, false), control);
        CHECK_INT(str_has_control(text, 1, true), control && !line);
    }
    CHECK(str_has_control("\0", 1, true));
    CHECK(str_has_control("x\xC2\x9Bm", 4, true)); /* CSI as one character */
    CHECK(!str_has_control("\xC2\xA0\xC3\x9F", 4, false));
    CHECK(!str_has_control("", 0, false));
}

static void numbers_are_whole_or_nothing(void)
{
    static const char *const BAD[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1x",
                                      "0x10",
                                      "1e3",
                                      "--1",
                                      "1.0",
                                      "\n1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999"};
    int64_t n = 77;

    for (size_t i = 0; i < COUNT_OF(BAD); i++)
        CHECK(!str_to_int64(BAD[i], INT64_MIN, INT64_MAX, &n));
    CHECK_INT(n, 77);
    CHECK(str_to_int64("9223372036854775807", INT64_MIN, INT64_MAX, &n) && n == INT64_MAX);
    CHECK(str_to_int64("-9223372036854775808", INT64_MIN, INT64_MAX, &n) && n == INT64_MIN);
    CHECK(str_to_int64("007", 0, 10, &n) && n == 7);
    CHECK(!str_to_int64("11", 0, 10, &n));
    CHECK(!str_to_int64("-1", 0, 10, &n));
}

static void copies_are_cut_between_characters(void)
{
    char small[5];

    CHECK(str_copy(small, sizeof small, "abcd"));
    CHECK_STR(small, "abcd");
    CHECK(!str_copy(small, sizeof small, "abc\xE2\x82\xAC"));
    CHECK_STR(small, "abc");
    CHECK(!str_copy(small, sizeof small, "\xF0\x9F\x9A\x80\xF0\x9F\x9A\x80"));
    CHECK_STR(small, "\xF0\x9F\x9A\x80");
    CHECK(!str_copy(small, 1, "x"));
    CHECK_STR(small, "");
    CHECK(!str_copy(small, 0, "x"));
}

static void prefixes_and_equality(void)
{
    CHECK(str_starts("abc", "ab") && str_starts("abc", "") && !str_starts("ab", "abc"));
    CHECK(str_ends("abc", "bc") && str_ends("abc", "") && !str_ends("bc", "abc"));
    CHECK(str_equal(NULL, NULL) && !str_equal(NULL, "") && str_equal("a", "a"));
}

static void sizes_read_as_people_say_them(void)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } TABLE[] = {
        {0, "0 B"},          {-5, "0 B"},         {999, "999 B"},         {1000, "1.0 kB"},
        {1440000, "1.4 MB"}, {9949, "9.9 kB"},    {9950, "10 kB"},        {999499, "999 kB"},
        {999500, "1.0 MB"},  {12345678, "12 MB"}, {2500000000, "2.5 GB"}, {INT64_MAX, "9223 PB"},
    };
    char text[32];

    for (size_t i = 0; i < COUNT_OF(TABLE); i++)
        CHECK_STR(str_bytes(text, sizeof text, TABLE[i].bytes), TABLE[i].text);
}

static void durations_read_as_people_say_them(void)
{
    static const struct {
        int64_t ms;
        const char *text;
    } TABLE[] = {
        {0, "0.0 s"},       {-1, "0.0 s"},        {449, "0.4 s"},     {9999, "9.9 s"},
        {10000, "10 s"},    {38400, "38 s"},      {59999, "59 s"},    {60000, "1m 0s"},
        {102000, "1m 42s"}, {3599999, "59m 59s"}, {7500000, "2h 5m"}, {360000000, "100h 0m"},
    };
    char text[32];

    for (size_t i = 0; i < COUNT_OF(TABLE); i++)
        CHECK_STR(str_duration(text, sizeof text, TABLE[i].ms), TABLE[i].text);
}

int main(void)
{
    TAP_RUN(well_formed_utf8_is_accepted);
    TAP_RUN(ill_formed_utf8_is_refused);
    TAP_RUN(all_short_byte_strings_agree_with_an_independent_decoder);
    TAP_RUN(controls_are_found);
    TAP_RUN(numbers_are_whole_or_nothing);
    TAP_RUN(copies_are_cut_between_characters);
    TAP_RUN(prefixes_and_equality);
    TAP_RUN(sizes_read_as_people_say_them);
    TAP_RUN(durations_read_as_people_say_them);
    return tap_done();
}

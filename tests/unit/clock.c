/* Times: the text form, and that the two clocks move as they should. */
#include "tests/tap.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/clock.h"

static void known_instants_have_their_text(void)
{
    static const struct {
        int64_t ms;
        const char *text;
    } TABLE[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000, "1969-12-31T23:59:59.000Z"},
        {INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
        {INT64_C(1795225246123), "2026-11-21T01:40:46.123Z"},
        {INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {INT64_MIN, "0001-01-01T00:00:00.000Z"},
    };
    char text[CLOCK_TEXT_SIZE];

    for (size_t i = 0; i < COUNT_OF(TABLE); i++)
        CHECK_STR(clock_rfc3339(text, TABLE[i].ms), TABLE[i].text);
}

static void what_is_left_is_never_negative_nor_too_large(void)
{
    CHECK_INT(clock_left_ms(0), 0);
    CHECK_INT(clock_left_ms(clock_mono_ms() - 5), 0);
    CHECK_INT(clock_left_ms(INT64_MAX), INT_MAX);
    CHECK(clock_left_ms(clock_mono_ms() + 1000) > 900);
}

static void sleeping_takes_its_time(void)
{
    int64_t before = clock_mono_ms(), took;

    clock_sleep_ms(30);
    took = clock_mono_ms() - before;
    CHECK(took >= 29 && took < 2000);
    clock_sleep_ms(0);
    clock_sleep_ms(-1);
}

static void the_boot_has_an_id(void)
{
    CHECK(strlen(clock_boot_id()) == 36 || strcmp(clock_boot_id(), "unknown") == 0);
    CHECK(clock_boot_id() == clock_boot_id());
}

static void now_is_after_this_was_written(void)
{
    CHECK(clock_now_ms() > INT64_C(1750000000000));
}

int main(void)
{
    TAP_RUN(known_instants_have_their_text);
    TAP_RUN(what_is_left_is_never_negative_nor_too_large);
    TAP_RUN(sleeping_takes_its_time);
    TAP_RUN(the_boot_has_an_id);
    TAP_RUN(now_is_after_this_was_written);
    return tap_done();
}

/* The buffer: never NULL, always terminated, never past its maximum. */
#include "tests/tap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"

static void an_empty_buffer_is_an_empty_string(void)
{
    struct buf b;
    size_t len = 9;
    char *text;

    buf_init(&b, 10);
    CHECK_STR(b.data, "");
    buf_add(&b, NULL, 0);
    buf_consume(&b, 5);
    buf_wipe(&b);
    buf_reset(&b);
    text = buf_detach(&b, &len);
    CHECK_STR(text, "");
    CHECK_INT(len, 0);
    free(text);
    buf_deinit(&b);
}

static void the_maximum_is_exact_and_failure_sticks(void)
{
    struct buf b;

    buf_init(&b, 5);
    buf_add_str(&b, "hello");
    CHECK(buf_ok(&b));
    CHECK_STR(b.data, "hello");
    buf_add_char(&b, '!');
    CHECK(!buf_ok(&b));
    CHECK_STR(b.data, "hello");
    buf_consume(&b, 5);
    buf_add_char(&b, 'x');
    CHECK_INT(b.len, 0);
    CHECK(buf_reserve(&b, 1) == NULL);
    CHECK(buf_detach(&b, NULL) == NULL);
    buf_reset(&b);
    CHECK(buf_ok(&b));
    buf_add_char(&b, 'x');
    CHECK_STR(b.data, "x");
    buf_deinit(&b);
}

static void a_maximum_of_nothing_and_of_everything_work(void)
{
    struct buf b;

    buf_init(&b, 0);
    buf_add(&b, "", 0);
    CHECK(buf_ok(&b));
    buf_add_char(&b, 'x');
    CHECK(!buf_ok(&b));
    buf_deinit(&b);
    buf_init(&b, SIZE_MAX);
    buf_add_str(&b, "x");
    CHECK(buf_ok(&b));
    CHECK(buf_reserve(&b, SIZE_MAX) == NULL);
    CHECK(!buf_ok(&b));
    buf_deinit(&b);
}

static void a_mebibyte_of_any_bytes_arrives_exactly(void)
{
    struct buf b;
    bool same = true;

    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < 1 << 20; i++)
        buf_add_char(&b, (char)(i * 7));
    CHECK(buf_ok(&b));
    CHECK_INT(b.len, 1 << 20);
    for (size_t i = 0; i < 1 << 20; i++)
        same = same && b.data[i] == (char)(i * 7);
    CHECK(same);
    CHECK_INT(b.data[b.len], 0);
    buf_add_char(&b, 'x');
    CHECK(!buf_ok(&b));
    buf_deinit(&b);
}

static void consuming_takes_from_the_front(void)
{
    struct buf b;

    buf_init(&b, 100);
    buf_add_str(&b, "one two");
    buf_consume(&b, 4);
    CHECK_STR(b.data, "two");
    buf_consume(&b, 100);
    CHECK_STR(b.data, "");
    buf_deinit(&b);
}

static void reserved_room_stays_terminated(void)
{
    struct buf b;
    char *room;

    buf_init(&b, 10000);
    buf_add_str(&b, "ab");
    room = buf_reserve(&b, 5000);
    CHECK(room != NULL);
    if (room == NULL)
        return;
    memcpy(room, "cd", 2);
    b.len += 2;
    CHECK_STR(b.data, "abcd");
    buf_deinit(&b);
}

static void printing_grows_and_fails_as_adding_does(void)
{
    struct buf b;

    buf_init(&b, 400);
    buf_printf(&b, "%s=%d;", "x", 1);
    buf_printf(&b, "%300d", 7);
    CHECK_INT(b.len, 304);
    buf_printf(&b, "%300d", 7);
    CHECK(!buf_ok(&b));
    CHECK_INT(b.len, 304);
    buf_deinit(&b);
}

static void wiping_leaves_no_byte_behind(void)
{
    struct buf b;
    bool clean = true;

    buf_init(&b, 1000);
    buf_add_str(&b, "hunter2 and more");
    buf_wipe(&b);
    CHECK_INT(b.len, 0);
    for (size_t i = 0; i < b.cap; i++)
        clean = clean && b.data[i] == 0;
    CHECK(clean);
    buf_deinit(&b);
}

int main(void)
{
    TAP_RUN(an_empty_buffer_is_an_empty_string);
    TAP_RUN(the_maximum_is_exact_and_failure_sticks);
    TAP_RUN(a_maximum_of_nothing_and_of_everything_work);
    TAP_RUN(a_mebibyte_of_any_bytes_arrives_exactly);
    TAP_RUN(consuming_takes_from_the_front);
    TAP_RUN(reserved_room_stays_terminated);
    TAP_RUN(printing_grows_and_fails_as_adding_does);
    TAP_RUN(wiping_leaves_no_byte_behind);
    return tap_done();
}

/* The arena: its maximum, its zeroes, its overflow mark. */
#include "tests/tap.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/arena.h"

static bool is_zero(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static void allocations_are_zeroed_and_aligned_also_after_reset(void)
{
    struct arena *arena = arena_new(1 << 20);

    CHECK(arena != NULL);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 300; size++) {
            unsigned char *p = arena_alloc(arena, size);

            CHECK(p != NULL);
            if (p == NULL)
                break;
            CHECK((uintptr_t)p % alignof(max_align_t) == 0);
            CHECK(is_zero(p, size));
            memset(p, 0xAA, size);
        }
        arena_reset(arena);
        CHECK_INT(arena_used(arena), 0);
    }
    arena_free(arena);
}

static void the_maximum_holds_and_the_mark_sticks(void)
{
    struct arena *arena = arena_new(100000);

    CHECK(arena_alloc(arena, 60000) != NULL);
    CHECK(!arena_overflowed(arena));
    CHECK(arena_alloc(arena, 60000) == NULL);
    CHECK(arena_overflowed(arena));
    CHECK(arena_alloc(arena, 16) != NULL); /* smaller ones still fit */
    CHECK(arena_overflowed(arena));
    CHECK(arena_used(arena) <= 100000);
    arena_reset(arena);
    CHECK(!arena_overflowed(arena));
    CHECK(arena_alloc(arena, 99984) != NULL);
    arena_free(arena);
}

static void absurd_sizes_are_refused(void)
{
    struct arena *arena = arena_new(SIZE_MAX);

    CHECK(arena_alloc(arena, SIZE_MAX) == NULL);
    CHECK(arena_alloc(arena, SIZE_MAX / 2 + 1) == NULL);
    CHECK(arena_array(arena, SIZE_MAX / 2, 3) == NULL);
    CHECK(arena_memdup(arena, "", SIZE_MAX) == NULL);
    CHECK(arena_overflowed(arena));
    arena_free(arena);
    arena_free(NULL);
}

static void copies_are_terminated_and_exact(void)
{
    struct arena *arena = arena_new(1 << 22);
    char *big;

    CHECK_STR(arena_strdup(arena, "quote ' and \xFF"), "quote ' and \xFF");
    big = arena_memdup(arena, "a\0b", 3);
    CHECK(big != NULL && memcmp(big, "a\0b\0", 4) == 0);
    CHECK_STR(arena_printf(arena, "%s-%d", "x", 7), "x-7");
    big = arena_printf(arena, "%1000000d", 1);
    CHECK(big != NULL && strlen(big) == 1000000);
    arena_free(arena);
}

static void it_knows_its_own_pointers(void)
{
    struct arena *arena = arena_new(1 << 22);
    char *pointers[200];
    char elsewhere;

    for (size_t i = 0; i < COUNT_OF(pointers); i++)
        pointers[i] = arena_alloc(arena, 5000);
    for (size_t i = 0; i < COUNT_OF(pointers); i++)
        CHECK(arena_owns(arena, pointers[i]));
    CHECK(!arena_owns(arena, &elsewhere));
    CHECK(!arena_owns(arena, NULL));
    arena_free(arena);
}

int main(void)
{
    TAP_RUN(allocations_are_zeroed_and_aligned_also_after_reset);
    TAP_RUN(the_maximum_holds_and_the_mark_sticks);
    TAP_RUN(absurd_sizes_are_refused);
    TAP_RUN(copies_are_terminated_and_exact);
    TAP_RUN(it_knows_its_own_pointers);
    return tap_done();
}

/* tap.h - Test Anything Protocol for C test programs, in one header. One program per group of
 * claims.
 *
 *     int main(void) { TAP_RUN(a_claim_in_words); TAP_RUN(another_claim); return tap_done(); }
 *     static void a_claim_in_words(void) { CHECK(x == 1); CHECK_STR(name, "ann"); }
 * A test function is one TAP line; it fails when any CHECK in it failed. With WL_TEST_UNTIL=a_claim
 * in the environment nothing after that claim runs (tests/mutants). */
#ifndef WL_TESTS_TAP_H
#define WL_TESTS_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failures;
static bool tap_test_failed, tap_until_reached;
static const char *tap_skip_reason;

__attribute__((unused)) static void tap_note_failure(const char *file, int line, const char *text)
{
    tap_test_failed = true;
    printf("# %s:%d: %s\n", file, line, text);
}

__attribute__((unused)) static void tap_note_until(const char *name)
{
    const char *until = getenv("WL_TEST_UNTIL");
    tap_until_reached = until != NULL && strcmp(until, name) == 0;
}

#define CHECK(claim)                                                                               \
    do {                                                                                           \
        if (!(claim))                                                                              \
            tap_note_failure(__FILE__, __LINE__, #claim);                                          \
    } while (0)

#define CHECK_INT(got, want)                                                                       \
    do {                                                                                           \
        long long tap_got = (long long)(got), tap_want = (long long)(want);                        \
        if (tap_got != tap_want) {                                                                 \
            tap_note_failure(__FILE__, __LINE__, #got " == " #want);                               \
            printf("#   got %lld, want %lld\n", tap_got, tap_want);                                \
        }                                                                                          \
    } while (0)

#define CHECK_STR(got, want)                                                                       \
    do {                                                                                           \
        const char *tap_got = (got), *tap_want = (want);                                           \
        if (tap_got == NULL || tap_want == NULL ? tap_got != tap_want                              \
                                                : strcmp(tap_got, tap_want) != 0) {                \
            tap_note_failure(__FILE__, __LINE__, #got " == " #want);                               \
            printf("#   got  %s\n#   want %s\n", tap_got ? tap_got : "(null)",                     \
                   tap_want ? tap_want : "(null)");                                                \
        }                                                                                          \
    } while (0)

/* Leave the test function as skipped; the reason is printed. */
#define SKIP(reason)                                                                               \
    do {                                                                                           \
        tap_skip_reason = (reason);                                                                \
        return;                                                                                    \
    } while (0)

#define TAP_RUN(function)                                                                          \
    do {                                                                                           \
        if (tap_until_reached)                                                                     \
            break;                                                                                 \
        tap_test_failed = false;                                                                   \
        tap_skip_reason = NULL;                                                                    \
        function();                                                                                \
        tap_count++;                                                                               \
        tap_failures += tap_test_failed ? 1 : 0;                                                   \
        printf("%s %d - %s%s%s\n", tap_test_failed ? "not ok" : "ok", tap_count, #function,        \
               tap_skip_reason ? " # SKIP " : "", tap_skip_reason ? tap_skip_reason : "");         \
        fflush(stdout);                                                                            \
        tap_note_until(#function);                                                                 \
    } while (0)

__attribute__((unused)) static int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failures == 0 ? 0 : 1;
}

#endif

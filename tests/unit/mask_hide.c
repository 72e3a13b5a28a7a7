/* mask_hide.c - a hidden value is found in every spelling, and ordinary text passes untouched. */
#include <stdlib.h>
#include "lib/crypto/crypto.h"
#include "tests/tap.h"
#include "worker/mask/hide.h"

static struct hide *hiding(const char *a, const char *b)
{
    struct err err = {0};
    struct hide *hide = hide_new();
    CHECK(hide_add(hide, a, strlen(a), &err) == 0);
    if (b != NULL)
        CHECK(hide_add(hide, b, strlen(b), &err) == 0);
    return hide;
}

/* The text after masking; valid until the next call. */
static const char *masked(const struct hide *hide, const char *text)
{
    static struct buf out;
    if (out.max == 0)
        buf_init(&out, 4 * 1024 * 1024);
    buf_reset(&out);
    hide_text(hide, text, strlen(text), &out);
    CHECK(buf_ok(&out));
    return out.data;
}

static void a_value_is_hidden_where_it_stands(void)
{
    struct hide *h = hiding("hunter2-secret", NULL);
    CHECK_STR(masked(h, "x hunter2-secret y"), "x *** y");
    CHECK_STR(masked(h, "hunter2-secrethunter2-secret"), "******");
    CHECK_STR(masked(h, "hunter2-secre"), "***"); /* cut off by the end */
    CHECK_STR(masked(h, "hunter2_secret"), "hunter2_secret");
    hide_free(h);
}

static void short_values_are_left_alone(void)
{
    struct hide *h = hiding("12345", NULL);
    CHECK_STR(masked(h, "12345 12345"), "12345 12345");
    hide_free(h);
}

static void nothing_to_hide_changes_nothing(void)
{
    CHECK_STR(masked(NULL, "abc"), "abc");
    struct hide *h = hide_new();
    CHECK_STR(masked(h, "abc"), "abc");
    hide_free(h);
}

static void url_encoding_in_any_style(void)
{
    struct hide *h = hiding("p@ss w/rd:+1", NULL);
    CHECK_STR(masked(h, "q=p%40ss%20w%2Frd%3A%2B1&z"), "q=***&z");
    CHECK_STR(masked(h, "q=p%40ss+w%2frd%3a%2b1&z"), "q=***&z");
    CHECK_STR(masked(h, "q=p@ss%20w/rd:%2B1&z"), "q=***&z");
    CHECK_STR(masked(h, "q=%70%40%73%73%20%77%2F%72%64%3A%2B%31"), "q=***");
    hide_free(h);
    h = hiding("hunter22", NULL);
    CHECK_STR(masked(h, "q=%68unter22&r=%68%75%6e%74%65%72%32%32"), "q=***&r=***");
    hide_free(h);
}

static void json_escapes(void)
{
    struct hide *h = hiding("a\"b\\c/d\ne\xc3\xa9", NULL);
    CHECK_STR(masked(h, "{\"k\":\"a\\\"b\\\\c/d\\ne\xc3\xa9\"}"), "{\"k\":\"***\"}");
    CHECK_STR(masked(h, "{\"k\":\"a\\\"b\\\\c\\/d\\ne\\u00e9\"}"), "{\"k\":\"***\"}");
    CHECK_STR(masked(h, "{\"k\":\"\\u0061\\u0022b\\\\c\\/d\\u000ae\\u00E9\"}"), "{\"k\":\"***\"}");
    hide_free(h);
    h = hiding("key-\xf0\x9f\x94\x91-end", NULL);
    CHECK_STR(masked(h, "\"key-\\ud83d\\udd11-end\""), "\"***\"");
    hide_free(h);
}

static void shell_quoting(void)
{
    struct hide *h = hiding("it's $HOME", NULL);
    CHECK_STR(masked(h, "A='it'\\''s $HOME'"), "A='***'");
    CHECK_STR(masked(h, "A='it'\"'\"'s $HOME'"), "A='***'");
    CHECK_STR(masked(h, "A=it\\'s\\ \\$HOME"), "A=***");
    CHECK_STR(masked(h, "A=\"it's \\$HOME\""), "A=\"***\"");
    hide_free(h);
    h = hiding("tab\there \x01", NULL);
    CHECK_STR(masked(h, "A=$'tab\\there \\001'"), "A=$'***'");
    CHECK_STR(masked(h, "A=$'tab\\x09here \\x01'"), "A=$'***'");
    hide_free(h);
}

/* base64 of prefix + value + suffix, masked, must not hold any digit that depends on the value
 * alone: at most two digits at each end are shared with neighbours. */
static void check_base64(const struct hide *h, const char *value, size_t before, size_t after)
{
    char plain[256] = "", text[400];
    memset(plain, 'A' + (int)before, before);
    memcpy(plain + before, value, strlen(value));
    memset(plain + before + strlen(value), 'z', after);
    crypto_b64(text, sizeof text, plain, before + strlen(value) + after);
    const char *out = masked(h, text);
    CHECK(strstr(out, "***") != NULL);
    CHECK(strlen(out) <= strlen(text) - (strlen(value) * 8 - 10) / 6 + 3);
    crypto_b64url(text, sizeof text, plain, before + strlen(value) + after);
    CHECK(strstr(masked(h, text), "***") != NULL);
}

static void base64_at_every_alignment(void)
{
    static const char *const values[] = {"secret", "secret7", "pa55w0rd",
                                         "\xff\xfb\xef\xbe\xff\xfa",
                                         "a much longer value, of forty-five characters"};
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        struct hide *h = hiding(values[v], NULL);
        for (size_t before = 0; before < 7; before++) {
            for (size_t after = 0; after < 4; after++)
                check_base64(h, values[v], before, after);
        }
        hide_free(h);
    }
}

/* Broken over lines of `width` digits: no line may show four digits of the value's own. */
static void check_wrapped(const char *value, size_t before, size_t width, const char *brk)
{
    char plain[600] = "", text[900], wrapped[2000] = "";
    size_t len = strlen(value), n = 0;
    struct hide *h = hiding(value, NULL);
    memset(plain, 'B', before);
    memcpy(plain + before, value, len);
    memset(plain + before + len, 'y', 100);
    crypto_b64(text, sizeof text, plain, before + len + 100);
    for (size_t i = 0; text[i] != '\0'; i++) {
        wrapped[n++] = text[i];
        if ((i + 1) % width == 0) {
            memcpy(wrapped + n, brk, strlen(brk));
            n += strlen(brk);
        }
    }
    wrapped[n] = '\0';
    const char *out = masked(h, wrapped);
    size_t first = (before * 8 + 5) / 6, end = (before + len) * 8 / 6;
    bool shown = false; /* fewer than a line's first or last few digits may stay */
    for (size_t i = first; i + 8 <= end; i++) {
        char part[9];
        memcpy(part, text + i, 8);
        part[8] = '\0';
        shown = shown || strstr(out, part) != NULL;
    }
    CHECK(!shown);
    if (shown)
        printf("# before=%zu width=%zu: %s\n", before, width, out);
    hide_free(h);
}

static void base64_broken_over_lines(void)
{
    static const char *const value = "-- a private thing of more than one hundred characters, so "
                                     "that it spans three lines of the "
                                     "usual width --";
    for (size_t before = 0; before < 80; before++) {
        check_wrapped(value, before, 76, "\n");
        check_wrapped(value, before, 64, "\r\n");
        check_wrapped(value, before, 64, "\\n");
        check_wrapped(value, before, 60, "\n    ");
    }
}

static void lines_of_a_key_are_hidden_alone(void)
{
    struct hide *h =
        hiding("-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\nAgEGCCqGSM49AwEHBG0w\n"
               "-----END PRIVATE KEY-----\n",
               NULL);
    CHECK_STR(masked(h, "  1  MIGHAgEAMBMGByqGSM49\n  2  AgEGCCqGSM49AwEHBG0w"),
              "  1  ***\n  2  ***");
    CHECK_STR(masked(h, "-----BEGIN CERTIFICATE-----"), "-----BEGIN CERTIFICATE-----");
    CHECK_STR(masked(h, "a\r\n-----BEGIN PRIVATE KEY-----\r\nMIGHAgEAMBMGByqGSM49\r\n"
                        "AgEGCCqGSM49AwEHBG0w\r\n-----END PRIVATE KEY-----\r\nb"),
              "a\r\n***\r\nb");
    hide_free(h);
}

static void overlapping_values_are_hidden_as_one(void)
{
    struct hide *h = hiding("abcdefgh", "efghijkl");
    CHECK_STR(masked(h, "--abcdefghijkl--"), "--***--");
    hide_free(h);
    h = hiding("secret", "secret-and-longer");
    CHECK_STR(masked(h, "secret-and-longer secret-and"), "*** ***");
    hide_free(h);
}

static void random_text_passes(void)
{
    struct hide *h = hiding("correct horse", "battery/staple+1");
    static char text[20001];
    for (int round = 0; round < 5; round++) {
        crypto_random(text, sizeof text - 1);
        for (size_t i = 0; i + 1 < sizeof text; i++)
            text[i] = (char)(' ' + (unsigned char)text[i] % 90);
        CHECK_STR(masked(h, text), text);
    }
    hide_free(h);
}

int main(void)
{
    struct err err = {0};
    if (crypto_start(&err) != 0)
        return 1;
    TAP_RUN(a_value_is_hidden_where_it_stands);
    TAP_RUN(short_values_are_left_alone);
    TAP_RUN(nothing_to_hide_changes_nothing);
    TAP_RUN(url_encoding_in_any_style);
    TAP_RUN(json_escapes);
    TAP_RUN(shell_quoting);
    TAP_RUN(base64_at_every_alignment);
    TAP_RUN(base64_broken_over_lines);
    TAP_RUN(lines_of_a_key_are_hidden_alone);
    TAP_RUN(overlapping_values_are_hidden_as_one);
    TAP_RUN(random_text_passes);
    return tap_done();
}

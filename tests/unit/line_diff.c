/* line_diff.c - lines that went and came: what is told makes the second text of the first, and no
 * shorter list would. */
#include <stdlib.h>
#include <string.h>
#include "lib/base/buf.h"
#include "lib/domain/line_diff.h"
#include "tests/tap.h"

/* "-b +x" and so on; "~" for a gap. */
static const char *told(const char *before, const char *after, int context)
{
    static char text[4000];
    struct line_diff diff;
    struct err err = {0};
    json_t *line;
    size_t i;
    text[0] = '\0';
    CHECK(line_diff(before, after, context, &diff, &err) == 0);
    json_array_foreach(diff.lines, i, line)
    {
        const char *kind = json_string_value(json_object_get(line, "kind"));
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%s%s", len > 0 ? " " : "",
                 strcmp(kind, "removed") == 0 ? "-"
                 : strcmp(kind, "added") == 0 ? "+"
                 : strcmp(kind, "gap") == 0   ? "~"
                                              : "",
                 json_string_value(json_object_get(line, "text")));
    }
    json_decref(diff.lines);
    return text;
}

static void what_went_and_came_is_told_with_lines_around(void)
{
    CHECK_STR(told("a\nb\nc\n", "a\nb\nc\n", 3), "");
    CHECK_STR(told("a\nb\nc\n", "a\nx\nc\n", 3), "a -b +x c");
    CHECK_STR(told("", "a\n", 3), "+a");
    CHECK_STR(told("a\n", "", 3), "-a");
    CHECK_STR(told("", "", 3), "");
    CHECK_STR(told("a", "a\n", 3), "");
    CHECK_STR(told("1\n2\n3\n4\n5\n6\n7\n", "1\n2\n3\nx\n5\n6\n7\n", 1), "~ 3 -4 +x 5 ~");
    CHECK_STR(told("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n", 9), "-a -b c +b a b -b a +c");
    CHECK_STR(told("a\n\n\nb\n", "a\n\nb\n", 9), "a  - b");
}

static void lines_are_counted_and_numbered(void)
{
    struct line_diff diff;
    struct err err = {0};
    CHECK(line_diff("a\nb\nc\n", "a\nx\ny\nc\n", 0, &diff, &err) == 0);
    CHECK_INT(diff.removed, 1);
    CHECK_INT(diff.added, 2);
    const json_t *last = json_array_get(diff.lines, 3);
    CHECK_INT(json_integer_value(json_object_get(last, "after")), 3);
    CHECK_INT(json_integer_value(json_object_get(json_array_get(diff.lines, 1), "before")), 2);
    json_decref(diff.lines);
}

/* Takes the list as instructions. */
static void rebuild(const json_t *lines, struct buf *before, struct buf *after)
{
    size_t i;
    json_t *line;
    json_array_foreach(lines, i, line)
    {
        const char *kind = json_string_value(json_object_get(line, "kind"));
        const char *text = json_string_value(json_object_get(line, "text"));
        if (strcmp(kind, "added") != 0)
            buf_printf(before, "%s\n", text);
        if (strcmp(kind, "removed") != 0)
            buf_printf(after, "%s\n", text);
    }
}

/* Length of the longest common subsequence of two strings of letters. */
static int common(const char *a, const char *b)
{
    static int best[64][64];
    int n = (int)strlen(a), m = (int)strlen(b);
    for (int i = 0; i <= n; i++)
        for (int j = 0; j <= m; j++)
            best[i][j] = i == 0 || j == 0                  ? 0
                         : a[i - 1] == b[j - 1]            ? best[i - 1][j - 1] + 1
                         : best[i - 1][j] > best[i][j - 1] ? best[i - 1][j]
                                                           : best[i][j - 1];
    return best[n][m];
}

static void any_two_texts_are_told_rightly_and_shortly(void)
{
    unsigned seed = 7;
    for (int round = 0; round < 400; round++) {
        char letters[2][40], texts[2][100];
        struct line_diff diff;
        struct err err = {0};
        struct buf before, after;
        for (int side = 0; side < 2; side++) {
            int len = (int)((seed = seed * 1103515245 + 12345) >> 16) % 30, at = 0;
            for (int i = 0; i < len; i++) {
                letters[side][i] = (char)('a' + ((seed = seed * 1103515245 + 12345) >> 16) % 4);
                texts[side][at++] = letters[side][i];
                texts[side][at++] = '\n';
            }
            letters[side][len] = texts[side][at] = '\0';
        }
        CHECK(line_diff(texts[0], texts[1], 1000, &diff, &err) == 0);
        buf_init(&before, 1000);
        buf_init(&after, 1000);
        rebuild(diff.lines, &before, &after);
        if (diff.added + diff.removed > 0) {
            CHECK_STR(before.len > 0 ? before.data : "", texts[0]);
            CHECK_STR(after.len > 0 ? after.data : "", texts[1]);
        } else
            CHECK_STR(texts[0], texts[1]);
        CHECK_INT(diff.added + diff.removed, strlen(letters[0]) + strlen(letters[1])
                                                 - 2 * (size_t)common(letters[0], letters[1]));
        buf_deinit(&before);
        buf_deinit(&after);
        json_decref(diff.lines);
    }
}

static void texts_that_have_nothing_in_common_are_told_whole(void)
{
    struct line_diff diff;
    struct err err = {0};
    struct buf a, b;
    buf_init(&a, 200000);
    buf_init(&b, 200000);
    for (int i = 0; i < 3000; i++) {
        buf_printf(&a, "a%d\n", i);
        buf_printf(&b, "b%d\n", i);
    }
    CHECK(line_diff(a.data, b.data, 3, &diff, &err) == 0);
    CHECK_INT(diff.removed, 3000);
    CHECK_INT(diff.added, 3000);
    json_decref(diff.lines);
    buf_deinit(&a);
    buf_deinit(&b);
}

int main(void)
{
    TAP_RUN(what_went_and_came_is_told_with_lines_around);
    TAP_RUN(lines_are_counted_and_numbered);
    TAP_RUN(any_two_texts_are_told_rightly_and_shortly);
    TAP_RUN(texts_that_have_nothing_in_common_are_told_whole);
    return tap_done();
}

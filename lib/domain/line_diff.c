/* line_diff.c - Myers' greedy search over the lines between the common beginning and the common end
 * of two texts (line_diff.h). */
#include "lib/domain/line_diff.h"

#include <stdlib.h>
#include <string.h>

struct line {
    const char *text;
    size_t len;
};
struct side {
    struct line *lines;
    int count;
};
struct search {
    struct side before, after;
    bool *gone, *come; /* by line: it is on this side alone */
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
}

static int split(const char *text, struct side *side, struct err *err)
{
    int count = 0;
    for (const char *at = text; *at != '\0'; at++)
        count += *at == '\n';
    side->lines = calloc((size_t)count + 2, sizeof *side->lines);
    if (side->lines == NULL)
        return no_memory(err);
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        side->lines[side->count++] = (struct line){text, n};
        text += n + (text[n] == '\n' ? 1 : 0);
    }
    return 0;
}

static bool same(const struct search *s, int x, int y)
{
    const struct line *a = &s->before.lines[x], *b = &s->after.lines[y];
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* --- the search ---------------------------------------------------------------------------------
 * trace[d] holds for each diagonal k = x - y of round d how far x came; walked back from the end it
 * says which lines went and came. */

struct window { /* lines from..to of both sides, without what both begin and end with */
    int x, y, x_end, y_end;
};

static struct window window_of(const struct search *s)
{
    struct window w = {0, 0, s->before.count, s->after.count};
    while (w.x < w.x_end && w.y < w.y_end && same(s, w.x, w.y)) {
        w.x++;
        w.y++;
    }
    while (w.x_end > w.x && w.y_end > w.y && same(s, w.x_end - 1, w.y_end - 1)) {
        w.x_end--;
        w.y_end--;
    }
    return w;
}

static void all_differ(struct search *s, const struct window *w)
{
    for (int x = w->x; x < w->x_end; x++)
        s->gone[x] = true;
    for (int y = w->y; y < w->y_end; y++)
        s->come[y] = true;
}

static bool comes_down(const int *row, int d, int k)
{
    return k == -d || (k != d && row[k - 1] < row[k + 1]);
}

/* From the end of the window back to its beginning. rows[d] points at its diagonal 0. */
static void walk_back(struct search *s, const struct window *w, int **rows, int rounds)
{
    int x = w->x_end - w->x, y = w->y_end - w->y;
    for (int d = rounds; d > 0; d--) {
        const int *row = rows[d - 1];
        int k = x - y;
        bool down = comes_down(row, d, k);
        int from_k = down ? k + 1 : k - 1, from_x = row[from_k], from_y = from_x - from_k;
        if (down)
            s->come[w->y + from_y] = true;
        else
            s->gone[w->x + from_x] = true;
        x = from_x;
        y = from_y;
    }
}

/* One round of the search; true when it came to the end. */
static bool go_on(const struct search *s, const struct window *w, const int *last, int *row, int d)
{
    int width = w->x_end - w->x, height = w->y_end - w->y;
    for (int k = -d; k <= d; k += 2) {
        int x = d == 0 ? 0 : comes_down(last, d, k) ? last[k + 1] : last[k - 1] + 1;
        int y = x - k;
        while (x < width && y < height && x >= 0 && y >= 0 && same(s, w->x + x, w->y + y)) {
            x++;
            y++;
        }
        row[k] = x;
        if (x >= width && y >= height)
            return true;
    }
    return false;
}

/* -1: no memory. */
static int search(struct search *s, struct err *err)
{
    struct window w = window_of(s);
    int most = (w.x_end - w.x) + (w.y_end - w.y), rounds = -1, made = 0;
    int **rows = calloc(LINE_DIFF_MAX + 1, sizeof *rows);
    if (rows == NULL)
        return no_memory(err);
    for (int d = 0; d <= most && d <= LINE_DIFF_MAX && rounds < 0; d++) {
        int *bytes = calloc((size_t)(2 * d + 5), sizeof *bytes);
        if (bytes == NULL)
            break;
        rows[made++] = bytes + d + 2;
        if (go_on(s, &w, d == 0 ? NULL : rows[d - 1], rows[d], d))
            rounds = d;
    }
    if (rounds >= 0)
        walk_back(s, &w, rows, rounds);
    else
        all_differ(s, &w);
    for (int d = 0; d < made; d++)
        free(rows[d] - d - 2);
    free(rows);
    return 0;
}

/* --- what is shown --- */

static void add(struct line_diff *diff, const char *kind, int before, int after,
                const struct line *line)
{
    json_array_append_new(diff->lines,
                          json_pack("{s:s, s:i, s:i, s:s%}", "kind", kind, "before", before,
                                    "after", after, "text", line->text, line->len));
}

/* How far it is from the pair of equal lines (x, y) to the next change, up to `context`. */
static bool is_near(const struct search *s, int x, int y, int context)
{
    for (int i = 1; i <= context; i++) {
        if ((x - i >= 0 && s->gone[x - i]) || (y - i >= 0 && s->come[y - i])
            || (x + i < s->before.count && s->gone[x + i])
            || (y + i < s->after.count && s->come[y + i]))
            return true;
    }
    return false;
}

static void tell(const struct search *s, int context, struct line_diff *diff)
{
    static const struct line NOTHING = {"", 0};
    int x = 0, y = 0;
    bool in_gap = false;
    while (x < s->before.count || y < s->after.count) {
        if (x < s->before.count && s->gone[x]) {
            add(diff, "removed", x + 1, 0, &s->before.lines[x]);
            diff->removed++;
            x++;
        } else if (y < s->after.count && s->come[y]) {
            add(diff, "added", 0, y + 1, &s->after.lines[y]);
            diff->added++;
            y++;
        } else {
            bool near = is_near(s, x, y, context);
            if (near)
                add(diff, "same", x + 1, y + 1, &s->before.lines[x]);
            else if (!in_gap)
                add(diff, "gap", 0, 0, &NOTHING);
            in_gap = !near;
            x++;
            y++;
            continue;
        }
        in_gap = false;
    }
}

int line_diff(const char *before, const char *after, int context, struct line_diff *diff,
              struct err *err)
{
    struct search s = {0};
    int rc = -1;
    *diff = (struct line_diff){.lines = json_array()};
    if (split(before, &s.before, err) != 0 || split(after, &s.after, err) != 0)
        goto out;
    s.gone = calloc((size_t)s.before.count + 1, sizeof *s.gone);
    s.come = calloc((size_t)s.after.count + 1, sizeof *s.come);
    if (s.gone == NULL || s.come == NULL) {
        no_memory(err);
        goto out;
    }
    if (search(&s, err) != 0)
        goto out;
    tell(&s, context, diff);
    if (diff->added + diff->removed == 0)
        json_array_clear(diff->lines);
    rc = 0;
out:
    free(s.before.lines);
    free(s.after.lines);
    free(s.gone);
    free(s.come);
    if (rc != 0)
        json_decref(diff->lines);
    return rc;
}

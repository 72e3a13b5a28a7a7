/* lines.c - the lines of two texts for a page (lines.h). */
#include "cgi/pages/lines.h"

#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "lib/base/str.h"
#include "lib/domain/line_diff.h"

#define CONTEXT 3

static json_t *line_model(const json_t *line)
{
    const char *kind = row_text(line, "kind");
    int64_t before = row_int(line, "before"), after = row_int(line, "after");
    return json_pack("{s:s, s:s, s:o, s:o, s:s, s:s}", "kind", kind, "sign",
                     str_equal(kind, "removed") ? "−"
                     : str_equal(kind, "added") ? "+"
                     : str_equal(kind, "gap")   ? "…"
                                                : "",
                     "before", before > 0 ? part_text("%lld", (long long)before) : json_string(""),
                     "after", after > 0 ? part_text("%lld", (long long)after) : json_string(""),
                     "text", row_text(line, "text"), "spoken",
                     str_equal(kind, "removed") ? "removed: "
                     : str_equal(kind, "added") ? "added: "
                                                : "");
}

int lines_model(const char *before, const char *after, json_t **model, struct err *err)
{
    struct line_diff diff;
    json_t *lines = json_array();
    const json_t *line;
    size_t i;
    *model = json_null();
    if (before[0] == '\0' && after[0] == '\0')
        return 0;
    if (line_diff(before, after, CONTEXT, &diff, err) != 0)
        return -1;
    json_array_foreach(diff.lines, i, line) json_array_append_new(lines, line_model(line));
    json_decref(diff.lines);
    *model =
        json_pack("{s:o, s:b, s:o}", "lines", lines, "has_lines", (int)(json_array_size(lines) > 0),
                  "counts", part_text("+%d −%d", diff.added, diff.removed));
    return 0;
}

/* line_diff.h - what differs between two texts, line by line: a shortest list of lines that went
 * and lines that came (Myers 1986), with some lines around them. */
#ifndef WL_DOMAIN_LINE_DIFF_H
#define WL_DOMAIN_LINE_DIFF_H

#include <jansson.h>
#include <stdbool.h>
#include "lib/base/err.h"

struct line_diff {
    json_t *lines; /* {kind: same|removed|added|gap, before: <line or 0>, after: <line or 0>, text};
                      a gap stands for lines that are the same on both sides */
    int removed, added;
};

/* context: how many equal lines are kept on either side of a change. Texts that differ in more than
 * LINE_DIFF_MAX lines are told as all lines out, all lines in. An end without a line break is the
 * same as one with it. diff->lines is a new reference; empty when nothing differs. */
#define LINE_DIFF_MAX 1000
int line_diff(const char *before, const char *after, int context, struct line_diff *diff,
              struct err *err) MUST_USE;

#endif

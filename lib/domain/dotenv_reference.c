/* dotenv_reference.c - finds one reference. Compose matches `${NAME` and an operator up to the last
 * closing brace of the line, and then looks for the brace that balances the first one; a brace
 * directly behind an opening one is not counted. Both are kept, since values depend on it. */
#include "lib/domain/dotenv_reference.h"

#include <string.h>

/* Compose matches letters without regard to case by the rules of Unicode, which makes the long s
 * and the Kelvin sign letters of names too. No such name can be set, so it is only not text. */
static size_t letter_length(const char *at, const char *end)
{
    if (at == end)
        return 0;
    if ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '_')
        return 1;
    if (end - at >= 2 && memcmp(at, "\xc5\xbf", 2) == 0)
        return 2;
    return end - at >= 3 && memcmp(at, "\xe2\x84\xaa", 3) == 0 ? 3 : 0;
}

static size_t name_length(const char *at, const char *end)
{
    size_t len = letter_length(at, end), more = len;
    while (more > 0) {
        bool is_digit = at + len < end && at[len] >= '0' && at[len] <= '9';
        more = is_digit ? 1 : letter_length(at + len, end);
        len += more;
    }
    return len;
}

static void look_at_line(const char *at, const char *end, struct reference_line *line)
{
    if (line->end != NULL && at < line->end)
        return;
    line->end = memchr(at, '\n', (size_t)(end - at));
    line->end = line->end != NULL ? line->end : end;
    line->last_brace = memrchr(at, '}', (size_t)(line->end - at));
}

/* The brace that closes the one behind the dollar sign, or NULL when they do not balance. */
static const char *closing_brace(const char *at, const char *last)
{
    int open = 0;
    for (; at <= last; at++) {
        if (*at == '}' && --open == 0)
            return at;
        if (*at == '{') {
            open++;
            at++;
        }
    }
    return NULL;
}

static enum reference_kind read_braced(const char *at, const char *end, struct reference_line *line,
                                       struct reference *found)
{
    const char *op, *close;
    found->is_braced = true;
    found->name = at + 2;
    found->name_len = name_length(found->name, end);
    found->end = at + 2;
    op = found->name + found->name_len;
    if (found->name_len == 0 || op == end)
        return REFERENCE_WRONG;
    if (*op == '}') {
        found->text = found->text_end = op;
        found->end = op + 1;
        return REFERENCE_FOUND;
    }
    found->has_colon = *op == ':';
    op += found->has_colon ? 1 : 0;
    if (op == end || memchr("-+?", *op, 3) == NULL)
        return REFERENCE_WRONG;
    look_at_line(at, end, line);
    if (line->last_brace == NULL || line->last_brace <= op)
        return REFERENCE_WRONG;
    close = closing_brace(at, line->last_brace);
    close = close != NULL ? close : line->last_brace;
    found->op = *op;
    found->text = op + 1;
    found->text_end = close;
    found->end = close + 1;
    return REFERENCE_FOUND;
}

enum reference_kind reference_read(const char *at, const char *end, struct reference_line *line,
                                   struct reference *found)
{
    *found = (struct reference){.end = at + 1};
    if (at + 1 == end)
        return REFERENCE_NONE;
    if (at[1] == '$') {
        found->end = at + 2;
        return REFERENCE_ESCAPED;
    }
    if (at[1] == '{')
        return read_braced(at, end, line, found);
    found->name = at + 1;
    found->name_len = name_length(at + 1, end);
    found->text = found->text_end = found->end = at + 1 + found->name_len;
    return found->name_len > 0 ? REFERENCE_FOUND : REFERENCE_NONE;
}

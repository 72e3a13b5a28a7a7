/* dotenv_text.c - places in a .env text, the problems that are reported at them, white space, and
 * the characters that no line may hold. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lib/base/str.h"
#include "lib/domain/dotenv_parse.h"

/* --- places and problems --- */

void dotenv_place(const struct dotenv_parser *p, const char *place, int *line, int *column)
{
    const char *start = p->line_start, *next;
    *line = p->line;
    while ((next = memchr(start, '\n', (size_t)(place - start))) != NULL) {
        start = next + 1;
        ++*line;
    }
    *column = 1;
    for (; start < place; start++)
        *column += ((unsigned char)*start & 0xC0U) != 0x80U ? 1 : 0;
}

/* A name that is no text (the line has an error for that too) is left out. */
static const char *keep_key(struct dotenv_parser *p, const char *key)
{
    size_t len = strlen(key);
    return len > 0 && str_is_utf8(key, len) ? arena_strdup(p->arena, key) : "";
}

void dotenv_error(struct dotenv_parser *p, const char *place, const char *key, const char *fmt, ...)
{
    char sentence[700];
    struct dotenv_problem *problem = p->result->errors + p->result->error_count;
    va_list ap;
    if (p->result->error_count++ >= DOTENV_ERRORS_MAX)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(sentence, sizeof sentence, fmt, ap);
    va_end(ap);
    dotenv_place(p, place, &problem->line, &problem->column);
    problem->key = keep_key(p, key);
    problem->sentence = arena_strdup(p->arena, sentence);
}

void dotenv_error_unset(struct dotenv_parser *p, const char *place, const char *key,
                        const char *name, size_t len, const char *sentence)
{
    if (p->result->error_count < DOTENV_ERRORS_MAX)
        p->unset[p->result->error_count] = arena_memdup(p->arena, name, len);
    dotenv_error(p, place, key, "%s", sentence);
}

void dotenv_explain_unset(struct dotenv_parser *p)
{
    for (size_t i = 0; i < dotenv_errors(p->result); i++) {
        const struct dotenv_entry *below =
            p->unset[i] != NULL ? dotenv_lookup(p, p->unset[i], strlen(p->unset[i])) : NULL;
        if (below != NULL && strcmp(below->key, p->result->errors[i].key) != 0)
            p->result->errors[i].sentence = arena_printf(
                p->arena,
                "This refers to %s, which is set only below, in line %d. Move that line up, or "
                "write $$ or use single quotes for a dollar sign.",
                below->key, below->line);
    }
}

void dotenv_warning(struct dotenv_parser *p, const char *place, const char *key, unsigned readers,
                    const char *sentence)
{
    struct dotenv_problem *problem = p->result->warnings + p->result->warning_count;
    if (p->result->warning_count >= DOTENV_WARNINGS_MAX)
        return;
    p->result->warning_count++;
    dotenv_place(p, place, &problem->line, &problem->column);
    problem->key = keep_key(p, key);
    problem->readers = readers;
    problem->sentence = arena_strdup(p->arena, sentence);
}

const char *dotenv_line_end(const struct dotenv_parser *p, const char *at)
{
    const char *found = memchr(at, '\n', (size_t)(p->end - at));
    return found != NULL ? found : p->end;
}

void dotenv_go_to(struct dotenv_parser *p, const char *to)
{
    const char *next;
    while ((next = memchr(p->line_start, '\n', (size_t)(to - p->line_start))) != NULL) {
        p->line_start = next + 1;
        p->line++;
    }
    p->at = to;
}

/* --- white space --- */

size_t dotenv_space(const char *at, const char *end)
{
    static const char *const WIDE[] = {
        "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82",
        "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87",
        "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9",
        "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};
    if (at == end)
        return 0;
    if (*at == ' ' || *at == '\t' || *at == '\r')
        return 1;
    for (size_t i = 0; i < COUNT_OF(WIDE); i++) {
        size_t len = strlen(WIDE[i]);
        if ((size_t)(end - at) >= len && memcmp(at, WIDE[i], len) == 0)
            return len;
    }
    return 0;
}

const char *dotenv_trim_end(const char *begin, const char *end)
{
    for (;;) {
        size_t cut = 0;
        for (size_t len = 1; len <= 3 && cut == 0; len++)
            if ((size_t)(end - begin) >= len && dotenv_space(end - len, end) == len)
                cut = len;
        if (cut == 0)
            return end;
        end -= cut;
    }
}

/* --- what no line may hold --- */

static const char *first_control(const char *at, const char *end)
{
    if (!str_has_control(at, (size_t)(end - at), true))
        return NULL;
    while (!str_has_control(at, (unsigned char)*at == 0xC2U && at + 1 < end ? 2 : 1, true))
        at++;
    return at;
}

void dotenv_check_characters(struct dotenv_parser *p)
{
    while (p->at < p->end) {
        const char *end = dotenv_line_end(p, p->at), *text_end = end, *wrong;
        if (text_end > p->at && text_end[-1] == '\r')
            text_end--;
        wrong = first_control(p->at, text_end);
        if (!str_is_utf8(p->at, (size_t)(text_end - p->at)))
            dotenv_error(p, p->at, "",
                         "This line is not valid UTF-8. Save the file as UTF-8, or encode the "
                         "value as base64.");
        else if (wrong != NULL && *wrong == '\r')
            dotenv_error(p, wrong, "",
                         "There is a carriage return within this line. Remove it; lines end with a "
                         "line feed.");
        else if (wrong != NULL)
            dotenv_error(p, wrong, "",
                         "There is a %s here. Remove it; store other bytes than text as a file.",
                         *wrong == '\0' ? "NUL byte" : "control character");
        dotenv_go_to(p, end < p->end ? end + 1 : end);
    }
}

/* dotenv_parse.h - what the parts of the .env parser share: dotenv.c (lines, names, comments),
 * dotenv_value.c (what a value means), dotenv_differences.c (who reads it differently). Nobody else
 * includes this. */
#ifndef WL_DOMAIN_DOTENV_PARSE_H
#define WL_DOMAIN_DOTENV_PARSE_H

#include "lib/base/buf.h"
#include "lib/domain/dotenv.h"

#define DOTENV_KEY_SHOWN 140  /* bytes of a name that are kept; the longest that may be has 128 */
#define DOTENV_SLOTS     1024 /* of the table of names: a power of two, over twice DOTENV_KEYS_MAX */

enum dotenv_form { DOTENV_BARE = 0, DOTENV_SINGLE, DOTENV_DOUBLE };

/* One line (or more, in quotes) as it is written. All pointers go into the text. */
struct dotenv_line {
    const char *begin;           /* of the name; behind "export" */
    char key[DOTENV_KEY_SHOWN];  /* cut where it is longer */
    const char *separator;       /* the "=" or ":" */
    const char *opening;         /* the quote, or where the value begins */
    const char *raw, *raw_end;   /* the value without its quotes */
    const char *behind;          /* behind the closing quote; raw_end of a bare value */
    const char *line_end;        /* the line feed, or the end of the text */
    const char *note, *note_end; /* the comment behind the value, or NULL */
    enum dotenv_form form;
    bool is_exported, has_space_before; /* ... the separator */
};

struct dotenv_parser {
    struct arena *arena;
    const struct dotenv_options *options;
    struct dotenv *result;
    const char *text, *end, *at;
    const char *block;                  /* where the comment before the next name begins */
    int line;                           /* of line_start */
    const char *line_start;             /* of the line that `at` is in */
    struct buf plain, value;            /* a value without its escapes; the value */
    size_t total;                       /* bytes of all values */
    unsigned short slots[DOTENV_SLOTS]; /* index of an entry + 1 */
    const char
        *unset[DOTENV_ERRORS_MAX]; /* the name that an error says is not set above, or NULL */
};

/* `place` must not stand before the line of p->at. */
void dotenv_error(struct dotenv_parser *p, const char *place, const char *key, const char *fmt, ...)
    PRINTF(4, 5);
/* As dotenv_error; when the name turns out to be set further down, the sentence will say so. */
void dotenv_error_unset(struct dotenv_parser *p, const char *place, const char *key,
                        const char *name, size_t len, const char *sentence);
void dotenv_explain_unset(struct dotenv_parser *p);
void dotenv_warning(struct dotenv_parser *p, const char *place, const char *key, unsigned readers,
                    const char *sentence);
void dotenv_place(const struct dotenv_parser *p, const char *place, int *line, int *column);
struct dotenv_entry *dotenv_lookup(const struct dotenv_parser *p, const char *key, size_t len);
/* How many bytes of white space begin at `at`, by Unicode but without the line feed; 0: none. */
size_t dotenv_space(const char *at, const char *end);
const char *dotenv_trim_end(const char *begin, const char *end);

const char *dotenv_line_end(const struct dotenv_parser *p, const char *at);
/* Goes on at `to`, which must not stand before the line of p->at. */
void dotenv_go_to(struct dotenv_parser *p, const char *to);
/* Reports what is no text; p->at goes to the end. */
void dotenv_check_characters(struct dotenv_parser *p);

/* The value of the line into p->value; false when it has an error, which is then reported. */
bool dotenv_value(struct dotenv_parser *p, const struct dotenv_line *line);
void dotenv_differences(struct dotenv_parser *p, const struct dotenv_line *line);

#endif

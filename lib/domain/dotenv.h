/* dotenv.h - a whole .env text, read by the grammar of Docker Compose v2, and strictly.
 *
 * Where this accepts a line, `docker compose` reads the same bytes from it
 * (tests/scenarios/dotenv_engines.mjs); what Compose takes silently and nobody means is refused
 * with line, column and the fix: a name twice, a reference to a name that is not set above, text
 * behind a closing quote, `KEY` without "=". Refused are also NUL and other control characters, a
 * carriage return in a value, text that is not UTF-8, and names that validate_env_key refuses. All
 * mistakes are reported, not only the first.
 *
 * Warnings say where node's and ruby's dotenv, bash (`set -a; . file`) and `docker run --env-file`
 * read another value. No sentence quotes bytes of a value: it may be a secret.
 *
 * Sources: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/
 * and the behaviour of docker compose 2.26; for the others node dotenv 16, ruby dotenv 3,
 * bash(1), docker-run(1). */
#ifndef WL_DOMAIN_DOTENV_H
#define WL_DOMAIN_DOTENV_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/arena.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"

#define DOTENV_TEXT_MAX     ((size_t)4 * 1024 * 1024) /* bytes of the text, and of all values */
#define DOTENV_KEYS_MAX     500
#define DOTENV_ERRORS_MAX   100 /* that are kept; error_count goes on */
#define DOTENV_WARNINGS_MAX 500

/* Who reads a line differently (bits). */
#define DOTENV_NODE   1U
#define DOTENV_RUBY   2U
#define DOTENV_BASH   4U
#define DOTENV_DOCKER 8U

struct dotenv_entry {
    const char *key;
    const char *value; /* NUL-terminated beyond len; "" while has_value is false */
    size_t len;
    int line, column;    /* where the value begins, from 1; columns count characters */
    bool has_value;      /* false: its line has an error, or is_alone */
    bool is_alone;       /* (lenient) a name without "=" */
    bool is_hidden;      /* what options->is_hidden said */
    const char *comment; /* the lines of comment and blank lines before it, each with its line feed;
                            a comment behind the value is the last of them */
};

struct dotenv_problem {
    int line, column;
    const char *key;      /* of the line, or "" */
    unsigned readers;     /* of a warning: DOTENV_NODE ... */
    const char *sentence; /* cause and fix */
};

struct dotenv {
    struct dotenv_entry *entries; /* in the order of the text */
    size_t count;
    const char *tail; /* comment and blank lines behind the last key */
    struct dotenv_problem *errors, *warnings;
    size_t error_count; /* may be over DOTENV_ERRORS_MAX; dotenv_errors() are kept */
    size_t warning_count;
};

struct dotenv_options {
    /* The text came through a form: browsers send each line break as CR LF, and inside quotes too a
     * line feed is meant. Without it a CR inside quotes is refused. */
    bool is_form;
    /* For .env.example: a name alone is an entry without a value, of a name twice the first counts,
     * a reference to a name that is not set stays as it is written. */
    bool is_lenient;
    /* Whether this value only stands for one that is not known here. Asked once for each entry; a
     * reference to such a key is an error, and it gets no warnings. May be NULL. */
    bool (*is_hidden)(void *context, const char *key, const char *value, size_t len);
    void *context;
};

/* All of *result lies in the arena. 0 also when there are errors: look at error_count. -1:
 * ERR_TOO_LARGE (text or values), ERR_NO_MEMORY. options may be NULL. The arena should hold
 * DOTENV_ARENA(len) bytes. */
#define DOTENV_ARENA(len) ((size_t)1024 * 1024 + 4 * (len) + DOTENV_TEXT_MAX)
int dotenv_read(struct arena *arena, const char *bytes, size_t len,
                const struct dotenv_options *options, struct dotenv *result,
                struct err *err) MUST_USE;

/* How many of result->errors there are to read. */
size_t dotenv_errors(const struct dotenv *result);
/* NULL when no entry has that key. */
const struct dotenv_entry *dotenv_find(const struct dotenv *result, const char *key);

#endif

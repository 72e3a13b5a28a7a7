/* envfile.h - the text of an environment file, one row per variable, in one of three encodings.
 *
 * ENVFILE_SHELL: what a POSIX shell (`. file`) and systemd (EnvironmentFile=) read alike, byte for
 * byte: a backslash before each " \ ` and $. POSIX.1-2017 XCU 2.2.3 and systemd.exec(5) give these
 * four the same meaning inside double quotes and take every other byte, line breaks too, as it is.
 * Proven against dash and busybox in tests/unit/envfile.c.
 *
 * ENVFILE_COMPOSE: what Docker Compose v1 (python-dotenv) and v2 (compose-go) read alike, both as
 * `.env` and as `env_file`: " as \", and \ and $ as the default of a variable that is never set,
 * ${WL_D:-\} and ${WL_D:-$}, since the two disagree on every other way of writing them. A carriage
 * return becomes a line feed in v1, so it is refused. Proven against both engines in
 * tests/scenarios/values.mjs.
 *
 * ENVFILE_PEOPLE: for exports and for the eye: bare, else in single quotes, else in double quotes,
 * where bash, dash, node and Compose v2 read the same from it. A value that no such form holds (a
 * single quote beside one of " $ ` \ or !, or a backslash at the end) is written for Compose v2 and
 * is not portable. dotenv.h reads all of it back, proven in tests/unit/envfile.c. A carriage return
 * is refused: node makes a line feed of it. */
#ifndef WL_DOMAIN_ENVFILE_H
#define WL_DOMAIN_ENVFILE_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

enum envfile_format { ENVFILE_SHELL = 0, ENVFILE_COMPOSE, ENVFILE_PEOPLE };

/* Append one line. A key that is not [A-Za-z_][A-Za-z0-9_]*, a NUL byte, or text that is not UTF-8
 * (systemd refuses the whole file for it) is ERR_INPUT with the key as field. */
int envfile_add(struct buf *out, enum envfile_format format, const char *key, const char *bytes,
                size_t len, struct err *err) MUST_USE;

/* One row for people; comment: lines that stand before it (dotenv_entry.comment), or NULL. */
struct envfile_row {
    const char *comment, *key, *bytes;
    size_t len;
};

/* Append a comment and a line as ENVFILE_PEOPLE. *is_portable (may be NULL) says whether all of
 * bash, dash, node and Compose v2 read that value. */
int envfile_add_row(struct buf *out, const struct envfile_row *row, bool *is_portable,
                    struct err *err) MUST_USE;
/* Append lines of comment and blank lines, each ended. ERR_INPUT when one is neither: it would be
 * read as a variable. */
int envfile_add_comment(struct buf *out, const char *comment, struct err *err) MUST_USE;

#endif

/* shell.h - the one module that writes POSIX shell text: variable assignments, single-quoted, for
 * the scripts in recipes/.
 *
 * NAME='value' with ' written as '\''. Names are [A-Z_][A-Z0-9_]*; a NUL byte is refused. All other
 * bytes arrive exactly (proven differentially against dash and busybox in tests/unit). Nothing else
 * in the program pastes text into shell. */
#ifndef WL_DOMAIN_SHELL_H
#define WL_DOMAIN_SHELL_H

#include <stddef.h>
#include "lib/base/buf.h"
#include "lib/base/err.h"

int shell_assign(struct buf *out, const char *name, const char *bytes, size_t len,
                 struct err *err) MUST_USE;

#endif

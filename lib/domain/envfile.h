/* envfile.h - the text of an environment file (shared/.env): one encoding that a POSIX shell
 * (`. file`) and systemd (EnvironmentFile=) read alike, byte for byte.
 *
 * KEY="value", with a backslash before each " \ ` and $. POSIX.1-2017 XCU 2.2.3 and systemd.exec(5)
 * give these four the same meaning inside double quotes and take every other byte, line breaks too,
 * as it is. Proven against dash and busybox in tests/unit/envfile.c. */
#ifndef WL_DOMAIN_ENVFILE_H
#define WL_DOMAIN_ENVFILE_H

#include <stddef.h>
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

/* Append one line. A key that is not [A-Za-z_][A-Za-z0-9_]*, a NUL byte, or text that is not UTF-8
 * (systemd refuses the whole file for it) is ERR_INPUT with the key as field. */
int envfile_add(struct buf *out, const char *key, const char *bytes, size_t len,
                struct err *err) MUST_USE;

#endif

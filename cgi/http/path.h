/* path.h - the path of a request: percent-decoded exactly once, and refused when two readers could
 * understand it differently (R4 of the reliability notes: the same canonical path is used by the
 * authorizer and the handler). */
#ifndef WL_CGI_HTTP_PATH_H
#define WL_CGI_HTTP_PATH_H

#include "lib/base/arena.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"

#define PATH_BYTES_MAX 2048

/* raw: the part of REQUEST_URI before '?'. Refused (ERR_INPUT): no slash at the front, a broken
 * escape, an encoded slash, backslash, NUL or control characters, invalid UTF-8, an empty segment
 * ("//", or a slash at the end), "." and "..", more than PATH_BYTES_MAX bytes. */
int path_decode(struct arena *arena, const char *raw, size_t len, const char **path,
                struct err *err) MUST_USE;

#endif

/* str.h - questions about text from outside. Nothing here changes its input. */
#ifndef WL_BASE_STR_H
#define WL_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/attr.h"

/* Valid UTF-8 by RFC 3629: no overlong form, no surrogate, nothing over U+10FFFF. */
bool str_is_utf8(const char *bytes, size_t len);
/* Holds a C0 control, DEL or a C1 control (as UTF-8). LF and TAB count only when allow_lines is
 * false. */
bool str_has_control(const char *bytes, size_t len, bool allow_lines);
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
/* What one hexadecimal digit says, -1 when it is none. */
int str_hex_value(char c);
bool str_equal(const char *a, const char *b); /* NULL equals only NULL */
/* A whole decimal number within [min, max]; no sign but '-', no space, no rest. */
bool str_to_int64(const char *text, int64_t min, int64_t max, int64_t *value);
/* Copy with truncation at a UTF-8 boundary; always terminated. Returns whether all of it fitted. */
bool str_copy(char *dst, size_t dst_size, const char *src);
/* Byte count as people read it: "1.4 MB" (decimal units). */
const char *str_bytes(char *dst, size_t dst_size, int64_t bytes);
/* A duration as people read it: "0.4 s", "38 s", "1m 42s", "2h 5m". */
const char *str_duration(char *dst, size_t dst_size, int64_t ms);

#endif

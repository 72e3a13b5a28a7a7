/* key_sheet.h - a key as a person can print it and type it again: four lines of hex digits, each
 * with a check of its own, so that a slip of the finger is found and the line with it is named.
 *
 *     K1   3f2a 99c1 07de 4410   8c1d
 *
 * The check is 16 bits of SHA-256 over the line's number and its eight bytes: lines that changed
 * places are found too. */
#ifndef WL_DOMAIN_KEY_SHEET_H
#define WL_DOMAIN_KEY_SHEET_H

#include <stdint.h>
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

#define KEY_SHEET_BYTES 32
#define KEY_SHEET_LINES 4
#define KEY_SHEET_MAX   ((size_t)64 * 1024) /* of a sheet that is read back */

/* Append the four lines, each with `indent` in front. Wipe the buffer after use. */
void key_sheet_write(struct buf *out, const uint8_t key[KEY_SHEET_BYTES], const char *indent);
/* Find the four lines in a text that may hold anything else (the whole sheet). Case, and how the
 * digits are grouped, do not matter; o and l are read as 0 and 1. ERR_INPUT names the line and what
 * is wrong with it. */
int key_sheet_read(const char *text, uint8_t key[KEY_SHEET_BYTES], struct err *err) MUST_USE;

#endif

/* ansi.h - terminal output as styled text: SGR colours and weight become CSS class names, every
 * other control goes.
 *
 * Input is one log line of any bytes; output is a JSON list of [classes, text] pairs whose texts
 * are valid UTF-8 without control characters (invalid bytes become U+FFFD). \r keeps what follows
 * the last one, as a terminal would show. Classes: "fg1".."fg7", "fg8".."fg15" (bright),
 * "bg0".."bg15", "b", "dim", "i", "u"; 256-colour and RGB codes map to the nearest of the 16. State
 * does not carry over from line to line. Source: ECMA-48 §8.3.117. At most 64 KiB in, 512 pairs
 * out. */
#ifndef WL_DOMAIN_ANSI_H
#define WL_DOMAIN_ANSI_H

#include <jansson.h>
#include <stddef.h>

/* A new reference; NULL only when out of memory. */
json_t *ansi_to_spans(const char *line, size_t len);

#endif

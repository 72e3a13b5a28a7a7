/* decode.h - compare a hidden value with what was printed, reading the printed bytes in one of the
 * ways programs escape text. Used by hide.c alone. */
#ifndef WL_WORKER_MASK_DECODE_H
#define WL_WORKER_MASK_DECODE_H

#include <stdbool.h>
#include <stddef.h>

enum decode_way {
    DECODE_NONE = 0,  /* as it is; CR LF counts as LF (terminals) */
    DECODE_URL,       /* %41, + for a space */
    DECODE_BACKSLASH, /* \n \" \/ \u00e9 \x41 \101, and a backslash before any other byte */
    DECODE_QUOTE,     /* inside '...' of sh: '\'' or '"'"' for ' */
    DECODE_BASE64 /* value is base64 digits; - and _ count as + and /; may be broken over lines */
};

enum decode_result {
    DECODE_DIFFERENT = 0,
    DECODE_WHOLE, /* the value, and it took `printed` bytes */
    DECODE_CUT    /* all printed bytes fit, and then they end */
};

struct decode_match {
    size_t printed; /* bytes of the printed text used */
    size_t matched; /* bytes of the value met */
};

enum decode_result decode_match(enum decode_way way, const char *value, size_t value_len,
                                const char *printed, size_t printed_len,
                                struct decode_match *match);
/* Whether a value whose first byte is `first` can be printed beginning with `printed`. */
bool decode_can_begin(enum decode_way way, char first, char printed);

/* How many digits of a base64 text of this length must stand before a line break for the break to
 * be looked across. Fewer would hold back every line that ends in a letter of some secret. */
size_t decode_wrap_after(size_t value_len);

#endif

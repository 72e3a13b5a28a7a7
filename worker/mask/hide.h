/* hide.h - the values that must not be shown, in every form in which programs print them.
 *
 * Forms: as it is; base64 and base64url at any of the three alignments inside a longer encoding,
 * also broken over lines; URL-encoded; backslash-escaped (JSON, bash's %q, $'...', double quotes);
 * in single quotes of sh. Encodings that leave a choice (upper or lower hex digits, which bytes are
 * escaped) are met by decoding what was printed, not by listing variants. Each line of a
 * multi-line value counts as a value of its own. A value shorter than HIDE_MIN bytes is not hidden:
 * it would blank out ordinary words.
 *
 * Life cycle: hide_new, any number of hide_add, then hide_at / hide_text; hide_free wipes. */
#ifndef WL_WORKER_MASK_HIDE_H
#define WL_WORKER_MASK_HIDE_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

#define HIDE_MIN       6
#define HIDE_VALUE_MAX ((size_t)1024 * 1024)
#define HIDE_MARK      "***"

struct hide;

struct hide *hide_new(void) MUST_USE; /* NULL: no memory */
void hide_free(struct hide *hide);
/* Takes a copy. Values below HIDE_MIN are passed over. */
int hide_add(struct hide *hide, const void *value, size_t len, struct err *err) MUST_USE;

enum hide_result {
    HIDE_NO = 0, /* nothing to hide begins here */
    HIDE_YES,    /* *length bytes from here are to be hidden */
    HIDE_MORE    /* the bytes end inside what may become a hidden value: wait for more */
};
/* Look at the first byte of `bytes`. line_start: see hide_line_start. With final true there is no
 * more to come: never HIDE_MORE, and a value cut off by the end is hidden when HIDE_MIN bytes of it
 * are there. */
struct hide_view {
    const char *bytes;
    size_t len;
    bool line_start;
    bool final;
};
enum hide_result hide_at(const struct hide *hide, const struct hide_view *view, size_t *length);

/* Whether a line of text begins after these bytes: a line break, real or as JSON writes it, and
 * then nothing but indentation. `begin`: what holds when there are no bytes. */
bool hide_line_start(const char *bytes, size_t len, bool begin);

/* A finished text: append it to `out` with every hidden value as HIDE_MARK; how many those are.
 * hide may be NULL. */
size_t hide_text(const struct hide *hide, const char *text, size_t len, struct buf *out);

#endif

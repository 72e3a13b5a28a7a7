/* buf.h - growable bytes with a maximum.
 *
 * Invariants: data is never NULL; data[len] == 0; len <= max.
 * Life cycle: buf_init, any number of buf_add*, buf_deinit; or buf_detach (the caller then frees
 * with free()). Going over max, or out of memory, sticks: later adds do nothing and buf_ok() is
 * false; check once at the end. */
#ifndef WL_BASE_BUF_H
#define WL_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/attr.h"

struct buf {
    char *data;
    size_t len;
    size_t cap; /* 0: data points to a static empty string */
    size_t max;
    bool failed;
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_deinit(struct buf *b);
void buf_reset(struct buf *b); /* len = 0 and not failed; keeps the memory */
char *buf_detach(struct buf *b, size_t *len) MUST_USE;

void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_add_str(struct buf *b, const char *text);
void buf_add_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
/* Remove `len` bytes from the front. */
void buf_consume(struct buf *b, size_t len);
/* Room for at least `len` more bytes at data + b->len; the caller then raises b->len. NULL when
 * over the maximum. */
char *buf_reserve(struct buf *b, size_t len) MUST_USE;
bool buf_ok(const struct buf *b);

/* Overwrite the contents before freeing: for bytes that were a secret. */
void buf_wipe(struct buf *b);

#endif

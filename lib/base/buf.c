/* buf.c - growable bytes. Growing moves by hand and wipes the old place: these buffers carry form
 * fields and step inputs, and a secret must not stay behind in freed memory. */
#include "lib/base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP ((size_t)256)

static char empty[1]; /* what data points to before the first byte; never written */

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.data = empty, .max = max_bytes < SIZE_MAX ? max_bytes : SIZE_MAX - 1};
}

void buf_deinit(struct buf *b)
{
    if (b->cap > 0)
        free(b->data);
    buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->cap > 0)
        b->data[0] = '\0';
}

char *buf_detach(struct buf *b, size_t *len)
{
    char *result = NULL;

    if (!b->failed)
        result = b->cap > 0 ? b->data : calloc(1, 1);
    if (result == NULL) {
        buf_deinit(b);
        return NULL;
    }
    if (len != NULL)
        *len = b->len;
    buf_init(b, b->max);
    return result;
}

/* Make room for `len` more bytes and the final NUL. */
static bool grow(struct buf *b, size_t len)
{
    size_t need, cap;
    char *data;

    if (b->failed || len > b->max - b->len) {
        b->failed = true;
        return false;
    }
    need = b->len + len + 1;
    if (need <= b->cap)
        return true;
    cap = b->cap > SIZE_MAX / 2 ? need : b->cap * 2;
    if (cap < FIRST_CAP)
        cap = FIRST_CAP;
    if (cap > b->max + 1)
        cap = b->max + 1;
    if (cap < need)
        cap = need;
    data = malloc(cap);
    if (data == NULL) {
        b->failed = true;
        return false;
    }
    memcpy(data, b->data, b->len + 1);
    if (b->cap > 0) {
        explicit_bzero(b->data, b->len);
        free(b->data);
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
    if (len == 0 || !grow(b, len))
        return;
    memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_add_str(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_add_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0) {
        b->failed = true;
    } else if (grow(b, (size_t)n)) {
        (void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
    va_end(ap);
}

void buf_consume(struct buf *b, size_t len)
{
    if (len == 0 || b->cap == 0)
        return;
    if (len > b->len)
        len = b->len;
    memmove(b->data, b->data + len, b->len - len + 1);
    b->len -= len;
}

char *buf_reserve(struct buf *b, size_t len)
{
    if (!grow(b, len))
        return NULL;
    /* Zeroed, so that data[len] == 0 holds whatever part of it the caller fills. */
    memset(b->data + b->len, 0, len + 1);
    return b->data + b->len;
}

bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

void buf_wipe(struct buf *b)
{
    if (b->cap > 0)
        explicit_bzero(b->data, b->cap);
    b->len = 0;
}

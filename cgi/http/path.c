/* path.c - decodes and checks the path of a request. Nothing is repaired or normalised away. */
#include "cgi/http/path.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"

static int refuse(struct err *err, const char *why)
{
    return err_set(err, ERR_INPUT, "This address is not one of ours: its path %s.", why);
}

/* Decode %XX into dst; the length, or -1 for a broken escape or an encoded slash. */
static ptrdiff_t decode(char *dst, const char *raw, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char pair[3] = {0};
        unsigned char byte;

        if (raw[i] != '%') {
            dst[n++] = raw[i];
            continue;
        }
        if (len - i < 3)
            return -1;
        memcpy(pair, raw + i + 1, 2);
        if (!crypto_unhex(pair, &byte, 1) || byte == '/')
            return -1;
        dst[n++] = (char)byte;
        i += 2;
    }
    dst[n] = '\0';
    return (ptrdiff_t)n;
}

static bool has_dot_segment(const char *path)
{
    for (const char *segment = path; segment != NULL; segment = strchr(segment + 1, '/')) {
        size_t len = strcspn(segment + 1, "/");

        if ((len == 1 && segment[1] == '.') || (len == 2 && memcmp(segment + 1, "..", 2) == 0))
            return true;
    }
    return false;
}

int path_decode(struct arena *arena, const char *raw, size_t len, const char **path,
                struct err *err)
{
    char *text;
    ptrdiff_t n;

    if (len == 0 || raw[0] != '/')
        return refuse(err, "does not begin with a slash");
    if (len > PATH_BYTES_MAX)
        return refuse(err, "is too long");
    text = arena_alloc(arena, len + 1);
    if (text == NULL)
        return err_set(err, ERR_NO_MEMORY, "The request is too large.");
    n = decode(text, raw, len);
    if (n < 0)
        return refuse(err, "has a broken escape or an encoded slash");
    if (memchr(text, '\0', (size_t)n) != NULL || strchr(text, '\\') != NULL
        || str_has_control(text, (size_t)n, false))
        return refuse(err, "has a control character or a backslash");
    if (!str_is_utf8(text, (size_t)n))
        return refuse(err, "is not UTF-8");
    if (strstr(text, "//") != NULL || (n > 1 && text[n - 1] == '/'))
        return refuse(err, "has an empty part");
    if (has_dot_segment(text))
        return refuse(err, "has a . or .. part");
    *path = text;
    return 0;
}

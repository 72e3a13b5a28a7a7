/* Writing environment files. Single quotes would be shorter, but a value with a single quote in it
 * then needs three pieces, and systemd.exec(5) does not promise to join pieces. */
#include "lib/domain/envfile.h"

#include <string.h>
#include "lib/base/str.h"

static int refuse(struct err *err, const char *key, const char *what)
{
    return err_field(err, key, "The variable %.128s %s", key, what);
}

static bool is_key(const char *key)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    size_t len = strlen(key);
    return len > 0 && (key[0] < '0' || key[0] > '9') && strspn(key, letters) == len;
}

static void add_for_shell(struct buf *out, char c)
{
    if (strchr("\"\\`$", c) != NULL)
        buf_add_char(out, '\\');
    buf_add_char(out, c);
}

static void add_for_compose(struct buf *out, char c)
{
    if (c == '\\')
        buf_add_str(out, "${WL_D:-\\}");
    else if (c == '$')
        buf_add_str(out, "${WL_D:-$}");
    else if (c == '"')
        buf_add_str(out, "\\\"");
    else
        buf_add_char(out, c);
}

int envfile_add(struct buf *out, enum envfile_format format, const char *key, const char *bytes,
                size_t len, struct err *err)
{
    if (!is_key(key))
        return refuse(err, key, "has a name that no variable can have. Rename it.");
    if (len > 0 && memchr(bytes, '\0', len) != NULL)
        return refuse(err, key, "holds a NUL byte, which no variable can. Store it as a file.");
    if (!str_is_utf8(bytes, len))
        return refuse(err, key, "is not UTF-8 text. Store it as a file, or encode it as base64.");
    if (format == ENVFILE_COMPOSE && len > 0 && memchr(bytes, '\r', len) != NULL)
        return refuse(err, key,
                      "holds a carriage return, which Docker Compose v1 would change to a line "
                      "feed. Remove it.");
    buf_add_str(out, key);
    buf_add_str(out, "=\"");
    for (size_t i = 0; i < len; i++) {
        if (format == ENVFILE_COMPOSE)
            add_for_compose(out, bytes[i]);
        else
            add_for_shell(out, bytes[i]);
    }
    buf_add_str(out, "\"\n");
    if (!buf_ok(out))
        return err_set(err, ERR_TOO_LARGE,
                       "The variables of this environment are too large together. Shorten one.");
    return 0;
}

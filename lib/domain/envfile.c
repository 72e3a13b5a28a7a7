/* envfile.c - writes environment files. For shells single quotes would be shorter, but a value with
 * a single quote in it then needs three pieces, and systemd.exec(5) does not promise to join
 * pieces. */
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

/* --- for people --- */

enum style { STYLE_BARE, STYLE_SINGLE, STYLE_DOUBLE, STYLE_ESCAPED };

static bool has_any(const char *bytes, size_t len, const char *chars)
{
    for (size_t i = 0; i < len; i++)
        if (strchr(chars, bytes[i]) != NULL)
            return true;
    return false;
}

/* Inside single quotes a backslash is one to all of them, but for one before the closing quote. The
 * exclamation mark is for shells that people type into. */
static enum style style_of(const char *bytes, size_t len)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+,=-";
    size_t i = 0;
    while (i < len && memchr(plain, bytes[i], sizeof plain - 1) != NULL)
        i++;
    if (i == len)
        return STYLE_BARE;
    if (memchr(bytes, '\'', len) == NULL && bytes[len - 1] != '\\')
        return STYLE_SINGLE;
    return has_any(bytes, len, "\"$`\\!") ? STYLE_ESCAPED : STYLE_DOUBLE;
}

/* Compose v2 takes the backslash away before these three, and bash too; node keeps it. */
static void add_for_people(struct buf *out, enum style style, const char *bytes, size_t len)
{
    const char *quote = style == STYLE_BARE ? "" : style == STYLE_SINGLE ? "'" : "\"";
    buf_add_str(out, quote);
    for (size_t i = 0; i < len; i++) {
        if (style == STYLE_ESCAPED && strchr("\"\\$", bytes[i]) != NULL)
            buf_add_char(out, '\\');
        buf_add_char(out, bytes[i]);
    }
    buf_add_str(out, quote);
}

/* --- rows --- */

static int check(const char *key, const char *bytes, size_t len, enum envfile_format format,
                 struct err *err)
{
    bool has_return = len > 0 && memchr(bytes, '\r', len) != NULL;
    if (!is_key(key))
        return refuse(err, key, "has a name that no variable can have. Rename it.");
    if (len > 0 && memchr(bytes, '\0', len) != NULL)
        return refuse(err, key, "holds a NUL byte, which no variable can. Store it as a file.");
    if (!str_is_utf8(bytes, len))
        return refuse(err, key, "is not UTF-8 text. Store it as a file, or encode it as base64.");
    if (format == ENVFILE_COMPOSE && has_return)
        return refuse(err, key,
                      "holds a carriage return, which Docker Compose v1 would change to a line "
                      "feed. Remove it.");
    if (format == ENVFILE_PEOPLE && has_return)
        return refuse(err, key,
                      "holds a carriage return, which many programs would change to a line feed. "
                      "Remove it.");
    return 0;
}

int envfile_add(struct buf *out, enum envfile_format format, const char *key, const char *bytes,
                size_t len, struct err *err)
{
    if (check(key, bytes, len, format, err) != 0)
        return -1;
    buf_add_str(out, key);
    if (format == ENVFILE_PEOPLE) {
        buf_add_char(out, '=');
        add_for_people(out, style_of(bytes, len), bytes, len);
        buf_add_char(out, '\n');
    } else {
        buf_add_str(out, "=\"");
        for (size_t i = 0; i < len; i++) {
            if (format == ENVFILE_COMPOSE)
                add_for_compose(out, bytes[i]);
            else
                add_for_shell(out, bytes[i]);
        }
        buf_add_str(out, "\"\n");
    }
    if (!buf_ok(out))
        return err_set(err, ERR_TOO_LARGE,
                       "The variables of this environment are too large together. Shorten one.");
    return 0;
}

int envfile_add_comment(struct buf *out, const char *comment, struct err *err)
{
    size_t len = strlen(comment);
    if (!str_is_utf8(comment, len) || str_has_control(comment, len, true))
        return err_set(err, ERR_INPUT, "A comment holds characters that are no text.");
    for (const char *line = comment; *line != '\0';) {
        size_t end = strcspn(line, "\n"), first = strspn(line, " \t");
        if (first < end && line[first] != '#')
            return err_set(err, ERR_INPUT,
                           "A line of a comment does not begin with #. Put one in front.");
        buf_add(out, line, end);
        buf_add_char(out, '\n');
        line += end + (line[end] == '\n' ? 1 : 0);
    }
    return buf_ok(out) ? 0
                       : err_set(err, ERR_TOO_LARGE, "This text is too large. Shorten a comment.");
}

int envfile_add_row(struct buf *out, const struct envfile_row *row, bool *is_portable,
                    struct err *err)
{
    if (row->comment != NULL && envfile_add_comment(out, row->comment, err) != 0)
        return -1;
    if (envfile_add(out, ENVFILE_PEOPLE, row->key, row->bytes, row->len, err) != 0)
        return -1;
    if (is_portable != NULL)
        *is_portable = style_of(row->bytes, row->len) != STYLE_ESCAPED;
    return 0;
}

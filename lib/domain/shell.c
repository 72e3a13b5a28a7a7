/* shell.c - the writer of shell assignments. Single quotes are the one POSIX quoting in which no
 * byte but the quote itself means anything (POSIX.1-2017, Shell Command Language, 2.2.2). */
#include "lib/domain/shell.h"

#include <stdbool.h>
#include <string.h>

static bool is_variable_name(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= 128 && (name[0] < '0' || name[0] > '9')
           && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == len;
}

int shell_assign(struct buf *out, const char *name, const char *bytes, size_t len, struct err *err)
{
    size_t at = 0;

    if (!is_variable_name(name)) {
        err_set(err, ERR_INTERNAL,
                "An input of a step has a name that no shell variable can have.");
        return err_detail(err, "variable %.40s", name);
    }
    if (len > 0 && memchr(bytes, '\0', len) != NULL)
        return err_field(err, name,
                         "There is a NUL byte in %s, which no shell variable can hold. "
                         "Remove it.",
                         name);
    buf_add_str(out, name);
    buf_add_str(out, "='");
    while (at < len) {
        const char *quote = memchr(bytes + at, '\'', len - at);
        size_t end = quote != NULL ? (size_t)(quote - bytes) : len;

        buf_add(out, bytes + at, end - at);
        if (quote != NULL)
            buf_add_str(out, "'\\''");
        at = quote != NULL ? end + 1 : len;
    }
    buf_add_str(out, "'\n");
    if (!buf_ok(out)) {
        err_set(err, ERR_TOO_LARGE,
                "The inputs of a step are too large together. Shorten a setting "
                "or a secret.");
        return err_detail(err, "variable %s of %zu bytes", name, len);
    }
    return 0;
}

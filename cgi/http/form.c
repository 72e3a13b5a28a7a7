/* form.c - urlencoded fields. One pass, no guessing: what a browser would never send is refused
 * with a sentence, so no two readers of the same bytes can understand them differently. */
#include "cgi/http/form.h"

#include <string.h>
#include "lib/base/str.h"

/* Decode + and %XX into dst (which has room for len + 1); the decoded length, or -1. */
static ptrdiff_t decode(char *dst, const char *src, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (src[i] == '+') {
            dst[n++] = ' ';
        } else if (src[i] == '%') {
            int high = len - i > 2 ? str_hex_value(src[i + 1]) : -1;
            int low = len - i > 2 ? str_hex_value(src[i + 2]) : -1;

            if (high < 0 || low < 0)
                return -1;
            dst[n++] = (char)(high * 16 + low);
            i += 2;
        } else {
            dst[n++] = src[i];
        }
    }
    dst[n] = '\0';
    return (ptrdiff_t)n;
}

int form_check_name(const char *name, size_t len, struct err *err)
{
    static const char ALLOWED[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:";

    if (len == 0 || len > FORM_NAME_MAX || strspn(name, ALLOWED) != len)
        return err_set(err, ERR_INPUT,
                       "A field's name is empty, longer than %d characters, or has characters that "
                       "no form of this site uses. Reload the page and send the form again.",
                       FORM_NAME_MAX);
    return 0;
}

int form_check_value(const char *name, const char *value, size_t len, struct err *err)
{
    if (memchr(value, '\0', len) != NULL)
        return err_field(err, name,
                         "The field \"%s\" holds a NUL byte. Remove it: text cannot carry one.",
                         name);
    if (!str_is_utf8(value, len))
        return err_field(err, name,
                         "The field \"%s\" holds bytes that are not UTF-8 text. Save the text as "
                         "UTF-8 and send it again.",
                         name);
    return 0;
}

const struct form_field *form_find(const struct form *form, const char *name)
{
    for (size_t i = 0; form != NULL && i < form->count; i++) {
        if (strcmp(form->fields[i].name, name) == 0)
            return &form->fields[i];
    }
    return NULL;
}

/* One `name=value` between ampersands, appended to the form. */
static int add_field(struct arena *arena, struct form *form, const char *pair, size_t len,
                     struct err *err)
{
    const char *equals = memchr(pair, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - pair) : len;
    size_t value_len = equals != NULL ? len - name_len - 1 : 0;
    char *name = arena_alloc(arena, name_len + 1);
    char *value = arena_alloc(arena, value_len + 1);
    ptrdiff_t name_bytes, value_bytes;

    if (name == NULL || value == NULL)
        return err_set(err, ERR_NO_MEMORY, "The form is too large to be read.");
    name_bytes = decode(name, pair, name_len);
    if (name_bytes < 0)
        return err_set(err, ERR_INPUT, "A field's name has a broken %% escape.");
    if (form_check_name(name, (size_t)name_bytes, err) != 0)
        return -1;
    value_bytes = equals != NULL ? decode(value, equals + 1, value_len) : 0;
    if (value_bytes < 0)
        return err_field(err, name, "The field \"%s\" has a broken %% escape; write %%25 for %%.",
                         name);
    if (form_find(form, name) != NULL)
        return err_field(err, name, "The field \"%s\" was given twice. Send it once.", name);
    if (form->count == FORM_FIELDS_MAX)
        return err_set(err, ERR_TOO_LARGE, "A form may have at most %d fields.", FORM_FIELDS_MAX);
    form->fields[form->count++] =
        (struct form_field){.name = name, .value = value, .len = (size_t)value_bytes};
    return 0;
}

int form_parse(struct arena *arena, const char *bytes, size_t len, struct form **form,
               struct err *err)
{
    struct form *made = arena_alloc(arena, sizeof *made);

    if (made == NULL
        || (made->fields = arena_array(arena, FORM_FIELDS_MAX, sizeof *made->fields)) == NULL)
        return err_set(err, ERR_NO_MEMORY, "The form is too large to be read.");
    while (len > 0) {
        const char *end = memchr(bytes, '&', len);
        size_t part = end != NULL ? (size_t)(end - bytes) : len;
        size_t step = end != NULL ? part + 1 : part;

        if (part > 0 && add_field(arena, made, bytes, part, err) != 0)
            return -1;
        bytes += step;
        len -= step;
    }
    *form = made;
    return 0;
}

int form_check_text(const struct form *form, struct err *err)
{
    for (size_t i = 0; form != NULL && i < form->count; i++) {
        const struct form_field *field = &form->fields[i];

        if (!str_starts(field->name, "raw.")
            && form_check_value(field->name, field->value, field->len, err) != 0)
            return -1;
    }
    return 0;
}

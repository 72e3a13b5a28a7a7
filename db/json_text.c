/* json_text.c - canonical JSON text (json_text.h): measured first, then written, with our own
 * malloc. */
#include "db/json_text.h"

#define TEXT_FLAGS (JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY)

int json_text(const json_t *value, char **text, struct err *err)
{
    size_t len = value == NULL ? 2 : json_dumpb(value, NULL, 0, TEXT_FLAGS);
    char *bytes = len == 0 ? NULL : malloc(len + 1);
    if (bytes == NULL)
        return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    if (value == NULL)
        memcpy(bytes, "{}", 2);
    else
        len = json_dumpb(value, bytes, len, TEXT_FLAGS);
    bytes[len] = '\0';
    *text = bytes;
    return 0;
}

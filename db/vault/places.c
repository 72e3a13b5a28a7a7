/* places.c - which place a ciphertext belongs to, as the text that is authenticated with it.
 *
 * No two places may have one text. Of the parts only the last may hold any character; where a part
 * before it comes from outside, a "|" in it is refused. */
#include "db/vault/inside.h"

#include <inttypes.h>
#include <stdarg.h>

static int PRINTF(2, 3) write_place(char text[BELONGS_MAX], const char *format, ...)
{
    va_list parts;
    int len;

    va_start(parts, format);
    len = vsnprintf(text, BELONGS_MAX, format, parts);
    va_end(parts);
    return len < 0 || len >= BELONGS_MAX ? -1 : 0;
}

int place_of_keyring(char text[BELONGS_MAX], const char *name)
{
    return write_place(text, "keyring|%s", name);
}

int place_of_data_key(char text[BELONGS_MAX], const char *environment_id)
{
    return write_place(text, "data_key|%s", environment_id);
}

int place_of_secret(char text[BELONGS_MAX], const char *environment_id, int64_t number,
                    const char *key)
{
    return write_place(text, "secret_value|%s|%" PRId64 "|%s", environment_id, number, key);
}

int place_of_server_key(char text[BELONGS_MAX], const char *server_id)
{
    return write_place(text, "server_key|%s", server_id);
}

int place_of_registry_password(char text[BELONGS_MAX], const char *registry_id, int64_t number,
                               const char *host, const char *login)
{
    if (strchr(host, '|') != NULL)
        return -1;
    return write_place(text, "registry_password|%s|%" PRId64 "|%s|%s", registry_id, number, host,
                       login);
}

/* cookie.c - the three cookies we have: session, visitor (for the CSRF token of people not yet
 * signed in) and flash. A name that comes twice is treated as absent: somebody planted one. */
#include "cgi/http/cookie.h"

#include <string.h>

static const char *cookie_name(struct arena *arena, const struct site *site, enum cookie which)
{
    static const char *const PARTS[] = {
        [COOKIE_SESSION] = "", [COOKIE_VISITOR] = "-visitor", [COOKIE_FLASH] = "-flash"};

    if (site->is_https)
        return arena_printf(arena, "__Host-windlass%s", PARTS[which]);
    return arena_printf(arena, "windlass%s-%d", PARTS[which], site->port);
}

/* cookie-octet of RFC 6265 §4.1.1, without the rarely used quotes around it. */
static bool is_cookie_value(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];

        if (c <= ' ' || c >= 0x7f || c == '"' || c == ',' || c == ';' || c == '\\')
            return false;
    }
    return len > 0;
}

const char *cookie_read(struct arena *arena, const struct site *site, enum cookie which,
                        const char *header)
{
    const char *name = cookie_name(arena, site, which);
    const char *found = NULL;
    size_t found_len = 0;
    size_t name_len;

    if (name == NULL || header == NULL)
        return NULL;
    name_len = strlen(name);
    while (*header != '\0') {
        size_t len;

        header += strspn(header, " \t;");
        len = strcspn(header, ";");
        if (len > name_len && header[name_len] == '=' && memcmp(header, name, name_len) == 0) {
            if (found != NULL)
                return NULL;
            found = header + name_len + 1;
            found_len = len - name_len - 1;
            while (found_len > 0 && (found[found_len - 1] == ' ' || found[found_len - 1] == '\t'))
                found_len--;
        }
        header += len;
    }
    if (found == NULL || !is_cookie_value(found, found_len))
        return NULL;
    return arena_memdup(arena, found, found_len);
}

const char *cookie_write(struct arena *arena, const struct site *site, enum cookie which,
                         const char *value, int max_age_s)
{
    const char *name = cookie_name(arena, site, which);
    const char *age = max_age_s < 0 ? "" : arena_printf(arena, "; Max-Age=%d", max_age_s);

    if (name == NULL || age == NULL)
        return NULL;
    return arena_printf(arena, "%s=%s; Path=/; HttpOnly; SameSite=Lax%s%s", name, value,
                        site->is_https ? "; Secure" : "", age);
}

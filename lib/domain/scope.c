/* scope.c - the names of scopes, and which right each one needs (scope.h). */
#include "lib/domain/scope.h"

#include <string.h>

const struct scope_words SCOPES[] = {
    {SCOPE_READ, "read", "See apps, environments, jobs and servers."},
    {SCOPE_SECRETS_READ, "secrets:read", "Read the plain and secret values of an environment."},
    {SCOPE_SECRETS_WRITE, "secrets:write", "Save a new secret set, without reading the old one."},
    {SCOPE_NONE, NULL, NULL},
};

static enum capability capability_of(enum scope scope)
{
    switch (scope) {
    case SCOPE_READ:
        return CAP_VIEW;
    case SCOPE_SECRETS_READ:
    case SCOPE_SECRETS_WRITE:
        return CAP_SECRETS;
    case SCOPE_NONE:
    default:
        return CAP_NOBODY;
    }
}

static enum scope scope_called(const char *word, size_t len)
{
    for (const struct scope_words *s = SCOPES; s->name != NULL; s++)
        if (strlen(s->name) == len && memcmp(s->name, word, len) == 0)
            return s->scope;
    return SCOPE_NONE;
}

int scope_parse(const char *field, const char *text, unsigned *scopes, struct err *err)
{
    unsigned found = SCOPE_NONE;

    for (text += strspn(text, ", "); *text != '\0'; text += strspn(text, ", ")) {
        size_t len = strcspn(text, ", ");
        enum scope scope = scope_called(text, len);

        if (scope == SCOPE_NONE)
            return err_field(err, field,
                             "There is no scope of that name. Choose from: read, secrets:read, "
                             "secrets:write.");
        found |= (unsigned)scope;
        text += len;
    }
    if (found == SCOPE_NONE)
        return err_field(err, field,
                         "A token without a scope is good for nothing. Choose from: read, "
                         "secrets:read, secrets:write.");
    *scopes = found;
    return 0;
}

const char *scope_text(char dst[SCOPE_TEXT_SIZE], unsigned scopes)
{
    size_t used = 0;

    dst[0] = '\0';
    for (const struct scope_words *s = SCOPES; s->name != NULL; s++) {
        size_t len = strlen(s->name);

        if ((scopes & (unsigned)s->scope) == 0 || used + len + 2 > SCOPE_TEXT_SIZE)
            continue;
        if (used > 0)
            dst[used++] = ',';
        memcpy(dst + used, s->name, len + 1);
        used += len;
    }
    return dst;
}

bool scope_role_may(enum role role, unsigned scopes)
{
    for (const struct scope_words *s = SCOPES; s->name != NULL; s++)
        if ((scopes & (unsigned)s->scope) != 0 && !role_may(role, capability_of(s->scope)))
            return false;
    return scopes != SCOPE_NONE && (scopes & ~SCOPE_ALL) == 0;
}

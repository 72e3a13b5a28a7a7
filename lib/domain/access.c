/* access.c - the policy: which role may do what. Read it as a table; everything not marked is
 * denied. */
#include "lib/domain/access.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/attr.h"

static const char *const ROLE_NAMES[] = {
    [ROLE_NONE] = "none",         [ROLE_VIEWER] = "viewer",
    [ROLE_DEPLOYER] = "deployer", [ROLE_MAINTAINER] = "maintainer",
    [ROLE_ADMIN] = "admin",
};

/* clang-format off */
static const struct {
    const char *name;
    bool may[ROLE_ADMIN + 1]; /* none, viewer, deployer, maintainer, admin */
} POLICY[] = {
    [CAP_NOBODY]    = {"nobody",    {0, 0, 0, 0, 0}},
    [CAP_PUBLIC]    = {"public",    {1, 1, 1, 1, 1}},
    [CAP_SELF]      = {"self",      {0, 1, 1, 1, 1}},
    [CAP_VIEW]      = {"view",      {0, 1, 1, 1, 1}},
    [CAP_DEPLOY]    = {"deploy",    {0, 0, 1, 1, 1}},
    [CAP_SECRETS]   = {"secrets",   {0, 0, 0, 1, 1}},
    [CAP_CONFIGURE] = {"configure", {0, 0, 0, 1, 1}},
    [CAP_LOCK]      = {"lock",      {0, 0, 0, 1, 1}},
    [CAP_COMMAND]   = {"command",   {0, 0, 0, 1, 1}},
    [CAP_AUDIT]     = {"audit",     {0, 0, 0, 1, 1}},
    [CAP_SERVERS]   = {"servers",   {0, 0, 0, 0, 1}},
    [CAP_ADMIN]     = {"admin",     {0, 0, 0, 0, 1}},
};
/* clang-format on */

enum role role_from_name(const char *name)
{
    for (size_t i = ROLE_VIEWER; i < COUNT_OF(ROLE_NAMES); i++) {
        if (name != NULL && strcmp(name, ROLE_NAMES[i]) == 0)
            return (enum role)i;
    }
    return ROLE_NONE;
}

const char *role_name(enum role role)
{
    return (size_t)role < COUNT_OF(ROLE_NAMES) ? ROLE_NAMES[role] : ROLE_NAMES[ROLE_NONE];
}

bool role_may(enum role role, enum capability capability)
{
    if ((size_t)role >= COUNT_OF(ROLE_NAMES) || (size_t)capability >= COUNT_OF(POLICY))
        return false;
    return POLICY[capability].may[role];
}

const char *capability_name(enum capability capability)
{
    return (size_t)capability < COUNT_OF(POLICY) ? POLICY[capability].name
                                                 : POLICY[CAP_NOBODY].name;
}

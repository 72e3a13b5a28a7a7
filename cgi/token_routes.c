/* token_routes.c - what an API token reaches: the routes below /api/v1, each with the scopes of
 * which it wants one (to save secrets takes secrets:write; with the other one only has a change
 * compared). Whatever is not here no token reaches; a line without a route in routes.c
 * opens nothing. */
#include <string.h>
#include "cgi/http/route.h"
#include "lib/base/attr.h"

static const struct {
    enum method method;
    const char *pattern; /* as in routes.c */
    unsigned scopes;     /* any of them */
} TOKEN_ROUTES[] = {
    {METHOD_GET, "/", SCOPE_READ},
    {METHOD_GET, "/apps", SCOPE_READ},
    {METHOD_GET, "/apps/{app}", SCOPE_READ},
    {METHOD_GET, "/apps/{app}/{env}", SCOPE_READ},
    {METHOD_GET, "/apps/{app}/{env}/releases", SCOPE_READ},
    {METHOD_GET, "/apps/{app}/{env}/releases/compare", SCOPE_READ},
    {METHOD_GET, "/apps/{app}/{env}/releases/{number}", SCOPE_READ},
    {METHOD_GET, "/api/v1/apps/{app}/{env}/secrets", SCOPE_SECRETS_READ | SCOPE_SECRETS_WRITE},
    {METHOD_PUT, "/api/v1/apps/{app}/{env}/secrets", SCOPE_SECRETS_READ | SCOPE_SECRETS_WRITE},
    {METHOD_PATCH, "/api/v1/apps/{app}/{env}/secrets", SCOPE_SECRETS_READ | SCOPE_SECRETS_WRITE},
    {METHOD_GET, "/api/v1/apps/{app}/{env}/secrets.env", SCOPE_SECRETS_READ},
    {METHOD_GET, "/jobs", SCOPE_READ},
    {METHOD_GET, "/jobs/{id}", SCOPE_READ},
    {METHOD_GET, "/jobs/{id}/log", SCOPE_READ},
    {METHOD_GET, "/servers", SCOPE_READ},
    {METHOD_GET, "/servers/{slug}", SCOPE_READ},
};

unsigned route_scopes(const struct route *route)
{
    for (size_t i = 0; i < COUNT_OF(TOKEN_ROUTES); i++)
        if (TOKEN_ROUTES[i].method == route->method
            && strcmp(TOKEN_ROUTES[i].pattern, route->pattern) == 0)
            return TOKEN_ROUTES[i].scopes;
    return SCOPE_NONE;
}

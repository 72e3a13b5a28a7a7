/* route_match.h - which line of the table a path belongs to. */
#ifndef WL_CGI_HTTP_ROUTE_MATCH_H
#define WL_CGI_HTTP_ROUTE_MATCH_H

#include "cgi/http/route.h"
#include "lib/base/arena.h"

struct route_match {
    const struct route *route; /* NULL: no such path, or not with this method */
    const char *params[4];
    bool path_exists;
    char allow[32]; /* "GET, HEAD, POST": what the path takes */
};

/* A literal segment beats a {name} further left; params are copied into the arena. HEAD is served
 * by GET. -1 only when the arena is full. */
int route_match(const struct route *routes, size_t count, const char *path, enum method method,
                struct arena *arena, struct route_match *match) MUST_USE;

#endif

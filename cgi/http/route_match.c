/* route_match.c - segment-wise matching of a path with the table of routes. The table is short (a
 * few dozen lines), so it is walked. */
#include "cgi/http/route_match.h"

#include <stdint.h>
#include <string.h>
#include "lib/base/str.h"

#define PARAMS_MAX 4

struct spans {
    const char *start[PARAMS_MAX];
    size_t len[PARAMS_MAX];
    int count;
};

/* Whether the pattern matches; *rank: bit 31 - i is set when segment i is literal, so that the
 * larger number is the more exact match. */
static bool match_pattern(const char *pattern, const char *path, struct spans *spans,
                          uint32_t *rank)
{
    uint32_t bit = UINT32_C(1) << 31;

    *rank = 0;
    spans->count = 0;
    while (*pattern == '/' && *path == '/') {
        size_t pattern_len = strcspn(++pattern, "/");
        size_t path_len = strcspn(++path, "/");

        if (pattern[0] == '{') {
            if (path_len == 0 || spans->count == PARAMS_MAX)
                return false;
            spans->start[spans->count] = path;
            spans->len[spans->count++] = path_len;
        } else {
            if (pattern_len != path_len || memcmp(pattern, path, path_len) != 0)
                return false;
            *rank |= bit;
        }
        bit >>= 1;
        pattern += pattern_len;
        path += path_len;
    }
    return *pattern == '\0' && *path == '\0';
}

static void allow_method(char allow[32], enum method method)
{
    const char *names = method == METHOD_GET     ? "GET, HEAD"
                        : method == METHOD_PUT   ? "PUT"
                        : method == METHOD_PATCH ? "PATCH"
                                                 : "POST";
    size_t used = strlen(allow);

    if (strstr(allow, names) == NULL)
        snprintf(allow + used, 32 - used, "%s%s", used > 0 ? ", " : "", names);
}

int route_match(const struct route *routes, size_t count, const char *path, enum method method,
                struct arena *arena, struct route_match *match)
{
    enum method wanted = method == METHOD_HEAD ? METHOD_GET : method;
    struct spans best = {.count = 0};
    uint32_t best_rank = 0;

    *match = (struct route_match){.params = {"", "", "", ""}};
    for (size_t i = 0; i < count; i++) {
        struct spans spans;
        uint32_t rank;

        if (!match_pattern(routes[i].pattern, path, &spans, &rank))
            continue;
        match->path_exists = true;
        allow_method(match->allow, routes[i].method);
        if (routes[i].method == wanted && (match->route == NULL || rank > best_rank)) {
            match->route = &routes[i];
            best = spans;
            best_rank = rank;
        }
    }
    for (int i = 0; i < best.count; i++) {
        match->params[i] = arena_memdup(arena, best.start[i], best.len[i]);
        if (match->params[i] == NULL)
            return -1;
    }
    return 0;
}

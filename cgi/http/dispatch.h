/* dispatch.h - one request from first byte to last, in one order (DESIGN §3): limits, parse, host,
 * route, method, session or API token, scope, capability, Origin and CSRF, form, handler, render,
 * send.
 *
 * Every refusal is a page in plain words (or problem+json) with the request's id; nothing is sent
 * before the whole answer is known. Works over any transport: tests and fuzzers call it in-process.
 */
#ifndef WL_CGI_HTTP_DISPATCH_H
#define WL_CGI_HTTP_DISPATCH_H

#include <stddef.h>
#include "cgi/http/route.h"
#include "cgi/http/site.h"
#include "cgi/http/transport.h"
#include "lib/base/arena.h"

#define REQUEST_MEMORY_MAX ((size_t)24 * 1024 * 1024)

struct dispatcher {
    const struct site *site;
    struct db *db; /* NULL: it cannot be opened just now, which is a 503 */
    const struct route *routes;
    size_t routes_count;
    struct arena *arena; /* of the request */
    struct arena *spare; /* for the error page of a request that used up its own */
};

/* Makes both arenas; -1 without memory. json_arena_install() must have been called. */
int dispatcher_init(struct dispatcher *d, const struct site *site, const struct route *routes,
                    size_t routes_count) MUST_USE;
void dispatcher_deinit(struct dispatcher *d);
/* The HTTP status that was sent, or -1 when the reader was gone. */
int dispatch(struct dispatcher *d, struct transport *transport);

#endif

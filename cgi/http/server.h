/* server.h - the process side of windlass-web: a parent that holds the listening socket and keeps N
 * children alive, each serving one request at a time. */
#ifndef WL_CGI_HTTP_SERVER_H
#define WL_CGI_HTTP_SERVER_H

#include "cgi/http/route.h"
#include "cgi/http/site.h"
#include "lib/base/attr.h"

/* One child: open the database, confine, accept on `listener` until told to stop or until it has
 * served its number of requests. The process' exit code. */
int server_child(int listener, struct site *site, const struct route *routes, size_t count);
/* The parent: forks `children` of them, replaces those that end (slower when they end at once),
 * until SIGTERM or SIGINT; then lets them finish and ends. The process' exit code. */
int server_parent(int listener, struct site *site, const struct route *routes, size_t count,
                  int children);

#endif

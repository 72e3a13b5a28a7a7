/* web_main.c - windlass-web: pages, forms and JSON over FastCGI. The listening socket is descriptor
 * 0 (given by `windlass up`, systemd or a test); everything else comes from the environment
 * (docs/architecture.md). Templates are read and checked here, once, before any child is forked. */
#include <stdlib.h>
#include <sys/socket.h>
#include "cgi/http/json_arena.h"
#include "cgi/http/server.h"
#include "cgi/http/upload.h"
#include "lib/base/heap.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"

#define LISTENER         0
#define CHILDREN_DEFAULT 4

static int check_listener(struct err *err)
{
    int listens = 0;
    socklen_t len = sizeof listens;

    if (getsockopt(LISTENER, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) != 0 || listens == 0)
        return err_set(err, ERR_INTERNAL,
                       "Descriptor 0 is no listening socket. Start windlass-web through `windlass "
                       "up` or its systemd socket unit.");
    /* Several children wait for the same connection; only one gets it. */
    return io_set_nonblocking(LISTENER, true) == 0
               ? 0
               : err_errno(err, "make the listener non-blocking");
}

static int children_wanted(struct err *err)
{
    const char *text = getenv("WL_CHILDREN");
    int64_t count = CHILDREN_DEFAULT;

    if (text != NULL && !str_to_int64(text, 1, 64, &count))
        return err_field(err, "WL_CHILDREN", "WL_CHILDREN must be a number from 1 to 64.");
    return (int)count;
}

int main(void)
{
    struct site site = {0};
    struct err err = {0};
    int children;
    int status = 1;

    heap_give_back();
    log_init("windlass-web", site_log_level());
    json_arena_install();
    if (crypto_start(&err) != 0 || check_listener(&err) != 0 || site_load(&site, &err) != 0
        || site_load_templates(&site, &err) != 0 || (children = children_wanted(&err)) < 0) {
        log_err("not-started", &err);
        goto out;
    }
    upload_sweep(&site);
    LOG_INFO("started", "origin=%s children=%d static=%s login=%s", site.origin, children,
             site.static_version, site.may_log_in ? "on" : "off (plain http)");
    status = server_parent(LISTENER, &site, ROUTES, ROUTES_COUNT, children);
    LOG_INFO("stopped", "status=%d", status);
out:
    site_free(&site);
    return status;
}

/* hub.h - all viewers of this process, the listener they come from and the folder they watch: one
 * poll loop, nothing in it blocks. */
#ifndef WL_CGI_STREAM_HUB_H
#define WL_CGI_STREAM_HUB_H

#include <signal.h>
#include "cgi/http/site.h"
#include "cgi/stream/viewer.h"
#include "lib/base/arena.h"
#include "lib/base/attr.h"

#define VIEWERS_MAX      250
#define VIEWERS_PER_USER 32

struct hub {
    struct site *site;
    struct db *db; /* NULL: cannot be opened just now */
    struct arena *arena;
    int listener;
    int inotify; /* -1: the folder is looked at every 200 ms instead */
    struct viewer *viewers[VIEWERS_MAX];
    size_t count;
    int64_t look_at; /* monotonic: when to look at all files whatever inotify says */
};

/* Watches var/serve/logs. db may be NULL. */
int hub_init(struct hub *hub, struct site *site, struct db *db, int listener,
             struct err *err) MUST_USE;
/* Until the process is asked to stop; signals are let in only while waiting (`waiting`, from
 * stop_prepare). */
void hub_run(struct hub *hub, const sigset_t *waiting);
/* Closes all viewers (their browsers come back by themselves) and the database. */
void hub_deinit(struct hub *hub);

#endif

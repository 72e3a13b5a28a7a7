/* browse.h - a small browser for our own pages: keeps cookies, posts forms, reads event streams.
 *
 * For the smoke run and for command-line checks against this machine's own dashboard. It speaks to
 * the one origin it was made for and to addresses listed in `allow`; it follows no redirect by
 * itself (the caller sees Location). Any status is an answer, not an error; -1 means that no answer
 * came. */
#ifndef WL_NET_BROWSE_H
#define WL_NET_BROWSE_H

#include <stddef.h>
#include <stdint.h>
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

struct browser; /* free with browser_free */

/* origin: "http://127.0.0.1:8080", no slash at the end; copied. allow: as in http.h, borrowed for
 * the browser's life. NULL only when out of memory. */
struct browser *browser_new(const char *origin, const char *const *allow) MUST_USE;
void browser_free(struct browser *browser);

struct browser_page {
    int status;
    char location[1024]; /* of a redirect, "" otherwise */
    char type[128];
    struct buf body; /* at most 4 MiB */
};
void browser_page_init(struct browser_page *page);
void browser_page_deinit(struct browser_page *page);

struct browser_field {
    const char *name;
    const char *value;
};

/* path begins with /. accept: "text/html" or "application/json". The page is reset first. */
int browser_get(struct browser *browser, const char *path, const char *accept,
                struct browser_page *page, struct err *err) MUST_USE;
/* urlencoded form; Origin and Referer are set as a browser would. fields ends with a NULL name. */
int browser_post(struct browser *browser, const char *path, const struct browser_field *fields,
                 struct browser_page *page, struct err *err) MUST_USE;

/* Follow an event stream; called for each "data:" line as it arrives (terminated, without the
 * prefix) with the event's name ("" for none); non-zero ends the stream as success. */
typedef int browser_event_fn(void *context, const char *event, const char *id, const char *data);
struct browser_stream {
    const char *path;
    const char *last_id; /* Last-Event-ID to resume from; NULL: from the start */
    int64_t deadline_ms; /* budget from now */
    browser_event_fn *event;
    void *context;
};
/* 0 when the callback or the server ended it; ERR_REMOTE when the deadline passed or it broke. */
int browser_follow(struct browser *browser, const struct browser_stream *stream,
                   struct err *err) MUST_USE;

#endif

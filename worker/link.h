/* link.h - frames to and from a child process without ever blocking the supervisor.
 *
 * Outgoing frames wait in a buffer until poll says the socket takes them; incoming bytes are kept
 * until a frame is whole. A child that sends more than a megabyte in one frame, or what is not
 * JSON, is broken: the link fails. */
#ifndef WL_WORKER_LINK_H
#define WL_WORKER_LINK_H

#include <jansson.h>
#include <stdbool.h>
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

struct link {
    int fd; /* -1: closed */
    struct buf in, out;
};

void link_init(struct link *link);
/* Takes the descriptor over (made non-blocking). */
void link_open(struct link *link, int fd);
void link_close(struct link *link);

/* Queue a frame and try to send. `frame` is stolen. -1: too much is waiting, or closed. */
int link_send(struct link *link, json_t *frame, struct err *err) MUST_USE;
bool link_wants_write(const struct link *link);
int link_write(struct link *link, struct err *err) MUST_USE;
/* Read what is there. *eof: the other side is gone (whole frames may still be waiting). */
int link_read(struct link *link, bool *eof, struct err *err) MUST_USE;
/* The next whole frame as a new reference; NULL in *frame when there is none. */
int link_next(struct link *link, json_t **frame, struct err *err) MUST_USE;

#endif

/* stream.h - the output of one (host, step): bytes in as they come, masked records out.
 *
 * A whole line becomes an `o` record. Bytes that may be the beginning of a hidden value are held
 * back until more comes; the rest of an unfinished line is written as `p` when nothing has come for
 * a while. Every record's origin counts the bytes of the step's log on the target that it covers;
 * bytes that are sent again (a resumed runner) are recognised by their origin and dropped. */
#ifndef WL_WORKER_MASK_STREAM_H
#define WL_WORKER_MASK_STREAM_H

#include "worker/mask/frame.h"
#include "worker/mask/hide.h"
#include "worker/mask/sink.h"

struct stream {
    bool used;
    uint8_t host, step;
    struct buf held;   /* as it came, not yet looked through to the end */
    struct buf line;   /* masked text of the unfinished line, not yet written */
    int64_t held_from; /* origin of held.data[0] */
    size_t marks;      /* hidden values in line */
    size_t hidden;     /* leading bytes of held that belong to a hidden value already marked */
    bool line_start;   /* before held (hide_line_start) */
};

void stream_init(struct stream *s, uint8_t host, uint8_t step, int64_t origin);
void stream_deinit(struct stream *s);
void stream_add(struct stream *s, const struct hide *hide, struct sink *sink,
                const struct mask_frame *frame);
/* Write the unfinished line as far as it is known to be harmless. */
void stream_settle(struct stream *s, struct sink *sink);
/* The step ended: everything goes out. */
void stream_end(struct stream *s, const struct hide *hide, struct sink *sink);

#endif

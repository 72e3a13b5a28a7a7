/* frame.h - the records on the pipe into the mask process (docs/architecture.md, "Mask frames").
 *
 * Each is at most PIPE_BUF bytes and written whole, so that several writers share one pipe. */
#ifndef WL_WORKER_MASK_FRAME_H
#define WL_WORKER_MASK_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include "lib/base/attr.h"

#define MASK_FRAME_HEAD 14
#define MASK_FRAME_MAX  4096
#define MASK_FRAME_BODY (MASK_FRAME_MAX - MASK_FRAME_HEAD)
#define MASK_NO_HOST    255
#define MASK_NO_STEP    255

enum mask_kind {
    MASK_OUTPUT = 'o',  /* bytes of a step's output */
    MASK_FLUSH = 'f',   /* this (host, step) ended */
    MASK_WORDS = 'w',   /* one line of our own */
    MASK_STATE = 's',   /* a step's state, JSON */
    MASK_VERDICT = 'v', /* the job's verdict, JSON */
    MASK_SYNC = 'y'     /* write all, fdatasync, answer */
};

struct mask_frame {
    uint8_t host, step;
    char kind;
    int64_t origin; /* where body starts in the step's log on the target; output only */
    const char *body;
    size_t len; /* at most MASK_FRAME_BODY */
};

/* Write head and body to `out`; returns the whole length. */
size_t mask_frame_write(char out[MASK_FRAME_MAX], const struct mask_frame *frame);
/* Read one from the start of bytes: its length, 0 when it is not whole yet, -1 when this is not a
 * frame. frame->body points into bytes. */
ptrdiff_t mask_frame_read(const char *bytes, size_t len, struct mask_frame *frame);

#endif

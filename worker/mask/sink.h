/* sink.h - the job's log file, written by appending whole records.
 *
 * Output is dropped after `max` bytes of it (one record of kind t says so); lines of our own always
 * go in. When the disk is full the job goes on and the log has a gap: a half-written record is
 * taken back, and the first record that fits later is preceded by a t record that says it was cut.
 */
#ifndef WL_WORKER_MASK_SINK_H
#define WL_WORKER_MASK_SINK_H

#include <stdbool.h>
#include <stdint.h>
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/domain/joblog.h"

struct sink {
    int fd;
    int64_t size;   /* of the file: whole records */
    int64_t output; /* bytes of output records so far */
    int64_t max;
    int64_t masked; /* hidden values in the records since the last m record */
    bool limited;   /* the t record of the limit is written */
    bool gap;       /* records were lost to a full disk since the last one written */
    struct buf pending;
};

/* fd: opened for reading and writing, append. Cuts off a torn last line. */
int sink_init(struct sink *sink, int fd, int64_t max, struct err *err) MUST_USE;
void sink_deinit(struct sink *sink);
/* Queue a record; output beyond the limit is dropped. Text longer than JOBLOG_TEXT_MAX is cut.
 * masked: how many hidden values stand as HIDE_MARK in it. */
void sink_add(struct sink *sink, const struct joblog_record *record, size_t masked);
/* Write what is queued, and how many values are hidden in it. -1: it could not be written (and was
 * dropped). */
int sink_flush(struct sink *sink);
/* sink_flush and fdatasync. */
int sink_sync(struct sink *sink);

#endif

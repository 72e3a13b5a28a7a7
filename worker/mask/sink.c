/* The log file. Readers see whole records only because each write ends at a record's end, or is
 * taken back. */
#include "worker/mask/sink.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

#define PENDING_MAX  ((size_t)4 * 1024 * 1024)
#define PENDING_ROOM (PENDING_MAX - 1024) /* for records; one of kind m always fits behind them */

static bool is_output(char kind)
{
    return kind == 'o' || kind == 'p';
}

/* Count the output in one block of whole and broken lines; *keep is the offset after the last
 * newline seen. */
static void scan_block(struct sink *sink, const char *bytes, size_t len, size_t *used)
{
    size_t at = 0;
    for (;;) {
        struct joblog_record record;
        const char *end = memchr(bytes + at, '\n', len - at);
        if (end == NULL)
            break;
        size_t line = (size_t)(end - (bytes + at)) + 1;
        if (joblog_parse(bytes + at, len - at, &record) > 0) {
            sink->output += is_output(record.kind) ? (int64_t)line : 0;
            sink->limited = sink->limited || (record.kind == 't' && record.host < 0);
        }
        at += line;
    }
    *used = at;
}

/* Find how much output the file has, and its last newline. */
static int scan_file(struct sink *sink, struct err *err)
{
    struct buf block;
    int rc = -1;
    off_t at = 0;
    buf_init(&block, 256 * 1024);
    for (;;) {
        size_t used = 0;
        char *room = buf_reserve(&block, 64 * 1024);
        if (room == NULL) { /* a line longer than any record: not ours, passed over */
            sink->size += (int64_t)block.len;
            buf_reset(&block);
            continue;
        }
        ssize_t n = pread(sink->fd, room, 64 * 1024, at);
        if (n == -1) {
            err_errno(err, "read the job's log");
            goto out;
        }
        if (n == 0)
            break;
        at += n;
        block.len += (size_t)n;
        scan_block(sink, block.data, block.len, &used);
        buf_consume(&block, used);
        sink->size += (int64_t)used;
    }
    rc = 0;
out:
    buf_deinit(&block);
    return rc;
}

int sink_init(struct sink *sink, int fd, int64_t max, struct err *err)
{
    memset(sink, 0, sizeof *sink);
    sink->fd = fd;
    sink->max = max;
    buf_init(&sink->pending, PENDING_MAX);
    if (scan_file(sink, err) != 0)
        return -1;
    if (ftruncate(fd, sink->size) != 0)
        return err_errno(err, "cut the torn end off the job's log");
    return 0;
}

void sink_deinit(struct sink *sink)
{
    buf_deinit(&sink->pending);
}

static void queue(struct sink *sink, const struct joblog_record *record)
{
    struct joblog_record r = *record;
    if (r.text_len > JOBLOG_TEXT_MAX)
        r.text_len = JOBLOG_TEXT_MAX;
    if (sink->pending.len + r.text_len + JOBLOG_HEAD_MAX + 2 > PENDING_ROOM)
        (void)sink_flush(sink);
    joblog_write(&sink->pending, &r);
}

static void queue_note(struct sink *sink, const char *text)
{
    struct joblog_record note = {.time_ms = clock_now_ms(),
                                 .host = -1,
                                 .step = -1,
                                 .kind = 't',
                                 .origin = -1,
                                 .text = text,
                                 .text_len = strlen(text)};
    queue(sink, &note);
}

/* The count goes in with the records that it counts, or is lost with them. */
static void queue_masked(struct sink *sink)
{
    char text[24];
    struct joblog_record count = {
        .time_ms = clock_now_ms(), .host = -1, .step = -1, .kind = 'm', .origin = -1, .text = text};
    if (sink->masked == 0)
        return;
    count.text_len = (size_t)snprintf(text, sizeof text, "%lld", (long long)sink->masked);
    sink->masked = 0;
    queue(sink, &count);
}

void sink_add(struct sink *sink, const struct joblog_record *record, size_t masked)
{
    if (is_output(record->kind)) {
        if (sink->limited)
            return;
        sink->output += (int64_t)record->text_len + JOBLOG_HEAD_MAX / 2;
        if (sink->output > sink->max) {
            char text[128], size[32];
            sink->limited = true;
            snprintf(text, sizeof text, "Output is cut off here: a job's log keeps %s.",
                     str_bytes(size, sizeof size, sink->max));
            queue_note(sink, text);
            return;
        }
    }
    if (record->kind == 'v') /* the last record of a log */
        queue_masked(sink);
    queue(sink, record);
    sink->masked += (int64_t)masked;
}

/* Write bytes at the end of the file, all of them or none. */
static int append(struct sink *sink, const char *bytes, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = write(sink->fd, bytes + done, len - done);
        if (n <= 0) {
            if (done > 0 && ftruncate(sink->fd, sink->size) != 0)
                LOG_ERROR("log_cut", "a torn record stays in a log until its next writer");
            return -1;
        }
        done += (size_t)n;
    }
    sink->size += (int64_t)len;
    return 0;
}

/* After a gap the t record must go in with the first record that fits. */
static int append_after_gap(struct sink *sink)
{
    struct buf both;
    buf_init(&both, PENDING_MAX + 1024);
    struct joblog_record note = {.time_ms = clock_now_ms(),
                                 .host = -1,
                                 .step = 0,
                                 .kind = 't',
                                 .origin = -1,
                                 .text = "The dashboard's disk was full: lines are missing here."};
    note.step = -1;
    note.host = 0; /* host -1 marks the limit (scan_block) */
    note.text_len = strlen(note.text);
    joblog_write(&both, &note);
    buf_add(&both, sink->pending.data, sink->pending.len);
    int rc = buf_ok(&both) ? append(sink, both.data, both.len) : -1;
    buf_deinit(&both);
    return rc;
}

int sink_flush(struct sink *sink)
{
    if (sink->pending.len == 0)
        return 0;
    queue_masked(sink);
    int rc =
        sink->gap ? append_after_gap(sink) : append(sink, sink->pending.data, sink->pending.len);
    if (rc != 0 && !sink->gap)
        LOG_WARN("log_gap", "a job's log could not be written; the job goes on");
    sink->gap = rc != 0;
    buf_reset(&sink->pending);
    return rc;
}

int sink_sync(struct sink *sink)
{
    int rc = sink_flush(sink);
    return fdatasync(sink->fd) == 0 ? rc : -1;
}

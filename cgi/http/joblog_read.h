/* joblog_read.h - a job's log file as events for people: the same for the live stream (SSE) and for
 * asking again and again (polling), so that a page may change from one to the other at any offset.
 *
 * An event is a JSON object; offsets are those of the file, always at the end of a record:
 *     line     {host, step, kind: "o"|"p"|"w"|"t", spans: [[classes, text]...], time}
 *     step     {host, step, state, status, ms, title, cause, time}
 *     verdict  {verdict, summary, time}
 * host and step are numbers, or null where a record belongs to none; time is RFC 3339. Bytes that
 * are no record are passed over. The file is only read. */
#ifndef WL_CGI_HTTP_JOBLOG_READ_H
#define WL_CGI_HTTP_JOBLOG_READ_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "cgi/http/site.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/domain/joblog.h"

/* A reader's place in one file. */
struct joblog_reader {
    int fd;            /* -1: the file was not there yet */
    int64_t offset;    /* of the next record */
    bool is_at_record; /* false: the offset came from outside and may be in the middle of one */
    bool has_verdict;  /* the last record was read */
};

/* *fd is -1 (and 0 returned) when there is no such file yet. job_id must be an id (crypto_is_id).
 */
int joblog_open(const struct site *site, const char *job_id, int *fd, struct err *err) MUST_USE;

typedef int joblog_sink(void *context, const char *name, json_t *event, int64_t end_offset);
/* Hand whole records to the sink, at most `max` of them (a sink that returns non-zero stops it; the
 * event is stolen, and offset then stands behind that event). How many were handed out, 0 when
 * nothing new is there, -1 when the file cannot be read. */
int joblog_next(struct joblog_reader *reader, int max, joblog_sink *sink, void *context,
                struct err *err) MUST_USE;

/* Whether the record before the reader's offset is the verdict: nothing will follow. */
bool joblog_is_over(const struct joblog_reader *reader);

/* For a page handler: {"events": [{"event": name, "end": offset, ...}], "next": offset, "ended":
 * whether the verdict was among them or before}. No file yet: no events. A job may end without a
 * verdict in its log (a full disk): the handler looks at the job's row as well. */
int joblog_read(const struct site *site, const char *job_id, int64_t from, int max, json_t **result,
                struct err *err) MUST_USE;

#endif

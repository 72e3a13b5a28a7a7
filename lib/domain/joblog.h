/* joblog.h - the record format of a job's log file (var/serve/logs/<job id>.log): one text line per
 * record.
 *
 *     <time> <host> <step> <kind> <origin> <text>\n
 *     2026-11-21T01:40:46.123Z 0 3 o 1841 Listening on port 8000
 *
 * time    RFC 3339 UTC. host and step: the numbers of job_host and job_step, '-' when the record
 * belongs to none. kind    o  output of the step, a whole line        p  output, not (yet) ended by
 * a newline: the next o/p of that step goes on w  a line of Windlass' own (masked as well) s  step
 * state, text is JSON {"state","name","title","cause"} and where known "status", "ms", and for an
 * upload under way "done" and "total" (bytes) v  the job's verdict, JSON
 * {"verdict","summary"}: the last record        t  output was cut off here (limit), text says so
 *         m  how many hidden values stand as *** in the records since the m before; text is the
 * number, and the job's count is the sum of them
 * origin  kinds o and p: how many bytes of the step's log on the target are covered up to and with
 * this record, so that a resumed runner asks for the next one; '-' otherwise. text    the bytes as
 * they came, masked; LF cannot occur in it (it ends the record). NUL and CR are kept.
 *
 * The end offset of a record in the file is its SSE id. Only the mask process writes the file, by
 * appending whole records; a file that ends in the middle of a line was cut by a crash: the writer
 * first truncates to the last newline. */
#ifndef WL_DOMAIN_JOBLOG_H
#define WL_DOMAIN_JOBLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/attr.h"
#include "lib/base/buf.h"

#define JOBLOG_TEXT_MAX 8192 /* longer lines are split into p records */
#define JOBLOG_HEAD_MAX 96

struct joblog_record {
    int64_t time_ms;
    int host; /* -1: none */
    int step; /* -1: none */
    char kind;
    int64_t origin;   /* -1: none */
    const char *text; /* borrowed from the input */
    size_t text_len;
};

void joblog_write(struct buf *out, const struct joblog_record *record);
/* Parse one record at the start of bytes. Returns its length with the newline, 0 when no whole line
 * is there yet, -1 when the line is not a record (skip to after the newline). */
ptrdiff_t joblog_parse(const char *bytes, size_t len, struct joblog_record *record);

#endif

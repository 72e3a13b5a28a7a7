/* joblog_read.c - reads records by offset. The writer appends whole records and may still be at
 * work: what has no line end yet is left for the next time. */
#include "cgi/http/joblog_read.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/fs.h"
#include "lib/base/io.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/ansi.h"

#define CHUNK_BYTES ((size_t)64 * 1024) /* several of the longest records */

int joblog_open(const struct site *site, const char *job_id, int *fd, struct err *err)
{
    char path[PATH_MAX], name[CRYPTO_ID_SIZE + 8];

    *fd = -1;
    if (!crypto_is_id(job_id))
        return err_set(err, ERR_NOT_FOUND, "There is no such job.");
    snprintf(name, sizeof name, "%s.log", job_id);
    if (!fs_join(path, sizeof path, site->var_dir, "serve/logs"))
        return err_set(err, ERR_INTERNAL, "The log cannot be read.");
    *fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd >= 0) {
        int folder = *fd;

        *fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        io_close(&folder);
    }
    return *fd >= 0 || errno == ENOENT ? 0 : err_errno(err, "open a job's log");
}

static json_t *number_or_null(int number)
{
    return number >= 0 ? json_integer(number) : json_null();
}

static json_t *line_event(const struct joblog_record *r)
{
    char kind[2] = {r->kind, '\0'};

    return json_pack("{s:s, s:o}", "kind", kind, "spans", ansi_to_spans(r->text, r->text_len));
}

/* The event of a record and its name; NULL for one that says nothing. */
static json_t *event_of(const struct joblog_record *r, const char **name)
{
    char time[CLOCK_TEXT_SIZE];
    json_t *event;

    if (r->kind == 'm') /* for the page's count, no line */
        return NULL;
    if (r->kind == 's' || r->kind == 'v') {
        *name = r->kind == 's' ? "step" : "verdict";
        event = json_loadb(r->text, r->text_len, 0, NULL);
    } else {
        *name = "line";
        event = line_event(r);
    }
    if (!json_is_object(event)) {
        json_decref(event);
        return NULL;
    }
    if (r->kind != 'v') {
        json_object_set_new(event, "host", number_or_null(r->host));
        json_object_set_new(event, "step", number_or_null(r->step));
    }
    json_object_set_new(event, "time", json_string(clock_rfc3339(time, r->time_ms)));
    return event;
}

/* An offset from outside may point into a record: go on behind that one. Whole records only. */
static void find_record(struct joblog_reader *reader)
{
    char before;

    reader->is_at_record =
        reader->offset == 0
        || (pread(reader->fd, &before, 1, reader->offset - 1) == 1 && before == '\n');
}

static ptrdiff_t line_length(const char *bytes, size_t len)
{
    const char *end = memchr(bytes, '\n', len);

    return end != NULL ? end - bytes + 1 : 0;
}

int joblog_next(struct joblog_reader *reader, int max, joblog_sink *sink, void *context,
                struct err *err)
{
    static char bytes[CHUNK_BYTES]; /* one thread; nothing of it is kept */
    size_t at = 0;
    ssize_t have;
    int handed = 0;

    if (reader->fd < 0)
        return 0;
    if (!reader->is_at_record)
        find_record(reader);
    have = pread(reader->fd, bytes, sizeof bytes, reader->offset);
    if (have < 0)
        return err_errno(err, "read a job's log");
    while (handed < max && at < (size_t)have) {
        struct joblog_record record;
        const char *name;
        ptrdiff_t len =
            reader->is_at_record ? joblog_parse(bytes + at, (size_t)have - at, &record) : -1;
        bool is_record = len > 0;
        json_t *event;

        if (len < 0)
            len = line_length(bytes + at, (size_t)have - at);
        if (len == 0 && at == 0 && have == (ssize_t)sizeof bytes)
            len = have; /* a line longer than any record: passed over in pieces */
        if (len == 0)
            break;
        reader->is_at_record = bytes[at + (size_t)len - 1] == '\n';
        at += (size_t)len;
        reader->offset += len;
        if (!is_record || (event = event_of(&record, &name)) == NULL)
            continue;
        reader->has_verdict = reader->has_verdict || record.kind == 'v';
        handed++;
        if (sink(context, name, event, reader->offset) != 0)
            break;
    }
    return handed;
}

bool joblog_is_over(const struct joblog_reader *reader)
{
    char tail[JOBLOG_HEAD_MAX + JOBLOG_TEXT_MAX + 2];
    int64_t from =
        reader->offset > (int64_t)sizeof tail ? reader->offset - (int64_t)sizeof tail : 0;
    struct joblog_record record;
    ssize_t have;
    const char *line;

    if (reader->has_verdict || reader->fd < 0)
        return reader->has_verdict;
    have = pread(reader->fd, tail, (size_t)(reader->offset - from), from);
    if (have < 2 || have != reader->offset - from)
        return false;
    line = memrchr(tail, '\n', (size_t)have - 1);
    line = line != NULL ? line + 1 : tail;
    return joblog_parse(line, (size_t)(tail + have - line), &record) > 0 && record.kind == 'v';
}

static int add_to_list(void *context, const char *name, json_t *event, int64_t end_offset)
{
    json_object_set_new(event, "event", json_string(name));
    json_object_set_new(event, "end", json_integer(end_offset));
    return json_array_append_new(context, event);
}

int joblog_read(const struct site *site, const char *job_id, int64_t from, int max, json_t **result,
                struct err *err)
{
    struct joblog_reader reader = {.offset = from};
    json_t *events = json_array();
    int left = max;
    int n = 0;

    if (joblog_open(site, job_id, &reader.fd, err) != 0)
        return -1;
    do {
        n = joblog_next(&reader, left, add_to_list, events, err);
        left -= n;
    } while (n > 0 && left > 0);
    reader.has_verdict = joblog_is_over(&reader);
    io_close(&reader.fd);
    if (n < 0)
        return -1;
    *result = json_pack("{s:o, s:I, s:b}", "events", events, "next", (json_int_t)reader.offset,
                        "ended", reader.has_verdict);
    return *result != NULL ? 0 : err_set(err, ERR_NO_MEMORY, "This part of the log is too large.");
}

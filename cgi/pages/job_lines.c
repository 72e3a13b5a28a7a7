/* job_lines.c - reading a job's log for its page (job_lines.h).
 *
 * Two passes: the first counts lines per step, so that line numbers are true, and remembers where
 * the last 2,000 are; the second makes models of those alone. A log may have 16 MiB; a model of all
 * of it would not fit one request. A line that came in pieces (kind p) is one line. */
#include "cgi/pages/job_lines.h"

#include <string.h>
#include <unistd.h>
#include "cgi/http/joblog_read.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/str.h"
#include "lib/domain/ansi.h"
#include "lib/domain/joblog.h"

#define CHUNK          ((size_t)128 * 1024)
#define SLOTS          512 /* steps of all hosts that have lines */
#define LINE_MAX_BYTES ((size_t)64 * 1024)

struct kept {
    int host, step;
    int64_t n;          /* number within its step, from 1 */
    int64_t from, till; /* offsets of its first record and behind its last */
};

struct slot {
    int host, step;
    int64_t count;
    struct kept *open; /* the unfinished line, NULL: none */
    int64_t open_n;
};

struct job_lines {
    int fd;
    int64_t offset;
    int64_t masked; /* values, by the records of kind m */
    struct kept ring[JOB_LINES_SHOWN];
    size_t begun; /* lines put into the ring so far */
    struct slot slots[SLOTS];
    size_t slots_count;
};

static struct slot *slot_of(struct job_lines *lines, int host, int step)
{
    for (size_t i = 0; i < lines->slots_count; i++)
        if (lines->slots[i].host == host && lines->slots[i].step == step)
            return &lines->slots[i];
    if (lines->slots_count == SLOTS)
        return NULL;
    struct slot *slot = &lines->slots[lines->slots_count++];
    *slot = (struct slot){.host = host, .step = step};
    return slot;
}

static bool is_line(char kind)
{
    return kind == 'o' || kind == 'p' || kind == 'w' || kind == 't';
}

/* The unfinished line of a slot, unless the ring has gone over it meanwhile. */
static struct kept *open_line(const struct slot *slot)
{
    struct kept *line = slot->open;
    return line != NULL && line->host == slot->host && line->step == slot->step
                   && line->n == slot->open_n
               ? line
               : NULL;
}

static void note_record(struct job_lines *lines, const struct joblog_record *r, int64_t from,
                        int64_t till)
{
    struct slot *slot;
    bool is_output = r->kind == 'o' || r->kind == 'p';
    if (!is_line(r->kind) || (slot = slot_of(lines, r->host, r->step)) == NULL)
        return;
    if (is_output && slot->open_n > 0) { /* goes on */
        struct kept *line = open_line(slot);
        if (line != NULL)
            line->till = till;
    } else {
        struct kept *line = &lines->ring[lines->begun++ % JOB_LINES_SHOWN];
        *line = (struct kept){r->host, r->step, ++slot->count, from, till};
        if (is_output) {
            slot->open = line;
            slot->open_n = slot->count;
        }
    }
    if (r->kind == 'o')
        slot->open_n = 0;
}

static void note_masked(struct job_lines *lines, const struct joblog_record *r)
{
    char text[24];
    int64_t count;
    if (r->text_len >= sizeof text)
        return;
    memcpy(text, r->text, r->text_len);
    text[r->text_len] = '\0';
    if (str_to_int64(text, 0, INT32_MAX, &count))
        lines->masked += count;
}

static int scan(struct job_lines *lines, struct err *err)
{
    static char bytes[CHUNK];
    for (;;) {
        size_t at = 0;
        ssize_t have = pread(lines->fd, bytes, sizeof bytes, lines->offset);
        if (have < 0)
            return err_errno(err, "read a job's log");
        while (at < (size_t)have) {
            struct joblog_record r;
            ptrdiff_t len = joblog_parse(bytes + at, (size_t)have - at, &r);
            if (len == 0)
                break;
            if (len < 0) {
                const char *end = memchr(bytes + at, '\n', (size_t)have - at);
                if (end == NULL)
                    break;
                len = end - (bytes + at) + 1;
            } else if (r.kind == 'm')
                note_masked(lines, &r);
            else
                note_record(lines, &r, lines->offset + (int64_t)at,
                            lines->offset + (int64_t)at + len);
            at += (size_t)len;
        }
        if (at == 0 && have == (ssize_t)sizeof bytes)
            at = sizeof bytes; /* no record is that long: passed over */
        lines->offset += (int64_t)at;
        if (at == 0 || have < (ssize_t)sizeof bytes)
            return 0;
    }
}

int job_lines_read(struct request *req, const char *job_id, struct job_lines **made,
                   struct err *err)
{
    struct job_lines *lines = arena_alloc(req->arena, sizeof *lines);
    if (lines == NULL)
        return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    lines->fd = -1;
    *made = lines;
    if (joblog_open(req->site, job_id, &lines->fd, err) != 0)
        return -1;
    return lines->fd < 0 ? 0 : scan(lines, err);
}

int64_t job_lines_masked(const struct job_lines *lines)
{
    return lines->masked;
}

int64_t job_lines_offset(const struct job_lines *lines)
{
    return lines->offset;
}

bool job_lines_exist(const struct job_lines *lines)
{
    return lines->fd >= 0;
}

void job_lines_close(struct job_lines *lines)
{
    if (lines != NULL)
        io_close(&lines->fd);
}

/* --- second pass --- */

static json_t *spans_model(const char *text, size_t len)
{
    json_t *pairs = ansi_to_spans(text, len), *spans = json_array();
    const json_t *pair;
    size_t i;
    json_array_foreach(pairs, i, pair)
        json_array_append_new(spans, json_pack("{s:O, s:O}", "class", json_array_get(pair, 0),
                                               "text", json_array_get(pair, 1)));
    return spans;
}

/* The text of a line from its records (those of other steps may lie between), up to 64 KiB. */
static int line_text(const struct job_lines *lines, const struct kept *line, struct buf *text,
                     struct joblog_record *first, struct err *err)
{
    static char bytes[CHUNK];
    int64_t at = line->from;
    bool has_first = false;
    while (at < line->till && text->len < LINE_MAX_BYTES) {
        size_t used = 0;
        ssize_t have = pread(lines->fd, bytes, sizeof bytes, at);
        if (have <= 0)
            return err_errno(err, "read a job's log");
        while (at + (int64_t)used < line->till) {
            struct joblog_record r;
            ptrdiff_t len = joblog_parse(bytes + used, (size_t)have - used, &r);
            if (len <= 0)
                break;
            used += (size_t)len;
            if (r.host != line->host || r.step != line->step || !is_line(r.kind)
                || (has_first && r.kind != 'o' && r.kind != 'p'))
                continue;
            if (!has_first)
                *first = r;
            has_first = true;
            buf_add(text, r.text, r.text_len);
        }
        if (used == 0)
            break;
        at += (int64_t)used;
    }
    return 0;
}

static int line_model(const struct job_lines *lines, const struct kept *line, const char *anchor,
                      json_t **model, struct err *err)
{
    struct joblog_record first = {.kind = 'o'};
    struct buf text;
    char id[64], time[CLOCK_TEXT_SIZE], kind[2] = "o";
    buf_init(&text, LINE_MAX_BYTES + CHUNK);
    if (line_text(lines, line, &text, &first, err) != 0) {
        buf_deinit(&text);
        return -1;
    }
    snprintf(id, sizeof id, "%s-L%lld", anchor, (long long)line->n);
    clock_rfc3339(time, first.time_ms);
    kind[0] = first.kind == 'p' ? 'o' : first.kind;
    *model =
        json_pack("{s:I, s:s, s:s, s:s#, s:o}", "n", (json_int_t)line->n, "id", id, "kind", kind,
                  "time", time + 11, 12, "spans",
                  spans_model(text.data, text.len < LINE_MAX_BYTES ? text.len : LINE_MAX_BYTES));
    buf_deinit(&text);
    return 0;
}

int job_lines_of(const struct job_lines *lines, int host, int step, const char *anchor,
                 struct step_lines *out, struct err *err)
{
    size_t kept = lines->begun < JOB_LINES_SHOWN ? lines->begun : JOB_LINES_SHOWN;
    *out = (struct step_lines){.list = json_array()};
    for (size_t i = 0; i < lines->slots_count; i++)
        if (lines->slots[i].host == host && lines->slots[i].step == step) {
            out->count = lines->slots[i].count;
            out->is_partial = lines->slots[i].open_n > 0;
        }
    for (size_t i = 0; i < kept; i++) {
        const struct kept *line = &lines->ring[(lines->begun - kept + i) % JOB_LINES_SHOWN];
        json_t *model = NULL;
        if (line->host != host || line->step != step)
            continue;
        if (line_model(lines, line, anchor, &model, err) != 0)
            return -1;
        json_array_append_new(out->list, model);
    }
    return 0;
}

/* Masking one stream. held -> (hidden values replaced) -> line -> records. */
#include "worker/mask/stream.h"

#include <string.h>
#include "lib/base/clock.h"

#define HELD_MAX ((size_t)8 * 1024 * 1024) /* the longest value, six bytes for each of its own */
#define LINE_MAX_BYTES                                                                             \
    (JOBLOG_TEXT_MAX - 16) /* a record's text, with room for one more mark or unit */

void stream_init(struct stream *s, uint8_t host, uint8_t step, int64_t origin)
{
    memset(s, 0, sizeof *s);
    s->used = true;
    s->host = host;
    s->step = step;
    s->held_from = origin;
    s->line_start = true;
    buf_init(&s->held, HELD_MAX);
    buf_init(&s->line, JOBLOG_TEXT_MAX);
}

void stream_deinit(struct stream *s)
{
    if (!s->used)
        return;
    buf_wipe(&s->held);
    buf_deinit(&s->held);
    buf_deinit(&s->line);
    s->used = false;
}

static void emit(struct stream *s, struct sink *sink, char kind, int64_t origin)
{
    struct joblog_record record = {.time_ms = clock_now_ms(),
                                   .host = s->host,
                                   .step = s->step,
                                   .kind = kind,
                                   .origin = origin,
                                   .text = s->line.data,
                                   .text_len = s->line.len};
    sink_add(sink, &record, s->marks);
    s->marks = 0;
    buf_reset(&s->line);
}

/* One harmless byte of held, at offset `at`. */
static void pass_byte(struct stream *s, struct sink *sink, size_t at)
{
    char c = s->held.data[at];
    if (c == '\n') {
        emit(s, sink, 'o', s->held_from + (int64_t)at + 1);
        return;
    }
    buf_add_char(&s->line, c);
    if (s->line.len >= LINE_MAX_BYTES)
        emit(s, sink, 'p', s->held_from + (int64_t)at + 1);
}

/* Look through held from its start. Stops where only more bytes can tell, unless final. */
static void look_through(struct stream *s, const struct hide *hide, struct sink *sink, bool final)
{
    size_t at = 0, hidden_to = s->hidden;
    while (at < s->held.len) {
        size_t length = 0;
        struct hide_view view = {.bytes = s->held.data + at,
                                 .len = s->held.len - at,
                                 .line_start = hide_line_start(s->held.data, at, s->line_start),
                                 .final = final};
        enum hide_result result = hide_at(hide, &view, &length);
        if (result == HIDE_MORE)
            break;
        if (result == HIDE_YES) {
            if (at >= hidden_to) { /* else: it overlaps the one before */
                buf_add_str(&s->line, HIDE_MARK);
                s->marks++;
            }
            hidden_to = at + length > hidden_to ? at + length : hidden_to;
        }
        if (at >= hidden_to)
            pass_byte(s, sink, at);
        at++;
    }
    if (at == 0)
        return;
    s->line_start = hide_line_start(s->held.data, at, s->line_start);
    s->hidden = hidden_to > at ? hidden_to - at : 0;
    s->held_from += (int64_t)at;
    buf_consume(&s->held, at);
}

void stream_add(struct stream *s, const struct hide *hide, struct sink *sink,
                const struct mask_frame *frame)
{
    int64_t next = s->held_from + (int64_t)s->held.len;
    const char *bytes = frame->body;
    size_t len = frame->len;
    if (frame->origin > next) { /* bytes are missing: what is held cannot go on here */
        stream_end(s, hide, sink);
        s->held_from = frame->origin;
    } else if (frame->origin < next) {
        size_t known = (size_t)(next - frame->origin);
        if (known >= len)
            return;
        bytes += known;
        len -= known;
    }
    if (s->held.len + len > HELD_MAX)
        look_through(s, hide, sink, true);
    buf_add(&s->held, bytes, len);
    look_through(s, hide, sink, false);
}

void stream_settle(struct stream *s, struct sink *sink)
{
    if (s->line.len > 0)
        emit(s, sink, 'p', s->held_from);
}

void stream_end(struct stream *s, const struct hide *hide, struct sink *sink)
{
    look_through(s, hide, sink, true);
    if (s->line.len > 0)
        emit(s, sink, 'o', s->held_from);
    s->line_start = true;
    s->hidden = 0;
}

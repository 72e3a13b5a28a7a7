/* The mask process. It stands between the runners' pipe and the log file, so that a runner, which
 * talks to a hostile machine, never holds a value it does not need, and so that nothing unmasked
 * ever reaches the disk. It has no database and no network. */
#include "worker/mask/mask.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/crypto/crypto.h"
#include "worker/mask/frame.h"
#include "worker/mask/hide.h"
#include "worker/mask/sink.h"
#include "worker/mask/stream.h"

#define STREAMS   256 /* as many as hosts: ending one early could show half a value */
#define SETTLE_MS 200 /* a line that stands unfinished for so long is shown */
#define CONFIG_MS 10000

struct mask {
    struct hide *hide;
    struct sink sink;
    struct stream streams[STREAMS];
    struct buf in;
};

/* One value of the list: base64, so that any bytes fit in JSON. */
static int add_hidden(struct hide *hide, const char *text, struct err *err)
{
    size_t room = strlen(text) + 1;
    char *bytes = malloc(room);
    if (bytes == NULL)
        return err_set(err, ERR_NO_MEMORY, "No memory is left.");
    int rc = -1, len = crypto_unb64(text, bytes, room);
    if (len >= 0)
        rc = hide_add(hide, bytes, (size_t)len, err);
    else
        err_set(err, ERR_INTERNAL, "A value to hide is not base64.");
    crypto_wipe(bytes, room);
    free(bytes);
    return rc;
}

static int read_config(struct mask *m, int64_t *max, struct err *err)
{
    struct buf text;
    bool eof = false;
    json_t *config = NULL, *item;
    size_t i;
    int rc = -1;

    buf_init(&text, IO_FRAME_MAX);
    if (io_frame_read(MASK_CONTROL_FD, &text, clock_mono_ms() + CONFIG_MS, &eof, err) != 0)
        goto out;
    config = json_loadb(text.data, text.len, 0, NULL);
    if (eof || config == NULL) {
        err_set(err, ERR_INTERNAL, "The list of values to hide did not arrive.");
        goto out;
    }
    *max = json_integer_value(json_object_get(config, "max"));
    json_array_foreach(json_object_get(config, "hide"), i, item)
    {
        if (add_hidden(m->hide, json_string_value(item), err) != 0)
            goto out;
    }
    rc = 0;
out:
    json_decref(config);
    buf_wipe(&text);
    buf_deinit(&text);
    return rc;
}

/* The stream of a frame; a new one begins at the frame's origin. When all are in use, the first one
 * is ended: it will come back as a new one. */
static struct stream *stream_of(struct mask *m, const struct mask_frame *f)
{
    struct stream *free_one = NULL;
    for (size_t i = 0; i < STREAMS; i++) {
        struct stream *s = &m->streams[i];
        if (s->used && s->host == f->host && s->step == f->step)
            return s;
        if (!s->used && free_one == NULL)
            free_one = s;
    }
    if (free_one == NULL) {
        free_one = &m->streams[0];
        stream_end(free_one, m->hide, &m->sink);
        stream_deinit(free_one);
    }
    stream_init(free_one, f->host, f->step, f->origin);
    return free_one;
}

static void end_stream(struct mask *m, const struct mask_frame *f)
{
    for (size_t i = 0; i < STREAMS; i++) {
        struct stream *s = &m->streams[i];
        if (s->used && s->host == f->host && s->step == f->step) {
            stream_end(s, m->hide, &m->sink);
            stream_deinit(s);
        }
    }
}

/* A record of our own. JSON texts (s, v) come masked from the supervisor, which stores the same
 * words in the database; words are masked here. */
static void add_record(struct mask *m, const struct mask_frame *f)
{
    struct buf text;
    size_t masked = 0;
    buf_init(&text, JOBLOG_TEXT_MAX);
    if (f->kind == MASK_WORDS)
        masked = hide_text(m->hide, f->body, f->len, &text);
    else
        buf_add(&text, f->body, f->len);
    for (size_t i = 0; i < text.len; i++) { /* a record is one line */
        if (text.data[i] == '\n')
            text.data[i] = ' ';
    }
    struct joblog_record record = {.time_ms = clock_now_ms(),
                                   .host = f->host == MASK_NO_HOST ? -1 : f->host,
                                   .step = f->step == MASK_NO_STEP ? -1 : f->step,
                                   .kind = f->kind,
                                   .origin = -1,
                                   .text = text.data,
                                   .text_len = text.len};
    sink_add(&m->sink, &record, masked);
    buf_deinit(&text);
}

static void settle_all(struct mask *m)
{
    for (size_t i = 0; i < STREAMS; i++) {
        if (m->streams[i].used)
            stream_settle(&m->streams[i], &m->sink);
    }
}

static void sync_all(struct mask *m)
{
    struct err err = {0};
    settle_all(m);
    char answer = sink_sync(&m->sink) == 0 ? 'y' : 'n';
    if (io_write_all(MASK_CONTROL_FD, &answer, 1, clock_mono_ms() + CONFIG_MS, &err) != 0)
        LOG_DEBUG("mask_answer", "the supervisor is gone");
}

static void take_frame(struct mask *m, const struct mask_frame *f)
{
    switch (f->kind) {
    case MASK_OUTPUT:
        stream_add(stream_of(m, f), m->hide, &m->sink, f);
        break;
    case MASK_FLUSH:
        end_stream(m, f);
        break;
    case MASK_SYNC:
        sync_all(m);
        break;
    default:
        add_record(m, f);
        break;
    }
}

/* Take the whole frames that are there. -1 when the pipe's bytes make no sense. */
static int take_frames(struct mask *m)
{
    size_t at = 0;
    struct mask_frame frame;
    for (;;) {
        ptrdiff_t n = mask_frame_read(m->in.data + at, m->in.len - at, &frame);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        take_frame(m, &frame);
        at += (size_t)n;
    }
    buf_consume(&m->in, at);
    (void)sink_flush(&m->sink); /* a gap is noted in the log itself */
    return 0;
}

static bool has_unfinished(const struct mask *m)
{
    for (size_t i = 0; i < STREAMS; i++) {
        if (m->streams[i].used && m->streams[i].line.len > 0)
            return true;
    }
    return false;
}

/* One wait and read. 1: go on, 0: end of file, -1: failure. */
static int turn(struct mask *m)
{
    int wait_ms = has_unfinished(m) ? SETTLE_MS : 3600 * 1000;
    int ready = io_wait(0, POLLIN, clock_mono_ms() + wait_ms);
    if (ready < 0)
        return -1;
    if (ready == 0) {
        settle_all(m);
        (void)sink_flush(&m->sink);
        return 1;
    }
    char *room = buf_reserve(&m->in, 64 * 1024);
    if (room == NULL)
        return -1;
    ssize_t n = read(0, room, 64 * 1024);
    if (n == 0)
        return 0;
    if (n == -1)
        return errno == EAGAIN || errno == EINTR ? 1 : -1;
    m->in.len += (size_t)n;
    return take_frames(m) == 0 ? 1 : -1;
}

int mask_main(void)
{
    struct mask *m = calloc(1, sizeof *m);
    struct err err = {0};
    int64_t max = MASK_DEFAULT_MAX;
    int rc = 1, more = 1;

    proc_harden();
    if (m == NULL || (m->hide = hide_new()) == NULL)
        goto out;
    buf_init(&m->in, 256 * 1024);
    if (read_config(m, &max, &err) != 0 || sink_init(&m->sink, MASK_LOG_FD, max, &err) != 0) {
        log_err("mask_start", &err);
        goto out;
    }
    while (more == 1)
        more = turn(m);
    settle_all(m); /* what is held back stays on the target, for the next runner to send again */
    (void)sink_sync(&m->sink);
    for (size_t i = 0; i < STREAMS; i++)
        stream_deinit(&m->streams[i]);
    sink_deinit(&m->sink);
    buf_deinit(&m->in);
    rc = 0;
out:
    hide_free(m != NULL ? m->hide : NULL);
    free(m);
    return rc;
}

/* runner_wire.c - what the runner says and hears: frames with its supervisor (fd 3), records to the
 * mask (fd 5).
 *
 * The supervisor is the only one that knows what is recorded, so without it nothing may go on: end
 * of file there sets `gone`, every loop looks at it, and the process ends. Nothing a target sent
 * goes into a frame without a limit. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "worker/mask/frame.h"
#include "worker/runner/runner_private.h"

#define SEND_MS      30000
#define HELD_POLL_MS 60000
#define COMMIT_MS                                                                                  \
    120000 /* the supervisor's database may be locked for a while; longer means it hangs */

static int read_frame(json_t **frame, bool *eof, int64_t wait_ms, struct err *err)
{
    struct buf bytes;
    json_error_t at;
    int rc = -1;
    buf_init(&bytes, IO_FRAME_MAX);
    if (io_frame_read(RUNNER_FRAMES_FD, &bytes, clock_mono_ms() + wait_ms, eof, err) != 0)
        goto out;
    if (*eof) {
        rc = 0;
        goto out;
    }
    *frame = json_loadb(bytes.data, bytes.len, JSON_REJECT_DUPLICATES, &at);
    if (!json_is_object(*frame)) {
        json_decref(*frame);
        *frame = NULL;
        (void)err_set(err, ERR_INTERNAL, "A frame of the supervisor is no JSON object.");
        goto out;
    }
    rc = 0;
out:
    buf_wipe(&bytes); /* the begin frame holds the key */
    buf_deinit(&bytes);
    return rc;
}

int wire_read_begin(json_t **begin, struct err *err)
{
    bool eof = false;
    if (read_frame(begin, &eof, SEND_MS, err) != 0)
        return -1;
    if (eof)
        return err_set(err, ERR_INTERNAL, "The supervisor went away before it said what to do.");
    if (!str_equal(json_string_value(json_object_get(*begin, "t")), "begin")) {
        json_decref(*begin);
        *begin = NULL;
        return err_set(err, ERR_INTERNAL, "The first frame is not a begin frame.");
    }
    return 0;
}

static void take_frame(struct runner *r, const json_t *frame)
{
    const char *type = json_string_value(json_object_get(frame, "t"));
    if (str_equal(type, "go")) {
        r->go_for = (int)json_integer_value(json_object_get(frame, "step"));
    } else if (str_equal(type, "cancel")) {
        int how = (int)json_integer_value(json_object_get(frame, "how"));
        if (how > r->cancel && how <= 2)
            r->cancel = how;
    } else if (str_equal(type, "stored")) {
        r->stored = true;
    } else if (str_equal(type, "undo")) {
        r->undo_asked = true;
    } else if (str_equal(type, "skip")) {
        r->skip_for = (int)json_integer_value(json_object_get(frame, "step"));
    } else if (str_equal(type, "finish")) {
        r->finish_asked = true;
    }
}

void wire_poll(struct runner *r, int wait_ms)
{
    struct pollfd waiting = {.fd = RUNNER_FRAMES_FD, .events = POLLIN};
    while (!r->gone && poll(&waiting, 1, wait_ms) > 0) {
        json_t *frame = NULL;
        bool eof = false;
        if (read_frame(&frame, &eof, SEND_MS, NULL) != 0 || eof) {
            r->gone = true;
            return;
        }
        take_frame(r, frame);
        json_decref(frame);
        wait_ms = 0;
    }
}

/* Takes over the reference. */
static void send_frame(struct runner *r, json_t *frame)
{
    char *bytes = frame != NULL ? json_dumps(frame, JSON_COMPACT) : NULL;
    if (bytes == NULL
        || io_frame_write(RUNNER_FRAMES_FD, bytes, strlen(bytes), clock_mono_ms() + SEND_MS, NULL)
               != 0)
        r->gone = true;
    free(bytes);
    json_decref(frame);
}

/* Text that may come from a target: valid UTF-8 or nothing. */
static json_t *safe_text(const char *text)
{
    json_t *value = json_string(text);
    return value != NULL ? value : json_string("(text that is no UTF-8)");
}

bool wire_intent(struct runner *r, struct step *step)
{
    int64_t deadline = clock_mono_ms() + COMMIT_MS;
    r->go_for = r->skip_for = -1;
    send_frame(r, json_pack("{s:s, s:i}", "t", "intent", "step", step->number));
    while (!r->gone && r->go_for != step->number && r->skip_for != step->number
           && (r->is_balancer || clock_left_ms(deadline) > 0))
        wire_poll(r, 1000);
    if (!r->gone && r->skip_for == step->number) {
        step->state = STEP_SKIPPED;
        return false;
    }
    if (r->go_for != step->number)
        r->gone = true;
    step->state = STEP_INTENT;
    return !r->gone;
}

void wire_proven(struct runner *r)
{
    send_frame(r, json_pack("{s:s}", "t", "proven"));
    while (!r->gone && !r->finish_asked && !r->undo_asked)
        wire_poll(r, HELD_POLL_MS);
}

void wire_outcome(struct runner *r, const struct step *step)
{
    json_t *frame = json_pack("{s:s, s:i, s:s, s:o, s:O*}", "t", "outcome", "step", step->number,
                              "state", step_end_name(step->state), "cause", safe_text(step->cause),
                              "results", step->results);
    if (frame != NULL && step->status >= 0)
        (void)json_object_set_new(frame, "status", json_integer(step->status));
    send_frame(r, frame);
}

void wire_progress(struct runner *r, int64_t done, int64_t total)
{
    if (r->current != NULL)
        send_frame(r, json_pack("{s:s, s:i, s:I, s:I}", "t", "progress", "step", r->current->number,
                                "done", (json_int_t)done, "total", (json_int_t)total));
}

void wire_note(struct runner *r, const char *fmt, ...)
{
    char text[900];
    va_list values;
    va_start(values, fmt);
    (void)vsnprintf(text, sizeof text, fmt, values);
    va_end(values);
    json_t *frame = json_pack("{s:s, s:o}", "t", "note", "text", safe_text(text));
    if (frame != NULL && r->current != NULL)
        (void)json_object_set_new(frame, "step", json_integer(r->current->number));
    send_frame(r, frame);
}

bool wire_sync(struct runner *r, const struct step *step, int wait_ms)
{
    int64_t deadline = clock_mono_ms() + wait_ms;
    r->stored = false;
    send_frame(r, json_pack("{s:s, s:i, s:I}", "t", "sync", "step", step->number, "origin",
                            (json_int_t)step->origin));
    while (!r->gone && !r->stored && clock_left_ms(deadline) > 0)
        wire_poll(r, 500);
    return r->stored;
}

void wire_end(struct runner *r, const char *verdict, const char *summary, const char *left_as)
{
    json_t *frame =
        json_pack("{s:s, s:s, s:o, s:o, s:O*}", "t", "end", "verdict", verdict, "summary",
                  safe_text(summary), "left_as", safe_text(left_as), "server", r->server);
    send_frame(r, frame);
}

static void send_record(struct runner *r, const struct mask_frame *frame)
{
    char record[MASK_FRAME_MAX];
    size_t len = mask_frame_write(record, frame);
    if (io_write_all(RUNNER_MASK_FD, record, len, clock_mono_ms() + SEND_MS, NULL) != 0)
        r->gone = true; /* a log with a hole would be worse than a runner started again */
}

void wire_output(struct runner *r, struct step *step, const char *bytes, size_t len)
{
    while (len > 0 && !r->gone) {
        size_t part = len < MASK_FRAME_BODY ? len : MASK_FRAME_BODY;
        send_record(r, &(struct mask_frame){.host = (uint8_t)r->host,
                                            .step = (uint8_t)step->number,
                                            .kind = MASK_OUTPUT,
                                            .origin = step->origin,
                                            .body = bytes,
                                            .len = part});
        step->origin += (int64_t)part;
        bytes += part;
        len -= part;
    }
}

void wire_flush(struct runner *r, const struct step *step)
{
    send_record(r, &(struct mask_frame){.host = (uint8_t)r->host,
                                        .step = (uint8_t)step->number,
                                        .kind = MASK_FLUSH,
                                        .origin = step->origin,
                                        .body = ""});
}

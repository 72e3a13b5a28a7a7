/* viewer.c - log records to server-sent events (WHATWG HTML §9.2). An event is written with the
 * offset behind its record as id, so whatever the browser has seen it can go on from exactly there:
 * nothing twice, nothing left out. */
#include "cgi/stream/viewer.h"

#include <stdlib.h>
#include <string.h>
#include "db/activity.h"
#include "db/sessions.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

#define PENDING_MAX   ((size_t)512 * 1024)
#define BATCH_RECORDS 200
#define PING_MS       15000
#define SLOW_MS       20000 /* pending that does not move for so long: dropped */
#define CHECK_MS      5000  /* a revoked session ends its streams within this */
#define AFTER_END_MS  8000  /* wait for a verdict in the log once the row says ended */

static const char HEAD[] = "Status: 200 OK\r\n"
                           "Content-Type: text/event-stream; charset=utf-8\r\n"
                           "Cache-Control: no-store\r\n"
                           "X-Accel-Buffering: no\r\n"
                           "X-Content-Type-Options: nosniff\r\n"
                           "Cross-Origin-Resource-Policy: same-origin\r\n"
                           "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
                           "Referrer-Policy: same-origin\r\n"
                           "\r\n"
                           "retry: 2000\n\n";

struct viewer *viewer_new(struct fcgi *fcgi, const char *job_id, const char *user_id,
                          const char *token, int64_t offset)
{
    struct viewer *v = calloc(1, sizeof *v);

    if (v == NULL) {
        fcgi_end(fcgi);
        return NULL;
    }
    v->fcgi = fcgi;
    str_copy(v->job_id, sizeof v->job_id, job_id);
    str_copy(v->user_id, sizeof v->user_id, user_id);
    str_copy(v->token, sizeof v->token, token);
    v->reader = (struct joblog_reader){.fd = -1, .offset = offset};
    v->written_at = v->progress_at = clock_mono_ms();
    v->may_have_news = true;
    buf_init(&v->pending, PENDING_MAX);
    buf_add(&v->pending, HEAD, sizeof HEAD - 1);
    return v;
}

void viewer_free(struct viewer *v)
{
    if (v == NULL)
        return;
    io_close(&v->reader.fd);
    buf_deinit(&v->pending);
    crypto_wipe(v->token, sizeof v->token);
    fcgi_end(v->fcgi);
    free(v);
}

static int add_event(void *context, const char *name, json_t *event, int64_t end_offset)
{
    struct viewer *v = context;
    char *text = json_dumps(event, JSON_COMPACT);

    json_decref(event);
    if (text != NULL)
        buf_printf(&v->pending, "id: %lld\nevent: %s\ndata: %s\n\n", (long long)end_offset, name,
                   text);
    free(text);
    /* Enough for now: reading goes on behind this record when this much is written. */
    return text == NULL || v->pending.len >= VIEWER_BATCH_BYTES;
}

static void add_done(struct viewer *v)
{
    buf_add_str(&v->pending, "event: done\ndata: {}\n\n");
    v->is_done = true;
}

int viewer_read(struct viewer *v, const struct site *site)
{
    struct err err = {0};
    int n;

    if (v->is_done || v->pending.len >= VIEWER_BATCH_BYTES)
        return 0;
    if (v->reader.fd < 0 && joblog_open(site, v->job_id, &v->reader.fd, &err) != 0) {
        log_err("log-not-open", &err);
        return -1;
    }
    if (v->pending.len == 0)
        v->progress_at = clock_mono_ms();
    n = joblog_next(&v->reader, BATCH_RECORDS, add_event, v, &err);
    if (n < 0) {
        log_err("log-not-read", &err);
        return -1;
    }
    v->may_have_news = n > 0;
    if (n == 0 && joblog_is_over(&v->reader))
        add_done(v);
    return buf_ok(&v->pending) ? 0 : -1;
}

int viewer_write(struct viewer *v)
{
    size_t len = v->pending.len < VIEWER_BATCH_BYTES ? v->pending.len : VIEWER_BATCH_BYTES;
    struct transport *transport = fcgi_transport(v->fcgi);

    if (len > 0) {
        if (transport->write(transport, v->pending.data, len) != 0 || fcgi_flush(v->fcgi) != 0)
            return -1;
        buf_consume(&v->pending, len);
        v->written_at = v->progress_at = clock_mono_ms();
    }
    return v->is_done && v->pending.len == 0 ? -1 : 0;
}

/* The session may have been revoked, the job may have ended without a word in its log. */
static int check(struct viewer *v, struct db *db, int64_t now)
{
    struct session_row row;
    struct err err = {0};
    bool ended = false;

    v->check_at = now + CHECK_MS;
    if (session_by_token(db, v->token, clock_now_ms(), &row, &err) != 0) {
        /* A database that is busy says nothing about the session: asked again next time. */
        return err.code == ERR_SIGNED_OUT ? -1 : 0;
    }
    if (!role_may(row.role, CAP_VIEW))
        return -1;
    if (activity_job_ended(db, v->job_id, &ended, &err) != 0 || !ended || v->may_have_news) {
        v->ended_since = 0;
        return 0;
    }
    if (v->ended_since == 0)
        v->ended_since = now;
    if (now - v->ended_since >= AFTER_END_MS && !v->is_done)
        add_done(v);
    return 0;
}

int viewer_tick(struct viewer *v, struct db *db)
{
    int64_t now = clock_mono_ms();

    if (v->pending.len > 0 && now - v->progress_at > SLOW_MS) {
        LOG_INFO("viewer-too-slow", "job=%s pending=%zu", v->job_id, v->pending.len);
        return -1;
    }
    if (v->pending.len == 0 && now - v->written_at >= PING_MS) {
        buf_add_str(&v->pending, ": ping\n\n");
        v->progress_at = now;
    }
    return now >= v->check_at ? check(v, db, now) : 0;
}

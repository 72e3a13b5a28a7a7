/* viewer.h - one browser that watches one job: from its connection to the events it still has to
 * get. The hub owns viewers and tells them when there may be something new. */
#ifndef WL_CGI_STREAM_VIEWER_H
#define WL_CGI_STREAM_VIEWER_H

#include <stdbool.h>
#include <stdint.h>
#include "cgi/http/fcgi.h"
#include "cgi/http/joblog_read.h"
#include "db/db.h"
#include "lib/base/buf.h"
#include "lib/crypto/crypto.h"

#define VIEWER_BATCH_BYTES                                                                         \
    ((size_t)32 * 1024) /* fits a writable socket: the write cannot block                          \
                         */

struct viewer {
    struct fcgi *fcgi;
    char job_id[CRYPTO_ID_SIZE];
    char user_id[CRYPTO_ID_SIZE];
    char token[CRYPTO_TOKEN_TEXT]; /* asked about again and again; wiped at the end */
    struct joblog_reader reader;
    struct buf pending;  /* made, not yet written */
    int64_t written_at;  /* monotonic, for pings */
    int64_t progress_at; /* when pending last shrank or became non-empty, for slow readers */
    int64_t check_at;    /* when to look at session and job again */
    int64_t ended_since; /* the job's row has said "ended" since then; 0: not */
    bool may_have_news;  /* the file may hold more than was read */
    bool is_done;        /* the last event is in pending; then close */
};

/* Takes the connection. NULL without memory (the connection is then closed). */
struct viewer *viewer_new(struct fcgi *fcgi, const char *job_id, const char *user_id,
                          const char *token, int64_t offset) MUST_USE;
void viewer_free(struct viewer *viewer);

/* Read what is new into pending, at most about one batch. -1: the log cannot be read. */
int viewer_read(struct viewer *viewer, const struct site *site) MUST_USE;
/* Write a batch of pending; call when the connection is writable. -1: the browser is gone. */
int viewer_write(struct viewer *viewer) MUST_USE;
/* Pings, the session, the end of the job, slow browsers. -1: close now. */
int viewer_tick(struct viewer *viewer, struct db *db) MUST_USE;

#endif

/* journal.h - the supervisor's side of a job's log: the mask process, the pipe into it, the file.
 *
 * Life cycle: journal_init, journal_lock until it succeeds, journal_start, any number of records,
 * journal_finish (closes the pipe; the mask writes what it holds and exits), journal_close. The
 * file's flock is held by the open file that the mask inherits as well: a mask that outlived its
 * supervisor keeps the next one waiting until every byte is where the next runner will look for it.
 *
 * Records wait in a queue while the pipe is full; a queue over its maximum drops words, never the
 * job. */
#ifndef WL_WORKER_JOURNAL_H
#define WL_WORKER_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "worker/config.h"
#include "worker/mask/frame.h"

struct journal {
    pid_t pid;   /* of the mask process; 0: none */
    int pipe;    /* write end; runners get a copy */
    int control; /* config out, answers in */
    int file;    /* the log: its lock, its size */
    struct buf queue;
    int asked, answered; /* syncs */
};

void journal_init(struct journal *j);
/* Open (0640, group of WL_GROUP) and lock the log file. *busy: another mask still writes it; try
 * again soon. */
int journal_lock(struct journal *j, const struct worker_config *config, const char *job_id,
                 bool *busy, struct err *err) MUST_USE;
/* How far the log covers each step's log on the target: object "host/step" -> origin. */
int journal_origins(const struct journal *j, json_t **origins, struct err *err) MUST_USE;
/* Start the mask process. hidden: list of base64 texts, borrowed. */
int journal_start(struct journal *j, const struct worker_config *config, const json_t *hidden,
                  struct err *err) MUST_USE;
int64_t journal_size(const struct journal *j);

/* host or step -1: none. */
void journal_words(struct journal *j, int host, int step, const char *fmt, ...) PRINTF(4, 5);
/* A record whose text is JSON (kinds s and v), already masked. Borrowed. */
void journal_json(struct journal *j, int host, int step, char kind, const json_t *value);
void journal_flush_step(struct journal *j, int host, int step);
/* Everything before this is on disk once `answered` has caught up with what `asked` is now. */
void journal_sync(struct journal *j);
bool journal_synced(const struct journal *j);

bool journal_wants_write(const struct journal *j);
/* -1: the mask process is gone. */
int journal_write(struct journal *j);
int journal_read_answers(struct journal *j);

/* No more records: what is queued is written (within 2 s), then the pipe is closed. */
void journal_finish(struct journal *j);
void journal_close(struct journal *j);

#endif

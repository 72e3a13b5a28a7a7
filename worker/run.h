/* run.h - one job that this supervisor holds, from claim to the last byte of its log.
 *
 *     OPENING   waiting for the log's lock (a mask of a dead supervisor may still write)
 *     SYNCING   waiting until the mask has written everything, so that a runner knows where to go
 * on ACTIVE    a runner works on host `host` WAITING   a pause before the next try ENDING    the
 * verdict is known; the transaction that records it has not succeeded yet CLOSING   recorded; the
 * log's last record is on its way GONE      to be freed
 *
 * Nothing here waits: run_tick moves a job on when its time (`wake_at`) or an event comes. The
 * database is written before a runner is allowed to act, and a write that finds another holder
 * drops the job on the spot (run_drop). */
#ifndef WL_WORKER_RUN_H
#define WL_WORKER_RUN_H

#include <jansson.h>
#include <poll.h>
#include "lib/domain/recipe.h"
#include "worker/journal.h"
#include "worker/link.h"
#include "worker/mask/hide.h"
#include "worker/worker.h"

#define RUN_HOSTS_MAX 100
#define RUN_STEPS_MAX 100
#define RUN_TRIES     8
#define RUN_TEXT      600

enum run_phase {
    RUN_OPENING = 0,
    RUN_SYNCING,
    RUN_ACTIVE,
    RUN_WAITING,
    RUN_DECIDING,
    RUN_ENDING,
    RUN_CLOSING,
    RUN_GONE
};

enum step_state {
    STEP_PENDING = 0,
    STEP_INTENT,
    STEP_OK,
    STEP_FAILED,
    STEP_SKIPPED,
    STEP_CANCELLED,
    STEP_UNKNOWN
};
enum step_state step_state_from_name(const char *name); /* STEP_PENDING when unknown */
const char *step_state_name(enum step_state state);

struct step_run {
    enum step_state state;
    int64_t started_mono; /* this supervisor's clock; 0: not seen to start */
    char cause[RUN_TEXT];
};

struct host_run {
    char verdict[16]; /* "": none yet */
    char summary[RUN_TEXT];
    char left_as[RUN_TEXT];
    bool stored; /* its end is in the database */
    struct step_run steps[RUN_STEPS_MAX];
};

struct waiting_answer {
    int step;
    int64_t origin;
    int sync; /* the count of syncs at which it is on disk */
};

struct job_kind;

struct run {
    enum run_phase phase;
    struct job_hold hold;
    const struct job_kind *kind;
    json_t *job;     /* the row (db/jobs.h job_load) */
    json_t *plan;    /* {hosts, steps, ...}; NULL until made */
    json_t *release; /* deploys only */
    struct recipe *recipe;
    struct hide *hide; /* values that must not reach database or log */
    json_t *hidden;    /* the same as base64 texts, for the mask process */
    json_t *results;   /* what the steps of the last host reported, by step name */
    json_t *server;    /* what a runner said about the server itself */

    struct journal journal;
    bool journal_open;
    bool prepared; /* plan, rows and what the kind keeps in memory are here */
    struct link link;
    pid_t child;     /* 0: none */
    json_t *stalled; /* a frame whose database write must be tried again */
    struct waiting_answer stored[16];
    int stored_count;

    struct host_run *hosts;
    int host_count, step_count, host;
    int tries;  /* starts on this host without a new outcome */
    int starts; /* starts of runners on this host in all */
    int cancel; /* as asked; cancel_sent: as told to the runner */
    int cancel_sent;
    int64_t wake_at;  /* monotonic */
    int64_t watch_at; /* a runner that is silent until then is stuck */
    int64_t opened_at;
    int64_t progress_at;
    int64_t renewed_at;

    char verdict[16];
    char summary[RUN_TEXT];
    bool finished;        /* the kind's `finish` was done */
    bool refused, denied; /* ended before anything ran */
    bool resumed;         /* taken over, or begun before */
};

/* Takes over the hold. NULL: no memory. */
struct run *run_new(const struct job_hold *hold);
void run_free(struct run *run);

/* Move on as far as possible now. */
void run_tick(struct worker *w, struct run *run);
/* Heartbeat and cancel requests. renew: extend the lease as well. */
void run_check(struct worker *w, struct run *run, bool renew);
/* Descriptors to wait for: at most RUN_FDS. */
#define RUN_FDS 3
size_t run_poll(const struct run *run, struct pollfd fds[RUN_FDS]);
void run_ready(struct worker *w, struct run *run, const struct pollfd *fds, size_t count);
/* A child ended. True when it was this job's. */
bool run_reaped(struct run *run, pid_t pid);
/* Nothing is under way that the next supervisor could not pick up by itself. */
bool run_is_safe(const struct run *run);
/* The supervisor stops: the job stays `running` for the next one. */
void run_leave(struct run *run);

/* --- between run.c, run_child.c, run_frames.c and run_end.c --------------------------------------
 */

struct step_run *run_step(struct run *run, int step); /* of the present host; NULL: no such step */
const json_t *run_step_spec(const struct run *run, int step);
/* Another supervisor holds the job: end our processes, write nothing more. */
void run_drop(struct run *run);
/* Called with the result of a database write: 0, -1 with a lost hold (dropped) or to be tried
 * again (1). */
int run_after_write(struct worker *w, struct run *run, int rc, const struct err *err);
/* The state record of a step in the job's log. */
void run_log_step(struct run *run, int step, const json_t *extra);
/* A text without hidden values. */
void run_masked(const struct run *run, const char *text, char *out, size_t out_size);

/* RUN_OPENING: as soon as the log is ours. */
void run_open(struct worker *w, struct run *run);
/* Worth trying again: the database is locked, or the disk is full (then the reserve is given back:
 * worker/ballast.h). */
bool run_is_transient(struct worker *w, const struct err *err);

int run_child_start(struct worker *w, struct run *run, struct err *err) MUST_USE;
void run_child_stop(struct run *run);
/* It has said how the host was left, and is not needed any more. */
void run_child_dismiss(struct run *run);
/* A child that did not end well leaves a line in the log. part: "ask", "job" (a runner, a fetch, a
 * mask), or "left" (one whose job is gone). */
void run_child_note_end(const char *part, pid_t pid, int status);
/* All whole frames that are there. */
void run_take_frames(struct worker *w, struct run *run);
void run_stored(struct run *run);

/* The job's end is decided before anything ran, or nothing more can be done. */
void run_fail(struct run *run, const char *verdict, const char *summary);
/* The verdict of the present host (texts are masked here), and on to RUN_DECIDING. */
void run_host_verdict(struct run *run, const char *verdict, const char *summary,
                      const char *left_as);
/* RUN_DECIDING: record the host's end; the next host, or the job's verdict. */
void run_decide(struct worker *w, struct run *run);
/* The transaction that ends the job. */
void run_end(struct worker *w, struct run *run);

#endif

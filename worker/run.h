/* run.h - one job that this supervisor holds, from claim to the last byte of its log.
 *
 *     OPENING  waiting for the log's lock (a mask of a dead supervisor may still write)
 *     ACTIVE   hosts have their turns (turn.h)
 *     ENDING   the verdict is known; the transaction that records it has not succeeded yet
 *     CLOSING  recorded; the log's last record is on its way
 *     GONE     to be freed
 *
 * Nothing here waits: run_tick moves a job on when its time or an event comes. The database is
 * written before a runner is allowed to act, and a write that finds another holder drops the job on
 * the spot (run_drop). */
#ifndef WL_WORKER_RUN_H
#define WL_WORKER_RUN_H

#include <jansson.h>
#include <poll.h>
#include "lib/domain/recipe.h"
#include "lib/domain/rollout.h"
#include "worker/journal.h"
#include "worker/mask/hide.h"
#include "worker/turn.h"
#include "worker/worker.h"

#define RUN_HOSTS_MAX 250 /* a host is one byte in mask frames, and 255 is none */
#define RUN_STEPS_MAX 100
#define RUN_TEXT      600
#define RUN_RETRY_MS  500

enum run_phase { RUN_OPENING = 0, RUN_ACTIVE, RUN_ENDING, RUN_CLOSING, RUN_GONE };

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

    struct journal journal;
    bool journal_open;
    bool prepared; /* plan, rows and what the kind keeps in memory are here */

    struct turn *turns; /* host_count of them; NULL until the rows were read */
    int host_count, step_count;
    int app_count; /* of the hosts, the first: those behind are load balancers (run_balancer.c) */
    int next_first, next_end; /* app servers whose turn it is, once they are out of the balancers */
    struct rollout rollout;
    bool holds;                  /* hosts that are proven wait until it is decided how they go on */
    bool finishing;              /* it was decided: they finish */
    int last_witness;            /* the forward step up to which a host is proven; -1: none */
    bool witness[RUN_STEPS_MAX]; /* forward steps that see the release serve */
    int64_t group_at;            /* when the next group of hosts may begin; 0: no pause */
    json_t *images;   /* what the first host pulled (worker/jobs/deploy.c); NULL: not asked yet */
    int cancel;       /* as asked */
    int64_t wake_at;  /* monotonic */
    int64_t watch_at; /* CLOSING: the log's last record has until then */
    int64_t opened_at;
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
/* Descriptors to wait for: at most run_fds(run). */
size_t run_fds(const struct run *run);
size_t run_poll(struct run *run, struct pollfd *fds);
/* The same descriptors after poll. */
void run_ready(struct worker *w, struct run *run, const struct pollfd *fds, size_t count);
/* Nothing is to be done without an event until then (monotonic), or until `latest`. */
int64_t run_next(const struct worker *w, const struct run *run, int64_t latest);
/* A child ended. True when it was this job's. */
bool run_reaped(struct run *run, pid_t pid);
/* Nothing is under way that the next supervisor could not pick up by itself. */
bool run_is_safe(const struct run *run);
/* The supervisor stops: the job stays `running` for the next one. */
void run_leave(struct run *run);

/* --- between run*.c and turn*.c ------------------------------------------
 */

const json_t *run_step_spec(const struct run *run, int step);
/* The host's name in the plan, for sentences about more than one. */
const char *run_host_name(const struct run *run, int host);
/* Another supervisor holds the job: end our processes, write nothing more. */
void run_drop(struct run *run);
/* Called with the result of a database write: 0, -1 with a lost hold (dropped), or 1: to be tried
 * again at *wake_at. */
int run_after_write(struct worker *w, struct run *run, int rc, int64_t *wake_at,
                    const struct err *err);
/* A text without hidden values. */
void run_masked(const struct run *run, const char *text, char *out, size_t out_size);
/* Worth trying again: the database is locked, or the disk is full (then the reserve is given back:
 * worker/ballast.h). */
bool run_is_transient(struct worker *w, const struct err *err);
bool run_is_good(const char *verdict); /* live, degraded, ok */

/* RUN_OPENING: as soon as the log is ours. */
void run_open(struct worker *w, struct run *run);
/* Record the ends of turns that have a verdict. */
void run_record_turns(struct worker *w, struct run *run);
/* What a load balancer's runner is told before a step. */
enum run_word { RUN_WORD_WAIT = 0, RUN_WORD_GO, RUN_WORD_SKIP };
enum run_word run_word_for(struct turn *turn, int step);
bool run_balancer_failed(const struct run *run);
/* Out of, or back in, every balancer; true when there is none. */
bool run_is_out(const struct run *run, int app);
bool run_is_in(const struct run *run, int app);
/* Nobody is sent to this one any more, or nothing can be done about it: it may go back. */
bool run_may_undo(const struct run *run, int app);
/* Whether this app server, which waits, may still have its turn. */
bool run_will_begin(const struct run *run, int app);
enum rollout_decision run_decision(const struct run *run);

/* From the plan, once the rows were read. */
void run_set_rollout(struct run *run);
/* Let those begin that may. False: no turn is under way, and none begins any more. */
bool run_begin_turns(struct run *run);
/* Tell the hosts that are held how they go on, once that is decided. */
void run_settle_held(struct run *run);
/* The job's end is decided before anything ran, or nothing more can be done. */
void run_fail(struct run *run, const char *verdict, const char *summary);
/* The verdict over all hosts, when no turn is under way and none begins any more. */
void run_decide(struct run *run);
/* The transaction that ends the job. */
void run_end(struct worker *w, struct run *run);

#endif

/* turn.h - one host's turn in a job: the runner that works there, what it has said, and what is
 * known of the host's steps.
 *
 *     WAITING   not begun
 *     SYNCING   begun; its runner is started once the log is on disk up to `sync`, so that the
 *               runner knows where to go on
 *     ACTIVE    a runner works
 *     PAUSED    a pause before the next try, until wake_at
 *     DECIDING  its verdict is known and not in the database yet
 *     ENDED     recorded
 *
 * Turns belong to their run (run.h) and end with it; several of a job may be under way at a time.
 * All of them write under the job's one hold. Times are monotonic ms. */
#ifndef WL_WORKER_TURN_H
#define WL_WORKER_TURN_H

#include <jansson.h>
#include <poll.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "worker/link.h"
#include "worker/worker.h"

#define TURN_TRIES    8
#define TURN_STORED   16
#define TURN_TEXT     600 /* a cause, a summary, the state a host was left in: bytes */
#define TURN_RETRY_MS 500

enum turn_phase {
    TURN_WAITING = 0,
    TURN_SYNCING,
    TURN_ACTIVE,
    TURN_PAUSED,
    TURN_DECIDING,
    TURN_ENDED
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
    char *cause;          /* masked; NULL: none */
};

struct waiting_answer {
    int step;
    int64_t origin;
    int sync; /* the count of syncs at which it is on disk */
};

struct turn {
    struct run *run; /* that it belongs to */
    int host;
    bool is_balancer;
    enum turn_phase phase;
    struct link link;
    pid_t child;   /* 0: none */
    bool hung_up;  /* the runner's end of the link is closed */
    int polled;    /* where its link stands among the run's descriptors; -1: not there */
    json_t *frame; /* taken from the link, waits for its database write; NULL: none */
    bool is_ready; /* `frame` may be written now */
    bool waits;    /* `frame` waits for other hosts (run_word_for), not for a time */
    json_t *said;  /* the results of the outcome in `frame`, masked */
    struct waiting_answer stored[TURN_STORED];
    int stored_count;

    int sync;        /* SYNCING: the count of the journal's answers to wait for */
    int tries;       /* starts without a new outcome */
    int starts;      /* starts of runners in all */
    int cancel_sent; /* as told to the runner */
    int64_t wake_at;
    int64_t watch_at; /* a runner that is silent until then is stuck */
    int64_t progress_at;
    bool is_held;   /* proven; its runner waits for word how it goes on */
    bool goes_back; /* the word was: back */

    struct step_run *steps;  /* as many as the plan has */
    json_t *results;         /* what the steps reported, by step name; NULL: nothing */
    json_t *server;          /* what the runner said about the server itself; NULL: nothing */
    char verdict[16];        /* "": none yet */
    char *summary, *left_as; /* NULL: nothing was said (read back from the database) */
};

/* All of a run's turns, each with its steps, pending. */
int turns_make(struct run *run, int hosts, int steps, struct err *err) MUST_USE;
void turns_free(struct run *run);

struct step_run *turn_step(struct turn *turn, int step); /* NULL: no such step */
/* Sets a text of a turn or step to `text` without hidden values; the old one is freed. */
void turn_set_text(const struct turn *turn, char **place, const char *text);
/* Begun and not over: it keeps the job from ending. */
bool turn_is_under_way(const struct turn *turn);
/* No step of it was begun. */
bool turn_is_untouched(const struct turn *turn);
/* Every witness of the new release has seen it serve here. */
bool turn_is_proven(const struct turn *turn);
/* The step from which on something else may serve was begun. */
bool turn_passed_switch(const struct turn *turn);
/* All its undo steps ended well, and there is one that ran. */
bool turn_is_undone(const struct turn *turn);
/* Everything that is known of the host rests in the database, or goes on by itself on the target.
 */
bool turn_is_safe(const struct turn *turn);
/* The state record of a step in the job's log. */
void turn_log_step(struct turn *turn, int step, const json_t *extra);
/* Its verdict (texts are masked here), and on to DECIDING. */
void turn_verdict(struct turn *turn, const char *verdict, const char *summary, const char *left_as);

/* To SYNCING: a runner is started as soon as the log is on disk. */
void turn_begin(struct turn *turn);
/* The runner is gone without a verdict, or cannot be trusted with another word: the next try, or
 * the verdict unknown. */
void turn_lost(struct turn *turn);
/* Its runner is ended, what it wanted is forgotten; begun again, it goes on where the database says
 * it is. For a log that has to be opened anew. */
void turn_interrupt(struct turn *turn);
/* Start the turns that are ready for it, a few at a time: what is written for them is one
 * transaction. */
void turns_start(struct worker *w, struct run *run);
/* ACTIVE: cancel requests, and a runner that is stuck or gone. */
void turn_tick(struct turn *turn);

/* --- turn_child.c: the process ------------------------------------------------------------------
 */

int turn_child_start(struct worker *w, struct turn *turn, struct err *err) MUST_USE;
/* Ends it and waits until it is gone. */
void turn_child_stop(struct turn *turn);
/* It has said how the host was left, and is not needed any more; the supervisor's loop reaps it. */
void turn_child_dismiss(struct turn *turn);
/* All of a run's at once: turn_child_stop for each does not add up. */
void turns_stop_children(struct run *run);
/* A child that did not end well leaves a line in the log. part: "ask", "job" (a runner, a fetch, a
 * mask), or "left" (one whose job is gone). */
void turn_child_note_end(const char *part, pid_t pid, int status);

/* --- turn_frames.c: what runners say ------------------------------------------------------------
 */

/* Read and write what the link has room for. */
void turn_link_ready(struct turn *turn, short revents);
/* All whole frames of all turns that are there. What they want written is one transaction, and each
 * is answered after its commit. */
void turns_take_frames(struct worker *w, struct run *run);
/* Answers `sync` frames whose bytes are on disk. */
void turn_stored(struct turn *turn);

#endif

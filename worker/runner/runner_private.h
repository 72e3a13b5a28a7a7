/* runner_private.h - what the files of worker/runner share. Nobody else includes it. One thread,
 * one step at a time. */
#ifndef WL_WORKER_RUNNER_PRIVATE_H
#define WL_WORKER_RUNNER_PRIVATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "worker/runner/target_scripts.h"
#include "worker/ssh/ssh.h"

#define RUNNER_STEPS_MAX   160
#define RUNNER_FRAMES_FD   3
#define RUNNER_ARTEFACT_FD 4
#define RUNNER_MASK_FD     5

enum step_mode {
    MODE_UNKNOWN = 0,
    MODE_CONNECT,
    MODE_LOCK,
    MODE_DETACHED,
    MODE_UPLOAD,
    MODE_HEALTH,
    MODE_CHECK,
    MODE_READ_BACK,
    MODE_LOOK,
    MODE_UNLOCK
};

/* The words of job_step.state that a runner knows. */
enum step_end {
    STEP_PENDING = 0,
    STEP_INTENT,
    STEP_OK,
    STEP_FAILED,
    STEP_SKIPPED,
    STEP_CANCELLED,
    STEP_UNKNOWN
};

struct step {
    int number; /* as the supervisor counts */
    const char *name, *title;
    enum step_mode mode;
    bool undo, idempotent, point_of_no_return;
    bool witness; /* what it saw is part of the proof: a health step, or one the recipe names */
    int64_t deadline_ms;
    const char *lib, *script, *input; /* borrowed from the begin frame; may be NULL */
    const json_t *expect;             /* of mode read_back: {key: hex MAC of its value}; borrowed */
    const char *mac_key;              /* hex */
    enum step_end state;
    int status;      /* exit status; -1: none */
    int64_t origin;  /* bytes of its log on the target that went to the mask */
    bool ran;        /* here, in this process */
    json_t *results; /* object of strings; NULL: none, or not known here */
    char cause[512]; /* in words, with the fix */
};

struct runner {
    json_t *begin; /* owns most strings below */
    const char *job, *kind, *nonce, *instance, *env, *who, *why, *version;
    int host;
    int64_t epoch;
    int64_t log_max;
    int64_t lost_ms; /* without an answer of the host for so long: unknown */
    struct ssh_target target;
    uint8_t pin[1024];
    const char *host_name; /* for sentences */
    json_t *settings;      /* borrowed from begin */
    const json_t *says;    /* {good, left_good, left_bad}: a job that makes no release; NULL */
    int64_t artefact_size; /* -1: none */
    const char *artefact_sha256;

    struct step steps[RUNNER_STEPS_MAX];
    int step_count;
    struct step *current; /* NULL between steps */
    struct ssh *ssh;      /* NULL: not connected */
    char home[512], lock_name[64];
    char job_dir[640], lock_dir[640]; /* of this job; empty before the first connection */
    bool locked;                      /* the lock carries our epoch */
    bool ever_connected;
    bool touched; /* something may have been begun on the target, by this runner or one before */
    int64_t last_contact;   /* monotonic */
    int64_t lost_since;     /* wall clock; 0: connected */
    enum ssh_fault refused; /* for good, by the last connection: HOST_KEY, ALGORITHMS, AUTH */
    char seen_print[64];    /* the changed host key's fingerprint */

    int cancel;       /* 0, 1 graceful, 2 kill */
    bool no_cancel;   /* the release is proven, or the old one is being put back: too late */
    bool is_balancer; /* its steps wait for other servers; it serves no release itself */
    bool holds, finish_asked, undo_asked;   /* a proven release waits for one of these words */
    bool gone;                              /* the supervisor closed its end: stop where we are */
    int go_for, skip_for;                   /* step number of the last `go` and `skip`; -1 */
    bool stored;                            /* a `stored` came */
    bool nothing_before, served_throughout; /* found by the undo: see docs/add-a-recipe.md */
    json_t *server;                         /* for the end frame of a check; NULL */
};

/* --- runner_begin.c: the begin frame
 * ----------------------------------------------------------------------------------- */
int runner_parse(struct runner *r, json_t *begin,
                 struct err *err) MUST_USE; /* takes over the reference */
void runner_free(struct runner *r);
const char *runner_setting(const struct runner *r, const char *key); /* "" when absent */
int64_t runner_setting_int(const struct runner *r, const char *key, int64_t otherwise);

/* --- runner_wire.c: supervisor and mask
 * -------------------------------------------------------------------------------- */
int wire_read_begin(json_t **begin, struct err *err) MUST_USE;
/* Take the frames that are there; waits at most wait_ms for one. Sets cancel, gone, ... */
void wire_poll(struct runner *r, int wait_ms);
/* Waits until the supervisor has committed. False: gone, or the step is not wanted. */
bool wire_intent(struct runner *r, struct step *step) MUST_USE;
void wire_outcome(struct runner *r, const struct step *step);
void wire_proven(struct runner *r); /* waits for finish or undo */
void wire_progress(struct runner *r, int64_t done, int64_t total);
void wire_note(struct runner *r, const char *fmt, ...) PRINTF(2, 3);
/* Wait until the log is on disk. False: not within the time, or gone. */
bool wire_sync(struct runner *r, const struct step *step, int wait_ms);
void wire_end(struct runner *r, const char *verdict, const char *summary, const char *left_as);
/* Bytes of the current step's log that begin at step->origin there; moves the origin. */
void wire_output(struct runner *r, struct step *step, const char *bytes, size_t len);
void wire_flush(struct runner *r, const struct step *step);

/* --- runner_remote.c: the connection, kept alive over losses
 * ---------------------------------------------------------- */
enum call {
    CALL_OK = 0,
    CALL_FAILED,  /* the target answered with a failure; err says which */
    CALL_AGAIN,   /* the connection was lost and is back: look again before repeating */
    CALL_STOPPED, /* a callback stopped it */
    CALL_LOST /* the host cannot be asked any more, or the supervisor is gone: outcome unknown */
};
/* Connect within the time; r->refused tells a final refusal. */
enum call remote_connect(struct runner *r, int64_t deadline_ms, struct err *err);
/* After a failed operation of worker/ssh: reconnect if the connection was lost (CALL_AGAIN), or say
 * what it was. */
enum call remote_after(struct runner *r, enum ssh_fault fault, struct err *err);

/* One of our fixed scripts. `variables` is a list of name, value, ..., NULL. */
struct remote {
    enum target_script script;
    const char *const *variables;
    int64_t deadline_ms;
    int64_t quiet_ms;
    ssh_output_fn *output; /* NULL: into out */
    ssh_tick_fn *tick;     /* NULL: the usual one, which watches the supervisor */
    void *context;
    struct buf *out, *errors;
};
/* Runs it once. CALL_AGAIN when the connection broke during it (it may have run). */
enum call remote_run(struct runner *r, const struct remote *remote, struct err *err);
/* Repeats a script that is safe to repeat over lost connections. */
enum call remote_ask(struct runner *r, const struct remote *remote, struct err *err);
/* A step's script with its input, over the connection: nothing is written on the target but by the
 * script itself. answer: its output. */
enum call remote_inline(struct runner *r, const struct step *step, struct buf *answer,
                        struct err *err);
/* "key=" in an answer of key=value lines: the value up to the line's end into dst; false when
 * absent. */
bool answer_get(const struct buf *answer, const char *key, char *dst, size_t dst_size);
int64_t answer_int(const struct buf *answer, const char *key, int64_t otherwise);

/* --- steps: each runs to the step's end and fills step->cause, ->results, ->status
 * ---------------------------------------- */
enum step_end step_connect(struct runner *r, struct step *step);
enum step_end step_lock(struct runner *r, struct step *step);
enum step_end step_unlock(struct runner *r, struct step *step, bool remove_folder);
enum step_end step_upload(struct runner *r, struct step *step);
enum step_end step_detached(struct runner *r, struct step *step);
/* The results of a step that a runner before this one saw end, read again from the target. */
bool detached_results(struct runner *r, struct step *step) MUST_USE;
/* The rest of its log, where that runner or the mask died before all of it was kept. */
void detached_drain(struct runner *r, struct step *step);
enum step_end step_health(struct runner *r, struct step *step);
enum step_end step_check(struct runner *r, struct step *step);
enum step_end step_read_back(struct runner *r, struct step *step);
enum step_end step_look(struct runner *r, struct step *step);
/* Take the lock (again) and learn where things are; what `lock` and every resumed runner do. */
enum step_end runner_take_lock(struct runner *r, struct step *step);

/* Fill the cause from an error; returns the end, for `return step_ends(...)`. */
enum step_end step_ends(struct step *step, enum step_end end, const struct err *err);
enum step_end step_says(struct step *step, enum step_end end, const char *fmt, ...) PRINTF(3, 4);
void step_result(struct step *step, const char *key, const char *fmt, ...) PRINTF(3, 4);
const char *step_end_name(enum step_end end);
enum step_end step_end_from_name(const char *name);

/* --- runner_plan.c: the order of steps and the verdict
 * ------------------------------------------------------------------- */
void plan_run(struct runner *r);

/* --- runner_sandbox.c */
/* No files but the resolver's, no new programs, no core, small limits. Says what holds in the log;
 * never fails. */
void sandbox_enter(void);

#endif

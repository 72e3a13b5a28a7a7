/* runner_detached.c - one script of a recipe on the target, crash-safe (docs/architecture.md, "On a
 * target").
 *
 * The step is never started from memory: each round first asks the target what has become of it,
 * and only "never began" starts it. Whatever breaks - this process, the connection, the dashboard -
 * the next round, here or in another runner, reads the same files and goes on. The log is followed
 * by offset: bytes that went to the mask are counted, and only the ones after them are asked for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/domain/shell.h"
#include "worker/runner/runner_private.h"

#define ASK_MS      30000
#define QUIET_MS    25000 /* follow.sh prints a dot every few seconds */
#define GRACE_MS    10000 /* from TERM to KILL */
#define RERUNS_MAX  3
#define INPUT_MAX   ((size_t)4 * 1024 * 1024)
#define CONTROL_MAX ((size_t)64 * 1024)

enum found {
    FOUND_NONE,
    FOUND_STARTING,
    FOUND_RUNNING,
    FOUND_ENDED,
    FOUND_CUT,
    FOUND_FOREIGN,
    FOUND_FAILED
};

enum why_stop { NOT_STOPPED = 0, STOP_CANCEL, STOP_KILL, STOP_DEADLINE };

struct work {
    struct runner *r;
    struct step *step;
    char dir[700];
    struct err err;
    int64_t deadline;   /* monotonic, of the step */
    int64_t kill_at;    /* monotonic; 0: no TERM was sent */
    enum why_stop stop; /* why the session was told to end */
    int told_signal;    /* 0, 1 TERM, 2 KILL: what was sent */
    int64_t size;       /* of the log on the target, as last said */
    bool over;          /* the log's limit was reached */
    int reruns;
};

/* --- looking
 * -------------------------------------------------------------------------------------- */

static enum found found_from(const char *state)
{
    static const struct {
        const char *name;
        enum found found;
    } all[] = {{"none", FOUND_NONE},   {"starting", FOUND_STARTING}, {"running", FOUND_RUNNING},
               {"ended", FOUND_ENDED}, {"cut", FOUND_CUT},           {"foreign", FOUND_FOREIGN}};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (strcmp(state, all[i].name) == 0)
            return all[i].found;
    return FOUND_FAILED;
}

static enum call ask(struct work *w, enum target_script script, const char *signal,
                     struct buf *answer)
{
    const char *const variables[] = {"STEP_DIR", w->dir, "NONCE", w->r->nonce,
                                     "SIGNAL",   signal, NULL};
    return remote_ask(
        w->r,
        &(struct remote){
            .script = script, .variables = variables, .deadline_ms = ASK_MS, .out = answer},
        &w->err);
}

static enum call look(struct work *w, enum found *found)
{
    struct buf answer;
    char state[32];
    buf_init(&answer, 8192);
    enum call call;
    do {
        call = ask(w, TARGET_INSPECT, "", &answer);
        (void)answer_get(&answer, "state", state, sizeof state);
    } while (call == CALL_OK && strcmp(state, "again") == 0);
    if (call == CALL_OK) {
        char problem[300];
        *found = found_from(state);
        if (*found == FOUND_FAILED && answer_get(&answer, "error", problem, sizeof problem))
            (void)err_set(&w->err, ERR_REMOTE, "%s", problem);
        w->size = answer_int(&answer, "size", 0);
        w->over = w->over || answer_int(&answer, "over", 0) == 1;
        int64_t age = answer_int(&answer, "age", -1);
        if (age >= 0) /* it began before we came: its time counts from then */
            w->deadline = clock_mono_ms() + w->step->deadline_ms - age * 1000;
    }
    buf_deinit(&answer);
    return call;
}

/* --- starting
 * ------------------------------------------------------------------------------------- */

static enum call put(struct work *w, const char *name, const struct buf *bytes)
{
    char path[760];
    enum ssh_fault fault = SSH_FAULT_NONE;
    (void)snprintf(path, sizeof path, "%s/%s", w->dir, name);
    int rc = ssh_put_bytes(w->r->ssh, bytes->data, bytes->len, path, 0600, ASK_MS, &fault, &w->err);
    if (rc == 0)
        return CALL_OK;
    return remote_after(w->r, fault, &w->err);
}

/* What only the runner knows: places on this target, and who holds the lock. Later assignments win.
 */
static int add_places(const struct runner *r, const struct step *step, struct buf *input,
                      struct err *err)
{
    char artefact[700], epoch[24], size[24], number[16];
    (void)snprintf(artefact, sizeof artefact, "%s/artefact", r->job_dir);
    (void)snprintf(epoch, sizeof epoch, "%lld", (long long)r->epoch);
    (void)snprintf(size, sizeof size, "%lld",
                   (long long)(r->artefact_size < 0 ? 0 : r->artefact_size));
    (void)snprintf(number, sizeof number, "%d", step->number);
    const char *const places[] = {"WL_JOB",
                                  r->job,
                                  "WL_NONCE",
                                  r->nonce,
                                  "WL_JOB_DIR",
                                  r->job_dir,
                                  "WL_LOCK_DIR",
                                  r->lock_dir,
                                  "WL_EPOCH",
                                  epoch,
                                  "WL_STEP",
                                  number,
                                  "WL_ARTEFACT",
                                  artefact,
                                  "WL_ARTEFACT_SIZE",
                                  size,
                                  "WL_ARTEFACT_SHA256",
                                  r->artefact_sha256,
                                  NULL};
    for (const char *const *p = places; p[0] != NULL; p += 2)
        if (shell_assign(input, p[0], p[1], strlen(p[1]), err) != 0)
            return -1;
    return 0;
}

static enum call send_files(struct work *w)
{
    struct buf script, input;
    enum call call = CALL_FAILED;
    buf_init(&script, INPUT_MAX);
    buf_init(&input, INPUT_MAX);
    if (w->step->lib != NULL)
        buf_add_str(&script, w->step->lib);
    buf_add_str(&script, "\n");
    buf_add_str(&script, w->step->script);
    if (w->step->input != NULL)
        buf_add_str(&input, w->step->input);
    buf_add_str(&input, "\n");
    if (add_places(w->r, w->step, &input, &w->err) == 0 && buf_ok(&script) && buf_ok(&input))
        call = put(w, "script", &script);
    else if (w->err.code == ERR_NONE)
        (void)err_set(&w->err, ERR_TOO_LARGE, "The step's input is larger than %zu bytes.",
                      INPUT_MAX);
    if (call == CALL_OK)
        call = put(w, "input", &input); /* last: without it no wrapper runs */
    buf_wipe(&input);
    buf_deinit(&input);
    buf_deinit(&script);
    return call;
}

/* --- following
 * ------------------------------------------------------------------------------------ */

static int take_log(void *context, const char *bytes, size_t len)
{
    struct work *w = context;
    w->r->last_contact = clock_mono_ms();
    wire_output(w->r, w->step, bytes, len);
    return w->r->gone;
}

/* Why the session should be told to end, as of now. A step that must not be repeated is not
 * interrupted half-way by a graceful cancel: it is waited for. Nor is what puts the old release
 * back. */
static enum why_stop wants_stop(const struct work *w)
{
    bool interruptible = w->step->idempotent && !w->step->undo && !w->step->point_of_no_return;
    int cancel = w->r->no_cancel ? 0 : w->r->cancel;
    if (cancel >= 2)
        return STOP_KILL;
    if (clock_left_ms(w->deadline) == 0)
        return STOP_DEADLINE;
    if (cancel == 1 && interruptible)
        return STOP_CANCEL;
    return NOT_STOPPED;
}

/* The signal that is due and was not sent yet: 0, 1 TERM, 2 KILL. */
static int due_signal(const struct work *w)
{
    int due = 0;
    enum why_stop why = wants_stop(w);
    if (why == STOP_KILL)
        due = 2;
    else if (why != NOT_STOPPED || w->stop != NOT_STOPPED)
        due = w->kill_at != 0 && clock_left_ms(w->kill_at) == 0 ? 2 : 1;
    return due > w->told_signal ? due : 0;
}

static int watch_step(void *context)
{
    struct work *w = context;
    wire_poll(w->r, 0);
    return w->r->gone || due_signal(w) > 0;
}

/* A control line of follow.sh: "wl:<nonce>:<word> ...". */
static void take_control(struct work *w, const char *line, enum found *found)
{
    long long status = 0, size = 0;
    if (strncmp(line, "r ", 2) == 0) {
        const char *equals = strchr(line + 2, '=');
        if (equals != NULL && equals - line - 2 < 64) {
            char key[64];
            (void)snprintf(key, sizeof key, "%.*s", (int)(equals - line - 2), line + 2);
            step_result(w->step, key, "%s", equals + 1);
        }
    } else if (strncmp(line, "c ", 2) == 0) {
        step_result(w->step, "cause", "%s", line + 2);
    } else if (strcmp(line, "over") == 0) {
        w->over = true;
    } else if (sscanf(line, "ended %lld %lld", &status, &size) == 2) {
        *found = FOUND_ENDED;
        w->step->status = (int)status;
        w->size = size;
    } else if (sscanf(line, "cut %lld %lld", &status, &size) == 2) {
        *found = FOUND_CUT;
        w->size = size;
    } else if (sscanf(line, "foreign %lld %lld", &status, &size) == 2) {
        *found = FOUND_FOREIGN;
    } else if (sscanf(line, "none %lld %lld", &status, &size) == 2) {
        *found = FOUND_NONE;
        (void)err_set(&w->err, ERR_REMOTE, "The step did not start on %s: %.200s", w->r->host_name,
                      line);
    }
}

static void take_controls(struct work *w, char *text, enum found *found)
{
    char mark[80];
    size_t mark_len = (size_t)snprintf(mark, sizeof mark, "wl:%s:", w->r->nonce);
    for (char *line = text; line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        if (strncmp(line, mark, mark_len) == 0)
            take_control(w, line + mark_len, found);
        line = end != NULL ? end + 1 : NULL;
    }
}

/* Start or join, until it has ended or somebody wants it to. CALL_STOPPED: a signal is due. */
static enum call follow(struct work *w, bool start, enum found *found)
{
    char origin[24], limit[24], epoch[24];
    struct buf control;
    (void)snprintf(origin, sizeof origin, "%lld", (long long)w->step->origin);
    (void)snprintf(limit, sizeof limit, "%lld", (long long)w->r->log_max);
    (void)snprintf(epoch, sizeof epoch, "%lld", (long long)w->r->epoch);
    const char *const variables[] = {
        "JOB_DIR", w->r->job_dir, "LOCK_DIR", w->r->lock_dir,    "JOB",       w->r->job, "EPOCH",
        epoch,     "STEP_DIR",    w->dir,     "NONCE",           w->r->nonce, "ORIGIN",  origin,
        "LIMIT",   limit,         "START",    start ? "1" : "0", NULL};
    *found = FOUND_RUNNING;
    buf_init(&control, CONTROL_MAX);
    int64_t left = w->deadline + 3 * GRACE_MS - clock_mono_ms();
    enum call call = remote_run(w->r,
                                &(struct remote){.script = TARGET_FOLLOW,
                                                 .variables = variables,
                                                 .deadline_ms = left > ASK_MS ? left : ASK_MS,
                                                 .quiet_ms = QUIET_MS,
                                                 .output = take_log,
                                                 .tick = watch_step,
                                                 .context = w,
                                                 .errors = &control},
                                &w->err);
    if (call == CALL_OK)
        take_controls(w, control.data, found);
    buf_deinit(&control);
    return call;
}

/* --- ending
 * --------------------------------------------------------------------------------------- */

/* Send what is due to the session. */
static enum call signal_session(struct work *w)
{
    struct buf answer;
    int due = due_signal(w);
    enum why_stop why = wants_stop(w);
    if (due == 0)
        return CALL_OK;
    if (w->stop == NOT_STOPPED || why == STOP_KILL)
        w->stop = why;
    wire_note(w->r, due == 2 ? "Ending the step with KILL." : "Ending the step with TERM.");
    buf_init(&answer, 4096);
    enum call call = ask(w, TARGET_STOP, due == 2 ? "KILL" : "TERM", &answer);
    if (call == CALL_OK) {
        w->told_signal = due;
        w->kill_at = clock_mono_ms() + GRACE_MS;
        if (due == 2 && answer_int(&answer, "left", 1) > 0) {
            (void)err_set(&w->err, ERR_REMOTE,
                          "%lld processes of the step do not end on %s, not even with KILL. Fix: "
                          "look at them there.",
                          (long long)answer_int(&answer, "left", 1), w->r->host_name);
            call = CALL_FAILED;
        }
    }
    buf_deinit(&answer);
    return call;
}

static enum step_end ended(struct work *w)
{
    struct step *step = w->step;
    const char *cause = json_string_value(json_object_get(step->results, "cause"));
    char took[32];
    if (w->stop == STOP_DEADLINE)
        return step_says(step, STEP_FAILED,
                         "%s took longer than %s and was ended. Fix: see its output; raise the "
                         "deadline if it needs more time.",
                         step->title, str_duration(took, sizeof took, step->deadline_ms));
    if (step->status == 0)
        return STEP_OK;
    if (w->stop != NOT_STOPPED)
        return step_says(step, STEP_CANCELLED, "Cancelled; the step was ended.");
    if (cause != NULL)
        return step_says(step, STEP_FAILED, "%s", cause);
    if (step->status > 128)
        return step_says(step, STEP_FAILED,
                         "%s was ended by signal %d on the server. Fix: see its output; the server "
                         "may have run out of memory.",
                         step->title, step->status - 128);
    return step_says(step, STEP_FAILED, "%s ended with status %d. Fix: see its output above.",
                     step->title, step->status);
}

/* No `end`, and nothing of it lives. */
static enum step_end cut_off(struct work *w, bool *again)
{
    struct step *step = w->step;
    char took[32];
    if (w->stop == STOP_DEADLINE)
        return step_says(step, step->idempotent ? STEP_FAILED : STEP_UNKNOWN,
                         "%s took longer than %s and was killed. Fix: see its output; raise the "
                         "deadline if it needs more time.",
                         step->title, str_duration(took, sizeof took, step->deadline_ms));
    if (w->stop != NOT_STOPPED)
        return step_says(step, STEP_CANCELLED, "Cancelled; the step was killed.%s",
                         step->idempotent ? ""
                                          : " It was in the middle of something that must not be "
                                            "repeated: look at what it changed.");
    if (step->idempotent && w->reruns < RERUNS_MAX) {
        *again = true;
        return STEP_PENDING;
    }
    return step_says(step, STEP_UNKNOWN,
                     "%s was cut off midway on the server (killed, or the server restarted) and "
                     "must not be repeated blindly. Fix: look at "
                     "what it has done, finish or undo it by hand, then deploy again.",
                     step->title);
}

static enum call rerun(struct work *w)
{
    struct buf answer;
    w->reruns++;
    wire_note(w->r, "%s was cut off midway on the server; it may be repeated, so it runs again.",
              w->step->title);
    buf_init(&answer, 4096);
    enum call call = ask(w, TARGET_RESET, "", &answer);
    buf_deinit(&answer);
    return call;
}

/* Output that follow.sh's tail had not printed when the step ended. */
static bool log_complete(const struct work *w)
{
    return w->over || w->step->origin >= w->size;
}

/* One round: look, then do the one thing that is due. STEP_PENDING: another round. */
static enum step_end round_of(struct work *w)
{
    enum found found = FOUND_FAILED;
    bool again = false, start = false;
    enum step_end end = STEP_PENDING;
    enum call call = look(w, &found);
    if (call == CALL_OK && found == FOUND_NONE) {
        start = true;
        w->deadline = clock_mono_ms() + w->step->deadline_ms;
        call = send_files(w);
    }
    if (call == CALL_OK
        && (start || found == FOUND_STARTING || found == FOUND_RUNNING || found == FOUND_ENDED
            || !log_complete(w)))
        call = follow(w, start, &found);
    if (call == CALL_STOPPED)
        call = signal_session(w);
    else if (call == CALL_OK && found == FOUND_NONE && start && ++w->reruns > RERUNS_MAX)
        return step_ends(w->step, STEP_FAILED, &w->err);
    else if (call == CALL_OK && found == FOUND_ENDED && log_complete(w))
        end = ended(w);
    else if (call == CALL_OK && found == FOUND_CUT && log_complete(w))
        end = cut_off(w, &again);
    else if (call == CALL_OK && (found == FOUND_FOREIGN || found == FOUND_FAILED))
        return found == FOUND_FAILED ? step_ends(w->step, STEP_FAILED, &w->err)
                                     : step_says(w->step, STEP_UNKNOWN,
                                                 "The step's result on the server is not from this "
                                                 "job. Fix: look at %s there.",
                                                 w->dir);
    if (again)
        call = rerun(w);
    if (call == CALL_FAILED)
        return step_ends(w->step, w->told_signal == 2 ? STEP_UNKNOWN : STEP_FAILED, &w->err);
    if (call == CALL_LOST)
        return step_ends(w->step, STEP_UNKNOWN, &w->err);
    return end;
}

/* follow.sh on a step that has ended, from where its log was read to. */
static enum call reread(struct runner *r, struct step *step, struct work *w, enum found *found)
{
    enum call call;
    *w = (struct work){.r = r, .step = step, .deadline = clock_mono_ms() + ASK_MS};
    (void)snprintf(w->dir, sizeof w->dir, "%s/%d", r->job_dir, step->number);
    do
        call = follow(w, false, found);
    while (call == CALL_AGAIN || (call == CALL_OK && *found == FOUND_ENDED && !log_complete(w)));
    return call;
}

bool detached_results(struct runner *r, struct step *step)
{
    struct work w;
    enum found found = FOUND_FAILED;
    int64_t origin = step->origin;
    step->origin = INT64_MAX / 2; /* no output, only what stands at the end */
    enum call call = reread(r, step, &w, &found);
    step->origin = origin;
    return call == CALL_OK && found == FOUND_ENDED;
}

void detached_drain(struct runner *r, struct step *step)
{
    struct work w;
    enum found found = FOUND_FAILED;
    int64_t before = step->origin;
    /* A folder that is gone, or a step that never ended, has nothing more to say. */
    if (reread(r, step, &w, &found) == CALL_OK && step->origin > before)
        wire_flush(r, step);
}

enum step_end step_detached(struct runner *r, struct step *step)
{
    struct work w = {.r = r, .step = step, .deadline = clock_mono_ms() + step->deadline_ms};
    enum step_end end = STEP_PENDING;
    (void)snprintf(w.dir, sizeof w.dir, "%s/%d", r->job_dir, step->number);
    while (end == STEP_PENDING && !r->gone)
        end = round_of(&w);
    if (w.over)
        wire_note(r, "The output of this step is longer than %lld bytes; the rest was not kept.",
                  (long long)r->log_max);
    if (!r->gone)
        wire_flush(r, step);
    return r->gone ? STEP_UNKNOWN : end;
}

/* The life of a job between claim and end: waiting for its log, its hosts in order, its runners and
 * their tries, heartbeat and cancel. What frames mean is in run_frames.c, how it ends in run_end.c.
 */
#include "worker/run.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "worker/ballast.h"

#define RETRY_MS   500
#define CLOSING_MS 10000

static const char *const STEP_STATES[] = {"pending", "intent",    "ok",     "failed",
                                          "skipped", "cancelled", "unknown"};

enum step_state step_state_from_name(const char *name)
{
    for (size_t i = 0; name != NULL && i < COUNT_OF(STEP_STATES); i++) {
        if (strcmp(name, STEP_STATES[i]) == 0)
            return (enum step_state)i;
    }
    return STEP_PENDING;
}

const char *step_state_name(enum step_state state)
{
    return STEP_STATES[state];
}

struct run *run_new(const struct job_hold *hold)
{
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return NULL;
    run->hold = *hold;
    run->opened_at = run->renewed_at = clock_mono_ms();
    journal_init(&run->journal);
    link_init(&run->link);
    return run;
}

void run_free(struct run *run)
{
    if (run == NULL)
        return;
    run_child_stop(run);
    link_close(&run->link);
    journal_close(&run->journal);
    json_decref(run->job);
    json_decref(run->plan);
    json_decref(run->release);
    json_decref(run->hidden);
    json_decref(run->results);
    json_decref(run->server);
    json_decref(run->stalled);
    recipe_free(run->recipe);
    hide_free(run->hide);
    free(run->hosts);
    free(run);
}

struct step_run *run_step(struct run *run, int step)
{
    return run->hosts == NULL || step < 0 || step >= run->step_count
               ? NULL
               : &run->hosts[run->host].steps[step];
}

const json_t *run_step_spec(const struct run *run, int step)
{
    return json_array_get(json_object_get(run->plan, "steps"), (size_t)step);
}

void run_drop(struct run *run)
{
    LOG_WARN("job_lost", "job=%s epoch=%lld another supervisor holds it", run->hold.id,
             (long long)run->hold.epoch);
    run_child_stop(run);
    journal_finish(&run->journal);
    run->phase = RUN_GONE;
}

int run_after_write(struct worker *w, struct run *run, int rc, const struct err *err)
{
    if (rc == 0)
        return 0;
    if (err->code == ERR_CONFLICT) {
        run_drop(run);
        return -1;
    }
    log_err("job_write", err); /* busy, disk full: the same write again, soon */
    if (err->code == ERR_NO_SPACE)
        ballast_drop(&w->config);
    run->wake_at = clock_mono_ms() + RETRY_MS;
    return 1;
}

void run_masked(const struct run *run, const char *text, char *out, size_t out_size)
{
    struct buf masked;
    buf_init(&masked, (size_t)64 * 1024);
    if (text == NULL)
        text = "";
    hide_text(run->hide, text, strnlen(text, 16 * 1024), &masked);
    (void)str_copy(out, out_size, buf_ok(&masked) ? masked.data : "");
    buf_deinit(&masked);
}

bool run_is_transient(struct worker *w, const struct err *err)
{
    if (err->code == ERR_NO_SPACE)
        ballast_drop(&w->config);
    return err->code == ERR_BUSY || err->code == ERR_NO_SPACE;
}

/* --- hosts and tries ----------------------------------------------------------------------------
 */

/* 0.2 s, 0.5 s, 1 s, 2 s, 5 s, 10 s, 20 s, 30 s */
static int64_t pause_after(int tries)
{
    static const int pauses[] = {200, 500, 1000, 2000, 5000, 10000, 20000, 30000};
    size_t i = tries < 1 ? 0 : (size_t)tries - 1;
    return pauses[i < COUNT_OF(pauses) ? i : COUNT_OF(pauses) - 1];
}

static bool host_is_untouched(const struct run *run)
{
    for (int i = 0; i < run->step_count; i++) {
        enum step_state state = run->hosts[run->host].steps[i].state;
        if (state != STEP_PENDING && state != STEP_SKIPPED)
            return false;
    }
    return true;
}

/* The log is complete up to here: start a runner on the present host. */
static void start_runner(struct worker *w, struct run *run)
{
    struct err err = {0};

    if (run->cancel > 0 && host_is_untouched(run)) {
        run_host_verdict(run, "cancelled", "Cancelled before it began.", "Not touched.");
        return;
    }
    run->tries++;
    run->starts++;
    run->cancel_sent = run->cancel;
    if (run_child_start(w, run, &err) == 0) {
        LOG_INFO("runner_started", "job=%s host=%d try=%d epoch=%lld pid=%d", run->hold.id,
                 run->host, run->tries, (long long)run->hold.epoch, (int)run->child);
        run->phase = RUN_ACTIVE;
        return;
    }
    if (run->phase == RUN_GONE || (err.code == ERR_CONFLICT && run->phase != RUN_GONE)) {
        if (run->phase != RUN_GONE)
            run_drop(run);
        return;
    }
    log_err("runner_start", &err);
    if (run_is_transient(w, &err)) {
        run->tries--;
        run->phase = RUN_WAITING;
        run->wake_at = clock_mono_ms() + RETRY_MS;
        return;
    }
    bool untouched = host_is_untouched(run);
    run_host_verdict(run, untouched ? "failed" : "unknown", err.user,
                     untouched ? "Not touched." : "Not known.");
}

/* The runner is gone without a verdict. */
static void runner_lost(struct run *run)
{
    run_child_stop(run);
    json_decref(run->stalled);
    run->stalled = NULL;
    run->stored_count = 0;
    if (run->tries >= RUN_TRIES) {
        run_host_verdict(run, "unknown",
                         "The runner failed eight times without getting further. Look at the "
                         "worker's log, then at the server.",
                         "Not known.");
        return;
    }
    LOG_WARN("runner_lost", "job=%s host=%d try=%d", run->hold.id, run->host, run->tries);
    journal_words(&run->journal, run->host, -1, "The runner stopped; another one takes over.");
    run->phase = RUN_WAITING;
    run->wake_at = clock_mono_ms() + pause_after(run->tries);
}

/* The mask process died: nothing can be shown until there is another. */
static void mask_lost(struct run *run)
{
    LOG_WARN("mask_lost", "job=%s", run->hold.id);
    run_child_stop(run);
    journal_close(&run->journal);
    run->journal_open = false;
}

static void tick_active(struct worker *w, struct run *run)
{
    struct err err = {0};
    run_take_frames(w, run);
    if (run->phase != RUN_ACTIVE)
        return;
    if (run->cancel > run->cancel_sent) {
        run->cancel_sent = run->cancel;
        journal_words(&run->journal, run->host, -1,
                      run->cancel == 1 ? "Cancel was asked for." : "Kill was asked for.");
        if (link_send(&run->link, json_pack("{s:s, s:i}", "t", "cancel", "how", run->cancel), &err)
            != 0)
            runner_lost(run);
    }
    if (run->phase == RUN_ACTIVE && clock_mono_ms() > run->watch_at) {
        LOG_WARN("runner_stuck", "job=%s host=%d", run->hold.id, run->host);
        runner_lost(run);
    }
}

static void tick_closing(struct run *run)
{
    if (journal_synced(&run->journal) || clock_mono_ms() > run->watch_at) {
        journal_finish(&run->journal);
        run->phase = RUN_GONE;
    }
}

void run_tick(struct worker *w, struct run *run)
{
    int64_t now = clock_mono_ms();
    if (run->phase == RUN_OPENING && now >= run->wake_at)
        run_open(w, run);
    if (run->phase == RUN_WAITING && now >= run->wake_at && !w->stopping) {
        run->phase = RUN_SYNCING;
        journal_sync(&run->journal);
    }
    if (run->phase == RUN_SYNCING && journal_synced(&run->journal) && !w->stopping)
        start_runner(w, run);
    if (run->phase == RUN_ACTIVE)
        tick_active(w, run);
    if (run->phase == RUN_DECIDING && now >= run->wake_at)
        run_decide(w, run);
    if (run->phase == RUN_ENDING && now >= run->wake_at)
        run_end(w, run);
    if (run->phase == RUN_CLOSING)
        tick_closing(run);
}

void run_check(struct worker *w, struct run *run, bool renew)
{
    struct err err = {0};
    int cancel = run->cancel;
    if (run->phase == RUN_CLOSING || run->phase == RUN_GONE)
        return;
    int rc = renew ? job_renew(w->db, &run->hold, clock_now_ms(), &cancel, &err)
                   : job_check_hold(w->db, &run->hold, &cancel, &err);
    if (rc != 0 && err.code == ERR_CONFLICT)
        run_drop(run);
    else if (rc != 0)
        log_err("job_renew", &err);
    else if (cancel > run->cancel)
        run->cancel = cancel;
}

/* --- descriptors and children -------------------------------------------------------------------
 */

size_t run_poll(const struct run *run, struct pollfd fds[RUN_FDS])
{
    size_t n = 0;
    if (run->link.fd >= 0 && run->stalled == NULL)
        fds[n++] = (struct pollfd){
            .fd = run->link.fd, .events = link_wants_write(&run->link) ? POLLIN | POLLOUT : POLLIN};
    if (run->journal.control >= 0)
        fds[n++] = (struct pollfd){.fd = run->journal.control, .events = POLLIN};
    if (journal_wants_write(&run->journal))
        fds[n++] = (struct pollfd){.fd = run->journal.pipe, .events = POLLOUT};
    return n;
}

static void link_ready(struct worker *w, struct run *run, short revents)
{
    struct err err = {0};
    bool eof = false;
    int rc = 0;
    if ((revents & POLLOUT) != 0)
        rc = link_write(&run->link, &err);
    if (rc == 0)
        rc = link_read(&run->link, &eof, &err);
    if (rc == 0)
        run_take_frames(w, run);
    if (run->phase == RUN_ACTIVE && run->stalled == NULL && (rc != 0 || eof))
        runner_lost(run);
}

void run_ready(struct worker *w, struct run *run, const struct pollfd *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fds[i].revents == 0 || run->phase == RUN_GONE)
            continue;
        if (fds[i].fd == run->link.fd) {
            link_ready(w, run, fds[i].revents);
        } else if (fds[i].fd == run->journal.control) {
            if (journal_read_answers(&run->journal) == 0) {
                run_stored(run);
            } else if (run->phase == RUN_CLOSING) {
                run->phase = RUN_GONE;
            } else {
                mask_lost(run);
                run->opened_at = clock_mono_ms();
                if (run->phase != RUN_ENDING && run->phase != RUN_DECIDING)
                    run->phase = RUN_OPENING;
                run->wake_at = clock_mono_ms() + RETRY_MS;
            }
        } else if (fds[i].fd == run->journal.pipe) {
            (void)journal_write(&run->journal);
        }
    }
}

bool run_reaped(struct run *run, pid_t pid)
{
    if (pid == run->child) {
        run->child = 0; /* its socket's end of file says the rest, after its last frames */
        return true;
    }
    if (pid == run->journal.pid) {
        run->journal.pid = 0;
        return true;
    }
    return false;
}

bool run_is_safe(const struct run *run)
{
    if (run->phase != RUN_ACTIVE)
        return run->phase < RUN_DECIDING || run->phase == RUN_GONE;
    for (int i = 0; i < run->step_count; i++) {
        const char *mode = json_string_value(json_object_get(run_step_spec(run, i), "mode"));
        if (run->hosts[run->host].steps[i].state == STEP_INTENT && !str_equal(mode, "detached")
            && !str_equal(mode, "health") && !str_equal(mode, "read_back"))
            return false;
    }
    return run->stored_count == 0;
}

void run_leave(struct run *run)
{
    if (run->phase == RUN_GONE)
        return;
    run_child_stop(run);
    if (run->phase != RUN_CLOSING && run->journal_open)
        journal_words(&run->journal, -1, -1,
                      "Windlass stops here. The job goes on when it is started again.");
    journal_finish(&run->journal);
}

/* The life of a job between claim and end: waiting for its log, whose turn it is, heartbeat and
 * cancel. One host's turn is in turn.c, how the job ends in run_end.c. */
#include "worker/run.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "worker/ballast.h"

#define JOURNAL_FDS 2

struct run *run_new(const struct job_hold *hold)
{
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return NULL;
    run->hold = *hold;
    run->opened_at = run->renewed_at = clock_mono_ms();
    journal_init(&run->journal);
    return run;
}

void run_free(struct run *run)
{
    if (run == NULL)
        return;
    turns_stop_children(run);
    turns_free(run);
    journal_close(&run->journal);
    json_decref(run->job);
    json_decref(run->plan);
    json_decref(run->release);
    json_decref(run->hidden);
    json_decref(run->images);
    recipe_free(run->recipe);
    hide_free(run->hide);
    free(run);
}

const json_t *run_step_spec(const struct run *run, int step)
{
    return json_array_get(json_object_get(run->plan, "steps"), (size_t)step);
}

const char *run_host_name(const struct run *run, int host)
{
    const char *name = json_string_value(
        json_object_get(json_array_get(json_object_get(run->plan, "hosts"), (size_t)host), "name"));
    return name == NULL ? "" : name;
}

void run_drop(struct run *run)
{
    LOG_WARN("job_lost", "job=%s epoch=%lld another supervisor holds it", run->hold.id,
             (long long)run->hold.epoch);
    turns_stop_children(run);
    journal_finish(&run->journal);
    run->phase = RUN_GONE;
}

int run_after_write(struct worker *w, struct run *run, int rc, int64_t *wake_at,
                    const struct err *err)
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
    *wake_at = clock_mono_ms() + RUN_RETRY_MS;
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

/* --- ticks --------------------------------------------------------------------------------------
 */

/* The mask process died: nothing can be shown until there is another. */
static void mask_lost(struct run *run)
{
    LOG_WARN("mask_lost", "job=%s", run->hold.id);
    turns_stop_children(run);
    for (int h = 0; run->turns != NULL && h < run->host_count; h++)
        turn_interrupt(&run->turns[h]);
    journal_close(&run->journal);
    run->journal_open = false;
    run->opened_at = clock_mono_ms();
    if (run->phase != RUN_ENDING)
        run->phase = RUN_OPENING;
    run->wake_at = clock_mono_ms() + RUN_RETRY_MS;
}

static void tick_turns(struct worker *w, struct run *run)
{
    int64_t now = clock_mono_ms();
    turns_take_frames(w, run);
    for (int h = 0; run->phase == RUN_ACTIVE && h < run->host_count; h++) {
        struct turn *turn = &run->turns[h];
        if (turn->phase == TURN_PAUSED && now >= turn->wake_at && !w->stopping)
            turn_begin(turn);
        if (turn->phase == TURN_ACTIVE)
            turn_tick(turn);
    }
    if (run->phase == RUN_ACTIVE)
        run_record_turns(w, run);
    if (run->phase == RUN_ACTIVE)
        run_settle_held(run);
    if (run->phase == RUN_ACTIVE && !run_begin_turns(run))
        run_decide(run);
    if (run->phase == RUN_ACTIVE && !w->stopping)
        turns_start(w, run);
    if (run->phase == RUN_ACTIVE && run->app_count < run->host_count)
        turns_take_frames(w, run); /* for a balancer that waited for any of this */
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
    if (run->phase == RUN_ACTIVE)
        tick_turns(w, run);
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

static int64_t turn_next(const struct worker *w, const struct turn *turn)
{
    switch (turn->phase) {
    case TURN_PAUSED:
    case TURN_DECIDING:
        return turn->wake_at;
    case TURN_ACTIVE:
        return turn->frame != NULL && !turn->waits && turn->wake_at < turn->watch_at
                   ? turn->wake_at
                   : turn->watch_at;
    case TURN_SYNCING: /* more were ready than start at once */
        return turn->run->journal.answered >= turn->sync && !w->stopping ? 0 : INT64_MAX;
    case TURN_WAITING:
    case TURN_ENDED:
        break;
    }
    return INT64_MAX;
}

int64_t run_next(const struct worker *w, const struct run *run, int64_t latest)
{
    if ((run->phase == RUN_OPENING || run->phase == RUN_ENDING) && run->wake_at < latest)
        latest = run->wake_at;
    for (int h = 0; run->phase == RUN_ACTIVE && h < run->host_count; h++) {
        int64_t at = turn_next(w, &run->turns[h]);
        latest = at < latest ? at : latest;
    }
    if (run->phase == RUN_ACTIVE && run->group_at != 0 && run->group_at < latest)
        latest = run->group_at;
    return latest;
}

/* --- descriptors and children -------------------------------------------------------------------
 */

size_t run_fds(const struct run *run)
{
    return JOURNAL_FDS + (size_t)run->host_count;
}

size_t run_poll(struct run *run, struct pollfd *fds)
{
    const struct journal *j = &run->journal;
    size_t n = JOURNAL_FDS;
    fds[0] = (struct pollfd){.fd = j->control, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = journal_wants_write(j) ? j->pipe : -1, .events = POLLOUT};
    for (int h = 0; run->turns != NULL && h < run->host_count; h++) {
        struct turn *turn = &run->turns[h];
        turn->polled = -1;
        if (turn->link.fd < 0 || turn->frame != NULL)
            continue;
        turn->polled = (int)n;
        fds[n++] =
            (struct pollfd){.fd = turn->link.fd,
                            .events = link_wants_write(&turn->link) ? POLLIN | POLLOUT : POLLIN};
    }
    return n;
}

static void journal_ready(struct run *run)
{
    if (journal_read_answers(&run->journal) == 0) {
        for (int h = 0; run->turns != NULL && h < run->host_count; h++)
            turn_stored(&run->turns[h]);
    } else if (run->phase == RUN_CLOSING) {
        run->phase = RUN_GONE;
    } else {
        mask_lost(run);
    }
}

void run_ready(struct worker *w, struct run *run, const struct pollfd *fds, size_t count)
{
    if (run->phase == RUN_GONE || count < JOURNAL_FDS)
        return;
    for (int h = 0; run->turns != NULL && h < run->host_count; h++) {
        struct turn *turn = &run->turns[h];
        if (turn->polled >= 0 && fds[turn->polled].revents != 0)
            turn_link_ready(turn, fds[turn->polled].revents);
        turn->polled = -1;
    }
    turns_take_frames(w, run);
    if (run->phase != RUN_GONE && fds[1].revents != 0)
        (void)journal_write(&run->journal);
    if (run->phase != RUN_GONE && fds[0].revents != 0)
        journal_ready(run);
}

bool run_reaped(struct run *run, pid_t pid)
{
    if (pid == run->journal.pid) {
        run->journal.pid = 0;
        return true;
    }
    for (int h = 0; run->turns != NULL && h < run->host_count; h++) {
        if (run->turns[h].child == pid) {
            run->turns[h].child = 0; /* its socket's end of file says the rest, after its last
                                        frames */
            return true;
        }
    }
    return false;
}

bool run_is_safe(const struct run *run)
{
    if (run->phase == RUN_OPENING || run->phase == RUN_GONE)
        return true;
    for (int h = 0; run->phase == RUN_ACTIVE && h < run->host_count; h++) {
        if (!turn_is_safe(&run->turns[h]))
            return false;
    }
    return run->phase == RUN_ACTIVE;
}

void run_leave(struct run *run)
{
    if (run->phase == RUN_GONE)
        return;
    turns_stop_children(run);
    if (run->phase != RUN_CLOSING && run->journal_open)
        journal_words(&run->journal, -1, -1,
                      "Windlass stops here. The job goes on when it is started again.");
    journal_finish(&run->journal);
}

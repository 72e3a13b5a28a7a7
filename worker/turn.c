/* The life of a host's turn between its begin and its verdict: runners, their tries, cancel. What
 * frames mean is in turn_frames.c; which turn begins when, in run.c. */
#include "worker/turn.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "worker/run.h"

#define STARTS_AT_ONCE                                                                             \
    16 /* a start costs about a millisecond, and nobody else is served meanwhile */

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

int turns_make(struct run *run, int hosts, int steps, struct err *err)
{
    run->turns = calloc((size_t)hosts, sizeof *run->turns);
    if (run->turns == NULL)
        return err_set(err, ERR_NO_MEMORY, "No memory is left.");
    run->host_count = hosts;
    run->step_count = steps;
    for (int h = 0; h < hosts; h++) {
        struct turn *turn = &run->turns[h];
        turn->run = run;
        turn->host = h;
        turn->polled = -1;
        link_init(&turn->link);
        turn->steps = calloc((size_t)steps, sizeof *turn->steps);
        if (turn->steps == NULL) {
            turns_free(run);
            return err_set(err, ERR_NO_MEMORY, "No memory is left.");
        }
    }
    return 0;
}

static void forget_frames(struct turn *turn)
{
    json_decref(turn->frame);
    json_decref(turn->said);
    turn->frame = turn->said = NULL;
    turn->is_ready = turn->is_held = turn->waits = false;
    turn->stored_count = 0;
}

void turns_free(struct run *run)
{
    for (int h = 0; run->turns != NULL && h < run->host_count; h++) {
        struct turn *turn = &run->turns[h];
        forget_frames(turn);
        link_close(&turn->link);
        for (int k = 0; turn->steps != NULL && k < run->step_count; k++)
            free(turn->steps[k].cause);
        free(turn->steps);
        json_decref(turn->results);
        json_decref(turn->server);
        free(turn->summary);
        free(turn->left_as);
    }
    free(run->turns);
    run->turns = NULL;
}

struct step_run *turn_step(struct turn *turn, int step)
{
    return step < 0 || step >= turn->run->step_count ? NULL : &turn->steps[step];
}

void turn_set_text(const struct turn *turn, char **place, const char *text)
{
    char masked[TURN_TEXT];
    run_masked(turn->run, text, masked, sizeof masked);
    free(*place);
    *place = masked[0] == '\0' ? NULL : strdup(masked);
}

bool turn_is_under_way(const struct turn *turn)
{
    return turn->phase != TURN_WAITING && turn->phase != TURN_ENDED;
}

bool turn_is_untouched(const struct turn *turn)
{
    for (int i = 0; i < turn->run->step_count; i++) {
        enum step_state state = turn->steps[i].state;
        if (state != STEP_PENDING && state != STEP_SKIPPED)
            return false;
    }
    return true;
}

bool turn_is_safe(const struct turn *turn)
{
    if (turn->phase == TURN_DECIDING)
        return false;
    if (turn->phase != TURN_ACTIVE)
        return true;
    for (int i = 0; i < turn->run->step_count; i++) {
        const char *mode = json_string_value(json_object_get(run_step_spec(turn->run, i), "mode"));
        if (turn->steps[i].state == STEP_INTENT && !str_equal(mode, "detached")
            && !str_equal(mode, "health") && !str_equal(mode, "read_back"))
            return false;
    }
    return turn->stored_count == 0;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

void turn_log_step(struct turn *turn, int step, const json_t *extra)
{
    const struct step_run *s = &turn->steps[step];
    const json_t *spec = run_step_spec(turn->run, step);
    json_t *record = json_pack("{s:s, s:s, s:s, s:s}", "state", step_state_name(s->state), "title",
                               text_of(spec, "title"), "name", text_of(spec, "name"), "cause",
                               s->cause == NULL ? "" : s->cause);
    if (s->started_mono != 0 && s->state != STEP_INTENT)
        json_object_set_new(record, "ms", json_integer(clock_mono_ms() - s->started_mono));
    if (extra != NULL)
        json_object_update(record, (json_t *)(uintptr_t)extra);
    journal_json(&turn->run->journal, turn->host, step, MASK_STATE, record);
    json_decref(record);
}

void turn_verdict(struct turn *turn, const char *verdict, const char *summary, const char *left_as)
{
    (void)str_copy(turn->verdict, sizeof turn->verdict, verdict);
    turn_set_text(turn, &turn->summary, summary);
    turn_set_text(turn, &turn->left_as, left_as);
    turn->phase = TURN_DECIDING;
    turn->wake_at = 0;
}

/* --- tries --------------------------------------------------------------------------------------
 */

/* 0.2 s, 0.5 s, 1 s, 2 s, 5 s, 10 s, 20 s, 30 s */
static int64_t pause_after(int tries)
{
    static const int pauses[] = {200, 500, 1000, 2000, 5000, 10000, 20000, 30000};
    size_t i = tries < 1 ? 0 : (size_t)tries - 1;
    return pauses[i < COUNT_OF(pauses) ? i : COUNT_OF(pauses) - 1];
}

void turn_begin(struct turn *turn)
{
    journal_sync(&turn->run->journal);
    turn->sync = turn->run->journal.asked;
    turn->phase = TURN_SYNCING;
}

void turn_lost(struct turn *turn)
{
    struct run *run = turn->run;
    turn_child_stop(turn);
    forget_frames(turn);
    if (turn->tries >= TURN_TRIES) {
        turn_verdict(turn, "unknown",
                     "The runner failed eight times without getting further. Look at the "
                     "worker's log, then at the server.",
                     "Not known.");
        return;
    }
    LOG_WARN("runner_lost", "job=%s host=%d try=%d", run->hold.id, turn->host, turn->tries);
    journal_words(&run->journal, turn->host, -1, "The runner stopped; another one takes over.");
    turn->phase = TURN_PAUSED;
    turn->wake_at = clock_mono_ms() + pause_after(turn->tries);
}

void turn_interrupt(struct turn *turn)
{
    turn_child_stop(turn);
    forget_frames(turn);
    if (turn->phase != TURN_DECIDING && turn_is_under_way(turn))
        turn->phase = TURN_PAUSED;
    turn->wake_at = 0;
}

void turn_tick(struct turn *turn)
{
    struct run *run = turn->run;
    struct err err = {0};
    if (turn->hung_up && turn->frame == NULL) {
        turn_lost(turn);
        return;
    }
    if (run->cancel > turn->cancel_sent && !turn->is_balancer) { /* that puts back what is out */
        turn->cancel_sent = run->cancel;
        journal_words(&run->journal, turn->host, -1,
                      run->cancel == 1 ? "Cancel was asked for." : "Kill was asked for.");
        if (link_send(&turn->link, json_pack("{s:s, s:i}", "t", "cancel", "how", run->cancel), &err)
            != 0)
            turn_lost(turn);
    }
    if (turn->phase == TURN_ACTIVE && clock_mono_ms() > turn->watch_at) {
        LOG_WARN("runner_stuck", "job=%s host=%d", run->hold.id, turn->host);
        turn_lost(turn);
    }
}

/* --- starts -------------------------------------------------------------------------------------
 */

static void start_failed(struct worker *w, struct turn *turn, const struct err *err)
{
    log_err("runner_start", err);
    if (run_is_transient(w, err)) {
        turn->tries--;
        turn->phase = TURN_PAUSED;
        turn->wake_at = clock_mono_ms() + TURN_RETRY_MS;
        return;
    }
    bool untouched = turn_is_untouched(turn);
    turn_verdict(turn, untouched ? "failed" : "unknown", err->user,
                 untouched ? "Not touched." : "Not known.");
}

/* One epoch for all that start together: it is only ever compared with those before. */
static int record_starts(struct worker *w, struct run *run, struct turn **starting, size_t count,
                         struct err *err)
{
    struct job_hold hold = run->hold;
    int rc = -1;
    if (db_begin(w->db, err) != 0)
        return -1;
    if (job_raise_epoch(w->db, &hold, err) != 0)
        goto out;
    for (size_t i = 0; i < count; i++) {
        if (job_host_begin(w->db, &hold, starting[i]->host, starting[i]->starts + 1, err) != 0)
            goto out;
    }
    rc = db_commit(w->db, err);
    if (rc == 0)
        run->hold = hold;
out:
    db_rollback(w->db);
    return rc;
}

static void start_one(struct worker *w, struct turn *turn)
{
    const struct run *run = turn->run;
    struct err err = {0};
    turn->cancel_sent = run->cancel;
    if (turn_child_start(w, turn, &err) != 0) {
        start_failed(w, turn, &err);
        return;
    }
    LOG_INFO("runner_started", "job=%s host=%d try=%d epoch=%lld pid=%d", run->hold.id, turn->host,
             turn->tries, (long long)run->hold.epoch, (int)turn->child);
    turn->phase = TURN_ACTIVE;
}

/* The log is complete up to here, and nobody has cancelled what did not begin. */
static bool may_start(struct turn *turn)
{
    const struct run *run = turn->run;
    if (turn->phase != TURN_SYNCING || run->journal.answered < turn->sync)
        return false;
    if (run->cancel == 0 || !turn_is_untouched(turn))
        return true;
    turn_verdict(turn, "cancelled", "Cancelled before it began.", "Not touched.");
    return false;
}

void turns_start(struct worker *w, struct run *run)
{
    struct turn *starting[STARTS_AT_ONCE];
    struct err err = {0};
    size_t count = 0;
    for (int h = 0; h < run->host_count && count < STARTS_AT_ONCE; h++) {
        if (may_start(&run->turns[h]))
            starting[count++] = &run->turns[h];
    }
    if (count == 0)
        return;
    int rc = record_starts(w, run, starting, count, &err);
    if (rc != 0 && err.code == ERR_CONFLICT) {
        run_drop(run);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        starting[i]->tries++;
        if (rc != 0) {
            start_failed(w, starting[i], &err);
            continue;
        }
        starting[i]->starts++;
        start_one(w, starting[i]);
    }
}

/* What runners say, and what is written before they are answered. A runner talks to a hostile
 * machine and may itself be taken over: every word is checked, its texts are masked, and nothing it
 * says can name another job, host or step than its own.
 *
 * What several runners want written at a time is one transaction: each looks at its frame first
 * (may it be written now?), then all are written, and after the commit each is answered. */
#include "worker/turn.h"

#include <string.h>
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "worker/failpoint.h"
#include "worker/run.h"

#define STEP_GRACE_MS  120000 /* beyond a step's own deadline: the runner itself must be stuck */
#define PROGRESS_MS    500
#define RESULTS_MAX    64
#define RESULT_LEN_MAX 1024

enum taken {
    TAKEN = 0,  /* done with this frame */
    TAKE_WRITE, /* it may be written to the database now */
    TAKE_LATER, /* it waits, until the turn's wake_at or for other hosts */
    TAKE_BROKEN /* nonsense: the runner cannot be trusted with another word */
};

static const char *text_of(const json_t *frame, const char *key)
{
    const char *text = json_string_value(json_object_get(frame, key));
    return text == NULL ? "" : text;
}

static bool is_intent(const json_t *frame)
{
    return strcmp(text_of(frame, "t"), "intent") == 0;
}

static int step_of(const struct turn *turn, const json_t *frame)
{
    const json_t *step = json_object_get(frame, "step");
    json_int_t k = json_is_integer(step) ? json_integer_value(step) : -1;
    return k >= 0 && k < turn->run->step_count ? (int)k : -1;
}

static const char *step_name(const struct turn *turn, int step)
{
    return text_of(run_step_spec(turn->run, step), "name");
}

static int64_t step_watch(const struct turn *turn, int step)
{
    return clock_mono_ms() + STEP_GRACE_MS
           + json_integer_value(json_object_get(run_step_spec(turn->run, step), "deadline_ms"));
}

/* --- intents ------------------------------------------------------------------------------------
 */

static enum taken look_at_intent(struct worker *w, struct turn *turn, const json_t *frame)
{
    struct err err = {0};
    int k = step_of(turn, frame);
    const struct step_run *s = turn_step(turn, k);
    if (s == NULL || (s->state != STEP_PENDING && s->state != STEP_INTENT))
        return TAKE_BROKEN;
    enum run_word word = s->state == STEP_INTENT ? RUN_WORD_GO : run_word_for(turn, k);
    turn->waits = word == RUN_WORD_WAIT;
    turn->watch_at = turn->waits ? INT64_MAX : step_watch(turn, k);
    if (word == RUN_WORD_SKIP)
        return link_send(&turn->link, json_pack("{s:s, s:i}", "t", "skip", "step", k), &err) == 0
                   ? TAKEN
                   : TAKE_BROKEN;
    if (turn->waits || w->stopping || failpoint_holds(w, turn, step_name(turn, k), "before_intent"))
        return TAKE_LATER; /* when stopping: the next supervisor lets it go on */
    return TAKE_WRITE;
}

static int write_intent(struct worker *w, struct turn *turn, const json_t *frame, struct err *err)
{
    struct job_intent intent = {.host = turn->host,
                                .step = step_of(turn, frame),
                                .now = clock_now_ms(),
                                .log_from = journal_size(&turn->run->journal)};
    return job_step_intent(w->db, &turn->run->hold, &intent, err);
}

static enum taken answer_intent(struct worker *w, struct turn *turn, const json_t *frame)
{
    struct err err = {0};
    int k = step_of(turn, frame);
    struct step_run *s = turn_step(turn, k);
    if (failpoint_holds(w, turn, step_name(turn, k), "after_intent"))
        return TAKE_LATER;
    s->state = STEP_INTENT;
    s->started_mono = clock_mono_ms();
    turn->progress_at = 0;
    turn_log_step(turn, k, NULL);
    turn->watch_at = step_watch(turn, k);
    if (link_send(&turn->link, json_pack("{s:s, s:i}", "t", "go", "step", k), &err) != 0)
        return TAKE_BROKEN;
    return TAKEN;
}

/* --- outcomes -----------------------------------------------------------------------------------
 */

/* A step's results as the database may have them: few, short, masked. */
static json_t *clean_results(const struct run *run, const json_t *results)
{
    json_t *clean = json_object(), *value;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)results, key, value)
    {
        char text[RESULT_LEN_MAX];
        if (json_object_size(clean) >= RESULTS_MAX || strlen(key) > 64 || !json_is_string(value))
            continue;
        run_masked(run, json_string_value(value), text, sizeof text);
        json_object_set_new(clean, key, json_string(text));
    }
    return clean;
}

static enum taken look_at_outcome(struct worker *w, struct turn *turn, const json_t *frame)
{
    int k = step_of(turn, frame);
    const struct step_run *s = turn_step(turn, k);
    enum step_state state = step_state_from_name(text_of(frame, "state"));
    if (s == NULL || state < STEP_OK || (s->state != STEP_PENDING && s->state != STEP_INTENT))
        return TAKE_BROKEN;
    if (state == STEP_OK && s->state != STEP_INTENT) /* nothing succeeds without an intent */
        return TAKE_BROKEN;
    if (failpoint_holds(w, turn, step_name(turn, k), "before_outcome"))
        return TAKE_LATER;
    return TAKE_WRITE;
}

static int write_outcome(struct worker *w, struct turn *turn, const json_t *frame, struct err *err)
{
    int k = step_of(turn, frame);
    struct step_run *s = turn_step(turn, k);
    const json_t *status = json_object_get(frame, "status");
    turn_set_text(turn, &s->cause, text_of(frame, "cause"));
    json_decref(turn->said);
    turn->said = clean_results(turn->run, json_object_get(frame, "results"));
    struct job_outcome outcome = {
        .host = turn->host,
        .step = k,
        .state = step_state_name(step_state_from_name(text_of(frame, "state"))),
        .cause = s->cause,
        .results = turn->said,
        .has_status = json_is_integer(status),
        .status = (int)json_integer_value(status),
        .now = clock_now_ms()};
    return job_step_outcome(w->db, &turn->run->hold, &outcome, err);
}

static enum taken answer_outcome(struct turn *turn, const json_t *frame)
{
    int k = step_of(turn, frame);
    const json_t *status = json_object_get(frame, "status");
    turn_step(turn, k)->state = step_state_from_name(text_of(frame, "state"));
    turn->tries = 0; /* it got further */
    journal_flush_step(&turn->run->journal, turn->host, k);
    json_t *extra =
        json_is_integer(status) ? json_pack("{s:I}", "status", json_integer_value(status)) : NULL;
    turn_log_step(turn, k, extra);
    json_decref(extra);
    if (turn->results == NULL)
        turn->results = json_object();
    json_object_set_new(turn->results, step_name(turn, k), turn->said);
    turn->said = NULL;
    return TAKEN;
}

/* --- what needs no write ------------------------------------------------------------------------
 */

/* Two records a second are enough to see a bar move; the last one always goes in. */
static enum taken take_progress(struct turn *turn, const json_t *frame)
{
    int k = step_of(turn, frame);
    int64_t now = clock_mono_ms();
    json_int_t done = json_integer_value(json_object_get(frame, "done"));
    json_int_t total = json_integer_value(json_object_get(frame, "total"));
    struct step_run *s = turn_step(turn, k);
    if (s == NULL || s->state != STEP_INTENT || done < 0 || total < done)
        return TAKE_BROKEN;
    turn->watch_at = step_watch(turn, k);
    if (now - turn->progress_at < PROGRESS_MS && done != total)
        return TAKEN;
    turn->progress_at = now;
    json_t *extra = json_pack("{s:I, s:I}", "done", done, "total", total);
    turn_log_step(turn, k, extra);
    json_decref(extra);
    return TAKEN;
}

static enum taken take_sync(struct turn *turn, const json_t *frame)
{
    int k = step_of(turn, frame);
    if (k < 0 || turn->stored_count == (int)COUNT_OF(turn->stored))
        return TAKE_BROKEN;
    journal_sync(&turn->run->journal);
    turn->stored[turn->stored_count++] =
        (struct waiting_answer){.step = k,
                                .origin = json_integer_value(json_object_get(frame, "origin")),
                                .sync = turn->run->journal.asked};
    return TAKEN;
}

void turn_stored(struct turn *turn)
{
    int left = 0;
    for (int i = 0; i < turn->stored_count; i++) {
        struct waiting_answer *a = &turn->stored[i];
        struct err err = {0};
        if (a->sync > turn->run->journal.answered) {
            turn->stored[left++] = *a;
            continue;
        }
        if (turn->link.fd >= 0
            && link_send(&turn->link,
                         json_pack("{s:s, s:i, s:I}", "t", "stored", "step", a->step, "origin",
                                   (json_int_t)a->origin),
                         &err)
                   != 0)
            log_err("runner_stored", &err); /* its end of file follows */
    }
    turn->stored_count = left;
}

static bool is_verdict(const char *text)
{
    static const char *const all[] = {"live",      "degraded", "reverted", "failed",
                                      "cancelled", "unknown",  "ok"};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (strcmp(text, all[i]) == 0)
            return true;
    }
    return false;
}

/* The runner may not say "live" over a step that the database knows as failed or never run, nor
 * "reverted" when an undo step was not seen to succeed. */
static bool steps_agree(const struct turn *turn, const char *verdict)
{
    bool reverted = strcmp(verdict, "reverted") == 0;
    if (strcmp(verdict, "live") != 0 && strcmp(verdict, "ok") != 0 && !reverted)
        return true;
    for (int i = 0; i < turn->run->step_count; i++) {
        enum step_state state = turn->steps[i].state;
        bool undo = strcmp(text_of(run_step_spec(turn->run, i), "phase"), "undo") == 0;
        bool tidy = strcmp(text_of(run_step_spec(turn->run, i), "mode"), "unlock") == 0;
        if (undo == reverted && !tidy && state != STEP_OK && state != STEP_SKIPPED)
            return false;
    }
    return true;
}

static enum taken take_end(const struct worker *w, struct turn *turn, const json_t *frame)
{
    const char *verdict = text_of(frame, "verdict");
    if (!is_verdict(verdict) || !steps_agree(turn, verdict))
        return TAKE_BROKEN;
    if (failpoint_holds(w, turn, "end", "before_outcome"))
        return TAKE_LATER;
    if (json_is_object(json_object_get(frame, "server"))) {
        json_decref(turn->server);
        turn->server = json_incref(json_object_get(frame, "server"));
    }
    if (json_is_object(json_object_get(frame, "artefact"))) {
        if (turn->results == NULL)
            turn->results = json_object();
        json_object_set(turn->results, "artefact", json_object_get(frame, "artefact"));
    }
    turn_verdict(turn, verdict, text_of(frame, "summary"), text_of(frame, "left_as"));
    turn_child_dismiss(turn);
    return TAKEN;
}

/* It waits for as long as the others take: run_settle_held. */
static enum taken take_proven(struct turn *turn)
{
    if (!turn->run->holds || !turn_is_proven(turn))
        return TAKE_BROKEN;
    turn->is_held = true;
    turn->watch_at = INT64_MAX;
    return TAKEN;
}

static enum taken take_note(struct turn *turn, const json_t *frame)
{
    journal_words(&turn->run->journal, turn->host, step_of(turn, frame), "%.1500s",
                  text_of(frame, "text"));
    return TAKEN;
}

/* A new frame, or one that waited. */
static enum taken take_frame(struct worker *w, struct turn *turn, const json_t *frame)
{
    const char *t = text_of(frame, "t");
    if (strcmp(t, "intent") == 0)
        return look_at_intent(w, turn, frame);
    if (strcmp(t, "outcome") == 0)
        return look_at_outcome(w, turn, frame);
    if (strcmp(t, "progress") == 0)
        return take_progress(turn, frame);
    if (strcmp(t, "sync") == 0)
        return take_sync(turn, frame);
    if (strcmp(t, "note") == 0)
        return take_note(turn, frame);
    if (strcmp(t, "proven") == 0)
        return take_proven(turn);
    if (strcmp(t, "end") == 0)
        return take_end(w, turn, frame);
    return TAKE_BROKEN;
}

/* --- all of a run -------------------------------------------------------------------------------
 */

/* The frame to look at now into turn->frame: the one that waits, or the next whole one. */
static int next_frame(struct turn *turn, struct err *err)
{
    if (turn->frame != NULL)
        return 0;
    return link_next(&turn->link, &turn->frame, err);
}

static void drop_frame(struct turn *turn, enum taken taken)
{
    if (taken == TAKE_BROKEN) {
        LOG_WARN("runner_frame", "job=%s host=%d a frame makes no sense: t=%s", turn->run->hold.id,
                 turn->host, text_of(turn->frame, "t"));
        turn->watch_at = 0; /* turn_tick takes it for lost */
    }
    json_decref(turn->frame);
    turn->frame = NULL;
}

/* As far as it gets without a write. True: the frame in turn->frame may be written. */
static bool take_until_write(struct worker *w, struct turn *turn)
{
    while (turn->phase == TURN_ACTIVE && turn->watch_at != 0) {
        struct err err = {0};
        enum taken taken = TAKE_BROKEN;
        if (turn->frame != NULL && !turn->waits && clock_mono_ms() < turn->wake_at)
            return false;
        if (next_frame(turn, &err) == 0) {
            if (turn->frame == NULL)
                return false;
            taken = take_frame(w, turn, turn->frame);
        }
        if (taken == TAKE_LATER)
            return false;
        if (taken == TAKE_WRITE)
            return true;
        drop_frame(turn, taken);
    }
    return false;
}

static int write_frame(struct worker *w, struct turn *turn, struct err *err)
{
    return is_intent(turn->frame) ? write_intent(w, turn, turn->frame, err)
                                  : write_outcome(w, turn, turn->frame, err);
}

/* All frames that are ready, in one transaction. */
static int write_ready(struct worker *w, struct run *run, struct err *err)
{
    int rc = -1;
    if (db_begin(w->db, err) != 0)
        return -1;
    for (int h = 0; h < run->host_count; h++) {
        if (run->turns[h].is_ready && write_frame(w, &run->turns[h], err) != 0)
            goto out;
    }
    rc = db_commit(w->db, err);
out:
    db_rollback(w->db);
    return rc;
}

static void answer_ready(struct worker *w, struct turn *turn)
{
    enum taken taken = is_intent(turn->frame) ? answer_intent(w, turn, turn->frame)
                                              : answer_outcome(turn, turn->frame);
    turn->is_ready = false;
    if (taken != TAKE_LATER)
        drop_frame(turn, taken);
}

static int find_ready(struct worker *w, struct run *run)
{
    int count = 0;
    for (int h = 0; h < run->host_count; h++) {
        struct turn *turn = &run->turns[h];
        turn->is_ready = take_until_write(w, turn);
        count += turn->is_ready;
    }
    return count;
}

void turns_take_frames(struct worker *w, struct run *run)
{
    while (run->phase == RUN_ACTIVE && find_ready(w, run) > 0) {
        struct err err = {0};
        int64_t wake_at = 0;
        int written = run_after_write(w, run, write_ready(w, run, &err), &wake_at, &err);
        if (written == -1)
            return;
        for (int h = 0; h < run->host_count; h++) {
            struct turn *turn = &run->turns[h];
            if (turn->is_ready && written == 0)
                answer_ready(w, turn);
            else if (turn->is_ready)
                turn->wake_at = wake_at;
            turn->is_ready = false;
        }
    }
}

void turn_link_ready(struct turn *turn, short revents)
{
    struct err err = {0};
    bool eof = false;
    int rc = 0;
    if ((revents & POLLOUT) != 0)
        rc = link_write(&turn->link, &err);
    if (rc == 0)
        rc = link_read(&turn->link, &eof, &err);
    turn->hung_up = turn->hung_up || rc != 0 || eof;
}

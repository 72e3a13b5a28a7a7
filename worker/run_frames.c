/* What a runner says, and what is written before it is answered. A runner talks to a hostile
 * machine and may itself be taken over: every word is checked, its texts are masked, and nothing it
 * says can name another job, host or step than its own. */
#include "worker/run.h"

#include <string.h>
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "worker/failpoint.h"
#include "worker/jobs/kind.h"

#define STEP_GRACE_MS  120000 /* beyond a step's own deadline: the runner itself must be stuck */
#define PROGRESS_MS    500
#define RESULTS_MAX    64
#define RESULT_LEN_MAX 1024

enum taken {
    TAKEN = 0,  /* done with this frame */
    TAKE_LATER, /* its database write must be tried again */
    TAKE_BROKEN /* nonsense: the runner cannot be trusted with another word */
};

static const char *text_of(const json_t *frame, const char *key)
{
    const char *text = json_string_value(json_object_get(frame, key));
    return text == NULL ? "" : text;
}

static int step_of(const struct run *run, const json_t *frame)
{
    const json_t *step = json_object_get(frame, "step");
    json_int_t k = json_is_integer(step) ? json_integer_value(step) : -1;
    return k >= 0 && k < run->step_count ? (int)k : -1;
}

static enum taken after_write(struct worker *w, struct run *run, int rc, const struct err *err)
{
    return run_after_write(w, run, rc, err) == 1 ? TAKE_LATER : TAKEN;
}

void run_log_step(struct run *run, int step, const json_t *extra)
{
    struct step_run *s = run_step(run, step);
    const json_t *spec = run_step_spec(run, step);
    json_t *record =
        json_pack("{s:s, s:s, s:s, s:s}", "state", step_state_name(s->state), "title",
                  text_of(spec, "title"), "name", text_of(spec, "name"), "cause", s->cause);
    if (s->started_mono != 0 && s->state != STEP_INTENT)
        json_object_set_new(record, "ms", json_integer(clock_mono_ms() - s->started_mono));
    if (extra != NULL)
        json_object_update(record, (json_t *)(uintptr_t)extra);
    journal_json(&run->journal, run->host, step, MASK_STATE, record);
    json_decref(record);
}

static enum taken take_intent(struct worker *w, struct run *run, const json_t *frame)
{
    struct err err = {0};
    int k = step_of(run, frame);
    struct step_run *s = run_step(run, k);
    if (s == NULL || (s->state != STEP_PENDING && s->state != STEP_INTENT))
        return TAKE_BROKEN;
    const char *name = text_of(run_step_spec(run, k), "name");
    if (w->stopping || failpoint_holds(w, run, name, "before_intent"))
        return TAKE_LATER; /* when stopping: the next supervisor lets it go on */
    struct job_intent intent = {.host = run->host,
                                .step = k,
                                .now = clock_now_ms(),
                                .log_from = journal_size(&run->journal)};
    if (job_step_intent(w->db, &run->hold, &intent, &err) != 0)
        return after_write(w, run, -1, &err);
    if (failpoint_holds(w, run, name, "after_intent"))
        return TAKE_LATER;
    s->state = STEP_INTENT;
    s->started_mono = clock_mono_ms();
    run->progress_at = 0;
    run_log_step(run, k, NULL);
    run->watch_at = clock_mono_ms() + STEP_GRACE_MS
                    + json_integer_value(json_object_get(run_step_spec(run, k), "deadline_ms"));
    if (link_send(&run->link, json_pack("{s:s, s:i}", "t", "go", "step", k), &err) != 0)
        return TAKE_BROKEN;
    return TAKEN;
}

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

static enum taken take_outcome(struct worker *w, struct run *run, const json_t *frame)
{
    struct err err = {0};
    int k = step_of(run, frame);
    struct step_run *s = run_step(run, k);
    enum step_state state = step_state_from_name(text_of(frame, "state"));
    const json_t *status = json_object_get(frame, "status");
    if (s == NULL || state < STEP_OK || (s->state != STEP_PENDING && s->state != STEP_INTENT))
        return TAKE_BROKEN;
    if (state == STEP_OK && s->state != STEP_INTENT) /* nothing succeeds without an intent */
        return TAKE_BROKEN;
    if (failpoint_holds(w, run, text_of(run_step_spec(run, k), "name"), "before_outcome"))
        return TAKE_LATER;
    run_masked(run, text_of(frame, "cause"), s->cause, sizeof s->cause);
    json_t *results = clean_results(run, json_object_get(frame, "results"));
    struct job_outcome outcome = {.host = run->host,
                                  .step = k,
                                  .state = step_state_name(state),
                                  .cause = s->cause,
                                  .results = results,
                                  .has_status = json_is_integer(status),
                                  .status = (int)json_integer_value(status),
                                  .now = clock_now_ms()};
    int rc = job_step_outcome(w->db, &run->hold, &outcome, &err);
    if (rc == 0) {
        s->state = state;
        run->tries = 0; /* it got further */
        journal_flush_step(&run->journal, run->host, k);
        json_t *extra = outcome.has_status ? json_pack("{s:i}", "status", outcome.status) : NULL;
        run_log_step(run, k, extra);
        json_decref(extra);
        if (run->results == NULL)
            run->results = json_object();
        json_object_set(run->results, text_of(run_step_spec(run, k), "name"), results);
    }
    json_decref(results);
    return after_write(w, run, rc, &err);
}

/* Two records a second are enough to see a bar move; the last one always goes in. */
static enum taken take_progress(struct run *run, const json_t *frame)
{
    int k = step_of(run, frame);
    int64_t now = clock_mono_ms();
    json_int_t done = json_integer_value(json_object_get(frame, "done"));
    json_int_t total = json_integer_value(json_object_get(frame, "total"));
    struct step_run *s = run_step(run, k);
    if (s == NULL || s->state != STEP_INTENT || done < 0 || total < done)
        return TAKE_BROKEN;
    run->watch_at = now + STEP_GRACE_MS
                    + json_integer_value(json_object_get(run_step_spec(run, k), "deadline_ms"));
    if (now - run->progress_at < PROGRESS_MS && done != total)
        return TAKEN;
    run->progress_at = now;
    json_t *extra = json_pack("{s:I, s:I}", "done", done, "total", total);
    run_log_step(run, k, extra);
    json_decref(extra);
    return TAKEN;
}

static enum taken take_sync(struct run *run, const json_t *frame)
{
    int k = step_of(run, frame);
    if (k < 0 || run->stored_count == (int)COUNT_OF(run->stored))
        return TAKE_BROKEN;
    journal_sync(&run->journal);
    run->stored[run->stored_count++] =
        (struct waiting_answer){.step = k,
                                .origin = json_integer_value(json_object_get(frame, "origin")),
                                .sync = run->journal.asked};
    return TAKEN;
}

void run_stored(struct run *run)
{
    int left = 0;
    for (int i = 0; i < run->stored_count; i++) {
        struct waiting_answer *a = &run->stored[i];
        struct err err = {0};
        if (a->sync > run->journal.answered) {
            run->stored[left++] = *a;
            continue;
        }
        if (run->link.fd >= 0
            && link_send(&run->link,
                         json_pack("{s:s, s:i, s:I}", "t", "stored", "step", a->step, "origin",
                                   (json_int_t)a->origin),
                         &err)
                   != 0)
            log_err("runner_stored", &err); /* its end of file follows */
    }
    run->stored_count = left;
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
static bool steps_agree(const struct run *run, const char *verdict)
{
    bool reverted = strcmp(verdict, "reverted") == 0;
    if (strcmp(verdict, "live") != 0 && strcmp(verdict, "ok") != 0 && !reverted)
        return true;
    for (int i = 0; i < run->step_count; i++) {
        enum step_state state = run->hosts[run->host].steps[i].state;
        bool undo = strcmp(text_of(run_step_spec(run, i), "phase"), "undo") == 0;
        bool tidy = strcmp(text_of(run_step_spec(run, i), "mode"), "unlock") == 0;
        if (undo == reverted && !tidy && state != STEP_OK && state != STEP_SKIPPED)
            return false;
    }
    return true;
}

static enum taken take_end(const struct worker *w, struct run *run, const json_t *frame)
{
    const char *verdict = text_of(frame, "verdict");
    if (!is_verdict(verdict) || !steps_agree(run, verdict))
        return TAKE_BROKEN;
    if (failpoint_holds(w, run, "end", "before_outcome"))
        return TAKE_LATER;
    if (json_is_object(json_object_get(frame, "server"))) {
        json_decref(run->server);
        run->server = json_incref(json_object_get(frame, "server"));
    }
    if (json_is_object(json_object_get(frame, "artefact"))) {
        if (run->results == NULL)
            run->results = json_object();
        json_object_set(run->results, "artefact", json_object_get(frame, "artefact"));
    }
    run_host_verdict(run, verdict, text_of(frame, "summary"), text_of(frame, "left_as"));
    run_child_dismiss(run);
    return TAKEN;
}

static enum taken take_note(struct run *run, const json_t *frame)
{
    journal_words(&run->journal, run->host, step_of(run, frame), "%.1500s", text_of(frame, "text"));
    return TAKEN;
}

static enum taken take_frame(struct worker *w, struct run *run, const json_t *frame)
{
    const char *t = text_of(frame, "t");
    if (strcmp(t, "intent") == 0)
        return take_intent(w, run, frame);
    if (strcmp(t, "outcome") == 0)
        return take_outcome(w, run, frame);
    if (strcmp(t, "progress") == 0)
        return take_progress(run, frame);
    if (strcmp(t, "sync") == 0)
        return take_sync(run, frame);
    if (strcmp(t, "note") == 0)
        return take_note(run, frame);
    if (strcmp(t, "end") == 0)
        return take_end(w, run, frame);
    return TAKE_BROKEN;
}

/* The frame to look at now: the one that waits, or the next whole one. */
static int next_frame(struct run *run, json_t **frame, struct err *err)
{
    *frame = NULL;
    if (run->stalled != NULL) {
        if (clock_mono_ms() < run->wake_at)
            return 0;
        *frame = run->stalled;
        run->stalled = NULL;
        return 0;
    }
    return link_next(&run->link, frame, err);
}

void run_take_frames(struct worker *w, struct run *run)
{
    while (run->phase == RUN_ACTIVE) {
        struct err err = {0};
        json_t *frame;
        enum taken taken = TAKE_BROKEN;
        if (next_frame(run, &frame, &err) == 0) {
            if (frame == NULL)
                return;
            taken = take_frame(w, run, frame);
        }
        if (taken == TAKE_LATER && run->phase == RUN_ACTIVE) {
            run->stalled = frame;
            return;
        }
        if (taken == TAKE_BROKEN) {
            LOG_WARN("runner_frame", "job=%s host=%d a frame makes no sense: t=%s", run->hold.id,
                     run->host, text_of(frame, "t"));
            if (run->link.fd >= 0)
                run->watch_at = 0; /* run_tick takes it for lost */
            json_decref(frame);
            return;
        }
        json_decref(frame);
    }
}

/* runner_plan.c - the order of steps, and the verdict: what was observed, never what was hoped.
 *
 *   every forward step ok                                live (or ok)
 *   failed before the point of no return                 failed, nothing that serves was changed
 *   failed from there on, undo steps all ok              reverted (cancelled, when that was the
 * reason)
 *   ... an undo step failed, or nothing was there before failed, with the state the host was left
 * in failed after the release was proven healthy          degraded: it serves, something around it
 * did not work the host could not be asked, or a step that must not be repeated was cut off midway
 * unknown
 *   proven, and the supervisor says that another server failed: as after a failure behind the point
 *   of no return
 *
 * The lock is released after every one of them for which the host can be asked. A runner that takes
 * over gets the steps' states and walks the same way; steps that ended are not run again. */
#include <stdio.h>
#include <string.h>
#include "lib/base/str.h"
#include "worker/runner/runner_private.h"

struct outcome {
    const char *verdict;
    char summary[512];
    char left_as[400];
};

/* --- one step
 * -------------------------------------------------------------------------------------- */

static enum step_end run_mode(struct runner *r, struct step *step, bool remove_folder)
{
    switch (step->mode) {
    case MODE_CONNECT:
        return step_connect(r, step);
    case MODE_LOCK:
        return step_lock(r, step);
    case MODE_UNLOCK:
        return step_unlock(r, step, remove_folder);
    case MODE_UPLOAD:
        return step_upload(r, step);
    case MODE_DETACHED:
        return step_detached(r, step);
    case MODE_HEALTH:
        return step_health(r, step);
    case MODE_CHECK:
        return step_check(r, step);
    case MODE_READ_BACK:
        return step_read_back(r, step);
    case MODE_LOOK:
        return step_look(r, step);
    case MODE_UNKNOWN:
        break;
    }
    return step_says(step, STEP_FAILED,
                     "This version of Windlass does not know how to run the step.");
}

/* A runner that took over is not connected, and the lock still has the old epoch: both are made
 * good before the first step that needs them, in that step's name. */
static enum step_end attach(struct runner *r, struct step *step)
{
    if (step->mode == MODE_CONNECT)
        return STEP_OK;
    if (!ssh_alive(r->ssh)) {
        struct err err = {0};
        enum call call = remote_connect(r, 60000, &err);
        if (call != CALL_OK)
            return step_ends(step, r->touched ? STEP_UNKNOWN : STEP_FAILED, &err);
    }
    bool needs_lock = step->mode == MODE_DETACHED || step->mode == MODE_UPLOAD
                      || step->mode == MODE_HEALTH || step->mode == MODE_READ_BACK;
    if (needs_lock && !r->locked && r->env[0] != '\0')
        return runner_take_lock(r, step);
    return STEP_OK;
}

/* What scripts before it have told steers a health step (its port, its version). A runner that took
 * over reads it again from the target. */
static bool recover_forward_results(struct runner *r, struct step *health)
{
    for (int i = 0; i < r->step_count && &r->steps[i] != health; i++) {
        struct step *step = &r->steps[i];
        if (step->undo || step->mode != MODE_DETACHED || step->ran || step->results != NULL
            || step->state != STEP_OK)
            continue;
        if (!detached_results(r, step)) {
            (void)step_says(health, STEP_UNKNOWN,
                            "What \"%s\" has told could not be read again from the server.",
                            step->title);
            return false;
        }
    }
    return true;
}

static void run_step(struct runner *r, struct step *step, bool remove_folder)
{
    r->current = step;
    if (wire_intent(r, step)) {
        enum step_end end = attach(r, step);
        if (end == STEP_OK && step->mode == MODE_HEALTH && !step->undo
            && !recover_forward_results(r, step))
            end = STEP_UNKNOWN;
        if (end == STEP_OK) {
            step->ran = true;
            end = run_mode(r, step, remove_folder);
        }
        step->state = end;
    }
    if (!r->gone)
        wire_outcome(r, step);
    r->current = NULL;
}

static void skip_step(struct runner *r, struct step *step, const char *why)
{
    step->state = STEP_SKIPPED;
    (void)str_copy(step->cause, sizeof step->cause, why);
    wire_outcome(r, step);
}

/* --- forward
 * ----------------------------------------------------------------------------------------- */

static bool has_ended_well(const struct step *step)
{
    return step->state == STEP_OK || step->state == STEP_SKIPPED;
}

static bool has_ended_badly(const struct step *step)
{
    return step->state == STEP_FAILED || step->state == STEP_CANCELLED
           || step->state == STEP_UNKNOWN;
}

/* The release is live and every witness saw it: from here on nothing is undone. */
static bool is_proven(const struct runner *r)
{
    bool any = false;
    for (int i = 0; i < r->step_count; i++) {
        const struct step *step = &r->steps[i];
        if (!step->undo && step->witness) {
            any = true;
            if (step->state != STEP_OK)
                return false;
        }
    }
    return any;
}

/* On one of several servers: what follows on the proven release would close the way back, so the
 * word of the supervisor is waited for, once. True: the way back is to be taken. */
static bool is_held_back(struct runner *r)
{
    if (r->holds && !r->finish_asked && !r->undo_asked && is_proven(r))
        wire_proven(r);
    return r->undo_asked;
}

/* The first forward step that did not end well; NULL when all did. A cancel between two steps shows
 * as the next one, still pending. */
static struct step *run_forward(struct runner *r)
{
    for (int i = 0; i < r->step_count && !r->gone; i++) {
        struct step *step = &r->steps[i];
        if (step->undo || step->mode == MODE_UNLOCK || has_ended_well(step))
            continue;
        if (has_ended_badly(step))
            return step; /* a runner before this one saw it */
        r->no_cancel = is_proven(r);
        wire_poll(r, 0);
        if (r->cancel > 0 && !r->no_cancel && step->state == STEP_PENDING)
            return step;
        if (is_held_back(r))
            return NULL;
        run_step(r, step, false);
        if (!has_ended_well(step))
            return step;
    }
    if (!r->gone)
        (void)is_held_back(r);
    return NULL;
}

/* Whether a step with or after the point of no return was begun. */
static bool has_switched(const struct runner *r)
{
    bool behind = false;
    for (int i = 0; i < r->step_count; i++) {
        const struct step *step = &r->steps[i];
        behind = behind || (step->point_of_no_return && !step->undo);
        if (behind && !step->undo && step->mode != MODE_UNLOCK && step->state != STEP_PENDING
            && step->state != STEP_SKIPPED)
            return true;
    }
    return false;
}

/* --- undo
 * ------------------------------------------------------------------------------------------ */

static void note_undo_results(struct runner *r, const struct step *step)
{
    if (json_object_get(step->results, "nothing_before") != NULL)
        r->nothing_before = true;
    if (json_object_get(step->results, "served_throughout") != NULL)
        r->served_throughout = true;
}

/* An undo step that a runner before this one saw end has its results on the target only, and the
 * steps after it need them. */
static bool recover_results(struct runner *r, struct step *step)
{
    if (step->mode != MODE_DETACHED || step->ran || step->state != STEP_OK)
        return true;
    if (attach(r, step) != STEP_OK || !detached_results(r, step)) {
        step->state = STEP_UNKNOWN;
        return false;
    }
    note_undo_results(r, step);
    return true;
}

static const struct step *find_undo(const struct runner *r)
{
    for (int i = 0; i < r->step_count; i++)
        if (r->steps[i].undo)
            return &r->steps[i];
    return NULL;
}

/* All witnesses of the undo ended in this way, and there is one. */
static bool undo_witnesses_are(const struct runner *r, enum step_end end)
{
    bool any = false;
    for (int i = 0; i < r->step_count; i++) {
        if (!r->steps[i].undo || !r->steps[i].witness)
            continue;
        any = true;
        if (r->steps[i].state != end)
            return false;
    }
    return any;
}

/* The undo step that did not end well, or NULL. */
static struct step *run_undo(struct runner *r)
{
    bool complete = true;
    r->no_cancel = true;
    for (int i = 0; i < r->step_count; i++)
        complete = complete && (!r->steps[i].undo || has_ended_well(&r->steps[i]));
    if (complete) { /* a runner before this one did it all; only the lock is left, which must not be
                       taken again */
        r->nothing_before = undo_witnesses_are(r, STEP_SKIPPED);
        return NULL;
    }
    for (int i = 0; i < r->step_count && !r->gone; i++) {
        struct step *step = &r->steps[i];
        if (!step->undo)
            continue;
        if (has_ended_badly(step) || !recover_results(r, step))
            return step;
        if (has_ended_well(step))
            continue;
        if (step->witness && r->nothing_before) {
            skip_step(r, step, "There was no release before this one.");
            continue;
        }
        run_step(r, step, false);
        note_undo_results(r, step);
        if (!has_ended_well(step))
            return step;
    }
    return NULL;
}

static void judge_undo(struct runner *r, const struct step *bad, struct outcome *o)
{
    if (find_undo(r) == NULL) {
        o->verdict = bad->state == STEP_FAILED ? "failed" : "cancelled";
        (void)snprintf(o->summary, sizeof o->summary, "%.400s",
                       bad->state == STEP_PENDING ? "Cancelled after the switch." : bad->cause);
        (void)snprintf(o->left_as, sizeof o->left_as,
                       "The switch was made, and this recipe has no way back. Look at the server.");
        return;
    }
    struct step *stuck = run_undo(r);
    bool cancelled = bad->state == STEP_CANCELLED || bad->state == STEP_PENDING;
    if (stuck != NULL) {
        o->verdict = stuck->state == STEP_UNKNOWN ? "unknown" : "failed";
        (void)snprintf(o->summary, sizeof o->summary,
                       "%.220s Going back failed too, at \"%s\": %.200s", bad->cause, stuck->title,
                       stuck->cause);
        (void)snprintf(o->left_as, sizeof o->left_as,
                       "It is not proven that the old release serves. Look at the server.");
    } else if (r->nothing_before || !undo_witnesses_are(r, STEP_OK)) {
        o->verdict = cancelled ? "cancelled" : "failed";
        (void)snprintf(o->summary, sizeof o->summary, "%.400s",
                       cancelled ? "Cancelled after the switch." : bad->cause);
        (void)snprintf(
            o->left_as, sizeof o->left_as,
            "There was no release before this one: the new one was stopped, nothing serves.");
    } else {
        o->verdict = cancelled ? "cancelled" : "reverted";
        (void)snprintf(o->summary, sizeof o->summary,
                       "%.330s The old release %s and was seen healthy.",
                       cancelled ? "Cancelled." : bad->cause,
                       r->served_throughout ? "served all the time" : "serves again");
        (void)snprintf(o->left_as, sizeof o->left_as, "The old release serves, proven healthy.");
    }
}

/* --- the verdict
 * --------------------------------------------------------------------------------------- */

static void judge_early(const struct step *bad, struct outcome *o)
{
    const char *nothing = "Nothing that serves was changed.";
    o->verdict = bad->state == STEP_FAILED    ? "failed"
                 : bad->state == STEP_UNKNOWN ? "unknown"
                                              : "cancelled";
    (void)snprintf(o->summary, sizeof o->summary, "%.500s",
                   bad->state == STEP_PENDING ? "Cancelled before the switch." : bad->cause);
    if (!bad->idempotent && bad->mode == MODE_DETACHED && bad->state != STEP_PENDING)
        (void)snprintf(o->left_as, sizeof o->left_as,
                       "The old release serves; what \"%s\" changed stays changed.", bad->title);
    else
        (void)snprintf(o->left_as, sizeof o->left_as, "%s", nothing);
}

static void judge_good(const struct runner *r, struct outcome *o)
{
    bool release =
        is_proven(r) || strcmp(r->kind, "deploy") == 0 || strcmp(r->kind, "rollback") == 0;
    o->verdict = release ? "live" : "ok";
    if (strcmp(r->kind, "check") == 0)
        (void)snprintf(o->summary, sizeof o->summary, "%s is ready.", r->host_name);
    else if (strcmp(r->kind, "plan") == 0)
        (void)snprintf(o->summary, sizeof o->summary, "%s was looked at.", r->host_name);
    else
        (void)snprintf(o->summary, sizeof o->summary, "%s is live on %s and was seen healthy.",
                       r->version, r->host_name);
    (void)snprintf(o->left_as, sizeof o->left_as, "%s",
                   release ? "The new release serves, proven healthy." : "");
}

static const char *say(const struct runner *r, const char *key)
{
    const char *text = json_string_value(json_object_get(r->says, key));
    return text == NULL ? "" : text;
}

/* A job that makes no release: it did what it is for, or it did not. Nothing is put back. */
static void judge_operation(const struct runner *r, const struct step *bad, struct outcome *o)
{
    if (bad == NULL) {
        o->verdict = "ok";
        (void)snprintf(o->summary, sizeof o->summary, "%.500s", say(r, "good"));
        (void)snprintf(o->left_as, sizeof o->left_as, "%.390s", say(r, "left_good"));
        return;
    }
    judge_early(bad, o);
    if (bad->state == STEP_PENDING)
        (void)snprintf(o->summary, sizeof o->summary, "Cancelled.");
    (void)snprintf(o->left_as, sizeof o->left_as, "%.390s",
                   has_switched(r) ? say(r, "left_bad") : "Nothing was changed.");
}

/* The release was proven here, and another server failed. */
static void judge_held_back(struct runner *r, struct outcome *o)
{
    const struct step elsewhere = {.state = STEP_FAILED,
                                   .cause = "This server was switched and healthy, and goes back "
                                            "because the deploy did not succeed everywhere."};
    judge_undo(r, &elsewhere, o);
}

/* It serves no release itself. */
static void judge_balancer(const struct runner *r, const struct step *bad, struct outcome *o)
{
    o->verdict = bad == NULL ? "ok" : bad->state == STEP_UNKNOWN ? "unknown" : "failed";
    (void)snprintf(o->summary, sizeof o->summary, "%.400s",
                   bad == NULL                  ? "The load balancer is as the servers are."
                   : bad->state == STEP_PENDING ? "Cancelled."
                                                : bad->cause);
    (void)snprintf(o->left_as, sizeof o->left_as, "%s",
                   bad == NULL ? "It sends requests to the servers that serve."
                               : "A server that was taken out stays out until the next deploy.");
    (void)r;
}

static void judge(struct runner *r, struct step *bad, struct outcome *o)
{
    if (r->is_balancer) {
        judge_balancer(r, bad, o);
    } else if (r->says != NULL) {
        judge_operation(r, bad, o);
    } else if (bad == NULL) {
        judge_good(r, o);
    } else if (is_proven(r)) {
        o->verdict = "degraded";
        (void)snprintf(o->summary, sizeof o->summary,
                       "%s is live and healthy, but \"%s\" did not work: %.300s", r->version,
                       bad->title, bad->cause);
        (void)snprintf(o->left_as, sizeof o->left_as, "The new release serves, proven healthy.");
    } else if (!has_switched(r)) {
        judge_early(bad, o);
    } else if (bad->state == STEP_UNKNOWN) {
        o->verdict = "unknown";
        (void)snprintf(o->summary, sizeof o->summary, "%.500s", bad->cause);
        (void)snprintf(o->left_as, sizeof o->left_as,
                       "The switch was begun; which release serves is not known.");
    } else {
        judge_undo(r, bad, o);
    }
}

/* --- the lock
 * --------------------------------------------------------------------------------------------- */

static struct step *find_mode(struct runner *r, enum step_mode mode)
{
    for (int i = 0; i < r->step_count; i++)
        if (r->steps[i].mode == mode)
            return &r->steps[i];
    return NULL;
}

static void release_lock(struct runner *r, struct outcome *o)
{
    const struct step *lock = find_mode(r, MODE_LOCK);
    struct step *unlock = find_mode(r, MODE_UNLOCK);
    bool ours = lock != NULL && lock->state == STEP_OK;
    if (r->gone || unlock == NULL || has_ended_well(unlock) || !ours)
        return;
    if (!ssh_alive(r->ssh) && r->lost_since != 0)
        return; /* the host could not be asked a moment ago; the next job takes the lock over */
    run_step(r, unlock, strcmp(o->verdict, "unknown") != 0);
    if (unlock->state == STEP_OK)
        return;
    if (strcmp(o->verdict, "live") == 0)
        o->verdict = "degraded";
    size_t used = strlen(o->left_as);
    (void)snprintf(o->left_as + used, sizeof o->left_as - used,
                   " The lock on the server could not be released: %.200s", unlock->cause);
}

static void note_server(struct runner *r)
{
    if (r->refused == SSH_FAULT_HOST_KEY) {
        json_decref(r->server);
        r->server = json_pack("{s:s, s:s}", "state", "key_changed", "print", r->seen_print);
    } else if (r->server == NULL && strcmp(r->kind, "check") == 0) {
        r->server = json_pack("{s:s}", "state",
                              r->refused == SSH_FAULT_NONE && !r->ever_connected ? "unreachable"
                                                                                 : "failing");
    }
}

void plan_run(struct runner *r)
{
    struct outcome o = {.verdict = "unknown"};
    struct step *bad = run_forward(r);
    if (r->gone)
        return;
    if (r->undo_asked)
        judge_held_back(r, &o);
    else
        judge(r, bad, &o);
    if (r->gone)
        return;
    release_lock(r, &o);
    note_server(r);
    if (!r->gone)
        wire_end(r, o.verdict, o.summary, o.left_as);
}

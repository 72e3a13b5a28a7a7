/* Whose turn it is, and what those that are proven wait for: the rules of lib/domain/rollout.h,
 * asked with the states of this job's hosts. All of them can be read off the rows, so a supervisor
 * that takes over comes to the same answers; a pause between groups begins again with it. */
#include <stdlib.h>
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "worker/run.h"

#define HELD_WATCH_MS ((int64_t)10 * 60 * 1000)

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static bool is_undo(const json_t *spec)
{
    return str_equal(text_of(spec, "phase"), "undo");
}

void run_set_rollout(struct run *run)
{
    const json_t *rollout = json_object_get(run->plan, "rollout");
    run->rollout = rollout_of_json(rollout);
    if (!json_is_object(rollout)) /* a kind whose hosts have nothing to go back to */
        run->rollout.on_failure = ROLLOUT_STOP;
    run->app_count = 0;
    for (int h = 0; h < run->host_count; h++) {
        const json_t *host = json_array_get(json_object_get(run->plan, "hosts"), (size_t)h);
        run->turns[h].is_balancer = str_equal(text_of(host, "role"), "lb");
        run->app_count += !run->turns[h].is_balancer;
    }
    run->holds = run->app_count > 1 && run->rollout.on_failure == ROLLOUT_GO_BACK;
    run->last_witness = -1;
    for (int i = 0; i < run->step_count; i++) {
        const json_t *spec = run_step_spec(run, i);
        bool witness = json_is_true(json_object_get(spec, "witness"))
                       || str_equal(text_of(spec, "mode"), "health");
        run->witness[i] = witness && !is_undo(spec);
        if (run->witness[i])
            run->last_witness = i;
    }
}

bool turn_is_proven(const struct turn *turn)
{
    bool seen = false;
    for (int i = 0; i <= turn->run->last_witness; i++) {
        enum step_state state = turn->steps[i].state;
        if (state != STEP_OK && state != STEP_SKIPPED)
            return false;
        seen = seen || (turn->run->witness[i] && state == STEP_OK);
    }
    return seen;
}

/* Whether a step behind the witnesses was begun (undo false), or one that leads back. */
static bool has_begun(const struct turn *turn, bool undo)
{
    for (int i = turn->run->last_witness + 1; i < turn->run->step_count; i++) {
        enum step_state state = turn->steps[i].state;
        if (is_undo(run_step_spec(turn->run, i)) == undo && state != STEP_PENDING
            && state != STEP_SKIPPED)
            return true;
    }
    return false;
}

static enum rollout_host state_of(const struct turn *turn)
{
    bool is_in = run_is_in(turn->run, turn->host) || run_balancer_failed(turn->run);
    if (turn->verdict[0] != '\0' && !run_is_good(turn->verdict))
        return ROLLOUT_BAD;
    if (turn->verdict[0] != '\0') /* the next ones wait until requests come to it again */
        return is_in ? ROLLOUT_PASSED : ROLLOUT_UNDER_WAY;
    if (turn->phase == TURN_WAITING)
        return ROLLOUT_WAITING;
    if (turn->is_held)
        return is_in ? ROLLOUT_HELD : ROLLOUT_UNDER_WAY;
    if (!turn->run->holds || !turn_is_proven(turn))
        return ROLLOUT_UNDER_WAY;
    if (turn->goes_back || has_begun(turn, true))
        return ROLLOUT_BAD;
    return has_begun(turn, false) ? ROLLOUT_PASSED : ROLLOUT_UNDER_WAY;
}

static void read_states(const struct run *run, enum rollout_host states[RUN_HOSTS_MAX])
{
    for (int h = 0; h < run->app_count; h++)
        states[h] = state_of(&run->turns[h]);
}

static void release_held(struct turn *turn, bool back)
{
    struct err err = {0};
    turn->is_held = false;
    turn->goes_back = back;
    turn->watch_at = clock_mono_ms() + HELD_WATCH_MS;
    if (back)
        journal_words(&turn->run->journal, turn->host, -1,
                      "The deploy does not succeed everywhere: this server goes back.");
    if (link_send(&turn->link, json_pack("{s:s}", "t", back ? "undo" : "finish"), &err) != 0)
        turn_lost(turn);
}

enum rollout_decision run_decision(const struct run *run)
{
    enum rollout_host states[RUN_HOSTS_MAX];
    if (run->finishing)
        return ROLLOUT_FINISH;
    read_states(run, states);
    return rollout_decide(states, run->app_count, run->cancel > 0 || run_balancer_failed(run));
}

void run_settle_held(struct run *run)
{
    if (!run->holds)
        return;
    enum rollout_decision decision = run_decision(run);
    run->finishing = decision == ROLLOUT_FINISH;
    for (int h = 0; decision != ROLLOUT_HOLD && h < run->app_count; h++) {
        bool back = decision == ROLLOUT_BACK;
        if (run->turns[h].is_held && (!back || run_may_undo(run, h)))
            release_held(&run->turns[h], back);
    }
}

bool run_will_begin(const struct run *run, int app)
{
    enum rollout_host states[RUN_HOSTS_MAX];
    if (run->cancel > 0 || run_balancer_failed(run))
        return false;
    read_states(run, states);
    for (int h = 0; h < run->app_count; h++) {
        if (states[h] == ROLLOUT_BAD
            && ((h == 0 && !run->rollout.no_canary) || run->rollout.on_failure != ROLLOUT_CONTINUE))
            return false;
    }
    return states[app] == ROLLOUT_WAITING;
}

/* The pause before the next group; the canary and those that go on after a restart have none. */
static bool is_pausing(struct run *run, int first)
{
    int64_t now = clock_mono_ms();
    if (run->rollout.wait_s == 0 || first == 0)
        return false;
    if (run->group_at == 0) {
        run->group_at = now + (int64_t)run->rollout.wait_s * 1000;
        journal_words(&run->journal, -1, -1, "The next servers begin in %d s.",
                      run->rollout.wait_s);
    }
    return now < run->group_at;
}

/* Load balancers go on for as long as the job does; app servers begin when they are out of them. */
static void begin_next(struct run *run)
{
    for (int h = run->app_count; h < run->host_count; h++) {
        if (run->turns[h].phase == TURN_WAITING)
            turn_begin(&run->turns[h]);
    }
    for (int h = run->next_first; h < run->next_end; h++) {
        if (run->turns[h].phase == TURN_WAITING && run_is_out(run, h))
            turn_begin(&run->turns[h]);
    }
}

bool run_begin_turns(struct run *run)
{
    enum rollout_host states[RUN_HOSTS_MAX];
    int first, end;
    bool under_way = false, begun = false;
    for (int h = 0; h < run->host_count; h++) {
        under_way = under_way || turn_is_under_way(&run->turns[h]);
        begun = begun || run->turns[h].phase != TURN_WAITING;
    }
    read_states(run, states);
    run->next_first = run->next_end = 0;
    if ((run->cancel > 0 && begun) || run_balancer_failed(run)
        || !rollout_next(&run->rollout, states, run->app_count, &first, &end)) {
        run->group_at = 0;
        return under_way;
    }
    if (is_pausing(run, first))
        return true;
    run->next_first = first;
    run->next_end = end;
    begin_next(run);
    if (run->turns[end - 1].phase != TURN_WAITING)
        run->group_at = 0;
    return true;
}

/* Load balancers in a job: each is a host with a turn of its own, which goes on for as long as the
 * job does. Its steps are in the plan's order, and before each its runner waits for a word: that
 * app server may be taken out now, may be put back, or the step is not wanted.
 *
 *     out       before the turn of an app server begins
 *     in        once that is proven, or serves the old release; never for one that may serve
 *               nothing: it stays out, and the verdict says so
 *     back_out  before one that serves the new release goes back
 *     back_in   once it is proven that it did
 *     tidy      when all of them are live
 *
 * The word follows from the states of hosts and steps alone, so a supervisor that takes over gives
 * the same. */
#include "lib/base/str.h"
#include "worker/run.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static bool has_failed(const struct turn *balancer)
{
    return balancer->verdict[0] != '\0' && !run_is_good(balancer->verdict);
}

bool run_balancer_failed(const struct run *run)
{
    for (int h = run->app_count; h < run->host_count; h++) {
        if (has_failed(&run->turns[h]))
            return true;
    }
    return false;
}

/* The state of a step of this kind for this app server, on one balancer. */
static enum step_state state_on(const struct turn *balancer, const char *word, int app)
{
    const struct run *run = balancer->run;
    for (int i = 0; i < run->step_count; i++) {
        const json_t *spec = run_step_spec(run, i);
        if (str_equal(text_of(spec, "balancer"), word)
            && json_integer_value(json_object_get(spec, "of")) == app)
            return balancer->steps[i].state;
    }
    return STEP_UNKNOWN;
}

/* Done on every balancer; true when there is none. */
static bool is_done(const struct run *run, const char *word, int app)
{
    for (int h = run->app_count; h < run->host_count; h++) {
        if (state_on(&run->turns[h], word, app) != STEP_OK)
            return false;
    }
    return true;
}

bool run_is_out(const struct run *run, int app)
{
    return is_done(run, "out", app);
}

bool run_is_in(const struct run *run, int app)
{
    return is_done(run, "in", app);
}

bool run_may_undo(const struct run *run, int app)
{
    if (run->app_count == run->host_count || run_balancer_failed(run))
        return true;
    for (int h = run->app_count; h < run->host_count; h++) {
        const struct turn *balancer = &run->turns[h];
        enum step_state in = state_on(balancer, "in", app);
        if (in == STEP_INTENT || (in == STEP_OK && state_on(balancer, "back_out", app) != STEP_OK))
            return false;
    }
    return true;
}

/* It serves something that is known: the new release, the old one, or what it served before. */
static bool serves(const struct turn *app)
{
    return run_is_good(app->verdict) || str_equal(app->verdict, "reverted")
           || !turn_passed_switch(app);
}

static enum run_word word_out(struct run *run, const struct turn *app)
{
    if (app->phase != TURN_WAITING)
        return RUN_WORD_GO; /* begun again after a restart */
    if (app->host >= run->next_first && app->host < run->next_end)
        return RUN_WORD_GO;
    return run_will_begin(run, app->host) ? RUN_WORD_WAIT : RUN_WORD_SKIP;
}

static enum run_word word_in(struct run *run, const struct turn *balancer, const struct turn *app)
{
    if (state_on(balancer, "out", app->host) != STEP_OK)
        return RUN_WORD_SKIP;
    if (app->verdict[0] != '\0')
        return serves(app) ? RUN_WORD_GO : RUN_WORD_SKIP;
    if (app->phase == TURN_WAITING) /* it was taken out, and then nobody begins any more */
        return run_will_begin(run, app->host) ? RUN_WORD_WAIT : RUN_WORD_GO;
    return app->is_held && run_decision(run) != ROLLOUT_BACK ? RUN_WORD_GO : RUN_WORD_WAIT;
}

static enum run_word word_back_out(struct run *run, const struct turn *balancer,
                                   const struct turn *app)
{
    if (!run->holds || run->finishing || app->verdict[0] != '\0' || app->phase == TURN_WAITING
        || state_on(balancer, "in", app->host) != STEP_OK)
        return RUN_WORD_SKIP;
    if (run_decision(run) != ROLLOUT_BACK)
        return run_decision(run) == ROLLOUT_FINISH ? RUN_WORD_SKIP : RUN_WORD_WAIT;
    return app->is_held ? RUN_WORD_GO : RUN_WORD_WAIT;
}

static enum run_word word_back_in(const struct turn *balancer, const struct turn *app)
{
    if (state_on(balancer, "back_out", app->host) != STEP_OK)
        return RUN_WORD_SKIP;
    if (app->verdict[0] == '\0')
        return RUN_WORD_WAIT;
    return serves(app) ? RUN_WORD_GO : RUN_WORD_SKIP;
}

static enum run_word word_tidy(const struct run *run)
{
    for (int h = 0; h < run->app_count; h++) {
        const struct turn *app = &run->turns[h];
        if (turn_is_under_way(app))
            return RUN_WORD_WAIT;
        if (!run_is_good(app->verdict))
            return RUN_WORD_SKIP;
    }
    return RUN_WORD_GO;
}

enum run_word run_word_for(struct turn *turn, int step)
{
    struct run *run = turn->run;
    const json_t *spec = run_step_spec(run, step);
    const char *word = text_of(spec, "balancer");
    json_int_t of = json_integer_value(json_object_get(spec, "of"));
    if (word[0] == '\0' || !turn->is_balancer || str_equal(word, "prepare"))
        return RUN_WORD_GO;
    if (str_equal(word, "tidy"))
        return word_tidy(run);
    if (of < 0 || of >= run->app_count)
        return RUN_WORD_SKIP;
    const struct turn *app = &run->turns[of];
    if (str_equal(word, "out"))
        return word_out(run, app);
    if (str_equal(word, "in"))
        return word_in(run, turn, app);
    return str_equal(word, "back_out") ? word_back_out(run, turn, app) : word_back_in(turn, app);
}

/* The verdict over a job's hosts, in one sentence for each thing that was seen: what failed where,
 * and what every host serves now. A mix of releases is never called a success, and `reverted` only
 * what is proven on each host that was switched. */
#include "worker/run.h"

#include <stdio.h>
#include <string.h>
#include "lib/base/buf.h"
#include "lib/base/str.h"

#define NAMES_MAX 3

/* How a host stands at the end. */
enum left { LEFT_GOOD = 0, LEFT_UNTOUCHED, LEFT_EARLY, LEFT_REVERTED, LEFT_BAD, LEFT_UNKNOWN };

bool run_is_good(const char *verdict)
{
    return strcmp(verdict, "live") == 0 || strcmp(verdict, "degraded") == 0
           || strcmp(verdict, "ok") == 0;
}

bool turn_passed_switch(const struct turn *turn)
{
    for (int i = 0; i < turn->run->step_count; i++) {
        enum step_state state = turn->steps[i].state;
        if (json_is_true(json_object_get(run_step_spec(turn->run, i), "point_of_no_return"))
            && state != STEP_PENDING && state != STEP_SKIPPED)
            return true;
    }
    return false;
}

bool turn_is_undone(const struct turn *turn)
{
    int undone = 0;
    for (int i = 0; i < turn->run->step_count; i++) {
        const char *phase =
            json_string_value(json_object_get(run_step_spec(turn->run, i), "phase"));
        enum step_state state = turn->steps[i].state;
        if (!str_equal(phase, "undo"))
            continue;
        if (state != STEP_OK && state != STEP_SKIPPED)
            return false;
        undone += state == STEP_OK;
    }
    return undone > 0;
}

static enum left left_of(const struct turn *turn)
{
    if (turn->verdict[0] == '\0')
        return LEFT_UNTOUCHED;
    if (run_is_good(turn->verdict))
        return LEFT_GOOD;
    if (strcmp(turn->verdict, "unknown") == 0)
        return LEFT_UNKNOWN;
    if (!turn_passed_switch(turn))
        return turn_is_untouched(turn) ? LEFT_UNTOUCHED : LEFT_EARLY;
    return strcmp(turn->verdict, "reverted") == 0 ? LEFT_REVERTED : LEFT_BAD;
}

/* The cause of the first step that did not end well, for a host whose runner gave no summary (it
 * was read back from the database). */
static const char *first_cause(const struct turn *turn)
{
    for (int i = 0; i < turn->run->step_count; i++) {
        if (turn->steps[i].state > STEP_OK && turn->steps[i].cause != NULL)
            return turn->steps[i].cause;
    }
    return "";
}

static const char *said_of(const struct turn *turn)
{
    return turn->summary != NULL ? turn->summary : first_cause(turn);
}

/* The host that the others ended for: the first bad one that did not only go back with them. NULL:
 * there is none. */
static const struct turn *find_culprit(const struct run *run)
{
    for (int h = 0; h < run->host_count; h++) {
        const struct turn *turn = &run->turns[h];
        if (turn->verdict[0] != '\0' && !run_is_good(turn->verdict) && !turn_is_proven(turn))
            return turn;
    }
    return NULL;
}

/* "web1, web2, web3 and 4 more" of those that are left so; the count. */
static int name_hosts(const struct run *run, enum left which, struct buf *out)
{
    int count = 0;
    for (int h = 0; h < run->app_count; h++) {
        if (left_of(&run->turns[h]) != which)
            continue;
        if (count++ < NAMES_MAX)
            buf_printf(out, "%s%.40s", count > 1 ? ", " : "", run_host_name(run, h));
    }
    if (count > NAMES_MAX)
        buf_printf(out, " and %d more", count - NAMES_MAX);
    return count;
}

static void say_left(const struct run *run, enum left which, const char *before, const char *after,
                     struct buf *out)
{
    struct buf names;
    buf_init(&names, RUN_TEXT);
    if (name_hosts(run, which, &names) > 0)
        buf_printf(out, " %s%s%s", before, names.data, after);
    buf_deinit(&names);
}

/* What failed (NULL: nothing did, and somebody cancelled), and then what is where. */
static void say_hosts(struct run *run, const struct turn *culprit)
{
    struct buf text;
    buf_init(&text, 2 * (size_t)RUN_TEXT);
    if (culprit == NULL)
        buf_add_str(&text, "Cancelled before all servers were done.");
    else
        buf_printf(&text, "%.40s: %.240s", run_host_name(run, culprit->host), said_of(culprit));
    say_left(run, LEFT_GOOD, "The new release serves on ", ".", &text);
    say_left(run, LEFT_REVERTED, "The old release serves again, proven, on ", ".", &text);
    say_left(run, LEFT_EARLY, "Nothing that serves was changed on ", ".", &text);
    say_left(run, LEFT_BAD, "Look at ", ": it is not proven that a release serves there.", &text);
    say_left(run, LEFT_UNKNOWN, "What serves is not known on ", ".", &text);
    say_left(run, LEFT_UNTOUCHED, "Not touched: ", ".", &text);
    (void)str_copy(run->summary, sizeof run->summary, text.data);
    buf_deinit(&text);
}

/* Of a job that puts nothing live. */
static void say_count(struct run *run, const struct turn *culprit, int good)
{
    snprintf(run->summary, sizeof run->summary,
             "%d of %d servers are as they should be.%s%.40s%s%.400s", good, run->app_count,
             culprit == NULL ? "" : " ", culprit == NULL ? "" : run_host_name(run, culprit->host),
             culprit == NULL ? "" : ": ", culprit == NULL ? "" : said_of(culprit));
}

static const char *verdict_of(const int counts[LEFT_UNKNOWN + 1], const struct turn *culprit)
{
    if (counts[LEFT_UNKNOWN] > 0)
        return "unknown";
    if (culprit == NULL || strcmp(culprit->verdict, "cancelled") == 0)
        return "cancelled";
    if (counts[LEFT_GOOD] > 0 || counts[LEFT_BAD] > 0 || counts[LEFT_REVERTED] == 0)
        return "failed";
    return "reverted";
}

static void decide_good(struct run *run)
{
    const char *version = json_string_value(json_object_get(run->release, "version"));
    const struct turn *shown = &run->turns[run->app_count - 1];
    for (int h = 0; h < run->app_count; h++) {
        if (strcmp(run->turns[h].verdict, "degraded") == 0) {
            shown = &run->turns[h];
            break;
        }
    }
    (void)str_copy(run->verdict, sizeof run->verdict, shown->verdict);
    if (run->app_count > 1 && strcmp(shown->verdict, "live") == 0 && version != NULL)
        snprintf(run->summary, sizeof run->summary,
                 "%.200s is live on %d servers, and each was seen healthy.", version,
                 run->app_count);
    else if (run->app_count > 1 && !json_is_object(run->release))
        say_count(run, NULL, run->app_count);
    else
        (void)str_copy(run->summary, sizeof run->summary, said_of(shown));
}

void run_decide(struct run *run)
{
    const struct turn *culprit = find_culprit(run);
    int counts[LEFT_UNKNOWN + 1] = {0};
    for (int h = 0; h < run->app_count; h++)
        counts[left_of(&run->turns[h])]++;
    if (counts[LEFT_GOOD] == run->app_count && culprit == NULL) {
        decide_good(run);
    } else if (run->host_count == 1) { /* its verdict is the job's, whatever it is */
        (void)str_copy(run->verdict, sizeof run->verdict, run->turns[0].verdict);
        (void)str_copy(run->summary, sizeof run->summary, said_of(&run->turns[0]));
    } else {
        (void)str_copy(run->verdict, sizeof run->verdict, verdict_of(counts, culprit));
        if (json_is_object(run->release))
            say_hosts(run, culprit);
        else
            say_count(run, culprit, counts[LEFT_GOOD]);
    }
    run->phase = RUN_ENDING;
    run->wake_at = 0;
}

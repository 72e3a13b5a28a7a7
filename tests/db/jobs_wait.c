/* jobs_wait.c - what a queued job waits for is what the claim waits for: for every mix of lock
 * classes the job that is said to be in the way is one after whose end this one is claimed. */
#include "tests/tap.h"

#include <jansson.h>
#include "db/jobs_wait.h"
#include "lib/base/attr.h"

static json_t *rows;

static void add(const char *id, const char *env, const char *lock_class, const char *state)
{
    json_array_append_new(rows, json_pack("{s:s, s:s*, s:s, s:s, s:i}", "id", id, "env_id", env,
                                          "lock_class", lock_class, "state", state, "serial",
                                          (int)json_array_size(rows) + 1));
}

static void clear(void)
{
    json_decref(rows);
    rows = json_array();
}

/* "running a", "older b", "turn", "down", "not" */
static const char *waits(const char *id, bool worker_runs)
{
    static const char *const NAMES[] = {"not", "down", "running", "older", "turn"};
    static char text[40];
    json_t *job = json_pack("{s:s}", "id", id);
    struct job_waiting waiting = job_waits_for(rows, job, worker_runs);
    json_decref(job);
    snprintf(text, sizeof text, "%s%s%s", NAMES[waiting.why], waiting.other == NULL ? "" : " ",
             waiting.other == NULL ? "" : json_string_value(json_object_get(waiting.other, "id")));
    return text;
}

static void a_running_job_in_the_way_is_named_first(void)
{
    clear();
    add("a", "e", "exclusive", "queued");
    add("b", "e", "shared", "running");
    add("c", "e", "exclusive", "queued");
    add("d", "e", "shared", "queued");
    CHECK_STR(waits("c", true), "running b");
    CHECK_STR(waits("a", true), "running b");
    CHECK_STR(waits("d", true), "older a"); /* beside a shared one it could run */
    CHECK_STR(waits("b", true), "not");
}

static void an_older_queued_one_is_named(void)
{
    clear();
    add("a", "e", "shared", "queued");
    add("b", "e", "exclusive", "queued");
    add("c", "e", "shared", "queued");
    add("d", "f", "exclusive", "queued");
    CHECK_STR(waits("a", true), "turn");
    CHECK_STR(waits("b", true), "older a");
    CHECK_STR(waits("c", true), "older b");
    CHECK_STR(waits("d", true), "turn"); /* another environment's */
}

static void nothing_stands_in_the_way_of_a_check(void)
{
    clear();
    add("a", "e", "exclusive", "running");
    add("b", "e", "none", "queued");
    add("c", NULL, "none", "queued");
    add("d", "e", "exclusive", "queued");
    CHECK_STR(waits("b", true), "turn");
    CHECK_STR(waits("c", true), "turn");
    CHECK_STR(waits("d", true), "running a"); /* nor does the check in anybody's */
    CHECK_STR(waits("gone", true), "not");
}

static void without_a_worker_that_is_the_reason(void)
{
    clear();
    add("a", "e", "exclusive", "running");
    add("b", "e", "exclusive", "queued");
    CHECK_STR(waits("b", false), "down");
    CHECK_STR(waits("a", false), "not");
}

int main(void)
{
    TAP_RUN(a_running_job_in_the_way_is_named_first);
    TAP_RUN(an_older_queued_one_is_named);
    TAP_RUN(nothing_stands_in_the_way_of_a_check);
    TAP_RUN(without_a_worker_that_is_the_reason);
    json_decref(rows);
    return tap_done();
}

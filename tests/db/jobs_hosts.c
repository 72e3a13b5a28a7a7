/* jobs_hosts.c - a job on several hosts: canary, groups, and what becomes of those that were
 * switched when one fails. With a stand-in for the runner.
 *
 * Steps of the release recipe: 8 switch, 9 restart, 10 health, 11 prune, 13 switch_back. */
#include "tests/db/supervised_fixture.h"

static void world_rollout(struct world *w, int servers, const char *share, const char *failure)
{
    world_make(w, servers);
    sqlf(w,
         "UPDATE environment SET settings = json_set(settings, '$.rollout', '%s', "
         "'$.rollout_failure', '%s')",
         share, failure);
}

static const char *hosts_of(struct world *w)
{
    return ask_sql(w, "SELECT group_concat(coalesce(verdict, '-')) FROM (SELECT h.verdict FROM "
                      "job_host h JOIN job j ON j.id = h.job_id WHERE j.serial = (SELECT "
                      "max(serial) FROM job) ORDER BY h.host)");
}

static const char *summary_of(struct world *w)
{
    return ask_sql(w, "SELECT summary FROM job ORDER BY serial DESC LIMIT 1");
}

/* Nothing was done twice on any host. */
static bool nothing_ran_twice(struct world *w)
{
    char line[64];
    for (int h = 1; h < 6; h++) {
        for (int k = 0; k < 16; k++) {
            snprintf(line, sizeof line, "ran %d@%d", k, h);
            if (count_lines(w->target, line) > 1) {
                printf("# step %d ran %d times on host %d\n", k, count_lines(w->target, line), h);
                return false;
            }
        }
    }
    return no_step_ran_twice(w);
}

static void nobody_begins_before_the_canary_is_proven(void)
{
    struct world w;
    world_rollout(&w, 5, "100%", "go back");
    world_worker(&w, "");
    CHECK(wait_verdict(&w, world_deploy(&w), "live"));
    CHECK_STR(hosts_of(&w), "live,live,live,live,live");
    CHECK_STR(ask_sql(&w, "SELECT (SELECT min(started_at) FROM job_step WHERE host > 0) >= "
                          "(SELECT ended_at FROM job_step WHERE host = 0 AND name = 'health')"),
              "1");
    CHECK_STR(summary_of(&w), "1.0.0 is live on 5 servers, and each was seen healthy.");
    CHECK(nothing_ran_twice(&w));
    world_end(&w);
}

static void groups_follow_each_other_and_their_hosts_go_at_the_same_time(void)
{
    struct world w;
    world_rollout(&w, 5, "2", "go back");
    sqlf(&w, "UPDATE environment SET settings = json_set(settings, '$.rollout_wait_s', 1)");
    world_worker(&w, "");
    CHECK(wait_verdict(&w, world_deploy(&w), "live"));
    CHECK_STR(ask_sql(&w, "SELECT (SELECT min(started_at) FROM job_step WHERE host IN (3, 4)) - "
                          "(SELECT max(ended_at) FROM job_step WHERE host IN (1, 2) AND name = "
                          "'health') >= 1000"),
              "1");
    CHECK_STR(ask_sql(&w, "SELECT (SELECT min(started_at) FROM job_step WHERE host = 2) < "
                          "(SELECT ended_at FROM job_step WHERE host = 1 AND name = 'health')"),
              "1");
    world_end(&w);
}

static void the_way_back_stays_open_until_all_are_proven(void)
{
    struct world w;
    world_rollout(&w, 3, "1", "go back");
    world_worker(&w, "");
    CHECK(wait_verdict(&w, world_deploy(&w), "live"));
    CHECK_STR(ask_sql(&w, "SELECT (SELECT min(started_at) FROM job_step WHERE name = 'prune') >= "
                          "(SELECT max(ended_at) FROM job_step WHERE name = 'health')"),
              "1");
    world_end(&w);
}

static void a_failure_takes_back_those_that_were_switched(void)
{
    struct world w;
    world_rollout(&w, 4, "1", "go back");
    world_worker(&w, "fail:10@2");
    const char *job = world_deploy(&w);
    CHECK(wait_verdict(&w, job, "reverted"));
    CHECK_STR(hosts_of(&w), "reverted,reverted,reverted,-");
    CHECK_STR(ask_sql(&w, "SELECT outcome FROM release"), "reverted");
    CHECK_STR(ask_sql(&w, "SELECT group_concat(state) FROM (SELECT state FROM job_step WHERE name "
                          "IN ('switch_back', 'prune') AND host < 2 ORDER BY host, step)"),
              "skipped,ok,skipped,ok");
    CHECK_STR(summary_of(&w), "srv3: As seen by the stand-in; *** The old release serves again, "
                              "proven, on srv1, srv2, srv3. Not touched: srv4.");
    CHECK(nothing_ran_twice(&w));
    world_end(&w);
}

static void one_that_does_not_come_back_is_named_and_nothing_is_called_reverted(void)
{
    struct world w;
    world_rollout(&w, 3, "1", "go back");
    world_worker(&w, "fail:10@2 fail:15@0");
    CHECK(wait_verdict(&w, world_deploy(&w), "failed"));
    CHECK_STR(hosts_of(&w), "failed,reverted,reverted");
    CHECK(strstr(summary_of(&w), "Look at srv1") != NULL);
    CHECK(strstr(env_state(&w), "reverted") == NULL);
    world_end(&w);
}

static void a_mix_of_releases_is_never_a_success(void)
{
    struct world w;
    world_rollout(&w, 4, "1", "stop");
    world_worker(&w, "fail:10@2");
    CHECK(wait_verdict(&w, world_deploy(&w), "failed"));
    CHECK_STR(hosts_of(&w), "live,live,reverted,-");
    CHECK_STR(summary_of(&w), "srv3: As seen by the stand-in; *** The new release serves on srv1, "
                              "srv2. The old release serves again, proven, on srv3. Not touched: "
                              "srv4.");
    world_end(&w);
}

static void told_to_continue_the_others_go_on(void)
{
    struct world w;
    world_rollout(&w, 4, "1", "continue");
    world_worker(&w, "fail:10@1");
    CHECK(wait_verdict(&w, world_deploy(&w), "failed"));
    CHECK_STR(hosts_of(&w), "live,reverted,live,live");
    world_kill(&w, SIGTERM);
    unlink(w.target);
    world_worker(&w, "fail:10@0");
    CHECK(wait_verdict(&w, world_deploy(&w), "reverted"));
    CHECK_STR(hosts_of(&w), "reverted,-,-,-"); /* the canary stops all the same */
    world_end(&w);
}

/* All of host 1's steps up to the witness have ended, and its runner waits. */
static bool wait_held(struct world *w)
{
    return wait_sql(w, "ok", "SELECT state FROM job_step WHERE host = 1 AND name = 'health'")
           && wait_line(w->events, "host 2 go 10");
}

static void a_supervisor_that_takes_over_decides_the_same(void)
{
    static const char *const plans[] = {"", "fail:10@2"};
    static const char *const verdicts[] = {"live", "reverted"};
    for (int i = 0; i < 2; i++) {
        struct world w;
        world_rollout(&w, 3, "1", "go back");
        world_worker(&w, "hang:10@2");
        const char *job = world_deploy(&w);
        CHECK(wait_held(&w));
        world_kill(&w, SIGKILL);
        world_worker(&w, plans[i]);
        CHECK(wait_verdict(&w, job, verdicts[i]));
        CHECK(strcmp(hosts_of(&w), i == 0 ? "live,live,live" : "reverted,reverted,reverted") == 0);
        CHECK(nothing_ran_twice(&w));
        world_end(&w);
    }
}

static void killed_while_they_go_back_they_still_do(void)
{
    struct world w;
    world_rollout(&w, 3, "1", "go back");
    world_worker(&w, "fail:10@2 hang:16@0");
    const char *job = world_deploy(&w);
    CHECK(wait_line(w.events, "host 0 go 16"));
    CHECK(wait_sql(&w, "reverted", "SELECT verdict FROM job_host WHERE host = 1"));
    world_kill(&w, SIGKILL);
    world_worker(&w, "");
    CHECK(wait_verdict(&w, job, "reverted"));
    CHECK_STR(hosts_of(&w), "reverted,reverted,reverted");
    CHECK(nothing_ran_twice(&w));
    world_end(&w);
}

static void a_cancel_takes_back_those_that_were_switched(void)
{
    struct world w;
    world_rollout(&w, 4, "1", "go back");
    world_worker(&w, "hang:4@2");
    const char *job = world_deploy(&w);
    CHECK(wait_line(w.events, "host 2 go 4"));
    sqlf(&w, "UPDATE job SET cancel = 1 WHERE id = '%s'", job);
    world_poke(&w);
    CHECK(wait_verdict(&w, job, "cancelled"));
    CHECK_STR(hosts_of(&w), "reverted,reverted,cancelled,-");
    world_end(&w);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "-x") == 0)
        return fake_runner();
    TAP_RUN(nobody_begins_before_the_canary_is_proven);
    TAP_RUN(groups_follow_each_other_and_their_hosts_go_at_the_same_time);
    TAP_RUN(the_way_back_stays_open_until_all_are_proven);
    TAP_RUN(a_failure_takes_back_those_that_were_switched);
    TAP_RUN(one_that_does_not_come_back_is_named_and_nothing_is_called_reverted);
    TAP_RUN(a_mix_of_releases_is_never_a_success);
    TAP_RUN(told_to_continue_the_others_go_on);
    TAP_RUN(a_supervisor_that_takes_over_decides_the_same);
    TAP_RUN(killed_while_they_go_back_they_still_do);
    TAP_RUN(a_cancel_takes_back_those_that_were_switched);
    return tap_done();
}

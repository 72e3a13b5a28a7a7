/* jobs_supervised.c - the supervisor with a stand-in for the runner: verdicts, what they mean for
 * the environment, refusals, cancel, order of jobs and hosts. */
#include "tests/db/supervised_fixture.h"

static void a_deploy_goes_live_and_everything_is_written(void)
{
    struct world w;
    world_make(&w, 1);
    world_worker(&w, "");
    const char *job = world_deploy(&w);
    CHECK(wait_verdict(&w, job, "live"));
    CHECK_STR(env_state(&w), "live 1");
    CHECK_STR(ask_sql(&w, "SELECT outcome FROM release"), "live");
    CHECK_STR(ask_sql(&w, "SELECT state || verdict FROM job_host"), "endedlive");
    CHECK_STR(ask_sql(&w, "SELECT count(*) FROM job_step WHERE state NOT IN ('ok', 'skipped')"),
              "0");
    CHECK_STR(ask_sql(&w, "SELECT verb || result FROM audit_event ORDER BY seq DESC LIMIT 1"),
              "deploy.liveok");
    CHECK(wait_sql(&w, "1",
                   "SELECT count(*) FROM audit_head WHERE seq = (SELECT max(seq) FROM "
                   "audit_event)"));
    CHECK(no_step_ran_twice(&w));
    world_end(&w);
}

static void the_log_is_whole_and_holds_no_secret(void)
{
    struct world w;
    world_make(&w, 1);
    world_worker(&w, "fail:10");
    const char *job = world_deploy(&w);
    CHECK(wait_verdict(&w, job, "reverted"));
    world_kill(&w, SIGTERM);
    char *log = world_log(&w, job);
    CHECK(strstr(log, "topsecret") == NULL);
    CHECK(strstr(log, "output of 3 with ***") != NULL);
    const char *last = strstr(log, " - - v - {\"verdict\":\"reverted\"");
    CHECK(last != NULL && strchr(last, '\n') == log + strlen(log) - 1);
    free(log);
    CHECK_STR(ask_sql(&w, "SELECT cause FROM job_step WHERE step = 10"), "It broke: ***");
    CHECK_STR(ask_sql(&w, "SELECT summary FROM job"), "As seen by the stand-in; ***");
    CHECK_STR(ask_sql(&w, "SELECT results FROM job_step WHERE step = 3"), "{\"seen\":\"***\"}");
    world_end(&w);
}

static void it_starts_at_once(void)
{
    struct world w;
    world_make(&w, 1);
    world_worker(&w, "");
    CHECK(wait_verdict(&w, world_deploy(&w), "live"));
    int best = 1000;
    for (int i = 0; i < 3; i++) { /* the best of three: the machine may be busy */
        clock_sleep_ms(300);
        const char *job = world_deploy(&w);
        CHECK(wait_verdict(&w, job, "live"));
        int ms = (int)strtol(
            ask_sql(&w, "SELECT started_at - created_at FROM job WHERE id = '%s'", job), NULL, 10);
        best = ms < best ? ms : best;
    }
    CHECK(best <= 400); /* woken: by itself it looks once a second. The aim is 50 ms; this machine
                           is busy */
    printf("# started after %d ms (with the sqlite3 program's own start)\n", best);
    world_end(&w);
}

static void a_second_supervisor_waits_for_the_first(void)
{
    struct world w;
    world_make(&w, 1);
    world_worker(&w, "");
    CHECK(wait_verdict(&w, world_deploy(&w), "live"));
    pid_t first = w.worker;
    world_worker(&w, "hang:3");
    clock_sleep_ms(500);
    CHECK(wait_verdict(&w, world_deploy(&w), "live")); /* the first one does it */
    int status = -1;
    kill(first, SIGTERM);
    CHECK(waitpid(first, &status, 0) == first);
    program_log_check_end(status);
    world_deploy(&w);
    CHECK(wait_sql(&w, "intent",
                   "SELECT s.state FROM job_step s JOIN job j ON j.id = s.job_id WHERE "
                   "j.serial = 3 AND step = 3"));
    world_end(&w);
}

static void a_failed_health_check_is_reverted_and_the_old_release_stays(void)
{
    struct world w;
    world_make(&w, 1);
    world_worker(&w, "");
    CHECK(wait_verdict(&w, world_deploy(&w), "live"));
    world_kill(&w, SIGTERM);
    unlink(w.target);
    world_worker(&w, "fail:10");
    CHECK(wait_verdict(&w, world_deploy(&w), "reverted"));
    CHECK_STR(env_state(&w), "live 1");
    CHECK_STR(ask_sql(&w, "SELECT group_concat(outcome) FROM release"), "live,reverted");
    world_end(&w);
}

static void a_failure_before_the_switch_changes_nothing(void)
{
    struct world w;
    world_make(&w, 1);
    world_worker(&w, "");
    CHECK(wait_verdict(&w, world_deploy(&w), "live"));
    world_kill(&w, SIGTERM);
    unlink(w.target);
    world_worker(&w, "fail:5");
    const char *job = world_deploy(&w);
    CHECK(wait_verdict(&w, job, "failed"));
    CHECK_STR(env_state(&w), "live 1");
    CHECK_STR(ask_sql(&w, "SELECT group_concat(outcome) FROM release"), "live,failed");
    CHECK_STR(ask_sql(&w,
                      "SELECT count(*) FROM job_step WHERE job_id = '%s' AND step BETWEEN 6 AND "
                      "10 AND state <> 'skipped'",
                      job),
              "0");
    world_end(&w);
}

static void cancel_stops_a_running_job(void)
{
    struct world w;
    world_make(&w, 1);
    world_worker(&w, "hang:4");
    const char *job = world_deploy(&w);
    CHECK(wait_line(w.target, "ran 4"));
    sqlf(&w, "UPDATE job SET cancel = 1");
    world_poke(&w);
    CHECK(wait_verdict(&w, job, "cancelled"));
    CHECK_STR(env_state(&w), "never 0"); /* before the switch: nothing was changed */
    CHECK_STR(ask_sql(&w, "SELECT outcome FROM release"), "cancelled");
    world_end(&w);
}

static void a_queued_job_waits_its_turn_and_can_be_cancelled(void)
{
    struct world w;
    world_make(&w, 1);
    world_worker(&w, "hang:4");
    world_deploy(&w);
    CHECK(wait_line(w.target, "ran 4"));
    const char *second = world_deploy(&w);
    world_deploy(&w);
    clock_sleep_ms(1500);
    CHECK_STR(ask_sql(&w, "SELECT group_concat(state) FROM job"), "running,queued,queued");
    sqlf(&w, "UPDATE job SET cancel = 1 WHERE id = '%s'", second);
    world_poke(&w);
    CHECK(wait_verdict(&w, second, "cancelled"));
    CHECK_STR(ask_sql(&w, "SELECT outcome FROM release WHERE job_id = '%s'", second), "cancelled");
    sqlf(&w, "UPDATE job SET cancel = 1 WHERE state = 'running'");
    CHECK(wait_sql(&w, "running", "SELECT state FROM job WHERE serial = 3"));
    world_end(&w);
}

static void a_plan_that_changed_is_refused_and_named(void)
{
    struct world w;
    world_make(&w, 1);
    const char *job = world_deploy(&w);
    sqlf(&w, "INSERT INTO secret_set VALUES ('" ENV_ID "', 2, '', 1, 'u', '')");
    world_worker(&w, "");
    CHECK(wait_verdict(&w, job, "failed"));
    CHECK(strstr(ask_sql(&w, "SELECT summary FROM job"), "secret set is now s2, not s1") != NULL);
    CHECK_STR(ask_sql(&w, "SELECT outcome FROM release"), "refused");
    CHECK_STR(env_state(&w), "never 0");
    CHECK_INT(ran(&w, 0), 0);
    world_kill(&w, SIGTERM);
    char *log = world_log(&w, job);
    CHECK(strstr(log, " v - {\"verdict\":\"failed\"") != NULL);
    free(log);
    world_end(&w);
}

static void a_forged_job_is_refused(void)
{
    struct world w;
    world_make(&w, 1);
    const char *job = world_deploy(&w);
    sqlf(&w, "UPDATE job SET auth = x'00112233'");
    world_worker(&w, "");
    CHECK(wait_verdict(&w, job, "failed"));
    CHECK_STR(ask_sql(&w, "SELECT actor_kind || verb || result FROM audit_event ORDER BY seq DESC "
                          "LIMIT 1"),
              "nobodydeploy.faileddenied");
    CHECK_INT(ran(&w, 0), 0);
    world_end(&w);
}

/* The verdict, what it means for release and environment, and its event are one transaction. */
static void a_verdict_without_its_event_is_not_written(void)
{
    struct world w;
    world_make(&w, 1);
    fixture_takes_events(&w.f, false);
    world_worker(&w, "");
    const char *job = world_deploy(&w);
    CHECK(wait_sql(&w, "ended", "SELECT state FROM job_host"));
    clock_sleep_ms(1500); /* the end is tried more than once */
    CHECK_STR(ask_sql(&w, "SELECT state FROM job"), "running");
    CHECK_STR(ask_sql(&w, "SELECT outcome FROM release"), "pending");
    CHECK_STR(env_state(&w), "never 0");
    world_kill(&w, SIGTERM);
    fixture_takes_events(&w.f, true);
    world_worker(&w, "");
    CHECK(wait_verdict(&w, job, "live"));
    CHECK_STR(env_state(&w), "live 1");
    CHECK(no_step_ran_twice(&w));
    world_end(&w);
}

static void hosts_go_in_order_and_stop_at_the_first_failure(void)
{
    struct world w;
    world_make(&w, 3);
    world_worker(&w, "fail:10");
    const char *job = world_deploy(&w);
    CHECK(wait_verdict(&w, job, "reverted"));
    CHECK_STR(ask_sql(&w, "SELECT group_concat(state || coalesce(verdict, '-')) FROM job_host"),
              "endedreverted,ended-,ended-");
    CHECK_STR(ask_sql(&w, "SELECT group_concat(left_as) FROM job_host"),
              "as it should be,Not touched.,Not touched.");
    world_kill(&w, SIGTERM);
    unlink(w.target);
    world_worker(&w, "");
    CHECK(wait_verdict(&w, world_deploy(&w), "live"));
    CHECK_STR(ask_sql(&w, "SELECT group_concat(h.verdict) FROM job_host h JOIN job j ON j.id = "
                          "h.job_id WHERE j.serial = 2"),
              "live,live,live");
    world_end(&w);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "-x") == 0)
        return fake_runner();
    TAP_RUN(a_deploy_goes_live_and_everything_is_written);
    TAP_RUN(the_log_is_whole_and_holds_no_secret);
    TAP_RUN(it_starts_at_once);
    TAP_RUN(a_second_supervisor_waits_for_the_first);
    TAP_RUN(a_failed_health_check_is_reverted_and_the_old_release_stays);
    TAP_RUN(a_failure_before_the_switch_changes_nothing);
    TAP_RUN(cancel_stops_a_running_job);
    TAP_RUN(a_queued_job_waits_its_turn_and_can_be_cancelled);
    TAP_RUN(a_plan_that_changed_is_refused_and_named);
    TAP_RUN(a_forged_job_is_refused);
    TAP_RUN(a_verdict_without_its_event_is_not_written);
    TAP_RUN(hosts_go_in_order_and_stop_at_the_first_failure);
    return tap_done();
}

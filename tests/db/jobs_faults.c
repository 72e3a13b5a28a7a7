/* jobs_faults.c - the supervisor under kills at the worst moments, a locked database and a full
 * disk: no step of the target runs twice, no line of the log is lost or doubled, and nothing ends
 * green that was not seen to. */
#include <sys/mount.h>
#include "tests/db/supervised_fixture.h"
#include "worker/owner.h"

static void a_killed_runner_is_replaced(const char *plan, int times)
{
    struct world w;
    world_make(&w, 1);
    w.replaced = times;
    world_worker(&w, plan);
    const char *job = world_deploy(&w);
    char start[64];
    snprintf(start, sizeof start, "start %s", job);
    CHECK(wait_verdict(&w, job, "live"));
    CHECK(count_lines(w.events, start) > 1);
    CHECK(no_step_ran_twice(&w));
    char *log = world_log(&w, job);
    const char *once = strstr(log, "output of 5 with");
    CHECK(once != NULL && strstr(once + 1, "output of 5 with") == NULL);
    free(log);
    world_end(&w);
}

static void a_runner_killed_before_it_acts(void)
{
    a_killed_runner_is_replaced("die:5", 1);
}

static void a_runner_killed_after_it_acted(void)
{
    a_killed_runner_is_replaced("done:5", 1);
}

static void a_runner_killed_at_every_step(void)
{
    /* Steps 7 and 8 (pre_deploy and migrate) have nothing to do here, so no runner comes to them.
     */
    a_killed_runner_is_replaced("die:0 done:1 die:2 die:3 done:4 done:5 die:6 done:8 die:9 done:10",
                                9);
}

static void a_runner_that_always_dies_is_tried_again_with_pauses(void)
{
    struct world w;
    world_make(&w, 1);
    w.replaced = -1;
    world_worker(&w, "die:9 always");
    const char *job = world_deploy(&w);
    CHECK(wait_line(w.events, "go 9"));
    int64_t begun = clock_mono_ms();
    while (strcmp(ask_sql(&w, "SELECT attempts FROM job_host"), "3") != 0
           && clock_mono_ms() - begun < WAIT_MS)
        clock_sleep_ms(50);
    CHECK_STR(ask_sql(&w, "SELECT state FROM job WHERE id = '%s'", job), "running");
    CHECK_STR(ask_sql(&w, "SELECT state FROM job_step WHERE step = 9"), "intent");
    world_end(&w);
}

static void a_killed_supervisor_is_continued_by_the_next(void)
{
    static const int STEPS[] = {1, 4, 9};
    for (size_t i = 0; i < COUNT_OF(STEPS); i++) {
        int k = STEPS[i];
        struct world w;
        char plan[32], line[32];
        snprintf(plan, sizeof plan, "hang:%d", k);
        snprintf(line, sizeof line, "ran %d", k);
        world_make(&w, 1);
        world_worker(&w, plan);
        const char *job = world_deploy(&w);
        CHECK(wait_line(w.target, line)); /* after the intent, before the outcome */
        world_kill(&w, SIGKILL);
        CHECK_STR(ask_sql(&w, "SELECT state FROM job WHERE id = '%s'", job), "running");
        world_worker(&w, "");
        int64_t begun = clock_mono_ms();
        CHECK(wait_verdict(&w, job, "live"));
        CHECK(clock_mono_ms() - begun < 5000); /* not only when the lease is over */
        CHECK(no_step_ran_twice(&w));
        char *log = world_log(&w, job), want[64];
        snprintf(want, sizeof want, "output of %d with", k);
        const char *once = strstr(log, want);
        CHECK(once != NULL && strstr(once + 1, want) == NULL);
        free(log);
        world_end(&w);
    }
}

static void a_stopped_supervisor_leaves_the_job_for_the_next(void)
{
    struct world w;
    world_make(&w, 1);
    world_worker(&w, "hang:4");
    const char *job = world_deploy(&w);
    CHECK(wait_line(w.target, "ran 4"));
    int64_t begun = clock_mono_ms();
    world_kill(&w, SIGTERM);
    CHECK(clock_mono_ms() - begun < 11000);
    CHECK_STR(ask_sql(&w, "SELECT state FROM job"), "running");
    world_worker(&w, "");
    CHECK(wait_verdict(&w, job, "live"));
    CHECK(no_step_ran_twice(&w));
    world_end(&w);
}

static void a_job_taken_by_another_is_dropped(void)
{
    struct world w;
    world_make(&w, 1);
    world_worker(&w, "hang:4");
    const char *job = world_deploy(&w);
    CHECK(wait_line(w.target, "ran 4"));
    char living[JOB_OWNER_SIZE];
    owner_name(living);
    sqlf(&w, "UPDATE job SET owner = '%s', epoch = epoch + 1, lease_until = %lld", living,
         (long long)clock_now_ms() + 3600000);
    clock_sleep_ms(1500);
    CHECK_STR(ask_sql(&w, "SELECT count(*) FROM job_step WHERE state = 'intent' AND step = 4"),
              "1");
    CHECK_STR(ask_sql(&w, "SELECT state FROM job WHERE id = '%s'", job), "running");
    world_end(&w);
}

static void a_killed_mask_is_replaced_and_the_log_is_whole(void)
{
    struct world w;
    world_make(&w, 1);
    world_worker(&w, "hang:5");
    const char *job = world_deploy(&w);
    CHECK(wait_line(w.target, "ran 5"));
    clock_sleep_ms(100);
    pid_t mask = child_of(&w, "mask");
    w.replaced = 1;
    CHECK(mask > 0);
    if (mask > 0)
        kill(mask, SIGKILL);
    CHECK(wait_verdict(&w, job, "live"));
    CHECK(no_step_ran_twice(&w));
    char *log = world_log(&w, job);
    for (int k = 0; k < 6; k++) {
        char want[64];
        snprintf(want, sizeof want, "output of %d with ***", k);
        const char *once = strstr(log, want);
        CHECK(once != NULL && strstr(once + 1, want) == NULL);
    }
    free(log);
    world_end(&w);
}

static void a_locked_database_only_delays(void)
{
    struct world w;
    world_make(&w, 1);
    world_worker(&w, "");
    CHECK(wait_verdict(&w, world_deploy(&w), "live"));
    unlink(w.target);
    const char *job = world_deploy(&w);
    pid_t holder = fork();
    if (holder == 0) { /* longer than busy_timeout */
        execlp("sqlite3", "sqlite3", "-cmd", ".timeout 5000", w.f.shared_path, "BEGIN IMMEDIATE",
               ".shell sleep 7", "ROLLBACK", (char *)NULL);
        _exit(127);
    }
    waitpid(holder, NULL, 0);
    CHECK(wait_verdict(&w, job, "live"));
    CHECK(no_step_ran_twice(&w));
    world_end(&w);
}

/* Take all room of the file system of `folder`, the last page of `also` included. */
static void fill(const char *folder, const char *also)
{
    static char junk[64 * 1024];
    char path[400];
    snprintf(path, sizeof path, "%s/fill", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, junk, sizeof junk) > 0 || write(fd, junk, 1) > 0)
        ;
    close(fd);
    fd = open(also, O_WRONLY | O_APPEND | O_CLOEXEC);
    while (write(fd, "\n", 1) == 1)
        ;
    close(fd);
}

/* The disk of the logs is full from the middle of the job on, for a while or until it has ended. */
static void run_with_full_disk(bool for_a_while)
{
    struct world w;
    char logs[300], path[400];
    world_make(&w, 1);
    snprintf(logs, sizeof logs, "%s/serve/logs", w.f.var);
    MUST(fs_mkdirs(logs, 0700, &fixture_err));
    if (mount("tmpfs", logs, "tmpfs", 0, "size=1m") != 0) {
        world_end(&w);
        SKIP("mounting a small disk needs root");
    }
    world_worker(&w, "hang:5");
    const char *job = world_deploy(&w);
    CHECK(wait_line(w.target, "ran 5"));
    clock_sleep_ms(200);
    snprintf(path, sizeof path, "%s/%s.log", logs, job);
    fill(logs, path);
    pid_t runner = child_of(&w, "runner");
    w.replaced = 1;
    CHECK(runner > 0);
    if (runner > 0)
        kill(runner, SIGKILL);
    if (for_a_while) {
        clock_sleep_ms(100); /* the line about the runner is lost */
        snprintf(path, sizeof path, "%s/fill", logs);
        unlink(path);
    }
    CHECK(wait_verdict(&w, job, "live"));
    CHECK_STR(env_state(&w), "live 1");
    world_kill(&w, SIGTERM);
    if (for_a_while) {
        char *log = world_log(&w, job);
        CHECK(strstr(log, " t - The dashboard's disk was full: lines are missing here.") != NULL);
        CHECK(strstr(log, " v - {\"verdict\":\"live\"") != NULL);
        free(log);
    }
    MUST(umount(logs));
    world_end(&w);
}

static void a_full_disk_under_the_log_stops_nothing(void)
{
    run_with_full_disk(false);
}

static void a_full_disk_for_a_while_is_named_in_the_log(void)
{
    run_with_full_disk(true);
}

static void a_full_disk_under_the_database_loses_no_outcome(void)
{
    struct world w;
    char disk[] = "/tmp/wl-full-XXXXXX", path[400];
    const char *before = getenv("TMPDIR");
    MUST(mkdtemp(disk) == NULL);
    if (mount("tmpfs", disk, "tmpfs", 0, "size=80m") != 0) {
        rmdir(disk);
        SKIP("mounting a small disk needs root");
    }
    setenv("TMPDIR", disk, 1);
    world_make(&w, 1);
    world_worker(&w, "hang:5");
    const char *job = world_deploy(&w);
    CHECK(wait_line(w.target, "ran 5"));
    clock_sleep_ms(200);
    for (int k = 6; k < 20; k++) /* the stand-in's own files lie on that disk as well */
        append_line(w.events, "%0300d", k);
    snprintf(path, sizeof path, "%s/db/.ballast", w.f.var);
    CHECK(access(path, F_OK) == 0);
    fill(w.f.var, w.events);
    pid_t runner = child_of(&w, "runner");
    w.replaced = 1;
    CHECK(runner > 0);
    if (runner > 0)
        kill(runner, SIGKILL);
    CHECK(wait_verdict(&w, job, "live"));
    CHECK_STR(env_state(&w), "live 1");
    CHECK(access(path, F_OK) != 0); /* given back */
    world_kill(&w, SIGTERM);
    world_end(&w);
    MUST(umount(disk));
    rmdir(disk);
    if (before != NULL)
        setenv("TMPDIR", before, 1);
    else
        unsetenv("TMPDIR");
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "-x") == 0)
        return fake_runner();
    TAP_RUN(a_runner_killed_before_it_acts);
    TAP_RUN(a_runner_killed_after_it_acted);
    TAP_RUN(a_runner_killed_at_every_step);
    TAP_RUN(a_killed_supervisor_is_continued_by_the_next);
    TAP_RUN(a_stopped_supervisor_leaves_the_job_for_the_next);
    TAP_RUN(a_runner_that_always_dies_is_tried_again_with_pauses);
    TAP_RUN(a_job_taken_by_another_is_dropped);
    TAP_RUN(a_killed_mask_is_replaced_and_the_log_is_whole);
    TAP_RUN(a_locked_database_only_delays);
    TAP_RUN(a_full_disk_under_the_log_stops_nothing);
    TAP_RUN(a_full_disk_for_a_while_is_named_in_the_log);
    TAP_RUN(a_full_disk_under_the_database_loses_no_outcome);
    return tap_done();
}

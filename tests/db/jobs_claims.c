/* jobs_claims.c - who may begin when, and that only one holder can write: lock classes, order,
 * fencing, leases, and four processes claiming two thousand jobs. */
#include <signal.h>
#include "tests/db/fixture.h"
#include "db/jobs.h"
#include "db/releases.h"
#include "lib/base/str.h"
#include "worker/owner.h"

static int serial;
static struct fixture f;
static char sql[4000];

static void begin(void)
{
    fixture_shared(&f, DB_ROLE_WORKER);
    serial = 0;
    MUST(fixture_sql(f.shared_path,
                     "INSERT INTO app (id, slug, name, created_at) VALUES ('a', 'a', 'A', 1);"
                     "INSERT INTO environment (id, app_id, slug, tier, recipe, settings, "
                     "created_at) VALUES ('e1', 'a', 'e1', 'other', 'r', '{}', 1), ('e2', 'a', "
                     "'e2', 'other', 'r', '{}', 1)"));
}

/* A queued job with the id `id`. */
static void add(const char *id, const char *env, const char *lock_class)
{
    serial++;
    snprintf(sql, sizeof sql,
             "INSERT INTO job (id, serial, environment_id, number, kind, lock_class, params, idem, "
             "auth, requested_by, nonce, created_at) VALUES ('%s', %d, %s%s%s, %d, 'deploy', '%s', "
             "'{}', '%s', x'00', 'u', 'n', 1)",
             id, serial, env == NULL ? "" : "'", env == NULL ? "NULL" : env, env == NULL ? "" : "'",
             serial, lock_class, id);
    MUST(fixture_sql(f.shared_path, sql));
}

/* Claim; the id, or "" when nothing may begin. */
static const char *claim(struct job_hold *hold)
{
    static struct job_hold own;
    bool found = false;
    if (hold == NULL)
        hold = &own;
    MUST(job_claim(f.shared, "me", 1000, hold, &found, &fixture_err));
    return found ? hold->id : "";
}

static void end(const struct job_hold *hold)
{
    MUST(db_begin(f.shared, &fixture_err));
    MUST(job_end(f.shared, hold, "ok", "", 2000, &fixture_err));
    MUST(db_commit(f.shared, &fixture_err));
}

static void an_empty_queue_is_no_error(void)
{
    begin();
    CHECK_STR(claim(NULL), "");
    fixture_end(&f);
}

static void jobs_begin_in_order(void)
{
    begin();
    add("one", "e1", "none");
    add("two", NULL, "none");
    CHECK_STR(claim(NULL), "one");
    CHECK_STR(claim(NULL), "two");
    CHECK_STR(claim(NULL), "");
    fixture_end(&f);
}

static void exclusive_waits_for_exclusive_and_shared_of_its_environment(void)
{
    struct job_hold first, shared;
    begin();
    add("x1", "e1", "exclusive");
    add("x2", "e1", "exclusive");
    add("y1", "e2", "exclusive");
    CHECK_STR(claim(&first), "x1");
    CHECK_STR(claim(NULL), "y1"); /* another environment */
    CHECK_STR(claim(NULL), "");
    end(&first);
    CHECK_STR(claim(&first), "x2");
    end(&first);
    add("s1", "e1", "shared");
    CHECK_STR(claim(&shared), "s1");
    add("x3", "e1", "exclusive");
    CHECK_STR(claim(NULL), "");
    end(&shared);
    CHECK_STR(claim(NULL), "x3");
    fixture_end(&f);
}

static void shared_jobs_run_together_but_not_past_a_waiting_exclusive(void)
{
    struct job_hold a, b;
    begin();
    add("s1", "e1", "shared");
    add("s2", "e1", "shared");
    add("x1", "e1", "exclusive");
    add("s3", "e1", "shared");
    add("n1", "e1", "none");
    CHECK_STR(claim(&a), "s1");
    CHECK_STR(claim(&b), "s2");
    CHECK_STR(claim(NULL), "n1"); /* never waits */
    CHECK_STR(claim(NULL), "");   /* s3 came after x1 */
    end(&a);
    end(&b);
    CHECK_STR(claim(&a), "x1");
    CHECK_STR(claim(NULL), "");
    end(&a);
    CHECK_STR(claim(NULL), "s3");
    fixture_end(&f);
}

static void the_engine_itself_refuses_two_exclusive_jobs(void)
{
    begin();
    add("x1", "e1", "exclusive");
    add("x2", "e1", "exclusive");
    CHECK_STR(claim(NULL), "x1");
    CHECK(fixture_sql(f.shared_path, "UPDATE job SET state = 'running' WHERE id = 'x2'") != 0);
    fixture_end(&f);
}

static void plan_one_step(struct job_hold *hold)
{
    json_t *plan = json_object();
    json_t *hosts = json_pack("[{s:n, s:s}]", "server_id", "name", "h");
    json_t *steps = json_pack("[{s:i, s:s, s:s, s:s, s:s}]", "step", 0, "name", "s", "title", "S",
                              "phase", "forward", "state", "pending");
    MUST(job_set_plan(f.shared, hold, plan, hosts, steps, &fixture_err));
    json_decref(plan);
    json_decref(hosts);
    json_decref(steps);
}

/* Every write of a holder that was replaced must fail and change nothing. */
static void a_replaced_holder_can_write_nothing(void)
{
    struct job_hold old, now;
    bool taken = false;
    int cancel = 0;
    struct err err = {0};
    json_t *nothing = json_object(), *list = json_array();
    begin();
    add("x1", "e1", "exclusive");
    claim(&old);
    plan_one_step(&old);
    now = old;
    str_copy(now.owner, sizeof now.owner, "other");
    MUST(job_take_over(f.shared, &now, 5000, &taken, &fixture_err));
    CHECK(taken && now.epoch == old.epoch + 1);
    struct job_intent intent = {.host = 0, .step = 0, .now = 1, .log_from = 0};
    struct job_outcome outcome = {.host = 0, .step = 0, .state = "ok", .now = 1};
    CHECK(job_renew(f.shared, &old, 9000, &cancel, &err) != 0 && err.code == ERR_CONFLICT);
    CHECK(job_check_hold(f.shared, &old, &cancel, &err) != 0 && err.code == ERR_CONFLICT);
    CHECK(job_raise_epoch(f.shared, &old, &err) != 0 && err.code == ERR_CONFLICT);
    CHECK(job_set_plan(f.shared, &old, nothing, list, list, &err) != 0);
    CHECK(job_host_begin(f.shared, &old, 0, 1, &err) != 0 && err.code == ERR_CONFLICT);
    CHECK(job_step_intent(f.shared, &old, &intent, &err) != 0 && err.code == ERR_CONFLICT);
    CHECK(job_step_outcome(f.shared, &old, &outcome, &err) != 0 && err.code == ERR_CONFLICT);
    CHECK(job_host_end(f.shared, &old, 0, "live", "", &err) != 0 && err.code == ERR_CONFLICT);
    MUST(db_begin(f.shared, &fixture_err));
    CHECK(job_end(f.shared, &old, "live", "", 1, &err) != 0 && err.code == ERR_CONFLICT);
    db_rollback(f.shared);
    CHECK(job_step_intent(f.shared, &now, &intent, &err) == 0);
    CHECK(job_step_outcome(f.shared, &now, &outcome, &err) == 0);
    json_decref(nothing);
    json_decref(list);
    fixture_end(&f);
}

static void an_outcome_is_final(void)
{
    struct job_hold hold;
    struct err err = {0};
    begin();
    add("x1", "e1", "exclusive");
    claim(&hold);
    plan_one_step(&hold);
    struct job_intent intent = {.host = 0, .step = 0, .now = 1, .log_from = 7};
    struct job_outcome failed = {.host = 0, .step = 0, .state = "failed", .cause = "c", .now = 2};
    struct job_outcome ok = {.host = 0, .step = 0, .state = "ok", .now = 3};
    CHECK(job_step_intent(f.shared, &hold, &intent, &err) == 0);
    CHECK(job_step_intent(f.shared, &hold, &intent, &err) == 0); /* again, after a restart */
    CHECK(job_step_outcome(f.shared, &hold, &failed, &err) == 0);
    CHECK(job_step_outcome(f.shared, &hold, &ok, &err) != 0);
    CHECK(job_step_intent(f.shared, &hold, &intent, &err) != 0);
    fixture_end(&f);
}

static void of_two_that_take_a_job_over_one_wins(void)
{
    struct job_hold a, b, c;
    bool first = false, second = false, third = false;
    struct db *other = NULL;
    begin();
    MUST(db_open(f.shared_path, DB_SHARED, DB_ROLE_WORKER, &other, &fixture_err));
    add("x1", "e1", "exclusive");
    claim(&a);
    b = c = a;
    str_copy(a.owner, sizeof a.owner, "a");
    str_copy(b.owner, sizeof b.owner, "b");
    MUST(job_take_over(f.shared, &a, 1, &first, &fixture_err));
    MUST(job_take_over(other, &b, 1, &second, &fixture_err));
    MUST(job_take_over(f.shared, &c, 1, &third, &fixture_err)); /* repeating it takes nothing */
    CHECK(first && !second && !third);
    CHECK_INT(a.epoch, b.epoch + 1);
    db_close(other);
    fixture_end(&f);
}

static void what_never_ran_is_skipped_and_what_nobody_saw_end_is_unknown(void)
{
    struct job_hold hold;
    json_t *steps = NULL;
    begin();
    add("x1", "e1", "exclusive");
    claim(&hold);
    plan_one_step(&hold);
    struct job_intent intent = {.host = 0, .step = 0, .now = 1, .log_from = 0};
    MUST(job_step_intent(f.shared, &hold, &intent, &fixture_err));
    end(&hold);
    MUST(job_steps(f.shared, "x1", &steps, &fixture_err));
    CHECK_STR(json_string_value(json_object_get(json_array_get(steps, 0), "state")), "unknown");
    json_decref(steps);
    fixture_end(&f);
}

static void a_release_outcome_is_written_once_and_moves_live_only_when_proven(void)
{
    json_t *row = NULL;
    struct release_ended ended = {.release_id = "r1",
                                  .environment_id = "e1",
                                  .outcome = "reverted",
                                  .effect = RELEASE_EFFECT_REVERTED,
                                  .now = 5};
    begin();
    MUST(fixture_sql(f.shared_path,
                     "INSERT INTO release (id, environment_id, number, recipe, recipe_sha256, "
                     "settings, hosts, version, secret_set, created_at, created_by) VALUES "
                     "('r1', 'e1', 1, 'r', 'x', '{}', '[]', '1', 0, 1, 'u'), "
                     "('r2', 'e1', 2, 'r', 'x', '{}', '[]', '1', 0, 1, 'u')"));
    CHECK(release_end(f.shared, &ended, &fixture_err) == 0);
    ended.outcome = "live";
    ended.effect = RELEASE_EFFECT_LIVE;
    CHECK(release_end(f.shared, &ended, &fixture_err) == 0); /* too late: keeps the first */
    MUST(release_load(f.shared, "r1", &row, &fixture_err));
    CHECK_STR(json_string_value(json_object_get(row, "outcome")), "reverted");
    json_decref(row);
    /* "reverted" where nothing was ever live is not "live" */
    CHECK_INT(fixture_sql(f.shared_path,
                          "SELECT 1 / (live_state = 'unknown' AND live_release_id IS "
                          "NULL) FROM environment WHERE id = 'e1'"),
              0);
    fixture_end(&f);
}

static void a_dead_owner_is_recognised(void)
{
    char own[JOB_OWNER_SIZE], other[JOB_OWNER_SIZE + 8];
    owner_name(own);
    CHECK(!owner_is_dead(own));
    snprintf(other, sizeof other, "%s1", own); /* the pid was used again */
    CHECK(owner_is_dead(other));
    CHECK(owner_is_dead("00000000-0000-0000-0000-000000000000 1 1"));
    CHECK(owner_is_dead("somebody else"));
    CHECK(owner_is_dead(NULL));
    int ends[2];
    MUST(pipe(ends));
    pid_t pid = fork();
    if (pid == 0) {
        owner_name(own);
        _exit(write(ends[1], own, sizeof own) == (ssize_t)sizeof own ? pause() : 1);
    }
    MUST(read(ends[0], other, sizeof own) != (ssize_t)sizeof own);
    CHECK(!owner_is_dead(other));
    kill(pid, SIGKILL);
    clock_sleep_ms(50);
    CHECK(owner_is_dead(other)); /* not yet reaped */
    waitpid(pid, NULL, 0);
    CHECK(owner_is_dead(other));
    close(ends[0]);
    close(ends[1]);
}

/* --- four processes, two thousand jobs ----------------------------------------------------------
 */

#define JOBS      2000
#define PROCESSES 4

static void claim_all(int number)
{
    char owner[32], path[320];
    struct db *db = NULL;
    snprintf(owner, sizeof owner, "process %d", number);
    snprintf(path, sizeof path, "%s/claimed.%d", f.var, number);
    FILE *out = fopen(path, "we");
    if (out == NULL || db_open(f.shared_path, DB_SHARED, DB_ROLE_WORKER, &db, NULL) != 0)
        _exit(1);
    for (;;) {
        struct job_hold hold;
        bool found = false;
        struct err err = {0};
        if (job_claim(db, owner, 1, &hold, &found, &err) != 0) {
            if (err.code == ERR_BUSY)
                continue;
            _exit(2);
        }
        if (!found)
            break;
        fprintf(out, "%s\n", hold.id);
        while (db_begin(db, &err) != 0)
            ;
        if (job_end(db, &hold, "ok", "", 2, &err) != 0 || db_commit(db, &err) != 0)
            _exit(3);
    }
    fclose(out);
    db_close(db);
    _exit(0);
}

static void every_job_is_claimed_by_exactly_one_process(void)
{
    static unsigned char seen[JOBS];
    pid_t pids[PROCESSES];
    int claimed = 0, twice = 0;
    begin();
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
             "INSERT INTO job (id, serial, kind, lock_class, params, idem, auth, requested_by, "
             "nonce, created_at) SELECT i, i, 'check', 'none', '{}', i, x'00', 'u', 'n', 1 FROM n",
             JOBS - 1);
    MUST(fixture_sql(f.shared_path, sql));
    int64_t begun = clock_mono_ms();
    fflush(stdout);
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            claim_all(i);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        CHECK(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
    }
    printf("# %d claims and ends by %d processes in %lld ms\n", JOBS, PROCESSES,
           (long long)(clock_mono_ms() - begun));
    for (int i = 0; i < PROCESSES; i++) {
        char path[320], line[64];
        snprintf(path, sizeof path, "%s/claimed.%d", f.var, i);
        FILE *in = fopen(path, "re");
        while (in != NULL && fgets(line, sizeof line, in) != NULL) {
            long id = strtol(line, NULL, 10);
            twice += seen[id]++ > 0;
            claimed++;
        }
        if (in != NULL)
            fclose(in);
    }
    CHECK_INT(claimed, JOBS);
    CHECK_INT(twice, 0);
    fixture_end(&f);
}

int main(void)
{
    TAP_RUN(an_empty_queue_is_no_error);
    TAP_RUN(jobs_begin_in_order);
    TAP_RUN(exclusive_waits_for_exclusive_and_shared_of_its_environment);
    TAP_RUN(shared_jobs_run_together_but_not_past_a_waiting_exclusive);
    TAP_RUN(the_engine_itself_refuses_two_exclusive_jobs);
    TAP_RUN(a_replaced_holder_can_write_nothing);
    TAP_RUN(an_outcome_is_final);
    TAP_RUN(of_two_that_take_a_job_over_one_wins);
    TAP_RUN(what_never_ran_is_skipped_and_what_nobody_saw_end_is_unknown);
    TAP_RUN(a_release_outcome_is_written_once_and_moves_live_only_when_proven);
    TAP_RUN(a_dead_owner_is_recognised);
    TAP_RUN(every_job_is_claimed_by_exactly_one_process);
    return tap_done();
}

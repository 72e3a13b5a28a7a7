/* aside.c - commands and logs through the supervisor with a stand-in for the runner: on one server
 * alone, beside what runs, with what was typed arriving as it is; and rows that lie. */
#include "tests/db/supervised_fixture.h"

#include "db/operations.h"

static char *confirmed(struct world *w, const char *kind)
{
    json_t *environment = NULL;
    struct recipe *recipe = NULL;
    struct operation_plan plan;
    char recipes[600];
    snprintf(recipes, sizeof recipes, "%s/recipes", w->home);
    MUST(environment_by_id(w->f.shared, ENV_ID, &environment, &fixture_err));
    MUST(recipe_load(recipes, "release", &recipe, &fixture_err));
    MUST(operation_plan_make(w->f.shared, recipe, environment, kind, &plan, &fixture_err));
    char *text = json_dumps(plan.basis, JSON_COMPACT);
    operation_plan_free(&plan);
    recipe_free(recipe);
    json_decref(environment);
    return text;
}

/* params: JSON without single quotes; twist: SQL that runs before the job begins. */
static const char *ask_for(struct world *w, const char *kind, const char *params, const char *twist)
{
    static char ids[16][CRYPTO_ID_SIZE];
    char *id = ids[w->jobs % 16], auth[1200], *basis = confirmed(w, kind);
    crypto_new_id(id);
    command_line_auth(w, id, kind, auth, sizeof auth);
    w->jobs++;
    sqlf(w,
         "BEGIN; INSERT INTO job (id, serial, environment_id, number, kind, lock_class, params, "
         "confirmed, idem, auth, requested_by, nonce, created_at) VALUES ('%s', %d, '" ENV_ID
         "', %d, '%s', '%s', '%s', '%s', '%s', x'%s', 'u', 'nonce-%s', %lld); %s; COMMIT",
         id, w->jobs, w->jobs, kind, strcmp(kind, "logs") == 0 ? "none" : "shared", params, basis,
         id, auth, id, (long long)clock_now_ms(), twist);
    free(basis);
    world_poke(w);
    return id;
}

#define SERVER(n) "0000000000000000000000srv" n
#define COMMAND(n)                                                                                 \
    "{\"server_id\":\"" SERVER(n) "\",\"command\":\"echo $HOME; exit 3\",\"service\":\"\","        \
                                  "\"how\":\"running\",\"limit_s\":7}"
#define LOGS(n)                                                                                    \
    "{\"server_id\":\"" SERVER(n) "\",\"service\":\"\",\"filter\":\"x\",\"lines\":100,"            \
                                  "\"since_s\":60,\"follow\":true}"

static void live_on_two(struct world *w, const char *plan)
{
    world_make(w, 2);
    world_worker(w, "");
    CHECK(wait_verdict(w, world_deploy(w), "live"));
    unlink(w->target);
    if (plan[0] == '\0')
        return;
    world_kill(w, SIGTERM);
    world_worker(w, plan);
}

static void a_command_runs_on_the_chosen_server_alone(void)
{
    struct world w;
    live_on_two(&w, "");
    const char *job = ask_for(&w, "command", COMMAND("2"), "");
    CHECK(wait_verdict(&w, job, "ok"));
    CHECK_STR(ask_sql(&w, "SELECT group_concat(name) FROM job_host WHERE job_id = '%s'", job),
              "srv2");
    CHECK_STR(ask_sql(&w,
                      "SELECT json_extract(plan, '$.inputs.WL_COMMAND') || ' ' || (SELECT "
                      "json_extract(value, '$.deadline_ms') || ' ' || json_extract(value, "
                      "'$.idempotent') FROM json_each(plan, '$.steps') WHERE json_extract(value, "
                      "'$.name') = 'command') FROM job WHERE id = '%s'",
                      job),
              "echo $HOME; exit 3 7000 0");
    CHECK_STR(ask_sql(&w, "SELECT verb || ' ' || json_extract(detail, '$.command') FROM "
                          "audit_event ORDER BY seq DESC LIMIT 1"),
              "command.ok echo $HOME; exit 3");
    CHECK_STR(env_state(&w), "live 1");
    world_end(&w);
}

static void a_command_that_was_cut_off_is_not_run_again(void)
{
    struct world w;
    live_on_two(&w, "fail:2");
    const char *job = ask_for(&w, "command", COMMAND("1"), "");
    CHECK(wait_verdict(&w, job, "failed"));
    CHECK_STR(env_state(&w), "live 1"); /* what serves is no business of its */
    CHECK(no_step_ran_twice(&w));
    world_end(&w);
}

static void a_log_waits_for_nobody(void)
{
    struct world w;
    live_on_two(&w, "hang:1");
    world_deploy(&w); /* it holds the environment */
    CHECK(wait_sql(&w, "1", "SELECT count(*) FROM job_step WHERE state = 'intent' AND step = 1"));
    const char *job = ask_for(&w, "logs", LOGS("1"), "");
    CHECK(wait_sql(&w, "2", "SELECT count(*) FROM job WHERE state = 'running'"));
    CHECK_STR(ask_sql(&w,
                      "SELECT json_extract(plan, '$.inputs.WL_FOLLOW_S') FROM job WHERE id = "
                      "'%s'",
                      job),
              "300");
    sqlf(&w, "UPDATE job SET cancel = 2");
    CHECK(wait_sql(&w, "0", "SELECT count(*) FROM job WHERE state = 'running'"));
    world_end(&w);
}

static void rows_that_lie_are_refused(void)
{
    static const char *const CASES[][3] = {
        {"command", COMMAND("9"), "none of this environment"},
        {"logs", LOGS("9"), "none of this environment"},
        {"command", "{\"server_id\":\"" SERVER("1") "\"}", "Give the command"},
        {"logs", "{\"server_id\":\"" SERVER("1") "\",\"lines\":9999999}", "whole number"},
    };
    struct world w;
    live_on_two(&w, "");
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        const char *job = ask_for(&w, CASES[i][0], CASES[i][1], "");
        CHECK(wait_verdict(&w, job, "failed"));
        CHECK(strstr(ask_sql(&w, "SELECT summary FROM job WHERE id = '%s'", job), CASES[i][2])
              != NULL);
    }
    const char *job = ask_for(&w, "command", COMMAND("1"),
                              "UPDATE job SET lock_class = 'none' WHERE state = 'queued'");
    CHECK(wait_verdict(&w, job, "failed"));
    job = ask_for(&w, "command", COMMAND("1"),
                  "UPDATE job SET confirmed = '{}' WHERE state = 'queued'");
    CHECK(wait_verdict(&w, job, "failed"));
    job = ask_for(&w, "command", COMMAND("1"),
                  "UPDATE environment SET locked_at = 1, locked_why = 'x'");
    CHECK(wait_verdict(&w, job, "failed")); /* confirmed before the lock */
    CHECK_INT(ran(&w, 0), 0);
    world_end(&w);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "-x") == 0)
        return fake_runner();
    TAP_RUN(a_command_runs_on_the_chosen_server_alone);
    TAP_RUN(a_command_that_was_cut_off_is_not_run_again);
    TAP_RUN(a_log_waits_for_nobody);
    TAP_RUN(rows_that_lie_are_refused);
    return tap_done();
}

/* pages_aside.c - a command and the app's log: who may ask, what is shown before it runs, and what
 * the job is then. */
#include "tests/web/lib/pages_world.h"

#include "db/locks.h"

#define ENV "/apps/hello/staging"

static struct stage s;

static void as(enum role role, char own[CRYPTO_TOKEN_TEXT])
{
    memcpy(own, s.w.token, sizeof s.w.token);
    world_sign_in(&s.w, role);
}

static int64_t jobs_of_kind(const char *kind)
{
    struct job_filter filter = {.kind = kind, .limit = 1000};
    json_t *jobs = NULL;
    int64_t count;
    WORLD_MUST(job_list(s.w.db, &filter, &jobs, &world_err));
    count = (int64_t)json_array_size(jobs);
    json_decref(jobs);
    return count;
}

static json_t *job_at_location(void)
{
    json_t *row = NULL;
    WORLD_MUST(
        job_read(s.w.db, strstr(fake_header(&s.w.f, "Location"), "/jobs/") + 6, &row, &world_err));
    return row;
}

static void only_who_may_runs_a_command(void)
{
    char own[CRYPTO_TOKEN_TEXT], deployer[CRYPTO_TOKEN_TEXT];
    as(ROLE_DEPLOYER, own);
    CHECK_INT(world_get(&s.w, ENV "/command"), 403);
    CHECK_INT(stage_post(&s, ENV "/command", "step=run&command=id&server=web-1"), 403);
    CHECK_INT(world_get(&s.w, ENV "/operate"), 200);
    CHECK(!stage_shows(&s, ENV "/command"));
    CHECK_INT(world_get(&s.w, ENV "/logs"), 200);
    as(ROLE_VIEWER, deployer);
    CHECK_INT(world_get(&s.w, ENV "/logs"), 403);
    memcpy(s.w.token, own, sizeof own);
}

static void a_command_is_shown_with_where_it_runs_before_it_does(void)
{
    char plan[8192], idem[80], where[100];
    json_t *row;
    CHECK_INT(stage_post(&s, ENV "/command", "command=&server=web-1&limit_s=x"), 422);
    CHECK(stage_shows(&s, "Give the command that is to run."));
    CHECK_INT(stage_post(&s, ENV "/command", "command=id&server=web-9"), 422);
    CHECK(stage_shows(&s, "Choose a server."));
    CHECK_INT(stage_post(&s, ENV "/command", "command=echo+%%3Cb%%3E+%%26%%26+id&server=web-1"),
              200);
    CHECK(stage_shows(&s, "echo &lt;b&gt; &amp;&amp; id"));
    CHECK(stage_shows(&s, "in the folder of the live release"));
    CHECK(stage_shows(&s, "Run it on web-1"));
    CHECK_INT(jobs_of_kind("command"), 0);
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    snprintf(idem, sizeof idem, "%s", stage_hidden(&s, "idem"));
    CHECK_INT(stage_post(&s, ENV "/command", "step=run&idem=%s&plan_hash=x&command=id&server=web-1",
                         idem),
              409);
    CHECK_INT(stage_post(&s, ENV "/command",
                         "step=run&idem=%s&plan_hash=%s&command=id+-u&server=web-1&why=looking",
                         idem, plan),
              303);
    CHECK_STR(stage_last_verb(&s), "command.request");
    row = job_at_location();
    CHECK_STR(stage_text(row, "params.command"), "id -u");
    CHECK_STR(stage_text(row, "params.server_id"), s.server_id);
    CHECK_STR(stage_text(row, "params.limit_s"), "300");
    CHECK_STR(stage_text(row, "lock_class"), "shared");
    json_decref(row);
    snprintf(where, sizeof where, "%s", strstr(fake_header(&s.w.f, "Location"), "/jobs/"));
    CHECK_INT(stage_post(&s, ENV "/command",
                         "step=run&idem=%s&plan_hash=%s&command=id+-u&server=web-1&why=looking",
                         idem, plan),
              303);
    CHECK_STR(strstr(fake_header(&s.w.f, "Location"), "/jobs/"), where);
    CHECK_INT(jobs_of_kind("command"), 1);
    CHECK_INT(world_get(&s.w, where), 200);
    CHECK(stage_shows(&s, "Command id -u"));
}

static void after_ten_minutes_the_password_is_asked_for(void)
{
    char plan[8192];
    int64_t before = jobs_of_kind("command");
    char command[600];
    snprintf(command, sizeof command,
             "sqlite3 %s/db/windlass.db 'UPDATE session SET created_at = 1, proved_at = 1'",
             s.w.var);
    CHECK_INT(system(command), 0);
    CHECK_INT(stage_post(&s, ENV "/command", "command=id&server=web-1"), 200);
    CHECK(stage_shows(&s, "name=\"password\""));
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    CHECK_INT(stage_post(&s, ENV "/command", "step=run&plan_hash=%s&command=id&server=web-1", plan),
              422);
    CHECK(stage_shows(&s, "Enter your password again"));
    stage_refuse(&s, "session.prove", "input", "password", "This is not your password.");
    CHECK_INT(stage_post(&s, ENV "/command",
                         "step=run&plan_hash=%s&command=id&server=web-1&password=wrong", plan),
              422);
    CHECK(stage_shows(&s, "This is not your password."));
    CHECK(!stage_shows(&s, "wrong"));
    CHECK_INT(jobs_of_kind("command"), before);
    stage_refuse(&s, "", "", "", "");
    CHECK_INT(stage_post(&s, ENV "/command",
                         "step=run&plan_hash=%s&command=id&server=web-1&password=right", plan),
              303);
    CHECK_STR(s.script->verb, "session.prove");
    CHECK_INT(jobs_of_kind("command"), before + 1);
}

static void a_lock_stops_commands_and_no_looking(void)
{
    char plan[8192];
    CHECK_INT(stage_post(&s, ENV "/lock", "lock_why=moving"), 303);
    CHECK_INT(stage_post(&s, ENV "/command", "command=id&server=web-1"), 200);
    CHECK(stage_shows(&s, "despite_lock"));
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    CHECK_INT(stage_post(&s, ENV "/command", "step=run&plan_hash=%s&command=id&server=web-1", plan),
              422);
    CHECK_INT(stage_post(&s, ENV "/logs", "server=web-1"), 303);
    CHECK_INT(stage_post(&s, ENV "/unlock", "x=1"), 303);
}

static void a_log_is_a_job_of_nobodys_lock(void)
{
    json_t *row;
    CHECK_INT(stage_post(&s, ENV "/logs",
                         "server=web-1&filter=time%%3Cout&lines=500&since_s=3600&follow=1"),
              303);
    CHECK_STR(stage_last_verb(&s), "logs.request");
    row = job_at_location();
    CHECK_STR(stage_text(row, "lock_class"), "none");
    CHECK_STR(stage_text(row, "params.filter"), "time<out");
    CHECK_STR(stage_text(row, "params.lines"), "500");
    CHECK_STR(stage_text(row, "params.since_s"), "3600");
    CHECK_STR(stage_text(row, "params.follow"), "true");
    json_decref(row);
    CHECK_INT(stage_post(&s, ENV "/logs", "server=web-1&lines=999999"), 422);
    CHECK(stage_shows(&s, "Give a whole number from 1 to 5000."));
    CHECK_INT(stage_post(&s, ENV "/logs", "server=&lines=100"), 422);
    CHECK_INT(stage_post(&s, "/apps/hello/bare/logs", "server=web-1"), 422);
    CHECK_INT(world_get(&s.w, ENV "/logs?filter=time%3Cout&since_s=3600"), 200);
    CHECK(stage_shows(&s, "value=\"time&lt;out\""));
    CHECK(stage_shows(&s, "<option value=\"3600\" selected>"));
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    TAP_RUN(only_who_may_runs_a_command);
    TAP_RUN(a_command_is_shown_with_where_it_runs_before_it_does);
    TAP_RUN(a_lock_stops_commands_and_no_looking);
    TAP_RUN(after_ten_minutes_the_password_is_asked_for);
    TAP_RUN(a_log_is_a_job_of_nobodys_lock);
    stage_close(&s);
    return tap_done();
}

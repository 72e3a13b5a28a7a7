/* pages_servers.c - adding a server, its one line, its host key: shown to be compared, pinned by
 * the worker alone, a changed one a hard stop with both fingerprints; checks and facts in words. */
#include "tests/web/lib/pages_world.h"

static struct stage s;

static void set_state(const char *id, const char *state)
{
    bool was = false;
    WORLD_MUST(db_begin(s.w.worker, &world_err));
    WORLD_MUST(job_server_state(s.w.worker, id, state, &was, &world_err));
    WORLD_MUST(db_commit(s.w.worker, &world_err));
}

static void adding_asks_the_worker_with_the_parts(void)
{
    json_t *question;
    CHECK_INT(stage_post(&s, "/servers/new", "address=deploy@[2001:db8::1]:2222&slug=six"), 303);
    CHECK(strstr(fake_header(&s.w.f, "Location"), "/servers/six") != NULL);
    question = json_loads(s.script->question, 0, NULL);
    CHECK_STR(stage_text(question, "verb"), "server.add");
    CHECK_STR(stage_text(question, "host"), "2001:db8::1");
    CHECK_STR(stage_text(question, "port"), "2222");
    CHECK_STR(stage_text(question, "login"), "deploy");
    json_decref(question);
}

static void the_line_to_copy_is_restricted(void)
{
    json_t *data = stage_json(&s, "/servers/web-2", 200);
    CHECK_STR(stage_text(data, "authorized_keys"),
              "restrict,port-forwarding,permitopen=\"127.0.0.1:*\" ssh-ed25519 AAAAC3Nza windlass");
    CHECK_STR(stage_text(data, "pinned"), "null");
    CHECK_STR(stage_text(data, "presented"), "null");
    CHECK_STR(stage_text(data, "can_check"), "false");
    json_decref(data);
}

static void the_key_is_asked_for_only_on_request(void)
{
    int asked = s.script->asked;
    json_t *data = stage_json(&s, "/servers/web-2", 200);
    json_decref(data);
    CHECK_INT(s.script->asked, asked);
    s.script->matches = false;
    data = stage_json(&s, "/servers/web-2?ask=1", 200);
    CHECK_STR(stage_text(data, "presented.print"), PRINT_A);
    CHECK_STR(stage_text(data, "is_changed"), "false");
    json_decref(data);
    CHECK_INT(s.script->asked, asked + 1);
    world_sign_in(&s.w, ROLE_MAINTAINER); /* may look, may not make the dashboard connect */
    data = stage_json(&s, "/servers/web-2?ask=1", 200);
    CHECK_STR(stage_text(data, "presented"), "null");
    json_decref(data);
    CHECK_INT(s.script->asked, asked + 1);
    world_sign_in(&s.w, ROLE_ADMIN);
}

static void a_server_that_cannot_be_asked_says_why(void)
{
    json_t *data;
    stage_refuse(&s, "server.host_key", "remote", "", "Port 22 did not answer within 10 s.");
    data = stage_json(&s, "/servers/web-2?ask=1", 200);
    CHECK_STR(stage_text(data, "ask_error"), "Port 22 did not answer within 10 s.");
    json_decref(data);
    CHECK_INT(world_get(&s.w, "/servers/web-2?ask=1"), 200);
    CHECK(stage_shows(&s, "Port 22 did not answer"));
    stage_refuse(&s, "", "", "", "");
}

static void the_confirmed_key_is_what_the_worker_gets(void)
{
    json_t *question;
    CHECK_INT(stage_post(&s, "/servers/web-2/pin", "type=ssh-ed25519&print=" PRINT_A), 303);
    question = json_loads(s.script->question, 0, NULL);
    CHECK_STR(stage_text(question, "verb"), "server.pin");
    CHECK_STR(stage_text(question, "server_id"), s.new_server_id);
    CHECK_STR(stage_text(question, "print"), PRINT_A);
    json_decref(question);
    stage_refuse(&s, "server.pin", "conflict", "", "The server shows another host key now.");
    CHECK_INT(stage_post(&s, "/servers/web-2/pin", "type=ssh-ed25519&print=" PRINT_A), 409);
    CHECK(stage_shows(&s, "another host key now"));
    stage_refuse(&s, "", "", "", "");
}

static void a_changed_key_shows_both_and_stops(void)
{
    json_t *data;
    set_state(s.server_id, "key_changed");
    snprintf(s.script->print, sizeof s.script->print, "%s", PRINT_B);
    s.script->matches = false;
    data = stage_json(&s, "/servers/web-1", 200);
    CHECK_STR(stage_text(data, "is_changed"), "true");
    CHECK_STR(stage_text(data, "pinned.print"), PRINT_A);
    CHECK_STR(stage_text(data, "pinned.by.name"), "Ann Weaver");
    CHECK_STR(stage_text(data, "presented.print"), PRINT_B);
    CHECK_STR(stage_text(data, "can_check"), "false");
    json_decref(data);
    CHECK_INT(world_get(&s.w, "/servers/web-1"), 200);
    CHECK(stage_shows(&s, PRINT_A) && stage_shows(&s, PRINT_B));
    CHECK_INT(world_get(&s.w, "/"), 200);
    CHECK(stage_shows(&s, "Host key changed"));
    data = stage_json(&s, "/servers", 200);
    CHECK_STR(stage_text(data, "servers.0.failing_text"), "Jobs are stopped until someone looks");
    json_decref(data);
    set_state(s.server_id, "ready");
}

static void readers_see_the_key_that_a_job_met(void)
{
    struct server_row row;
    json_t *data;
    WORLD_MUST(server_by_id(s.w.worker, s.server_id, &row, &world_err));
    WORLD_MUST(server_looked_at(s.w.worker, &s.actor, &row, PRINT_B, &world_err));
    set_state(s.server_id, "key_changed");
    world_sign_in(&s.w, ROLE_VIEWER);
    data = stage_json(&s, "/servers/web-1", 200);
    CHECK_STR(stage_text(data, "presented.print"), PRINT_B);
    json_decref(data);
    world_sign_in(&s.w, ROLE_ADMIN);
    set_state(s.server_id, "ready");
}

static void checks_and_facts_are_words(void)
{
    json_t *data = stage_json(&s, "/servers/web-1", 200);
    CHECK_STR(stage_text(data, "failing"), "1");
    CHECK_STR(stage_text(data, "checks.0.status.text"), "Fails");
    CHECK_STR(stage_text(data, "checks.0.fix"), "apt-get install util-linux");
    CHECK_STR(stage_text(data, "facts.0.label"), "System");
    json_decref(data);
    data = stage_json(&s, "/servers", 200);
    CHECK_STR(stage_text(data, "servers.0.system_text"), "Debian GNU/Linux 12, x86_64");
    CHECK_STR(stage_text(data, "servers.0.has_disk"), "true");
    CHECK_STR(stage_text(data, "servers.0.disk_percent"), "22");
    CHECK_STR(stage_text(data, "servers.0.environments.0.label"), "hello / staging");
    json_decref(data);
}

static int64_t checks_count(void)
{
    json_t *jobs = NULL;
    int64_t count;
    WORLD_MUST(job_list_of_server(s.w.db, s.server_id, 100, &jobs, &world_err));
    count = (int64_t)json_array_size(jobs);
    json_decref(jobs);
    return count;
}

static void check_is_a_job_and_twice_the_same_one(void)
{
    int64_t before = checks_count();
    CHECK_INT(stage_post(&s, "/servers/web-1/check", "x=1"), 303);
    CHECK_STR(stage_last_verb(&s), "check.request");
    CHECK_INT(stage_post(&s, "/servers/web-1/check", "x=1"), 303);
    CHECK_INT(checks_count(), before + 1);
    CHECK_INT(world_get(&s.w, "/servers/web-1"), 200);
    CHECK(stage_shows(&s, "Checking"));
    CHECK_INT(stage_post(&s, "/servers/web-2/check", "x=1"), 409);
    CHECK(stage_shows(&s, "not confirmed"));
}

static void all_servers_are_checked_by_one_job(void)
{
    CHECK_INT(stage_post(&s, "/servers/check", "x=1"), 303);
    CHECK_STR(stage_last_verb(&s), "check.request");
    CHECK_INT(world_get(&s.w, "/jobs"), 200);
    CHECK(stage_shows(&s, "Check all servers"));
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    TAP_RUN(adding_asks_the_worker_with_the_parts);
    TAP_RUN(the_line_to_copy_is_restricted);
    TAP_RUN(the_key_is_asked_for_only_on_request);
    TAP_RUN(a_server_that_cannot_be_asked_says_why);
    TAP_RUN(the_confirmed_key_is_what_the_worker_gets);
    TAP_RUN(a_changed_key_shows_both_and_stops);
    TAP_RUN(readers_see_the_key_that_a_job_met);
    TAP_RUN(checks_and_facts_are_words);
    TAP_RUN(check_is_a_job_and_twice_the_same_one);
    TAP_RUN(all_servers_are_checked_by_one_job);
    stage_close(&s);
    return tap_done();
}

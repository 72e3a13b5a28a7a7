/* pages_jobs.c - the list of jobs walks by keyset and filters by words; a job's page shows true
 * line numbers, what is usual, what came of it; cancel is two different clicks. */
#include "tests/web/lib/pages_world.h"

static struct stage s;

static char *uri_of(const char *id, const char *rest)
{
    static char uri[200];
    snprintf(uri, sizeof uri, "/jobs/%s%s", id, rest);
    return uri;
}

static size_t count_jobs(const json_t *data)
{
    size_t i, count = 0;
    json_t *day;
    json_array_foreach(json_object_get(data, "days"), i, day) count +=
        json_array_size(json_object_get(day, "jobs"));
    return count;
}

/* --- the list --- */

static void add_checks(int count)
{
    for (int i = 0; i < count; i++) {
        char id[CRYPTO_ID_SIZE];
        struct job_added added;
        struct job_request request = {.kind = "check",
                                      .lock_class = "none",
                                      .server_id = s.new_server_id,
                                      .target_name = "web-2",
                                      .verb = "check.request",
                                      .auth = "x",
                                      .auth_len = 1,
                                      .requested_by = s.w.user_id,
                                      .why = ""};
        crypto_new_id(id);
        request.id = id;
        request.idem = id;
        WORLD_MUST(job_request_add(s.w.db, &s.actor, &request, &added, &world_err));
    }
}

static void pages_hold_fifty_and_lead_on(void)
{
    char next[200];
    size_t seen = 0;
    int pages = 0;
    add_checks(120);
    snprintf(next, sizeof next, "/jobs");
    while (next[0] != '\0' && pages < 10) {
        json_t *data = stage_json(&s, next, 200);
        seen += count_jobs(data);
        CHECK(count_jobs(data) <= 50);
        snprintf(next, sizeof next, "%s", stage_text(data, "older_href"));
        json_decref(data);
        pages++;
    }
    CHECK_INT(pages, 3);
    CHECK_INT(seen, 125);
}

static void filters_narrow_and_stay_in_the_links(void)
{
    json_t *data = stage_json(&s, "/jobs?environment=hello/staging&kind=deploy", 200);
    CHECK_INT(count_jobs(data), 4);
    CHECK_STR(stage_text(data, "filter.is_filtered"), "true");
    json_decref(data);
    data = stage_json(&s, "/jobs?status=failed", 200);
    CHECK_INT(count_jobs(data), 1);
    CHECK_STR(stage_text(data, "days.0.jobs.0.id"), s.failed_job);
    json_decref(data);
    data = stage_json(&s, "/jobs?status=running", 200);
    CHECK_INT(count_jobs(data), 1);
    json_decref(data);
    data = stage_json(&s, "/jobs?kind=check", 200);
    CHECK(strncmp(stage_text(data, "older_href"), "/jobs?kind=check&before=", 24) == 0);
    json_decref(data);
}

static void an_unknown_filter_shows_nothing_and_says_so(void)
{
    static const char *const UNKNOWN[] = {"status=green", "kind=plan%22%3E", "environment=a/b",
                                          "actor=nobody", "status=%0A"};
    for (size_t i = 0; i < COUNT_OF(UNKNOWN); i++) {
        char uri[100];
        json_t *data;
        snprintf(uri, sizeof uri, "/jobs?%s", UNKNOWN[i]);
        data = stage_json(&s, uri, 200);
        CHECK_INT(count_jobs(data), 0);
        json_decref(data);
        CHECK_INT(world_get(&s.w, uri), 200);
        CHECK(stage_shows(&s, "(there is none)"));
    }
    CHECK_INT(world_get(&s.w, "/jobs?before=x"), 200);
    CHECK_INT(world_get(&s.w, "/jobs?before=-1"), 200);
    CHECK_INT(world_get(&s.w, "/jobs?before=1"), 200);
}

/* --- one job --- */

static void a_long_log_shows_its_end_with_true_numbers(void)
{
    json_t *data = stage_json(&s, uri_of(s.running_job, ""), 200);
    const json_t *step = json_array_get(
        json_object_get(json_array_get(json_object_get(data, "hosts"), 0), "steps"), 1);
    size_t shown = json_array_size(json_object_get(step, "lines"));
    CHECK_INT(shown, 1000); /* half of the last 2,000 lines; the other step has the rest */
    CHECK_STR(stage_text(step, "line_count"), "2500");
    CHECK_STR(stage_text(step, "earlier_text"), "1500 earlier lines are left out here.");
    CHECK_STR(stage_text(step, "lines.0.n"), "1501");
    CHECK_STR(stage_text(step, "lines.0.id"), "s1-L1501");
    CHECK_STR(stage_text(step, "lines.0.spans.0.class"), "fg1");
    CHECK_STR(stage_text(step, "status.state"), "running");
    CHECK_STR(stage_text(step, "is_open"), "true");
    CHECK_STR(stage_text(data, "hosts.0.steps.0.is_partial"), "true");
    CHECK_STR(stage_text(data, "hosts.0.steps.0.lines.999.spans.1.text"), " <5000>");
    json_decref(data);
}

/* Two counts of the mask; they are no lines and no events. */
static void hidden_values_are_counted_and_no_lines(void)
{
    static const char *const counts[] = {"3", "1000"};
    char uri[200], path[PATH_MAX];
    struct buf more;
    FILE *file;
    json_t *data = stage_json(&s, uri_of(s.running_job, ""), 200);
    CHECK_STR(stage_text(data, "log.masked"), "0");
    CHECK_STR(stage_text(data, "log.masked_text"), "");
    snprintf(uri, sizeof uri, "/jobs/%s/log?from=%s", s.running_job,
             stage_text(data, "log.offset"));
    json_decref(data);
    buf_init(&more, 1000);
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        struct joblog_record record = {.time_ms = 1,
                                       .host = -1,
                                       .step = -1,
                                       .kind = 'm',
                                       .origin = -1,
                                       .text = counts[i],
                                       .text_len = strlen(counts[i])};
        joblog_write(&more, &record);
    }
    snprintf(path, sizeof path, "%s/serve/logs/%s.log", s.w.var, s.running_job);
    file = fopen(path, "a");
    CHECK(file != NULL && fwrite(more.data, 1, more.len, file) == more.len);
    CHECK(file != NULL && fclose(file) == 0);
    buf_deinit(&more);
    data = stage_json(&s, uri_of(s.running_job, ""), 200);
    CHECK_STR(stage_text(data, "log.masked"), "1003");
    CHECK_STR(stage_text(data, "log.masked_text"), "1003 values masked");
    CHECK_STR(stage_text(data, "hosts.0.steps.1.line_count"), "2500");
    json_decref(data);
    data = stage_json(&s, uri, 200);
    CHECK_INT(json_array_size(json_object_get(data, "events")), 0);
    json_decref(data);
}

static void the_live_part_goes_on_where_the_page_ends(void)
{
    char uri[200], path[PATH_MAX];
    struct buf more;
    struct joblog_record record = {.time_ms = 1,
                                   .host = 0,
                                   .step = 1,
                                   .kind = 'o',
                                   .origin = 9,
                                   .text = "after",
                                   .text_len = 5};
    json_t *data = stage_json(&s, uri_of(s.running_job, ""), 200);
    FILE *file;
    snprintf(uri, sizeof uri, "/jobs/%s/log?from=%s", s.running_job,
             stage_text(data, "log.offset"));
    json_decref(data);
    data = stage_json(&s, uri, 200);
    CHECK_INT(json_array_size(json_object_get(data, "events")), 0);
    CHECK_STR(stage_text(data, "ended"), "false");
    json_decref(data);
    buf_init(&more, 1000);
    joblog_write(&more, &record);
    snprintf(path, sizeof path, "%s/serve/logs/%s.log", s.w.var, s.running_job);
    file = fopen(path, "a");
    fwrite(more.data, 1, more.len, file);
    fclose(file);
    buf_deinit(&more);
    data = stage_json(&s, uri, 200);
    CHECK_INT(json_array_size(json_object_get(data, "events")), 1);
    CHECK_STR(stage_text(data, "events.0.spans.0.1"), "after");
    json_decref(data);
}

static void a_job_without_a_log_ends_for_pollers_too(void)
{
    json_t *data = stage_json(&s, uri_of(s.check_job, "/log"), 200);
    CHECK_STR(stage_text(data, "ended"), "true");
    json_decref(data);
    CHECK_INT(world_get(&s.w, uri_of(s.check_job, "/raw")), 404);
}

static void the_raw_log_is_sent_by_nginx(void)
{
    char want[200];
    CHECK_INT(world_get(&s.w, uri_of(s.live_job, "/raw")), 200);
    snprintf(want, sizeof want, "/_logs/%s.log", s.live_job);
    CHECK_STR(fake_header(&s.w.f, "X-Accel-Redirect"), want);
    CHECK(strncmp(fake_header(&s.w.f, "Content-Type"), "text/plain", 10) == 0);
}

static void a_verdict_names_step_cause_and_fix(void)
{
    json_t *data = stage_json(&s, uri_of(s.failed_job, ""), 200);
    CHECK_STR(stage_text(data, "verdict.state"), "failed");
    CHECK_STR(stage_text(data, "verdict.cause"), "It answered 503.");
    CHECK_STR(stage_text(data, "verdict.fix"), "Look at the log.");
    CHECK_STR(stage_text(data, "verdict.step_href"), "#s1");
    CHECK_STR(stage_text(data, "verdict.left_as.0.text"), "1.1.0 serves.");
    CHECK_STR(stage_text(data, "progress"), "null");
    CHECK_STR(stage_text(data, "cancel.can"), "false");
    CHECK_STR(stage_text(data, "next.0.href"), "/apps/hello/staging/secrets");
    /* The undo step never had its turn: no row. */
    CHECK_INT(json_array_size(
                  json_object_get(json_array_get(json_object_get(data, "hosts"), 0), "steps")),
              2);
    json_decref(data);
}

static void progress_and_what_is_usual_come_from_past_runs(void)
{
    json_t *data = stage_json(&s, uri_of(s.running_job, ""), 200);
    CHECK_STR(stage_text(data, "progress.value"), "1");
    CHECK_STR(stage_text(data, "progress.max"), "2");
    CHECK_STR(stage_text(data, "progress.is_estimated"), "true");
    CHECK(strncmp(stage_text(data, "progress.estimate_from"), "median of 1 good run: ", 22) == 0);
    CHECK(strtol(stage_text(data, "hosts.0.steps.1.expected_ms"), NULL, 10) >= 1000);
    json_decref(data);
    data = stage_json(&s, "/apps/hello/bare/deploy", 200);
    CHECK_STR(stage_text(data, "plan.estimate_text"), "");
    json_decref(data);
}

static void a_queued_job_says_what_it_waits_for(void)
{
    json_t *data = stage_json(&s, uri_of(s.queued_job, ""), 200);
    CHECK_STR(stage_text(data, "job.waits_for"),
              "Waits for deploy v3 of Ann Weaver, running since just now.");
    CHECK_STR(stage_text(data, "has_hosts"), "false");
    CHECK_STR(stage_text(data, "cancel.can"), "true");
    json_decref(data);
}

static int64_t cancel_of(const char *id)
{
    json_t *job = NULL;
    int64_t cancel;
    WORLD_MUST(job_read(s.w.db, id, &job, &world_err));
    cancel = json_integer_value(json_object_get(job, "cancel"));
    json_decref(job);
    return cancel;
}

static void cancel_is_graceful_first_and_kills_second(void)
{
    json_t *data;
    CHECK_INT(stage_post(&s, uri_of(s.running_job, "/cancel"), "how=1"), 303);
    CHECK_INT(cancel_of(s.running_job), 1);
    CHECK_STR(stage_last_verb(&s), "job.cancel");
    data = stage_json(&s, uri_of(s.running_job, ""), 200);
    CHECK_STR(stage_text(data, "cancel.text"), "Kill now");
    CHECK_STR(stage_text(data, "cancel.is_kill"), "true");
    json_decref(data);
    /* A double click on the first button stays graceful. */
    CHECK_INT(stage_post(&s, uri_of(s.running_job, "/cancel"), "how=1"), 303);
    CHECK_INT(cancel_of(s.running_job), 1);
    CHECK_INT(stage_post(&s, uri_of(s.running_job, "/cancel"), "how=2"), 303);
    CHECK_INT(cancel_of(s.running_job), 2);
    CHECK_INT(stage_post(&s, uri_of(s.running_job, "/cancel"), "how=2"), 303);
    CHECK_INT(cancel_of(s.running_job), 2);
    data = stage_json(&s, uri_of(s.running_job, ""), 200);
    CHECK_STR(stage_text(data, "cancel.can"), "false");
    json_decref(data);
}

static void an_ended_job_cannot_be_cancelled(void)
{
    CHECK_INT(stage_post(&s, uri_of(s.live_job, "/cancel"), "how=1"), 303);
    CHECK_INT(cancel_of(s.live_job), 0);
    CHECK_INT(world_get(&s.w, uri_of("00000000000000000000000000", "/cancel")), 405);
    CHECK_INT(stage_post(&s, uri_of("00000000000000000000000000", "/cancel"), "how=1"), 404);
}

/* A Check of 200 servers: number 150 has failed, 160 works, those behind it wait. */
static void begin_on_many(char id[CRYPTO_ID_SIZE])
{
    struct job_hold hold = {.epoch = 0};
    bool found = true;
    json_t *hosts = json_array(), *plan = json_object();
    json_t *steps = json_pack("[{s:i, s:s, s:s, s:s, s:s}]", "step", 0, "name", "connect", "title",
                              "Connect", "phase", "forward", "state", "pending");
    CHECK_INT(stage_post(&s, "/servers/check", "x=1"), 303);
    for (struct job_hold next = {.epoch = 0}; found;) { /* the last one is ours */
        WORLD_MUST(job_claim(s.w.worker, "test", clock_now_ms(), &next, &found, &world_err));
        if (found)
            hold = next;
    }
    snprintf(id, CRYPTO_ID_SIZE, "%s", hold.id);
    for (int h = 0; h < 200; h++)
        json_array_append_new(hosts, json_pack("{s:s, s:o}", "server_id", s.server_id, "name",
                                               json_sprintf("n%d", h)));
    WORLD_MUST(job_set_plan(s.w.worker, &hold, plan, hosts, steps, &world_err));
    for (int h = 0; h <= 160; h++) {
        struct job_outcome outcome = {
            .host = h, .state = h == 150 ? "failed" : "ok", .cause = "", .now = clock_now_ms()};
        struct job_intent intent = {.host = h, .now = clock_now_ms()};
        WORLD_MUST(job_host_begin(s.w.worker, &hold, h, 1, &world_err));
        WORLD_MUST(job_step_intent(s.w.worker, &hold, &intent, &world_err));
        if (h == 160)
            break;
        WORLD_MUST(job_step_outcome(s.w.worker, &hold, &outcome, &world_err));
        WORLD_MUST(job_host_end(s.w.worker, &hold, h, h == 150 ? "failed" : "ok", "", &world_err));
    }
    json_decref(hosts);
    json_decref(steps);
    json_decref(plan);
}

static void of_many_servers_those_that_need_a_look_come_first(void)
{
    char id[CRYPTO_ID_SIZE];
    begin_on_many(id);
    json_t *data = stage_json(&s, uri_of(id, ""), 200);
    CHECK_STR(stage_text(data, "overview.counts_text"),
              "1 need a look, 1 at work, 39 waiting, 159 done");
    CHECK_INT(json_array_size(json_object_get(json_object_get(data, "overview"), "rows")), 200);
    CHECK_STR(stage_text(data, "overview.rows.0.name"), "n150");
    CHECK_STR(stage_text(data, "overview.rows.0.step_text"), "Connect");
    CHECK_STR(stage_text(data, "overview.rows.1.name"), "n160");
    CHECK_INT(json_array_size(json_object_get(data, "hosts")), 2);
    CHECK_STR(stage_text(data, "hosts.0.name"), "n150");
    json_decref(data);
    data = stage_json(&s, uri_of(id, "?host=7"), 200);
    CHECK_INT(json_array_size(json_object_get(data, "hosts")), 1);
    CHECK_STR(stage_text(data, "hosts.0.name"), "n7");
    json_decref(data);
    CHECK_INT(world_get(&s.w, uri_of(id, "")), 200);
    CHECK(stage_shows(&s, "1 need a look"));
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    TAP_RUN(a_queued_job_says_what_it_waits_for);
    TAP_RUN(pages_hold_fifty_and_lead_on);
    TAP_RUN(filters_narrow_and_stay_in_the_links);
    TAP_RUN(an_unknown_filter_shows_nothing_and_says_so);
    TAP_RUN(a_long_log_shows_its_end_with_true_numbers);
    TAP_RUN(hidden_values_are_counted_and_no_lines);
    TAP_RUN(the_live_part_goes_on_where_the_page_ends);
    TAP_RUN(a_job_without_a_log_ends_for_pollers_too);
    TAP_RUN(the_raw_log_is_sent_by_nginx);
    TAP_RUN(a_verdict_names_step_cause_and_fix);
    TAP_RUN(progress_and_what_is_usual_come_from_past_runs);
    TAP_RUN(cancel_is_graceful_first_and_kills_second);
    TAP_RUN(an_ended_job_cannot_be_cancelled);
    TAP_RUN(of_many_servers_those_that_need_a_look_come_first);
    stage_close(&s);
    return tap_done();
}

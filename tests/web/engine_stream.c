/* engine_stream.c - windlass-stream itself, over FastCGI: who may watch, that no record is lost,
 * split or repeated whatever the offset, and how a stream ends. */
#include <errno.h>
#include <sys/stat.h>
#include "cgi/http/joblog_read.h"
#include "lib/domain/joblog.h"
#include "tests/web/lib/fcgi_client.h"
#include "tests/web/lib/world.h"

static struct world w;
static struct program stream;
static char job_id[CRYPTO_ID_SIZE];

static void sql(const char *text)
{
    char path[256];
    int status = 0;
    pid_t pid;

    snprintf(path, sizeof path, "%s/db/windlass.db", w.var);
    pid = fork();
    if (pid == 0) {
        execlp("sqlite3", "sqlite3", "-bail", "-cmd", ".timeout 3000", path, text, (char *)NULL);
        _exit(127);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        printf("Bail out! sqlite3 failed on: %s\n", text);
        exit(1);
    }
}

/* A running job of nobody's environment; its log file does not exist yet. */
static void new_job(void)
{
    static int serial;
    char text[800];

    crypto_new_id(job_id);
    snprintf(text, sizeof text,
             "INSERT INTO job (id, serial, kind, lock_class, state, params, idem, auth, "
             "requested_by, nonce, created_at) VALUES ('%s', %d, 'check', 'none', 'running', '{}', "
             "'%s', x'00', '%s', 'n', 1)",
             job_id, ++serial, job_id, w.user_id);
    sql(text);
}

static void log_path(char path[256])
{
    snprintf(path, 256, "%s/serve/logs/%s.log", w.var, job_id);
}

static void append_bytes(const char *bytes, size_t len)
{
    char path[256];
    int fd;

    log_path(path);
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (fd < 0 || write(fd, bytes, len) != (ssize_t)len) {
        printf("Bail out! cannot write %s\n", path);
        exit(1);
    }
    close(fd);
}

static void append(int step, char kind, const char *text)
{
    struct joblog_record r = {.time_ms = 1795226686000,
                              .host = 0,
                              .step = step,
                              .kind = kind,
                              .origin = kind == 'o' ? 1 : -1,
                              .text = text,
                              .text_len = strlen(text)};
    struct buf line;

    buf_init(&line, 20000);
    joblog_write(&line, &r);
    append_bytes(line.data, line.len);
    buf_deinit(&line);
}

static void watch(struct connection *c, const char *query, const char *last_event_id)
{
    char uri[128];

    snprintf(uri, sizeof uri, "/jobs/%s/events%s", job_id, query);
    world_request(&w, "GET", uri);
    if (last_event_id != NULL)
        fake_param(&w.f, "HTTP_LAST_EVENT_ID", last_event_id);
    connection_open(c, &stream, &w.f);
}

static int count(const struct connection *c, const char *text)
{
    int n = 0;

    for (const char *at = c->out.data; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

static void records_become_events_as_they_are_written(void)
{
    struct connection c;

    new_job();
    watch(&c, "", NULL);
    CHECK(connection_wait(&c, "retry: 2000", 3000)); /* before there is a file */
    CHECK(strstr(c.out.data, "Content-Type: text/event-stream") != NULL);
    CHECK(strstr(c.out.data, "X-Accel-Buffering: no") != NULL);
    append(3, 'o', "\x1b[31mred\x1b[0m <b>");
    CHECK(connection_wait(&c, "event: line", 3000));
    CHECK(strstr(c.out.data, "[[\"fg1\",\"red\"],[\"\",\" <b>\"]]") != NULL);
    CHECK(strstr(c.out.data, "\"step\":3") != NULL && strstr(c.out.data, "\"kind\":\"o\"") != NULL);
    append(3, 's', "{\"state\":\"ok\",\"status\":0,\"ms\":12,\"title\":\"Unpack\",\"cause\":\"\"}");
    CHECK(connection_wait(&c, "event: step", 3000));
    CHECK(strstr(c.out.data, "\"state\":\"ok\"") != NULL);
    CHECK(!c.has_ended);
    append(-1, 'v', "{\"verdict\":\"live\",\"summary\":\"1.0.0 is live\"}");
    CHECK(connection_wait(&c, NULL, 3000));
    CHECK(strstr(c.out.data, "event: verdict") != NULL);
    CHECK(count(&c, "event: done\ndata: {}\n\n") == 1);
    connection_close(&c);
}

static void news_arrive_at_once(void)
{
    struct connection c;
    int64_t started;

    new_job();
    append(0, 'o', "first");
    watch(&c, "", NULL);
    CHECK(connection_wait(&c, "first", 3000));
    started = clock_mono_ms();
    append(0, 'o', "second");
    CHECK(connection_wait(&c, "second", 3000));
    CHECK(clock_mono_ms() - started < 500);
    connection_close(&c);
}

static void half_a_record_waits_for_its_end(void)
{
    struct connection c;

    new_job();
    append(0, 'o', "whole");
    append_bytes("2026-11-21T01:40:46.123Z 0 0 o 2 hal", 36);
    watch(&c, "", NULL);
    CHECK(connection_wait(&c, "whole", 3000));
    CHECK(!connection_wait(&c, "hal", 400));
    append_bytes("f\n", 2);
    CHECK(connection_wait(&c, "\"half\"", 3000));
    CHECK_INT(count(&c, "event: line"), 2);
    connection_close(&c);
}

/* From every byte offset of the file: exactly the records behind it, each once, in order. */
static void any_offset_resumes_without_loss_or_repeat(void)
{
    int64_t starts[13], ends[12], size = 0;
    struct stat st;
    char path[256];

    new_job();
    log_path(path);
    for (int i = 0; i < 12; i++) {
        char text[64];

        snprintf(text, sizeof text, "line-%02d%.*s", i, i, "xxxxxxxxxxxx");
        if (i == 6)
            append_bytes("this is no record\n", 18);
        starts[i] = stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
        append(0, 'o', text);
        ends[i] = stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
    }
    starts[12] = size = ends[11];
    append(-1, 'v', "{\"verdict\":\"ok\",\"summary\":\"\"}");
    for (int64_t from = 0; from <= size; from += 1) {
        json_t *result = NULL;
        struct err err = {0};
        size_t first = 0;

        while (starts[first] < from)
            first++;
        CHECK(joblog_read(&w.site, job_id, from, 1000, &result, &err) == 0);
        {
            const json_t *events = json_object_get(result, "events");
            size_t n = json_array_size(events);
            char want[32];
            const json_t *event = json_array_get(events, 0);

            CHECK(json_is_true(json_object_get(result, "ended")));
            if (n != 13 - first) {
                CHECK_INT(n, 13 - first);
                printf("#   from %lld\n", (long long)from);
            } else if (n > 1) {
                snprintf(want, sizeof want, "line-%02zu", first);
                CHECK(strncmp(json_string_value(json_array_get(
                                  json_array_get(json_object_get(event, "spans"), 0), 1)),
                              want, 7)
                      == 0);
                CHECK_INT(json_integer_value(json_object_get(event, "end")), ends[first]);
            }
        }
        json_decref(result);
    }
    for (int i = 0; i < 12; i++) {
        struct connection c;
        char text[32], next[32];

        snprintf(text, sizeof text, "%lld", (long long)ends[i]);
        snprintf(next, sizeof next, "\"line-%02d", i);
        watch(&c, "?from=0", text); /* Last-Event-ID wins */
        CHECK(connection_wait(&c, NULL, 3000));
        CHECK_INT(count(&c, "event: line"), 11 - i);
        CHECK(strstr(c.out.data, next) == NULL);
        CHECK_INT(count(&c, "event: done"), 1);
        connection_close(&c);
    }
}

static void resuming_behind_the_verdict_is_done_at_once(void)
{
    struct connection c;
    struct stat st;
    char path[256], query[64];

    new_job();
    append(-1, 'v', "{\"verdict\":\"ok\",\"summary\":\"\"}");
    log_path(path);
    CHECK(stat(path, &st) == 0);
    snprintf(query, sizeof query, "?from=%lld", (long long)st.st_size);
    watch(&c, query, NULL);
    CHECK(connection_wait(&c, NULL, 3000));
    CHECK_INT(count(&c, "event: done"), 1);
    CHECK_INT(count(&c, "event: verdict"), 0);
    connection_close(&c);
}

static void a_megabyte_of_output_arrives_whole(void)
{
    struct connection c;
    char line[8001];

    new_job();
    memset(line, 'y', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    for (int i = 0; i < 300; i++) {
        line[0] = (char)('0' + i / 100); /* numbered, for the last one to be found */
        line[1] = (char)('0' + i / 10 % 10);
        line[2] = (char)('0' + i % 10);
        append(0, 'o', line);
    }
    append(-1, 'v', "{\"verdict\":\"ok\",\"summary\":\"\"}");
    watch(&c, "", NULL);
    clock_sleep_ms(300); /* a reader that is slow to begin */
    CHECK(connection_wait(&c, NULL, 20000));
    CHECK_INT(count(&c, "event: line"), 300);
    CHECK(strstr(c.out.data, "\"299y") != NULL);
    connection_close(&c);
}

static void one_slow_browser_holds_up_nobody(void)
{
    struct connection slow, quick;
    char line[8001];
    int64_t started;

    new_job();
    memset(line, 'z', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    for (int i = 0; i < 200; i++)
        append(0, 'o', line);
    watch(&slow, "", NULL); /* never reads */
    clock_sleep_ms(200);
    started = clock_mono_ms();
    watch(&quick, "", NULL);
    append(-1, 'v', "{\"verdict\":\"ok\",\"summary\":\"\"}");
    CHECK(connection_wait(&quick, NULL, 10000));
    CHECK(clock_mono_ms() - started < 3000);
    CHECK_INT(count(&quick, "event: line"), 200);
    connection_close(&quick);
    connection_close(&slow);
}

static int refused_status(struct connection *c)
{
    connection_wait(c, NULL, 3000);
    return strncmp(c->out.data, "Status: ", 8) == 0 ? (int)strtol(c->out.data + 8, NULL, 10) : 0;
}

static void strangers_other_hosts_and_unknown_jobs_are_refused(void)
{
    struct connection c;
    char token[CRYPTO_TOKEN_TEXT];

    new_job();
    memcpy(token, w.token, sizeof token);
    w.token[0] = '\0';
    watch(&c, "", NULL);
    CHECK_INT(refused_status(&c), 401);
    connection_close(&c);
    memcpy(w.token, token, sizeof token);
    watch(&c, "?from=-1", NULL);
    CHECK_INT(refused_status(&c), 422);
    connection_close(&c);
    watch(&c, "", "abc");
    CHECK_INT(refused_status(&c), 422);
    connection_close(&c);
    crypto_new_id(job_id);
    watch(&c, "", NULL);
    CHECK_INT(refused_status(&c), 404);
    connection_close(&c);
    world_request(&w, "GET", "/jobs/..%2fx/events");
    connection_open(&c, &stream, &w.f);
    CHECK_INT(refused_status(&c), 400);
    connection_close(&c);
    world_request(&w, "GET", "/jobs/x/events");
    fake_param(&w.f, "HTTP_HOST", "evil.example");
    connection_open(&c, &stream, &w.f);
    CHECK_INT(refused_status(&c), 400);
    connection_close(&c);
    world_request(&w, "POST", "/jobs/x/events");
    connection_open(&c, &stream, &w.f);
    CHECK_INT(refused_status(&c), 405);
    connection_close(&c);
}

static void a_revoked_session_loses_its_streams(void)
{
    struct connection c;
    int64_t started;

    new_job();
    watch(&c, "", NULL);
    CHECK(connection_wait(&c, "retry:", 3000));
    sql("UPDATE session SET revoked_at = 1");
    started = clock_mono_ms();
    CHECK(connection_wait(&c, NULL, 15000));
    CHECK(clock_mono_ms() - started < 15000);
    CHECK_INT(count(&c, "event: done"), 0);
    connection_close(&c);
    world_sign_in(&w, ROLE_VIEWER);
}

static void a_33rd_view_of_one_person_is_asked_to_poll(void)
{
    struct connection c[33];

    new_job();
    for (int i = 0; i < 32; i++) {
        watch(&c[i], "", NULL);
        CHECK(connection_wait(&c[i], "retry:", 3000));
    }
    watch(&c[32], "", NULL);
    CHECK_INT(refused_status(&c[32]), 503);
    CHECK(strstr(c[32].out.data, "Retry-After: ") != NULL);
    for (int i = 0; i < 33; i++)
        connection_close(&c[i]);
    clock_sleep_ms(200);
    watch(&c[0], "", NULL); /* closed ones make room */
    CHECK(connection_wait(&c[0], "retry:", 3000));
    connection_close(&c[0]);
}

static void a_job_that_ended_without_a_verdict_in_its_log_ends_the_stream(void)
{
    struct connection c;
    char text[200];

    new_job();
    append(0, 'o', "only this");
    watch(&c, "", NULL);
    CHECK(connection_wait(&c, "only this", 3000));
    snprintf(text, sizeof text, "UPDATE job SET state='ended', verdict='unknown' WHERE id='%s'",
             job_id);
    sql(text);
    CHECK(connection_wait(&c, NULL, 25000));
    CHECK_INT(count(&c, "event: done"), 1);
    connection_close(&c);
}

/* Bytes that are no FastCGI request, and connections that say nothing: later viewers are served. */
static void garbage_on_the_socket_does_no_harm(void)
{
    static const struct {
        const char *bytes;
        size_t len;
    } JUNK[] = {{"GET / HTTP/1.0\r\n\r\n", 18},
                {"\x01\x01\x00\x01\x00\x08\x00\x00", 8},
                {"\x01\x04\xff\xff\xff\xff\x00\x00", 8},
                {"\x02", 1}};
    struct connection c;

    for (size_t i = 0; i < COUNT_OF(JUNK); i++) {
        int fd = connect_to(&stream);

        if (write(fd, JUNK[i].bytes, JUNK[i].len) < 0)
            printf("# %s\n", strerror(errno));
        close(fd);
    }
    new_job();
    watch(&c, "", NULL);
    CHECK(connection_wait(&c, "retry:", 8000));
    connection_close(&c);
}

static void a_browser_that_does_not_read_is_dropped_and_an_idle_one_gets_pings(void)
{
    struct connection stuck, idle;
    char line[8001];

    new_job();
    watch(&idle, "", NULL);
    new_job();
    memset(line, 'q', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    for (int i = 0; i < 200; i++)
        append(0, 'o', line);
    watch(&stuck, "", NULL);
    CHECK(connection_wait(&idle, ": ping\n\n", 20000));
    clock_sleep_ms(10000); /* in all more than the 20 s a reader may stand still */
    CHECK(connection_wait(&stuck, NULL, 3000));
    CHECK(count(&stuck, "event: line") < 200);
    connection_close(&stuck);
    connection_close(&idle);
}

static void sigterm_ends_it_with_everybody_watching(void)
{
    struct connection c;

    new_job();
    watch(&c, "", NULL);
    CHECK(connection_wait(&c, "retry:", 3000));
    program_stop(&stream, 3000, 0);
    CHECK(connection_wait(&c, NULL, 1000));
    connection_close(&c);
}

int main(void)
{
    char path[256];

    signal(SIGPIPE, SIG_IGN);
    world_open(&w, "http://127.0.0.1:8080", NULL, 0);
    world_sign_in(&w, ROLE_VIEWER);
    snprintf(path, sizeof path, "%s/run/stream.sock", w.var);
    setenv("WL_LOG", "error", 1);
    program_start(&stream, "windlass-stream", path);
    TAP_RUN(records_become_events_as_they_are_written);
    TAP_RUN(news_arrive_at_once);
    TAP_RUN(half_a_record_waits_for_its_end);
    TAP_RUN(any_offset_resumes_without_loss_or_repeat);
    TAP_RUN(resuming_behind_the_verdict_is_done_at_once);
    TAP_RUN(a_megabyte_of_output_arrives_whole);
    TAP_RUN(one_slow_browser_holds_up_nobody);
    TAP_RUN(strangers_other_hosts_and_unknown_jobs_are_refused);
    TAP_RUN(a_revoked_session_loses_its_streams);
    TAP_RUN(a_33rd_view_of_one_person_is_asked_to_poll);
    TAP_RUN(a_job_that_ended_without_a_verdict_in_its_log_ends_the_stream);
    TAP_RUN(garbage_on_the_socket_does_no_harm);
    TAP_RUN(a_browser_that_does_not_read_is_dropped_and_an_idle_one_gets_pings);
    TAP_RUN(sigterm_ends_it_with_everybody_watching);
    world_close(&w);
    return tap_done();
}

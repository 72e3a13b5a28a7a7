/* engine_web.c - windlass-web itself, over FastCGI, with the real pages and templates: several
 * children, one that is killed, a database that is away, stopping without losing a request. */
#include "tests/web/lib/fcgi_client.h"
#include "tests/web/lib/world.h"

static struct world w;
static struct program web;

static int ask_for(const char *uri, struct connection *c)
{
    world_request(&w, "GET", uri);
    connection_open(c, &web, &w.f);
    connection_wait(c, NULL, 5000);
    return strncmp(c->out.data, "Status: ", 8) == 0 ? (int)strtol(c->out.data + 8, NULL, 10) : 0;
}

static int status_of(const char *uri)
{
    struct connection c;
    int status = ask_for(uri, &c);

    connection_close(&c);
    return status;
}

/* Pids of the program's children. */
static int children(pid_t pids[64])
{
    char path[128], text[1024] = "";
    int count = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)web.pid, (int)web.pid);
    file = fopen(path, "r");
    if (file != NULL) {
        if (fgets(text, sizeof text, file) == NULL)
            text[0] = '\0';
        fclose(file);
    }
    for (char *at = text, *end; count < 64; at = end) {
        long pid = strtol(at, &end, 10);

        if (end == at)
            break;
        pids[count++] = (pid_t)pid;
    }
    return count;
}

static void the_login_page_is_served(void)
{
    struct connection c;

    CHECK_INT(ask_for("/login", &c), 200);
    CHECK(strstr(c.out.data, "<form") != NULL && strstr(c.out.data, "name=\"csrf\"") != NULL);
    CHECK(strstr(c.out.data, "{{") == NULL);
    connection_close(&c);
    CHECK_INT(status_of("/"), 303);
    CHECK_INT(status_of("/nowhere"), 404);
}

static void a_signed_in_person_sees_home(void)
{
    struct connection c;

    world_sign_in(&w, ROLE_ADMIN);
    CHECK_INT(ask_for("/", &c), 200);
    CHECK(strstr(c.out.data, "Ann Weaver") != NULL);
    connection_close(&c);
}

/* nginx sends a large body in pieces, and gives up on a program that has gone before the last one.
 */
static void a_body_whose_end_comes_late_costs_no_answer(void)
{
    static char body[900000];
    struct connection c;

    memset(body, 'x', sizeof body);
    world_request(&w, "POST", "/login");
    fake_param(&w.f, "HTTP_ORIGIN", "http://evil.example");
    fake_send(&w.f, "application/x-www-form-urlencoded", body, sizeof body);
    connection_open_late(&c, &web, &w.f, 300);
    CHECK(!c.has_ended);
    CHECK(connection_wait(&c, NULL, 5000));
    CHECK(strncmp(c.out.data, "Status: 403", 11) == 0);
    CHECK(strstr(c.out.data, "</html>") != NULL);
    connection_close(&c);
}

static void a_killed_child_is_replaced_and_costs_nobody_else_anything(void)
{
    pid_t before[64], after[64];

    CHECK_INT(children(before), 3);
    CHECK(kill(before[0], SIGKILL) == 0);
    for (int i = 0; i < 20; i++)
        CHECK_INT(status_of("/login"), 200);
    clock_sleep_ms(500);
    CHECK_INT(children(after), 3);
    CHECK(after[0] != before[0]);
}

static void many_at_once_are_all_answered(void)
{
    struct connection c[40];

    world_request(&w, "GET", "/login");
    for (size_t i = 0; i < COUNT_OF(c); i++)
        connection_open(&c[i], &web, &w.f);
    for (size_t i = 0; i < COUNT_OF(c); i++) {
        CHECK(connection_wait(&c[i], NULL, 5000));
        CHECK(strncmp(c[i].out.data, "Status: 200", 11) == 0);
        connection_close(&c[i]);
    }
}

static void garbage_and_silence_hold_up_nobody_for_long(void)
{
    int silent = connect_to(&web);
    int junk = connect_to(&web);

    CHECK(write(junk, "GET / HTTP/1.0\r\n\r\n", 18) == 18);
    close(junk);
    for (int i = 0; i < 20; i++)
        CHECK_INT(status_of("/login"), 200);
    close(silent);
}

static void a_database_that_is_away_is_a_page_in_words_and_comes_back(void)
{
    char from[256], to[256], path2[256];
    struct program other;
    struct connection c;

    snprintf(from, sizeof from, "%s/db/windlass.db", w.var);
    snprintf(to, sizeof to, "%s/db/away.db", w.var);
    db_close(w.db); /* the last connections: the WAL is folded in */
    db_close(w.worker);
    w.db = w.worker = NULL;
    program_stop(&web, 5000, 1); /* the one that was killed */
    CHECK(rename(from, to) == 0);
    snprintf(path2, sizeof path2, "%s/run/web2.sock", w.var);
    program_start(&other, "windlass-web", path2);
    web = other;
    CHECK_INT(ask_for("/login", &c), 503);
    CHECK(strstr(c.out.data, "Retry-After: 2") != NULL && strstr(c.out.data, "database") != NULL);
    connection_close(&c);
    CHECK(rename(to, from) == 0);
    for (int i = 0; i < 6; i++)
        CHECK_INT(status_of("/login"), 200);
}

static void sigterm_lets_a_request_under_way_finish(void)
{
    struct connection c;
    pid_t pids[64];
    int status = 0;

    world_request(&w, "GET", "/login");
    connection_open(&c, &web, &w.f);
    kill(web.pid, SIGTERM);
    CHECK(connection_wait(&c, NULL, 5000));
    CHECK(c.out.len == 0 || strncmp(c.out.data, "Status: 200", 11) == 0);
    connection_close(&c);
    CHECK(waitpid(web.pid, &status, 0) == web.pid);
    program_log_check_end(status);
    program_log_check(&web.log, 0);
    CHECK_INT(children(pids), 0);
}

int main(void)
{
    char path[256];

    signal(SIGPIPE, SIG_IGN);
    world_open(&w, "http://127.0.0.1:8080", NULL, 0);
    snprintf(path, sizeof path, "%s/run/web.sock", w.var);
    setenv("WL_LOG", "error", 1);
    setenv("WL_CHILDREN", "3", 1);
    program_start(&web, "windlass-web", path);
    TAP_RUN(the_login_page_is_served);
    TAP_RUN(a_signed_in_person_sees_home);
    w.token[0] = '\0'; /* from here on nobody is signed in */
    TAP_RUN(many_at_once_are_all_answered);
    TAP_RUN(a_body_whose_end_comes_late_costs_no_answer);
    TAP_RUN(a_killed_child_is_replaced_and_costs_nobody_else_anything);
    TAP_RUN(garbage_and_silence_hold_up_nobody_for_long);
    TAP_RUN(a_database_that_is_away_is_a_page_in_words_and_comes_back);
    TAP_RUN(sigterm_lets_a_request_under_way_finish);
    world_close(&w);
    return tap_done();
}

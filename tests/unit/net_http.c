/* Outbound HTTP (lib/net/http.h, browse.h) against a small server of our own on loopback. */
#include "lib/net/http.h"
#include "lib/net/browse.h"
#include "tests/tap.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/clock.h"

static int port;
static pid_t server;

static void answer(int fd, const char *text)
{
    ssize_t ignored = write(fd, text, strlen(text));
    (void)ignored;
}

/* What the path asks for. */
static void serve_one(int fd)
{
    char request[4096];
    ssize_t n = read(fd, request, sizeof(request) - 1);

    request[n > 0 ? n : 0] = '\0';
    if (strncmp(request, "GET /ok", 7) == 0)
        answer(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
    else if (strncmp(request, "GET /moved", 10) == 0)
        answer(fd, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/secret\r\n"
                   "Content-Length: 4\r\n\r\nbody");
    else if (strncmp(request, "GET /missing", 12) == 0)
        answer(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\ntop-thing");
    else if (strncmp(request, "GET /endless", 12) == 0) {
        answer(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n");
        for (int i = 0; i < 4000 && write(fd, request, sizeof(request)) > 0; i++)
            ;
    } else if (strncmp(request, "GET /silent", 11) == 0)
        clock_sleep_ms(5000);
    else if (strncmp(request, "GET /cut", 8) == 0)
        answer(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    else if (strncmp(request, "GET /login", 10) == 0)
        answer(fd, "HTTP/1.1 200 OK\r\nSet-Cookie: s=one; Path=/; HttpOnly\r\nContent-Length: "
                   "0\r\n\r\n");
    else if (strncmp(request, "POST /form", 10) == 0)
        answer(fd, strstr(request, "Cookie: s=one") != NULL
                           && strstr(request, "Origin: http://127.0.0.1:") != NULL
                           && strstr(request, "\r\n\r\na=1%202%26&b=%C3%A9") != NULL
                       ? "HTTP/1.1 303 See Other\r\nLocation: /after?x=1\r\nContent-Length: 0\r\n"
                         "\r\n"
                       : "HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n");
    else if (strncmp(request, "GET /events", 11) == 0)
        answer(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: ping\n\n"
                   "id: 17\nevent: line\ndata: first\n\nid: 30\nevent: done\ndata: over\n\n"
                   "data: never\n\n");
    else
        answer(fd, "HTTP/1.1 500 What\r\nContent-Length: 0\r\n\r\n");
}

static void start_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(fd, (const struct sockaddr *)&address, len) != 0 || listen(fd, 16) != 0
        || getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        exit(1);
    port = ntohs(address.sin_port);
    server = fork();
    if (server != 0) {
        close(fd);
        return;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int peer = accept(fd, NULL, NULL);
        if (peer >= 0 && fork() == 0) {
            serve_one(peer);
            _exit(0);
        }
        close(peer);
    }
}

static const char *const LOOPBACK[] = {"127.0.0.1", NULL};

static int get(const char *path, struct http_limits limits, struct buf *body, struct err *err)
{
    struct http_answer got;
    char url[128];

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", port, path);
    memset(err, 0, sizeof(*err));
    buf_reset(body);
    return http_get(url, &limits, body, &got, err);
}

static const struct http_limits OPEN = {
    .max_bytes = 100000, .allow_http = true, .allow = LOOPBACK, .total_ms = 3000};

static void what_is_allowed_comes(void)
{
    struct buf body;
    struct err err;

    buf_init(&body, 1000);
    CHECK_INT(get("/ok", OPEN, &body, &err), 0);
    CHECK_STR(body.data, "hello");
    buf_deinit(&body);
}

static void loopback_in_every_spelling_is_refused(void)
{
    static const char *const HOSTS[] = {"127.0.0.1",          "localhost",  "[::1]",
                                        "[::ffff:127.0.0.1]", "2130706433", "0x7f.1",
                                        "0177.0.0.1",         "0",          "127.1"};
    const struct http_limits limits = {.max_bytes = 1000, .allow_http = true, .total_ms = 3000};
    struct http_answer got;
    struct buf body;
    char url[128];

    buf_init(&body, 1000);
    for (size_t i = 0; i < COUNT_OF(HOSTS); i++) {
        struct err err = {0};
        (void)snprintf(url, sizeof(url), "http://%s:%d/ok", HOSTS[i], port);
        CHECK(http_get(url, &limits, &body, &got, &err) != 0);
        if (err.code != ERR_INPUT)
            printf("# %s: %s | %s\n", url, err.user, err.detail);
        CHECK_INT(err.code, ERR_INPUT);
        CHECK_INT(body.len, 0);
    }
    buf_deinit(&body);
}

static void other_schemes_and_plain_http_are_refused(void)
{
    static const char *const URLS[] = {"http://192.0.2.1/",
                                       "file:///etc/passwd",
                                       "gopher://192.0.2.1/",
                                       "ftp://192.0.2.1/",
                                       "dict://x/",
                                       "not a url",
                                       ""};
    const struct http_limits limits = {.max_bytes = 1000, .total_ms = 2000};
    struct http_answer got;
    struct buf body;

    buf_init(&body, 1000);
    for (size_t i = 0; i < COUNT_OF(URLS); i++) {
        struct err err = {0};
        CHECK(http_get(URLS[i], &limits, &body, &got, &err) != 0);
        if (err.code != ERR_INPUT)
            printf("# %s: %s | %s\n", URLS[i], err.user, err.detail);
        CHECK_INT(err.code, ERR_INPUT);
    }
    buf_deinit(&body);
}

static void a_proxy_in_the_environment_is_not_asked(void)
{
    struct buf body;
    struct err err;

    buf_init(&body, 1000);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    CHECK_INT(get("/ok", OPEN, &body, &err), 0);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    buf_deinit(&body);
}

static void redirects_and_errors_are_failures_without_a_body(void)
{
    struct buf body;
    struct err err;

    buf_init(&body, 1000);
    CHECK(get("/moved", OPEN, &body, &err) != 0);
    CHECK(strstr(err.user, "redirect") != NULL);
    CHECK_INT(body.len, 0);
    CHECK(get("/missing", OPEN, &body, &err) != 0);
    CHECK(strstr(err.user, "404") != NULL && strstr(err.user, "top-thing") == NULL);
    CHECK_INT(body.len, 0);
    CHECK(get("/cut", OPEN, &body, &err) != 0);
    CHECK_INT(err.code, ERR_REMOTE);
    buf_deinit(&body);
}

static void sizes_and_times_are_bounded(void)
{
    struct http_limits limits = OPEN;
    struct buf body;
    struct err err;
    int64_t began;

    buf_init(&body, 1000000);
    limits.max_bytes = 50000;
    CHECK(get("/endless", limits, &body, &err) != 0);
    CHECK_INT(err.code, ERR_TOO_LARGE);
    CHECK(body.len <= 50000);
    limits.total_ms = 300;
    began = clock_mono_ms();
    CHECK(get("/silent", limits, &body, &err) != 0);
    CHECK_INT(err.code, ERR_REMOTE);
    CHECK(clock_mono_ms() - began < 2000);
    memset(&limits, 0, sizeof(limits));
    CHECK(get("/ok", limits, &body, &err) != 0); /* the zero value refuses */
    buf_deinit(&body);
}

static int stop_at_once(void *context, int64_t done, int64_t total)
{
    (void)context, (void)total;
    return done > 0 ? 1 : 0;
}

static void downloads_go_to_a_file_and_can_be_stopped(void)
{
    char name[] = "/tmp/wl-http-XXXXXX", url[128], got[16] = "";
    struct http_download to = {.fd = mkstemp(name)};
    struct http_answer seen;
    struct err err = {0};

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/ok", port);
    CHECK_INT(http_get_to_fd(url, &OPEN, &to, &seen, &err), 0);
    CHECK_INT(seen.bytes, 5);
    CHECK_STR(seen.type, "text/plain");
    CHECK(pread(to.fd, got, sizeof(got) - 1, 0) == 5);
    CHECK_STR(got, "hello");
    to.progress = stop_at_once;
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/endless", port);
    CHECK(http_get_to_fd(url,
                         &(struct http_limits){
                             .max_bytes = (int64_t)1 << 40, .allow_http = true, .allow = LOOPBACK},
                         &to, &seen, &err)
          != 0);
    close(to.fd);
    to.fd = open("/dev/full", O_WRONLY);
    to.progress = NULL;
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/ok", port);
    CHECK(http_get_to_fd(url, &OPEN, &to, &seen, &err) != 0);
    CHECK_INT(err.code, ERR_NO_SPACE);
    close(to.fd);
    unlink(name);
}

static void the_browser_keeps_cookies_and_sends_forms(void)
{
    const struct browser_field fields[] = {{"a", "1 2&"}, {"b", "\xc3\xa9"}, {NULL, NULL}};
    struct browser_page page;
    struct browser *browser;
    struct err err = {0};
    char origin[64];

    (void)snprintf(origin, sizeof(origin), "http://127.0.0.1:%d", port);
    browser = browser_new(origin, LOOPBACK);
    browser_page_init(&page);
    CHECK_INT(browser_get(browser, "/login", "text/html", &page, &err), 0);
    CHECK_INT(browser_post(browser, "/form", fields, &page, &err), 0);
    CHECK_INT(page.status, 303);
    CHECK_STR(page.location, "/after?x=1");
    CHECK_INT(browser_get(browser, "/missing", "text/html", &page, &err), 0);
    CHECK_INT(page.status, 404);
    CHECK_STR(page.location, "");
    CHECK_STR(page.body.data, "top-thing");
    browser_page_deinit(&page);
    browser_free(browser);
}

struct seen {
    int events;
    char last[64];
};

static int on_event(void *context, const char *event, const char *id, const char *data)
{
    struct seen *seen = context;

    seen->events++;
    (void)snprintf(seen->last, sizeof(seen->last), "%s %s %s", event, id, data);
    return strcmp(event, "done") == 0;
}

static void event_streams_are_followed_to_their_end(void)
{
    struct seen seen = {0};
    const struct browser_stream stream = {
        .path = "/events", .deadline_ms = 3000, .event = on_event, .context = &seen};
    struct browser *browser;
    struct err err = {0};
    char origin[64];

    (void)snprintf(origin, sizeof(origin), "http://127.0.0.1:%d", port);
    browser = browser_new(origin, LOOPBACK);
    CHECK_INT(browser_follow(browser, &stream, &err), 0);
    CHECK_INT(seen.events, 2);
    CHECK_STR(seen.last, "done 30 over");
    browser_free(browser);
}

int main(void)
{
    struct err err = {0};

    if (http_start(&err) != 0)
        return 1;
    start_server();
    TAP_RUN(what_is_allowed_comes);
    TAP_RUN(loopback_in_every_spelling_is_refused);
    TAP_RUN(other_schemes_and_plain_http_are_refused);
    TAP_RUN(a_proxy_in_the_environment_is_not_asked);
    TAP_RUN(redirects_and_errors_are_failures_without_a_body);
    TAP_RUN(sizes_and_times_are_bounded);
    TAP_RUN(downloads_go_to_a_file_and_can_be_stopped);
    TAP_RUN(the_browser_keeps_cookies_and_sends_forms);
    TAP_RUN(event_streams_are_followed_to_their_end);
    kill(server, SIGKILL);
    return tap_done();
}

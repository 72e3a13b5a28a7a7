/* net_api.c - calls of the JSON API (lib/net/api.h) against a small server of our own on loopback:
 * where a token may go, and what arrives. */
#include "lib/net/api.h"
#include "tests/tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/crypto/crypto.h"
#include "lib/net/http.h"

#define TOKEN "wl_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static char base[64];
static pid_t server;

/* Answers with the request itself; /moved with a redirect, /refused with a problem. */
static void serve_one(int fd)
{
    static char request[20000], answer[21000];
    size_t len = 0;
    ssize_t n;

    while (len < sizeof request - 1
           && (n = read(fd, request + len, sizeof request - 1 - len)) > 0) {
        len += (size_t)n;
        request[len] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL
            && (strncmp(request, "GET", 3) == 0 || strstr(request, "}") != NULL))
            break;
    }
    if (strncmp(request, "GET /moved", 10) == 0)
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 302 Found\r\nLocation: %s/stolen\r\nContent-Length: 0\r\n\r\n", base);
    else
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 %s\r\nETag: \"s14\"\r\nContent-Type: text/plain\r\nContent-Length: "
                 "%zu\r\n\r\n%s",
                 strstr(request, "/refused") != NULL ? "412 No" : "200 OK", len, request);
    (void)!write(fd, answer, strlen(answer));
}

static void start_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(fd, (const struct sockaddr *)&address, len) != 0 || listen(fd, 16) != 0
        || getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        exit(1);
    snprintf(base, sizeof base, "http://127.0.0.1:%d", ntohs(address.sin_port));
    fflush(stdout);
    server = fork();
    if (server == 0) {
        for (;;) {
            int one = accept(fd, NULL, NULL);

            serve_one(one);
            close(one);
        }
    }
    close(fd);
}

static void a_token_goes_to_https_or_loopback_only(void)
{
    static const char *const GOOD[] = {"https://deploy.example.org", "https://10.0.0.5:8443",
                                       "http://127.0.0.1:8080", "http://localhost",
                                       "http://[::1]:8080"};
    static const char *const BAD[] = {"",
                                      "deploy.example.org",
                                      "ftp://deploy.example.org",
                                      "https://",
                                      "https://a/b",
                                      "https://a?x",
                                      "https://user:password@a",
                                      "http://deploy.example.org",
                                      "http://127.0.0.1.evil.example",
                                      "http://localhost.evil.example",
                                      "http://127.0.0.1@evil.example",
                                      "https://a b",
                                      "https://a\r\nX: y"};
    struct err err;

    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++)
        CHECK_INT(api_check_base(GOOD[i], &err), 0);
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        if (api_check_base(BAD[i], &err) != -1)
            tap_note_failure(__FILE__, __LINE__, BAD[i]);
        CHECK_STR(err.field, "url");
    }
}

static void token_body_and_version_arrive(void)
{
    static const char BODY[] = "{\"a\":1}";
    struct api_request request = {.method = "PATCH",
                                  .base = base,
                                  .path = "/api/v1/x",
                                  .token = TOKEN,
                                  .if_match = "\"s14\"",
                                  .body = BODY,
                                  .body_len = sizeof BODY - 1};
    struct api_answer answer;
    struct err err = {0};

    api_answer_init(&answer);
    CHECK_INT(api_call(&request, &answer, &err), 0);
    CHECK_INT(answer.status, 200);
    CHECK_STR(answer.etag, "\"s14\"");
    CHECK(strncmp(answer.body.data, "PATCH /api/v1/x HTTP/1.1\r\n", 26) == 0);
    CHECK(strstr(answer.body.data, "\r\nAuthorization: Bearer " TOKEN "\r\n") != NULL);
    CHECK(strstr(answer.body.data, "\r\nIf-Match: \"s14\"\r\n") != NULL);
    CHECK(strstr(answer.body.data, "\r\nContent-Type: application/json\r\n") != NULL);
    CHECK(strstr(answer.body.data, "\r\n\r\n{\"a\":1}") != NULL);
    CHECK(strstr(answer.body.data, "Cookie") == NULL);
    api_answer_deinit(&answer);
}

static void a_refusal_is_an_answer_and_a_redirect_is_not_followed(void)
{
    struct api_request request = {
        .method = "GET", .base = base, .path = "/refused", .token = TOKEN};
    struct api_answer answer;
    struct err err = {0};

    api_answer_init(&answer);
    CHECK_INT(api_call(&request, &answer, &err), 0);
    CHECK_INT(answer.status, 412);
    CHECK(answer.body.len > 0);
    request.path = "/moved";
    CHECK_INT(api_call(&request, &answer, &err), 0);
    CHECK_INT(answer.status, 302);
    CHECK_INT(answer.body.len, 0);
    api_answer_deinit(&answer);
}

static void nobody_there_is_said(void)
{
    struct api_request request = {
        .method = "GET", .base = "http://127.0.0.1:1", .path = "/", .token = TOKEN};
    struct api_answer answer;
    struct err err = {0};

    api_answer_init(&answer);
    CHECK_INT(api_call(&request, &answer, &err), -1);
    CHECK_INT(err.code, ERR_REMOTE);
    CHECK(strstr(err.user, TOKEN) == NULL && strstr(err.detail, TOKEN) == NULL);
    api_answer_deinit(&answer);
}

int main(void)
{
    struct err err;

    if (crypto_start(&err) != 0 || http_start(&err) != 0)
        return 1;
    start_server();
    TAP_RUN(a_token_goes_to_https_or_loopback_only);
    TAP_RUN(token_body_and_version_arrive);
    TAP_RUN(a_refusal_is_an_answer_and_a_redirect_is_not_followed);
    TAP_RUN(nobody_there_is_said);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    return tap_done();
}

/* hello.c - the small real app that the demo and the tests deploy.
 *
 * An HTTP server in one file, one request at a time, no library: linked statically it runs on any
 * Linux server of its architecture. `/health` answers {"status":"healthy","version":"1.0.0"}, `/`
 * greets. What a release is, comes from its folder: the file VERSION, and for the version that
 * never becomes healthy the word `starting` in the file STATE. PORT, HOST (the address to listen
 * on, 127.0.0.1; in a container 0.0.0.0) and GREETING come from the environment, as an app's
 * settings do. `hello check` asks the health of the one that runs here and ends with 0 or 1: a
 * container's health check needs no other program. TERM ends it at once. It is an example: it
 * trusts nobody's input beyond the first line of a request, which it reads into a fixed buffer. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void quit(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

/* The first line of a small file, without its end; the default when there is none. */
static void read_word(const char *path, const char *otherwise, char *word, size_t size)
{
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(word, (int)size, file) == NULL)
        snprintf(word, size, "%s", otherwise);
    if (file != NULL)
        fclose(file);
    word[strcspn(word, "\r\n\"\\")] = '\0';
}

static void escape_html(char *to, size_t size, const char *from)
{
    size_t used = 0;
    to[0] = '\0';
    for (; *from != '\0' && used + 8 < size; from++) {
        const char *entity = *from == '<'   ? "&lt;"
                             : *from == '&' ? "&amp;"
                             : *from == '"' ? "&quot;"
                                            : NULL;
        if (entity != NULL)
            used += (size_t)snprintf(to + used, size - used, "%s", entity);
        else
            to[used++] = *from;
        to[used] = '\0';
    }
}

static void answer(int peer, const char *status, const char *type, const char *body)
{
    char head[256];
    int len = snprintf(head, sizeof head,
                       "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: "
                       "no-store\r\nConnection: close\r\n\r\n",
                       status, type, strlen(body));
    if (write(peer, head, (size_t)len) == len && write(peer, body, strlen(body)) < 0)
        perror("hello: write");
}

static void answer_health(int peer, const char *version, const char *state)
{
    char body[256];
    snprintf(body, sizeof body, "{\"status\":\"%s\",\"version\":\"%s\"}\n", state, version);
    answer(peer, strcmp(state, "healthy") == 0 ? "200 OK" : "503 Service Unavailable",
           "application/json", body);
}

static void answer_page(int peer, const char *version)
{
    const char *greeting = getenv("GREETING");
    char safe[1024], body[4096];
    escape_html(safe, sizeof safe, greeting != NULL ? greeting : "Hello");
    snprintf(body, sizeof body,
             "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
             "content=\"width=device-width\"><title>hello "
             "%s</title><style>body{font:1.25rem/1.5 "
             "system-ui,sans-serif;display:grid;place-content:center;min-height:100vh;margin:0;"
             "text-align:"
             "center;color-scheme:light dark}h1{font-size:3rem;margin:0}</style><h1>%s</h1><p>This "
             "is version <b>%s</b>, put live by "
             "Windlass.</p></html>\n",
             version, safe, version);
    answer(peer, "200 OK", "text/html; charset=utf-8", body);
}

static void serve(int peer, const char *version, const char *state)
{
    char request[4096];
    size_t used = 0;
    struct pollfd waiting = {.fd = peer, .events = POLLIN};
    /* Two seconds for the request's head; whoever is slower is not served. */
    while (used < sizeof request - 1 && poll(&waiting, 1, 2000) > 0) {
        ssize_t got = read(peer, request + used, sizeof request - 1 - used);
        if (got <= 0)
            break;
        used += (size_t)got;
        request[used] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL || strstr(request, "\n\n") != NULL)
            break;
    }
    request[used] = '\0';
    if (strncmp(request, "GET /health ", 12) == 0)
        answer_health(peer, version, state);
    else if (strncmp(request, "GET / ", 6) == 0)
        answer_page(peer, version);
    else
        answer(peer, "404 Not Found", "text/plain", "not found\n");
}

static struct sockaddr_in place_of(const char *host, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    if (host == NULL || inet_pton(AF_INET, host, &address.sin_addr) != 1)
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int listen_on(int port)
{
    struct sockaddr_in address = place_of(getenv("HOST"), port);
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 64) != 0)
        return -1;
    return fd;
}

/* The exit status of `hello check`. */
static int check_health(int port)
{
    static const char request[] = "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n";
    char answer_head[64] = "";
    struct sockaddr_in address = place_of(NULL, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0
        || write(fd, request, sizeof request - 1) < 0
        || read(fd, answer_head, sizeof answer_head - 1) <= 0)
        return 1;
    return strncmp(answer_head, "HTTP/1.1 200", 12) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    char version[64], state[64];
    const char *port_text = getenv("PORT");
    long port = port_text != NULL ? strtol(port_text, NULL, 10) : 8000;
    if (argc == 2 && strcmp(argv[1], "check") == 0)
        return check_health((int)port);
    signal(SIGTERM, quit);
    signal(SIGINT, quit);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    read_word("VERSION", "0.0.0", version, sizeof version);
    read_word("STATE", "healthy", state, sizeof state);
    int fd = port > 0 && port < 65536 ? listen_on((int)port) : -1;
    if (fd < 0) {
        fprintf(stderr, "hello %s: cannot listen on 127.0.0.1:%s: %s\n", version,
                port_text != NULL ? port_text : "8000", strerror(errno));
        return 1;
    }
    printf("hello %s: listening on 127.0.0.1:%ld\n", version, port);
    if (strcmp(state, "healthy") != 0)
        printf("hello %s: \033[33mstill %s\033[0m, waiting for a database that does not exist\n",
               version, state);
    for (;;) {
        int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (peer < 0)
            continue;
        serve(peer, version, state);
        close(peer);
    }
}

/* app.c - the one program in the lab's images: a backend, a frontend, and every way to go wrong.
 *
 *   app backend     HTTP on port 8000: /health answers {"status":"healthy","version":"1.0.0"},
 * /data the lines of /app/data/starts (one is added at each start), /env?NAME the bytes of that
 * environment variable, / one line of text app frontend    HTTP on port 3000: a page on /, and
 * /health
 *
 * The version is in /app/VERSION. PORT is another port, DATA_DIR another folder for the data. What
 * goes wrong is in LAB_FAULT, or else in /app/FAULT:
 *
 *   unhealthy       /health is 503 for ever          slow=S       nobody listens for S seconds
 *   flapping=S      S seconds healthy, S not         hang         connections are never answered
 *   crash=S         ends with status 1 after S       stubborn     TERM is ignored
 *   memory=S        after S takes memory until it is killed
 *
 * Static, so that it runs in an image with nothing else. One connection at a time. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char version[64] = "0.0.0", fault[64];
static long fault_s;
static time_t began;

static time_t now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec;
}

static void first_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return;
    if (fgets(line, size, file) != NULL)
        line[strcspn(line, "\n")] = '\0';
    fclose(file);
}

static int is_fault(const char *name)
{
    return strcmp(fault, name) == 0;
}

static void read_fault(void)
{
    const char *named = getenv("LAB_FAULT");
    first_line("/app/FAULT", fault, sizeof fault);
    if (named != NULL)
        snprintf(fault, sizeof fault, "%s", named);
    char *seconds = strchr(fault, '=');
    if (seconds != NULL) {
        *seconds = '\0';
        fault_s = strtol(seconds + 1, NULL, 10);
    }
}

static void stop(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

/* The volume's contents prove what survived: every start leaves a line. */
static const char *starts_path(void)
{
    static char path[512];
    const char *folder = getenv("DATA_DIR");
    folder = folder != NULL ? folder : "/app/data";
    mkdir(folder, 0755);
    snprintf(path, sizeof path, "%s/starts", folder);
    return path;
}

static void note_start(void)
{
    FILE *file = fopen(starts_path(), "a");
    if (file == NULL || fprintf(file, "%s %ld\n", version, (long)time(NULL)) < 0)
        fprintf(stderr, "app %s: %s: %s\n", version, starts_path(), strerror(errno));
    if (file != NULL)
        fclose(file);
}

static void answer(FILE *peer, const char *status, const char *type, const char *body, size_t size)
{
    fprintf(peer,
            "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
            status, type, size);
    fwrite(body, 1, size, peer);
}

static void answer_text(FILE *peer, const char *status, const char *type, const char *body)
{
    answer(peer, status, type, body, strlen(body));
}

static void answer_health(FILE *peer)
{
    char body[160];
    long half = fault_s > 0 ? fault_s : 3;
    int is_well =
        !is_fault("unhealthy") && !(is_fault("flapping") && (now() - began) / half % 2 == 1);
    snprintf(body, sizeof body, "{\"status\":\"%s\",\"version\":\"%s\"}\n",
             is_well ? "healthy" : "unhealthy", version);
    answer_text(peer, is_well ? "200 OK" : "503 Service Unavailable", "application/json", body);
}

static void answer_data(FILE *peer)
{
    static char body[1 << 16];
    FILE *file = fopen(starts_path(), "r");
    size_t size = file != NULL ? fread(body, 1, sizeof body, file) : 0;
    if (file != NULL)
        fclose(file);
    answer(peer, "200 OK", "text/plain", body, size);
}

static void answer_env(FILE *peer, const char *name)
{
    const char *value = getenv(name);
    answer_text(peer, value != NULL ? "200 OK" : "404 Not Found", "application/octet-stream",
                value != NULL ? value : "");
}

static void answer_page(FILE *peer, int is_frontend)
{
    char body[512];
    if (is_frontend)
        snprintf(body, sizeof body,
                 "<!doctype html><html lang=\"en\"><title>Frontend</title>"
                 "<h1>Frontend</h1><p>Version <b>%s</b></html>\n",
                 version);
    else
        snprintf(body, sizeof body, "backend %s\n", version);
    answer_text(peer, "200 OK", is_frontend ? "text/html" : "text/plain", body);
}

static void serve(int fd, int is_frontend)
{
    char request[4096], line[4096], path[2048];
    struct timeval patience = {.tv_sec = 2};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    FILE *peer = fdopen(fd, "r+");
    if (peer == NULL) {
        close(fd);
        return;
    }
    if (fgets(request, sizeof request, peer) == NULL || sscanf(request, "GET %2047s", path) != 1)
        goto out;
    while (fgets(line, sizeof line, peer) != NULL && line[0] != '\r' && line[0] != '\n')
        ;
    fseek(peer, 0, SEEK_CUR); /* between reading and writing */
    if (strcmp(path, "/health") == 0)
        answer_health(peer);
    else if (strcmp(path, "/") == 0)
        answer_page(peer, is_frontend);
    else if (!is_frontend && strcmp(path, "/data") == 0)
        answer_data(peer);
    else if (!is_frontend && strncmp(path, "/env?", 5) == 0)
        answer_env(peer, path + 5);
    else
        answer_text(peer, "404 Not Found", "text/plain", "not found\n");
out:
    fclose(peer);
}

static int listen_on(const char *text)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in any = {.sin_family = AF_INET,
                              .sin_port = htons((unsigned short)strtol(text, NULL, 10))};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&any, sizeof any) != 0 || listen(fd, 64) != 0) {
        fprintf(stderr, "app %s: port %s: %s\n", version, text, strerror(errno));
        exit(1);
    }
    return fd;
}

static void take_memory(void)
{
    printf("app %s: takes all memory\n", version);
    for (;;) {
        char *block = malloc(1 << 20);
        if (block == NULL)
            exit(1);
        memset(block, 1, 1 << 20);
    }
}

/* Milliseconds until the fault's time has come; -1 when it has none. */
static int until_fault(void)
{
    if (!is_fault("crash") && !is_fault("memory"))
        return -1;
    time_t left = began + fault_s - now();
    return left > 0 ? (int)left * 1000 : 0;
}

static void go_wrong(void)
{
    if (is_fault("memory"))
        take_memory();
    fprintf(stderr, "app %s: crashes, as it was told\n", version);
    exit(1);
}

int main(int argc, char **argv)
{
    int is_frontend = argc > 1 && strcmp(argv[1], "frontend") == 0;
    const char *port = getenv("PORT");
    port = port != NULL ? port : is_frontend ? "3000" : "8000";
    began = now();
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    first_line("/app/VERSION", version, sizeof version);
    read_fault();
    signal(SIGTERM, is_fault("stubborn") ? SIG_IGN : stop);
    if (!is_frontend)
        note_start();
    printf("app %s: %s starts%s%s\n", version, is_frontend ? "frontend" : "backend",
           fault[0] != '\0' ? ", fault " : "", fault);
    if (is_fault("slow"))
        sleep((unsigned)fault_s);
    struct pollfd door = {.fd = listen_on(port), .events = POLLIN};
    printf("app %s: listens on port %s\n", version, port);
    for (;;) {
        if (until_fault() == 0)
            go_wrong();
        if (poll(&door, 1, until_fault()) <= 0)
            continue;
        int peer = accept(door.fd, NULL, NULL);
        if (peer >= 0 && !is_fault("hang"))
            serve(peer, is_frontend);
    }
}

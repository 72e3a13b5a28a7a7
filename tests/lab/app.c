/* app.c - the one program in the lab's images: a backend, a frontend, and every way to go wrong.
 *
 *   app backend     HTTP on port 8000: /health answers {"status":"healthy","version":"1.0.0"},
 * /data the lines of /app/data/starts (one is added at each start), /env?NAME the bytes of that
 * environment variable, /slow?S ten lines a second for S seconds, /ws a websocket that sends back
 * what it gets, / one line of text
 *   app frontend    HTTP on port 3000: a page on /, and /health
 *   app worker      no port: one line to the standard output, and a line in starts
 *
 * The version is in /app/VERSION. PORT is another port, DATA_DIR another folder for the data. What
 * goes wrong is the argument behind the role, or in LAB_FAULT, or in /app/data/fault-<version> (for
 * one of several machines), or else in /app/FAULT:
 *
 *   unhealthy       /health is 503 for ever          slow=S       nobody listens for S seconds
 *   flapping=S      S seconds healthy, S not         hang         connections are never answered
 *   crash=S         ends with status 1 after S       stubborn     TERM is ignored
 *   memory=S        after S takes memory until it is killed
 *
 * Static, so that it runs in an image with nothing else. One connection at a time, but for /slow
 * and /ws, which have a process each. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
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

static void read_fault(const char *named)
{
    named = named != NULL ? named : getenv("LAB_FAULT");
    char here[128];
    first_line("/app/FAULT", fault, sizeof fault);
    (void)snprintf(here, sizeof here, "/app/data/fault-%s", version);
    first_line(here, fault, sizeof fault);
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

/* --- what lasts: a process each --- */

static void answer_slowly(FILE *peer, const char *seconds)
{
    long left = strtol(seconds, NULL, 10) * 10;
    fprintf(peer, "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\nConnection: close\r\n\r\n", left * 20);
    for (; left > 0 && fflush(peer) == 0; left--) {
        fprintf(peer, "%-18.18s\r\n", version);
        usleep(100000);
    }
}

static uint32_t rotate(uint32_t x, int by)
{
    return x << by | x >> (32 - by);
}

static void sha1_block(uint32_t h[5], const unsigned char *at)
{
    uint32_t w[80], v[5];
    for (int i = 0; i < 80; i++)
        w[i] = i < 16 ? (uint32_t)at[4 * i] << 24 | (uint32_t)at[4 * i + 1] << 16
                            | (uint32_t)at[4 * i + 2] << 8 | at[4 * i + 3]
                      : rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    memcpy(v, h, sizeof v);
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? (v[1] & v[2]) | (~v[1] & v[3])
                     : i < 40 ? v[1] ^ v[2] ^ v[3]
                     : i < 60 ? (v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3])
                              : v[1] ^ v[2] ^ v[3];
        static const uint32_t k[] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
        uint32_t next = rotate(v[0], 5) + f + v[4] + k[i / 20] + w[i];
        v[4] = v[3];
        v[3] = v[2];
        v[2] = rotate(v[1], 30);
        v[1] = v[0];
        v[0] = next;
    }
    for (int i = 0; i < 5; i++)
        h[i] += v[i];
}

/* RFC 6455: base64 of SHA-1 of the key and a fixed text, together at most 119 bytes. */
static void accept_key(const char *key, char out[32])
{
    static const char code[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char text[128] = {0}, hash[21] = {0};
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    int len = snprintf((char *)text, 119, "%.40s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    text[len] = 0x80;
    text[126] = (unsigned char)(len * 8 >> 8);
    text[127] = (unsigned char)(len * 8);
    sha1_block(h, text);
    sha1_block(h, text + 64);
    for (int i = 0; i < 20; i++)
        hash[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
    for (int i = 0; i < 28; i++) {
        int bits = i * 6, pair = hash[bits / 8] << 8 | (bits / 8 < 20 ? hash[bits / 8 + 1] : 0);
        out[i] = i < 27 ? code[pair >> (10 - bits % 8) & 63] : '=';
    }
    out[28] = '\0';
}

/* Short text frames, sent back as they came; anything else ends it. */
static void echo(FILE *peer, const char *key)
{
    char accepted[32];
    unsigned char frame[131];
    accept_key(key, accepted);
    fprintf(peer,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: %s\r\n\r\n",
            accepted);
    while (fflush(peer) == 0 && fread(frame, 1, 6, peer) == 6) {
        size_t size = frame[1] & 127;
        unsigned char *text = frame + 6;
        if (frame[0] != 0x81 || size > 125 || fread(text, 1, size, peer) != size)
            return;
        for (size_t i = 0; i < size; i++)
            text[i] ^= frame[2 + i % 4];
        fputc(0x81, peer);
        fputc((int)size, peer);
        fwrite(text, 1, size, peer);
    }
}

/* In the child: true. The parent goes on with others. */
static int is_forked(int fd)
{
    struct timeval forever = {0};
    if (fork() != 0)
        return 0;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever);
    return 1;
}

static void serve(int fd, int is_frontend)
{
    char request[4096], line[4096], path[2048], key[64] = "";
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
        if (strncasecmp(line, "Sec-WebSocket-Key: ", 19) == 0)
            (void)sscanf(line + 19, "%40[^\r\n]", key);
    fseek(peer, 0, SEEK_CUR); /* between reading and writing */
    if (strcmp(path, "/health") == 0)
        answer_health(peer);
    else if (strcmp(path, "/") == 0)
        answer_page(peer, is_frontend);
    else if (!is_frontend && strcmp(path, "/data") == 0)
        answer_data(peer);
    else if (!is_frontend && strncmp(path, "/env?", 5) == 0)
        answer_env(peer, path + 5);
    else if (strncmp(path, "/slow?", 6) == 0 || (strcmp(path, "/ws") == 0 && key[0] != '\0')) {
        if (!is_forked(fd))
            goto out;
        if (path[1] == 's')
            answer_slowly(peer, path + 6);
        else
            echo(peer, key);
        exit(0);
    } else
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
    signal(SIGCHLD, SIG_IGN); /* nobody waits for those that last */
    first_line("/app/VERSION", version, sizeof version);
    read_fault(argc > 2 ? argv[2] : NULL);
    signal(SIGTERM, is_fault("stubborn") ? SIG_IGN : stop);
    if (!is_frontend)
        note_start();
    printf("app %s: %s starts%s%s\n", version, argc > 1 ? argv[1] : "backend",
           fault[0] != '\0' ? ", fault " : "", fault);
    if (is_fault("slow"))
        sleep((unsigned)fault_s);
    while (argc > 1 && strcmp(argv[1], "worker") == 0)
        if (poll(NULL, 0, until_fault()) == 0)
            go_wrong();
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

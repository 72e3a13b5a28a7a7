/* asker.c - for tests in another language, what windlass-web does towards the worker.
 *
 *     asker seal KEY         bytes on standard input, sealed to this public key (hex), as hex
 *     asker ask SOCKET       one question (JSON) on standard input, the answer on standard output
 *
 * Whoever is the user of windlass-web can do both; nothing here needs a secret. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/crypto/seal.h"

#define INPUT_MAX  65536
#define ANSWER_MAX 65536

static uint8_t input[INPUT_MAX];

static size_t read_input(void)
{
    size_t len = 0;
    ssize_t n;

    while (len < sizeof input && (n = read(STDIN_FILENO, input + len, sizeof input - len)) > 0)
        len += (size_t)n;
    return len;
}

static int seal(const char *key_hex)
{
    static uint8_t box[INPUT_MAX + SEAL_OVERHEAD];
    static char hex[2 * sizeof box + 1];
    uint8_t key[SEAL_KEY_BYTES];
    size_t len = read_input();

    if (crypto_start(NULL) != 0 || !crypto_unhex(key_hex, key, sizeof key)
        || seal_to(key, input, len, box, NULL) != 0)
        return 1;
    crypto_hex(hex, sizeof hex, box, len + SEAL_OVERHEAD);
    puts(hex);
    return 0;
}

static int ask(const char *path)
{
    static char answer[ANSWER_MAX];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = 20};
    size_t len = read_input();
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    ssize_t got;

    if (fd < 0 || !str_copy(address.sun_path, sizeof address.sun_path, path)
        || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0)
        return 1;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0
        || send(fd, input, len, MSG_NOSIGNAL) != (ssize_t)len) {
        perror("asker");
        return 1;
    }
    got = recv(fd, answer, sizeof answer, 0);
    if (got <= 0 || fwrite(answer, 1, (size_t)got, stdout) != (size_t)got)
        return 1;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "seal") == 0)
        return seal(argv[2]);
    if (argc == 3 && strcmp(argv[1], "ask") == 0)
        return ask(argv[2]);
    fputs("usage: asker seal KEY | asker ask SOCKET\n", stderr);
    return 2;
}

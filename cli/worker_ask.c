/* worker_ask.c - one question, one answer, on the worker's socket (worker_ask.h). */
#include "cli/worker_ask.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "db/instance.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/str.h"
#include "lib/crypto/seal.h"

#define MESSAGE_MAX 65536
#define ANSWER_MS   15000
#define SECRET_MAX  1024

static int dial(const struct place *place, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/run/ask.sock", place->var)
        >= (int)sizeof(address.sun_path))
        return err_field(err, "var", "The data folder's path is too long for sockets.");
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return err_errno(err, "socket");
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    (void)err_set(err, ERR_BUSY, "The worker does not run. Fix: start Windlass, then try again.");
    (void)err_detail(err, "connect %s: %s", address.sun_path, strerror(errno));
    io_close(&fd);
    return -1;
}

static enum err_code code_from_name(const char *name)
{
    for (int code = ERR_INPUT; code <= ERR_INTERNAL; code++)
        if (str_equal(err_code_name((enum err_code)code), name))
            return (enum err_code)code;
    return ERR_INTERNAL;
}

/* The answer as an object, or its refusal as our error. */
static int take_answer(const char *bytes, size_t len, json_t **answer, struct err *err)
{
    json_t *object = json_loadb(bytes, len, 0, NULL);
    const char *code, *field, *sentence;

    if (json_is_true(json_object_get(object, "ok"))) {
        *answer = object;
        return 0;
    }
    code = json_string_value(json_object_get(object, "code"));
    field = json_string_value(json_object_get(object, "field"));
    sentence = json_string_value(json_object_get(object, "user"));
    (void)err_set(err, code != NULL ? code_from_name(code) : ERR_INTERNAL, "%s%s%s",
                  field != NULL ? field : "", field != NULL && field[0] != '\0' ? ": " : "",
                  sentence != NULL ? sentence : "The worker gave an answer that is none.");
    json_decref(object);
    return -1;
}

static int exchange(int fd, const char *text, json_t **answer, struct err *err)
{
    char *bytes = malloc(MESSAGE_MAX);
    size_t len = strlen(text);
    ssize_t got = -1;
    int rc;

    if (bytes == NULL)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory.");
    if (send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len
        && io_wait(fd, POLLIN, clock_mono_ms() + ANSWER_MS) == 1)
        got = recv(fd, bytes, MESSAGE_MAX, 0);
    rc = got > 0 ? take_answer(bytes, (size_t)got, answer, err)
                 : err_set(err, ERR_BUSY, "The worker did not answer in time. Fix: try again.");
    free(bytes);
    return rc;
}

int worker_ask(const struct place *place, const char *verb, const char *token, json_t *question,
               json_t **answer, struct err *err)
{
    char *text = NULL;
    int fd = -1, rc = -1;

    if (question == NULL || json_object_set_new(question, "verb", json_string(verb)) != 0
        || json_object_set_new(question, "ip", json_string("")) != 0
        || json_object_set_new(question, "request_id", json_string("command-line")) != 0
        || (token != NULL && json_object_set_new(question, "token", json_string(token)) != 0)
        || (text = json_dumps(question, JSON_COMPACT)) == NULL) {
        (void)err_set(err, ERR_INTERNAL, "The question to the worker could not be written.");
        goto out;
    }
    fd = dial(place, err);
    if (fd != -1)
        rc = exchange(fd, text, answer, err);
out:
    io_close(&fd);
    free(text);
    json_decref(question);
    return rc;
}

json_t *worker_ask_sealed(const struct dashboard *dashboard, const char *secret, struct err *err)
{
    uint8_t sealed[SECRET_MAX + SEAL_OVERHEAD];
    char text[CRYPTO_B64_SIZE(sizeof(sealed))];
    struct instance instance;
    size_t len = strlen(secret);

    if (len > SECRET_MAX) {
        (void)err_field(err, "password", "The password is longer than %d bytes.", SECRET_MAX);
        return NULL;
    }
    if (instance_get(dashboard->db, &instance, err) != 0
        || seal_to(instance.seal_key, secret, len, sealed, err) != 0)
        return NULL;
    crypto_b64url(text, sizeof(text), sealed, len + SEAL_OVERHEAD);
    return json_string(text);
}

int worker_ask_login(const struct dashboard *dashboard, const char *login, const char *password,
                     char token[CRYPTO_TOKEN_TEXT], struct err *err)
{
    json_t *sealed = worker_ask_sealed(dashboard, password, err);
    json_t *answer = NULL;
    int rc = -1;

    if (sealed == NULL)
        return -1;
    if (worker_ask(&dashboard->place, "login", NULL,
                   json_pack("{s:s, s:o, s:s}", "login", login, "password", sealed, "agent",
                             "windlass command line"),
                   &answer, err)
            == 0
        && str_copy(token, CRYPTO_TOKEN_TEXT, json_string_value(json_object_get(answer, "token"))))
        rc = 0;
    json_decref(answer);
    return rc;
}

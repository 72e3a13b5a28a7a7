/* ask.c - the web's end of the ask socket, and sealing. One connection per question: connect, one
 * message out, one in, close. */
#include "cgi/http/ask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "cgi/http/site.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/crypto/seal.h"

#define MESSAGE_MAX      ((size_t)64 * 1024)
#define ANSWER_MS        5000
#define ANSWER_TARGET_MS 15000
#define SEAL_MAX         ((size_t)48 * 1024)

static int no_worker(struct err *err, const char *what)
{
    err_set(err, ERR_BUSY,
            "The worker is not running or did not answer, so nothing was changed. Start it (under "
            "`make run` and systemd it restarts by itself) and try again.");
    return err_detail(err, "ask socket: %s: %s", what, strerror(errno));
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "This request needs more memory than one request may use.");
}

static bool set_address(struct sockaddr_un *address, const struct site *site, const char *name)
{
    int n;

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    n = snprintf(address->sun_path, sizeof address->sun_path, "%s/run/%s", site->var_dir, name);
    return n > 0 && (size_t)n < sizeof address->sun_path;
}

static int connect_worker(const struct site *site, struct err *err)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return no_worker(err, "socket");
    if (!set_address(&address, site, "ask.sock")
        || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        no_worker(err, "connect");
        io_close(&fd);
    }
    return fd;
}

/* One message, and the file that came with it; *file is -1 when there was none. A second one, or
 * one that nobody waits for (file NULL), is closed. */
static ssize_t receive(int fd, char *bytes, size_t max, int *file)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {bytes, max};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    const struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    int got = -1;

    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS
        && header->cmsg_len == CMSG_LEN(sizeof got))
        memcpy(&got, CMSG_DATA(header), sizeof got);
    if (file != NULL)
        *file = got;
    else
        io_close(&got);
    return n;
}

/* One message each way. The answer's bytes are in the arena. */
static int exchange(struct request *req, const char *question, int64_t deadline,
                    const char **answer, int *file, struct err *err)
{
    char *bytes = arena_alloc(req->arena, MESSAGE_MAX + 1);
    int fd = connect_worker(req->site, err);
    ssize_t n = -1;
    int rc = -1;

    if (fd < 0)
        return -1;
    if (bytes == NULL) {
        no_memory(err);
        goto out;
    }
    if (send(fd, question, strlen(question), MSG_NOSIGNAL) != (ssize_t)strlen(question)) {
        no_worker(err, "send");
        goto out;
    }
    errno = ETIMEDOUT;
    if (io_wait(fd, POLLIN, deadline) == 1)
        n = receive(fd, bytes, MESSAGE_MAX, file);
    if (n <= 0) {
        no_worker(err, "receive");
        goto out;
    }
    bytes[n] = '\0';
    *answer = bytes;
    rc = 0;
out:
    io_close(&fd);
    return rc;
}

static enum err_code code_from_name(const char *name)
{
    for (int code = ERR_NONE + 1; code <= ERR_INTERNAL; code++) {
        if (strcmp(err_code_name((enum err_code)code), name) == 0)
            return (enum err_code)code;
    }
    return ERR_INTERNAL;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

/* {"ok": true, ...} or {"ok": false, "code", "field", "user"}. */
static int read_answer(const char *text, json_t **answer, struct err *err)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char *sentence;

    if (!json_is_object(object))
        return err_set(err, ERR_INTERNAL, "The worker's answer could not be understood.");
    if (json_is_true(json_object_get(object, "ok"))) {
        *answer = object;
        return 0;
    }
    sentence = text_at(object, "user");
    err_field(err, text_at(object, "field"), "%s",
              sentence[0] != '\0' ? sentence : "The worker refused this without a reason.");
    if (err != NULL)
        err->code = code_from_name(text_at(object, "code"));
    return -1;
}

static bool asks_a_target(const char *verb)
{
    return str_equal(verb, "server.host_key") || str_equal(verb, "server.pin");
}

static int put(struct request *req, const char *verb, json_t *question, json_t **answer, int *file,
               struct err *err)
{
    int64_t deadline = clock_mono_ms() + (asks_a_target(verb) ? ANSWER_TARGET_MS : ANSWER_MS);
    const char *reply;
    char *text;

    if (question == NULL)
        question = json_object();
    json_object_set_new(question, "verb", json_string(verb));
    json_object_set_new(question, "ip", json_string(req->ip));
    json_object_set_new(question, "request_id", json_string(req->id));
    if (req->session.token[0] != '\0')
        json_object_set_new(question, "token", json_string(req->session.token));
    text = json_dumps(question, JSON_COMPACT);
    if (text == NULL || arena_overflowed(req->arena))
        return no_memory(err);
    if (strlen(text) > MESSAGE_MAX)
        return err_set(err, ERR_TOO_LARGE, "This is more than can be asked of the worker at once.");
    return exchange(req, text, deadline, &reply, file, err) != 0 ? -1
                                                                 : read_answer(reply, answer, err);
}

int ask(struct request *req, const char *verb, json_t *question, json_t **answer, struct err *err)
{
    return put(req, verb, question, answer, NULL, err);
}

int ask_for_file(struct request *req, const char *verb, json_t *question, json_t **answer, int *fd,
                 struct err *err)
{
    *fd = -1;
    if (put(req, verb, question, answer, fd, err) != 0) {
        io_close(fd);
        return -1;
    }
    if (*fd < 0)
        return err_set(err, ERR_INTERNAL, "The worker's answer came without what it should hold.");
    return 0;
}

void ask_poke(const struct request *req)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    /* A lost datagram costs at most a second: the worker polls. */
    if (fd >= 0 && set_address(&address, req->site, "poke.sock"))
        (void)sendto(fd, "job", 3, MSG_NOSIGNAL, (const struct sockaddr *)&address, sizeof address);
    io_close(&fd);
}

bool ask_worker_runs(const struct request *req)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool runs = fd >= 0 && set_address(&address, req->site, "poke.sock")
                && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    io_close(&fd);
    return runs;
}

static int check_instance(const struct request *req, struct err *err)
{
    if (req->site->has_instance)
        return 0;
    return err_set(err, ERR_BUSY,
                   "The worker has not started for the first time yet, so there is no key to seal "
                   "with. Try again in a moment.");
}

const char *ask_seal(struct request *req, const void *bytes, size_t len, struct err *err)
{
    uint8_t *sealed;
    char *text;

    if (check_instance(req, err) != 0)
        return NULL;
    if (len > SEAL_MAX) {
        err_set(err, ERR_TOO_LARGE, "This value is longer than %zu bytes.", SEAL_MAX);
        return NULL;
    }
    sealed = arena_alloc(req->arena, len + SEAL_OVERHEAD);
    text = arena_alloc(req->arena, CRYPTO_B64_SIZE(len + SEAL_OVERHEAD));
    if (sealed == NULL || text == NULL) {
        no_memory(err);
        return NULL;
    }
    if (seal_to(req->site->seal_key, bytes, len, sealed, err) != 0)
        return NULL;
    crypto_b64url(text, CRYPTO_B64_SIZE(len + SEAL_OVERHEAD), sealed, len + SEAL_OVERHEAD);
    return text;
}

int ask_proof(struct request *req, const char *job_id, const char *kind, const char *environment_id,
              struct ask_proof *proof, struct err *err)
{
    char *text = json_dumps(json_pack("{s:s, s:s, s:s, s:s}", "token", req->session.token, "job",
                                      job_id, "kind", kind, "environment", environment_id),
                            JSON_COMPACT);
    size_t len = text != NULL ? strlen(text) : 0;
    uint8_t *sealed = arena_alloc(req->arena, len + SEAL_OVERHEAD);

    if (check_instance(req, err) != 0)
        return -1;
    if (text == NULL || sealed == NULL)
        return no_memory(err);
    if (seal_to(req->site->seal_key, text, len, sealed, err) != 0)
        return -1;
    *proof = (struct ask_proof){.bytes = sealed, .len = len + SEAL_OVERHEAD};
    return 0;
}

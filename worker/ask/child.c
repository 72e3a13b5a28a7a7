/* child.c - `windlass-worker -x ask`: one question from fd 3, one answer, the end.
 *
 * The process lives for a second or less. An alarm ends it should anything hang: the web side stops
 * waiting long before. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "worker/ask/ask.h"
#include "worker/ask/question.h"

#define QUESTION_FD  3
#define MESSAGE_MAX  ((size_t)64 * 1024)
#define READ_MS      2000
#define ALARM_S      20
#define PATH_MAX_LEN 4096

/* One message, or NULL: too long, none in time, or not a JSON object. */
static json_t *receive(void)
{
    char *bytes = malloc(MESSAGE_MAX + 1);
    json_t *in = NULL;
    ssize_t len = -1;

    if (bytes != NULL && io_wait(QUESTION_FD, POLLIN, clock_mono_ms() + READ_MS) == 1)
        len = recv(QUESTION_FD, bytes, MESSAGE_MAX + 1, MSG_DONTWAIT);
    if (len > 0 && (size_t)len <= MESSAGE_MAX)
        in = json_loadb(bytes, (size_t)len, JSON_REJECT_DUPLICATES, NULL);
    if (bytes != NULL)
        crypto_wipe(bytes, MESSAGE_MAX + 1);
    free(bytes);
    if (in != NULL && !json_is_object(in)) {
        json_decref(in);
        in = NULL;
    }
    return in;
}

/* One message; fd > 0 goes with it (unix(7), SCM_RIGHTS). */
static ssize_t send_with(const char *text, size_t len, int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)(uintptr_t)text, len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (fd > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    }
    return sendmsg(QUESTION_FD, &message, MSG_NOSIGNAL);
}

static int reply(const json_t *out, int fd)
{
    char *text = json_dumps(out, JSON_COMPACT);
    ssize_t sent = -1;

    if (text != NULL) {
        sent = send_with(text, strlen(text), fd);
        crypto_wipe(text, strlen(text));
    }
    free(text);
    return sent > 0 ? 0 : 1;
}

static int reply_err(const struct err *err)
{
    json_t *out = json_pack("{s:b, s:s, s:s, s:s}", "ok", 0, "code", err_code_name(err->code),
                            "field", err->field, "user", err->user);
    int rc = out == NULL ? 1 : reply(out, 0);

    json_decref(out);
    return rc;
}

static int open_stores(struct question *q, struct err *err)
{
    char path[PATH_MAX_LEN];

    if (q->var_dir == NULL
        || snprintf(path, sizeof path, "%s/db/windlass.db", q->var_dir) >= (int)sizeof path)
        return err_set(err, ERR_INTERNAL, "The worker was started without its data folder.");
    if (crypto_start(err) != 0 || db_open(path, DB_SHARED, DB_ROLE_WORKER, &q->shared, err) != 0)
        return -1;
    return vault_open(q->var_dir, DB_ROLE_WORKER, &q->vault, err);
}

int ask_child_main(void)
{
    struct question q = {.var_dir = getenv("WL_VAR")};
    struct err err = {0};
    json_t *in;
    int rc = 1;

    proc_harden();
    alarm(ALARM_S);
    in = receive();
    if (in == NULL) {
        err_set(&err, ERR_INPUT, "The worker did not understand the question.");
        return reply_err(&err);
    }
    q.in = in;
    q.out = json_object();
    if (q.out == NULL || open_stores(&q, &err) != 0) {
        log_err("ask_open", &err);
        rc = reply_err(&err);
    } else {
        ask_answer(&q);
        rc = reply(q.out, q.out_fd);
    }
    if (q.out_fd > 0)
        close(q.out_fd);
    json_decref(q.out);
    json_decref(in);
    vault_close(q.vault);
    db_close(q.shared);
    return rc;
}

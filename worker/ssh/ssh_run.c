/* ssh_run.c - run a script on the target and know how it ended.
 *
 * Only the constant "/bin/sh" is executed; the script is its standard input, so no login shell ever
 * parses a value of ours. libssh2 reports exit status 0 for a command that was killed, for a
 * connection that broke and for one that still runs (measured), so its word is not enough: a trap
 * in front of the script prints a trailer with a fresh nonce and the status on standard error, and
 * success is: the channel ended by itself, no signal, both say 0. Both streams are read in turn,
 * since a full one stops the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/clock.h"
#include "lib/crypto/crypto.h"
#include "worker/ssh/ssh_private.h"

#define SCRIPT_MAX                                                                                 \
    ((size_t)1024 * 1024) /* below the server's window: written before anything is read */
#define ERRORS_KEEP 4096  /* enough for the trailer, whatever else was printed */
#define CLOSE_MS    10000
#define WINDOW      (4u * 1024 * 1024)
#define NONCE_BYTES 12

struct run {
    struct ssh *ssh;
    const struct ssh_run *spec;
    LIBSSH2_CHANNEL *channel;
    int64_t deadline;
    int64_t quiet_deadline; /* 0: none */
    char nonce[2 * NONCE_BYTES + 1];
    struct buf tail; /* the end of standard error */
    bool stopped;
    enum ssh_fault *fault;
    struct err *err;
};

static int wait_more(struct run *run)
{
    int64_t deadline = run->deadline;
    if (run->quiet_deadline != 0 && run->quiet_deadline < deadline)
        deadline = run->quiet_deadline;
    return ssh_wait(run->ssh, deadline, run->fault, run->err);
}

static int open_channel(struct run *run)
{
    LIBSSH2_SESSION *session = run->ssh->session;
    while ((run->channel = libssh2_channel_open_ex(session, "session", sizeof "session" - 1, WINDOW,
                                                   LIBSSH2_CHANNEL_PACKET_DEFAULT, NULL, 0))
           == NULL) {
        if (libssh2_session_last_errno(session) != LIBSSH2_ERROR_EAGAIN)
            break;
        if (wait_more(run) != 0)
            return -1;
    }
    if (run->channel == NULL
        && libssh2_session_last_errno(session) == LIBSSH2_ERROR_CHANNEL_FAILURE) {
        *run->fault = SSH_FAULT_REMOTE;
        return err_set(run->err, ERR_REMOTE,
                       "%s refused to open a session. Fix: raise MaxSessions in its sshd_config.",
                       run->ssh->host);
    }
    if (run->channel == NULL)
        return ssh_lost(run->ssh, "opening a session", run->fault, run->err);
    int rc;
    while ((rc = libssh2_channel_process_startup(run->channel, "exec", 4, "/bin/sh", 7))
           == LIBSSH2_ERROR_EAGAIN)
        if (wait_more(run) != 0)
            return -1;
    if (rc == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED) {
        *run->fault = SSH_FAULT_REMOTE;
        return err_set(
            run->err, ERR_REMOTE,
            "%s lets our key in but runs no command. Fix: remove command= and no-pty style limits "
            "other than restrict and "
            "port-forwarding from its authorized_keys line, and give the account a shell.",
            run->ssh->host);
    }
    return rc == 0 ? 0 : ssh_lost(run->ssh, "starting a command", run->fault, run->err);
}

static int send_all(struct run *run, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = libssh2_channel_write(run->channel, bytes, len);
        if (sent == LIBSSH2_ERROR_EAGAIN) {
            if (wait_more(run) != 0)
                return -1;
        } else if (sent < 0) {
            return ssh_lost(run->ssh, "sending a script", run->fault, run->err);
        } else {
            bytes += sent;
            len -= (size_t)sent;
        }
    }
    return 0;
}

static int send_script(struct run *run)
{
    char prologue[256];
    int len = snprintf(
        prologue, sizeof prologue,
        "trap 'wl_s=$?; printf \"\\nwl-end:%%s:%%s\\n\" %s \"$wl_s\" >&2; exit \"$wl_s\"' EXIT\n",
        run->nonce);
    if (send_all(run, prologue, (size_t)len) != 0
        || send_all(run, run->spec->script, run->spec->script_len) != 0)
        return -1;
    int rc;
    while ((rc = libssh2_channel_send_eof(run->channel)) == LIBSSH2_ERROR_EAGAIN)
        if (wait_more(run) != 0)
            return -1;
    return rc == 0 ? 0 : ssh_lost(run->ssh, "sending a script", run->fault, run->err);
}

/* Standard error: its end is kept, for the trailer and for words about a failure. */
static void keep_errors(struct run *run, const char *bytes, size_t len)
{
    if (len > ERRORS_KEEP) {
        bytes += len - ERRORS_KEEP;
        len = ERRORS_KEEP;
    }
    buf_add(&run->tail, bytes, len);
    if (run->tail.len > ERRORS_KEEP)
        buf_consume(&run->tail, run->tail.len - ERRORS_KEEP);
}

static int take_output(struct run *run, const char *bytes, size_t len)
{
    if (run->spec->output != NULL) {
        if (run->spec->output(run->spec->context, bytes, len) != 0)
            run->stopped = true;
        return 0;
    }
    buf_add(run->spec->out, bytes, len);
    if (buf_ok(run->spec->out))
        return 0;
    *run->fault = SSH_FAULT_REMOTE;
    run->ssh->alive = false; /* the rest would have to be read to use the session again */
    return err_set(run->err, ERR_REMOTE,
                   "%s answered with more than %zu bytes where a short answer was due.",
                   run->ssh->host, run->spec->out->max);
}

/* One read of one stream: 1 got bytes, 0 nothing there now, -1 failed. */
static int read_stream(struct run *run, int stream)
{
    char bytes[32768];
    ssize_t got = libssh2_channel_read_ex(run->channel, stream, bytes, sizeof bytes);
    if (got == LIBSSH2_ERROR_EAGAIN || got == 0)
        return 0;
    if (got < 0)
        return ssh_lost(run->ssh, "a command ran", run->fault, run->err);
    if (run->spec->quiet_ms > 0)
        run->quiet_deadline = clock_mono_ms() + run->spec->quiet_ms;
    if (stream == 0)
        return take_output(run, bytes, (size_t)got) == 0 ? 1 : -1;
    keep_errors(run, bytes, (size_t)got);
    return 1;
}

static int follow(struct run *run)
{
    int64_t next_tick = 0;
    while (!run->stopped) {
        int out = read_stream(run, 0);
        int errors = out < 0 || run->stopped ? -1 : read_stream(run, SSH_EXTENDED_DATA_STDERR);
        if (run->stopped)
            break;
        if (out < 0 || errors < 0)
            return -1;
        if (run->spec->tick != NULL && (clock_mono_ms() >= next_tick || out > 0)) {
            next_tick = clock_mono_ms() + SSH_TICK_MS;
            run->stopped = run->spec->tick(run->spec->context) != 0;
        }
        if (out > 0 || errors > 0) {
            if (clock_left_ms(run->deadline) == 0)
                return wait_more(run); /* a flood must not outrun the deadline */
            continue;
        }
        if (libssh2_channel_eof(run->channel) != 0)
            return 0;
        if (wait_more(run) != 0)
            return -1;
    }
    return 0;
}

/* Ends our side and waits for theirs. */
static int finish(struct run *run)
{
    int64_t deadline = clock_mono_ms() + CLOSE_MS;
    int rc;
    while ((rc = libssh2_channel_close(run->channel)) == LIBSSH2_ERROR_EAGAIN)
        if (ssh_wait(run->ssh, deadline, run->fault, run->err) != 0)
            return -1;
    while (rc == 0 && (rc = libssh2_channel_wait_closed(run->channel)) == LIBSSH2_ERROR_EAGAIN)
        if (ssh_wait(run->ssh, deadline, run->fault, run->err) != 0)
            return -1;
    return rc == 0 ? 0 : ssh_lost(run->ssh, "a command ended", run->fault, run->err);
}

static int free_channel(struct run *run)
{
    int64_t deadline = clock_mono_ms() + CLOSE_MS;
    int rc;
    while ((rc = libssh2_channel_free(run->channel)) == LIBSSH2_ERROR_EAGAIN)
        if (ssh_wait(run->ssh, deadline, run->fault, run->err) != 0)
            return -1;
    run->channel = NULL;
    return rc == 0 ? 0 : ssh_lost(run->ssh, "a command ended", run->fault, run->err);
}

/* The trailer's status, or -1 when there is none; cuts it off the kept errors. */
static int take_trailer(struct run *run)
{
    char mark[64];
    int len = snprintf(mark, sizeof mark, "\nwl-end:%s:", run->nonce);
    char *at = memmem(run->tail.data, run->tail.len, mark, (size_t)len);
    if (at == NULL)
        return -1;
    long status = strtol(at + len, NULL, 10);
    run->tail.len = (size_t)(at - run->tail.data);
    *at = '\0';
    return status >= 0 && status <= 255 ? (int)status : -1;
}

static void copy_errors(struct run *run)
{
    struct buf *errors = run->spec->errors;
    if (errors == NULL)
        return;
    size_t skip = run->tail.len > errors->max ? run->tail.len - errors->max : 0;
    buf_add(errors, run->tail.data + skip, run->tail.len - skip);
}

static int judge(struct run *run, int *status)
{
    char *signal = NULL;
    (void)libssh2_channel_get_exit_signal(run->channel, &signal, NULL, NULL, NULL, NULL, NULL);
    int channel_status = libssh2_channel_get_exit_status(run->channel);
    int told = take_trailer(run);
    copy_errors(run);
    *run->fault = SSH_FAULT_REMOTE;
    if (signal != NULL) {
        (void)err_set(run->err, ERR_REMOTE, "A command on %s was ended by signal %.16s.",
                      run->ssh->host, signal);
        libssh2_free(run->ssh->session, signal);
        return -1;
    }
    if (told < 0 || told != channel_status)
        return err_set(run->err, ERR_REMOTE,
                       "A command on %s ended without saying how. It may have been killed.",
                       run->ssh->host);
    *status = told;
    if (told != 0)
        return err_set(run->err, ERR_REMOTE, "A command on %s failed with status %d.",
                       run->ssh->host, told);
    *run->fault = SSH_FAULT_NONE;
    return 0;
}

int ssh_run(struct ssh *ssh, const struct ssh_run *spec, int *status, bool *stopped,
            enum ssh_fault *fault, struct err *err)
{
    struct run run = {.ssh = ssh,
                      .spec = spec,
                      .fault = fault,
                      .err = err,
                      .deadline = clock_mono_ms() + spec->deadline_ms};
    uint8_t random[NONCE_BYTES];
    int rc = -1;
    *status = -1;
    *stopped = false;
    *fault = SSH_FAULT_NONE;
    if (spec->script_len > SCRIPT_MAX)
        return err_set(err, ERR_TOO_LARGE, "A script of %zu bytes is more than a command may have.",
                       spec->script_len);
    if (spec->quiet_ms > 0)
        run.quiet_deadline = clock_mono_ms() + spec->quiet_ms;
    crypto_random(random, sizeof random);
    crypto_hex(run.nonce, sizeof run.nonce, random, sizeof random);
    buf_init(&run.tail, 2 * ERRORS_KEEP);
    if (open_channel(&run) != 0 || send_script(&run) != 0 || follow(&run) != 0)
        goto out;
    run.quiet_deadline = 0;
    *stopped = run.stopped;
    if (run.stopped) {
        /* sshd answers a close only when the command has ended: not worth waiting for. */
        ssh->alive = false;
        rc = 0;
        goto out;
    }
    if (finish(&run) == 0)
        rc = judge(&run, status);
out:
    if (run.channel != NULL && ssh->alive) {
        enum ssh_fault late = SSH_FAULT_NONE;
        run.fault = &late;
        run.err = NULL;
        if (free_channel(&run) != 0)
            ssh->alive =
                false; /* what was observed stands; the next command needs a new connection */
    }
    buf_deinit(&run.tail);
    return rc;
}

/* The supervisor's end of the pipe into the mask process. */
#include "worker/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/fs.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/joblog.h"

#define QUEUE_MAX     ((size_t)2 * 1024 * 1024)
#define PIPE_BYTES    (256 * 1024)
#define CONFIG_MS     5000
#define LAST_WRITE_MS 2000

void journal_init(struct journal *j)
{
    memset(j, 0, sizeof *j);
    j->pipe = j->control = j->file = -1;
    buf_init(&j->queue, QUEUE_MAX);
}

int journal_lock(struct journal *j, const struct worker_config *config, const char *job_id,
                 bool *busy, struct err *err)
{
    char name[CRYPTO_ID_SIZE + 8];
    *busy = false;
    snprintf(name, sizeof name, "%s.log", job_id);
    if (j->file < 0) {
        j->file = fs_open_beneath(config->logs, name, O_RDWR | O_CREAT | O_APPEND, 0640, err);
        if (j->file < 0)
            return -1;
        if (fchmod(j->file, 0640) != 0
            || (config->group >= 0 && fchown(j->file, (uid_t)-1, (gid_t)config->group) != 0))
            LOG_WARN("log_mode", "a job's log could not be given to its group job=%s", job_id);
    }
    if (flock(j->file, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno != EWOULDBLOCK)
        return err_errno(err, "lock the job's log");
    *busy = true;
    return 0;
}

static int start_mask(struct journal *j, const struct worker_config *config, int in, int control,
                      struct err *err)
{
    const char *argv[] = {"windlass-worker", "-x", "mask", NULL};
    struct proc_spec spec = proc_spec_init();
    spec.path = config->program;
    spec.argv = argv;
    spec.stdin_fd = in;
    spec.extra_fd = j->file;
    spec.extra_fd2 = control;
    spec.new_session = true; /* Ctrl-C is for the supervisor: the mask ends when its pipe does */
    j->pid = proc_start(&spec, err);
    return j->pid > 0 ? 0 : -1;
}

static int send_config(int fd, const struct worker_config *config, const json_t *hidden,
                       struct err *err)
{
    json_t *frame = json_pack("{s:I, s:o}", "max", (json_int_t)config->log_max, "hide",
                              hidden == NULL ? json_array() : json_deep_copy(hidden));
    if (config->unmasked) {
        LOG_WARN("mask_off", "WL_UNMASKED is set: secrets are not hidden in this job's log");
        json_object_set_new(frame, "hide", json_array());
    }
    char *text = frame == NULL ? NULL : json_dumps(frame, JSON_COMPACT);
    int rc = -1;
    if (text != NULL) {
        size_t len = strlen(text);
        rc = io_frame_write(fd, text, len, clock_mono_ms() + CONFIG_MS, err);
        crypto_wipe(text, len);
    } else {
        err_set(err, ERR_NO_MEMORY, "No memory is left.");
    }
    free(text);
    json_decref(frame);
    return rc;
}

int journal_start(struct journal *j, const struct worker_config *config, const json_t *hidden,
                  struct err *err)
{
    int ends[2] = {-1, -1}, sockets[2] = {-1, -1};
    int rc = -1;

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0
        || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
        err_errno(err, "make the pipe to the mask");
        goto out;
    }
    (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* more room when the disk is slow */
    if (start_mask(j, config, ends[0], sockets[1], err) != 0
        || send_config(sockets[0], config, hidden, err) != 0)
        goto out;
    j->pipe = ends[1];
    j->control = sockets[0];
    ends[1] = sockets[0] = -1;
    (void)io_set_nonblocking(j->control, true);
    j->asked = j->answered = 0;
    rc = 0;
out:
    io_close(&ends[0]);
    io_close(&ends[1]);
    io_close(&sockets[0]);
    io_close(&sockets[1]);
    return rc;
}

/* Note the origins of one block of whole lines; *used: up to the last newline. */
static void note_origins(json_t *origins, const char *bytes, size_t len, size_t *used)
{
    size_t at = 0;
    for (;;) {
        struct joblog_record r;
        char key[32];
        const char *end = memchr(bytes + at, '\n', len - at);
        if (end == NULL)
            break;
        if (joblog_parse(bytes + at, len - at, &r) > 0 && r.origin >= 0 && r.host >= 0) {
            snprintf(key, sizeof key, "%d/%d", r.host, r.step);
            json_object_set_new(origins, key, json_integer(r.origin));
        }
        at = (size_t)(end - bytes) + 1;
    }
    *used = at;
}

int journal_origins(const struct journal *j, json_t **origins, struct err *err)
{
    struct buf block;
    int rc = -1;
    off_t at = 0;
    json_t *found = json_object();
    buf_init(&block, 256 * 1024);
    for (;;) {
        size_t used = 0;
        char *room = buf_reserve(&block, 64 * 1024);
        if (room == NULL) {
            err_set(err, ERR_INTERNAL, "The job's log holds a line that is too long.");
            goto out;
        }
        ssize_t n = pread(j->file, room, 64 * 1024, at);
        if (n == -1) {
            err_errno(err, "read the job's log");
            goto out;
        }
        if (n == 0)
            break;
        at += n;
        block.len += (size_t)n;
        note_origins(found, block.data, block.len, &used);
        buf_consume(&block, used);
    }
    *origins = json_incref(found);
    rc = 0;
out:
    json_decref(found);
    buf_deinit(&block);
    return rc;
}

int64_t journal_size(const struct journal *j)
{
    struct stat st;
    return j->file >= 0 && fstat(j->file, &st) == 0 ? (int64_t)st.st_size : 0;
}

static void add(struct journal *j, int host, int step, char kind, const char *text, size_t len)
{
    char bytes[MASK_FRAME_MAX];
    struct mask_frame frame = {.host = host < 0 ? MASK_NO_HOST : (uint8_t)host,
                               .step = step < 0 ? MASK_NO_STEP : (uint8_t)step,
                               .kind = kind,
                               .origin = 0,
                               .body = text,
                               .len = len};
    size_t n = mask_frame_write(bytes, &frame);
    if (j->queue.len + n > QUEUE_MAX - MASK_FRAME_MAX && kind == MASK_WORDS)
        return;
    buf_add(&j->queue, bytes, n);
    (void)journal_write(j); /* a mask that is gone is noticed by its control socket */
}

void journal_words(struct journal *j, int host, int step, const char *fmt, ...)
{
    char text[2048];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n > 0)
        add(j, host, step, MASK_WORDS, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

void journal_json(struct journal *j, int host, int step, char kind, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    if (text != NULL && strlen(text) <= MASK_FRAME_BODY)
        add(j, host, step, kind, text, strlen(text));
    else
        LOG_ERROR("journal", "a record does not fit kind=%c", kind);
    free(text);
}

void journal_flush_step(struct journal *j, int host, int step)
{
    add(j, host, step, MASK_FLUSH, "", 0);
}

void journal_sync(struct journal *j)
{
    add(j, -1, -1, MASK_SYNC, "", 0);
    j->asked++;
}

bool journal_synced(const struct journal *j)
{
    return j->answered >= j->asked;
}

bool journal_wants_write(const struct journal *j)
{
    return j->pipe >= 0 && j->queue.len > 0;
}

/* Whole records only: a record at the front goes in with one write or not at all. */
int journal_write(struct journal *j)
{
    size_t at = 0;
    while (j->pipe >= 0 && at < j->queue.len) {
        struct mask_frame frame;
        ptrdiff_t n = mask_frame_read(j->queue.data + at, j->queue.len - at, &frame);
        if (n <= 0)
            break;
        ssize_t written = write(j->pipe, j->queue.data + at, (size_t)n);
        if (written == -1 && errno == EINTR)
            continue;
        if (written == -1 && errno != EAGAIN)
            return -1;
        if (written == -1)
            break;
        at += (size_t)n;
    }
    buf_consume(&j->queue, at);
    return 0;
}

int journal_read_answers(struct journal *j)
{
    char bytes[64];
    for (;;) {
        ssize_t n = read(j->control, bytes, sizeof bytes);
        if (n > 0) {
            j->answered += (int)n;
            continue;
        }
        if (n == -1 && errno == EINTR)
            continue;
        return n == -1 && errno == EAGAIN ? 0 : -1;
    }
}

void journal_finish(struct journal *j)
{
    int64_t deadline = clock_mono_ms() + LAST_WRITE_MS;
    while (journal_wants_write(j)) {
        if (io_wait(j->pipe, POLLOUT, deadline) != 1 || journal_write(j) != 0)
            break;
    }
    io_close(&j->pipe);
}

void journal_close(struct journal *j)
{
    io_close(&j->pipe);
    io_close(&j->control);
    io_close(&j->file);
    buf_deinit(&j->queue);
    buf_init(&j->queue, QUEUE_MAX);
    j->pid = 0; /* reaped by the supervisor's loop */
}

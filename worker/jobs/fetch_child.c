/* windlass-worker -x fetch. Two steps: get (the bytes are in .incoming/<job>.part, or where they
 * were dropped, and their SHA-256 is the wanted one) and keep (they are artefacts/<job>, on disk).
 * Both may be repeated. The network is reached through lib/net/http.h alone, which refuses private
 * addresses. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/clock.h"
#include "lib/base/fs.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/net/http.h"
#include "worker/jobs/fetch.h"

#define FRAMES_FD    3
#define ANSWER_MS    60000
#define FETCH_MAX    ((int64_t)8 * 1024 * 1024 * 1024)
#define GET_TOTAL_MS (2 * 3600 * 1000 - 60000)
#define PROGRESS_MS  250
#define ALLOW_MAX    16

struct fetch {
    json_t *begin;
    char job[CRYPTO_ID_SIZE];
    const char *folder; /* var/artefacts */
    char part[64];      /* below it */
    int64_t size;
    char sha256[CRYPTO_HASH_HEX];
    int64_t told_at;
    bool cancelled;
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static int send_frame(json_t *frame)
{
    struct err err = {0};
    char *text = json_dumps(frame, JSON_COMPACT);
    int rc = -1;
    if (text != NULL)
        rc = io_frame_write(FRAMES_FD, text, strlen(text), clock_mono_ms() + ANSWER_MS, &err);
    free(text);
    json_decref(frame);
    return rc;
}

/* The next frame of the supervisor; NULL at its end or when it is silent. */
static json_t *read_frame(int wait_ms)
{
    struct buf text;
    struct err err = {0};
    bool eof = false;
    json_t *frame = NULL;
    buf_init(&text, IO_FRAME_MAX);
    if (io_frame_read(FRAMES_FD, &text, clock_mono_ms() + wait_ms, &eof, &err) == 0 && !eof)
        frame = json_loadb(text.data, text.len, 0, NULL);
    buf_deinit(&text);
    return frame;
}

/* Say what comes, and wait until it is written down. A supervisor that is stopping never answers:
 * its end of file ends us. */
static int intent(struct fetch *f, int step)
{
    if (send_frame(json_pack("{s:s, s:i}", "t", "intent", "step", step)) != 0)
        return -1;
    for (;;) {
        json_t *frame = read_frame(3600 * 1000);
        if (frame == NULL)
            return -1;
        bool go = str_equal(text_of(frame, "t"), "go");
        f->cancelled = f->cancelled || str_equal(text_of(frame, "t"), "cancel");
        json_decref(frame);
        if (go)
            return 0;
    }
}

static int outcome(int step, const char *state, const char *cause)
{
    return send_frame(json_pack("{s:s, s:i, s:s, s:s}", "t", "outcome", "step", step, "state",
                                state, "cause", cause));
}

static int end(struct fetch *f, const char *verdict, const char *summary)
{
    json_t *frame = json_pack("{s:s, s:s, s:s, s:s}", "t", "end", "verdict", verdict, "summary",
                              summary, "left_as", "");
    if (strcmp(verdict, "ok") == 0)
        json_object_set_new(frame, "artefact",
                            json_pack("{s:s, s:I, s:s}", "file", f->job, "size",
                                      (json_int_t)f->size, "sha256", f->sha256));
    return send_frame(frame);
}

/* libcurl's pulse: show how far it is, and hear a cancel or the supervisor's end. */
static int on_progress(void *context, int64_t done, int64_t total)
{
    struct fetch *f = context;
    int64_t now = clock_mono_ms();
    if (now - f->told_at >= PROGRESS_MS && total >= done && total > 0) {
        f->told_at = now;
        if (send_frame(json_pack("{s:s, s:i, s:I, s:I}", "t", "progress", "step", 0, "done",
                                 (json_int_t)done, "total", (json_int_t)total))
            != 0)
            return 1;
    }
    if (io_wait(FRAMES_FD, POLLIN, now) != 1)
        return 0;
    json_t *frame = read_frame(1000);
    bool cancel = frame == NULL || str_equal(text_of(frame, "t"), "cancel");
    f->cancelled = f->cancelled || cancel;
    json_decref(frame);
    return cancel ? 1 : 0;
}

static int hash_file(struct fetch *f, const char *name, struct err *err)
{
    struct crypto_sha256_state state;
    uint8_t hash[CRYPTO_HASH_BYTES];
    char block[64 * 1024];
    struct stat st;
    int fd = fs_open_beneath(f->folder, name, O_RDONLY | O_NONBLOCK, 0, err), rc = -1;
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        err_set(err, ERR_INPUT, "%.100s is not an ordinary file.", name);
        goto out;
    }
    crypto_sha256_init(&state);
    f->size = 0;
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n == 0)
            break;
        if (n < 0) {
            err_errno(err, "read %s", name);
            goto out;
        }
        crypto_sha256_add(&state, block, (size_t)n);
        f->size += n;
        if (on_progress(f, f->size, (int64_t)st.st_size) != 0) {
            err_set(err, ERR_REMOTE, "Cancelled.");
            goto out;
        }
    }
    crypto_sha256_end(&state, hash);
    crypto_hex(f->sha256, sizeof f->sha256, hash, sizeof hash);
    rc = fsync(fd) == 0 ? 0 : err_errno(err, "fsync %s", name);
out:
    io_close(&fd);
    return rc;
}

/* Addresses an admin opened, from a list with commas. Changes `text`. */
static void split_allow(char *text, const char *list[ALLOW_MAX + 1])
{
    size_t n = 0;
    for (char *at = text; n < ALLOW_MAX && at != NULL && *at != '\0';) {
        char *comma = strchr(at, ',');
        if (comma != NULL)
            *comma = '\0';
        list[n++] = at;
        at = comma == NULL ? NULL : comma + 1;
    }
    list[n] = NULL;
}

static int download(struct fetch *f, const char *url, struct err *err)
{
    char allow_text[1024];
    const char *allow[ALLOW_MAX + 1];
    struct http_answer answer = {0};
    (void)str_copy(allow_text, sizeof allow_text, text_of(f->begin, "allow"));
    split_allow(allow_text, allow);
    struct http_limits limits = {.max_bytes = FETCH_MAX, .total_ms = GET_TOTAL_MS, .allow = allow};
    int fd = fs_open_beneath(f->folder, f->part, O_WRONLY | O_CREAT | O_TRUNC, 0640, err);
    if (fd < 0)
        return -1;
    struct http_download to = {.fd = fd, .progress = on_progress, .context = f};
    int rc = http_start(err);
    if (rc == 0)
        rc = http_get_to_fd(url, &limits, &to, &answer, err);
    if (rc == 0 && fsync(fd) != 0)
        rc = err_errno(err, "fsync the download");
    io_close(&fd);
    return rc;
}

/* After this, f->sha256 is what was wanted. */
static int get(struct fetch *f, struct err *err)
{
    const json_t *source = json_object_get(f->begin, "source");
    const char *url = text_of(source, "url"), *want = text_of(source, "sha256");
    const char *file = url[0] != '\0' ? f->part : text_of(source, "file");
    if (url[0] != '\0' && download(f, url, err) != 0)
        return -1;
    if (hash_file(f, file, err) != 0)
        return -1;
    if (want[0] == '\0' || strcasecmp(want, f->sha256) == 0)
        return 0;
    return err_set(err, ERR_REMOTE,
                   "The SHA-256 is wrong: expected %s, got %s. Either the file or the hash is not "
                   "the one that was meant; check where they come from.",
                   want, f->sha256);
}

static int sync_folder(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;
    if (fd < 0)
        return err_errno(err, "open the artefacts' folder");
    rc = fsync(fd) == 0 ? 0 : err_errno(err, "fsync the artefacts' folder");
    io_close(&fd);
    return rc;
}

static int keep(struct fetch *f, struct err *err)
{
    const json_t *source = json_object_get(f->begin, "source");
    const char *from = text_of(source, "url")[0] != '\0' ? f->part : text_of(source, "file");
    int dir = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_errno(err, "open the artefacts' folder");
    int rc = renameat(dir, from, dir, f->job);
    if (rc != 0)
        err_errno(err, "keep the artefact");
    io_close(&dir);
    return rc == 0 ? sync_folder(f->folder, err) : -1;
}

static void give_up(struct fetch *f, int step, const struct err *err)
{
    const char *state = f->cancelled ? "cancelled" : "failed";
    const char *cause = f->cancelled ? "Cancelled." : err->user;
    int dir = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0 && unlinkat(dir, f->part, 0) != 0 && errno != ENOENT)
        LOG_WARN("fetch_left", "%s stays", f->part);
    io_close(&dir);
    if (outcome(step, state, cause) == 0 && end(f, state, cause) != 0)
        LOG_DEBUG("fetch_end", "the supervisor is gone");
}

/* How a step stands that was begun before: "" when it was not. */
static const char *state_before(const struct fetch *f, int step)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(f->begin, "resume"), i, item)
    {
        if (json_integer_value(json_object_get(item, "step")) == step)
            return text_of(item, "state");
    }
    return "";
}

/* Whether an earlier child got as far as its last rename. */
static bool is_kept(const struct fetch *f)
{
    int fd = fs_open_beneath(f->folder, f->job, O_RDONLY, 0, NULL);
    bool kept = fd >= 0;
    io_close(&fd);
    return kept;
}

static int run_steps(struct fetch *f)
{
    struct err err = {0};
    char size[32], said[128];
    bool kept = is_kept(f);
    bool got = str_equal(state_before(f, 0), "ok");

    if (!got) {
        if (intent(f, 0) != 0)
            return -1;
        if ((kept ? hash_file(f, f->job, &err) : get(f, &err)) != 0) {
            give_up(f, 0, &err);
            return 0;
        }
        if (outcome(0, "ok", "") != 0)
            return -1;
    }
    if (!str_equal(state_before(f, 1), "ok")) {
        if (intent(f, 1) != 0)
            return -1;
        if (!kept && ((got && get(f, &err) != 0) || keep(f, &err) != 0)) {
            give_up(f, 1, &err);
            return 0;
        }
        if (outcome(1, "ok", "") != 0)
            return -1;
    }
    if (f->sha256[0] == '\0' && hash_file(f, f->job, &err) != 0)
        return end(f, "failed", err.user);
    snprintf(said, sizeof said, "Kept %s with the expected SHA-256.",
             str_bytes(size, sizeof size, f->size));
    return end(f, "ok", said);
}

int fetch_main(void)
{
    struct fetch f = {0};
    int rc = 1;
    proc_harden();
    f.begin = read_frame(ANSWER_MS);
    f.folder = text_of(f.begin, "artefacts");
    if (f.folder[0] == '/' && str_copy(f.job, sizeof f.job, text_of(f.begin, "job"))
        && crypto_is_id(f.job)) {
        struct err err = {0};
        char incoming[1024];
        snprintf(f.part, sizeof f.part, ".incoming/%s.part", f.job);
        if (fs_join(incoming, sizeof incoming, f.folder, ".incoming")
            && fs_mkdirs(incoming, 0770, &err) == 0)
            rc = run_steps(&f) == 0 ? 0 : 1;
    }
    json_decref(f.begin);
    return rc;
}

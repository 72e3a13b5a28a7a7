/* runner_remote.c - the connection to the target, kept alive over losses.
 *
 * A lost connection is no verdict: what runs there goes on. So every operation comes back with
 * CALL_AGAIN when the connection broke and is back, and the step looks at the target before it
 * repeats anything. Only after lost_ms without the host is the outcome unknown. Attempts are spaced
 * with growing pauses and some jitter, so that a server with MaxStartups is not hammered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/shell.h"
#include "worker/runner/runner_private.h"

#define SCRIPT_MAX ((size_t)1024 * 1024)

/* --- answers -----------------------------------------------------------------------------------
 */

bool answer_get(const struct buf *answer, const char *key, char *dst, size_t dst_size)
{
    size_t key_len = strlen(key);
    for (const char *line = answer->data; line != NULL && *line != '\0';) {
        const char *end = strchr(line, '\n');
        size_t len = end != NULL ? (size_t)(end - line) : strlen(line);
        if (len > key_len && line[key_len] == '=' && memcmp(line, key, key_len) == 0) {
            size_t value = len - key_len - 1;
            size_t take = value < dst_size - 1 ? value : dst_size - 1;
            memcpy(dst, line + key_len + 1, take);
            dst[take] = '\0';
            return true;
        }
        line = end != NULL ? end + 1 : NULL;
    }
    dst[0] = '\0';
    return false;
}

int64_t answer_int(const struct buf *answer, const char *key, int64_t otherwise)
{
    char text[32];
    int64_t number = otherwise;
    if (answer_get(answer, key, text, sizeof text)
        && str_to_int64(text, INT64_MIN, INT64_MAX, &number))
        return number;
    return otherwise;
}

/* --- one script ----------------------------------------------------------------------------------
 */

static int watch_supervisor(void *context)
{
    struct runner *r = context;
    wire_poll(r, 0);
    return r->gone;
}

static int write_script(struct buf *text, const struct remote *remote, struct err *err)
{
    for (const char *const *v = remote->variables; v != NULL && v[0] != NULL; v += 2)
        if (shell_assign(text, v[0], v[1], strlen(v[1]), err) != 0)
            return -1;
    buf_add_str(text, target_script(TARGET_COMMON));
    buf_add_str(text, target_script(remote->script));
    return buf_ok(text) ? 0 : err_set(err, ERR_NO_MEMORY, "There is no memory for a script.");
}

static enum call run_once(struct runner *r, const struct remote *remote, enum ssh_fault *fault,
                          struct err *err)
{
    struct buf text;
    int status = -1;
    bool stopped = false;
    buf_init(&text, SCRIPT_MAX);
    *fault = SSH_FAULT_NONE;
    int rc = write_script(&text, remote, err);
    if (rc == 0) {
        struct ssh_run run = {
            .script = text.data,
            .script_len = text.len,
            .deadline_ms = remote->deadline_ms,
            .quiet_ms = remote->quiet_ms,
            .output = remote->output,
            .tick = remote->tick != NULL ? remote->tick : watch_supervisor,
            .context = remote->tick != NULL || remote->output != NULL ? remote->context : r,
            .out = remote->out,
            .errors = remote->errors};
        rc = ssh_run(r->ssh, &run, &status, &stopped, fault, err);
    }
    buf_deinit(&text);
    if (r->gone)
        return CALL_LOST;
    if (stopped) {
        ssh_close(r->ssh);
        r->ssh = NULL; /* on purpose: the next call connects again without a word */
        return CALL_STOPPED;
    }
    return rc == 0 ? CALL_OK : CALL_FAILED;
}

enum call remote_run(struct runner *r, const struct remote *remote, struct err *err)
{
    enum ssh_fault fault = SSH_FAULT_NONE;
    if (r->gone)
        return CALL_LOST;
    if (r->ssh == NULL && r->ever_connected && remote_connect(r, r->lost_ms, err) != CALL_OK)
        return CALL_LOST;
    if (!ssh_alive(r->ssh))
        return remote_after(r, SSH_FAULT_LOST, err);
    enum call call = run_once(r, remote, &fault, err);
    if (call != CALL_FAILED) {
        r->last_contact = clock_mono_ms();
        return call;
    }
    return remote_after(r, fault, err);
}

enum call remote_ask(struct runner *r, const struct remote *remote, struct err *err)
{
    enum call call;
    do {
        if (remote->out != NULL)
            buf_reset(remote->out);
        if (remote->errors != NULL)
            buf_reset(remote->errors);
        call = remote_run(r, remote, err);
    } while (call == CALL_AGAIN);
    return call;
}

/* --- connecting
 * -------------------------------------------------------------------------------------- */

static bool is_final(enum ssh_fault fault)
{
    return fault == SSH_FAULT_HOST_KEY || fault == SSH_FAULT_ALGORITHMS || fault == SSH_FAULT_AUTH;
}

/* What a job of this environment locks: the folder that it deploys to, where the recipe has one, so
 * that another dashboard, whose ids are its own, finds the same lock; else the environment. A job
 * beside what serves (a command, a look at the log) keeps nobody out: its lock is its own. */
static void name_lock(struct runner *r)
{
    const char *place = runner_setting(r, "deploy_dir");
    char path[1200], hex[2 * CRYPTO_HASH_BYTES + 1];
    uint8_t hash[CRYPTO_HASH_BYTES];
    if (place[0] == '\0') {
        (void)str_copy(r->lock_name, sizeof r->lock_name, r->env);
        return;
    }
    (void)snprintf(path, sizeof path, "%s%s%s", place[0] == '/' ? "" : r->home,
                   place[0] == '/' ? "" : "/", place);
    crypto_sha256(path, strlen(path), hash);
    crypto_hex(hex, sizeof hex, hash, sizeof hash);
    (void)snprintf(r->lock_name, sizeof r->lock_name, "at-%.32s", hex);
}

/* Where the account lives; once per runner. */
static enum call learn_home(struct runner *r, struct err *err)
{
    struct buf answer;
    enum ssh_fault fault = SSH_FAULT_NONE;
    char problem[400];
    buf_init(&answer, 4096);
    enum call call =
        run_once(r, &(struct remote){.script = TARGET_HOME, .deadline_ms = 20000, .out = &answer},
                 &fault, err);
    if (call == CALL_OK && answer_get(&answer, "error", problem, sizeof problem)) {
        (void)err_set(err, ERR_REMOTE, "%s", problem);
        call = CALL_FAILED;
    } else if (call == CALL_OK
               && (!answer_get(&answer, "home", r->home, sizeof r->home) || r->home[0] != '/')) {
        (void)err_set(err, ERR_REMOTE,
                      "%s runs /bin/sh but says nothing sensible. Fix: check the account's shell "
                      "and its start files.",
                      r->host_name);
        call = CALL_FAILED;
    } else if (call == CALL_FAILED && fault != SSH_FAULT_REMOTE) {
        call = CALL_AGAIN;
    }
    if (call == CALL_OK) {
        (void)snprintf(r->job_dir, sizeof r->job_dir, "%s/.windlass/jobs/%s", r->home, r->job);
        name_lock(r);
        (void)snprintf(r->lock_dir, sizeof r->lock_dir, "%s/.windlass/locks/%s", r->home,
                       r->lock_name);
    }
    buf_deinit(&answer);
    return call;
}

static void remember_changed_key(struct runner *r)
{
    struct ssh_host_key key;
    if (ssh_fetch_host_key(r->target.host, r->target.port, &key, NULL) == 0)
        (void)str_copy(r->seen_print, sizeof r->seen_print, key.print);
}

/* One attempt. CALL_AGAIN: worth another. */
static enum call connect_once(struct runner *r, struct err *err)
{
    enum ssh_fault fault = SSH_FAULT_NONE;
    ssh_close(r->ssh);
    r->ssh = NULL;
    if (ssh_open(&r->target, &r->ssh, &fault, err) == 0) {
        r->ever_connected = true;
        r->refused = SSH_FAULT_NONE;
        return r->home[0] == '\0' ? learn_home(r, err) : CALL_OK;
    }
    if (!is_final(fault))
        return CALL_AGAIN;
    r->refused = fault;
    if (fault == SSH_FAULT_HOST_KEY)
        remember_changed_key(r);
    return CALL_FAILED;
}

static void pause_before(struct runner *r, int attempt, int64_t deadline)
{
    static const int pauses[] = {200, 500, 1000, 2000, 4000};
    uint8_t jitter = 0;
    crypto_random(&jitter, sizeof jitter);
    int ms = pauses[attempt < (int)COUNT_OF(pauses) ? attempt : (int)COUNT_OF(pauses) - 1] + jitter;
    int64_t until = clock_mono_ms() + ms;
    if (until > deadline)
        until = deadline;
    while (!r->gone && clock_left_ms(until) > 0)
        wire_poll(r, clock_left_ms(until));
}

enum call remote_connect(struct runner *r, int64_t deadline_ms, struct err *err)
{
    int64_t deadline = clock_mono_ms() + deadline_ms;
    enum call call = CALL_AGAIN;
    for (int attempt = 0; !r->gone; attempt++) {
        struct err now = {0};
        call = connect_once(r, &now);
        if (err != NULL && call != CALL_OK)
            *err = now;
        if (call != CALL_AGAIN)
            break;
        if (clock_left_ms(deadline) == 0)
            return CALL_LOST;
        LOG_INFO("connect", "host=%s attempt=%d %s", r->target.host, attempt, now.detail);
        pause_before(r, attempt, deadline);
    }
    if (r->gone)
        return CALL_LOST;
    if (call == CALL_OK)
        r->last_contact = clock_mono_ms();
    return call;
}

static void say_lost(struct runner *r, const struct err *last, struct err *err)
{
    char since[CLOCK_TEXT_SIZE];
    (void)clock_rfc3339(since, r->lost_since);
    since[19] = '\0'; /* seconds are enough */
    (void)err_set(err, ERR_REMOTE,
                  "%s cannot be asked since %s UTC: %s What was started there may have gone on. "
                  "Fix: when the server is back, look at it "
                  "(Check), then deploy again.",
                  r->host_name, since, last->user);
}

enum call remote_after(struct runner *r, enum ssh_fault fault, struct err *err)
{
    struct err last = {0};
    if (r->gone)
        return CALL_LOST;
    if (fault == SSH_FAULT_REMOTE || (fault == SSH_FAULT_NONE && ssh_alive(r->ssh)))
        return CALL_FAILED; /* the target spoke; whether the session lives on is for the next call
                             */
    if (r->lost_since == 0) {
        r->lost_since = clock_now_ms();
        wire_note(r, "The connection to %s was lost; what runs there goes on. Connecting again.",
                  r->host_name);
    }
    int64_t left = r->last_contact + r->lost_ms - clock_mono_ms();
    enum call call = left > 0 ? remote_connect(r, left, &last) : CALL_LOST;
    if (call == CALL_OK) {
        wire_note(r, "Connected to %s again.", r->host_name);
        r->lost_since = 0;
        return CALL_AGAIN;
    }
    if (!r->gone)
        say_lost(r, &last, err);
    return CALL_LOST;
}

/* --- a step's script over the connection ---------------------------------------------------------
 */

static int watch_step(void *context)
{
    struct runner *r = context;
    wire_poll(r, 0);
    return r->gone || r->cancel > 0;
}

enum call remote_inline(struct runner *r, const struct step *step, struct buf *answer,
                        struct err *err)
{
    struct buf script;
    char now[24];
    int status = -1;
    bool stopped = false;
    enum ssh_fault fault = SSH_FAULT_NONE;
    (void)snprintf(now, sizeof now, "%lld", (long long)(clock_now_ms() / 1000));
    buf_init(&script, (size_t)1024 * 1024);
    if (step->input != NULL)
        buf_add_str(&script, step->input);
    buf_add_str(&script, "\nWL_INPUT=inline\n");
    int rc = shell_assign(&script, "WL_NOW", now, strlen(now), err);
    if (rc == 0)
        rc = shell_assign(&script, "WL_JOB", r->job, strlen(r->job), err);
    buf_add_str(&script, step->lib != NULL ? step->lib : "");
    buf_add_str(&script, "\n");
    buf_add_str(&script, step->script);
    if (rc == 0 && buf_ok(&script)) {
        struct ssh_run run = {.script = script.data,
                              .script_len = script.len,
                              .deadline_ms = step->deadline_ms,
                              .tick = watch_step,
                              .context = r,
                              .out = answer};
        rc = ssh_run(r->ssh, &run, &status, &stopped, &fault, err);
    }
    buf_deinit(&script);
    if (stopped)
        return r->gone ? CALL_LOST : CALL_STOPPED;
    return rc == 0 ? CALL_OK : remote_after(r, fault, err);
}

/* runner_builtin.c - the steps that are no script of a recipe: connect, lock, upload, unlock,
 * check. Each may be repeated by the next runner. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "worker/runner/runner_private.h"

#define ASK_MS        30000
#define HASH_MS       600000 /* a large artefact on a slow disk */
#define STORED_MS     30000
#define CONNECT_MIN   5000
#define PROGRESS_EACH 200 /* ms */

/* --- connect ------------------------------------------------------------------------------------
 */

enum step_end step_connect(struct runner *r, struct step *step)
{
    struct err err = {0};
    int64_t deadline = step->deadline_ms > CONNECT_MIN ? step->deadline_ms : CONNECT_MIN;
    enum call call = remote_connect(r, deadline, &err);
    if (call == CALL_OK) {
        wire_note(r, "Connected to %s port %d as %s; its %s host key is the pinned one.",
                  r->target.host, r->target.port, r->target.login, r->target.pin_type);
        return STEP_OK;
    }
    /* Nothing was ever begun there: that is known, and so is the cause. Otherwise the host is the
     * one that knows. */
    return step_ends(step, call == CALL_FAILED || !r->touched ? STEP_FAILED : STEP_UNKNOWN, &err);
}

/* --- lock ---------------------------------------------------------------------------------------
 */

/* One line without controls: it goes into a key=value file and comes back in sentences. */
static void one_line(char *dst, size_t dst_size, const char *src)
{
    (void)str_copy(dst, dst_size, src);
    for (char *c = dst; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = ' ';
}

static enum step_end lock_held(struct runner *r, struct step *step, const struct buf *answer)
{
    char who[80], why[120], since[40], job[40], instance[40];
    (void)answer_get(answer, "holder_who", who, sizeof who);
    (void)answer_get(answer, "holder_why", why, sizeof why);
    (void)answer_get(answer, "holder_since", since, sizeof since);
    (void)answer_get(answer, "holder_job", job, sizeof job);
    (void)answer_get(answer, "holder_instance", instance, sizeof instance);
    return step_says(step, STEP_FAILED,
                     "The place on the server is locked by %s since %s (job %s of dashboard "
                     "%s%s%s). Fix: wait for that job, or, if nobody works there any more, remove "
                     "the folder ~/.windlass/locks/%s on the server.",
                     who[0] != '\0' ? who : "somebody",
                     since[0] != '\0' ? since : "an unknown time", job[0] != '\0' ? job : "unknown",
                     instance[0] != '\0' ? instance : "unknown", why[0] != '\0' ? "; why: " : "",
                     why, r->lock_name);
}

static enum step_end lock_answer(struct runner *r, struct step *step, const struct buf *answer)
{
    char result[32], text[300];
    (void)answer_get(answer, "result", result, sizeof result);
    if (strcmp(result, "held") == 0)
        return lock_held(r, step, answer);
    if (strcmp(result, "superseded") == 0) {
        r->gone = true; /* a newer runner of this job is at work: not another word from this one */
        return step_says(step, STEP_UNKNOWN, "A newer runner holds the lock.");
    }
    if (strcmp(result, "failed") == 0 && answer_get(answer, "error", text, sizeof text))
        return step_says(step, STEP_FAILED, "%s", text);
    if (!str_starts(result, "taken") && strcmp(result, "reclaimed") != 0)
        return step_says(step, STEP_FAILED,
                         "The lock could not be taken: the server's answer makes no sense.");
    r->locked = true;
    if (strcmp(result, "taken_over") == 0) {
        (void)answer_get(answer, "from_job", text, sizeof text);
        wire_note(
            r,
            "Took the lock over from job %.40s of this dashboard, of which nothing runs any more.",
            text);
    }
    step_result(step, "lock", "%s", result);
    return STEP_OK;
}

static enum call put_wrapper(struct runner *r, struct err *err)
{
    char path[700];
    enum ssh_fault fault = SSH_FAULT_NONE;
    const char *text = target_script(TARGET_WRAPPER);
    (void)snprintf(path, sizeof path, "%s/wrapper.sh", r->job_dir);
    int rc = ssh_put_bytes(r->ssh, text, strlen(text), path, 0600, ASK_MS, &fault, err);
    return rc == 0 ? CALL_OK : remote_after(r, fault, err);
}

enum step_end runner_take_lock(struct runner *r, struct step *step)
{
    char who[100], why[200], epoch[24];
    one_line(who, sizeof who, r->who);
    one_line(why, sizeof why, r->why);
    (void)snprintf(epoch, sizeof epoch, "%lld", (long long)r->epoch);
    const char *const variables[] = {
        "PLACE",     r->lock_name, "OWNER_INSTANCE", r->instance,   "OWNER_ENV",
        r->env,      "OWNER_JOB",  r->job,           "OWNER_EPOCH", epoch,
        "OWNER_WHO", who,          "OWNER_WHY",      why,           NULL};
    struct err err = {0};
    struct buf answer;
    enum step_end end;
    enum call call;
    r->touched = true;
    buf_init(&answer, 8192);
    do {
        call = remote_ask(r,
                          &(struct remote){.script = TARGET_LOCK,
                                           .variables = variables,
                                           .deadline_ms = ASK_MS,
                                           .out = &answer},
                          &err);
        end = call == CALL_OK
                  ? lock_answer(r, step, &answer)
                  : step_ends(step, call == CALL_LOST ? STEP_UNKNOWN : STEP_FAILED, &err);
        /* Put once; the script removes the one of a runner before, since O_EXCL is what keeps a
         * file ours. */
        call = end == STEP_OK ? put_wrapper(r, &err) : CALL_OK;
    } while (call == CALL_AGAIN);
    if (call != CALL_OK)
        end = step_ends(step, call == CALL_LOST ? STEP_UNKNOWN : STEP_FAILED, &err);
    buf_deinit(&answer);
    return end;
}

enum step_end step_lock(struct runner *r, struct step *step)
{
    return runner_take_lock(r, step);
}

/* --- unlock -------------------------------------------------------------------------------------
 */

static enum step_end unlock_answer(struct step *step, const struct buf *answer)
{
    char result[32];
    (void)answer_get(answer, "result", result, sizeof result);
    if (strcmp(result, "ok") == 0)
        return STEP_OK;
    if (strcmp(result, "running") == 0)
        return step_says(step, STEP_FAILED,
                         "A process of this job still runs on the server, so its lock stays. Fix: "
                         "look at it there, then deploy again.");
    if (strcmp(result, "foreign") == 0)
        return step_says(step, STEP_FAILED,
                         "The lock belongs to somebody else by now and was left alone. Fix: look "
                         "at the jobs of this "
                         "environment.");
    return step_says(
        step, STEP_FAILED,
        "The lock could not be removed. Fix: look at ~/.windlass/locks on the server.");
}

enum step_end step_unlock(struct runner *r, struct step *step, bool remove_folder)
{
    char epoch[24];
    struct err err = {0};
    struct buf answer;
    const struct step *last = NULL;
    for (int i = 0; i < r->step_count; i++) {
        struct step *each = &r->steps[i];
        if (each->mode != MODE_DETACHED || each->state == STEP_PENDING
            || each->state == STEP_SKIPPED)
            continue;
        if (!each->ran && remove_folder)
            detached_drain(r, each);
        last = each;
    }
    /* The log on the target goes only when ours is on disk. The pipe is in order: the last step
     * stands for all. */
    if (remove_folder && last != NULL && !wire_sync(r, last, STORED_MS)) {
        remove_folder = false;
        if (!r->gone)
            wire_note(r, "The log is not confirmed to be on disk yet, so the job's folder on the "
                         "server stays for now.");
    }
    (void)snprintf(epoch, sizeof epoch, "%lld", (long long)r->epoch);
    const char *const variables[] = {
        "PLACE",       r->lock_name, "OWNER_JOB", r->job,
        "OWNER_EPOCH", epoch,        "REMOVE",    remove_folder ? "1" : "0",
        NULL};
    buf_init(&answer, 4096);
    enum call call = remote_ask(r,
                                &(struct remote){.script = TARGET_UNLOCK,
                                                 .variables = variables,
                                                 .deadline_ms = HASH_MS,
                                                 .out = &answer},
                                &err);
    enum step_end end = call == CALL_OK
                            ? unlock_answer(step, &answer)
                            : step_ends(step, call == CALL_LOST ? STEP_UNKNOWN : STEP_FAILED, &err);
    buf_deinit(&answer);
    return end;
}

/* --- upload -------------------------------------------------------------------------------------
 */

struct upload {
    struct runner *r;
    int64_t told_at;
};

static int tell_progress(void *context, int64_t done, int64_t total)
{
    struct upload *upload = context;
    int64_t now = clock_mono_ms();
    wire_poll(upload->r, 0);
    if (done == total || now - upload->told_at >= PROGRESS_EACH) {
        upload->told_at = now;
        wire_progress(upload->r, done, total);
    }
    return upload->r->gone || upload->r->cancel > 0;
}

static enum call verify(struct runner *r, bool look, struct buf *answer, struct err *err)
{
    char path[700], size[24];
    (void)snprintf(path, sizeof path, "%s/artefact", r->job_dir);
    (void)snprintf(size, sizeof size, "%lld", (long long)r->artefact_size);
    const char *const variables[] = {"ARTEFACT",         path,   "SIZE",           size, "SHA256",
                                     r->artefact_sha256, "LOOK", look ? "1" : "0", NULL};
    return remote_ask(
        r,
        &(struct remote){
            .script = TARGET_VERIFY, .variables = variables, .deadline_ms = HASH_MS, .out = answer},
        err);
}

/* One transfer and its check: STEP_OK, STEP_PENDING (try again) or how the step ends. */
static enum step_end upload_once(struct runner *r, struct step *step, struct buf *answer)
{
    char path[700], result[32], hash[80];
    struct err err = {0};
    struct upload upload = {.r = r};
    enum ssh_fault fault = SSH_FAULT_NONE;
    (void)snprintf(path, sizeof path, "%s/artefact.part", r->job_dir);
    if (ssh_put(r->ssh, RUNNER_ARTEFACT_FD, r->artefact_size, path, 0600, step->deadline_ms,
                tell_progress, &upload, &fault, &err)
        != 0) {
        if (r->gone)
            return STEP_UNKNOWN;
        if (r->cancel > 0)
            return step_says(step, STEP_CANCELLED, "Cancelled during the upload.");
        enum call call = err.code == ERR_INTERNAL ? CALL_FAILED : remote_after(r, fault, &err);
        return call == CALL_AGAIN
                   ? STEP_PENDING
                   : step_ends(step, call == CALL_LOST ? STEP_UNKNOWN : STEP_FAILED, &err);
    }
    r->last_contact = clock_mono_ms();
    enum call call = verify(r, false, answer, &err);
    if (call != CALL_OK)
        return step_ends(step, call == CALL_LOST ? STEP_UNKNOWN : STEP_FAILED, &err);
    (void)answer_get(answer, "result", result, sizeof result);
    (void)answer_get(answer, "sha256", hash, sizeof hash);
    if (strcmp(result, "ok") == 0)
        return STEP_OK;
    if (strcmp(result, "gone") == 0)
        return step_says(step, STEP_FAILED,
                         "The tarball disappeared from the job's folder on the server. Fix: see "
                         "what cleans up there, and deploy again.");
    if (strcmp(result, "kept") == 0) {
        char said[200];
        (void)answer_get(answer, "said", said, sizeof said);
        return step_says(
            step, STEP_FAILED,
            "The tarball arrived whole but could not be given its name: %s. Fix: check "
            "the disk of the server and who owns the job's folder.",
            said);
    }
    (void)step_says(step, STEP_FAILED,
                    "The tarball arrived damaged: %lld of %lld bytes, SHA-256 %.64s instead of "
                    "%.64s. It was removed there. Fix: deploy "
                    "again; if it happens again, check the server's disk and memory.",
                    (long long)answer_int(answer, "size", 0), (long long)r->artefact_size, hash,
                    r->artefact_sha256);
    return STEP_FAILED;
}

enum step_end step_upload(struct runner *r, struct step *step)
{
    char result[32], size[32], took[32];
    struct err err = {0};
    struct buf answer;
    int64_t begun = clock_mono_ms(), deadline = begun + step->deadline_ms;
    if (r->artefact_size < 0)
        return step_says(step, STEP_FAILED,
                         "The release has no tarball. Fix: add one and deploy that.");
    buf_init(&answer, 8192);
    enum step_end end = STEP_OK;
    enum call call = verify(r, true, &answer, &err);
    (void)answer_get(&answer, "result", result, sizeof result);
    if (call != CALL_OK)
        end = step_ends(step, call == CALL_LOST ? STEP_UNKNOWN : STEP_FAILED, &err);
    else if (strcmp(result, "there") != 0) /* it may be: a runner before this one was that far */
        do
            end = upload_once(r, step, &answer);
        while (end == STEP_PENDING && clock_left_ms(deadline) > 0);
    if (end == STEP_PENDING)
        end = step_says(step, STEP_FAILED,
                        "The upload did not finish in time. Fix: check the network, or raise the "
                        "step's deadline.");
    if (end == STEP_OK) {
        wire_note(r, "%s arrived in %s, SHA-256 %.16s... is right.",
                  str_bytes(size, sizeof size, r->artefact_size),
                  str_duration(took, sizeof took, clock_mono_ms() - begun), r->artefact_sha256);
        step_result(step, "sha256", "%s", r->artefact_sha256);
    }
    buf_deinit(&answer);
    return end;
}

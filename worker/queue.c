/* Which jobs this supervisor holds. */
#include "worker/queue.h"

#include <string.h>
#include "db/audit.h"
#include "db/releases.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "worker/owner.h"

#define CANCELLED_WORDS "Cancelled before it began. Nothing was changed."

static bool add_run(struct worker *w, const struct job_hold *hold)
{
    struct run *run = run_new(hold);
    if (run == NULL) { /* the lease runs out, and the job is taken over again */
        LOG_ERROR("no_memory", "job=%s", hold->id);
        return false;
    }
    w->runs[w->run_count++] = run;
    return true;
}

static bool is_ours(const struct worker *w, const char *id)
{
    for (size_t i = 0; i < w->run_count; i++) {
        if (str_equal(w->runs[i]->hold.id, id))
            return true;
    }
    return false;
}

static void recover_one(struct worker *w, const json_t *row)
{
    struct err err = {0};
    struct job_hold hold = {.epoch = json_integer_value(json_object_get(row, "epoch"))};
    bool taken = false;
    const char *id = json_string_value(json_object_get(row, "id"));
    const char *owner = json_string_value(json_object_get(row, "owner"));
    int64_t now = clock_now_ms();
    bool expired = json_integer_value(json_object_get(row, "lease_until")) < now;

    if (is_ours(w, id) || w->run_count == WORKER_RUNS_MAX)
        return;
    /* Our own name: a run that was dropped or found no memory. Wait for the lease like anybody. */
    if (!expired && (str_equal(owner, w->owner) || !owner_is_dead(owner)))
        return;
    (void)str_copy(hold.id, sizeof hold.id, id);
    (void)str_copy(hold.owner, sizeof hold.owner, w->owner);
    if (job_take_over(w->db, &hold, now, &taken, &err) != 0) {
        log_err("job_take_over", &err);
        return;
    }
    if (taken && add_run(w, &hold))
        LOG_INFO("job_taken_over", "job=%s epoch=%lld from=\"%s\"", hold.id, (long long)hold.epoch,
                 owner == NULL ? "" : owner);
}

void queue_recover(struct worker *w)
{
    struct err err = {0};
    json_t *rows = NULL, *row;
    size_t i;
    if (job_running(w->db, &rows, &err) != 0) {
        log_err("job_running", &err);
        return;
    }
    json_array_foreach(rows, i, row) recover_one(w, row);
    json_decref(rows);
}

/* The end of a job that never began, with its release and its event. */
static int end_cancelled(struct worker *w, const char *id, struct err *err)
{
    json_t *job = NULL;
    int rc = -1;
    int64_t now = clock_now_ms();

    if (job_load(w->db, id, &job, NULL, err) != 0)
        return -1;
    const char *release = json_string_value(json_object_get(job, "release_id"));
    const char *env = json_string_value(json_object_get(job, "environment_id"));
    struct release_ended ended = {.release_id = release,
                                  .environment_id = env,
                                  .outcome = "cancelled",
                                  .effect = RELEASE_EFFECT_NONE,
                                  .now = now};
    char verb[64];
    snprintf(verb, sizeof verb, "%s.cancelled", json_string_value(json_object_get(job, "kind")));
    struct audit_entry entry = {.actor = &ACTOR_SYSTEM,
                                .verb = verb,
                                .target_kind = "job",
                                .target_id = id,
                                .target_name = id,
                                .app_id = json_string_value(json_object_get(job, "app_id")),
                                .environment_id = env,
                                .detail = json_pack("{s:s}", "summary", CANCELLED_WORDS)};
    if (db_begin(w->db, err) == 0 && job_end_queued(w->db, id, CANCELLED_WORDS, now, err) == 0
        && (release == NULL || release_end(w->db, &ended, err) == 0)) {
        rc = audit_append(w->db, &entry, err);
        entry.detail = NULL; /* stolen */
        if (rc == 0)
            rc = db_commit(w->db, err);
    }
    db_rollback(w->db);
    json_decref(entry.detail);
    json_decref(job);
    return rc;
}

static void end_all_cancelled(struct worker *w)
{
    struct err err = {0};
    json_t *ids = NULL, *id;
    size_t i;
    if (job_queued_cancelled(w->db, &ids, &err) != 0) {
        log_err("job_queued_cancelled", &err);
        return;
    }
    json_array_foreach(ids, i, id)
    {
        if (end_cancelled(w, json_string_value(id), &err) != 0)
            log_err("job_end_queued", &err);
    }
    json_decref(ids);
}

void queue_look(struct worker *w)
{
    end_all_cancelled(w);
    queue_recover(w);
    while (w->run_count < WORKER_RUNS_MAX) {
        struct err err = {0};
        struct job_hold hold;
        bool found = false;
        if (job_claim(w->db, w->owner, clock_now_ms(), &hold, &found, &err) != 0) {
            log_err("job_claim", &err);
            return;
        }
        if (!found || !add_run(w, &hold))
            return;
        LOG_INFO("job_claimed", "job=%s epoch=%lld", hold.id, (long long)hold.epoch);
    }
}

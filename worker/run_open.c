/* A job's beginning in this process: the log's lock, who asks, the plan, the rows, the mask. The
 * same way for a job that was just claimed and for one taken over; the difference is that the
 * latter has its plan already. */
#include <stdlib.h>
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "worker/authorize.h"
#include "worker/jobs/kind.h"
#include "worker/run.h"

#define LOG_LOCK_EVERY_MS 50
#define LOG_LOCK_WARN_MS  30000

/* --- opening ------------------------------------------------------------------------------------
 */

static const char *text_of(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

/* A host that had begun goes on at once, whoever's turn it would be. */
static void read_host(struct turn *turn, const json_t *row)
{
    const char *verdict = text_of(row, "verdict");
    if (verdict != NULL) {
        (void)str_copy(turn->verdict, sizeof turn->verdict, verdict);
        turn_set_text(turn, &turn->left_as, text_of(row, "left_as"));
        turn->phase = TURN_ENDED;
    } else if (str_equal(text_of(row, "state"), "running")) {
        turn->phase = TURN_PAUSED;
    }
}

static void read_step(struct run *run, const json_t *row)
{
    json_int_t host = json_integer_value(json_object_get(row, "host"));
    json_int_t step = json_integer_value(json_object_get(row, "step"));
    if (host < 0 || host >= run->host_count || step < 0 || step >= run->step_count)
        return;
    struct step_run *s = &run->turns[host].steps[step];
    s->state = step_state_from_name(text_of(row, "state"));
    turn_set_text(&run->turns[host], &s->cause, text_of(row, "cause"));
}

/* The rows of steps and hosts as they are in the database. */
static int read_rows(struct worker *w, struct run *run, struct err *err)
{
    json_t *hosts = NULL, *steps = NULL, *row;
    size_t i, host_count, step_count;
    int rc = -1;

    if (job_hosts(w->db, run->hold.id, &hosts, err) != 0
        || job_steps(w->db, run->hold.id, &steps, err) != 0)
        goto out;
    host_count = json_array_size(hosts);
    step_count = json_array_size(json_object_get(run->plan, "steps"));
    if (host_count < 1 || host_count > RUN_HOSTS_MAX || step_count < 1
        || step_count > RUN_STEPS_MAX) {
        err_set(err, ERR_INTERNAL, "The plan has no host or no step, or too many.");
        goto out;
    }
    if (turns_make(run, (int)host_count, (int)step_count, err) != 0)
        goto out;
    json_array_foreach(hosts, i, row) read_host(&run->turns[i], row);
    json_array_foreach(steps, i, row) read_step(run, row);
    run_set_rollout(run);
    rc = 0;
out:
    json_decref(hosts);
    json_decref(steps);
    return rc;
}

/* Who asks, and the plan: once per job, before anything else. */
static int make_plan(struct worker *w, struct run *run, struct err *err)
{
    struct requester who;
    json_t *plan = NULL;
    int rc = -1;

    if (authorize_job(w->db, w->vault, run->hold.id, &who, err) != 0) {
        run->denied = err->code == ERR_DENIED || err->code == ERR_SIGNED_OUT;
        return -1;
    }
    if (run->kind->plan(w, run, &plan, err) != 0)
        return -1;
    json_object_set_new(plan, "by", /* as proven, not as the row says */
                        json_pack("{s:s, s:s, s:s}", "kind", who.actor.kind, "id", who.actor.id,
                                  "name", who.actor.name));
    rc = job_set_plan(w->db, &run->hold, plan, json_object_get(plan, "hosts"),
                      json_object_get(plan, "steps"), err);
    if (rc == 0)
        run->plan = json_incref(plan);
    json_decref(plan);
    return rc;
}

/* Load the job and what its kind needs. -1 with a sentence: the job is refused. */
static int prepare(struct worker *w, struct run *run, struct err *err)
{
    if (run->job == NULL && job_load(w->db, run->hold.id, &run->job, NULL, err) != 0)
        return -1;
    run->kind = job_kind_find(json_string_value(json_object_get(run->job, "kind")));
    if (run->kind == NULL)
        return err_set(err, ERR_INPUT, "This version of Windlass does not know jobs of kind %.40s.",
                       json_string_value(json_object_get(run->job, "kind")));
    run->cancel = (int)json_integer_value(json_object_get(run->job, "cancel"));
    json_t *plan = json_object_get(run->job, "plan");
    run->resumed = json_is_object(plan);
    /* An earlier try may have come as far as the plan. */
    if (run->plan == NULL && run->resumed)
        run->plan = json_incref(plan);
    if (run->plan == NULL && make_plan(w, run, err) != 0)
        return -1;
    if (run->kind->open != NULL && run->kind->open(w, run, err) != 0)
        return -1;
    return read_rows(w, run, err);
}

/* The log is ours: plan, start the mask, begin. */
static void open_run(struct worker *w, struct run *run)
{
    struct err err = {0}, journal_err = {0};
    int rc = run->prepared ? 0 : prepare(w, run, &err);
    run->prepared = rc == 0;
    if (rc != 0 && err.code == ERR_CONFLICT && run->plan == NULL && run->job != NULL) {
        int cancel;
        struct err held = {0};
        if (job_check_hold(w->db, &run->hold, &cancel, &held) != 0 && held.code == ERR_CONFLICT) {
            run_drop(run);
            return;
        }
    }
    if (rc != 0 && run_is_transient(w, &err)) {
        log_err("job_prepare", &err);
        run->wake_at = clock_mono_ms() + RUN_RETRY_MS;
        return;
    }
    if (journal_start(&run->journal, &w->config, run->hidden, &journal_err) != 0) {
        log_err("journal_start", &journal_err);
        run->wake_at = clock_mono_ms() + RUN_RETRY_MS;
        return;
    }
    run->journal_open = true;
    if (rc == 0) {
        if (run->resumed)
            journal_words(&run->journal, -1, -1, "Windlass was restarted; this job goes on.");
        run->phase = RUN_ACTIVE;
        return;
    }
    log_err("job_refused", &err);
    run->refused = !run->resumed;
    run_fail(run, run->resumed ? "unknown" : "failed", err.user);
}

void run_open(struct worker *w, struct run *run)
{
    struct err err = {0};
    bool busy = false;
    if (journal_lock(&run->journal, &w->config, run->hold.id, &busy, &err) != 0) {
        log_err("job_log", &err);
        run->wake_at = clock_mono_ms() + RUN_RETRY_MS;
        return;
    }
    if (!busy) {
        open_run(w, run);
        return;
    }
    if (clock_mono_ms() - run->opened_at > LOG_LOCK_WARN_MS) {
        LOG_WARN("job_log", "job=%s another process still writes its log", run->hold.id);
        run->opened_at = clock_mono_ms();
    }
    run->wake_at = clock_mono_ms() + LOG_LOCK_EVERY_MS;
}

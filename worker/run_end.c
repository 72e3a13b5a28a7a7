/* How a job ends: the verdict over its hosts, and the one transaction in which the job, its
 * release, its environment and the audit event are written. A verdict is what was observed; where
 * nobody saw how something ended, it is unknown. */
#include "worker/run.h"

#include <string.h>
#include "db/audit.h"
#include "db/releases.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "worker/jobs/kind.h"

#define CLOSING_MS 10000
#define RETRY_MS   500

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static bool is_good(const char *verdict)
{
    return strcmp(verdict, "live") == 0 || strcmp(verdict, "degraded") == 0
           || strcmp(verdict, "ok") == 0;
}

void run_fail(struct run *run, const char *verdict, const char *summary)
{
    (void)str_copy(run->verdict, sizeof run->verdict, verdict);
    run_masked(run, summary, run->summary, sizeof run->summary);
    run->phase = RUN_ENDING;
    run->wake_at = 0;
}

void run_host_verdict(struct run *run, const char *verdict, const char *summary,
                      const char *left_as)
{
    struct host_run *host = &run->hosts[run->host];
    (void)str_copy(host->verdict, sizeof host->verdict, verdict);
    run_masked(run, summary, host->summary, sizeof host->summary);
    run_masked(run, left_as, host->left_as, sizeof host->left_as);
    run->phase = RUN_DECIDING;
    run->wake_at = 0;
}

/* --- the verdict --------------------------------------------------------------------------------
 */

/* The name of a host, for sentences about more than one. */
static const char *host_name(const struct run *run, int host)
{
    const char *name =
        text_of(json_array_get(json_object_get(run->plan, "hosts"), (size_t)host), "name");
    return name == NULL ? "" : name;
}

/* The cause of the first step that did not end well, for a host whose runner gave no summary (it
 * was read back from the database). */
static const char *first_cause(const struct run *run, const struct host_run *host)
{
    for (int i = 0; i < run->step_count; i++) {
        if (host->steps[i].state > STEP_OK && host->steps[i].cause[0] != '\0')
            return host->steps[i].cause;
    }
    return "";
}

static void decide_verdict(struct run *run)
{
    int good = 0, degraded = 0, bad = -1;
    for (int i = 0; i < run->host_count; i++) {
        const char *verdict = run->hosts[i].verdict;
        if (verdict[0] != '\0' && is_good(verdict))
            good++;
        degraded += strcmp(verdict, "degraded") == 0;
        if (bad < 0 && verdict[0] != '\0' && !is_good(verdict))
            bad = i;
    }
    const struct host_run *host = &run->hosts[bad < 0 ? run->host_count - 1 : bad];
    const char *said = host->summary[0] != '\0' ? host->summary : first_cause(run, host);
    if (bad < 0) {
        (void)str_copy(run->verdict, sizeof run->verdict,
                       degraded > 0 ? "degraded" : host->verdict);
        (void)str_copy(run->summary, sizeof run->summary, said);
    } else if (run->host_count == 1) {
        (void)str_copy(run->verdict, sizeof run->verdict, host->verdict);
        (void)str_copy(run->summary, sizeof run->summary, said);
    } else { /* `reverted` of one host is not the job's when another host serves the new release */
        bool mixed = good > 0 && strcmp(host->verdict, "reverted") == 0;
        (void)str_copy(run->verdict, sizeof run->verdict, mixed ? "failed" : host->verdict);
        snprintf(run->summary, sizeof run->summary, "%.60s: %.400s%s", host_name(run, bad), said,
                 good > 0 && !run->kind->goes_on ? " The hosts before it serve the new release."
                                                 : "");
    }
    run->phase = RUN_ENDING;
    run->wake_at = 0;
}

void run_decide(struct worker *w, struct run *run)
{
    struct host_run *host = &run->hosts[run->host];
    if (!host->stored) {
        struct err err = {0};
        int rc = job_host_end(w->db, &run->hold, run->host, host->verdict, host->left_as, &err);
        if (run_after_write(w, run, rc, &err) != 0)
            return;
        host->stored = true;
    }
    if ((!is_good(host->verdict) && !run->kind->goes_on) || run->host + 1 >= run->host_count) {
        decide_verdict(run);
        return;
    }
    run->host++;
    run->tries = run->starts = 0;
    json_decref(run->results);
    run->results = NULL;
    journal_sync(&run->journal);
    run->phase = RUN_SYNCING;
}

/* --- what it means for the environment ----------------------------------------------------------
 */

/* Whether the step from which on something else may serve was begun on any host. */
static bool passed_switch(const struct run *run)
{
    for (int h = 0; h < run->host_count; h++) {
        for (int i = 0; i < run->step_count; i++) {
            enum step_state state = run->hosts[h].steps[i].state;
            if (json_is_true(json_object_get(run_step_spec(run, i), "point_of_no_return"))
                && state != STEP_PENDING && state != STEP_SKIPPED)
                return true;
        }
    }
    return false;
}

/* Whether every host that was switched was also put back: all its undo steps ended well. */
static bool all_undone(const struct run *run)
{
    int undone = 0;
    for (int h = 0; h < run->host_count; h++) {
        for (int i = 0; i < run->step_count; i++) {
            const char *phase = text_of(run_step_spec(run, i), "phase");
            enum step_state state = run->hosts[h].steps[i].state;
            if (!str_equal(phase, "undo"))
                continue;
            if (state == STEP_OK)
                undone++;
            else if (state != STEP_SKIPPED && run->hosts[h].verdict[0] != '\0')
                return false;
        }
    }
    return undone > 0;
}

static enum release_effect effect_of(const struct run *run)
{
    int good = 0;
    for (int h = 0; h < run->host_count; h++)
        good += run->hosts[h].verdict[0] != '\0' && is_good(run->hosts[h].verdict);
    if (run->refused)
        return RELEASE_EFFECT_NONE;
    if (run->hosts == NULL) /* taken over and then not to be opened: nobody looked */
        return RELEASE_EFFECT_UNKNOWN;
    if (strcmp(run->verdict, "live") == 0)
        return RELEASE_EFFECT_LIVE;
    if (strcmp(run->verdict, "degraded") == 0)
        return RELEASE_EFFECT_DEGRADED;
    if (good > 0)
        return RELEASE_EFFECT_MIXED;
    if (strcmp(run->verdict, "reverted") == 0)
        return RELEASE_EFFECT_REVERTED;
    if (!passed_switch(run))
        return RELEASE_EFFECT_NONE;
    if (strcmp(run->verdict, "unknown") == 0)
        return RELEASE_EFFECT_UNKNOWN;
    if (strcmp(run->verdict, "cancelled") == 0)
        return all_undone(run) ? RELEASE_EFFECT_REVERTED : RELEASE_EFFECT_UNKNOWN;
    return RELEASE_EFFECT_FAILED;
}

static int store_release(struct worker *w, const struct run *run, int64_t now, struct err *err)
{
    const char *release_id = text_of(run->job, "release_id");
    if (release_id == NULL)
        return 0;
    struct release_ended ended = {.release_id = release_id,
                                  .environment_id = text_of(run->job, "environment_id"),
                                  .outcome = run->refused ? "refused" : run->verdict,
                                  .effect = effect_of(run),
                                  .now = now};
    return release_end(w->db, &ended, err);
}

/* --- the transaction ----------------------------------------------------------------------------
 */

static json_t *event_detail(const struct run *run)
{
    json_t *detail = json_pack("{s:s, s:s}", "job", run->hold.id, "summary", run->summary);
    json_t *hosts = json_array();
    for (int h = 0; run->hosts != NULL && h < run->host_count; h++) {
        json_array_append_new(hosts, json_pack("{s:s, s:s}", "host", host_name(run, h), "verdict",
                                               run->hosts[h].verdict));
    }
    json_object_set_new(detail, "hosts", hosts);
    if (json_is_object(run->release)) {
        json_object_set(detail, "release", json_object_get(run->release, "number"));
        json_object_set(detail, "version", json_object_get(run->release, "version"));
    }
    return detail;
}

static void target_of(const struct run *run, struct audit_entry *entry, char *name, size_t size)
{
    const char *app = text_of(run->job, "app_slug"), *env = text_of(run->job, "env_slug");
    entry->app_id = text_of(run->job, "app_id");
    entry->environment_id = text_of(run->job, "environment_id");
    if (entry->environment_id != NULL) {
        entry->target_kind = "environment";
        entry->target_id = entry->environment_id;
        snprintf(name, size, "%s / %s", app == NULL ? "" : app, env == NULL ? "" : env);
    } else if (text_of(run->job, "server_id") != NULL) {
        entry->target_kind = "server";
        entry->target_id = text_of(run->job, "server_id");
        snprintf(name, size, "%s", run->hosts == NULL ? "" : host_name(run, 0));
    } else {
        entry->target_kind = "app";
        entry->target_id = entry->app_id == NULL ? "" : entry->app_id;
        snprintf(name, size, "%s", app == NULL ? "" : app);
    }
    entry->target_name = name;
}

/* Who asked, as it was proven when the job began. A proof that did not hold names nobody. */
static struct actor actor_of(const struct run *run)
{
    const json_t *by = json_object_get(run->plan, "by");
    const char *kind = text_of(by, "kind"), *id = text_of(by, "id"), *name = text_of(by, "name");
    if (run->denied || kind == NULL || id == NULL || name == NULL)
        return run->denied ? (struct actor){"nobody", "", "", "", "", NULL} : ACTOR_SYSTEM;
    return (struct actor){kind, id, name, "", "", NULL};
}

static int append_event(struct worker *w, const struct run *run, json_t *detail, struct err *err)
{
    char verb[64], name[256];
    struct actor actor = actor_of(run);
    bool bad = strcmp(run->verdict, "failed") == 0 || strcmp(run->verdict, "unknown") == 0;
    snprintf(verb, sizeof verb, "%s.%s", text_of(run->job, "kind"), run->verdict);
    struct audit_entry entry = {.actor = &actor,
                                .verb = verb,
                                .result = run->denied ? "denied"
                                          : bad       ? "failed"
                                                      : "ok",
                                .detail = detail};
    target_of(run, &entry, name, sizeof name);
    return audit_append(w->db, &entry, err);
}

/* A job whose row could not even be read cannot have an event that says what it was; it ends with
 * its row alone, which is also what the page shows. */
static int write_end(struct worker *w, struct run *run, struct err *err)
{
    int rc = -1;
    int64_t now = clock_now_ms();
    json_t *detail = event_detail(run);

    if (db_begin(w->db, err) != 0)
        goto out;
    if (job_end(w->db, &run->hold, run->verdict, run->summary, now, err) != 0)
        goto out;
    if (run->kind != NULL && run->hosts != NULL && run->kind->store != NULL
        && run->kind->store(w, run, detail, err) != 0)
        goto out;
    if (store_release(w, run, now, err) != 0) /* last: after its outcome a release never changes */
        goto out;
    rc = append_event(w, run, detail, err);
    detail = NULL; /* stolen */
    if (rc == 0)
        rc = db_commit(w->db, err);
out:
    db_rollback(w->db);
    json_decref(detail);
    return rc;
}

static void say_verdict(struct run *run)
{
    if (!run->journal_open) {
        run->phase = RUN_GONE;
        return;
    }
    if (run->refused)
        journal_words(&run->journal, -1, -1, "%s", run->summary);
    json_t *record = json_pack("{s:s, s:s}", "verdict", run->verdict, "summary", run->summary);
    journal_json(&run->journal, -1, -1, MASK_VERDICT, record);
    json_decref(record);
    journal_sync(&run->journal);
    run->watch_at = clock_mono_ms() + CLOSING_MS;
    run->phase = RUN_CLOSING;
}

void run_end(struct worker *w, struct run *run)
{
    struct err err = {0};
    if (run->job == NULL && job_load(w->db, run->hold.id, &run->job, NULL, &err) != 0) {
        log_err("job_end", &err);
        run->wake_at = clock_mono_ms() + RETRY_MS;
        return;
    }
    if (run->kind != NULL && run->hosts != NULL && run->kind->finish != NULL
        && run->kind->finish(w, run, &err) != 0) {
        log_err("job_finish", &err);
        run->wake_at = clock_mono_ms() + RETRY_MS;
        return;
    }
    int rc = write_end(w, run, &err);
    if (run_after_write(w, run, rc, &err) != 0)
        return;
    LOG_INFO("job_end", "job=%s kind=%s verdict=%s", run->hold.id, text_of(run->job, "kind"),
             run->verdict);
    say_verdict(run);
}

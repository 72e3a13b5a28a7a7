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

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

void run_fail(struct run *run, const char *verdict, const char *summary)
{
    (void)str_copy(run->verdict, sizeof run->verdict, verdict);
    run_masked(run, summary, run->summary, sizeof run->summary);
    run->phase = RUN_ENDING;
    run->wake_at = 0;
}

/* --- the hosts --------------------------------------------------------------------------------
 */

static int write_turns(struct worker *w, struct run *run, int64_t now, struct err *err)
{
    int rc = -1;
    if (db_begin(w->db, err) != 0)
        return -1;
    for (int h = 0; h < run->host_count; h++) {
        const struct turn *turn = &run->turns[h];
        if (turn->phase == TURN_DECIDING && now >= turn->wake_at
            && job_host_end(w->db, &run->hold, h, turn->verdict,
                            turn->left_as == NULL ? "" : turn->left_as, err)
                   != 0)
            goto out;
    }
    rc = db_commit(w->db, err);
out:
    db_rollback(w->db);
    return rc;
}

void run_record_turns(struct worker *w, struct run *run)
{
    struct err err = {0};
    int64_t now = clock_mono_ms(), wake_at = 0;
    int count = 0;
    for (int h = 0; h < run->host_count; h++)
        count += run->turns[h].phase == TURN_DECIDING && now >= run->turns[h].wake_at;
    if (count == 0)
        return;
    int written = run_after_write(w, run, write_turns(w, run, now, &err), &wake_at, &err);
    for (int h = 0; h < run->host_count; h++) {
        struct turn *turn = &run->turns[h];
        if (turn->phase != TURN_DECIDING || now < turn->wake_at)
            continue;
        if (written == 0)
            turn->phase = TURN_ENDED;
        turn->wake_at = wake_at;
    }
}

/* --- what it means for the environment ----------------------------------------------------------
 */

/* Whether the step from which on something else may serve was begun on any host. */
static bool passed_switch(const struct run *run)
{
    for (int h = 0; h < run->host_count; h++) {
        if (turn_passed_switch(&run->turns[h]))
            return true;
    }
    return false;
}

/* Whether every host that was switched was also put back: all its undo steps ended well. */
static bool all_undone(const struct run *run)
{
    for (int h = 0; h < run->host_count; h++) {
        if (turn_passed_switch(&run->turns[h]) && !turn_is_undone(&run->turns[h]))
            return false;
    }
    return true;
}

static enum release_effect effect_of(const struct run *run)
{
    int good = 0;
    for (int h = 0; h < run->app_count; h++)
        good += run->turns[h].verdict[0] != '\0' && run_is_good(run->turns[h].verdict);
    if (run->refused)
        return RELEASE_EFFECT_NONE;
    if (run->turns == NULL) /* taken over and then not to be opened: nobody looked */
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
    for (int h = 0; run->turns != NULL && h < run->host_count; h++) {
        json_array_append_new(hosts, json_pack("{s:s, s:s}", "host", run_host_name(run, h),
                                               "verdict", run->turns[h].verdict));
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
        snprintf(name, size, "%s", run->turns == NULL ? "" : run_host_name(run, 0));
    } else if (entry->app_id == NULL) {
        entry->target_kind = "server";
        entry->target_id = "";
        snprintf(name, size, "all servers");
    } else {
        entry->target_kind = "app";
        entry->target_id = entry->app_id;
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
    if (run->kind != NULL && run->turns != NULL && run->kind->store != NULL
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
        run->wake_at = clock_mono_ms() + RUN_RETRY_MS;
        return;
    }
    if (run->kind != NULL && run->turns != NULL && run->kind->finish != NULL
        && run->kind->finish(w, run, &err) != 0) {
        log_err("job_finish", &err);
        run->wake_at = clock_mono_ms() + RUN_RETRY_MS;
        return;
    }
    int rc = write_end(w, run, &err);
    if (run_after_write(w, run, rc, &run->wake_at, &err) != 0)
        return;
    LOG_INFO("job_end", "job=%s kind=%s verdict=%s", run->hold.id, text_of(run->job, "kind"),
             run->verdict);
    say_verdict(run);
}

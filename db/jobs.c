/* The worker's side of the job table. Why each statement is as it is stands in
 * queries/shared/job.sql; here they are bound, and "changed nothing" is turned into "somebody else
 * holds this job". */
#include "db/jobs.h"

#include <string.h>
#include "statements.h"
#include "lib/base/str.h"

static int lost_hold(struct err *err, const struct job_hold *hold, const char *what)
{
    err_set(err, ERR_CONFLICT, "Another worker has taken this job over.");
    return err_detail(err, "%s changed nothing: job=%s epoch=%lld", what, hold->id,
                      (long long)hold->epoch);
}

static void bind_hold(struct stmt *s, const struct job_hold *hold)
{
    db_bind_text(s, ":id", hold->id);
    db_bind_text(s, ":owner", hold->owner);
    db_bind_int(s, ":epoch", hold->epoch);
}

/* Run a fenced statement: exactly one row, or the hold is lost. */
static int run_fenced(struct stmt *s, const struct job_hold *hold, const char *what,
                      struct err *err)
{
    int64_t changes = 0;
    if (db_run(s, &changes, err) != 0)
        return -1;
    return changes == 1 ? 0 : lost_hold(err, hold, what);
}

/* The rows of one job as JSON. */
static int rows_of(struct db *db, int statement, const char *id, json_t **rows, struct err *err)
{
    struct stmt *s = db_use(db, statement);
    db_bind_text(s, ":id", id);
    return db_rows_json(s, rows, err);
}

static int claim_row(struct db *db, struct job_hold *hold, int64_t now, bool *found,
                     struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_CLAIM);
    db_bind_text(s, ":owner", hold->owner);
    db_bind_int(s, ":lease_until", now + JOB_LEASE_MS);
    db_bind_int(s, ":now", now);
    int row = db_step(s, err);
    if (row < 0)
        return -1;
    if (row == 1) {
        str_copy(hold->id, sizeof hold->id, db_col_text(s, "id"));
        hold->epoch = db_col_int(s, "epoch");
        *found = true;
    }
    db_done(s);
    return 0;
}

int job_claim(struct db *db, const char *owner, int64_t now, struct job_hold *hold, bool *found,
              struct err *err)
{
    int rc = -1;
    *found = false;
    memset(hold, 0, sizeof *hold);
    str_copy(hold->owner, sizeof hold->owner, owner);
    if (db_begin(db, err) != 0)
        return -1;
    if (claim_row(db, hold, now, found, err) != 0)
        goto out;
    if (!*found) { /* nothing to write: do not touch the disk once a second */
        rc = 0;
        goto out;
    }
    rc = db_commit(db, err);
out:
    db_rollback(db);
    return rc;
}

int job_running(struct db *db, json_t **jobs, struct err *err)
{
    return db_rows_json(db_use(db, SQL_JOB_RUNNING), jobs, err);
}

int job_take_over(struct db *db, struct job_hold *hold, int64_t now, bool *taken, struct err *err)
{
    int64_t changes = 0;
    struct stmt *s = db_use(db, SQL_JOB_TAKE_OVER);
    db_bind_text(s, ":id", hold->id);
    db_bind_text(s, ":owner", hold->owner);
    db_bind_int(s, ":lease_until", now + JOB_LEASE_MS);
    db_bind_int(s, ":seen_epoch", hold->epoch);
    if (db_run(s, &changes, err) != 0)
        return -1;
    *taken = changes == 1;
    hold->epoch += changes;
    return 0;
}

/* One row with the column `cancel`, or the hold is lost. */
static int read_cancel(struct stmt *s, const struct job_hold *hold, int *cancel, struct err *err)
{
    int row = db_step(s, err);
    if (row < 0)
        return -1;
    if (row == 0)
        return lost_hold(err, hold, "job_renew");
    *cancel = (int)db_col_int(s, "cancel");
    db_done(s);
    return 0;
}

int job_renew(struct db *db, const struct job_hold *hold, int64_t now, int *cancel, struct err *err)
{
    int rc = -1;
    if (db_begin(db, err) != 0)
        return -1;
    struct stmt *s = db_use(db, SQL_JOB_RENEW);
    bind_hold(s, hold);
    db_bind_int(s, ":lease_until", now + JOB_LEASE_MS);
    if (read_cancel(s, hold, cancel, err) == 0)
        rc = db_commit(db, err);
    db_rollback(db);
    return rc;
}

int job_check_hold(struct db *db, const struct job_hold *hold, int *cancel, struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_HELD);
    bind_hold(s, hold);
    return read_cancel(s, hold, cancel, err);
}

int job_raise_epoch(struct db *db, struct job_hold *hold, struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_RAISE_EPOCH);
    bind_hold(s, hold);
    if (run_fenced(s, hold, "job_raise_epoch", err) != 0)
        return -1;
    hold->epoch++;
    return 0;
}

int job_load(struct db *db, const char *id, json_t **job, struct buf *auth, struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_BY_ID);
    if (auth != NULL) { /* blobs are not part of the row's JSON */
        size_t len = 0;
        db_bind_text(s, ":id", id);
        if (db_one(s, err) != 0)
            return -1;
        const void *bytes = db_col_blob(s, "auth", &len);
        buf_add(auth, bytes, len);
        db_done(s);
        if (!buf_ok(auth))
            return err_set(err, ERR_TOO_LARGE, "The proof of who asked for this job is too long.");
        s = db_use(db, SQL_JOB_BY_ID);
    }
    db_bind_text(s, ":id", id);
    return db_row_json(s, job, err);
}

int job_hosts(struct db *db, const char *id, json_t **hosts, struct err *err)
{
    return rows_of(db, SQL_JOB_HOSTS, id, hosts, err);
}

int job_steps(struct db *db, const char *id, json_t **steps, struct err *err)
{
    return rows_of(db, SQL_JOB_STEPS, id, steps, err);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* A step that is another role's is none of this host's. */
static const char *state_on(const json_t *host, const json_t *step)
{
    const char *on = text_of(step, "on"), *role = text_of(host, "role");
    bool theirs = on != NULL && role != NULL && strcmp(on, role) != 0;
    return theirs ? "skipped" : text_of(step, "state");
}

static int insert_step(struct db *db, const char *id, int host, const json_t *row,
                       const json_t *step, struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_STEP_INSERT);
    db_bind_text(s, ":id", id);
    db_bind_int(s, ":host", host);
    db_bind_int(s, ":step", json_integer_value(json_object_get(step, "step")));
    db_bind_text(s, ":name", text_of(step, "name"));
    db_bind_text(s, ":title", text_of(step, "title"));
    db_bind_text(s, ":phase", text_of(step, "phase"));
    db_bind_text(s, ":state", state_on(row, step));
    return db_run(s, NULL, err);
}

static int insert_host(struct db *db, const char *id, int host, const json_t *row, struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_HOST_INSERT);
    db_bind_text(s, ":id", id);
    db_bind_int(s, ":host", host);
    db_bind_text(s, ":server_id", text_of(row, "server_id"));
    db_bind_text(s, ":name", text_of(row, "name"));
    return db_run(s, NULL, err);
}

/* One host's row and its steps' rows. */
static int insert_plan_rows(struct db *db, const char *id, const json_t *hosts, const json_t *steps,
                            struct err *err)
{
    size_t h, k;
    json_t *host, *step;
    json_array_foreach(hosts, h, host)
    {
        if (insert_host(db, id, (int)h, host, err) != 0)
            return -1;
        json_array_foreach(steps, k, step)
        {
            if (insert_step(db, id, (int)h, host, step, err) != 0)
                return -1;
        }
    }
    return 0;
}

int job_set_plan(struct db *db, const struct job_hold *hold, const json_t *plan,
                 const json_t *hosts, const json_t *steps, struct err *err)
{
    int rc = -1;
    struct stmt *s = NULL;
    char *text = json_dumps(plan, JSON_COMPACT | JSON_SORT_KEYS);
    if (text == NULL)
        return err_set(err, ERR_NO_MEMORY, "The plan is too large.");
    if (db_begin(db, err) != 0)
        goto out;
    s = db_use(db, SQL_JOB_SET_PLAN);
    bind_hold(s, hold);
    db_bind_text(s, ":plan", text);
    if (run_fenced(s, hold, "job_set_plan", err) != 0
        || insert_plan_rows(db, hold->id, hosts, steps, err) != 0)
        goto out;
    rc = db_commit(db, err);
out:
    db_rollback(db);
    free(text);
    return rc;
}

int job_host_begin(struct db *db, const struct job_hold *hold, int host, int attempts,
                   struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_HOST_BEGIN);
    bind_hold(s, hold);
    db_bind_int(s, ":host", host);
    db_bind_int(s, ":attempts", attempts);
    return run_fenced(s, hold, "job_host_begin", err);
}

int job_host_end(struct db *db, const struct job_hold *hold, int host, const char *verdict,
                 const char *left_as, struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_HOST_END);
    bind_hold(s, hold);
    db_bind_int(s, ":host", host);
    db_bind_text(s, ":verdict", verdict);
    db_bind_text(s, ":left_as", left_as);
    return run_fenced(s, hold, "job_host_end", err);
}

int job_step_intent(struct db *db, const struct job_hold *hold, const struct job_intent *intent,
                    struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_STEP_INTENT);
    bind_hold(s, hold);
    db_bind_int(s, ":host", intent->host);
    db_bind_int(s, ":step", intent->step);
    db_bind_int(s, ":now", intent->now);
    db_bind_int(s, ":log_from", intent->log_from);
    return run_fenced(s, hold, "job_step_intent", err);
}

int job_step_outcome(struct db *db, const struct job_hold *hold, const struct job_outcome *outcome,
                     struct err *err)
{
    char *results = outcome->results == NULL ? NULL : json_dumps(outcome->results, JSON_COMPACT);
    struct stmt *s = db_use(db, SQL_JOB_STEP_OUTCOME);
    bind_hold(s, hold);
    db_bind_int(s, ":host", outcome->host);
    db_bind_int(s, ":step", outcome->step);
    db_bind_text(s, ":state", outcome->state);
    if (outcome->has_status)
        db_bind_int(s, ":status", outcome->status);
    else
        db_bind_null(s, ":status");
    db_bind_text(s, ":cause", outcome->cause == NULL ? "" : outcome->cause);
    db_bind_text(s, ":results", results == NULL ? "{}" : results);
    db_bind_int(s, ":now", outcome->now);
    int rc = run_fenced(s, hold, "job_step_outcome", err);
    free(results);
    return rc;
}

int job_end(struct db *db, const struct job_hold *hold, const char *verdict, const char *summary,
            int64_t now, struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_END);
    bind_hold(s, hold);
    db_bind_text(s, ":verdict", verdict);
    db_bind_text(s, ":summary", summary);
    db_bind_int(s, ":now", now);
    if (run_fenced(s, hold, "job_end", err) != 0)
        return -1;
    s = db_use(db, SQL_JOB_END_STEPS);
    db_bind_text(s, ":id", hold->id);
    db_bind_int(s, ":now", now);
    if (db_run(s, NULL, err) != 0)
        return -1;
    s = db_use(db, SQL_JOB_END_HOSTS);
    db_bind_text(s, ":id", hold->id);
    return db_run(s, NULL, err);
}

int job_queued_cancelled(struct db *db, json_t **ids, struct err *err)
{
    json_t *rows = NULL, *row;
    size_t i;
    if (db_rows_json(db_use(db, SQL_JOB_QUEUED_CANCELLED), &rows, err) != 0)
        return -1;
    json_t *list = json_array();
    json_array_foreach(rows, i, row) json_array_append(list, json_object_get(row, "id"));
    json_decref(rows);
    *ids = list;
    return list != NULL ? 0 : err_set(err, ERR_NO_MEMORY, "No memory is left.");
}

int job_end_queued(struct db *db, const char *id, const char *summary, int64_t now, struct err *err)
{
    int64_t changes = 0;
    struct stmt *s = db_use(db, SQL_JOB_END_QUEUED);
    db_bind_text(s, ":id", id);
    db_bind_text(s, ":summary", summary);
    db_bind_int(s, ":now", now);
    if (db_run(s, &changes, err) != 0)
        return -1;
    return changes == 1 ? 0 : err_set(err, ERR_CONFLICT, "The job has begun meanwhile.");
}

int job_server(struct db *db, const char *server_id, json_t **server, struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_SERVER);
    db_bind_text(s, ":id", server_id);
    return db_row_json(s, server, err);
}

int job_servers(struct db *db, json_t **servers, struct err *err)
{
    return db_rows_json(db_use(db, SQL_JOB_SERVERS), servers, err);
}

int job_server_checked(struct db *db, const struct job_checked *checked, struct err *err)
{
    char *facts = checked->facts == NULL ? NULL : json_dumps(checked->facts, JSON_COMPACT);
    char *checks = checked->checks == NULL ? NULL : json_dumps(checked->checks, JSON_COMPACT);
    struct stmt *s = db_use(db, SQL_JOB_SERVER_CHECKED);
    db_bind_text(s, ":server_id", checked->server_id);
    db_bind_text(s, ":state", checked->state);
    db_bind_text(s, ":facts", facts);
    db_bind_text(s, ":checks", checks);
    db_bind_int(s, ":now", checked->now);
    int rc = db_run(s, NULL, err);
    free(facts);
    free(checks);
    return rc;
}

int job_server_state(struct db *db, const char *server_id, const char *state, bool *changed,
                     struct err *err)
{
    int64_t changes = 0;
    struct stmt *s = db_use(db, SQL_JOB_SERVER_STATE);
    db_bind_text(s, ":server_id", server_id);
    db_bind_text(s, ":state", state);
    if (db_run(s, &changes, err) != 0)
        return -1;
    *changed = changes == 1;
    return 0;
}

/* jobs.h - the worker's side of the job table: claim, hold, record, end.
 *
 * A supervisor that claimed a job *holds* it: (id, owner, epoch). Every later write is fenced by
 * all three. When such a write changes nothing, somebody else holds the job now: the call fails
 * with ERR_CONFLICT, and the supervisor must drop the job at once without another word to its
 * target. The lease only says when others may take over a job whose supervisor is not known to be
 * dead.
 *
 * Intent before, outcome after: job_step_intent is committed before a runner acts on a step,
 * job_step_outcome after the target said how it went. An outcome is final.
 *
 * Each call is one transaction of its own unless it says otherwise. Times are UTC ms. The web's
 * side of the same table is db/jobs_web.h. */
#ifndef WL_DB_JOBS_H
#define WL_DB_JOBS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "db/db.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/crypto/crypto.h"

#define JOB_OWNER_SIZE 128
#define JOB_LEASE_MS   30000

struct job_hold {
    char id[CRYPTO_ID_SIZE];
    char owner[JOB_OWNER_SIZE];
    int64_t epoch;
};

/* Claim the oldest queued job whose lock class allows it. *found false: none (not an error). */
int job_claim(struct db *db, const char *owner, int64_t now, struct job_hold *hold, bool *found,
              struct err *err) MUST_USE;
/* All running jobs: new list of {id, owner, epoch, lease_until}. */
int job_running(struct db *db, json_t **jobs, struct err *err) MUST_USE;
/* Take a running job over. *hold in: the job's id, the new owner, and the epoch under which the row
 * was seen; out: what is held now. *taken false: somebody else was first, *hold is as it was. */
int job_take_over(struct db *db, struct job_hold *hold, int64_t now, bool *taken,
                  struct err *err) MUST_USE;

/* Extend the lease; *cancel gets the job's cancel request (0, 1, 2). */
int job_renew(struct db *db, const struct job_hold *hold, int64_t now, int *cancel,
              struct err *err) MUST_USE;
/* The cancel request alone; checks the hold. Reads only. */
int job_check_hold(struct db *db, const struct job_hold *hold, int *cancel,
                   struct err *err) MUST_USE;
/* epoch + 1, in the row and in *hold: before a new runner is started. */
int job_raise_epoch(struct db *db, struct job_hold *hold, struct err *err) MUST_USE;

/* New object with the row's columns (params, confirmed, plan as JSON; plan null before it is made;
 * by_name, app_slug, env_slug of its neighbours). `auth` (may be NULL) gets the sealed proof. */
int job_load(struct db *db, const char *id, json_t **job, struct buf *auth,
             struct err *err) MUST_USE;

/* Store the plan and its rows at once. hosts: list of {"server_id" (or null), "name", "role"?};
 * steps: list of {"step", "name", "title", "phase", "state": "pending" | "skipped", "on"?}, the
 * same for every host, but that a step `on` another role is skipped. */
int job_set_plan(struct db *db, const struct job_hold *hold, const json_t *plan,
                 const json_t *hosts, const json_t *steps, struct err *err) MUST_USE;
/* New lists with the rows' columns, in order. */
int job_hosts(struct db *db, const char *id, json_t **hosts, struct err *err) MUST_USE;
int job_steps(struct db *db, const char *id, json_t **steps, struct err *err) MUST_USE;

int job_host_begin(struct db *db, const struct job_hold *hold, int host, int attempts,
                   struct err *err) MUST_USE;
/* verdict NULL: none (never had its turn). */
int job_host_end(struct db *db, const struct job_hold *hold, int host, const char *verdict,
                 const char *left_as, struct err *err) MUST_USE;

/* `log_from`: offset in the job's log at which the step begins. A second intent of the same step
 * (after a restart) keeps the first one's time. ERR_CONFLICT also for a step that has an outcome.
 */
struct job_intent {
    int host, step;
    int64_t now, log_from;
};
int job_step_intent(struct db *db, const struct job_hold *hold, const struct job_intent *intent,
                    struct err *err) MUST_USE;
struct job_outcome {
    int host, step;
    const char *state;     /* ok, failed, skipped, cancelled, unknown */
    const char *cause;     /* in words, "" when ok */
    const json_t *results; /* object, or NULL */
    int status;            /* exit status; used when has_status */
    bool has_status;
    int64_t now;
};
int job_step_outcome(struct db *db, const struct job_hold *hold, const struct job_outcome *outcome,
                     struct err *err) MUST_USE;

/* The end of a job. Needs an open transaction of the caller, in which the release, the environment
 * and the audit event are written as well. Steps that never ran become skipped, those whose outcome
 * nobody saw unknown. */
int job_end(struct db *db, const struct job_hold *hold, const char *verdict, const char *summary,
            int64_t now, struct err *err) MUST_USE;

/* Queued jobs whose cancel was asked: new list of ids. And the end of one, in the caller's
 * transaction; ERR_CONFLICT when it is no longer queued. */
int job_queued_cancelled(struct db *db, json_t **ids, struct err *err) MUST_USE;
int job_end_queued(struct db *db, const char *id, const char *summary, int64_t now,
                   struct err *err) MUST_USE;

/* A server's row as jobs need it {id, slug, host, port, login, pin_type, pin_print, state,
 * archived_at}. */
int job_server(struct db *db, const char *server_id, json_t **server, struct err *err) MUST_USE;
/* All that can be asked: new list of {server_id, name} by name; at most 251. */
int job_servers(struct db *db, json_t **servers, struct err *err) MUST_USE;
/* What a Check found; facts and checks may be NULL (kept as they were). Caller's transaction. */
struct job_checked {
    const char *server_id, *state;
    const json_t *facts, *checks;
    int64_t now;
};
int job_server_checked(struct db *db, const struct job_checked *checked, struct err *err) MUST_USE;
/* The server's state alone (key_changed). Caller's transaction. *changed: it was another before. */
int job_server_state(struct db *db, const char *server_id, const char *state, bool *changed,
                     struct err *err) MUST_USE;

#endif

/* jobs_web.h - the web's side of the job table: add, list, read, ask to cancel, estimate. The
 * worker's side is db/jobs.h.
 *
 * A job row names a kind and ids, never a shell command. Its `params` by kind:
 *     deploy, rollback, redeploy, promote {} or {"despite_freeze"}
 *                                   (the release row says what; environment_id the place)
 *     restart, stop, start {}           (environment_id; `confirmed` says of which release)
 *     command {"server_id", "command", "service", "how", "limit_s"}, logs {"server_id", "service",
 *             "filter", "lines", "since_s", "follow"} (lib/domain/aside.h; environment_id)
 *     check   {}                        (server_id; without one: all servers)
 *     fetch   {"version", "url", "sha256"} or {"version", "file"} (app_id)
 * A known `idem` is the same job when kind, place and person are the same too, else ERR_CONFLICT.
 * Objects are new references with the columns' names. */
#ifndef WL_DB_JOBS_WEB_H
#define WL_DB_JOBS_WEB_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "db/audit.h"
#include "db/db.h"
#include "lib/base/attr.h"
#include "lib/crypto/crypto.h"

struct job_request {
    const char *id; /* made by the caller, since `auth` is sealed over it */
    const char *kind, *lock_class;
    const char *environment_id, *server_id, *app_id; /* NULL: none */
    const char *target_name;                         /* for the audit event, "hello / production" */
    const char *verb;                                /* deploy.request, check.request, ... */
    const json_t *params;                            /* borrowed; NULL: {} */
    const json_t *confirmed;                         /* borrowed; what the page showed; NULL: {} */
    const char *idem;
    const void *auth; /* sealed proof of who asks */
    size_t auth_len;
    const char *requested_by; /* user id */
    const char *why;
};
struct job_added {
    char id[CRYPTO_ID_SIZE];
    bool existed; /* a second click: this is the first one's job */
};

/* Add a job with its audit event in one transaction. */
int job_request_add(struct db *db, const struct actor *actor, const struct job_request *request,
                    struct job_added *added, struct err *err) MUST_USE;

/* As job_request_add, with the pending release row that the deploy is for. basis: what the confirm
 * page showed (db/basis.h); the row's values are taken from it and from `environment`. */
struct deploy_request {
    struct job_request job;
    const json_t *environment; /* object of environment_by_slugs */
    const json_t *artefact;    /* object of artefact_by_id */
    const json_t *basis;
    const json_t *settings;    /* checked */
    const char *trigger;       /* db/pauses.h */
    const char *asked_from;    /* the address */
    const char *replays;       /* a rollback: the id of the release it brings back; NULL: none */
    const char *promoted_from; /* the id of another environment's release; NULL: none */
    const char *pause_why;     /* a rollback: automatic deploys are paused with it; NULL: not */
};
int job_request_deploy(struct db *db, const struct actor *actor,
                       const struct deploy_request *request, struct job_added *added,
                       struct err *err) MUST_USE;

/* The job that this request's idem made already: 1 found, 0 none, -1 error (also ERR_CONFLICT). For
 * a page that must answer a second click before it compares anything. */
int job_request_find(struct db *db, const struct job_request *request, struct job_added *added,
                     struct err *err) MUST_USE;

/* Lists, newest first: those with serial < before (0: from the newest). Filters NULL: any.
 * `environment_id` chooses the environment's own index. */
struct job_filter {
    const char *environment_id, *state, *verdict, *kind, *actor;
    int64_t before;
    int limit;
};
int job_list(struct db *db, const struct job_filter *filter, json_t **jobs,
             struct err *err) MUST_USE;
int job_list_of_server(struct db *db, const char *server_id, int limit, json_t **jobs,
                       struct err *err) MUST_USE;
/* Of its environments, and its fetches. */
int job_list_of_app(struct db *db, const char *app_id, int limit, json_t **jobs,
                    struct err *err) MUST_USE;
/* Queued and running ones, oldest first, with their lock_class (db/jobs_wait.h). */
int job_list_active(struct db *db, json_t **jobs, struct err *err) MUST_USE;
/* {login, name} of the people jobs can be filtered by. */
int job_list_actors(struct db *db, json_t **actors, struct err *err) MUST_USE;

/* One job, its hosts, its steps. ERR_NOT_FOUND for an unknown id. */
int job_read(struct db *db, const char *id, json_t **job, struct err *err) MUST_USE;
int job_read_hosts(struct db *db, const char *id, json_t **hosts, struct err *err) MUST_USE;
int job_read_steps(struct db *db, const char *id, json_t **steps, struct err *err) MUST_USE;
/* {job_id, host, server, results, ended_at, state, phase}: what the last jobs of an environment saw
 * of its containers, newest first (a step that looked reports service_<n>). */
int job_read_looks(struct db *db, const char *environment_id, json_t **looks,
                   struct err *err) MUST_USE;

/* Ask it to stop: 1 gracefully, a second time 2 (kill). Event job.cancel. *how is what it is now; 0
 * when the job has ended already (nothing was changed). */
int job_request_cancel(struct db *db, const struct actor *actor, const json_t *job, int *how,
                       struct err *err) MUST_USE;

/* What the last ten good runs of this kind in this environment say. */
struct job_estimate {
    int runs;          /* 0: no estimate */
    int64_t median_ms; /* of the whole job */
    json_t *steps;     /* object: step name -> median ms, of its first host; new reference */
};
int job_estimate(struct db *db, const char *environment_id, const char *kind,
                 struct job_estimate *estimate, struct err *err) MUST_USE;

#endif

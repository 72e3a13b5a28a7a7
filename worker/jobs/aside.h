/* aside.h - what jobs share that run steps of the recipe beside what is live, on one of its
 * servers, and change no release: kinds command and logs. They do not take the environment's lock
 * on the server, since several may run at once: each has a lock of its own there, named by its job,
 * which keeps two runners of one job apart. */
#ifndef WL_WORKER_JOBS_ASIDE_H
#define WL_WORKER_JOBS_ASIDE_H

#include "db/operations.h"
#include "worker/run.h"

struct aside {
    json_t *environment;         /* owned, as found */
    struct operation_plan found; /* owned */
};
/* The environment of this moment, run->recipe, and the live release with the basis of this kind.
 * Call aside_free whatever it says. */
int aside_find(struct worker *w, struct run *run, struct aside *aside, struct err *err) MUST_USE;
void aside_free(struct aside *aside);

/* The plan: the recipe's steps of this kind on the server that the row names, when it is one of the
 * environment's. inputs: an object of texts, which the steps get as variables of these names;
 * stolen. deadline_ms: of each of those steps; 0: as in recipe.json. */
struct aside_plan {
    const struct aside *aside;
    json_t *inputs;
    int64_t deadline_ms;
    const char *lock_class; /* what the row must say */
};
int aside_make_plan(struct run *run, const struct aside_plan *made, json_t **plan,
                    struct err *err) MUST_USE;

/* As in struct job_kind. */
int aside_open(struct worker *w, struct run *run, struct err *err) MUST_USE;
int aside_store(struct worker *w, struct run *run, json_t *detail, struct err *err) MUST_USE;
/* says: the three sentences of the begin frame (docs/architecture.md); stolen. */
int aside_begin(struct worker *w, struct turn *turn, json_t *frame, json_t *says,
                struct err *err) MUST_USE;

#endif

/* gates.h - what stands between a person and a change of what serves: the environment's lock
 * (db/locks.h) and, for new versions, its freeze windows (db/freezes.h). One place says it to all
 * pages that ask for such a job, and to every page of the environment. The worker asks again when
 * the job begins. */
#ifndef WL_CGI_PAGES_GATES_H
#define WL_CGI_PAGES_GATES_H

#include <jansson.h>
#include <stdbool.h>
#include "cgi/http/request.h"

/* A person who may unlock; a token never acts in spite of a lock. */
bool gate_may_unlock(const struct request *req);

/* page.holds: one line for each thing that holds the environment back, for the banners. */
void gate_add_holds(const struct request *req, json_t *page, const json_t *card);

/* What is asked for. */
enum gate_for {
    GATE_OPERATION = 0, /* a restart, a command, going back: the lock alone holds it back */
    GATE_RELEASE        /* a deploy, redeploy, promotion */
};
/* What refuses this person here, as problems with a link (readiness.h). */
void gate_add_problems(const struct request *req, const json_t *card, enum gate_for what,
                       json_t *problems);

/* page.despite {lock, freeze}: what a person must confirm to act all the same, and the fields for
 * it. */
void gate_fields(struct request *req, json_t *page, const json_t *card, enum gate_for what);
/* Their errors, after the form was sent. */
void gate_check(struct request *req, json_t *page, const json_t *card, enum gate_for what);
/* What the job's row says of it: {despite_freeze: reason}, or NULL. In the request's arena. */
json_t *gate_params(struct request *req, const json_t *card);

#endif

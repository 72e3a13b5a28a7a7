/* confirm.h - what pages that put something live have in common: the form carries what was shown,
 * and what was confirmed is what is asked for. A second click finds the first one's job by the
 * form's key, before anything is compared: the first click may have changed what is live already.
 */
#ifndef WL_CGI_PAGES_CONFIRM_H
#define WL_CGI_PAGES_CONFIRM_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "cgi/http/response.h"
#include "db/jobs_web.h"
#include "lib/base/attr.h"

#define CONFIRM_WHY_MAX 500

/* The value of a form's field that stands for a basis: its hash, and after a dot the basis itself,
 * so that a refusal can say what was confirmed. In the request's arena. */
int confirm_field(struct request *req, const json_t *basis, char hash[65], const char **field,
                  struct err *err) MUST_USE;
/* 0 when the field `name` of the form is of this basis; ERR_CONFLICT naming what differs. */
int confirm_compare(struct request *req, const char *name, const json_t *basis,
                    struct err *err) MUST_USE;

/* The fields `why`, `idem` and `plan_hash` of the page, as typed; a fresh key when none was sent.
 */
void confirm_fields(struct request *req, json_t *page);
/* Errors of `why` and `idem`. */
void confirm_check(struct request *req, json_t *page);
/* The plan as a whole is refused: the page links to it by the name "plan". */
void confirm_error(json_t *page, const char *text);

/* A request for an exclusive job of this kind in the environment of the card, with the form's words
 * and key. */
struct job_request confirm_job(struct request *req, const json_t *card, const char *kind,
                               const char *verb);
/* 1: answered (the first click's job), 0: go on, -1: error. */
int confirm_second_click(struct request *req, struct response *res, const struct job_request *job,
                         struct err *err) MUST_USE;
/* Adds the release and its job, wakes the worker, and leads to the job's page. */
int confirm_add(struct request *req, struct response *res, struct deploy_request *deploy,
                struct err *err) MUST_USE;

#endif

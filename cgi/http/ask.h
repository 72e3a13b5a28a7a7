/* ask.h - questions the web side puts to the worker, answered within 5 s (15 s where a target is
 * asked).
 *
 * One SOCK_SEQPACKET message each way, JSON, at most 64 KiB (docs/architecture.md "The ask socket"
 * lists the verbs). The session's token is added by ask() when the request has one. */
#ifndef WL_CGI_HTTP_ASK_H
#define WL_CGI_HTTP_ASK_H

#include <jansson.h>
#include "cgi/http/request.h"

/* question: stolen. *answer: a new object. A refusal by the worker comes back as its code, field
 * and sentence; a worker that is not there is ERR_BUSY "The worker is not running...". */
int ask(struct request *req, const char *verb, json_t *question, json_t **answer,
        struct err *err) MUST_USE;
/* The same for a verb that answers with a file (worker/ask/secrets_reveal.c): *fd is for io_close,
 * -1 after an error. */
int ask_for_file(struct request *req, const char *verb, json_t *question, json_t **answer, int *fd,
                 struct err *err) MUST_USE;
/* Tell the worker that a job row was added. Never fails: the worker polls as well. */
void ask_poke(const struct request *req);
/* Whether a worker listens at this moment: a message would reach it. */
bool ask_worker_runs(const struct request *req);
/* Seal bytes to the worker's public key (base64url text in the arena). */
const char *ask_seal(struct request *req, const void *bytes, size_t len, struct err *err) MUST_USE;
/* The sealed proof of who asks for a job (docs/architecture.md "Who asked"): the bytes of job.auth,
 * in the arena. environment_id: "" for none. */
struct ask_proof {
    const uint8_t *bytes;
    size_t len;
};
int ask_proof(struct request *req, const char *job_id, const char *kind, const char *environment_id,
              struct ask_proof *proof, struct err *err) MUST_USE;

#endif

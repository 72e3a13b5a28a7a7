/* submit.c - starting jobs (submit.h). The proof is sealed before the transaction begins: it covers
 * the job's id, so a stolen row proves nothing about another job. */
#include "cgi/pages/submit.h"

#include <string.h>
#include "cgi/http/ask.h"
#include "db/json_text.h"

static int seal_proof(struct request *req, struct job_request *job, struct err *err)
{
    json_t *proof =
        json_pack("{s:s, s:s, s:s, s:s}", "token", req->session.token, "job", job->id, "kind",
                  job->kind, "environment", job->environment_id == NULL ? "" : job->environment_id);
    const char *sealed;
    char *text = NULL;
    size_t max;
    uint8_t *bytes;
    int len;

    if (proof == NULL || json_text(proof, &text, err) != 0)
        return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    sealed = ask_seal(req, text, strlen(text), err);
    crypto_wipe(text, strlen(text));
    free(text);
    if (sealed == NULL)
        return -1;
    max = strlen(sealed);
    bytes = arena_alloc(req->arena, max);
    len = bytes == NULL ? -1 : crypto_unb64url(sealed, bytes, max);
    if (len < 0)
        return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    job->auth = bytes;
    job->auth_len = (size_t)len;
    return 0;
}

int submit_prepare(struct request *req, struct job_request *job, struct err *err)
{
    char *id = arena_alloc(req->arena, CRYPTO_ID_SIZE);
    if (id == NULL)
        return err_set(err, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    crypto_new_id(id);
    job->id = id;
    job->requested_by = req->session.user_id;
    if (job->idem == NULL)
        job->idem = id;
    if (job->why == NULL)
        job->why = "";
    return seal_proof(req, job, err);
}

int submit_job(struct request *req, struct job_request *job, struct job_added *added,
               struct err *err)
{
    if (submit_prepare(req, job, err) != 0
        || job_request_add(req->db, &req->actor, job, added, err) != 0)
        return -1;
    ask_poke(req);
    return 0;
}

/* submit.c - starting jobs (submit.h). The proof is sealed before the transaction begins: it covers
 * the job's id, so a stolen row proves nothing about another job. */
#include "cgi/pages/submit.h"

#include "cgi/http/ask.h"

int submit_prepare(struct request *req, struct job_request *job, struct err *err)
{
    struct ask_proof proof;
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
    if (ask_proof(req, job->id, job->kind, job->environment_id == NULL ? "" : job->environment_id,
                  &proof, err)
        != 0)
        return -1;
    job->auth = proof.bytes;
    job->auth_len = proof.len;
    return 0;
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

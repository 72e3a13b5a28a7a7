/* jobs_proof.c - reading who asked for a job (jobs_proof.h). */
#include "db/jobs_proof.h"

#include "lib/base/str.h"
#include "statements.h"

int job_proof_read(struct db *db, const char *job_id, struct job_proof *proof, struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_PROOF);
    const void *auth;
    bool whole;

    db_bind_text(s, ":id", job_id);
    if (db_one(s, err) != 0)
        return -1;
    auth = db_col_blob(s, "auth", &proof->auth_len);
    whole = auth != NULL && proof->auth_len <= sizeof proof->auth
            && str_copy(proof->kind, sizeof proof->kind, db_col_text(s, "kind"))
            && str_copy(proof->environment_id, sizeof proof->environment_id,
                        db_col_text(s, "environment_id"))
            && str_copy(proof->app_id, sizeof proof->app_id, db_col_text(s, "app_id"));
    if (whole)
        memcpy(proof->auth, auth, proof->auth_len);
    db_done(s);
    return whole ? 0
                 : err_set(err, ERR_DENIED,
                           "It could not be proven who asked for this job. Start it again.");
}

/* jobs_proof.h - the part of a job row that says who asked, for worker/authorize.c alone. */
#ifndef WL_DB_JOBS_PROOF_H
#define WL_DB_JOBS_PROOF_H

#include "db/db.h"
#include "lib/crypto/crypto.h"

#define JOB_AUTH_MAX 8192

struct job_proof {
    char kind[16];
    char environment_id[CRYPTO_ID_SIZE]; /* "" when the job has none */
    char app_id[CRYPTO_ID_SIZE];         /* of the environment, else of the job; "" when neither */
    uint8_t auth[JOB_AUTH_MAX];          /* sealed to the worker */
    size_t auth_len;
};

int job_proof_read(struct db *db, const char *job_id, struct job_proof *proof,
                   struct err *err) MUST_USE;

#endif

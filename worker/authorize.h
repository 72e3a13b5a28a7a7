/* authorize.h - who asked for this job, proven (docs/architecture.md "Who asked").
 *
 * A job row comes from the web side, which may have been taken over. What counts is the sealed
 * proof in job.auth: a session that the worker itself issued (its MAC), that is neither expired nor
 * revoked, bound to this job, kind and environment; and the user's grants in vault.db at this
 * moment. */
#ifndef WL_WORKER_AUTHORIZE_H
#define WL_WORKER_AUTHORIZE_H

#include "db/audit.h"
#include "db/db.h"
#include "db/vault/vault.h"
#include "lib/domain/access.h"

struct requester {
    struct actor actor; /* borrows from the fields below: keep the struct where it is */
    char user_id[CRYPTO_ID_SIZE];
    char name[336];
    enum role role;
    bool is_command_line;
};

/* 0 and *who, or ERR_DENIED / ERR_SIGNED_OUT with a sentence for the job's summary. Call it when
 * the job is claimed for the first time: a session that ends later does not end its jobs. */
int authorize_job(struct db *shared, struct vault *vault, const char *job_id, struct requester *who,
                  struct err *err) MUST_USE;

/* What a job of this kind needs: CAP_NOBODY for an unknown kind. */
enum capability authorize_capability(const char *kind);

#endif

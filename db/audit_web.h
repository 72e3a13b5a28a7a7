/* audit_web.h - how far the history is signed, for its pages. Signatures are checked by
 * audit_verify, not here. */
#ifndef WL_DB_AUDIT_WEB_H
#define WL_DB_AUDIT_WEB_H

#include <stdint.h>
#include "db/db.h"
#include "lib/base/attr.h"

struct audit_chain_state {
    int64_t events;     /* number of the newest event; numbers have no gaps */
    int64_t signed_seq; /* the newest signed head covers up to here; 0: none */
    int64_t signed_at;
};
int audit_chain_state(struct db *db, struct audit_chain_state *state, struct err *err) MUST_USE;
/* When the first head that covers this event was signed; 0: not yet. */
int audit_signed_at(struct db *db, int64_t seq, int64_t *signed_at, struct err *err) MUST_USE;

#endif

/* audit_web.c - how far the history is signed (audit_web.h). */
#include "db/audit_web.h"

#include "statements.h"

int audit_chain_state(struct db *db, struct audit_chain_state *state, struct err *err)
{
    struct stmt *s = db_use(db, SQL_AUDIT_WEB_CHAIN);
    if (db_one(s, err) != 0)
        return -1;
    state->events = db_col_int(s, "events");
    state->signed_seq = db_col_int(s, "signed_seq");
    state->signed_at = db_col_int(s, "signed_at");
    db_done(s);
    return 0;
}

int audit_signed_at(struct db *db, int64_t seq, int64_t *signed_at, struct err *err)
{
    struct stmt *s = db_use(db, SQL_AUDIT_WEB_SIGNED_AT);
    db_bind_int(s, ":seq", seq);
    if (db_one(s, err) != 0)
        return -1;
    *signed_at = db_col_int(s, "signed_at");
    db_done(s);
    return 0;
}

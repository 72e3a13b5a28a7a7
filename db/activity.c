/* activity.c - see activity.h. Both statements read one partial index or one key. */
#include "db/activity.h"

#include <string.h>
#include "statements.h"

int activity_running_jobs(struct db *db, int64_t *count, struct err *err)
{
    struct stmt *s = db_use(db, SQL_ACTIVITY_RUNNING_JOBS);

    if (db_one(s, err) != 0)
        return -1;
    *count = db_col_int(s, "count");
    db_done(s);
    return 0;
}

int activity_job_ended(struct db *db, const char *job_id, bool *ended, struct err *err)
{
    struct stmt *s = db_use(db, SQL_ACTIVITY_JOB_STATE);

    db_bind_text(s, ":id", job_id);
    if (db_one(s, err) != 0)
        return -1;
    *ended = strcmp(db_col_text(s, "state"), "ended") == 0;
    db_done(s);
    return 0;
}

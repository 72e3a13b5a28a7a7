/* jobs_web_read.c - reading jobs for pages: lists by keyset, one job in full, estimates
 * (jobs_web.h). */
#include "db/jobs_web.h"

#include "statements.h"

#define RUNS_MAX 10

int job_list(struct db *db, const struct job_filter *filter, json_t **jobs, struct err *err)
{
    bool of_environment = filter->environment_id != NULL;
    struct stmt *s =
        db_use(db, of_environment ? SQL_JOB_WEB_PAGE_OF_ENVIRONMENT : SQL_JOB_WEB_PAGE);
    if (of_environment)
        db_bind_text(s, ":environment_id", filter->environment_id);
    db_bind_text(s, ":state", filter->state);
    db_bind_text(s, ":verdict", filter->verdict);
    db_bind_text(s, ":kind", filter->kind);
    db_bind_text(s, ":actor", filter->actor);
    db_bind_int(s, ":before", filter->before > 0 ? filter->before : INT64_MAX);
    db_bind_int(s, ":limit", filter->limit);
    return db_rows_json(s, jobs, err);
}

int job_list_of_server(struct db *db, const char *server_id, int limit, json_t **jobs,
                       struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_WEB_PAGE_OF_SERVER);
    db_bind_text(s, ":server_id", server_id);
    db_bind_int(s, ":limit", limit);
    return db_rows_json(s, jobs, err);
}

int job_list_of_app(struct db *db, const char *app_id, int limit, json_t **jobs, struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_WEB_PAGE_OF_APP);
    db_bind_text(s, ":app_id", app_id);
    db_bind_int(s, ":limit", limit);
    return db_rows_json(s, jobs, err);
}

int job_list_active(struct db *db, json_t **jobs, struct err *err)
{
    return db_rows_json(db_use(db, SQL_JOB_WEB_ACTIVE), jobs, err);
}

int job_list_actors(struct db *db, json_t **actors, struct err *err)
{
    return db_rows_json(db_use(db, SQL_JOB_WEB_ACTORS), actors, err);
}

int job_read(struct db *db, const char *id, json_t **job, struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_WEB_BY_ID);
    db_bind_text(s, ":id", id);
    return db_row_json(s, job, err);
}

int job_read_hosts(struct db *db, const char *id, json_t **hosts, struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_WEB_HOSTS);
    db_bind_text(s, ":job_id", id);
    return db_rows_json(s, hosts, err);
}

int job_read_steps(struct db *db, const char *id, json_t **steps, struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_WEB_STEPS);
    db_bind_text(s, ":job_id", id);
    return db_rows_json(s, steps, err);
}

int job_read_looks(struct db *db, const char *environment_id, json_t **looks, struct err *err)
{
    struct stmt *s = db_use(db, SQL_JOB_WEB_LOOKS);
    db_bind_text(s, ":environment_id", environment_id);
    return db_rows_json(s, looks, err);
}

static int compare_ms(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t median(int64_t *values, size_t count)
{
    if (count == 0)
        return 0;
    qsort(values, count, sizeof *values, compare_ms);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* rows: {name, ms}; every name's median. Lists are short (ten runs of some dozen steps). */
static json_t *step_medians(const json_t *rows)
{
    json_t *medians = json_object();
    const json_t *row, *other;
    size_t i, k;
    json_array_foreach(rows, i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        int64_t values[RUNS_MAX];
        size_t count = 0;
        if (json_object_get(medians, name) != NULL)
            continue;
        json_array_foreach(rows, k, other) if (count < RUNS_MAX
                                               && json_equal(json_object_get(row, "name"),
                                                             json_object_get(other, "name")))
            values[count++] = json_integer_value(json_object_get(other, "ms"));
        json_object_set_new(medians, name, json_integer(median(values, count)));
    }
    return medians;
}

int job_estimate(struct db *db, const char *environment_id, const char *kind,
                 struct job_estimate *estimate, struct err *err)
{
    int64_t values[RUNS_MAX];
    size_t count = 0;
    json_t *rows = NULL;
    int step;
    struct stmt *s = db_use(db, SQL_JOB_WEB_DURATIONS);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_text(s, ":kind", kind);
    while ((step = db_step(s, err)) == 1)
        if (count < RUNS_MAX)
            values[count++] = db_col_int(s, "ms");
    if (step != 0)
        return -1;
    s = db_use(db, SQL_JOB_WEB_STEP_DURATIONS);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_text(s, ":kind", kind);
    if (db_rows_json(s, &rows, err) != 0)
        return -1;
    estimate->runs = (int)count;
    estimate->median_ms = median(values, count);
    estimate->steps = step_medians(rows);
    json_decref(rows);
    return 0;
}

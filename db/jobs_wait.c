/* jobs_wait.c - see jobs_wait.h. */
#include "db/jobs_wait.h"

#include "lib/base/str.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static bool is(const json_t *row, const char *key, const char *value)
{
    return str_equal(text_of(row, key), value);
}

static const json_t *find(const json_t *active, const char *id)
{
    const json_t *row;
    size_t i;
    json_array_foreach(active, i, row) if (is(row, "id", id)) return row;
    return NULL;
}

/* Whether `other`, of the same environment, must end or begin first. */
static bool is_in_the_way(const json_t *own, const json_t *other)
{
    bool is_exclusive = is(own, "lock_class", "exclusive");
    bool is_older = json_integer_value(json_object_get(other, "serial"))
                    < json_integer_value(json_object_get(own, "serial"));
    if (is(own, "lock_class", "none") || is(other, "lock_class", "none"))
        return false;
    if (!is_exclusive && !is(other, "lock_class", "exclusive"))
        return false;
    return is(other, "state", "running") || is_older;
}

struct job_waiting job_waits_for(const json_t *active, const json_t *job, bool worker_runs)
{
    struct job_waiting waiting = {.why = JOB_WAIT_NOT};
    const json_t *own = find(active, text_of(job, "id")), *other;
    size_t i;
    if (own == NULL || !is(own, "state", "queued"))
        return waiting;
    waiting.why = worker_runs ? JOB_WAIT_TURN : JOB_WAIT_DOWN;
    if (!worker_runs || text_of(own, "env_id")[0] == '\0')
        return waiting;
    json_array_foreach(active, i, other)
    {
        bool runs = is(other, "state", "running");
        if (other == own || !is(other, "env_id", text_of(own, "env_id"))
            || !is_in_the_way(own, other) || (!runs && waiting.other != NULL))
            continue;
        waiting.other = other;
        waiting.why = runs ? JOB_WAIT_RUNNING : JOB_WAIT_OLDER;
        if (runs)
            break;
    }
    return waiting;
}

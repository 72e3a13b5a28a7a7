/* deploy_looks.c - what a deploy sees of earlier releases (deploy_looks.h). */
#include "worker/jobs/deploy_looks.h"

#include <string.h>
#include "db/jobs.h"
#include "db/releases.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "worker/secret_values.h"

#define SETS_MAX 20

/* Ids as crypto_new_id makes them; whatever else a target says is left out. */
static void add_ids(json_t *kept, const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, " ");
        if (n == CRYPTO_ID_SIZE - 1 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789") >= n)
            json_array_append_new(kept, json_stringn(text, n));
        text += n + (text[n] == ' ' ? 1 : 0);
    }
}

/* NULL when this step said nothing of it. */
static json_t *kept_of(const json_t *results)
{
    const char *key;
    json_t *value, *kept = NULL;
    json_object_foreach((json_t *)(uintptr_t)results, key, value)
    {
        if (!json_is_string(value) || !str_starts(key, "kept_"))
            continue;
        if (kept == NULL)
            kept = json_array();
        add_ids(kept, json_string_value(value));
    }
    return kept;
}

int deploy_looks_store(struct worker *w, const struct run *run, struct err *err)
{
    json_t *steps = NULL, *step;
    size_t i;
    int rc = 0;
    if (job_steps(w->db, run->hold.id, &steps, err) != 0)
        return -1;
    json_array_foreach(steps, i, step)
    {
        json_int_t host = json_integer_value(json_object_get(step, "host"));
        const json_t *at = json_array_get(json_object_get(run->plan, "hosts"), (size_t)host);
        struct release_kept look = {
            .environment_id = json_string_value(json_object_get(run->job, "environment_id")),
            .server_id = json_string_value(json_object_get(at, "server_id")),
            .job_id = run->hold.id,
            .now = clock_now_ms()};
        json_t *kept = kept_of(json_object_get(step, "results"));
        if (kept == NULL || look.server_id == NULL)
            continue;
        look.kept = kept;
        rc = release_set_kept(w->db, &look, err);
        json_decref(kept);
        if (rc != 0)
            break;
    }
    json_decref(steps);
    return rc;
}

enum look { LOOK_UNKNOWN = 0, LOOK_OPENS, LOOK_SHUT };

/* A database that is busy, or no memory, says nothing of the set: then what was seen before stays.
 */
static enum look look_at(struct worker *w, const char *environment_id, int64_t number)
{
    struct secret_values values = {0};
    struct err why = {0};
    int rc = secret_values_of_set(w->db, w->vault, environment_id, number, &values, &why);
    secret_values_free(&values);
    if (rc == 0)
        return LOOK_OPENS;
    return why.code == ERR_BUSY || why.code == ERR_NO_MEMORY ? LOOK_UNKNOWN : LOOK_SHUT;
}

int deploy_looks_secrets(struct worker *w, const struct run *run, struct err *err)
{
    const char *id = json_string_value(json_object_get(run->job, "environment_id"));
    enum look seen[SETS_MAX] = {LOOK_UNKNOWN};
    json_t *numbers = NULL, *number;
    size_t i;
    int rc = -1;
    if (release_sets_once_live(w->db, id, SETS_MAX, &numbers, err) != 0)
        goto out;
    json_array_foreach(numbers, i, number) seen[i] = look_at(w, id, json_integer_value(number));
    if (db_begin(w->db, err) != 0)
        goto out;
    rc = 0;
    json_array_foreach(numbers, i, number) if (rc == 0 && seen[i] != LOOK_UNKNOWN) rc =
        release_set_look(w->db, id, json_integer_value(number), seen[i] == LOOK_OPENS,
                         clock_now_ms(), err);
    if (rc == 0)
        rc = db_commit(w->db, err);
    db_rollback(w->db);
out:
    json_decref(numbers);
    return rc;
}

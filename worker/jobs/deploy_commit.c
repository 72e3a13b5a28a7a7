/* deploy_commit.c - reads the commit of a job back from the rows of its steps (deploy_commit.h):
 * they outlive this process. */
#include "worker/jobs/deploy_commit.h"

#include <string.h>
#include "db/jobs.h"
#include "lib/base/str.h"

#define CHECKOUT_STEP "checkout"

/* What a target made up is no commit. */
static bool is_commit(const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);
    return (len == 40 || len == 64) && strspn(text, "0123456789abcdef") == len;
}

int deploy_commit(struct worker *w, const struct run *run, char commit[DEPLOY_COMMIT_SIZE],
                  struct err *err)
{
    json_t *steps = NULL, *step;
    size_t i;
    commit[0] = '\0';
    if (job_steps(w->db, run->hold.id, &steps, err) != 0)
        return -1;
    json_array_foreach(steps, i, step)
    {
        const char *found =
            json_string_value(json_object_get(json_object_get(step, "results"), "commit"));
        if (commit[0] == '\0' && is_commit(found)
            && str_equal(json_string_value(json_object_get(step, "name")), CHECKOUT_STEP)
            && str_equal(json_string_value(json_object_get(step, "state")), "ok"))
            (void)str_copy(commit, DEPLOY_COMMIT_SIZE, found);
    }
    json_decref(steps);
    return 0;
}

/* Job kind logs: what the app itself has written, of one server, into the job's own masked log;
 * followed for some minutes where that is asked. It changes nothing and waits for nobody.
 *
 * Who may: CAP_DEPLOY. */
#include "lib/domain/aside.h"
#include "worker/jobs/aside.h"
#include "worker/jobs/kind.h"

static json_t *inputs_of(const json_t *params)
{
    bool follows = json_is_true(json_object_get(params, "follow"));
    return json_pack(
        "{s:O, s:O, s:o, s:o, s:o}", "WL_SERVICE", json_object_get(params, "service"), "WL_FILTER",
        json_object_get(params, "filter"), "WL_LINES",
        json_sprintf("%lld", (long long)json_integer_value(json_object_get(params, "lines"))),
        "WL_SINCE_S",
        json_sprintf("%lld", (long long)json_integer_value(json_object_get(params, "since_s"))),
        "WL_FOLLOW_S", json_sprintf("%d", follows ? ASIDE_FOLLOW_S : 0));
}

static int plan_logs(struct worker *w, struct run *run, json_t **plan, struct err *err)
{
    const json_t *params = json_object_get(run->job, "params");
    struct aside aside;
    int rc = -1;
    if (aside_find(w, run, &aside, err) == 0 && aside_check_logs(params, err) == 0) {
        struct aside_plan made = {
            .aside = &aside, .inputs = inputs_of(params), .lock_class = "none"};
        rc = aside_make_plan(run, &made, plan, err);
    }
    aside_free(&aside);
    return rc;
}

static int begin_logs(struct worker *w, struct turn *turn, json_t *frame, int *fd, struct err *err)
{
    (void)fd;
    return aside_begin(w, turn, frame,
                       json_pack("{s:s, s:s, s:s}", "good", "The lines are below.", "left_good",
                                 "Nothing was changed.", "left_bad", "Nothing was changed."),
                       err);
}

const struct job_kind JOB_LOGS = {.name = "logs",
                                  .child = "runner",
                                  .plan = plan_logs,
                                  .open = aside_open,
                                  .begin = begin_logs,
                                  .store = aside_store,
                                  .finish = NULL};

/* Job kind command: one shell line in the context of the live release, on one server. It is not
 * repeated: cut off, nobody knows how far it came, and the verdict is unknown.
 *
 * Who may: CAP_COMMAND, and only who may unlock while the environment is locked. The text is in the
 * row, in the event of its request and in the event of its end; its output is masked like any. */
#include "db/pauses.h"
#include "lib/domain/aside.h"
#include "lib/domain/plan.h"
#include "worker/jobs/aside.h"
#include "worker/jobs/gate.h"
#include "worker/jobs/kind.h"

static int plan_command(struct worker *w, struct run *run, json_t **plan, struct err *err)
{
    const json_t *params = json_object_get(run->job, "params");
    struct aside aside;
    int rc = -1;
    if (aside_find(w, run, &aside, err) == 0
        && job_gate(w, run, aside.environment, TRIGGER_BUTTON, err) == 0
        && aside_check_command(params, err) == 0
        && plan_compare(json_object_get(run->job, "confirmed"), aside.found.basis, err) == 0) {
        struct aside_plan made = {
            .aside = &aside,
            .inputs = json_pack("{s:O, s:O, s:O}", "WL_COMMAND", json_object_get(params, "command"),
                                "WL_SERVICE", json_object_get(params, "service"), "WL_HOW",
                                json_object_get(params, "how")),
            .deadline_ms = json_integer_value(json_object_get(params, "limit_s")) * 1000,
            .lock_class = "shared"};
        rc = aside_make_plan(run, &made, plan, err);
    }
    aside_free(&aside);
    return rc;
}

static int begin_command(struct worker *w, struct turn *turn, json_t *frame, int *fd,
                         struct err *err)
{
    (void)fd;
    return aside_begin(w, turn, frame,
                       json_pack("{s:s, s:s, s:s}", "good", "The command ended with status 0.",
                                 "left_good", "What the command did is done.", "left_bad",
                                 "The command was begun; what it changed stays changed."),
                       err);
}

static int store_command(struct worker *w, struct run *run, json_t *detail, struct err *err)
{
    json_object_set(detail, "command",
                    json_object_get(json_object_get(run->job, "params"), "command"));
    return aside_store(w, run, detail, err);
}

const struct job_kind JOB_COMMAND = {.name = "command",
                                     .child = "runner",
                                     .plan = plan_command,
                                     .open = aside_open,
                                     .begin = begin_command,
                                     .store = store_command,
                                     .finish = NULL};

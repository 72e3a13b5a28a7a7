/* Job kind check: can this server be deployed to? Steps connect and check; the script is that of
 * recipes/check/, and the runner turns its lines into facts and checks, each with cause and fix.
 *
 * Who may: CAP_SERVERS. The end of the job writes the server's state; a server that cannot be asked
 * is `unreachable` and the verdict unknown; another host key than the pinned one is a hard stop. */
#include <string.h>
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "worker/jobs/kind.h"

#define CONNECT_MS 60000
#define CHECK_MS   120000

static int plan_check(struct worker *w, struct run *run, json_t **plan, struct err *err)
{
    json_t *steps = json_array(), *server = NULL;
    const char *server_id = json_string_value(json_object_get(run->job, "server_id"));
    struct plan_step connect = {.name = "connect",
                                .title = "Connect",
                                .mode = "connect",
                                .phase = "forward",
                                .idempotent = true,
                                .deadline_ms = CONNECT_MS};
    struct plan_step check = {.name = "check",
                              .title = "Look at the server",
                              .mode = "check",
                              .phase = "forward",
                              .idempotent = true,
                              .script = "check.sh",
                              .deadline_ms = CHECK_MS};
    int rc = -1;

    if (server_id == NULL) {
        err_set(err, ERR_INPUT, "The check names no server.");
        goto out;
    }
    if (job_server(w->db, server_id, &server, err) != 0 || plan_add_step(steps, &connect, err) != 0
        || plan_add_step(steps, &check, err) != 0)
        goto out;
    *plan = json_pack("{s:[{s:s, s:O}], s:O}", "hosts", "server_id", server_id, "name",
                      json_object_get(server, "slug"), "steps", steps);
    rc = *plan != NULL ? 0 : err_set(err, ERR_NO_MEMORY, "No memory is left.");
out:
    json_decref(server);
    json_decref(steps);
    return rc;
}

static int begin_check(struct worker *w, struct turn *turn, json_t *frame, int *fd, struct err *err)
{
    json_t *target = NULL;
    (void)fd;
    if (target_for_begin(w, json_string_value(json_object_get(turn->run->job, "server_id")),
                         &target, err)
        != 0)
        return -1;
    json_object_set_new(frame, "target", target);
    return 0;
}

static bool is_state(const char *state)
{
    return str_equal(state, "ready") || str_equal(state, "failing")
           || str_equal(state, "unreachable") || str_equal(state, "key_changed");
}

/* What the target sent is stored as JSON only when it has the shape pages read, and is not large.
 */
static const json_t *bounded(const json_t *value, bool is_list)
{
    if (is_list ? !json_is_array(value) : !json_is_object(value))
        return NULL;
    return json_dumpb(value, NULL, 0, JSON_COMPACT) <= 64 * 1024 ? value : NULL;
}

static int store_check(struct worker *w, struct run *run, json_t *detail, struct err *err)
{
    const json_t *server = run->turns[0].server;
    const char *state = json_string_value(json_object_get(server, "state"));
    struct job_checked checked = {.server_id =
                                      json_string_value(json_object_get(run->job, "server_id")),
                                  .facts = bounded(json_object_get(server, "facts"), false),
                                  .checks = bounded(json_object_get(server, "checks"), true),
                                  .now = clock_now_ms()};

    if (str_equal(run->verdict, "cancelled"))
        return 0;
    if (str_equal(state, "key_changed") && target_store_key_changed(w, run, detail, err) != 0)
        return -1;
    if (!is_state(state)) /* no word from the runner: what was known is no longer known */
        state = str_equal(run->verdict, "ok") ? "ready" : "unreachable";
    if (str_equal(state, "ready") && !str_equal(run->verdict, "ok"))
        state = "failing";
    checked.state = state;
    json_object_set_new(detail, "state", json_string(state));
    return job_server_checked(w->db, &checked, err);
}

const struct job_kind JOB_CHECK = {.name = "check",
                                   .child = "runner",
                                   .plan = plan_check,
                                   .open = NULL,
                                   .begin = begin_check,
                                   .store = store_check,
                                   .finish = NULL};

/* Job kind check: can this server, or can all servers, be deployed to? Steps connect and check; the
 * script is that of recipes/check/, and the runner turns its lines into facts and checks, each with
 * cause and fix.
 *
 * Who may: CAP_SERVERS. The end of the job writes the server's state; a server that cannot be asked
 * is `unreachable` and the verdict unknown; another host key than the pinned one is a hard stop. */
#include <string.h>
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "worker/jobs/kind.h"

#define CONNECT_MS 60000
#define CHECK_MS   120000

/* The server of the job's row, or all that can be asked. */
static int find_hosts(struct worker *w, const struct run *run, json_t **hosts, struct err *err)
{
    const char *id = json_string_value(json_object_get(run->job, "server_id"));
    json_t *server = NULL;
    int rc;
    if (id != NULL) {
        if (job_server(w->db, id, &server, err) != 0)
            return -1;
        *hosts =
            json_pack("[{s:s, s:O}]", "server_id", id, "name", json_object_get(server, "slug"));
        json_decref(server);
        return *hosts != NULL ? 0 : err_set(err, ERR_NO_MEMORY, "No memory is left.");
    }
    rc = job_servers(w->db, hosts, err);
    if (rc == 0 && json_array_size(*hosts) == 0)
        rc = err_set(err, ERR_INPUT, "There is no server whose host key is confirmed.");
    if (rc == 0 && json_array_size(*hosts) > RUN_HOSTS_MAX)
        rc = err_set(err, ERR_INPUT, "More than %d servers cannot be checked at once.",
                     RUN_HOSTS_MAX);
    return rc;
}

static int plan_check(struct worker *w, struct run *run, json_t **plan, struct err *err)
{
    json_t *steps = json_array(), *hosts = NULL;
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
    struct rollout all = {
        .at_once = RUN_HOSTS_MAX, .on_failure = ROLLOUT_CONTINUE, .no_canary = true};
    int rc = -1;

    if (find_hosts(w, run, &hosts, err) != 0 || plan_add_step(steps, &connect, err) != 0
        || plan_add_step(steps, &check, err) != 0)
        goto out;
    *plan =
        json_pack("{s:O, s:O, s:o}", "hosts", hosts, "steps", steps, "rollout", rollout_json(&all));
    rc = *plan != NULL ? 0 : err_set(err, ERR_NO_MEMORY, "No memory is left.");
out:
    json_decref(hosts);
    json_decref(steps);
    return rc;
}

static const char *server_of(const struct turn *turn)
{
    const json_t *hosts = json_object_get(turn->run->plan, "hosts");
    return json_string_value(
        json_object_get(json_array_get(hosts, (size_t)turn->host), "server_id"));
}

static int begin_check(struct worker *w, struct turn *turn, json_t *frame, int *fd, struct err *err)
{
    json_t *target = NULL;
    (void)fd;
    if (target_for_begin(w, server_of(turn), &target, err) != 0)
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

/* The state it is in now; NULL: nobody looked. */
static const char *state_of(const struct turn *turn)
{
    const char *state = json_string_value(json_object_get(turn->server, "state"));
    bool ok = str_equal(turn->verdict, "ok");
    if (turn->verdict[0] == '\0' || str_equal(turn->verdict, "cancelled"))
        return NULL;
    if (!is_state(state)) /* no word from the runner: what was known is no longer known */
        state = ok ? "ready" : "unreachable";
    return str_equal(state, "ready") && !ok ? "failing" : state;
}

static int store_check(struct worker *w, struct run *run, json_t *detail, struct err *err)
{
    if (target_store_key_changed(w, run, detail, err) != 0)
        return -1;
    for (int h = 0; h < run->host_count; h++) {
        const struct turn *turn = &run->turns[h];
        struct job_checked checked = {
            .server_id = server_of(turn),
            .state = state_of(turn),
            .facts = bounded(json_object_get(turn->server, "facts"), false),
            .checks = bounded(json_object_get(turn->server, "checks"), true),
            .now = clock_now_ms()};
        if (checked.state == NULL)
            continue;
        if (run->host_count == 1)
            json_object_set_new(detail, "state", json_string(checked.state));
        if (job_server_checked(w->db, &checked, err) != 0)
            return -1;
    }
    return 0;
}

const struct job_kind JOB_CHECK = {.name = "check",
                                   .child = "runner",
                                   .plan = plan_check,
                                   .open = NULL,
                                   .begin = begin_check,
                                   .store = store_check,
                                   .finish = NULL};

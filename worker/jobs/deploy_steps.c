/* deploy_steps.c - the steps and hosts of a plan (deploy.h): what the recipe says, in between the
 * built-in ones, and those of load balancers. */
#include "lib/base/str.h"
#include "worker/jobs/deploy.h"
#include "worker/jobs/deploy_balancer.h"
#include "worker/jobs/kind.h"

#define CONNECT_MS 90000
#define LOCK_MS    60000
#define UNLOCK_MS  60000

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static int add_recipe_steps(json_t *steps, const json_t *list, const char *phase,
                            const json_t *settings, struct err *err)
{
    size_t i;
    json_t *step;
    json_array_foreach(list, i, step)
    {
        struct plan_step s = {
            .name = text_of(step, "id"),
            .title = text_of(step, "title"),
            .mode = text_of(step, "mode"),
            .phase = phase,
            .idempotent = json_is_true(json_object_get(step, "idempotent")),
            .point_of_no_return = json_is_true(json_object_get(step, "point_of_no_return")),
            .witness = json_is_true(json_object_get(step, "witness")),
            .secrets = json_is_true(json_object_get(step, "secrets")),
            .registries = json_is_true(json_object_get(step, "registries")),
            .compose = json_is_true(json_object_get(step, "compose")),
            .repository = json_is_true(json_object_get(step, "repository")),
            .skipped = !recipe_step_wanted(step, settings),
            .script = json_string_value(json_object_get(step, "script")),
            .deadline_ms = json_integer_value(json_object_get(step, "deadline_s")) * 1000};
        if (plan_add_step(steps, &s, err) != 0)
            return -1;
    }
    return 0;
}

static int add_built_in(json_t *steps, const char *name, const char *title, int64_t deadline_ms,
                        struct err *err)
{
    struct plan_step step = {.name = name,
                             .title = title,
                             .mode = name,
                             .phase = "forward",
                             .idempotent = true,
                             .deadline_ms = deadline_ms};
    return plan_add_step(steps, &step, err);
}

/* Connect, lock, and what the recipe does. */
static int begin_steps(const json_t *forward, const json_t *settings, json_t *steps,
                       struct err *err)
{
    if (add_built_in(steps, "connect", "Connect", CONNECT_MS, err) != 0
        || add_built_in(steps, "lock", "Lock the environment on the server", LOCK_MS, err) != 0
        || add_recipe_steps(steps, forward, "forward", settings, err) != 0)
        return -1;
    return 0;
}

static int end_steps(const json_t *undo, const json_t *settings, json_t *steps, struct err *err)
{
    if (add_built_in(steps, "unlock", "Unlock and tidy up", UNLOCK_MS, err) != 0)
        return -1;
    return add_recipe_steps(steps, undo, "undo", settings, err);
}

int deploy_steps(const json_t *forward, const json_t *undo, const json_t *settings, json_t *steps,
                 struct err *err)
{
    return begin_steps(forward, settings, steps, err) != 0 ? -1
                                                           : end_steps(undo, settings, steps, err);
}

/* Those of load balancers stand behind the recipe's own, which are then the app servers' alone. */
int deploy_all_steps(const struct run *run, const struct deploy_found *found, const json_t *hosts,
                     json_t *steps, struct err *err)
{
    const json_t *spec = recipe_spec(run->recipe);
    json_t *step;
    size_t i;
    if (begin_steps(json_object_get(spec, "steps"), found->settings, steps, err) != 0
        || deploy_balancer_steps(run->recipe, found->basis, hosts, found->settings, steps, err) != 0
        || end_steps(json_object_get(spec, "undo"), found->settings, steps, err) != 0)
        return -1;
    json_array_foreach(steps, i, step)
    {
        const char *mode = text_of(step, "mode");
        bool built_in =
            str_equal(mode, "connect") || str_equal(mode, "lock") || str_equal(mode, "unlock");
        if (!built_in && json_object_get(step, "on") == NULL)
            json_object_set_new(step, "on", json_string("app"));
    }
    return 0;
}

json_t *deploy_hosts(const json_t *basis)
{
    json_t *hosts = json_array(), *host;
    size_t i;
    json_array_foreach(json_object_get(basis, "hosts"), i, host)
    {
        if (str_equal(text_of(host, "role"), "lb"))
            continue; /* the app does not run there */
        json_array_append_new(hosts, json_pack("{s:O, s:O}", "server_id",
                                               json_object_get(host, "server_id"), "name",
                                               json_object_get(host, "slug")));
    }
    return hosts;
}

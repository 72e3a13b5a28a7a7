/* aside.c - see aside.h. */
#include "worker/jobs/aside.h"

#include "db/environments.h"
#include "db/releases.h"
#include "lib/base/str.h"
#include "worker/jobs/deploy.h"
#include "worker/jobs/kind.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

int aside_find(struct worker *w, struct run *run, struct aside *aside, struct err *err)
{
    *aside = (struct aside){.environment = NULL};
    if (environment_by_id(w->db, text_of(run->job, "environment_id"), &aside->environment, err) != 0
        || deploy_recipe(w, run, aside->environment, err) != 0)
        return -1;
    return operation_plan_make(w->db, run->recipe, aside->environment, run->kind->name,
                               &aside->found, err);
}

void aside_free(struct aside *aside)
{
    operation_plan_free(&aside->found);
    json_decref(aside->environment);
}

/* A list of the one server that the row names. */
static json_t *host_of(const struct run *run, const json_t *basis)
{
    const char *wanted = text_of(json_object_get(run->job, "params"), "server_id");
    json_t *hosts = deploy_hosts(basis), *host, *chosen = json_array();
    size_t i;
    json_array_foreach(hosts, i, host) if (str_equal(text_of(host, "server_id"), wanted)
                                           && json_array_size(chosen) == 0)
        json_array_append(chosen, host);
    json_decref(hosts);
    return chosen;
}

/* The built-in steps get titles that say what they do here. */
static void tell_steps(json_t *steps, int64_t deadline_ms)
{
    json_t *step;
    size_t i;
    json_array_foreach(steps, i, step)
    {
        const char *name = text_of(step, "name");
        if (str_equal(name, "lock"))
            json_object_set_new(step, "title", json_string("Make a folder on the server"));
        else if (str_equal(name, "unlock"))
            json_object_set_new(step, "title", json_string("Tidy up"));
        else if (!str_equal(name, "connect") && deadline_ms > 0)
            json_object_set_new(step, "deadline_ms", json_integer(deadline_ms));
    }
}

int aside_make_plan(struct run *run, const struct aside_plan *made, json_t **plan, struct err *err)
{
    const struct operation_plan *found = &made->aside->found;
    const json_t *list = recipe_operation(run->recipe, run->kind->name);
    json_t *steps = json_array(), *hosts = host_of(run, found->basis);
    int rc = -1;
    if (!str_equal(text_of(run->job, "lock_class"), made->lock_class))
        err_set(err, ERR_INPUT, "A job of this kind must be %s.", made->lock_class);
    else if (json_array_size(hosts) != 1)
        err_set(err, ERR_INPUT, "The server is none of this environment. Choose another.");
    else if (deploy_steps(list, NULL, found->settings, steps, err) == 0) {
        tell_steps(steps, made->deadline_ms);
        json_object_set_new(made->inputs, "WL_ENVIRONMENT",
                            json_string(text_of(made->aside->environment, "id")));
        *plan =
            json_pack("{s:O, s:O, s:O, s:O, s:O, s:s, s:s}", "basis", found->basis, "settings",
                      found->settings, "hosts", hosts, "steps", steps, "inputs", made->inputs,
                      "release", text_of(found->live, "id"), "good", text_of(found->live, "id"));
        rc = *plan != NULL ? 0 : err_set(err, ERR_NO_MEMORY, "The plan is too large.");
    }
    json_decref(made->inputs);
    json_decref(steps);
    json_decref(hosts);
    return rc;
}

int aside_open(struct worker *w, struct run *run, struct err *err)
{
    if (run->release == NULL
        && release_load(w->db, text_of(run->plan, "release"), &run->release, err) != 0)
        return -1;
    return deploy_open(w, run, err);
}

int aside_begin(struct worker *w, struct turn *turn, json_t *frame, json_t *says, struct err *err)
{
    json_t *settings;
    json_object_set_new(frame, "says", says);
    json_object_set_new(frame, "env",
                        json_string(turn->run->hold.id)); /* whose lock on the server */
    if (deploy_frame(w, turn, frame, err) != 0)
        return -1;
    /* Nor does it take the lock of the folder that is deployed to; its steps know it by their
     * input. */
    settings = json_copy(json_object_get(frame, "settings"));
    json_object_del(settings, "deploy_dir");
    json_object_set_new(frame, "settings", settings);
    return 0;
}

int aside_store(struct worker *w, struct run *run, json_t *detail, struct err *err)
{
    return target_store_key_changed(w, run, detail, err);
}

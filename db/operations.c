/* operations.c - see operations.h. */
#include "db/operations.h"

#include "db/basis.h"
#include "db/environments.h"
#include "lib/base/str.h"
#include "statements.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static bool is_in_maintenance(const json_t *environment)
{
    return json_is_integer(json_object_get(environment, "maintenance_at"));
}

static bool is_stopped(const json_t *environment)
{
    return json_is_integer(json_object_get(environment, "stopped_at"));
}

int operation_may(const struct recipe *recipe, const json_t *environment, const json_t *live,
                  const char *kind, struct err *err)
{
    bool is_redeploy = str_equal(kind, "redeploy");
    if (!json_is_object(live))
        return err_set(err, ERR_CONFLICT, "Nothing is live here. Deploy a version first.");
    if (!str_equal(text_of(live, "recipe"), recipe_name(recipe)))
        return err_set(err, ERR_CONFLICT,
                       "What is live was deployed by the recipe %.40s, and this environment has "
                       "the recipe %.40s now. Deploy first.",
                       text_of(live, "recipe"), recipe_name(recipe));
    if (!is_redeploy && recipe_operation(recipe, kind) == NULL)
        return err_set(err, ERR_CONFLICT, "The recipe %.40s cannot do that.", recipe_name(recipe));
    if (str_equal(kind, "start") && !is_stopped(environment))
        return err_set(err, ERR_CONFLICT, "It is not stopped. Restart it instead.");
    if (is_stopped(environment) && (str_equal(kind, "stop") || str_equal(kind, "restart")))
        return err_set(err, ERR_CONFLICT, "It is stopped already. Start it, or deploy.");
    if (str_equal(kind, "maintenance_on") && is_in_maintenance(environment))
        return err_set(err, ERR_CONFLICT, "The maintenance page is shown already.");
    if (str_equal(kind, "maintenance_off") && !is_in_maintenance(environment))
        return err_set(err, ERR_CONFLICT, "The maintenance page is not shown.");
    return 0;
}

/* An operation whose steps all wait for a setting that is empty does nothing. */
static int check_steps(const struct recipe *recipe, const char *kind, const json_t *settings,
                       struct err *err)
{
    const json_t *steps = recipe_operation(recipe, kind), *step;
    const char *when = "";
    size_t i;
    json_array_foreach(steps, i, step)
    {
        if (recipe_step_wanted(step, settings))
            return 0;
        when = text_of(step, "when");
    }
    return err_set(
        err, ERR_CONFLICT,
        "It needs the setting %.40s, which was empty when the live release was deployed.", when);
}

static int make_basis(struct db *db, const struct recipe *recipe, const json_t *environment,
                      const char *kind, struct operation_plan *plan, struct err *err)
{
    struct basis_parts parts = {.recipe = recipe,
                                .environment = environment,
                                .settings = plan->settings,
                                .version = text_of(plan->live, "version"),
                                .artefact_sha256 = text_of(plan->live, "artefact_sha256"),
                                .secret_set =
                                    json_integer_value(json_object_get(plan->live, "secret_set"))};
    if (basis_of_parts(db, &parts, &plan->basis, err) != 0)
        return -1;
    json_object_set_new(plan->basis, "operation", json_string(kind));
    if (is_stopped(environment))
        json_object_set(plan->basis, "stopped", json_object_get(environment, "stopped_at"));
    if (is_in_maintenance(environment))
        json_object_set(plan->basis, "maintenance", json_object_get(environment, "maintenance_at"));
    return 0;
}

int operation_plan_make(struct db *db, const struct recipe *recipe, const json_t *environment,
                        const char *kind, struct operation_plan *plan, struct err *err)
{
    struct err refused = {0};
    const char *id = json_string_value(json_object_get(environment, "live_release_id"));
    *plan = (struct operation_plan){0};
    if (environment_release(db, id, &plan->live, err) != 0
        || operation_may(recipe, environment, plan->live, kind, err) != 0)
        goto bad;
    if (recipe_check_settings(recipe, json_object_get(plan->live, "settings"), &plan->settings,
                              &refused)
        != 0) {
        if (refused.code == ERR_INPUT)
            err_set(err, ERR_CONFLICT,
                    "The recipe has changed since v%lld was deployed, and does not take its "
                    "settings any more: %.300s",
                    number_of(plan->live, "number"), refused.user);
        else if (err != NULL)
            *err = refused;
        goto bad;
    }
    if (check_steps(recipe, kind, plan->settings, err) == 0
        && make_basis(db, recipe, environment, kind, plan, err) == 0)
        return 0;
bad:
    operation_plan_free(plan);
    return -1;
}

void operation_plan_free(struct operation_plan *plan)
{
    json_decref(plan->basis);
    json_decref(plan->settings);
    json_decref(plan->live);
    *plan = (struct operation_plan){0};
}

static int set_maintenance(struct db *db, const char *environment_id, const char *by, int64_t now,
                           struct err *err)
{
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_MAINTENANCE);
    db_bind_text(s, ":id", environment_id);
    if (by != NULL)
        db_bind_int(s, ":at", now);
    else
        db_bind_null(s, ":at");
    db_bind_text(s, ":by", by);
    return db_run(s, NULL, err);
}

int operation_end(struct db *db, const char *environment_id, enum operation_effect effect,
                  const char *by, int64_t now, struct err *err)
{
    static const char *const STATES[] = {[OPERATION_EFFECT_RUNS] = "live",
                                         [OPERATION_EFFECT_GONE] =
                                             "live", /* what is stopped is what was proven;
                                                        `stopped_at` says that it does not run */
                                         [OPERATION_EFFECT_FAILED] = "failed",
                                         [OPERATION_EFFECT_UNKNOWN] = "unknown"};
    if (effect == OPERATION_EFFECT_PAGE_ON || effect == OPERATION_EFFECT_PAGE_OFF)
        return set_maintenance(db, environment_id, effect == OPERATION_EFFECT_PAGE_ON ? by : NULL,
                               now, err);
    if (effect == OPERATION_EFFECT_NONE || (size_t)effect >= COUNT_OF(STATES))
        return 0;
    struct stmt *s = db_use(db, SQL_ENVIRONMENT_OPERATED);
    db_bind_text(s, ":id", environment_id);
    db_bind_text(s, ":state", STATES[effect]);
    if (effect == OPERATION_EFFECT_GONE) {
        db_bind_int(s, ":stopped_at", now);
        db_bind_text(s, ":stopped_by", by);
    } else {
        db_bind_null(s, ":stopped_at");
        db_bind_null(s, ":stopped_by");
    }
    return db_run(s, NULL, err);
}

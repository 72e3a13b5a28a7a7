/* recipe_spec.c - checks recipe.json when it is loaded. Recipes ship with the program, but a
 * company writes its own: a mistake must be one sentence at start, not a surprise in the middle of
 * a deploy. The format is documented in docs/add-a-recipe.md. */
#include "lib/domain/recipe_spec.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/domain/validate.h"

#define STEPS_MAX    64
#define SETTINGS_MAX 64
#define DEADLINE_MAX 86400 /* seconds */

/* Where in recipe.json the check is, for the sentence: "steps[2]". */
struct place {
    const struct recipe *recipe;
    const char *list;
    size_t index;
};

static int wrong(const struct place *at, const char *key, const char *what, struct err *err)
{
    if (at->list == NULL)
        return err_set(err, ERR_INTERNAL, "Recipe %s: recipe.json: \"%s\" %s.",
                       recipe_name(at->recipe), key, what);
    return err_set(err, ERR_INTERNAL, "Recipe %s: recipe.json: %s[%zu]: \"%s\" %s.",
                   recipe_name(at->recipe), at->list, at->index, key, what);
}

/* A string that may be absent when it is optional; "" counts as absent. */
static int check_string(const struct place *at, const json_t *object, const char *key,
                        bool optional, struct err *err)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL && optional)
        return 0;
    if (!json_is_string(value))
        return wrong(at, key, "must be a string", err);
    if (!optional && json_string_length(value) == 0)
        return wrong(at, key, "must not be empty", err);
    return 0;
}

static int check_bool(const struct place *at, const json_t *object, const char *key,
                      struct err *err)
{
    const json_t *value = json_object_get(object, key);

    if (value != NULL && !json_is_boolean(value))
        return wrong(at, key, "must be true or false", err);
    return 0;
}

static int check_list(const struct place *at, const json_t *object, const char *key, size_t max,
                      struct err *err)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL)
        return 0;
    if (!json_is_array(value) || json_array_size(value) > max)
        return wrong(at, key, "must be a list of at most 64", err);
    return 0;
}

/* Lower-case words: they become file names, shell variables and form fields. */
static bool is_key(const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;

    return len >= 1 && len <= 40 && text[0] >= 'a' && text[0] <= 'z'
           && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static const json_t *find(const json_t *list, const char *id_key, const char *id, size_t below)
{
    for (size_t i = 0; i < below && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);

        if (str_equal(json_string_value(json_object_get(item, id_key)), id))
            return item;
    }
    return NULL;
}

static const struct {
    const char *name;
    enum setting_type type;
} TYPES[] = {
    {"text", SETTING_TEXT},
    {"command", SETTING_COMMAND},
    {"target_path", SETTING_TARGET_PATH},
    {"port", SETTING_PORT},
    {"url_path", SETTING_URL_PATH},
    {"number", SETTING_NUMBER},
    {"choice", SETTING_CHOICE},
    {"unit", SETTING_UNIT},
    {"bool", SETTING_BOOL},
    {"compose", SETTING_COMPOSE},
    {"registries", SETTING_REGISTRIES},
    {"project", SETTING_PROJECT},
    {"variable", SETTING_VARIABLE},
    {"image", SETTING_IMAGE},
    {"ports", SETTING_PORTS},
    {"volumes", SETTING_VOLUMES},
    {"size", SETTING_SIZE},
    {"word", SETTING_WORD},
    {"arguments", SETTING_ARGUMENTS},
    {"processes", SETTING_PROCESSES},
    {"site_url", SETTING_SITE_URL},
    {"share", SETTING_SHARE},
    {"addresses", SETTING_ADDRESSES},
    {"hooks", SETTING_HOOKS},
    {"repository", SETTING_REPOSITORY},
    {"known_hosts", SETTING_KNOWN_HOSTS},
};

enum setting_type setting_type_of(const json_t *setting)
{
    const char *name = json_string_value(json_object_get(setting, "type"));

    for (size_t i = 0; i < COUNT_OF(TYPES); i++) {
        if (str_equal(name, TYPES[i].name))
            return TYPES[i].type;
    }
    return SETTING_UNKNOWN;
}

static int check_choices(const struct place *at, const json_t *setting, struct err *err)
{
    const json_t *choices = json_object_get(setting, "choices");
    size_t i;
    json_t *choice;

    if (!json_is_array(choices) || json_array_size(choices) == 0)
        return wrong(at, "choices", "must be a list of strings", err);
    json_array_foreach(choices, i, choice)
    {
        if (!json_is_string(choice))
            return wrong(at, "choices", "must be a list of strings", err);
    }
    return 0;
}

/* With {app} and {env} as they will be replaced: a default may be "{app}-{env}". */
static int check_default(const json_t *setting, const json_t *standard, json_t **checked,
                         struct err *err)
{
    json_t *filled = setting_fill_in(standard, "app", "env");
    int rc = filled == NULL ? err_set(err, ERR_NO_MEMORY, "No memory is left.")
                            : setting_check(setting, filled, checked, err);

    json_decref(filled);
    return rc;
}

static int check_setting(const struct place *at, const json_t *settings, const json_t *setting,
                         struct err *err)
{
    const char *key = json_string_value(json_object_get(setting, "key"));
    const json_t *standard = json_object_get(setting, "default");
    json_t *checked = NULL;

    if (!is_key(key))
        return wrong(at, "key", "must be lower-case letters, digits and underscores", err);
    if (find(settings, "key", key, at->index) != NULL)
        return wrong(at, "key", "is there twice", err);
    if (check_string(at, setting, "label", false, err) != 0
        || check_string(at, setting, "help", true, err) != 0
        || check_bool(at, setting, "required", err) != 0)
        return -1;
    if (setting_type_of(setting) == SETTING_UNKNOWN)
        return wrong(at, "type", "is not a known type", err);
    if (setting_type_of(setting) == SETTING_CHOICE && check_choices(at, setting, err) != 0)
        return -1;
    if (standard == NULL || (json_is_string(standard) && json_string_length(standard) == 0))
        return 0;
    if (check_default(setting, standard, &checked, err) != 0)
        return wrong(at, "default", "is not a value of the setting's type", err);
    json_decref(checked);
    return 0;
}

static bool is_mode(const char *mode)
{
    return str_equal(mode, "detached") || str_equal(mode, "upload") || str_equal(mode, "health")
           || str_equal(mode, "read_back");
}

static bool has_script(const char *mode)
{
    return str_equal(mode, "detached") || str_equal(mode, "read_back");
}

static int check_step_words(const struct place *at, const json_t *step, struct err *err)
{
    static const char *const BOOLS[] = {"idempotent", "secrets",    "point_of_no_return",
                                        "witness",    "registries", "compose",
                                        "once",       "repository"};

    if (check_string(at, step, "title", false, err) != 0
        || check_string(at, step, "writes", true, err) != 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(BOOLS); i++) {
        if (check_bool(at, step, BOOLS[i], err) != 0)
            return -1;
    }
    return 0;
}

static int check_step(const struct place *at, const json_t *steps, const json_t *step,
                      struct err *err)
{
    const json_t *spec = recipe_spec(at->recipe);
    const json_t *settings = json_object_get(spec, "settings");
    const char *id = json_string_value(json_object_get(step, "id"));
    const char *mode = json_string_value(json_object_get(step, "mode"));
    const char *script = json_string_value(json_object_get(step, "script"));
    const char *when = json_string_value(json_object_get(step, "when"));
    json_int_t deadline = json_integer_value(json_object_get(step, "deadline_s"));

    if (!is_key(id))
        return wrong(at, "id", "must be lower-case letters, digits and underscores", err);
    if (find(steps, "id", id, at->index) != NULL)
        return wrong(at, "id", "is there twice", err);
    if (check_step_words(at, step, err) != 0)
        return -1;
    if (!is_mode(mode))
        return wrong(at, "mode", "must be detached, upload, health or read_back", err);
    if (has_script(mode)
        && (script == NULL || !str_ends(script, ".sh")
            || recipe_script(at->recipe, script) == NULL))
        return wrong(at, "script", "must name a .sh file of the recipe's folder", err);
    if (deadline < 1 || deadline > DEADLINE_MAX)
        return wrong(at, "deadline_s", "must be a number of seconds from 1 to 86400", err);
    if (when != NULL && when[0] != '\0'
        && find(settings, "key", when, json_array_size(settings)) == NULL)
        return wrong(at, "when", "names no setting", err);
    return 0;
}

static int check_steps(const struct recipe *recipe, const char *list, struct err *err)
{
    const json_t *steps = json_object_get(recipe_spec(recipe), list);
    struct place at = {.recipe = recipe, .list = list};
    json_t *step;

    json_array_foreach(steps, at.index, step)
    {
        if (check_step(&at, steps, step, err) != 0)
            return -1;
    }
    return 0;
}

/* Each a list of steps, as "steps" is. */
static int check_operations(const struct recipe *recipe, struct err *err)
{
    static const char *const NAMES[] = {"restart", "stop",           "start",          "command",
                                        "logs",    "maintenance_on", "maintenance_off"};
    const json_t *operations = json_object_get(recipe_spec(recipe), "operations");
    struct place top = {.recipe = recipe};
    const char *name;
    json_t *steps, *step;

    if (operations != NULL && !json_is_object(operations))
        return wrong(&top, "operations", "must be an object", err);
    json_object_foreach((json_t *)(uintptr_t)operations, name, steps)
    {
        struct place at = {.recipe = recipe, .list = name};
        bool is_known = false;

        for (size_t i = 0; i < COUNT_OF(NAMES); i++)
            is_known = is_known || str_equal(NAMES[i], name);
        if (!is_known)
            return wrong(&top, name, "is not an operation", err);
        if (check_list(&top, operations, name, STEPS_MAX, err) != 0)
            return -1;
        if (json_array_size(steps) == 0)
            return wrong(&top, name, "must have at least one step", err);
        json_array_foreach(steps, at.index, step)
        {
            if (check_step(&at, steps, step, err) != 0)
                return -1;
        }
    }
    return 0;
}

static int check_settings(const struct recipe *recipe, struct err *err)
{
    const json_t *settings = json_object_get(recipe_spec(recipe), "settings");
    struct place at = {.recipe = recipe, .list = "settings"};
    json_t *setting;

    json_array_foreach(settings, at.index, setting)
    {
        const char *other = json_string_value(json_object_get(setting, "required_unless"));

        if (check_setting(&at, settings, setting, err) != 0)
            return -1;
        if (other != NULL && find(settings, "key", other, json_array_size(settings)) == NULL)
            return wrong(&at, "required_unless", "names no setting", err);
    }
    return 0;
}

static int check_capabilities(const struct recipe *recipe, struct err *err)
{
    const json_t *list = json_object_get(recipe_spec(recipe), "capabilities");
    struct place at = {.recipe = recipe, .list = "capabilities"};
    json_t *capability;

    json_array_foreach(list, at.index, capability)
    {
        if (check_string(&at, capability, "id", false, err) != 0
            || check_string(&at, capability, "why", false, err) != 0
            || check_string(&at, capability, "fix", false, err) != 0)
            return -1;
    }
    return 0;
}

/* Names of files beside lib.sh, which recipe_load has added. */
static int check_shared(const struct recipe *recipe, const json_t *list, struct err *err)
{
    struct place at = {.recipe = recipe, .list = "shared"};
    json_t *name;

    json_array_foreach(list, at.index, name)
    {
        if (!json_is_string(name) || recipe_script(recipe, json_string_value(name)) == NULL)
            return wrong(&at, "", "must be the name of a script in the folder of recipes", err);
    }
    return 0;
}

/* The look before a deploy: a script of the folder, and what stands in front of it. */
static int check_plan(const struct recipe *recipe, struct err *err)
{
    const json_t *plan = recipe_plan(recipe);
    struct place at = {.recipe = recipe};
    const char *script = json_string_value(json_object_get(plan, "script"));

    if (plan == NULL)
        return 0;
    if (script == NULL || recipe_script(recipe, script) == NULL)
        return wrong(&at, "plan", "must name a script of the recipe's folder", err);
    if (check_list(&at, plan, "shared", STEPS_MAX, err) != 0
        || check_bool(&at, plan, "registries", err) != 0)
        return -1;
    return check_shared(recipe, json_object_get(plan, "shared"), err);
}

static int check_downtime(const struct recipe *recipe, struct err *err)
{
    const json_t *spec = recipe_spec(recipe), *list = json_object_get(spec, "downtime");
    const json_t *settings = json_object_get(spec, "settings");
    struct place at = {.recipe = recipe, .list = "downtime"};
    json_t *item;

    json_array_foreach(list, at.index, item)
    {
        const char *when = json_string_value(json_object_get(item, "when"));

        if (check_string(&at, item, "text", false, err) != 0
            || check_string(&at, item, "why", false, err) != 0)
            return -1;
        if (when != NULL && find(settings, "key", when, json_array_size(settings)) == NULL)
            return wrong(&at, "when", "names no setting", err);
    }
    return 0;
}

/* How a load balancer takes part: four steps, each a script. */
static int check_balancer(const struct recipe *recipe, struct err *err)
{
    static const char *const keys[] = {"prepare", "out", "in", "tidy"};
    const json_t *balancer = json_object_get(recipe_spec(recipe), "balancer");
    struct place at = {.recipe = recipe, .list = "balancer"};

    for (at.index = 0; balancer != NULL && at.index < COUNT_OF(keys); at.index++) {
        const json_t *step = json_object_get(balancer, keys[at.index]);
        const char *script = json_string_value(json_object_get(step, "script"));
        json_int_t deadline = json_integer_value(json_object_get(step, "deadline_s"));

        if (check_string(&at, step, "title", false, err) != 0)
            return -1;
        if (script == NULL || recipe_script(recipe, script) == NULL)
            return wrong(&at, "script", "must name a .sh file of the recipe's folder", err);
        if (deadline < 1 || deadline > DEADLINE_MAX)
            return wrong(&at, "deadline_s", "must be a number of seconds from 1 to 86400", err);
    }
    return 0;
}

static bool is_artefact(const json_t *spec)
{
    const char *kind = json_string_value(json_object_get(spec, "artefact"));

    return str_equal(kind, "tarball") || str_equal(kind, "tag") || str_equal(kind, "ref");
}

int recipe_spec_check(const struct recipe *recipe, struct err *err)
{
    const json_t *spec = recipe_spec(recipe);
    struct place top = {.recipe = recipe};

    if (!json_is_object(spec))
        return err_set(err, ERR_INTERNAL, "Recipe %s: recipe.json must be an object.",
                       recipe_name(recipe));
    if (!str_equal(json_string_value(json_object_get(spec, "name")), recipe_name(recipe)))
        return wrong(&top, "name", "must be the folder's name", err);
    if (check_string(&top, spec, "title", false, err) != 0
        || check_string(&top, spec, "summary", false, err) != 0
        || check_string(&top, spec, "artefact", true, err) != 0
        || check_string(&top, spec, "env_format", true, err) != 0
        || check_string(&top, spec, "like", true, err) != 0
        || check_list(&top, spec, "roles", STEPS_MAX, err) != 0
        || check_list(&top, spec, "capabilities", STEPS_MAX, err) != 0
        || check_list(&top, spec, "settings", SETTINGS_MAX, err) != 0
        || check_list(&top, spec, "steps", STEPS_MAX, err) != 0
        || check_list(&top, spec, "undo", STEPS_MAX, err) != 0
        || check_list(&top, spec, "shared", STEPS_MAX, err) != 0
        || check_list(&top, spec, "downtime", STEPS_MAX, err) != 0)
        return -1;
    if (json_object_get(spec, "artefact") != NULL && !is_artefact(spec))
        return wrong(&top, "artefact", "must be tarball, tag or ref", err);
    if (json_array_size(json_object_get(spec, "steps")) == 0)
        return wrong(&top, "steps", "must have at least one step", err);
    if (check_settings(recipe, err) != 0 || check_capabilities(recipe, err) != 0
        || check_operations(recipe, err) != 0
        || check_shared(recipe, json_object_get(spec, "shared"), err) != 0
        || check_plan(recipe, err) != 0 || check_downtime(recipe, err) != 0
        || check_balancer(recipe, err) != 0)
        return -1;
    return check_steps(recipe, "steps", err) != 0 ? -1 : check_steps(recipe, "undo", err);
}

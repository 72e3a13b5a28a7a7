/* recipe_settings.c - settings of an environment against what its recipe declares. The same code
 * checks a form, a stored object (whose recipe may have changed since) and the defaults in
 * recipe.json. */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/domain/compose.h"
#include "lib/domain/recipe.h"
#include "lib/domain/recipe_spec.h"
#include "lib/domain/rollout.h"
#include "lib/domain/validate.h"

#define TEXT_MAX ((size_t)2000)

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is not enough memory to check the settings.");
}

static int64_t bound(const json_t *setting, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(setting, key);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

/* A number within the setting's own bounds; a port has none but those of all ports. */
static int check_number(const json_t *setting, const char *field, const json_t *value,
                        json_t **checked, struct err *err)
{
    bool is_port = setting_type_of(setting) == SETTING_PORT;
    int64_t min = bound(setting, "min", is_port ? 1 : INT64_MIN);
    int64_t max = bound(setting, "max", is_port ? 65535 : INT64_MAX);
    int64_t number = json_integer_value(value);
    bool good = json_is_integer(value) && number >= min && number <= max;

    if (json_is_string(value))
        good = str_to_int64(json_string_value(value), min, max, &number);
    if (!good)
        return err_field(err, field, "This must be a whole number from %" PRId64 " to %" PRId64 ".",
                         min, max);
    *checked = json_integer(number);
    return *checked != NULL ? 0 : no_memory(err);
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcmp(text, *words) == 0)
            return true;
    }
    return false;
}

static int check_bool(const char *field, const json_t *value, json_t **checked, struct err *err)
{
    static const char *const YES[] = {"1", "on", "true", "yes", NULL};
    static const char *const NO[] = {"0", "off", "false", "no", "", NULL};
    const char *text = json_string_value(value);
    bool yes = json_is_true(value) || (text != NULL && is_one_of(text, YES));

    if (!yes && !json_is_false(value) && (text == NULL || !is_one_of(text, NO)))
        return err_field(err, field, "This must be yes or no.");
    *checked = json_boolean(yes);
    return 0;
}

static int check_choice(const json_t *setting, const char *field, const char *text, struct err *err)
{
    const json_t *choices = json_object_get(setting, "choices");
    struct buf words;
    size_t i;
    json_t *choice;

    buf_init(&words, 300);
    json_array_foreach(choices, i, choice)
    {
        if (str_equal(json_string_value(choice), text)) {
            buf_deinit(&words);
            return 0;
        }
        buf_printf(&words, "%s%s", i > 0 ? ", " : "", json_string_value(choice));
    }
    err_field(err, field, "This must be one of: %s.", words.data);
    buf_deinit(&words);
    return -1;
}

static int check_words(const json_t *setting, const char *field, const char *text, struct err *err)
{
    switch (setting_type_of(setting)) {
    case SETTING_TEXT:
        if (strchr(text, '\n') != NULL || strchr(text, '\t') != NULL)
            return err_field(err, field,
                             "There is a line break or tab in this text. Put it on one "
                             "line.");
        return validate_note(field, text, TEXT_MAX, err);
    case SETTING_COMMAND:
        return validate_command(field, text, err);
    case SETTING_TARGET_PATH:
        return validate_target_path(field, text, err);
    case SETTING_URL_PATH:
        return validate_url_path(field, text, err);
    case SETTING_UNIT:
        return validate_unit(field, text, err);
    case SETTING_CHOICE:
        return check_choice(setting, field, text, err);
    case SETTING_COMPOSE:
        return compose_check(field, text, err);
    case SETTING_REGISTRIES:
        return validate_names(field, text, err);
    case SETTING_PROJECT:
        return validate_project(field, text, err);
    case SETTING_VARIABLE:
        return validate_env_key(field, text, err);
    case SETTING_IMAGE:
        return validate_image(field, text, err);
    case SETTING_PORTS:
        return validate_ports(field, text, err);
    case SETTING_VOLUMES:
        return validate_volumes(field, text, err);
    case SETTING_SIZE:
        return validate_size(field, text, err);
    case SETTING_WORD:
        return validate_word(field, text, err);
    case SETTING_ARGUMENTS:
        return validate_arguments(field, text, err);
    case SETTING_PROCESSES:
        return validate_processes(field, text, err);
    case SETTING_SITE_URL:
        return validate_site_url(field, text, err);
    case SETTING_SHARE:
        return rollout_check_share(field, text, err);
    case SETTING_ADDRESSES:
        return validate_addresses(field, text, err);
    case SETTING_HOOKS:
        return validate_hooks(field, text, err);
    case SETTING_REPOSITORY:
        return validate_repository(field, text, err);
    case SETTING_KNOWN_HOSTS:
        return validate_known_hosts(field, text, err);
    case SETTING_UNKNOWN:
    case SETTING_PORT:
    case SETTING_NUMBER:
    case SETTING_BOOL:
        break;
    }
    return err_field(err, field, "This setting has a type that Windlass does not know.");
}

int setting_check(const json_t *setting, const json_t *value, json_t **checked, struct err *err)
{
    enum setting_type type = setting_type_of(setting);
    const char *text = json_string_value(value);
    char field[64];

    (void)snprintf(field, sizeof field, "settings.%s",
                   json_string_value(json_object_get(setting, "key")));
    if (type == SETTING_PORT || type == SETTING_NUMBER)
        return check_number(setting, field, value, checked, err);
    if (type == SETTING_BOOL)
        return check_bool(field, value, checked, err);
    if (text == NULL || json_string_length(value) != strlen(text))
        return err_field(err, field, "This must be text without a NUL byte.");
    if (check_words(setting, field, text, err) != 0)
        return -1;
    *checked = json_string(text);
    return *checked != NULL ? 0 : no_memory(err);
}

static bool is_empty(const json_t *value)
{
    return value == NULL || json_is_null(value)
           || (json_is_string(value) && json_string_length(value) == 0);
}

static int check_one(const json_t *setting, const json_t *value, json_t **checked, struct err *err)
{
    const char *key = json_string_value(json_object_get(setting, "key"));
    char field[64];

    if (value == NULL)
        value = json_object_get(setting, "default");
    if (!is_empty(value) || setting_type_of(setting) == SETTING_BOOL)
        return setting_check(setting, value != NULL ? value : json_false(), checked, err);
    if (json_is_true(json_object_get(setting, "required"))) {
        (void)snprintf(field, sizeof field, "settings.%s", key);
        return err_field(err, field, "This setting is empty. Enter a value: the recipe needs it.");
    }
    *checked = json_string("");
    return *checked != NULL ? 0 : no_memory(err);
}

/* `required_unless` names another setting: one of the two must say something, defaults included. */
static int check_either(const json_t *setting, const json_t *settings, struct err *err)
{
    const char *key = json_string_value(json_object_get(setting, "key"));
    const char *other = json_string_value(json_object_get(setting, "required_unless"));
    char field[64];

    if (other == NULL || !is_empty(json_object_get(settings, key))
        || !is_empty(json_object_get(settings, other)))
        return 0;
    (void)snprintf(field, sizeof field, "settings.%s", key);
    return err_field(err, field, "This setting is empty, and so is %s. Fill in one of the two.",
                     other);
}

int recipe_check_settings(const struct recipe *recipe, const json_t *settings, json_t **checked,
                          struct err *err)
{
    const json_t *list = json_object_get(recipe_spec(recipe), "settings");
    json_t *result = json_object();
    size_t i;
    json_t *setting;

    if (result == NULL)
        return no_memory(err);
    json_array_foreach(list, i, setting)
    {
        const char *key = json_string_value(json_object_get(setting, "key"));
        json_t *value = NULL;

        if (check_one(setting, json_object_get(settings, key), &value, err) != 0)
            goto failed;
        if (json_object_set_new(result, key, value) != 0) {
            no_memory(err);
            goto failed;
        }
    }
    json_array_foreach(list, i, setting)
    {
        if (check_either(setting, result, err) != 0)
            goto failed;
    }
    *checked = result;
    return 0;
failed:
    json_decref(result);
    return -1;
}

/* Copy `text` with {app} and {env} replaced. */
static void expand(struct buf *out, const char *text, const char *app_slug, const char *env_slug)
{
    while (*text != '\0') {
        if (str_starts(text, "{app}") || str_starts(text, "{env}")) {
            buf_add_str(out, text[1] == 'a' ? app_slug : env_slug);
            text += strlen("{app}");
        } else {
            buf_add_char(out, *text++);
        }
    }
}

json_t *setting_fill_in(const json_t *standard, const char *app_slug, const char *env_slug)
{
    struct buf text;
    json_t *value;

    if (!json_is_string(standard))
        return standard != NULL ? json_deep_copy(standard) : json_string("");
    buf_init(&text, TEXT_MAX * 4);
    expand(&text, json_string_value(standard), app_slug, env_slug);
    value = buf_ok(&text) ? json_string(text.data) : NULL;
    buf_deinit(&text);
    return value;
}

int recipe_defaults(const struct recipe *recipe, const char *app_slug, const char *env_slug,
                    json_t **settings, struct err *err)
{
    const json_t *list = json_object_get(recipe_spec(recipe), "settings");
    json_t *result = json_object();
    int rc = result != NULL ? 0 : no_memory(err);
    size_t i;
    json_t *setting;

    json_array_foreach(list, i, setting)
    {
        json_t *value = setting_fill_in(json_object_get(setting, "default"), app_slug, env_slug);
        if (rc == 0
            && json_object_set_new(result, json_string_value(json_object_get(setting, "key")),
                                   value)
                   != 0)
            rc = no_memory(err);
    }
    if (rc == 0)
        *settings = result;
    else
        json_decref(result);
    return rc;
}

int recipe_fill_in(const struct recipe *recipe, json_t *settings, const char *app_slug,
                   const char *env_slug, struct err *err)
{
    size_t i;
    json_t *setting;

    json_array_foreach(json_object_get(recipe_spec(recipe), "settings"), i, setting)
    {
        const char *key = json_string_value(json_object_get(setting, "key"));
        enum setting_type type = setting_type_of(setting);
        json_t *value = json_object_get(settings, key);

        if ((type != SETTING_PROJECT && type != SETTING_TARGET_PATH) || !json_is_string(value))
            continue;
        if (json_object_set_new(settings, key, setting_fill_in(value, app_slug, env_slug)) != 0)
            return no_memory(err);
    }
    return 0;
}

const json_t *recipe_operation(const struct recipe *recipe, const char *name)
{
    return json_object_get(json_object_get(recipe_spec(recipe), "operations"), name);
}

static const char *artefact_of(const struct recipe *recipe)
{
    return json_string_value(json_object_get(recipe_spec(recipe), "artefact"));
}

bool recipe_takes_artefact(const struct recipe *recipe)
{
    return !str_equal(artefact_of(recipe), "tag") && !recipe_takes_ref(recipe);
}

bool recipe_takes_ref(const struct recipe *recipe)
{
    return str_equal(artefact_of(recipe), "ref");
}

int recipe_check_version(const struct recipe *recipe, const char *version, struct err *err)
{
    if (recipe_takes_artefact(recipe))
        return validate_version("version", version, err);
    return recipe_takes_ref(recipe) ? validate_git_ref("version", version, err)
                                    : validate_tag("version", version, err);
}

/* Its `when` is empty or names a setting that is set. */
static bool is_wanted(const json_t *item, const json_t *settings)
{
    const char *when = json_string_value(json_object_get(item, "when"));
    const json_t *value = when == NULL ? NULL : json_object_get(settings, when);

    if (when == NULL || when[0] == '\0')
        return true;
    return json_is_string(value) ? json_string_length(value) > 0
                                 : value != NULL && !json_is_null(value) && !json_is_false(value);
}

bool recipe_step_wanted(const json_t *step, const json_t *settings)
{
    return is_wanted(step, settings);
}

const json_t *recipe_downtime(const struct recipe *recipe, const json_t *settings)
{
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(recipe_spec(recipe), "downtime"), i, item)
    {
        if (is_wanted(item, settings))
            return item;
    }
    return NULL;
}

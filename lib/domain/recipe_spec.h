/* recipe_spec.h - private to the recipe modules: what must hold of a recipe.json. */
#ifndef WL_DOMAIN_RECIPE_SPEC_H
#define WL_DOMAIN_RECIPE_SPEC_H

#include <jansson.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/domain/recipe.h"

enum setting_type {
    SETTING_UNKNOWN = 0,
    SETTING_TEXT,
    SETTING_COMMAND,
    SETTING_TARGET_PATH,
    SETTING_PORT,
    SETTING_URL_PATH,
    SETTING_NUMBER,
    SETTING_CHOICE,
    SETTING_UNIT,
    SETTING_BOOL,
    SETTING_COMPOSE,
    SETTING_REGISTRIES,
    SETTING_PROJECT,
    SETTING_VARIABLE,
    SETTING_IMAGE,
    SETTING_PORTS,
    SETTING_VOLUMES,
    SETTING_SIZE,
    SETTING_WORD,
    SETTING_ARGUMENTS,
    SETTING_PROCESSES,
    SETTING_SITE_URL,
    SETTING_SHARE,
    SETTING_ADDRESSES,
    SETTING_HOOKS,
    SETTING_REPOSITORY,
    SETTING_KNOWN_HOSTS
};

enum setting_type setting_type_of(const json_t *setting);

/* The first thing wrong is ERR_INTERNAL and names recipe, place and key. */
int recipe_spec_check(const struct recipe *recipe, struct err *err) MUST_USE;

/* One value of the setting's type: *checked is a new reference. The sentence is of
 * lib/domain/validate.h, the field "settings.<key>". */
int setting_check(const json_t *setting, const json_t *value, json_t **checked,
                  struct err *err) MUST_USE;

/* A default with {app} and {env} replaced: a new reference, NULL when memory ran out. */
json_t *setting_fill_in(const json_t *standard, const char *app_slug, const char *env_slug);

#endif

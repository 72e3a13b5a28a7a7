/* recipe.h - reading a recipe folder (recipes/<name>/) into memory: recipe.json checked, step
 * scripts loaded, one hash over all.
 *
 * The web side uses it for the settings form and the list of steps; the worker for the plan.
 * Shipped files are trusted (they are part of the program), but a malformed one is a clear error
 * naming file and key, never a crash. The format is documented in docs/add-a-recipe.md. */
#ifndef WL_DOMAIN_RECIPE_H
#define WL_DOMAIN_RECIPE_H

#include <jansson.h>
#include <stdbool.h>
#include "lib/base/err.h"

struct recipe; /* immutable once loaded; free with recipe_free */

int recipe_load(const char *recipes_dir, const char *name, struct recipe **recipe,
                struct err *err) MUST_USE;
void recipe_free(struct recipe *recipe);
const char *recipe_name(const struct recipe *recipe);
const char *recipe_sha256(
    const struct recipe *recipe); /* hex, over the sorted names and bytes of all files and lib.sh */
/* Borrowed: the parsed recipe.json {name, title, summary, settings: [...], steps: [...],
 * capabilities: [...]}. */
const json_t *recipe_spec(const struct recipe *recipe);
/* Borrowed: the text of one script ("unpack.sh"), of "lib.sh" or of a file that recipe.json names
 * under "shared"; NULL when there is none. */
const char *recipe_script(const struct recipe *recipe, const char *file);
/* Borrowed: {script, shared, registries} of the look at a server before a deploy; NULL when the
 * recipe has none. */
const json_t *recipe_plan(const struct recipe *recipe);
/* Names of all recipes, sorted: a new JSON list of {name, title, summary, takes_artefact}. */
int recipe_list(const char *recipes_dir, json_t **list, struct err *err) MUST_USE;

/* Check `settings` (strings from a form or a stored object) against the spec's types, fill in
 * defaults: a new object with only known keys. The first wrong one is ERR_INPUT with field =
 * "settings.<key>". Stored values go through it again before use.
 *
 * Values come out as integers (port, number), true or false (bool), strings (all other types). A
 * setting that is not required and empty is "". An absent key takes its default, as it stands in
 * recipe.json ({app} and {env} are not replaced: recipe_defaults does that for the form of a new
 * environment); so a form must send "0" for a box that is not ticked. Text for a bool: 1, on, true,
 * yes; 0, off, false, no or nothing. */
int recipe_check_settings(const struct recipe *recipe, const json_t *settings, json_t **checked,
                          struct err *err) MUST_USE;

/* What the form of a new environment begins with: a new object of every setting's default, with
 * {app} and {env} replaced by the slugs. */
int recipe_defaults(const struct recipe *recipe, const char *app_slug, const char *env_slug,
                    json_t **settings, struct err *err) MUST_USE;

/* Replace {app} and {env} in the settings that name a place of the environment (target_path,
 * project), as a person may have left or typed them; `settings` is changed. */
int recipe_fill_in(const struct recipe *recipe, json_t *settings, const char *app_slug,
                   const char *env_slug, struct err *err) MUST_USE;

/* Borrowed: the steps of an operation of recipe.json's "operations" (restart, stop, start); NULL
 * when the recipe has none of that name. */
const json_t *recipe_operation(const struct recipe *recipe, const char *name);
/* Whether a release of this recipe is an artefact of the app (a tarball); else it is a tag of its
 * images, or a branch, tag or commit of its repository. */
bool recipe_takes_artefact(const struct recipe *recipe);
bool recipe_takes_ref(const struct recipe *recipe);
/* Whether it can be a version of this recipe; ERR_INPUT with field "version". */
int recipe_check_version(const struct recipe *recipe, const char *version,
                         struct err *err) MUST_USE;
/* Whether a step is to run: its `when` is empty or names a setting that is set. */
bool recipe_step_wanted(const json_t *step, const json_t *settings);
/* Borrowed: {text, why} that says how long nothing serves during a deploy with these settings, the
 * first of recipe.json's "downtime" whose `when` holds; NULL when the recipe says nothing. */
const json_t *recipe_downtime(const struct recipe *recipe, const json_t *settings);

#endif

/* rollbacks.c - what a rollback rests on and what it brings (rollbacks.h). */
#include "db/rollbacks.h"

#include <stdlib.h>
#include <string.h>
#include "db/basis.h"
#include "db/environments.h"
#include "db/json_text.h"
#include "db/secrets.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static const char *const PARTS[] = {
    "",        "code",         "settings",         "code settings",
    "secrets", "code secrets", "settings secrets", "code settings secrets"};

const char *rollback_parts_text(unsigned parts)
{
    return PARTS[parts & ROLLBACK_ALL];
}

unsigned rollback_parts(const char *text)
{
    for (unsigned i = 1; i < COUNT_OF(PARTS); i++)
        if (strcmp(PARTS[i], text) == 0)
            return i;
    return ROLLBACK_NOTHING;
}

/* --- whether --- */

int rollback_may(const json_t *environment, const json_t *release, struct err *err)
{
    const char *outcome = text_of(release, "outcome");
    if (!str_equal(text_of(release, "environment_id"), text_of(environment, "id")))
        return err_set(err, ERR_DENIED, "The release belongs to another environment.");
    if (!str_equal(outcome, "live") && !str_equal(outcome, "degraded"))
        return err_set(err, ERR_CONFLICT,
                       "v%lld was never live, so there is nothing to go back to.",
                       number_of(release, "number"));
    if (str_equal(text_of(environment, "live_release_id"), text_of(release, "id"))
        && str_equal(text_of(environment, "live_state"), "live"))
        return err_set(err, ERR_CONFLICT, "v%lld is what is live now.",
                       number_of(release, "number"));
    if (!str_equal(text_of(release, "recipe"), text_of(environment, "recipe")))
        return err_set(err, ERR_CONFLICT,
                       "v%lld was made by the recipe %.40s, and this environment has the recipe "
                       "%.40s now.",
                       number_of(release, "number"), text_of(release, "recipe"),
                       text_of(environment, "recipe"));
    return 0;
}

/* --- the parts --- */

/* The release whose version, artefact and images are run. */
static int find_code(struct db *db, const struct rollback_inputs *in, json_t **code,
                     struct err *err)
{
    const char *live = json_string_value(json_object_get(in->environment, "live_release_id"));
    if ((in->parts & ROLLBACK_CODE) != 0)
        *code = json_incref((json_t *)(uintptr_t)in->replayed);
    else if (environment_release(db, live, code, err) != 0)
        return -1;
    if (json_is_object(*code))
        return 0;
    return err_set(err, ERR_CONFLICT,
                   "Nothing is live here, so the version must come back as well.");
}

static int check_artefact(const struct rollback_inputs *in, const json_t *code, struct err *err)
{
    if (!recipe_takes_artefact(in->recipe)
        || (json_is_string(json_object_get(code, "artefact_id"))
            && json_is_true(json_object_get(code, "is_repeatable"))))
        return 0;
    return err_set(err, ERR_CONFLICT,
                   "The artefact of v%lld (version %.64s) was removed from the dashboard.",
                   number_of(code, "number"), text_of(code, "version"));
}

/* A stored setting that today's recipe refuses is named with the reason. */
static int check_settings(const struct rollback_inputs *in, json_t **settings, struct err *err)
{
    struct err refused = {0};
    const json_t *from = (in->parts & ROLLBACK_SETTINGS) != 0 ? in->replayed : in->environment;
    if (recipe_check_settings(in->recipe, json_object_get(from, "settings"), settings, &refused)
        == 0)
        return 0;
    if (refused.code == ERR_INPUT && from == in->replayed)
        return err_set(err, ERR_CONFLICT,
                       "The recipe has changed since v%lld, and does not take its settings any "
                       "more: %.300s",
                       number_of(in->replayed, "number"), refused.user);
    if (err != NULL)
        *err = refused;
    return -1;
}

static int find_set(struct db *db, const struct rollback_inputs *in, json_int_t *number,
                    struct err *err)
{
    struct err why = {0};
    const char *id = text_of(in->environment, "id");
    json_int_t replayed = number_of(in->replayed, "secret_set");
    json_t *set = NULL;
    if ((in->parts & ROLLBACK_SECRETS) != 0 && replayed == 0) {
        *number = 0;
        return 0;
    }
    int rc = (in->parts & ROLLBACK_SECRETS) != 0
                 ? secret_set_by_number(db, id, replayed, &set, &why)
                 : secret_set_current(db, id, &set, &why);
    if (rc == 0)
        *number = number_of(set, "number");
    json_decref(set);
    if (rc == 0)
        return 0;
    if (why.code == ERR_NOT_FOUND)
        return err_set(err, ERR_CONFLICT, "The secret set s%lld of v%lld is gone.",
                       (long long)replayed, number_of(in->replayed, "number"));
    if (err != NULL)
        *err = why;
    return -1;
}

static int hash_images(const json_t *code, char hex[CRYPTO_HASH_HEX], struct err *err)
{
    uint8_t hash[CRYPTO_HASH_BYTES];
    char *text = NULL;
    const json_t *images = json_object_get(code, "images");
    if (json_text(json_is_object(images) ? images : NULL, &text, err) != 0)
        return -1;
    crypto_sha256(text, strlen(text), hash);
    crypto_hex(hex, CRYPTO_HASH_HEX, hash, sizeof hash);
    free(text);
    return 0;
}

/* --- all of it --- */

static void tell_origin(json_t *basis, const json_t *origin, const json_t *release)
{
    char text[100];
    snprintf(text, sizeof text, "%.60s v%lld", text_of(origin, "slug"),
             number_of(release, "number"));
    json_object_set_new(basis, "promoted_from", json_string(text));
    json_object_del(basis, "replays");
}

static int make_basis(struct db *db, const struct rollback_inputs *in, struct rollback_plan *plan,
                      struct err *err)
{
    char images[CRYPTO_HASH_HEX];
    struct basis_parts parts = {.recipe = in->recipe,
                                .environment = in->environment,
                                .version = text_of(plan->code, "version"),
                                .artefact_sha256 = text_of(plan->code, "artefact_sha256"),
                                .settings = plan->settings};
    if (find_set(db, in, &parts.secret_set, err) != 0 || hash_images(plan->code, images, err) != 0
        || basis_of_parts(db, &parts, &plan->basis, err) != 0)
        return -1;
    json_object_set(plan->basis, "replays", json_object_get(in->replayed, "number"));
    json_object_set_new(plan->basis, "parts", json_string(rollback_parts_text(in->parts)));
    json_object_set_new(plan->basis, "images_sha256", json_string(images));
    if (json_is_string(json_object_get(plan->code, "git_commit")))
        json_object_set(plan->basis, "git_commit", json_object_get(plan->code, "git_commit"));
    return 0;
}

/* Of what is neither gone back to nor new: the code alone, by the recipe of this environment. */
static int may_take_code(const struct rollback_inputs *in, struct err *err)
{
    if (in->parts != ROLLBACK_CODE)
        return err_set(err, ERR_INPUT, "It takes version and images, and nothing else.");
    if (!str_equal(text_of(in->replayed, "recipe"), text_of(in->environment, "recipe")))
        return err_set(err, ERR_CONFLICT,
                       "v%lld was made by the recipe %.40s, and this environment has the recipe "
                       "%.40s now.",
                       number_of(in->replayed, "number"), text_of(in->replayed, "recipe"),
                       text_of(in->environment, "recipe"));
    return 0;
}

static int may_redeploy(const struct rollback_inputs *in, struct err *err)
{
    if (!str_equal(text_of(in->environment, "live_release_id"), text_of(in->replayed, "id")))
        return err_set(err, ERR_CONFLICT, "v%lld is not what is live now.",
                       number_of(in->replayed, "number"));
    return may_take_code(in, err);
}

/* *origin: the environment it comes from, a new reference. */
static int may_promote(struct db *db, const struct rollback_inputs *in, json_t **origin,
                       struct err *err)
{
    const char *outcome = text_of(in->replayed, "outcome");
    if (environment_by_id(db, text_of(in->replayed, "environment_id"), origin, err) != 0)
        return -1;
    if (str_equal(text_of(*origin, "id"), text_of(in->environment, "id"))
        || !str_equal(text_of(*origin, "app_id"), text_of(in->environment, "app_id")))
        return err_set(err, ERR_DENIED,
                       "A release is promoted from another environment of the same app.");
    if (!str_equal(outcome, "live") && !str_equal(outcome, "degraded"))
        return err_set(err, ERR_CONFLICT, "v%lld of %.60s was never live there.",
                       number_of(in->replayed, "number"), text_of(*origin, "slug"));
    return may_take_code(in, err);
}

static int may_replay(struct db *db, const struct rollback_inputs *in, json_t **origin,
                      struct err *err)
{
    switch (in->mode) {
    case REPLAY_REDEPLOY:
        return may_redeploy(in, err);
    case REPLAY_PROMOTE:
        return may_promote(db, in, origin, err);
    case REPLAY_ROLLBACK:
        break;
    }
    return rollback_may(in->environment, in->replayed, err);
}

int rollback_plan_make(struct db *db, const struct rollback_inputs *in, struct rollback_plan *plan,
                       struct err *err)
{
    json_t *origin = NULL;
    *plan = (struct rollback_plan){0};
    if ((in->parts & ROLLBACK_ALL) == 0)
        return err_field(err, "parts", "Choose at least one part that is to come back.");
    if (may_replay(db, in, &origin, err) == 0 && find_code(db, in, &plan->code, err) == 0
        && check_artefact(in, plan->code, err) == 0 && check_settings(in, &plan->settings, err) == 0
        && make_basis(db, in, plan, err) == 0) {
        if (origin != NULL)
            tell_origin(plan->basis, origin, in->replayed);
        json_decref(origin);
        return 0;
    }
    json_decref(origin);
    rollback_plan_free(plan);
    return -1;
}

void rollback_plan_free(struct rollback_plan *plan)
{
    json_decref(plan->basis);
    json_decref(plan->settings);
    json_decref(plan->code);
    *plan = (struct rollback_plan){0};
}

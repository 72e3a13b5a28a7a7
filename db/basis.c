/* basis.c - what a deploy's outcome rests on, as data (basis.h). Only what can be known without
 * asking a target: disk space, load and times are shown on the page but promise nothing. */
#include "db/basis.h"

#include "db/environments.h"
#include "db/json_text.h"
#include "db/locks.h"
#include "db/pauses.h"
#include "db/secrets.h"
#include "lib/crypto/crypto.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static json_t *host_of(const json_t *server)
{
    char address[400];
    snprintf(address, sizeof address, "%s@%s:%lld", text_of(server, "login"),
             text_of(server, "host"),
             (long long)json_integer_value(json_object_get(server, "port")));
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "server_id", text_of(server, "id"), "slug",
                     text_of(server, "slug"), "address", address, "pin_print",
                     text_of(server, "pin_print"), "role", text_of(server, "role"));
}

static int hosts_of(struct db *db, const char *environment_id, json_t **hosts, struct err *err)
{
    json_t *servers = NULL, *server;
    size_t i;
    if (environment_servers(db, environment_id, &servers, err) != 0)
        return -1;
    *hosts = json_array();
    json_array_foreach(servers, i, server) json_array_append_new(*hosts, host_of(server));
    json_decref(servers);
    return 0;
}

static int hash_settings(const json_t *settings, char hex[CRYPTO_HASH_HEX], struct err *err)
{
    uint8_t hash[CRYPTO_HASH_BYTES];
    char *text = NULL;
    if (json_text(settings, &text, err) != 0)
        return -1;
    crypto_sha256(text, strlen(text), hash);
    crypto_hex(hex, CRYPTO_HASH_HEX, hash, sizeof hash);
    free(text);
    return 0;
}

static int64_t live_number(struct db *db, const json_t *environment, struct err *err)
{
    json_t *release = NULL;
    const char *id = json_string_value(json_object_get(environment, "live_release_id"));
    if (environment_release(db, id, &release, err) != 0)
        return -1;
    int64_t number = json_integer_value(json_object_get(release, "number"));
    json_decref(release);
    return number;
}

int basis_of_parts(struct db *db, const struct basis_parts *parts, json_t **basis, struct err *err)
{
    json_t *hosts = NULL;
    char settings_hash[CRYPTO_HASH_HEX];
    if (hash_settings(parts->settings, settings_hash, err) != 0)
        return -1;
    int64_t live = live_number(db, parts->environment, err);
    if (live < 0 || hosts_of(db, text_of(parts->environment, "id"), &hosts, err) != 0)
        return -1;
    *basis = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:o}", "recipe",
                       recipe_name(parts->recipe), "recipe_sha256", recipe_sha256(parts->recipe),
                       "version", parts->version, "artefact_sha256", parts->artefact_sha256,
                       "secret_set", parts->secret_set, "live_release", (json_int_t)live,
                       "settings_sha256", settings_hash, "hosts", hosts);
    if (*basis != NULL && lock_is_on(parts->environment))
        json_object_set(*basis, "locked", json_object_get(parts->environment, "locked_at"));
    return *basis != NULL ? 0 : err_set(err, ERR_INTERNAL, "The plan could not be made.");
}

int basis_of_deploy(struct db *db, const struct basis_inputs *inputs, json_t **basis,
                    json_t **settings, struct err *err)
{
    struct basis_parts parts = {.recipe = inputs->recipe,
                                .environment = inputs->environment,
                                .version = text_of(inputs->artefact, "version"),
                                .artefact_sha256 = text_of(inputs->artefact, "sha256")};
    json_t *checked = NULL, *set = NULL;
    int rc = -1;

    if (recipe_check_settings(inputs->recipe, json_object_get(inputs->environment, "settings"),
                              &checked, err)
            != 0
        || secret_set_current(db, text_of(inputs->environment, "id"), &set, err) != 0)
        goto out;
    parts.settings = checked;
    parts.secret_set = json_integer_value(json_object_get(set, "number"));
    rc = basis_of_parts(db, &parts, basis, err);
    if (rc == 0 && pause_is_on(inputs->environment))
        json_object_set(*basis, "paused", json_object_get(inputs->environment, "paused_at"));
    if (rc == 0 && settings != NULL)
        *settings = json_incref(checked);
out:
    json_decref(checked);
    json_decref(set);
    return rc;
}

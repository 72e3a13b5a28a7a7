/* Assignments for step scripts. lib/domain/shell.h writes them, so any value arrives as it is. */
#include "worker/jobs/deploy_input.h"

#include <ctype.h>
#include <string.h>
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/envfile.h"
#include "lib/domain/shell.h"
#include "worker/jobs/deploy_files.h"
#include "worker/registry_logins.h"
#include "worker/secret_values.h"

#define COMMON_MAX   ((size_t)512 * 1024)
#define SECRET_MAX   ((size_t)2 * 1024 * 1024)
#define COMPOSE_ROOM ((size_t)512 * 1024) /* quoted for the shell, each quote takes four bytes */

void deploy_input_init(struct deploy_input *input)
{
    buf_init(&input->common, COMMON_MAX);
    buf_init(&input->secrets, SECRET_MAX);
    buf_init(&input->compose, COMPOSE_ROOM);
    buf_init(&input->registries, SECRET_MAX);
    buf_init(&input->repository, SECRET_MAX);
}

void deploy_input_deinit(struct deploy_input *input)
{
    buf_wipe(&input->secrets);
    buf_wipe(&input->registries);
    buf_wipe(&input->repository);
    buf_deinit(&input->secrets);
    buf_deinit(&input->registries);
    buf_deinit(&input->repository);
    buf_deinit(&input->compose);
    buf_deinit(&input->common);
    json_decref(input->expect);
    input->expect = NULL;
    crypto_wipe(input->mac_key, sizeof input->mac_key);
}

static int assign_text(struct buf *out, const char *name, const json_t *value, struct err *err)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    size_t len = json_is_string(value) ? json_string_length(value) : 0;
    return shell_assign(out, name, text, len, err);
}

static int assign_number(struct buf *out, const char *name, json_int_t value, struct err *err)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%lld", (long long)value);
    return shell_assign(out, name, text, (size_t)n, err);
}

static int assign_value(struct buf *out, const char *name, const json_t *value, struct err *err)
{
    if (json_is_integer(value))
        return assign_number(out, name, json_integer_value(value), err);
    if (json_is_boolean(value))
        return shell_assign(out, name, json_is_true(value) ? "yes" : "no",
                            json_is_true(value) ? 3 : 2, err);
    return assign_text(out, name, value, err);
}

/* WL_SET_<KEY IN CAPITALS> for each setting; the Compose file, which is large, apart. */
static int assign_settings(struct deploy_input *input, const json_t *settings, struct err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)settings, key, value)
    {
        char name[128];
        struct buf *out = str_equal(key, "compose") ? &input->compose : &input->common;
        int n = snprintf(name, sizeof name, "WL_SET_%s", key);
        if (n < 0 || (size_t)n >= sizeof name)
            return err_set(err, ERR_INTERNAL, "A setting's name is too long.");
        for (char *c = name; *c != '\0'; c++)
            *c = (char)toupper((unsigned char)*c);
        if (assign_value(out, name, value, err) != 0)
            return -1;
    }
    return 0;
}

/* What a kind of job adds for its own steps, by names that its file gives. */
static int assign_inputs(struct buf *out, const json_t *inputs, struct err *err)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)inputs, name,
                        value) if (assign_text(out, name, value, err) != 0) return -1;
    return 0;
}

static int assign_job(struct buf *out, const struct run *run, struct err *err)
{
    static const struct {
        const char *name, *key;
    } of_job[] = {{"WL_JOB", "id"},
                  {"WL_NONCE", "nonce"},
                  {"WL_APP", "app_slug"},
                  {"WL_ENV", "env_slug"}},
      of_release[] = {{"WL_VERSION", "version"},
                      {"WL_RELEASE", "number"},
                      {"WL_RELEASE_ID", "id"},
                      {"WL_ARTEFACT_SHA256", "artefact_sha256"},
                      {"WL_ARTEFACT_SIZE", "artefact_size"},
                      {"WL_SECRET_SET", "secret_set"}};

    for (size_t i = 0; i < COUNT_OF(of_job); i++) {
        if (assign_text(out, of_job[i].name, json_object_get(run->job, of_job[i].key), err) != 0)
            return -1;
    }
    for (size_t i = 0; i < COUNT_OF(of_release); i++) {
        if (assign_value(out, of_release[i].name, json_object_get(run->release, of_release[i].key),
                         err)
            != 0)
            return -1;
    }
    if (assign_text(out, "WL_GOOD", json_object_get(run->plan, "good"), err) != 0
        || assign_inputs(out, json_object_get(run->plan, "inputs"), err) != 0)
        return -1;
    return assign_number(out, "WL_EPOCH", (json_int_t)run->hold.epoch, err);
}

/* --- variables ----------------------------------------------------------------------------------
 */

/* The version stands in .env beside the variables, so the file in the project folder says by itself
 * what runs. */
static int add_version(struct buf *file, const struct run *run, const char *variable,
                       struct err *err)
{
    const char *version = json_string_value(json_object_get(run->release, "version"));
    if (variable == NULL || variable[0] == '\0' || version == NULL)
        return 0;
    return envfile_add(file, ENVFILE_COMPOSE, variable, version, strlen(version), err);
}

static int add_value(struct buf *file, enum envfile_format format, const struct secret_item *item,
                     const char *variable, struct err *err)
{
    if (str_equal(item->key, variable))
        return err_field(err, item->key,
                         "%.128s is the variable of the version in the settings and a variable of "
                         "the environment as well. Rename one of the two.",
                         item->key);
    return envfile_add(file, format, item->key, item->bytes, item->len, err);
}

/* The finished text of the env file, as one assignment. */
static int assign_env_file(struct buf *out, const struct run *run,
                           const struct secret_values *values, struct err *err)
{
    struct buf file;
    int rc = 0;
    const json_t *spec = recipe_spec(run->recipe),
                 *settings = json_object_get(run->plan, "settings");
    const char *variable = json_string_value(json_object_get(settings, "version_variable"));
    enum envfile_format format =
        str_equal(json_string_value(json_object_get(spec, "env_format")), "compose")
            ? ENVFILE_COMPOSE
            : ENVFILE_SHELL;
    buf_init(&file, SECRET_MAX);
    for (size_t i = 0; i < values->count && rc == 0; i++)
        if (!values->items[i].is_file)
            rc = add_value(&file, format, &values->items[i], variable, err);
    if (rc == 0)
        rc = add_version(&file, run, variable, err);
    if (rc == 0)
        rc = shell_assign(out, "WL_ENV_FILE", file.data, file.len, err);
    buf_wipe(&file);
    buf_deinit(&file);
    return rc;
}

/* A MAC of each variable, under a key that is forgotten with the runner. */
static int note_expected(struct deploy_input *input, const struct secret_values *values,
                         struct err *err)
{
    uint8_t key[CRYPTO_KEY_BYTES], mac[CRYPTO_MAC_BYTES];
    char hex[2 * CRYPTO_MAC_BYTES + 1];
    crypto_random(key, sizeof key);
    crypto_hex(input->mac_key, sizeof input->mac_key, key, sizeof key);
    json_decref(input->expect);
    input->expect = json_object();
    for (size_t i = 0; i < values->count; i++) {
        const struct secret_item *item = &values->items[i];
        if (item->is_file)
            continue;
        crypto_mac(key, "read_back", item->bytes, item->len, mac);
        crypto_hex(hex, sizeof hex, mac, sizeof mac);
        json_object_set_new(input->expect, item->key, json_string(hex));
    }
    crypto_wipe(key, sizeof key);
    return input->expect != NULL ? 0 : err_set(err, ERR_NO_MEMORY, "No memory is left.");
}

int deploy_input_expect(const struct deploy_input *input, json_t *step, struct err *err)
{
    if (json_object_set(step, "expect", input->expect) != 0
        || json_object_set_new(step, "mac_key", json_string(input->mac_key)) != 0)
        return err_set(err, ERR_NO_MEMORY, "No memory is left.");
    return 0;
}

/* --- registries ---------------------------------------------------------------------------------
 */

static int assign_login(struct buf *out, size_t number, const struct registry_login *login,
                        struct err *err)
{
    char name[64];
    (void)snprintf(name, sizeof name, "WL_REGISTRY_%zu_HOST", number);
    if (shell_assign(out, name, login->host, strlen(login->host), err) != 0)
        return -1;
    (void)snprintf(name, sizeof name, "WL_REGISTRY_%zu_LOGIN", number);
    if (shell_assign(out, name, login->login, strlen(login->login), err) != 0)
        return -1;
    (void)snprintf(name, sizeof name, "WL_REGISTRY_%zu_PASSWORD", number);
    return shell_assign(out, name, login->password, login->password_len, err);
}

static int assign_registries(struct buf *out, struct worker *w, const struct run *run,
                             struct err *err)
{
    const json_t *settings = json_object_get(run->plan, "settings");
    const char *names = json_string_value(json_object_get(settings, "registries"));
    struct registry_logins logins = {0};
    int rc = 0;
    if (names == NULL || names[0] == '\0')
        return 0;
    if (registry_logins_load(w->db, w->vault, names, &logins, err) != 0)
        return -1;
    for (size_t i = 0; i < logins.count && rc == 0; i++)
        rc = assign_login(out, i + 1, &logins.items[i], err);
    if (rc == 0)
        rc = assign_number(out, "WL_REGISTRIES", (json_int_t)logins.count, err);
    registry_logins_free(&logins);
    return rc;
}

/* --- the repository -----------------------------------------------------------------------------
 */

static const char *repository_secret(const struct run *run)
{
    const char *key =
        json_string_value(json_object_get(json_object_get(run->plan, "settings"), "git_secret"));
    return key == NULL ? "" : key;
}

/* The deploy key or token: an entry of the secret set, which the app does not get to see. */
static int assign_repository(struct buf *out, struct worker *w, const struct run *run,
                             json_int_t set, struct err *err)
{
    const char *key = repository_secret(run);
    struct secret_key wanted = {json_string_value(json_object_get(run->job, "environment_id")), key,
                                set};
    struct secret_values found = {0};
    int rc;
    if (key[0] == '\0')
        return 0;
    if (secret_values_one(w->db, w->vault, &wanted, &found, err) != 0)
        return -1;
    if (found.count == 0)
        rc = err_field(err, "settings.git_secret",
                       "The settings name %.128s as the key or token of the repository, and the "
                       "secret set has no such entry. Add it to the secrets.",
                       key);
    else if (!found.items[0].is_hidden)
        rc = err_field(err, key,
                       "%.128s is the key or token of the repository, and everybody may read it. "
                       "Make it secret or write-only.",
                       key);
    else
        rc = shell_assign(out, "WL_GIT_SECRET", found.items[0].bytes, found.items[0].len, err);
    secret_values_free(&found);
    return rc;
}

/* --- all of it ----------------------------------------------------------------------------------
 */

int deploy_input_make(struct deploy_input *input, struct worker *w, struct run *run,
                      const struct deploy_settled *settled, struct err *err)
{
    struct secret_values values = {0};
    int rc = -1;
    const char *env = json_string_value(json_object_get(run->job, "environment_id"));
    json_int_t number = json_integer_value(json_object_get(run->release, "secret_set"));

    if (assign_job(&input->common, run, err) != 0
        || assign_settings(input, json_object_get(run->plan, "settings"), err) != 0
        || shell_assign(&input->common, "WL_PINS", settled->pins, strlen(settled->pins), err) != 0
        || shell_assign(&input->common, "WL_COMMIT", settled->commit, strlen(settled->commit), err)
               != 0
        || assign_registries(&input->registries, w, run, err) != 0
        || assign_repository(&input->repository, w, run, number, err) != 0)
        return -1;
    if (secret_values_of_set(w->db, w->vault, env, number, &values, err) != 0)
        return -1;
    secret_values_drop(&values, repository_secret(run));
    rc = assign_env_file(&input->secrets, run, &values, err);
    if (rc == 0)
        rc = deploy_files_assign(&input->secrets, &values, err);
    if (rc == 0)
        rc = note_expected(input, &values, err);
    secret_values_free(&values);
    return rc;
}

static void add_when(struct buf *all, const struct buf *part, const json_t *step, const char *key)
{
    if (json_is_true(json_object_get(step, key)))
        buf_add(all, part->data, part->len);
}

int deploy_input_text(const struct deploy_input *input, const json_t *step, json_t **text,
                      struct err *err)
{
    struct buf all;
    const char *name;
    json_t *value;
    buf_init(&all, COMMON_MAX + COMPOSE_ROOM + 3 * SECRET_MAX);
    buf_add(&all, input->common.data, input->common.len);
    json_object_foreach(json_object_get(step, "assign"), name, value)
    {
        if (assign_text(&all, name, value, err) != 0) {
            buf_deinit(&all);
            return -1;
        }
    }
    add_when(&all, &input->secrets, step, "secrets");
    add_when(&all, &input->compose, step, "compose");
    add_when(&all, &input->registries, step, "registries");
    add_when(&all, &input->repository, step, "repository");
    *text = buf_ok(&all) ? json_stringn(all.data, all.len) : NULL;
    buf_wipe(&all);
    buf_deinit(&all);
    return *text != NULL
               ? 0
               : err_set(err, ERR_INPUT,
                         "A setting or a variable is not UTF-8 text. Store it as a file.");
}

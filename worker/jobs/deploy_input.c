/* Assignments for step scripts. lib/domain/shell.h writes them, so any value arrives as it is. */
#include "worker/jobs/deploy_input.h"

#include <ctype.h>
#include <string.h>
#include "lib/domain/envfile.h"
#include "lib/domain/shell.h"
#include "worker/secret_values.h"

#define COMMON_MAX ((size_t)512 * 1024)
#define SECRET_MAX ((size_t)2 * 1024 * 1024)

void deploy_input_init(struct deploy_input *input)
{
    buf_init(&input->common, COMMON_MAX);
    buf_init(&input->secret, SECRET_MAX);
}

void deploy_input_deinit(struct deploy_input *input)
{
    buf_wipe(&input->secret);
    buf_deinit(&input->secret);
    buf_deinit(&input->common);
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

/* WL_SET_<KEY IN CAPITALS> for each setting. */
static int assign_settings(struct buf *out, const json_t *settings, struct err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)settings, key, value)
    {
        char name[128];
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
    return assign_number(out, "WL_EPOCH", (json_int_t)run->hold.epoch, err);
}

/* The finished text of the env file, as one assignment. */
static int assign_env_file(struct buf *out, const struct secret_values *values, struct err *err)
{
    struct buf file;
    int rc = -1;
    buf_init(&file, SECRET_MAX);
    for (size_t i = 0; i < values->count; i++) {
        const struct secret_item *item = &values->items[i];
        if (item->is_file) {
            err_field(err, item->key,
                      "%.128s is a file, and this recipe places no files. Make it a "
                      "variable.",
                      item->key);
            goto out;
        }
        if (envfile_add(&file, item->key, item->bytes, item->len, err) != 0)
            goto out;
    }
    rc = shell_assign(out, "WL_ENV_FILE", file.data, file.len, err);
out:
    buf_wipe(&file);
    buf_deinit(&file);
    return rc;
}

int deploy_input_make(struct deploy_input *input, struct worker *w, struct run *run,
                      struct err *err)
{
    struct secret_values values = {0};
    int rc = -1;
    const char *env = json_string_value(json_object_get(run->job, "environment_id"));
    json_int_t number = json_integer_value(json_object_get(run->release, "secret_set"));

    if (assign_job(&input->common, run, err) != 0
        || assign_settings(&input->common, json_object_get(run->plan, "settings"), err) != 0)
        return -1;
    if (secret_values_of_set(w->db, w->vault, env, number, &values, err) != 0)
        return -1;
    rc = assign_env_file(&input->secret, &values, err);
    secret_values_free(&values);
    return rc;
}

int deploy_input_text(const struct deploy_input *input, bool secrets, json_t **text,
                      struct err *err)
{
    struct buf all;
    buf_init(&all, COMMON_MAX + SECRET_MAX);
    buf_add(&all, input->common.data, input->common.len);
    if (secrets)
        buf_add(&all, input->secret.data, input->secret.len);
    *text = buf_ok(&all) ? json_stringn(all.data, all.len) : NULL;
    buf_wipe(&all);
    buf_deinit(&all);
    return *text != NULL
               ? 0
               : err_set(err, ERR_INPUT,
                         "A setting or a variable is not UTF-8 text. Store it as a file.");
}

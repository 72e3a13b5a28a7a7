/* What a deploy must not show: values of secrets and passwords of registries, for the masks of log
 * and database (worker/mask/hide.h) and as texts for the mask process. */
#include "worker/jobs/deploy_hide.h"

#include <stdlib.h>
#include "db/environments.h"
#include "db/secrets.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "worker/registry_logins.h"
#include "worker/secret_values.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static int hide_one(struct run *run, const char *bytes, size_t len, struct err *err)
{
    size_t room = CRYPTO_B64_SIZE(len);
    char *text = malloc(room);
    int rc = text == NULL ? err_set(err, ERR_NO_MEMORY, "No memory is left.")
                          : hide_add(run->hide, bytes, len, err);
    if (rc == 0) {
        crypto_b64(text, room, bytes, len);
        json_array_append_new(run->hidden, json_string(text));
        crypto_wipe(text, room);
    }
    free(text);
    return rc;
}

static int hide_set(struct worker *w, struct run *run, json_int_t number, struct err *err)
{
    struct secret_values values = {0};
    int rc = secret_values_to_mask(w->db, w->vault, text_of(run->job, "environment_id"), number,
                                   &values, err);
    for (size_t i = 0; i < values.count && rc == 0; i++)
        rc = hide_one(run, values.items[i].bytes, values.items[i].len, err);
    secret_values_free(&values);
    return rc;
}

/* One that does not open must not be in the way of leaving it. */
static int hide_other_set(struct worker *w, struct run *run, json_int_t number, struct err *err)
{
    struct err ignored = {0};
    if (number == json_integer_value(json_object_get(run->release, "secret_set"))
        || hide_set(w, run, number, &ignored) == 0)
        return 0;
    log_err("mask_other_set", &ignored);
    if (ignored.code != ERR_BUSY && ignored.code != ERR_NO_MEMORY)
        return 0;
    *err = ignored;
    return -1;
}

/* Those of this set; and of the newest and the live one, where they are others: what runs until the
 * switch may say them. */
static int hide_secrets(struct worker *w, struct run *run, struct err *err)
{
    json_t *newest = NULL, *live = NULL;
    int rc = -1;
    if (secret_set_current(w->db, text_of(run->job, "environment_id"), &newest, err) == 0
        && environment_release(w->db, text_of(run->plan, "good"), &live, err) == 0
        && hide_set(w, run, json_integer_value(json_object_get(run->release, "secret_set")), err)
               == 0
        && hide_other_set(w, run, json_integer_value(json_object_get(newest, "number")), err) == 0
        && hide_other_set(w, run, json_integer_value(json_object_get(live, "secret_set")), err)
               == 0)
        rc = 0;
    json_decref(newest);
    json_decref(live);
    return rc;
}

static int hide_passwords(struct worker *w, struct run *run, struct err *err)
{
    struct registry_logins logins = {0};
    const char *names = text_of(json_object_get(run->plan, "settings"), "registries");
    int rc = names[0] == '\0' ? 0 : registry_logins_load(w->db, w->vault, names, &logins, err);
    for (size_t i = 0; i < logins.count && rc == 0; i++)
        rc = hide_one(run, logins.items[i].password, logins.items[i].password_len, err);
    registry_logins_free(&logins);
    return rc;
}

int deploy_hide(struct worker *w, struct run *run, struct err *err)
{
    hide_free(run->hide);
    json_decref(run->hidden);
    run->hide = hide_new();
    run->hidden = json_array();
    if (run->hide == NULL || run->hidden == NULL)
        return err_set(err, ERR_NO_MEMORY, "No memory is left.");
    return hide_secrets(w, run, err) != 0 ? -1 : hide_passwords(w, run, err);
}

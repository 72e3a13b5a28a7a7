/* runner_begin.c - the begin frame, checked: what comes over fd 3 is our own supervisor's, but a
 * field that is missing must be a sentence here and not a crash in the middle of a deploy. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "worker/runner/runner_private.h"

/* base64url: a nonce is a token of crypto_new_token. */
#define NONCE_ALPHABET  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define LOST_MS_DEFAULT 60000
#define LOG_MAX_DEFAULT ((int64_t)16 * 1024 * 1024)

static const struct {
    const char *name;
    enum step_mode mode;
} modes[] = {
    {"connect", MODE_CONNECT}, {"lock", MODE_LOCK},           {"detached", MODE_DETACHED},
    {"upload", MODE_UPLOAD},   {"health", MODE_HEALTH},       {"check", MODE_CHECK},
    {"unlock", MODE_UNLOCK},   {"read_back", MODE_READ_BACK}, {"look", MODE_LOOK},
};

static const char *const end_names[] = {"pending", "intent",    "ok",     "failed",
                                        "skipped", "cancelled", "unknown"};

const char *step_end_name(enum step_end end)
{
    return end_names[end];
}

enum step_end step_end_from_name(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(end_names); i++)
        if (str_equal(name, end_names[i]))
            return (enum step_end)i;
    return STEP_UNKNOWN;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL ? value : "";
}

static const char *text_or_null(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

const char *runner_setting(const struct runner *r, const char *key)
{
    return text(r->settings, key);
}

int64_t runner_setting_int(const struct runner *r, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(r->settings, key);
    int64_t number = otherwise;
    if (json_is_integer(value))
        return json_integer_value(value);
    if (json_is_string(value)
        && str_to_int64(json_string_value(value), INT64_MIN, INT64_MAX, &number))
        return number;
    return otherwise;
}

static int parse_step(struct runner *r, const json_t *object, struct err *err)
{
    const json_t *number = json_object_get(object, "step");
    if (r->step_count == RUNNER_STEPS_MAX || !json_is_integer(number)
        || json_integer_value(number) < 0 || json_integer_value(number) > 250)
        return err_set(err, ERR_INTERNAL,
                       "The begin frame has a step without a number, or too many steps.");
    struct step *step = &r->steps[r->step_count];
    step->number = (int)json_integer_value(number);
    step->name = text(object, "name");
    step->title = text(object, "title");
    for (size_t i = 0; i < COUNT_OF(modes); i++)
        if (strcmp(text(object, "mode"), modes[i].name) == 0)
            step->mode = modes[i].mode;
    if (step->mode == MODE_UNKNOWN)
        return err_set(err, ERR_INTERNAL, "The step %s has a mode that is not known: %s.",
                       step->name, text(object, "mode"));
    step->undo = strcmp(text(object, "phase"), "undo") == 0;
    step->idempotent = json_is_true(json_object_get(object, "idempotent"));
    step->point_of_no_return = json_is_true(json_object_get(object, "point_of_no_return"));
    step->witness = step->mode == MODE_HEALTH || json_is_true(json_object_get(object, "witness"));
    step->deadline_ms = json_integer_value(json_object_get(object, "deadline_ms"));
    if (step->deadline_ms <= 0)
        step->deadline_ms = 60000;
    step->lib = text_or_null(object, "lib");
    step->script = text_or_null(object, "script");
    step->input = text_or_null(object, "input");
    if (step->mode == MODE_CHECK && step->lib == NULL) {
        step->lib = target_script(TARGET_LIBRARY);
        step->script = target_script(TARGET_CHECK);
    }
    step->expect = json_object_get(object, "expect");
    step->mac_key = text(object, "mac_key");
    if (step->mode == MODE_READ_BACK && !json_is_object(step->expect))
        return err_set(err, ERR_INTERNAL, "The step %s has nothing to compare.", step->name);
    if ((step->mode == MODE_DETACHED || step->mode == MODE_CHECK || step->mode == MODE_READ_BACK
         || step->mode == MODE_LOOK)
        && step->script == NULL)
        return err_set(err, ERR_INTERNAL, "The step %s has no script.", step->name);
    step->status = -1;
    r->step_count++;
    return 0;
}

static void parse_resume(struct runner *r, const json_t *list)
{
    size_t i;
    json_t *object;
    json_array_foreach(list, i, object)
    {
        json_int_t number = json_integer_value(json_object_get(object, "step"));
        for (int k = 0; k < r->step_count; k++) {
            struct step *step = &r->steps[k];
            if (step->number != number)
                continue;
            step->state = step_end_from_name(text(object, "state"));
            step->origin = json_integer_value(json_object_get(object, "origin"));
            (void)str_copy(step->cause, sizeof step->cause, text(object, "cause"));
            if (step->mode != MODE_CONNECT && step->state != STEP_SKIPPED)
                r->touched = true;
        }
    }
}

static int parse_target(struct runner *r, const json_t *object, struct err *err)
{
    int len = crypto_unb64(text(object, "pin_blob"), r->pin, sizeof r->pin);
    r->target.host = text(object, "host");
    r->target.port = (int)json_integer_value(json_object_get(object, "port"));
    r->target.login = text(object, "login");
    r->target.pin_type = text_or_null(object, "pin_type");
    r->target.pin_blob = len > 0 ? r->pin : NULL;
    r->target.pin_len = len > 0 ? (size_t)len : 0;
    r->target.private_key = text(object, "key");
    r->target.private_key_len = strlen(r->target.private_key);
    r->target.wake_fd = RUNNER_FRAMES_FD;
    r->host_name = text(object, "name");
    if (r->host_name[0] == '\0')
        r->host_name = r->target.host;
    if (r->target.host[0] == '\0' || r->target.login[0] == '\0' || r->target.port <= 0
        || r->target.port > 65535)
        return err_set(err, ERR_INTERNAL, "The begin frame names no target.");
    return 0;
}

int runner_parse(struct runner *r, json_t *begin, struct err *err)
{
    size_t i;
    json_t *object;
    memset(r, 0, sizeof *r);
    r->begin = begin;
    r->job = text(begin, "job");
    r->kind = text(begin, "kind");
    r->nonce = text(begin, "nonce");
    r->instance = text(begin, "instance");
    r->env = text(begin, "env");
    r->who = text(begin, "who");
    r->why = text(begin, "why");
    r->version = text(begin, "version");
    r->host = (int)json_integer_value(json_object_get(begin, "host"));
    r->epoch = json_integer_value(json_object_get(begin, "epoch"));
    r->cancel = (int)json_integer_value(json_object_get(begin, "cancel"));
    r->holds = json_is_true(json_object_get(begin, "holds"));
    r->is_balancer = json_is_true(json_object_get(begin, "balancer"));
    r->settings = json_object_get(begin, "settings");
    r->says = json_object_get(begin, "says");
    r->log_max = json_integer_value(json_object_get(json_object_get(begin, "limits"), "log_max"));
    if (r->log_max <= 0)
        r->log_max = LOG_MAX_DEFAULT;
    r->lost_ms = json_integer_value(json_object_get(json_object_get(begin, "limits"), "lost_ms"));
    if (r->lost_ms <= 0)
        r->lost_ms = LOST_MS_DEFAULT;
    const json_t *artefact = json_object_get(begin, "artefact");
    r->artefact_size =
        json_is_object(artefact) ? json_integer_value(json_object_get(artefact, "size")) : -1;
    r->artefact_sha256 = text(artefact, "sha256");
    r->go_for = r->skip_for = -1;
    /* Both become names of files on the target. */
    if (!crypto_is_id(r->job) || r->nonce[0] == '\0'
        || strspn(r->nonce, NONCE_ALPHABET) != strlen(r->nonce)
        || (r->env[0] != '\0' && !crypto_is_id(r->env)))
        return err_set(err, ERR_INTERNAL,
                       "The begin frame has no usable job, nonce or environment.");
    if (parse_target(r, json_object_get(begin, "target"), err) != 0)
        return -1;
    json_array_foreach(json_object_get(begin, "steps"), i,
                       object) if (parse_step(r, object, err) != 0) return -1;
    parse_resume(r, json_object_get(begin, "resume"));
    return 0;
}

void runner_free(struct runner *r)
{
    ssh_close(r->ssh);
    for (int i = 0; i < r->step_count; i++)
        json_decref(r->steps[i].results);
    json_decref(r->server);
    json_decref(r->begin);
}

enum step_end step_ends(struct step *step, enum step_end end, const struct err *err)
{
    (void)str_copy(step->cause, sizeof step->cause, err->user);
    return end;
}

enum step_end step_says(struct step *step, enum step_end end, const char *fmt, ...)
{
    va_list values;
    va_start(values, fmt);
    (void)vsnprintf(step->cause, sizeof step->cause, fmt, values);
    va_end(values);
    return end;
}

void step_result(struct step *step, const char *key, const char *fmt, ...)
{
    char value[1024];
    va_list values;
    va_start(values, fmt);
    (void)vsnprintf(value, sizeof value, fmt, values);
    va_end(values);
    if (step->results == NULL)
        step->results = json_object();
    /* A value of a hostile target may be no UTF-8: jansson then refuses it, and it is left out. */
    (void)json_object_set_new(step->results, key, json_string(value));
}

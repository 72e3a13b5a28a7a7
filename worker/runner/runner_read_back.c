/* runner_read_back.c - the variables as the target's own reader reads them, compared byte for byte
 * with what was sent, before anything is switched.
 *
 * The recipe's script has that reader (docker compose, sh) read the new file and prints what came
 * of it, first a line "wl-format FORMAT". That output holds every value: it is neither a log nor
 * stored, and this process, the limited one that faces the target, takes it apart. It is compared
 * by MACs under a key made for this job, so that no value is needed here that the step does not
 * bring along itself.
 *
 *     environ       NAME=value, each ended by NUL (proc(5), /proc/pid/environ)
 *     compose-json  docker compose config --format json; each $ is doubled in it
 *     compose-yaml  docker-compose config of version 1; likewise */
#include <stdlib.h>
#include <string.h>
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/yaml/yaml_read.h"
#include "worker/runner/runner_private.h"

#define ANSWER_MAX ((size_t)16 * 1024 * 1024)
#define FORMAT     "wl-format "
#define RESULT     "wl-result cause="
#define SERVICE    "read_back" /* of the synthetic project (recipes/compose/read_back.sh) */

/* What came back. For `environ` the bytes, for the others an object. */
struct came_back {
    const char *environ_bytes;
    size_t environ_len;
    json_t *values; /* new reference */
};

/* --- finding a value --- */

static const char *find_in_environ(const struct came_back *back, const char *key, size_t *len)
{
    size_t key_len = strlen(key);
    const char *at = back->environ_bytes, *end = at + back->environ_len;
    while (at < end) {
        const char *stop = memchr(at, '\0', (size_t)(end - at));
        size_t n = stop == NULL ? (size_t)(end - at) : (size_t)(stop - at);
        if (n > key_len && at[key_len] == '=' && memcmp(at, key, key_len) == 0) {
            *len = n - key_len - 1;
            return at + key_len + 1;
        }
        at += n + 1;
    }
    return NULL;
}

/* Compose doubles each $ in what it prints. In place; -1 when one stands alone. */
static int undouble(char *text, size_t *len)
{
    size_t to = 0;
    for (size_t from = 0; from < *len; from++) {
        if (text[from] == '$' && (from + 1 == *len || text[++from] != '$'))
            return -1;
        text[to++] = text[from];
    }
    *len = to;
    return 0;
}

static void mac_of(const uint8_t *mac_key, const char *bytes, size_t len,
                   uint8_t mac[CRYPTO_MAC_BYTES])
{
    crypto_mac(mac_key, "read_back", bytes, len, mac);
}

/* False: not there. */
static bool mac_of_key(const struct came_back *back, const uint8_t *mac_key, const char *key,
                       uint8_t mac[CRYPTO_MAC_BYTES])
{
    const json_t *value = json_object_get(back->values, key);
    size_t len = 0;
    char *copy;
    if (back->environ_bytes != NULL) {
        const char *bytes = find_in_environ(back, key, &len);
        if (bytes != NULL)
            mac_of(mac_key, bytes, len, mac);
        return bytes != NULL;
    }
    len = json_string_length(value);
    copy = json_is_string(value) ? malloc(len + 1) : NULL;
    if (copy == NULL)
        return false;
    memcpy(copy, json_string_value(value), len);
    if (undouble(copy, &len) == 0)
        mac_of(mac_key, copy, len, mac);
    else
        memset(mac, 0, CRYPTO_MAC_BYTES); /* equal to nothing */
    crypto_wipe(copy, json_string_length(value));
    free(copy);
    return true;
}

/* --- taking the answer apart --- */

static json_t *environment_in(const json_t *config)
{
    const json_t *service = json_object_get(json_object_get(config, "services"), SERVICE);
    json_t *environment = json_object_get(service, "environment");
    return json_is_object(environment) ? json_incref(environment) : NULL;
}

static json_t *read_json(const char *text, size_t len)
{
    json_t *config = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    json_t *environment = environment_in(config);
    json_decref(config);
    return environment;
}

static json_t *read_yaml(const char *text, size_t len)
{
    struct yaml_text yaml = {0};
    struct err ignored = {0};
    json_t *environment = NULL;
    if (yaml_read(text, len, &yaml, &ignored) == 0)
        environment = environment_in(yaml.value);
    yaml_text_free(&yaml);
    return environment;
}

/* Where the line begins that names the format: what the script noted before it is passed over. */
static const char *find_format(const struct buf *answer)
{
    const char *at = answer->len > 0 ? answer->data : "";
    while (!str_starts(at, FORMAT)) {
        at = strchr(at, '\n');
        if (at == NULL)
            return NULL;
        at++;
    }
    return at;
}

static bool take_apart(const struct buf *answer, struct came_back *back)
{
    const char *text = find_format(answer), *end = text == NULL ? NULL : strchr(text, '\n');
    size_t len;
    if (end == NULL)
        return false;
    len = answer->len - (size_t)(end + 1 - answer->data);
    if (str_starts(text, FORMAT "environ\n")) {
        back->environ_bytes = end + 1;
        back->environ_len = len;
    } else if (str_starts(text, FORMAT "compose-json\n"))
        back->values = read_json(end + 1, len);
    else if (str_starts(text, FORMAT "compose-yaml\n"))
        back->values = read_yaml(end + 1, len);
    return back->environ_bytes != NULL || back->values != NULL;
}

/* --- comparing --- */

static enum step_end compare(struct step *step, const struct came_back *back)
{
    uint8_t mac_key[CRYPTO_KEY_BYTES], want[CRYPTO_MAC_BYTES], got[CRYPTO_MAC_BYTES];
    const char *key;
    json_t *value;
    if (!crypto_unhex(step->mac_key, mac_key, sizeof mac_key))
        return step_says(step, STEP_FAILED, "There is no key to compare the variables with.");
    json_object_foreach((json_t *)(uintptr_t)step->expect, key, value)
    {
        const char *hex = json_string_value(value);
        if (hex == NULL || !crypto_unhex(hex, want, sizeof want))
            return step_says(step, STEP_FAILED, "It is not known what %.128s should be.", key);
        if (!mac_of_key(back, mac_key, key, got))
            return step_says(step, STEP_FAILED,
                             "%.128s did not arrive: the server's own reader does not find it in "
                             "the file. Nothing was switched. Fix: rename it, or store its value "
                             "as a file.",
                             key);
        if (!crypto_equal(want, got, sizeof want))
            return step_says(step, STEP_FAILED,
                             "%.128s did not arrive as it was saved: the server's own reader makes "
                             "other bytes of it. Nothing was switched. Fix: write its value in "
                             "another form (base64), or store it as a file.",
                             key);
    }
    step_result(step, "values", "%zu", json_object_size(step->expect));
    return STEP_OK;
}

/* The script's own sentence, when it failed with one. */
static enum step_end not_read(struct step *step, const struct buf *answer)
{
    const char *text = answer->len > 0 ? answer->data : "", *cause = strstr(text, RESULT);
    if (cause != NULL && (cause == text || cause[-1] == '\n')) {
        cause += strlen(RESULT);
        return step_says(step, STEP_FAILED, "%.*s", (int)strcspn(cause, "\n"), cause);
    }
    return step_says(
        step, STEP_FAILED,
        "The variables could not be read back on the server, so it is not proven that "
        "they arrive. Nothing was switched. Fix: see that its shell, or docker compose "
        "config, runs there.");
}

enum step_end step_read_back(struct runner *r, struct step *step)
{
    struct err err = {0};
    struct came_back back = {0};
    struct buf answer;
    enum step_end end;
    enum call call;
    buf_init(&answer, ANSWER_MAX);
    do {
        buf_reset(&answer);
        call = remote_inline(r, step, &answer, &err);
    } while (call == CALL_AGAIN);
    if (call == CALL_STOPPED)
        end = step_says(step, STEP_CANCELLED, "Cancelled.");
    else if (call == CALL_LOST)
        end = step_ends(step, STEP_UNKNOWN, &err);
    else if (call != CALL_OK || !take_apart(&answer, &back))
        end = not_read(step, &answer);
    else
        end = compare(step, &back);
    if (end == STEP_OK)
        wire_note(r, "All %zu variables come back byte for byte.", json_object_size(step->expect));
    wire_flush(r, step);
    json_decref(back.values);
    buf_wipe(&answer);
    buf_deinit(&answer);
    return end;
}

/* runner_health.c - is the app healthy, as seen from where it lives?
 *
 * The URL is asked through the SSH connection (a channel from the target to 127.0.0.1 there); where
 * forwarding is not allowed, by curl or wget on the target; where there is neither, nobody knows,
 * and unknown is the answer. Healthy is not one good answer: so many in a row, over a soak time,
 * within a deadline. Where the body is JSON, its `status` must be a good word and its `version` the
 * version that was deployed: an old process that still holds the port is not taken for the new
 * release. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "worker/runner/runner_private.h"

#define EACH_MS   1000
#define ANSWER_MS 5000
#define BODY_MAX  ((size_t)65536 + 4096)

struct health {
    struct runner *r;
    struct step *step;
    int port;
    const char *path, *host;
    int64_t want_status, want_count, soak_ms, deadline;
    char want_version[80]; /* "": none known */
    bool on_target;        /* forwarding is refused: curl or wget there */
    char via[16];
    int64_t good, first_good; /* answers in a row; monotonic time of the first of them */
    int64_t asked;
    int status;
    char json_status[64], json_version[80];
    char last[300]; /* the last answer in words */
};

enum health_answer { ANSWER_BAD, ANSWER_GOOD, ANSWER_NOBODY_CAN_ASK, ANSWER_LOST };

/* --- one answer ----------------------------------------------------------------------------------
 */

static bool is_good_word(const char *word)
{
    static const char *const good[] = {"ok", "up", "pass", "passing", "healthy", "alive", "ready"};
    for (size_t i = 0; i < COUNT_OF(good); i++)
        if (strcasecmp(word, good[i]) == 0)
            return true;
    return false;
}

static bool same_version(const char *a, const char *b)
{
    a += *a == 'v' || *a == 'V';
    b += *b == 'v' || *b == 'V';
    return strcmp(a, b) == 0;
}

/* The start of a body, fit for a sentence. */
static void show_body(char *dst, size_t dst_size, const struct buf *body)
{
    size_t used = 0;
    for (size_t i = 0; i < body->len && used + 5 < dst_size; i++) {
        unsigned char c = (unsigned char)body->data[i];
        if (c == '\n' || c == '\r')
            break;
        dst[used++] = c >= ' ' && c < 127 ? (char)c : '?';
    }
    dst[used] = '\0';
}

static bool judge_json(struct health *h, const struct buf *body)
{
    json_t *json = json_loadb(body->data, body->len, JSON_REJECT_DUPLICATES, NULL);
    const char *status = json_string_value(json_object_get(json, "status"));
    const char *version = json_string_value(json_object_get(json, "version"));
    bool good = true;
    h->json_status[0] = h->json_version[0] = '\0';
    if (status != NULL) {
        (void)str_copy(h->json_status, sizeof h->json_status, status);
        good = is_good_word(status);
        if (!good)
            (void)snprintf(h->last, sizeof h->last, "it answers %d with status \"%.60s\"",
                           h->status, status);
    }
    if (version != NULL) {
        (void)str_copy(h->json_version, sizeof h->json_version, version);
        if (good && h->want_version[0] != '\0' && !same_version(version, h->want_version)) {
            good = false;
            (void)snprintf(h->last, sizeof h->last, "version %.60s answers, not %.60s", version,
                           h->want_version);
        }
    }
    json_decref(json);
    return good;
}

static enum health_answer judge(struct health *h, const struct buf *body)
{
    if (h->status != h->want_status) {
        char shown[120];
        show_body(shown, sizeof shown, body);
        (void)snprintf(h->last, sizeof h->last, "it answers %d, not %lld%s%s", h->status,
                       (long long)h->want_status, shown[0] != '\0' ? ": " : "", shown);
        return ANSWER_BAD;
    }
    return judge_json(h, body) ? ANSWER_GOOD : ANSWER_BAD;
}

/* --- asking
 * ----------------------------------------------------------------------------------------- */

static enum health_answer ask_on_target(struct health *h)
{
    char port[16];
    struct err err = {0};
    struct buf answer;
    enum health_answer result = ANSWER_BAD;
    (void)snprintf(port, sizeof port, "%d", h->port);
    const char *const variables[] = {"PORT",        port,    "URL_PATH", h->path,
                                     "HOST_HEADER", h->host, NULL};
    buf_init(&answer, BODY_MAX);
    enum call call = remote_ask(
        h->r,
        &(struct remote){
            .script = TARGET_GET, .variables = variables, .deadline_ms = 20000, .out = &answer},
        &err);
    (void)answer_get(&answer, "via", h->via, sizeof h->via);
    h->status = (int)answer_int(&answer, "status", 0);
    if (call == CALL_LOST) {
        (void)str_copy(h->step->cause, sizeof h->step->cause, err.user);
        result = ANSWER_LOST;
    } else if (call == CALL_OK && strcmp(h->via, "none") == 0) {
        result = ANSWER_NOBODY_CAN_ASK;
    } else if (h->status == 0) {
        (void)snprintf(h->last, sizeof h->last, "nothing answers on port %d", h->port);
    } else {
        char *body = strstr(answer.data, "\nbody=\n");
        if (body != NULL)
            buf_consume(&answer, (size_t)(body + 7 - answer.data));
        result = judge(h, &answer);
    }
    buf_deinit(&answer);
    return result;
}

static enum health_answer ask(struct health *h)
{
    struct err err = {0};
    struct buf body;
    enum ssh_fault fault = SSH_FAULT_NONE;
    enum health_answer result = ANSWER_BAD;
    h->asked++;
    if (h->on_target)
        return ask_on_target(h);
    if (!ssh_alive(h->r->ssh)) {
        if (remote_after(h->r, SSH_FAULT_LOST, &err) != CALL_LOST)
            return ANSWER_BAD; /* back again; the next second asks */
        (void)str_copy(h->step->cause, sizeof h->step->cause, err.user);
        return ANSWER_LOST;
    }
    buf_init(&body, BODY_MAX);
    if (ssh_http_get(h->r->ssh, h->port, h->path, h->host, ANSWER_MS, &h->status, &body, &fault,
                     &err)
        == 0) {
        h->r->last_contact = clock_mono_ms();
        result = judge(h, &body);
    } else if (fault == SSH_FAULT_REMOTE && err.code == ERR_DENIED) {
        wire_note(h->r, "%s The health URL is asked by the server itself instead.", err.user);
        h->on_target = true;
        result = ask_on_target(h);
    } else if (fault == SSH_FAULT_REMOTE) {
        h->r->last_contact = clock_mono_ms();
        (void)str_copy(h->last, sizeof h->last, err.user);
        h->last[0] = h->last[0] == 'N' ? 'n' : h->last[0];
        h->last[strcspn(h->last, ".\n") == 0 ? 0 : strlen(h->last) - (h->last[0] != '\0')] =
            '\0'; /* without the full stop */
    } else if (remote_after(h->r, fault, &err) == CALL_LOST) {
        (void)str_copy(h->step->cause, sizeof h->step->cause, err.user);
        result = ANSWER_LOST;
    }
    buf_deinit(&body);
    return result;
}

/* --- the step
 * ----------------------------------------------------------------------------------------- */

/* What the undo has put back may be another version on another port than this deploy's: the scripts
 * say so in their results. */
static void heed_results(struct health *h)
{
    const struct runner *r = h->r;
    (void)str_copy(h->want_version, sizeof h->want_version, h->step->undo ? "" : r->version);
    for (int i = 0; i < r->step_count && &r->steps[i] != h->step; i++) {
        const json_t *results = r->steps[i].results;
        const char *version = json_string_value(json_object_get(results, "version"));
        const char *port = json_string_value(json_object_get(results, "port"));
        int64_t number;
        if (r->steps[i].undo != h->step->undo)
            continue;
        if (version != NULL)
            (void)str_copy(h->want_version, sizeof h->want_version, version);
        if (port != NULL && str_to_int64(port, 1, 65535, &number))
            h->port = (int)number;
    }
}

static void begin_health(struct health *h, struct runner *r, struct step *step)
{
    *h = (struct health){.r = r, .step = step};
    h->port = (int)runner_setting_int(r, "health_port", runner_setting_int(r, "port", 0));
    h->path = runner_setting(r, "health_path")[0] == '/' ? runner_setting(r, "health_path") : "/";
    h->host = runner_setting(r, "health_host");
    h->want_status = runner_setting_int(r, "health_status", 200);
    h->want_count = runner_setting_int(r, "health_count", 3);
    h->soak_ms = runner_setting_int(r, "health_soak_s", 3) * 1000;
    int64_t budget = runner_setting_int(r, "health_deadline_s", 60) * 1000;
    h->deadline =
        clock_mono_ms() + (budget < step->deadline_ms ? budget : step->deadline_ms) + h->soak_ms;
    (void)str_copy(h->via, sizeof h->via, "ssh");
    (void)str_copy(h->last, sizeof h->last, "it was not asked yet");
    heed_results(h);
    /* An image's tag need not be what the app calls its version: then the recipe asks not to
     * compare, and the image's digest is the witness. */
    if (json_is_false(json_object_get(r->settings, "health_version")))
        h->want_version[0] = '\0';
}

static void tell_witnesses(struct health *h)
{
    struct step *step = h->step;
    step_result(step, "http_status", "%d", h->status);
    step_result(step, "asked", "%lld", (long long)h->asked);
    step_result(step, "in_a_row", "%lld", (long long)h->good);
    step_result(step, "via", "%s", h->via);
    if (h->json_status[0] != '\0')
        step_result(step, "status", "%s", h->json_status);
    if (h->json_version[0] != '\0')
        step_result(step, "version_seen", "%s", h->json_version);
}

static enum step_end unhealthy(struct health *h)
{
    char took[32];
    tell_witnesses(h);
    return step_says(
        h->step, STEP_FAILED,
        "The app did not become healthy within %s: at the end %s. Fix: see the app's own log on "
        "the server; check the health "
        "path, the port and the variables.",
        str_duration(took, sizeof took, runner_setting_int(h->r, "health_deadline_s", 60) * 1000),
        h->last);
}

/* Until it is time to ask again, or somebody wants something. */
static void wait_a_second(struct health *h, int64_t until)
{
    while (!h->r->gone && clock_left_ms(until) > 0) {
        wire_poll(h->r, clock_left_ms(until));
        if (h->r->cancel > 0 && !h->r->no_cancel)
            return;
    }
}

static enum step_end healthy(struct health *h)
{
    char span[32];
    tell_witnesses(h);
    (void)str_duration(span, sizeof span, clock_mono_ms() - h->first_good);
    step_result(h->step, "over", "%s", span);
    wire_note(h->r, "Healthy: %lld good answers in a row over %s%s%s.", (long long)h->good, span,
              h->json_version[0] != '\0' ? ", version " : "", h->json_version);
    return STEP_OK;
}

enum step_end step_health(struct runner *r, struct step *step)
{
    struct health h;
    char told[300];
    begin_health(&h, r, step);
    (void)str_copy(told, sizeof told, h.last); /* not to be told: the connection was lost first */
    if (h.port == 0)
        return step_says(step, STEP_FAILED,
                         "The port of the app is not set, so its health cannot be asked. Fix: set "
                         "it in the settings.");
    wire_note(r, "Asking http://127.0.0.1:%d%s on %s", h.port, h.path, r->host_name);
    for (;;) {
        int64_t next = clock_mono_ms() + EACH_MS;
        enum health_answer answer = ask(&h);
        if (r->gone || answer == ANSWER_LOST)
            return STEP_UNKNOWN;
        if (answer == ANSWER_NOBODY_CAN_ASK)
            return step_says(step, STEP_UNKNOWN,
                             "Nobody can ask the app for its health: SSH may not forward there, "
                             "and the server has neither curl nor wget. Fix: "
                             "add port-forwarding,permitopen=\"127.0.0.1:*\" to the line in "
                             "authorized_keys, or install curl.");
        h.good = answer == ANSWER_GOOD ? h.good + 1 : 0;
        if (h.good == 1)
            h.first_good = clock_mono_ms();
        if (answer == ANSWER_BAD && strcmp(told, h.last) != 0) {
            wire_note(r, "Not healthy yet: %s", h.last);
            (void)str_copy(told, sizeof told, h.last);
        }
        if (h.good >= h.want_count && clock_mono_ms() - h.first_good >= h.soak_ms)
            return healthy(&h);
        if (clock_left_ms(h.deadline) == 0)
            return unhealthy(&h);
        wait_a_second(&h, next);
        if (r->cancel > 0 && !r->no_cancel)
            return step_says(step, STEP_CANCELLED, "Cancelled while waiting for the app's health.");
    }
}

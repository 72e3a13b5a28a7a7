/* stand_in_runner.h - what stands in for the runner in tests of the supervisor: the test program
 * itself, started by the worker through WL_RUNNER. It speaks the frames and keeps a "target" in a
 * file: one line `ran <step>` for each time a step was done there. */
#ifndef WL_TESTS_DB_STAND_IN_RUNNER_H
#define WL_TESTS_DB_STAND_IN_RUNNER_H

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "tests/db/fixture.h"
#include "db/artefacts.h"
#include "db/basis.h"
#include "db/environments.h"
#include "db/instance.h"
#include "lib/base/io.h"
#include "lib/base/str.h"
#include "lib/domain/joblog.h"
#include "worker/mask/frame.h"

#define SECRET "canary-Zo9-topsecret"

/* --- the stand-in runner -------------------------------------------------------------------------
 * FAKE_PLAN, words with spaces: die:K (killed after `go` for step K, before it acts), done:K
 * (killed after it acted), hang:K (acts, then never answers), fail:K, slow; with @H behind it on
 * host H alone. Each of die and done once per world. */

static int fake_host; /* whose turn this process has */

__attribute__((unused)) static bool plan_says(const char *word, int step)
{
    char want[64], here[64];
    const char *plan = getenv("FAKE_PLAN");
    snprintf(want, sizeof want, " %s:%d ", word, step);
    snprintf(here, sizeof here, " %s:%d@%d ", word, step, fake_host);
    char all[300];
    snprintf(all, sizeof all, " %s ", plan == NULL ? "" : plan);
    return strstr(all, want) != NULL || strstr(all, here) != NULL;
}

__attribute__((unused)) static bool fails_always(void)
{
    const char *plan = getenv("FAKE_PLAN");
    return plan != NULL && strstr(plan, "always") != NULL;
}

__attribute__((unused)) static void PRINTF(2, 3) append_line(const char *path, const char *fmt, ...)
{
    char text[300];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text - 1, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n > sizeof text - 2)
        n = (int)sizeof text - 2; /* cut: a long sentence of an error, never what is counted */
    text[n++] = '\n';
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, (size_t)n) != n)
        _exit(9);
    close(fd);
}

__attribute__((unused)) static int count_lines(const char *path, const char *line)
{
    char text[300];
    int found = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    while (fgets(text, sizeof text, file) != NULL) {
        text[strcspn(text, "\n")] = '\0';
        found += strcmp(text, line) == 0;
    }
    fclose(file);
    return found;
}

static void fake_send(json_t *frame)
{
    struct err err = {0};
    char *text = json_dumps(frame, JSON_COMPACT);
    if (text == NULL || io_frame_write(3, text, strlen(text), clock_mono_ms() + 5000, &err) != 0)
        _exit(3);
    free(text);
    json_decref(frame);
}

static json_t *fake_read(void)
{
    struct buf text;
    struct err err = {0};
    bool eof = false;
    buf_init(&text, IO_FRAME_MAX);
    if (io_frame_read(3, &text, clock_mono_ms() + 60000, &eof, &err) != 0 || eof)
        _exit(4);
    json_t *frame = json_loadb(text.data, text.len, 0, NULL);
    buf_deinit(&text);
    if (frame == NULL)
        _exit(5);
    return frame;
}

static void fake_output(int step, int64_t origin, const char *text, char kind)
{
    char out[MASK_FRAME_MAX];
    struct mask_frame frame = {.host = (uint8_t)fake_host,
                               .step = (uint8_t)step,
                               .kind = kind,
                               .origin = origin,
                               .body = text,
                               .len = strlen(text)};
    struct err err = {0};
    if (io_write_all(5, out, mask_frame_write(out, &frame), clock_mono_ms() + 5000, &err) != 0)
        _exit(6);
}

static const char *fake_before(const json_t *begin, int step, int64_t *origin)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(begin, "resume"), i, item)
    {
        if (json_integer_value(json_object_get(item, "step")) == step) {
            *origin = json_integer_value(json_object_get(item, "origin"));
            return json_string_value(json_object_get(item, "state"));
        }
    }
    return "";
}

/* Wait for go. 1: cancelled meanwhile, 2: the step is not wanted. */
static int fake_go(void)
{
    int cancelled = 0;
    for (;;) {
        json_t *frame = fake_read();
        const char *t = json_string_value(json_object_get(frame, "t"));
        bool go = t != NULL && strcmp(t, "go") == 0, skip = t != NULL && strcmp(t, "skip") == 0;
        cancelled |= t != NULL && strcmp(t, "cancel") == 0;
        json_decref(frame);
        if (skip)
            return 2;
        if (go)
            return cancelled;
    }
}

/* The log is on disk up to here, before what is on the target may be deleted. */
static void fake_stored(int step, int64_t origin)
{
    fake_send(
        json_pack("{s:s, s:i, s:I}", "t", "sync", "step", step, "origin", (json_int_t)origin));
    for (;;) {
        json_t *frame = fake_read();
        bool stored = strcmp(json_string_value(json_object_get(frame, "t")), "stored") == 0;
        bool right = json_integer_value(json_object_get(frame, "origin")) == origin;
        json_decref(frame);
        if (stored && !right)
            _exit(8);
        if (stored)
            return;
    }
}

/* The first line of an assignment in a step's input, without its quotes; "" when it has none. */
static const char *fake_input(const json_t *step, const char *name)
{
    static char value[300];
    char mark[64];
    const char *input = json_string_value(json_object_get(step, "input")), *at;
    snprintf(mark, sizeof mark, "%s='", name);
    at = input == NULL ? NULL : strstr(input, mark);
    snprintf(value, sizeof value, "%s", at == NULL ? "" : at + strlen(mark));
    value[strcspn(value, "\n'")] = '\0';
    return value;
}

#define FAKE_COMMIT "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* What a step says it saw. The last one tells which release is there: its own. A look before a
 * deploy tells what FAKE_LOOK says of the service `web`. */
static json_t *fake_results(const json_t *step)
{
    json_t *results = json_pack("{s:s}", "seen", SECRET);
    if (strcmp(json_string_value(json_object_get(step, "name")), "prune") == 0)
        json_object_set_new(results, "kept_1",
                            json_sprintf("%s no-id", fake_input(step, "WL_RELEASE_ID")));
    if (strcmp(json_string_value(json_object_get(step, "name")), "look") == 0) {
        json_object_set_new(results, "planned_1", json_string(getenv("FAKE_LOOK")));
        json_object_set_new(results, "looked", json_string("1"));
    }
    if (strcmp(json_string_value(json_object_get(step, "name")), "checkout") == 0)
        json_object_set_new(results, "commit", json_string(FAKE_COMMIT));
    return results;
}

/* Do one step as a runner does: intent, go, look at the target, act, output, outcome. */
static const char *fake_step(const json_t *begin, const json_t *step, const char *target,
                             const char *events)
{
    int k = (int)json_integer_value(json_object_get(step, "step"));
    int64_t origin = 0;
    char line[64], out[128];
    const char *before = fake_before(begin, k, &origin), *state = "ok";

    if (before[0] != '\0' && strcmp(before, "intent") != 0)
        return before;
    fake_send(json_pack("{s:s, s:i}", "t", "intent", "step", k));
    int word = fake_go();
    bool cancelled = word == 1;
    if (word == 2) {
        fake_send(json_pack("{s:s, s:i, s:s, s:s}", "t", "outcome", "step", k, "state", "skipped",
                            "cause", ""));
        return "skipped";
    }
    append_line(events, "go %d", k);
    append_line(events, "host %d go %d", fake_host, k);
    append_line(events, "host %d %s", fake_host, json_string_value(json_object_get(step, "name")));
    if (fake_input(step, "WL_PINS")[0] != '\0')
        append_line(events, "pins %s", fake_input(step, "WL_PINS"));
    if (fake_input(step, "WL_COMMIT")[0] != '\0')
        append_line(events, "commit %s", fake_input(step, "WL_COMMIT"));
    snprintf(line, sizeof line, fake_host == 0 ? "ran %d" : "ran %d@%d", k, fake_host);
    bool ran = count_lines(target, line) > 0;
    if (plan_says("die", k) && (strcmp(before, "intent") != 0 || fails_always()))
        raise(SIGKILL);
    if (!ran)
        append_line(target, "%s", line);
    snprintf(out, sizeof out, "output of %d with " SECRET "\n", k);
    if ((size_t)origin < strlen(out))
        fake_output(k, origin, out + origin, 'o');
    if (plan_says("done", k) && strcmp(before, "intent") != 0)
        raise(SIGKILL);
    while (plan_says("hang", k) && strcmp(before, "intent") != 0) {
        json_t *frame = fake_read();
        cancelled |= strcmp(json_string_value(json_object_get(frame, "t")), "cancel") == 0;
        json_decref(frame);
        if (cancelled)
            break;
    }
    fake_output(k, 0, "", 'f');
    fake_stored(k, (int64_t)strlen(out));
    if (plan_says("fail", k))
        state = "failed";
    if (cancelled)
        state = "cancelled";
    fake_send(json_pack("{s:s, s:i, s:s, s:s, s:o}", "t", "outcome", "step", k, "state", state,
                        "cause", strcmp(state, "failed") == 0 ? "It broke: " SECRET : "", "results",
                        fake_results(step)));
    return state;
}

/* A Check that ends as FAKE_PLAN says: check-<state>. Does not return. */
static void fake_check(const json_t *begin, const char *target, const char *events)
{
    const char *plan = getenv("FAKE_PLAN"), *state = strstr(plan, "check-") + 6;
    bool ready = strcmp(state, "ready") == 0, gone = strcmp(state, "unreachable") == 0;
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(begin, "steps"), i, step)(void)
        fake_step(begin, step, target, events);
    fake_send(json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:{}, s:[{s:s}]}}", "t", "end",
                        "verdict",
                        ready  ? "ok"
                        : gone ? "unknown"
                               : "failed",
                        "summary", "checked", "left_as", "", "server", "state", state, "print",
                        "SHA256:other", "facts", "checks", "id", "disk"));
    for (;;)
        json_decref(fake_read());
}

/* One of several hosts: once the last witness has seen it, wait for word. True: go back. */
static bool fake_held(const json_t *begin, const json_t *step)
{
    static bool asked;
    bool witness = false;
    size_t i;
    json_t *later;
    json_array_foreach(json_object_get(begin, "steps"), i, later)
    {
        if (json_integer_value(json_object_get(later, "step"))
                >= json_integer_value(json_object_get(step, "step"))
            && (strcmp(json_string_value(json_object_get(later, "mode")), "health") == 0
                || json_is_true(json_object_get(later, "witness")))
            && strcmp(json_string_value(json_object_get(later, "phase")), "forward") == 0)
            witness = true;
    }
    if (asked || witness || !json_is_true(json_object_get(begin, "holds")))
        return false;
    asked = true;
    fake_send(json_pack("{s:s}", "t", "proven"));
    for (;;) {
        json_t *frame = fake_read();
        const char *t = json_string_value(json_object_get(frame, "t"));
        bool undo = strcmp(t, "undo") == 0, finish = strcmp(t, "finish") == 0;
        json_decref(frame);
        if (undo || finish)
            return undo;
    }
}

static int fake_runner(void)
{
    const char *target = getenv("FAKE_TARGET"), *events = getenv("FAKE_EVENTS");
    const char *verdict = "live";
    bool switched = false, makes_release;
    json_t *begin = fake_read(), *step;
    size_t i;
    makes_release = json_object_get(begin, "says") == NULL;
    fake_host = (int)json_integer_value(json_object_get(begin, "host"));
    append_line(events, "start %s", json_string_value(json_object_get(begin, "job")));
    if (json_object_get(json_object_get(begin, "target"), "key") == NULL)
        _exit(7);
    if (strcmp(json_string_value(json_object_get(begin, "kind")), "check") == 0)
        fake_check(begin, target, events);
    json_array_foreach(json_object_get(begin, "steps"), i, step)
    {
        const char *phase = json_string_value(json_object_get(step, "phase"));
        bool undo = strcmp(phase, "undo") == 0;
        const char *mode = json_string_value(json_object_get(step, "mode"));
        if (!undo && strcmp(verdict, "live") == 0 && fake_held(begin, step))
            verdict = "reverted";
        bool forward = strcmp(verdict, "live") == 0, back = strcmp(verdict, "reverted") == 0;
        if (strcmp(mode, "unlock") != 0 && (undo ? !back : !forward))
            continue;
        const char *state = fake_step(begin, step, target, events);
        if (strcmp(state, "failed") == 0)
            verdict = switched && makes_release && !undo ? "reverted" : "failed";
        switched = switched || json_is_true(json_object_get(step, "point_of_no_return"));
        if (strcmp(state, "cancelled") == 0)
            verdict = "cancelled";
    }
    if ((!makes_release || json_is_true(json_object_get(begin, "balancer"))
         || strcmp(json_string_value(json_object_get(begin, "kind")), "plan") == 0)
        && strcmp(verdict, "live") == 0)
        verdict = "ok";
    fake_send(json_pack("{s:s, s:s, s:s, s:s}", "t", "end", "verdict", verdict, "summary",
                        "As seen by the stand-in; " SECRET, "left_as", "as it should be"));
    for (;;)
        json_decref(fake_read()); /* until the supervisor hangs up */
}

#endif

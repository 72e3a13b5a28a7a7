/* runner_check.c - a server's Check: one script over the connection, nothing written on the target.
 * Its output is the log; lines "wl-result key=value" are the results: "check_<id>" with state,
 * label, cause and fix between tabs, and "fact_<name>". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/str.h"
#include "worker/runner/runner_private.h"

#define ANSWER_MAX ((size_t)256 * 1024)
#define CHECKS_MAX 64
#define MARK       "wl-result "

/* The four fields between tabs; fields that are missing are "". The line is cut into pieces. */
static json_t *check_line(const char *id, char *value)
{
    char *fields[4] = {value, NULL, NULL, NULL};
    for (int i = 1; i < 4; i++) {
        char *tab = fields[i - 1] != NULL ? strchr(fields[i - 1], '\t') : NULL;
        if (tab != NULL) {
            *tab = '\0';
            fields[i] = tab + 1;
        }
    }
    const char *state =
        str_equal(fields[0], "ok") || str_equal(fields[0], "warn") ? fields[0] : "failed";
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", id, "label",
                     fields[1] != NULL ? fields[1] : id, "state", state, "cause",
                     fields[2] != NULL ? fields[2] : "", "fix", fields[3] != NULL ? fields[3] : "");
}

static void take_result(char *line, json_t *facts, json_t *checks)
{
    char *value = strchr(line, '=');
    if (value == NULL)
        return;
    *value++ = '\0';
    if (str_starts(line, "fact_") && json_object_size(facts) < CHECKS_MAX)
        (void)json_object_set_new(facts, line + 5, json_string(value)); /* no UTF-8: left out */
    else if (str_starts(line, "check_") && json_array_size(checks) < CHECKS_MAX)
        (void)json_array_append_new(checks, check_line(line + 6, value));
}

/* Lines of results are taken out, the others are the log. */
static void split_answer(struct runner *r, struct step *step, char *text, json_t *facts,
                         json_t *checks)
{
    while (*text != '\0') {
        char *end = strchr(text, '\n');
        if (end != NULL)
            *end = '\0';
        if (str_starts(text, MARK)) {
            take_result(text + strlen(MARK), facts, checks);
        } else {
            wire_output(r, step, text, strlen(text));
            wire_output(r, step, "\n", 1);
        }
        if (end == NULL)
            return;
        text = end + 1;
    }
}

static enum step_end judge(struct runner *r, struct step *step, const json_t *checks)
{
    int failed = 0, warned = 0;
    size_t i;
    json_t *check;
    const char *first = "";
    json_array_foreach(checks, i, check)
    {
        const char *state = json_string_value(json_object_get(check, "state"));
        if (str_equal(state, "failed") && failed++ == 0)
            first = json_string_value(json_object_get(check, "cause"));
        warned += str_equal(state, "warn") ? 1 : 0;
    }
    step_result(step, "checks", "%zu", json_array_size(checks));
    step_result(step, "failed", "%d", failed);
    step_result(step, "warnings", "%d", warned);
    (void)json_object_set_new(r->server, "state", json_string(failed > 0 ? "failing" : "ready"));
    if (failed > 0)
        return step_says(step, STEP_FAILED,
                         "%d of %zu points need work: %.300s Fix: see the list below; each has the "
                         "line that mends it.",
                         failed, json_array_size(checks), first);
    return STEP_OK;
}

enum step_end step_check(struct runner *r, struct step *step)
{
    struct err err = {0};
    struct buf answer;
    enum call call;
    buf_init(&answer, ANSWER_MAX);
    do {
        buf_reset(&answer);
        call = remote_inline(r, step, &answer, &err);
    } while (call == CALL_AGAIN);
    json_t *facts = json_object(), *checks = json_array();
    split_answer(r, step, answer.data, facts, checks);
    wire_flush(r, step);
    json_decref(r->server);
    r->server = json_pack("{s:s, s:o, s:o}", "state", "failing", "facts", facts, "checks", checks);
    enum step_end end = STEP_FAILED;
    if (call == CALL_OK)
        end = judge(r, step, checks);
    else if (call == CALL_STOPPED)
        end = step_says(step, STEP_CANCELLED, "Cancelled.");
    else
        end = step_ends(step, call == CALL_LOST ? STEP_UNKNOWN : STEP_FAILED, &err);
    if (end == STEP_UNKNOWN)
        (void)json_object_set_new(r->server, "state", json_string("unreachable"));
    buf_deinit(&answer);
    return end;
}

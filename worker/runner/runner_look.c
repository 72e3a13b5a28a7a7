/* runner_look.c - a look at a server before a deploy: one script over the connection, nothing
 * written on the target. Lines "wl-result key=value" are the step's results, the others its log.
 * The script's last result is looked=1: without it nobody knows how much it saw, and the step has
 * failed with the script's own sentence. */
#include <string.h>
#include "lib/base/str.h"
#include "worker/runner/runner_private.h"

#define ANSWER_MAX  ((size_t)256 * 1024)
#define RESULTS_MAX 60
#define MARK        "wl-result "

static void take_result(struct step *step, char *line)
{
    char *value = strchr(line, '=');
    if (value == NULL || json_object_size(step->results) >= RESULTS_MAX)
        return;
    *value++ = '\0';
    step_result(step, line, "%s", value);
}

static void split_answer(struct runner *r, struct step *step, char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        bool is_last = text[len] == '\0';
        text[len] = '\0';
        if (str_starts(text, MARK)) {
            take_result(step, text + strlen(MARK));
        } else {
            wire_output(r, step, text, len);
            wire_output(r, step, "\n", 1);
        }
        if (is_last)
            return;
        text += len + 1;
    }
}

/* A script that fails says why, and then ends with another status than 0. */
static enum step_end judge(struct step *step, enum call call, const struct err *err)
{
    const char *cause = json_string_value(json_object_get(step->results, "cause"));
    if (cause != NULL)
        return step_says(step, STEP_FAILED, "%s", cause);
    if (call != CALL_OK)
        return step_ends(step, STEP_FAILED, err);
    if (json_object_get(step->results, "looked") != NULL)
        return STEP_OK;
    return step_says(step, STEP_FAILED,
                     "The server did not say all of it. Fix: see the log; look again.");
}

enum step_end step_look(struct runner *r, struct step *step)
{
    struct err err = {0};
    struct buf answer;
    enum call call;
    enum step_end end;
    buf_init(&answer, ANSWER_MAX);
    do {
        buf_reset(&answer);
        call = remote_inline(r, step, &answer, &err);
    } while (call == CALL_AGAIN);
    if (answer.len > 0)
        split_answer(r, step, answer.data);
    wire_flush(r, step);
    if (call == CALL_STOPPED)
        end = step_says(step, STEP_CANCELLED, "Cancelled.");
    else if (call == CALL_LOST)
        end = step_ends(step, STEP_UNKNOWN, &err);
    else
        end = judge(step, call, &err);
    buf_deinit(&answer);
    return end;
}

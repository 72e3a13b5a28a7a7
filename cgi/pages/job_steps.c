/* job_steps.c - the middle of the job's page (job_steps.h): every host's steps with state,
 * duration, what is usual, and their lines. An intent without an outcome is shown as running: until
 * somebody has asked the target, that is what is known. */
#include "cgi/pages/job_steps.h"

#include <stdio.h>
#include <string.h>
#include "cgi/pages/job_hosts.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

static const char *step_state(const json_t *step)
{
    const char *state = row_text(step, "state");
    return str_equal(state, "intent") ? "running" : state;
}

bool job_step_is_shown(const json_t *step)
{
    const char *state = row_text(step, "state");
    return !str_equal(row_text(step, "phase"), "undo")
           || (!str_equal(state, "pending") && !str_equal(state, "skipped"));
}

void job_step_anchor(const json_t *step, char *anchor, size_t size)
{
    long long host = (long long)row_int(step, "host"), number = (long long)row_int(step, "step");
    if (host == 0)
        snprintf(anchor, size, "s%lld", number);
    else
        snprintf(anchor, size, "h%lld-s%lld", host, number);
}

static bool is_bad(const char *state)
{
    return str_equal(state, "failed") || str_equal(state, "unknown")
           || str_equal(state, "cancelled");
}

const json_t *job_bad_step(const struct job_view *view)
{
    const json_t *step;
    size_t i;
    json_array_foreach(view->steps, i, step) if (is_bad(row_text(step, "state"))
                                                 && row_has(step, "started_at")) return step;
    json_array_foreach(view->steps, i, step) if (is_bad(row_text(step, "state"))) return step;
    return NULL;
}

static json_t *step_duration(const json_t *step)
{
    int64_t end;
    if (!row_has(step, "started_at"))
        return json_null();
    end = row_has(step, "ended_at") ? row_int(step, "ended_at") : clock_now_ms();
    return part_duration(end > row_int(step, "started_at") ? end - row_int(step, "started_at") : 0);
}

static json_t *exit_text(const json_t *step)
{
    if (!row_has(step, "status") || row_int(step, "status") == 0)
        return json_string("");
    return part_text("exit status %lld", (long long)row_int(step, "status"));
}

static void add_expected(json_t *model, const struct job_view *view, const json_t *step,
                         bool is_running)
{
    char text[32];
    int64_t ms = is_running ? row_int(view->estimate.steps, row_text(step, "name")) : 0;
    json_object_set_new(model, "expected_ms", json_integer(ms));
    json_object_set_new(model, "expected_text",
                        ms > 0 ? part_text("usually %s", str_duration(text, sizeof text, ms))
                               : json_string(""));
}

static json_t *earlier_text(const struct step_lines *lines)
{
    long long hidden = (long long)lines->count - (long long)json_array_size(lines->list);
    if (hidden <= 0)
        return json_string("");
    return part_text("%lld earlier line%s left out here.", hidden, hidden == 1 ? " is" : "s are");
}

static int step_model(const struct job_view *view, const json_t *step, json_t **made,
                      struct err *err)
{
    const char *state = step_state(step);
    bool is_running = str_equal(state, "running");
    struct step_lines lines;
    char anchor[32];
    json_t *model;

    job_step_anchor(step, anchor, sizeof anchor);
    if (job_lines_of(view->lines, (int)row_int(step, "host"), (int)row_int(step, "step"), anchor,
                     &lines, err)
        != 0)
        return -1;
    model = json_pack("{s:I, s:s, s:s, s:s, s:o, s:b, s:b, s:b, s:o, s:I, s:s, s:o}", "number",
                      row_int(step, "step"), "name", row_text(step, "name"), "title",
                      row_text(step, "title"), "anchor", anchor, "status",
                      part_status(state, word_step(state)), "is_undo",
                      (int)str_equal(row_text(step, "phase"), "undo"), "is_open",
                      (int)(is_running || is_bad(state)), "is_running", (int)is_running, "duration",
                      step_duration(step), "started_ms", row_int(step, "started_at"), "cause",
                      row_text(step, "cause"), "exit_text", exit_text(step));
    if (model == NULL)
        return err_set(err, ERR_NO_MEMORY, "This page needs more memory than one request may use.");
    add_expected(model, view, step, is_running);
    json_object_set_new(model, "line_count", json_integer(lines.count));
    json_object_set_new(model, "has_lines", json_boolean(json_array_size(lines.list) > 0));
    json_object_set_new(model, "is_partial", json_boolean(lines.is_partial));
    json_object_set_new(model, "earlier_text", earlier_text(&lines));
    json_object_set_new(model, "lines", lines.list);
    *made = model;
    return 0;
}

static int steps_of_host(const struct job_view *view, int64_t host, json_t **list, struct err *err)
{
    const json_t *step;
    json_t *model = NULL;
    size_t i;
    *list = json_array();
    json_array_foreach(view->steps, i, step)
    {
        if (row_int(step, "host") != host || !job_step_is_shown(step))
            continue;
        if (step_model(view, step, &model, err) != 0)
            return -1;
        json_array_append_new(*list, model);
    }
    return 0;
}

int job_hosts_model(const struct job_view *view, json_t **hosts, struct err *err)
{
    const json_t *row;
    size_t i;
    *hosts = json_array();
    json_array_foreach(view->hosts, i, row)
    {
        const char *slug = row_text(row, "server_slug");
        const char *state = job_host_state(row);
        json_t *steps = NULL;
        if (!job_host_is_whole(view, row))
            continue;
        if (steps_of_host(view, row_int(row, "host"), &steps, err) != 0)
            return -1;
        json_array_append_new(
            *hosts,
            json_pack("{s:I, s:s, s:s, s:o, s:s, s:o, s:s, s:o}", "index", row_int(row, "host"),
                      "id", row_text(row, "server_id"), "slug", slug, "href",
                      slug[0] != '\0' ? part_text("/servers/%s", slug) : json_string(""), "name",
                      row_text(row, "name"), "status",
                      part_status(state, str_equal(state, "queued") ? "Waiting" : word_job(state)),
                      "left_as", row_text(row, "left_as"), "steps", steps));
    }
    return 0;
}

/* "about 9 s left", or that it takes longer than usual. */
static json_t *left_text(const struct job_view *view)
{
    char text[32];
    int64_t left = view->estimate.median_ms - (clock_now_ms() - row_int(view->job, "started_at"));
    if (view->estimate.runs == 0)
        return json_string("");
    if (left <= 0)
        return json_string("longer than usual");
    return part_text("about %s left", str_duration(text, sizeof text, left));
}

json_t *job_progress_model(const struct job_view *view)
{
    const json_t *step;
    size_t i;
    int done = 0, all = 0;
    char text[32];
    const struct job_estimate *estimate = &view->estimate;

    if (!str_equal(row_text(view->job, "state"), "running"))
        return json_null();
    json_array_foreach(view->steps, i, step)
    {
        const char *state = row_text(step, "state");
        if (!job_step_is_shown(step))
            continue;
        all++;
        done += str_equal(state, "pending") || str_equal(state, "intent") ? 0 : 1;
    }
    return json_pack(
        "{s:i, s:i, s:i, s:o, s:o, s:o, s:I, s:b}", "value", done, "max", all > 0 ? all : 1,
        "percent", all > 0 ? done * 100 / all : 0, "text", part_text("%d of %d steps", done, all),
        "estimate_text", left_text(view), "estimate_from",
        estimate->runs == 0 ? json_string("")
                            : part_text("median of %d good run%s: %s", estimate->runs,
                                        estimate->runs == 1 ? "" : "s",
                                        str_duration(text, sizeof text, estimate->median_ms)),
        "expected_ms", (json_int_t)estimate->median_ms, "is_estimated", (int)(estimate->runs > 0));
}

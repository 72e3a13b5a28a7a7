/* job_hosts.c - the table over many hosts of a job (job_hosts.h). */
#include "cgi/pages/job_hosts.h"

#include <stdio.h>
#include <string.h>
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"

#define HOSTS_MAX 256

/* In this order they stand in the table. */
enum rank { RANK_BAD = 0, RANK_RUNNING, RANK_WAITING, RANK_GOOD, RANKS };

const char *job_host_state(const json_t *host)
{
    if (row_has(host, "verdict"))
        return row_text(host, "verdict");
    return str_equal(row_text(host, "state"), "running") ? "running" : "queued";
}

static enum rank rank_of(const json_t *host)
{
    const char *state = job_host_state(host);
    if (str_equal(state, "running"))
        return RANK_RUNNING;
    if (str_equal(state, "queued"))
        return RANK_WAITING;
    return str_equal(state, "live") || str_equal(state, "ok") ? RANK_GOOD : RANK_BAD;
}

static bool is_many(const struct job_view *view)
{
    return json_array_size(view->hosts) > JOB_HOSTS_WHOLE;
}

/* How many stand before it in the table, those of its rank and better ones. */
static int place_of(const struct job_view *view, const json_t *host)
{
    const json_t *other;
    size_t i;
    int before = 0;
    json_array_foreach(view->hosts, i, other)
    {
        if (rank_of(other) < rank_of(host)
            || (rank_of(other) == rank_of(host) && row_int(other, "host") < row_int(host, "host")))
            before++;
    }
    return before;
}

bool job_host_is_whole(const struct job_view *view, const json_t *host)
{
    if (!is_many(view))
        return true;
    if (view->wanted_host >= 0)
        return row_int(host, "host") == view->wanted_host;
    return rank_of(host) <= RANK_RUNNING && place_of(view, host) < JOB_HOSTS_WHOLE;
}

/* Of each host, the step that it does now, or at which it ended; "" for none. */
static void read_steps(const struct job_view *view, const char *texts[HOSTS_MAX])
{
    const json_t *step;
    bool bad[HOSTS_MAX] = {false};
    size_t i;
    for (int h = 0; h < HOSTS_MAX; h++)
        texts[h] = "";
    json_array_foreach(view->steps, i, step)
    {
        const char *state = row_text(step, "state");
        int64_t host = row_int(step, "host");
        bool is_bad = str_equal(state, "failed") || str_equal(state, "unknown")
                      || str_equal(state, "cancelled");
        if (host < 0 || host >= HOSTS_MAX || bad[host] || (!is_bad && !str_equal(state, "intent")))
            continue;
        texts[host] = row_text(step, "title");
        bad[host] = is_bad;
    }
}

static json_t *row_model(const struct job_view *view, const json_t *host, const char *step)
{
    const char *state = job_host_state(host);
    return json_pack("{s:s, s:o, s:o, s:s, s:s, s:b}", "name", row_text(host, "name"), "href",
                     part_text("/jobs/%s?host=%lld#job", row_text(view->job, "id"),
                               (long long)row_int(host, "host")),
                     "status",
                     part_status(state, str_equal(state, "queued") ? "Waiting" : word_job(state)),
                     "step_text", step, "left_as", row_text(host, "left_as"), "is_whole",
                     (int)job_host_is_whole(view, host));
}

/* "3 need a look, 2 at work, 5 waiting, 190 done" */
static json_t *counts_text(const int counts[RANKS])
{
    static const char *const words[RANKS] = {"need a look", "at work", "waiting", "done"};
    struct buf text;
    json_t *made;
    buf_init(&text, 200);
    for (int rank = 0; rank < RANKS; rank++)
        if (counts[rank] > 0)
            buf_printf(&text, "%s%d %s", text.len > 0 ? ", " : "", counts[rank], words[rank]);
    made = json_string(text.data);
    buf_deinit(&text);
    return made;
}

json_t *job_hosts_overview(const struct job_view *view)
{
    json_t *rows = json_array();
    const json_t *host;
    int counts[RANKS] = {0};
    const char *texts[HOSTS_MAX];
    size_t i;
    read_steps(view, texts);
    for (int rank = 0; rank < RANKS; rank++) {
        json_array_foreach(view->hosts, i, host)
        {
            if ((int)rank_of(host) != rank)
                continue;
            counts[rank]++;
            int64_t index = row_int(host, "host");
            if (is_many(view) && index >= 0 && index < HOSTS_MAX)
                json_array_append_new(rows, row_model(view, host, texts[index]));
        }
    }
    return json_pack("{s:b, s:o, s:o}", "is_many", (int)is_many(view), "counts_text",
                     counts_text(counts), "rows", rows);
}

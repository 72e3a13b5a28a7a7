/* jobs.c - /jobs: all jobs, newest first, by keyset pages. Filters stand in the query string, so
 * that a list can be sent to somebody; one that nobody knows shows nothing, and says so. */
#include <stdio.h>
#include <string.h>
#include "cgi/pages/job_waits.h"
#include "cgi/pages/page.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "db/environments.h"
#include "db/jobs_web.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

#define JOBS_PER_PAGE 50

static const char *const STATES[] = {"running", "queued",  "live",      "degraded", "reverted",
                                     "failed",  "unknown", "cancelled", "ok"};
static const char *const KINDS[] = {
    "deploy",         "rollback",        "redeploy", "promote", "restart", "stop",  "start",
    "maintenance_on", "maintenance_off", "command",  "logs",    "plan",    "check", "fetch"};

struct jobs_query {
    const char *status, *kind, *environment, *actor;
    struct job_filter filter;
    bool is_filtered;
    bool is_unknown; /* a filter names what does not exist */
};

/* A choice list with "any" first; a value that is none of them is shown as typed, and matches
 * nothing. */
static json_t *choices_begin(const char *any, const char *chosen)
{
    json_t *list = json_array();
    json_array_append_new(list, part_choice("", any, chosen[0] == '\0'));
    return list;
}

static bool is_in(const json_t *choices, const char *value)
{
    const json_t *choice;
    size_t i;
    json_array_foreach(choices, i,
                       choice) if (str_equal(row_text(choice, "value"), value)) return true;
    return false;
}

static void choices_end(json_t *list, const char *chosen, struct jobs_query *query)
{
    if (is_in(list, chosen))
        return;
    query->is_unknown = true;
    json_array_append_new(list,
                          json_pack("{s:s, s:o, s:b}", "value", chosen, "text",
                                    part_text("%.60s (there is none)", chosen), "is_selected", 1));
}

static json_t *words_choices(const char *any, const char *const *values, size_t count,
                             const char *(*word)(const char *), const char *chosen)
{
    json_t *list = choices_begin(any, chosen);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            list, part_choice(values[i], word(values[i]), str_equal(values[i], chosen)));
    return list;
}

static json_t *environment_choices(const json_t *cards, struct jobs_query *query)
{
    json_t *list = choices_begin("Any environment", query->environment);
    const json_t *card;
    size_t i;
    json_array_foreach(cards, i, card)
    {
        char value[128], text[128];
        snprintf(value, sizeof value, "%.50s/%.50s", row_text(card, "app_slug"),
                 row_text(card, "slug"));
        snprintf(text, sizeof text, "%.50s / %.50s", row_text(card, "app_slug"),
                 row_text(card, "slug"));
        bool is_chosen = str_equal(value, query->environment);
        if (is_chosen)
            query->filter.environment_id = row_text(card, "id");
        json_array_append_new(list, part_choice(value, text, is_chosen));
    }
    return list;
}

static json_t *actor_choices(const json_t *actors, const char *chosen)
{
    json_t *list = choices_begin("Anyone", chosen);
    const json_t *row;
    size_t i;
    json_array_foreach(actors, i, row)
        json_array_append_new(list, part_choice(row_text(row, "login"), row_text(row, "name"),
                                                str_equal(row_text(row, "login"), chosen)));
    return list;
}

/* Query string -> filter, and the model of the form above the list. */
static int read_filter(struct request *req, struct jobs_query *q, json_t **model, struct err *err)
{
    json_t *cards = NULL, *actors = NULL, *status, *kind, *environment, *actor;
    if (environment_cards(req->db, NULL, &cards, err) != 0
        || job_list_actors(req->db, &actors, err) != 0)
        return -1;
    *q = (struct jobs_query){.status = request_query(req, "status"),
                             .kind = request_query(req, "kind"),
                             .environment = request_query(req, "environment"),
                             .actor = request_query(req, "actor")};
    status = words_choices("Any status", STATES, COUNT_OF(STATES), word_job, q->status);
    kind = words_choices("Any kind", KINDS, COUNT_OF(KINDS), word_kind, q->kind);
    environment = environment_choices(cards, q);
    actor = actor_choices(actors, q->actor);
    choices_end(status, q->status, q);
    choices_end(kind, q->kind, q);
    choices_end(environment, q->environment, q);
    choices_end(actor, q->actor, q);
    if (str_equal(q->status, "running") || str_equal(q->status, "queued"))
        q->filter.state = q->status;
    else if (q->status[0] != '\0')
        q->filter.verdict = q->status;
    q->filter.kind = q->kind[0] != '\0' ? q->kind : NULL;
    q->filter.actor = q->actor[0] != '\0' ? q->actor : NULL;
    q->filter.before = request_query_int(req, "before", 1, INT64_MAX, 0);
    q->filter.limit = JOBS_PER_PAGE + 1; /* one more than shown says whether there are older ones */
    q->is_filtered = q->status[0] != '\0' || q->kind[0] != '\0' || q->environment[0] != '\0'
                     || q->actor[0] != '\0';
    *model = json_pack("{s:o, s:o, s:o, s:o, s:b}", "status", status, "kind", kind, "environment",
                       environment, "actor", actor, "is_filtered", (int)q->is_filtered);
    return 0;
}

static json_t *day_begin(int64_t ms)
{
    json_t *when = part_time(ms), *today = part_time(clock_now_ms());
    json_t *yesterday = part_time(clock_now_ms() - (int64_t)24 * 60 * 60 * 1000);
    char iso[11];
    const char *text;
    str_copy(iso, sizeof iso, row_text(when, "iso"));
    text = str_starts(row_text(today, "iso"), iso)       ? "Today"
           : str_starts(row_text(yesterday, "iso"), iso) ? "Yesterday"
                                                         : iso;
    return json_pack("{s:s, s:s, s:[]}", "text", text, "iso", iso, "jobs");
}

/* Rows in order, grouped by the UTC day they were asked for. */
static json_t *days_of(const json_t *rows, const json_t *jobs, size_t shown)
{
    json_t *days = json_array(), *day = NULL;
    const json_t *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        json_t *next;
        if (i >= shown)
            break;
        next = day_begin(row_int(row, "created_at"));
        if (day == NULL || !str_equal(row_text(day, "iso"), row_text(next, "iso"))) {
            day = next;
            json_array_append_new(days, day);
        }
        json_array_append(json_object_get(day, "jobs"), json_array_get(jobs, i));
    }
    return days;
}

/* This list's address with another place in it. Filter values here are words we know. */
static json_t *list_href(const struct jobs_query *q, int64_t before)
{
    char text[512] = "/jobs";
    const char *const names[] = {"status", "kind", "environment", "actor"};
    const char *const values[] = {q->status, q->kind, q->environment, q->actor};
    size_t len = strlen(text);
    char sep = '?';
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (values[i][0] != '\0' && len < sizeof text - 200) {
            len += (size_t)snprintf(text + len, sizeof text - len, "%c%s=%.100s", sep, names[i],
                                    values[i]);
            sep = '&';
        }
    if (before > 0)
        snprintf(text + len, sizeof text - len, "%cbefore=%lld", sep, (long long)before);
    return json_string(text);
}

int jobs_show(struct request *req, struct response *res, struct err *err)
{
    struct jobs_query q;
    json_t *filter = NULL, *rows = json_array(), *page = page_new("Jobs", "jobs"), *data, *jobs;
    size_t count, shown;
    int64_t last;

    if (read_filter(req, &q, &filter, err) != 0)
        return -1;
    if ((!q.is_unknown && job_list(req->db, &q.filter, &rows, err) != 0)
        || job_waits_list(req, rows, &jobs, err) != 0)
        return -1;
    count = json_array_size(rows);
    shown = count > JOBS_PER_PAGE ? JOBS_PER_PAGE : count;
    last = shown > 0 ? row_int(json_array_get(rows, shown - 1), "serial") : 0;
    data = json_pack("{s:o, s:o, s:b, s:o, s:o}", "filter", filter, "days",
                     days_of(rows, jobs, shown), "has_jobs", (int)(shown > 0), "older_href",
                     count > shown ? list_href(&q, last) : json_string(""), "newest_href",
                     q.filter.before > 0 && !q.is_unknown                   ? list_href(&q, 0)
                     : shown == 0 && (q.is_filtered || q.filter.before > 0) ? json_string("/jobs")
                                                                            : json_string(""));
    page_crumb(page, "Jobs", "");
    return respond_page(res, 200, "jobs", data, page);
}

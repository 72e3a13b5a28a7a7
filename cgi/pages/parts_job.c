/* parts_job.c - a job as lists and cards show it (parts.h). */
#include <stdio.h>
#include <string.h>
#include "cgi/pages/parts.h"
#include "cgi/pages/row.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

const char *job_state(const json_t *row)
{
    const char *state = row_text(row, "state");
    return strcmp(state, "ended") == 0 ? row_text(row, "verdict") : state;
}

/* What the job does, in the words of a person: "Deploy 1.1.0", "Check web-2", "Fetch 1.3.0". */
static json_t *title_of(const json_t *row)
{
    const char *kind = row_text(row, "kind");
    const char *what = row_text(row, "version");
    if (strcmp(kind, "check") == 0)
        what = row_has(row, "server_slug") ? row_text(row, "server_slug") : "all servers";
    else if (strcmp(kind, "fetch") == 0 || strcmp(kind, "plan") == 0)
        what = row_text(json_object_get(row, "params"), "version");
    else if (strcmp(kind, "command") == 0) {
        char cut[80]; /* at a character's border */
        str_copy(cut, sizeof cut, row_text(json_object_get(row, "params"), "command"));
        return part_text("Command %s", cut);
    } else if (strcmp(kind, "logs") == 0)
        return part_text("Log%s%.64s",
                         row_text(json_object_get(row, "params"), "service")[0] == '\0' ? ""
                                                                                        : " of ",
                         row_text(json_object_get(row, "params"), "service"));
    else if (strcmp(kind, "rollback") == 0)
        return part_text("Roll back to %s", what);
    return part_text("%s%s%s", word_kind(kind), what[0] != '\0' ? " " : "", what);
}

static json_t *release_ref(const json_t *row)
{
    if (!row_has(row, "release_number"))
        return json_null();
    return json_pack("{s:I, s:o, s:s}", "number", row_int(row, "release_number"), "label",
                     part_text("v%lld", (long long)row_int(row, "release_number")), "version",
                     row_text(row, "version"));
}

static json_t *server_ref(const json_t *row)
{
    if (!row_has(row, "server_slug"))
        return json_null();
    return json_pack("{s:s, s:s, s:o}", "id", row_text(row, "server_id"), "slug",
                     row_text(row, "server_slug"), "href",
                     part_text("/servers/%s", row_text(row, "server_slug")));
}

static void add_place(json_t *job, const json_t *row)
{
    json_object_set_new(job, "app",
                        row_has(row, "app_slug")
                            ? part_app(row_text(row, "app_id"), row_text(row, "app_slug"),
                                       row_text(row, "app_name"))
                            : json_null());
    json_object_set_new(job, "environment",
                        row_has(row, "env_slug") ? part_environment_ref(
                            row_text(row, "env_id"), row_text(row, "app_slug"),
                            row_text(row, "env_slug"), row_text(row, "tier"))
                                                 : json_null());
    json_object_set_new(job, "server", server_ref(row));
    json_object_set_new(job, "release", release_ref(row));
    json_object_set_new(job, "by",
                        part_person(row_text(row, "by_name"), row_text(row, "by_login")));
}

static json_t *duration_of(const json_t *row)
{
    if (!row_has(row, "started_at"))
        return json_null();
    int64_t end = row_has(row, "ended_at") ? row_int(row, "ended_at") : clock_now_ms();
    int64_t ms = end - row_int(row, "started_at");
    return part_duration(ms < 0 ? 0 : ms);
}

json_t *part_job(const json_t *row)
{
    const char *state = row_text(row, "state");
    const char *shown = job_state(row);
    bool is_numbered = row_has(row, "number");
    json_t *job = json_pack(
        "{s:s, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:b, s:b, s:b}", "id", row_text(row, "id"),
        "href", part_text("/jobs/%s", row_text(row, "id")), "number",
        is_numbered ? json_integer(row_int(row, "number")) : json_null(), "label",
        is_numbered ? part_text("#%lld", (long long)row_int(row, "number")) : json_string(""),
        "kind", row_text(row, "kind"), "kind_text", word_kind(row_text(row, "kind")), "title",
        title_of(row), "status", part_status(shown, word_job(shown)), "is_running",
        (int)str_equal(state, "running"), "is_queued", (int)str_equal(state, "queued"), "is_ended",
        (int)str_equal(state, "ended"));
    if (job == NULL)
        return NULL;
    add_place(job, row);
    json_object_set_new(job, "created", part_time(row_int(row, "created_at")));
    json_object_set_new(job, "started", part_time(row_int(row, "started_at")));
    json_object_set_new(job, "ended", part_time(row_int(row, "ended_at")));
    json_object_set_new(job, "duration", duration_of(row));
    json_object_set_new(job, "summary", json_string(row_text(row, "summary")));
    json_object_set_new(job, "why", json_string(row_text(row, "why")));
    return job;
}

json_t *part_jobs(const json_t *rows)
{
    json_t *jobs = json_array();
    const json_t *row;
    size_t i;
    json_array_foreach(rows, i, row) json_array_append_new(jobs, part_job(row));
    return jobs;
}

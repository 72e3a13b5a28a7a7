/* jobs.c - `windlass job list`: what runs, what ran, how it ended. */
#include "cli/command.h"

#include <inttypes.h>
#include <jansson.h>
#include "cli/dashboard.h"
#include "cli/table.h"
#include "db/jobs_web.h"
#include "lib/base/str.h"

int job_list_command(int argc, char **argv, struct err *err)
{
    static const struct table_column COLUMNS[] = {{"JOB", "id"},
                                                  {"KIND", "kind"},
                                                  {"APP", "app_slug"},
                                                  {"WHERE", "env_slug"},
                                                  {"SERVER", "server_slug"},
                                                  {"VERSION", "version"},
                                                  {"STATE", "state"},
                                                  {"VERDICT", "verdict"},
                                                  {"BY", "by_login"},
                                                  {"CREATED", "created_at"},
                                                  {NULL, NULL}};
    const char *var = NULL, *limit = "20";
    bool as_json = false;
    const struct cli_option options[] = {
        {"var", &var, NULL}, {"limit", &limit, NULL}, {"json", NULL, &as_json}, {NULL, NULL, NULL}};
    struct dashboard dashboard = {0};
    struct job_filter filter = {0};
    json_t *jobs = NULL;
    int64_t count;
    int rc = -1;

    if (cli_options(options, (struct cli_bounds){0, 0}, &argc, argv, err) != 0)
        return -1;
    if (!str_to_int64(limit, 1, 500, &count))
        return err_field(err, "limit", "--limit is a number from 1 to 500.");
    filter.limit = (int)count;
    if (dashboard_open(&dashboard, var, false, err) != 0)
        return -1;
    if (job_list(dashboard.db, &filter, &jobs, err) == 0)
        rc = table_print(COLUMNS, jobs, as_json, err);
    json_decref(jobs);
    dashboard_close(&dashboard);
    return rc;
}

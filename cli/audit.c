/* audit.c - `windlass audit verify`: is the history as it was written? */
#include "cli/command.h"

#include <inttypes.h>
#include <jansson.h>
#include "cli/dashboard.h"
#include "db/audit.h"

static void print_report(const struct audit_report *report)
{
    if (report->ok)
        printf("The history is whole: %" PRId64 " events, %" PRId64 " signed heads, all right.\n",
               report->events, report->heads);
    else
        printf("The history is NOT whole. First bad event: %" PRId64 ". %s\n", report->first_bad,
               report->why);
}

static int print_json(const struct audit_report *report, struct err *err)
{
    json_t *object =
        json_pack("{s:b, s:I, s:I, s:I, s:s}", "ok", report->ok, "events",
                  (json_int_t)report->events, "heads", (json_int_t)report->heads, "first_bad",
                  (json_int_t)report->first_bad, "why", report->ok ? "" : report->why);

    if (object == NULL || json_dumpf(object, stdout, JSON_COMPACT) != 0) {
        json_decref(object);
        return err_set(err, ERR_INTERNAL, "The report could not be written.");
    }
    putchar('\n');
    json_decref(object);
    return 0;
}

int audit_verify_command(int argc, char **argv, struct err *err)
{
    const char *var = NULL;
    bool as_json = false;
    const struct cli_option options[] = {
        {"var", &var, NULL}, {"json", NULL, &as_json}, {NULL, NULL, NULL}};
    struct dashboard dashboard = {0};
    struct audit_report report = {0};
    int rc = -1;

    if (cli_options(options, (struct cli_bounds){0, 0}, &argc, argv, err) != 0
        || dashboard_open(&dashboard, var, false, err) != 0)
        return -1;
    if (audit_verify(dashboard.db, &report, err) != 0)
        goto out;
    if (!as_json)
        print_report(&report);
    else if (print_json(&report, err) != 0)
        goto out;
    rc = report.ok ? CLI_OK : CLI_FAILED;
out:
    dashboard_close(&dashboard);
    return rc;
}

/* pages_models.c - handlers and fixtures are two sides of one contract: what a page answers has
 * exactly the names that its fixture has, at every depth, and the same types. */
#include "tests/web/lib/pages_world.h"

static struct stage s;

static const char *type_name(const json_t *value)
{
    return json_is_object(value)    ? "object"
           : json_is_array(value)   ? "list"
           : json_is_string(value)  ? "string"
           : json_is_integer(value) ? "integer"
           : json_is_boolean(value) ? "boolean"
                                    : "null";
}

static void differ(const char *path, const char *what)
{
    tap_note_failure(__FILE__, __LINE__, path);
    printf("#   %s\n", what);
}

static void compare(const char *path, const json_t *want, const json_t *got);

static void compare_objects(const char *path, const json_t *want, const json_t *got)
{
    const char *key;
    json_t *value;
    char below[400];
    json_object_foreach((json_t *)(uintptr_t)want, key, value)
    {
        snprintf(below, sizeof below, "%.300s.%.80s", path, key);
        if (json_object_get(got, key) == NULL)
            differ(below, "is in the fixture, not on the page");
        else
            compare(below, value, json_object_get(got, key));
    }
    json_object_foreach((json_t *)(uintptr_t)got, key, value)
    {
        snprintf(below, sizeof below, "%.300s.%.80s", path, key);
        if (json_object_get(want, key) == NULL)
            differ(below, "is on the page, not in the fixture");
    }
}

/* null stands for an object that is not there. Every item of a list is like the fixture's first. */
static void compare(const char *path, const json_t *want, const json_t *got)
{
    size_t i;
    json_t *item;
    if (json_is_null(want) || json_is_null(got))
        return;
    if (strcmp(type_name(want), type_name(got)) != 0) {
        differ(path, type_name(got));
        return;
    }
    if (json_is_object(want))
        compare_objects(path, want, got);
    if (json_is_array(want) && json_array_size(want) > 0)
        json_array_foreach(got, i, item) compare(path, json_array_get(want, 0), item);
}

static json_t *fixture(const char *name)
{
    char path[200];
    json_t *model;
    snprintf(path, sizeof path, "tests/web/fixtures/%s.json", name);
    model = json_load_file(path, 0, NULL);
    CHECK(model != NULL);
    return model;
}

static void check(const char *name, const char *uri)
{
    json_t *want = fixture(name), *got = stage_json(&s, uri, 200);
    compare(name, json_object_get(want, "data"), got);
    json_decref(want);
    json_decref(got);
}

static const char *job_uri(const char *id)
{
    static char uri[80];
    snprintf(uri, sizeof uri, "/jobs/%s", id);
    return uri;
}

static void lists_and_cards(void)
{
    check("home", "/");
    check("apps", "/apps");
    check("app", "/apps/hello");
    check("env", "/apps/hello/staging");
    check("env-never", "/apps/hello/bare");
    check("servers", "/servers");
    check("registries", "/registries");
}

static void forms(void)
{
    check("app_new", "/apps/new");
    check("env_new", "/apps/hello/new");
    check("env_settings", "/apps/hello/staging/settings");
    check("secrets", "/apps/hello/staging/secrets");
    check("server_new", "/servers/new");
    check("registry_new", "/registries/new");
    check("profile", "/profile");
}

static void deploy_and_jobs(void)
{
    check("deploy", "/apps/hello/staging/deploy?version=1.0.0");
    check("deploy-blocked", "/apps/hello/bare/deploy");
    check("releases", "/apps/hello/staging/releases");
    check("releases-empty", "/apps/hello/bare/releases");
    check("release", "/apps/hello/staging/releases/1");
    check("releases_compare", "/apps/hello/staging/releases/compare?a=1&b=2");
    check("rollback", "/apps/hello/staging/releases/1/rollback");
    check("operate", "/apps/hello/staging/operate");
    check("operation", "/apps/hello/staging/operate/stop");
    check("operation-redeploy", "/apps/hello/staging/operate/redeploy");
    check("operation-refused", "/apps/hello/staging/operate/start");
    check("freeze", "/apps/hello/staging/freeze");
    check("command-errors", "/apps/hello/staging/command");
    check("logs", "/apps/hello/staging/logs");
    check("jobs", "/jobs");
    check("job", job_uri(s.running_job));
    check("job-live", job_uri(s.live_job));
    check("job-reverted", job_uri(s.failed_job));
    check("job", job_uri(s.queued_job));
    check("job", job_uri(s.check_job));
}

static void servers_and_history(void)
{
    check("server", "/servers/web-1");
    check("server-new", "/servers/web-2");
    check("server-confirm", "/servers/web-2?ask=1");
    check("registry", "/registries/team");
    check("audit", "/audit");
    check("audit_event", "/audit/5");
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    TAP_RUN(lists_and_cards);
    TAP_RUN(forms);
    TAP_RUN(deploy_and_jobs);
    TAP_RUN(servers_and_history);
    stage_close(&s);
    return tap_done();
}

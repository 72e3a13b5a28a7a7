/* smoke.c - `windlass demo smoke`: what a person does with the demo, over HTTP, and whether each
 * thing was so.
 *
 * It looks with its own eyes: a verdict is read from the job's page, and then the app itself is
 * asked on its port. The first thing that is not so ends the run, with what was seen. */
#include "cli/command.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include "cli/dashboard.h"
#include "cli/demo/form.h"
#include "db/audit.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/net/browse.h"
#include "lib/net/http.h"

#define ARENA_MAX ((size_t)16 * 1024 * 1024)
#define JOB_MS    ((int64_t)180000)
#define HTML      "text/html"
#define JSON      "application/json"

static const char *const LOOPBACK[] = {"127.0.0.0/8", "::1", NULL};

struct smoke {
    const char *var, *origin, *login, *port_text, *container_port_text;
    const char *place; /* the environment's page */
    struct browser *browser;
    struct browser_page page;
    struct arena *arena;
    int64_t step_at;                 /* monotonic ms: when the step began */
    int port, container_port, steps; /* container_port 0: no Docker engine here */
    char password[256];
    char job[64];
    int events; /* of the stream now followed */
};

static void done(struct smoke *smoke, const char *fmt, ...) PRINTF(2, 3);
static void done(struct smoke *smoke, const char *fmt, ...)
{
    char took[32];
    va_list args;

    printf("  \xe2\x9c\x93 ");
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("  (%s)\n", str_duration(took, sizeof(took), clock_mono_ms() - smoke->step_at));
    fflush(stdout);
    smoke->steps++;
    smoke->step_at = clock_mono_ms();
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

/* The JSON face of a page: a new reference, or NULL with err. */
static json_t *get_json(struct smoke *smoke, const char *path, struct err *err)
{
    json_t *model;

    if (browser_get(smoke->browser, path, JSON, &smoke->page, err) != 0)
        return NULL;
    if (smoke->page.status != 200) {
        (void)err_set(err, ERR_REMOTE, "%s answers %d: %.200s", path, smoke->page.status,
                      smoke->page.body.data);
        return NULL;
    }
    model = json_loadb(smoke->page.body.data, smoke->page.body.len, 0, NULL);
    if (model == NULL)
        (void)err_set(err, ERR_REMOTE, "%s answers no JSON: %.200s", path, smoke->page.body.data);
    return model;
}

/* Open a page, read the form that goes to `action`. */
static int open_form(struct smoke *smoke, const char *path, const char *action,
                     struct form_read *form, struct err *err)
{
    if (browser_get(smoke->browser, path, HTML, &smoke->page, err) != 0)
        return -1;
    if (smoke->page.status != 200)
        return err_set(err, ERR_REMOTE, "%s answers %d.", path, smoke->page.status);
    if (form_read(smoke->arena, smoke->page.body.data, action, form, err) != 0)
        return err_wrap(err, "%s", path);
    return 0;
}

/* Send a form; a redirect is what every form of ours answers when it did something. */
static int send_form(struct smoke *smoke, const char *action, const struct form_read *form,
                     struct err *err)
{
    if (browser_post(smoke->browser, action, form->fields, &smoke->page, err) != 0)
        return -1;
    if (smoke->page.status == 303)
        return 0;
    return err_set(err, ERR_REMOTE, "The form sent to %s was answered with %d: %.200s", action,
                   smoke->page.status, smoke->page.body.data);
}

static int sign_in(struct smoke *smoke, struct err *err)
{
    struct form_read form;
    json_t *home;

    if (open_form(smoke, "/login", "/login", &form, err) != 0
        || form_set(&form, "login", smoke->login, err) != 0
        || form_set(&form, "password", smoke->password, err) != 0
        || send_form(smoke, "/login", &form, err) != 0)
        return -1;
    home = get_json(smoke, "/", err);
    if (home == NULL)
        return -1;
    json_decref(home);
    done(smoke, "signed in as %s", smoke->login);
    return 0;
}

/* "/jobs/<id>" out of the redirect. */
static int take_job(struct smoke *smoke, struct err *err)
{
    const char *at = strstr(smoke->page.location, "/jobs/");
    size_t len;

    if (at == NULL)
        return err_set(err, ERR_REMOTE, "The deploy leads to %s and not to a job.",
                       smoke->page.location);
    at += strlen("/jobs/");
    len = strspn(at, "0123456789abcdefghijklmnopqrstuvwxyz");
    if (len == 0 || len >= sizeof(smoke->job))
        return err_set(err, ERR_REMOTE, "The job's address has no id: %s", smoke->page.location);
    memcpy(smoke->job, at, len);
    smoke->job[len] = '\0';
    return 0;
}

static int press_deploy(struct smoke *smoke, const char *version, struct err *err)
{
    struct form_read form;
    char path[256], action[128];

    (void)snprintf(action, sizeof(action), "%s/deploy", smoke->place);
    (void)snprintf(path, sizeof(path), "%s?version=%s", action, version);
    if (open_form(smoke, path, action, &form, err) != 0 || send_form(smoke, action, &form, err) != 0
        || take_job(smoke, err) != 0)
        return -1;
    done(smoke, "pressed Deploy %s on %s", version, smoke->place + strlen("/apps/"));
    return 0;
}

static int on_event(void *context, const char *event, const char *id, const char *data)
{
    struct smoke *smoke = context;

    (void)id, (void)data;
    smoke->events++;
    return strcmp(event, "done") == 0 ? 1 : 0;
}

/* Watch the live log until the server says that it is over. */
static int follow(struct smoke *smoke, struct err *err)
{
    char path[128];
    struct browser_stream stream = {
        .path = path, .deadline_ms = JOB_MS, .event = on_event, .context = smoke};

    (void)snprintf(path, sizeof(path), "/jobs/%s/events", smoke->job);
    smoke->events = 0;
    if (browser_follow(smoke->browser, &stream, err) != 0)
        return err_wrap(err, "the live log");
    if (smoke->events == 0)
        return err_set(err, ERR_REMOTE, "The live log of job %s was empty.", smoke->job);
    done(smoke, "watched the live log: %d events", smoke->events);
    return 0;
}

/* The job's model once it has ended; NULL with err after JOB_MS. */
static json_t *await_job(struct smoke *smoke, struct err *err)
{
    int64_t deadline = clock_mono_ms() + JOB_MS;
    char path[128];

    (void)snprintf(path, sizeof(path), "/jobs/%s", smoke->job);
    for (;;) {
        json_t *model = get_json(smoke, path, err);
        if (model == NULL
            || json_is_true(json_object_get(json_object_get(model, "job"), "is_ended")))
            return model;
        json_decref(model);
        if (clock_left_ms(deadline) == 0) {
            (void)err_set(err, ERR_REMOTE, "Job %s has not ended after %d s.", smoke->job,
                          (int)(JOB_MS / 1000));
            return NULL;
        }
        clock_sleep_ms(200);
    }
}

static int expect_verdict(struct smoke *smoke, const char *version, const char *wanted,
                          struct err *err)
{
    json_t *model = await_job(smoke, err);
    const json_t *job = json_object_get(model, "job");
    const char *verdict = text_of(json_object_get(job, "status"), "state");
    int rc = 0;

    if (model == NULL)
        return -1;
    if (strcmp(verdict, wanted) != 0)
        rc = err_set(err, ERR_REMOTE, "Deploy %s ended %s, not %s: %.300s", version, verdict,
                     wanted, text_of(job, "summary"));
    else
        done(smoke, "%s is %s: %s", version, verdict, text_of(job, "summary"));
    json_decref(model);
    return rc;
}

/* Ask the app itself, past Windlass, on its own port. */
static int expect_serving(struct smoke *smoke, int port, const char *version, struct err *err)
{
    const struct http_limits limits = {
        .max_bytes = 65536, .total_ms = 5000, .allow_http = true, .allow = LOOPBACK};
    struct http_answer answer;
    struct buf body;
    json_t *health = NULL;
    char url[64];
    int rc = -1;

    buf_init(&body, 65536);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/health", port);
    if (http_get(url, &limits, &body, &answer, err) != 0)
        goto out;
    health = json_loadb(body.data, body.len, 0, NULL);
    if (!str_equal(text_of(health, "version"), version)
        || !str_equal(text_of(health, "status"), "healthy")) {
        (void)err_set(err, ERR_REMOTE, "The app on port %d answers %.200s, not healthy %s.", port,
                      body.data, version);
        goto out;
    }
    done(smoke, "the app itself answers on port %d: healthy, %s", port, version);
    rc = 0;
out:
    json_decref(health);
    buf_deinit(&body);
    return rc;
}

static int deploy(struct smoke *smoke, const char *version, const char *verdict, struct err *err)
{
    if (press_deploy(smoke, version, err) != 0 || follow(smoke, err) != 0)
        return -1;
    return expect_verdict(smoke, version, verdict, err);
}

static bool has_verb(const json_t *events, const char *verb)
{
    size_t i;
    const json_t *event;

    json_array_foreach(events, i, event) if (str_equal(text_of(event, "verb"), verb)) return true;
    return false;
}

static int read_history(struct smoke *smoke, struct err *err)
{
    static const char *const WANTED[] = {"deploy.reverted", "deploy.live", "deploy.request",
                                         "session.login"};
    json_t *model = get_json(smoke, "/audit", err);
    const json_t *events = json_object_get(model, "events");
    int rc = 0;

    if (model == NULL)
        return -1;
    for (size_t i = 0; i < COUNT_OF(WANTED) && rc == 0; i++)
        if (!has_verb(events, WANTED[i]))
            rc = err_set(err, ERR_REMOTE, "The audit page does not show the event %s.", WANTED[i]);
    if (rc == 0)
        done(smoke, "the audit history shows it: %zu events on its first page",
             json_array_size(events));
    json_decref(model);
    return rc;
}

static int verify_history(struct smoke *smoke, struct err *err)
{
    struct dashboard dashboard = {0};
    struct audit_report report = {0};
    int rc;

    if (dashboard_open(&dashboard, smoke->var, false, err) != 0)
        return -1;
    rc = audit_verify(dashboard.db, &report, err);
    dashboard_close(&dashboard);
    if (rc != 0)
        return -1;
    if (!report.ok)
        return err_set(err, ERR_INTERNAL, "The history is not whole at event %" PRId64 ": %s",
                       report.first_bad, report.why);
    done(smoke, "the history is whole: %" PRId64 " events, %" PRId64 " signed heads", report.events,
         report.heads);
    return 0;
}

/* A good release goes live, a broken one is put back. */
static int go_through(struct smoke *smoke, const char *place, int port, struct err *err)
{
    smoke->place = place;
    if (deploy(smoke, "1.0.0", "live", err) != 0 || expect_serving(smoke, port, "1.0.0", err) != 0
        || deploy(smoke, "1.2.0", "reverted", err) != 0)
        return -1;
    return expect_serving(smoke, port, "1.0.0", err);
}

static int run_all(struct smoke *smoke, struct err *err)
{
    if (sign_in(smoke, err) != 0 || go_through(smoke, "/apps/hello/staging", smoke->port, err) != 0)
        return -1;
    if (smoke->container_port != 0
        && go_through(smoke, "/apps/hello-compose/staging", smoke->container_port, err) != 0)
        return -1;
    return read_history(smoke, err) != 0 ? -1 : verify_history(smoke, err);
}

static int read_smoke_options(struct smoke *smoke, int argc, char **argv, struct err *err)
{
    const struct cli_option options[] = {{"var", &smoke->var, NULL},
                                         {"origin", &smoke->origin, NULL},
                                         {"login", &smoke->login, NULL},
                                         {"port", &smoke->port_text, NULL},
                                         {"container-port", &smoke->container_port_text, NULL},
                                         {NULL, NULL, NULL}};
    int64_t port;

    if (cli_options(options, (struct cli_bounds){0, 0}, &argc, argv, err) != 0)
        return -1;
    if (smoke->origin == NULL || smoke->login == NULL || smoke->port_text == NULL
        || !str_to_int64(smoke->port_text, 1, 65535, &port))
        return err_set(err, ERR_INPUT, "demo smoke needs --origin, --login and --port.");
    smoke->port = (int)port;
    if (smoke->container_port_text != NULL) {
        if (!str_to_int64(smoke->container_port_text, 1, 65535, &port))
            return err_set(err, ERR_INPUT, "--container-port must be a port.");
        smoke->container_port = (int)port;
    }
    return cli_read_one_password(smoke->password, sizeof(smoke->password), err);
}

int demo_smoke_command(int argc, char **argv, struct err *err)
{
    struct smoke smoke = {0};
    int64_t began = clock_mono_ms();
    char took[32];
    int rc = -1;

    if (read_smoke_options(&smoke, argc, argv, err) != 0)
        return -1;
    browser_page_init(&smoke.page);
    smoke.step_at = began;
    smoke.arena = arena_new(ARENA_MAX);
    smoke.browser = browser_new(smoke.origin, LOOPBACK);
    if (smoke.arena == NULL || smoke.browser == NULL)
        (void)err_set(err, ERR_NO_MEMORY, "Not enough memory.");
    else
        rc = run_all(&smoke, err);
    crypto_wipe(smoke.password, sizeof(smoke.password));
    browser_free(smoke.browser);
    arena_free(smoke.arena);
    browser_page_deinit(&smoke.page);
    if (rc != 0) {
        printf("  \xe2\x9c\x97 after %d good steps\n", smoke.steps);
        return -1;
    }
    printf("  All %d steps good, in %s.\n", smoke.steps,
           str_duration(took, sizeof(took), clock_mono_ms() - began));
    return CLI_OK;
}

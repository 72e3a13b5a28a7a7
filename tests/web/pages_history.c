/* pages_history.c - every change and its event are one: with a database that takes no events,
 * nothing that the pages write changes anything; with one that does, each change has its event.
 * (What only the worker writes: tests/db/ask_*.c and jobs_*.c.) */
#include "tests/web/lib/pages_world.h"

static struct stage s;

static int post_app(void)
{
    return stage_post(&s, "/apps/new", "slug=told&name=Told&note=");
}

static int post_environment(void)
{
    return stage_post(&s, "/apps/hello/new",
                      "slug=review&tier=other&recipe=release&server.web-1=1"
                      "&settings.deploy_dir=apps/x&settings.port=8000&settings.start_command=./x"
                      "&settings.health_path=/health&settings.keep=5&settings.health_status=200"
                      "&settings.health_count=3&settings.health_soak_s=3"
                      "&settings.health_deadline_s=60&settings.unit_scope=system");
}

static int post_settings(void)
{
    return stage_post(&s, "/apps/hello/staging/settings",
                      "tier=production&server.web-1=1&settings.deploy_dir=apps/other"
                      "&settings.port=9101&settings.start_command=./x&settings.health_path=/h"
                      "&settings.keep=3&settings.health_status=200&settings.health_count=1"
                      "&settings.health_soak_s=0&settings.health_deadline_s=9"
                      "&settings.unit_scope=system");
}

static int post_deploy(void)
{
    char plan[8192], idem[80];
    CHECK_INT(world_get(&s.w, "/apps/hello/staging/deploy?version=1.0.0"), 200);
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan_hash"));
    snprintf(idem, sizeof idem, "%s", stage_hidden(&s, "idem"));
    return stage_post(&s, "/apps/hello/staging/deploy",
                      "version=1.0.0&plan_hash=%s&idem=%s&despite_pause=1&why=", plan, idem);
}

static int post_resume(void)
{
    return stage_post(&s, "/apps/hello/staging/resume", "x=1");
}

static int post_plan(void)
{
    return stage_post(&s, "/apps/hello/staging/plan", "version=1.0.0");
}

static int post_rollback(void)
{
    char plan[8192], idem[80];
    CHECK_INT(world_get(&s.w, "/apps/hello/staging/releases/1/rollback"), 200);
    snprintf(plan, sizeof plan, "%s", stage_hidden(&s, "plan.7"));
    snprintf(idem, sizeof idem, "%s", stage_hidden(&s, "idem"));
    return stage_post(&s, "/apps/hello/staging/releases/1/rollback",
                      "plan.7=%s&idem=%s&part.code=1&part.settings=1&part.secrets=1&why=", plan,
                      idem);
}

static int post_fetch(void)
{
    return stage_post(&s, "/apps/hello/artefacts/fetch",
                      "url=https://x.example/a.tar.gz&sha256=" SHA_A "&version=3.0.0");
}

static int post_adopt(void)
{
    return stage_post(&s, "/apps/hello/artefacts/adopt", "file=dropped.tar.gz&version=5.0.0");
}

static int post_upload(void)
{
    char body[2000], token[64];
    snprintf(body, sizeof body,
             "--XX\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n%s\r\n"
             "--XX\r\nContent-Disposition: form-data; name=\"version\"\r\n\r\n2.0.0\r\n"
             "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.tar.gz\"\r\n\r\n"
             "bytes\r\n--XX--\r\n",
             world_csrf(&s.w, token));
    world_request(&s.w, "POST", "/apps/hello/artefacts");
    fake_param(&s.w.f, "HTTP_ORIGIN", s.w.site.origin);
    fake_send(&s.w.f, "multipart/form-data; boundary=XX", body, strlen(body));
    int status = world_dispatch(&s.w);
    s.w.f.body = NULL;
    return status;
}

static int post_lock(void)
{
    return stage_post(&s, "/apps/hello/staging/lock", "lock_why=because");
}

static int post_unlock(void)
{
    return stage_post(&s, "/apps/hello/bare/unlock", "x=1");
}

static int post_operation(void)
{
    CHECK_INT(world_get(&s.w, "/apps/hello/staging/operate/stop"), 200);
    return stage_post(&s, "/apps/hello/staging/operate/stop",
                      "plan_hash=%s&why=", stage_hidden(&s, "plan_hash"));
}

static int post_freeze(void)
{
    return stage_post(&s, "/apps/hello/bare/freeze", "zone=UTC&windows=Sat+00:00+-+Mon+00:00");
}

static int post_command(void)
{
    CHECK_INT(world_get(&s.w, "/apps/hello/staging/command"), 200);
    CHECK_INT(stage_post(&s, "/apps/hello/staging/command", "command=id&server=web-1"), 200);
    return stage_post(&s, "/apps/hello/staging/command",
                      "step=run&command=id&server=web-1&plan_hash=%s",
                      stage_hidden(&s, "plan_hash"));
}

static int post_logs(void)
{
    return stage_post(&s, "/apps/hello/staging/logs", "server=web-1");
}

static int post_redeploy(void)
{
    CHECK_INT(world_get(&s.w, "/apps/hello/staging/operate/redeploy"), 200);
    return stage_post(&s, "/apps/hello/staging/operate/redeploy",
                      "plan_hash=%s&why=", stage_hidden(&s, "plan_hash"));
}

static int post_cancel(void)
{
    char uri[100];
    snprintf(uri, sizeof uri, "/jobs/%s/cancel", s.queued_job);
    return stage_post(&s, uri, "x=1");
}

static int post_check_all(void)
{
    return stage_post(&s, "/servers/check", "x=1");
}

static int post_check(void)
{
    return stage_post(&s, "/servers/web-1/check", "x=1");
}

static int post_requirement(void)
{
    return stage_post(&s, "/apps/hello/staging/secrets/required",
                      "key=API_TOKEN&description=The+mailer%%27s&generator=");
}

static int post_example(void)
{
    return stage_post(&s, "/apps/hello/staging/secrets/required",
                      "action=import&text=SMTP_PASSWORD%%3D%%0A");
}

static int post_requirement_removed(void)
{
    return stage_post(&s, "/apps/hello/staging/secrets/required", "action=remove&key=API_TOKEN");
}

static int post_profile(void)
{
    return stage_post(&s, "/profile", "name=Another+Name&theme=dark");
}

static int post_session(void)
{
    return stage_post(&s, "/profile/sessions",
                      "session=0700000000000000000000000000000000000000000000000000000000000000");
}

static int post_sessions(void)
{
    return stage_post(&s, "/profile/sessions", "session=others");
}

/* In an order in which each still changes something. */
static const struct {
    const char *pattern; /* of its route */
    int (*post)(void);
    const char *verb;
} WRITES[] = {
    {"/apps/new", post_app, "app.create"},
    {"/apps/{app}/new", post_environment, "environment.create"},
    {"/apps/{app}/{env}/resume", post_resume, "environment.resume"},
    {"/apps/{app}/{env}/plan", post_plan, "plan.request"},
    {"/apps/{app}/{env}/deploy", post_deploy, "deploy.request"},
    {"/apps/{app}/{env}/releases/{number}/rollback", post_rollback, "rollback.request"},
    {"/apps/{app}/{env}/operate/{what}", post_operation, "stop.request"},
    {"/apps/{app}/{env}/freeze", post_freeze, "environment.freeze"},
    {"/apps/{app}/{env}/command", post_command, "command.request"},
    {"/apps/{app}/{env}/logs", post_logs, "logs.request"},
    {"/apps/{app}/{env}/operate/{what}", post_redeploy, "redeploy.request"},
    {"/apps/{app}/{env}/settings", post_settings, "environment.change"},
    {"/apps/{app}/{env}/unlock", post_unlock, "environment.unlock"},
    {"/apps/{app}/{env}/lock", post_lock, "environment.lock"},
    {"/apps/{app}/artefacts/fetch", post_fetch, "fetch.request"},
    {"/apps/{app}/artefacts/adopt", post_adopt, "fetch.request"},
    {"/apps/{app}/artefacts", post_upload, "artefact.add"},
    {"/jobs/{id}/cancel", post_cancel, "job.cancel"},
    {"/servers/{slug}/check", post_check, "check.request"},
    {"/servers/check", post_check_all, "check.request"},
    {"/apps/{app}/{env}/secrets/required", post_requirement, "requirement.save"},
    {"/apps/{app}/{env}/secrets/required", post_example, "requirement.save"},
    {"/apps/{app}/{env}/secrets/required", post_requirement_removed, "requirement.remove"},
    {"/profile", post_profile, "user.change"},
    {"/profile/sessions", post_session, "session.revoke"},
    {"/profile/sessions", post_sessions, "session.revoke_others"},
};

/* --- what is stored --- */

/* By the sqlite3 program, which knows nothing of our authorizer. */
static void run_sql(const char *sql)
{
    char command[900];
    snprintf(command, sizeof command,
             "sqlite3 -bail -cmd '.timeout 2000' '%s/db/windlass.db' \"%s\" >'%s/rows'", s.w.var,
             sql, s.w.var);
    WORLD_MUST(system(command));
}

/* All rows of all tables. */
static void all_rows(struct buf *rows)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/rows", s.w.var);
    run_sql(".dump --data-only");
    buf_reset(rows);
    WORLD_MUST(fs_read_all(path, rows, &world_err));
    WORLD_MUST(rows->len == 0);
}

/* A connection keeps to the schema it was opened with. */
static void reopen(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/db/windlass.db", s.w.var);
    db_close(s.w.db);
    db_close(s.w.worker);
    WORLD_MUST(db_open(path, DB_SHARED, DB_ROLE_WORKER, &s.w.worker, &world_err));
    WORLD_MUST(db_open(path, DB_SHARED, DB_ROLE_WEB, &s.w.db, &world_err));
    s.w.d.db = s.w.db;
}

static bool artefact_is_there(const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/artefacts/%s", s.w.var, name);
    return fs_exists(path);
}

static void no_event_no_change(void)
{
    struct buf before, after;
    buf_init(&before, (size_t)16 << 20);
    buf_init(&after, (size_t)16 << 20);
    run_sql("CREATE TRIGGER refuse BEFORE INSERT ON audit_event BEGIN SELECT RAISE(ABORT, 'no "
            "events today'); END");
    reopen();
    for (size_t i = 0; i < COUNT_OF(WRITES); i++) {
        all_rows(&before);
        int status = WRITES[i].post();
        all_rows(&after);
        bool same = before.len == after.len && memcmp(before.data, after.data, after.len) == 0;
        CHECK(status >= 400);
        CHECK(same);
        if (status < 400 || !same)
            printf("#   %s without its event: %d\n", WRITES[i].verb, status);
    }
    CHECK(!artefact_is_there("hello_2.0.0.tar.gz"));
    run_sql("DROP TRIGGER refuse");
    reopen();
    buf_deinit(&before);
    buf_deinit(&after);
}

static void every_change_has_its_event(void)
{
    for (size_t i = 0; i < COUNT_OF(WRITES); i++) {
        int status = WRITES[i].post();
        CHECK_INT(status, 303);
        CHECK_STR(stage_last_verb(&s), WRITES[i].verb);
        if (status != 303)
            printf("#   %s: %.600s\n", WRITES[i].verb, fake_body(&s.w.f));
    }
    CHECK(artefact_is_there("hello_2.0.0.tar.gz"));
}

static bool is_here(const char *pattern)
{
    /* What asks the worker, which writes the event with the change: db/ask_*.c. (Forms of secrets
     * make a draft, which is no change, and lead to its review, which asks for the save.) */
    static const char *const BY_THE_WORKER[] = {"/setup/{token}",
                                                "/login",
                                                "/logout",
                                                "/servers/new",
                                                "/servers/{slug}/pin",
                                                "/registries/new",
                                                "/registries/{slug}",
                                                "/registries/{slug}/remove",
                                                "/apps/{app}/{env}/secrets",
                                                "/apps/{app}/{env}/secrets/raw",
                                                "/apps/{app}/{env}/secrets/raw/reveal",
                                                "/apps/{app}/{env}/secrets/add",
                                                "/apps/{app}/{env}/secrets/key/{key}",
                                                "/apps/{app}/{env}/secrets/key/{key}/reveal",
                                                "/apps/{app}/{env}/secrets/review/{draft}",
                                                "/apps/{app}/{env}/secrets/restore",
                                                "/profile/password",
                                                "/profile/tokens",
                                                "/profile/tokens/{id}/remove"};
    for (size_t i = 0; i < COUNT_OF(WRITES); i++)
        if (strcmp(WRITES[i].pattern, pattern) == 0)
            return true;
    for (size_t i = 0; i < COUNT_OF(BY_THE_WORKER); i++)
        if (strcmp(BY_THE_WORKER[i], pattern) == 0)
            return true;
    return false;
}

static void no_address_that_is_written_to_is_missing_here(void)
{
    for (size_t i = 0; i < ROUTES_COUNT; i++) {
        if (ROUTES[i].method != METHOD_POST || is_here(ROUTES[i].pattern))
            continue;
        tap_note_failure(__FILE__, __LINE__, "an address has neither a claim here nor in db/ask_*");
        printf("#   %s\n", ROUTES[i].pattern);
    }
}

int main(void)
{
    char path[PATH_MAX];
    struct session_row other = {.role = ROLE_VIEWER,
                                .created_at = clock_now_ms(),
                                .seen_at = clock_now_ms(),
                                .proved_at = clock_now_ms(),
                                .expires_at = clock_now_ms() + SESSION_LIFE_MS};
    stage_open(&s);
    stage_furnish(&s);
    snprintf(path, sizeof path, "%s/artefacts/dropped.tar.gz", s.w.var);
    WORLD_MUST(fs_write_atomic(path, "x", 1, 0600, &world_err));
    snprintf(other.user_id, sizeof other.user_id, "%s", s.w.user_id);
    WORLD_MUST(db_begin(s.w.worker, &world_err));
    for (uint8_t first = 7; first < 9; first++) {
        other.id_hash[0] = first;
        WORLD_MUST(session_add(s.w.worker, &other, "192.0.2.9", "other", &world_err));
    }
    WORLD_MUST(db_commit(s.w.worker, &world_err));
    /* Something to go back to, and a pause to end. */
    run_sql("UPDATE environment SET live_state = 'degraded', paused_at = 1, paused_why = 'x' WHERE "
            "slug = 'staging'");
    run_sql("UPDATE environment SET locked_at = 1 WHERE slug = 'bare'");
    TAP_RUN(no_event_no_change);
    TAP_RUN(every_change_has_its_event);
    TAP_RUN(no_address_that_is_written_to_is_missing_here);
    stage_close(&s);
    return tap_done();
}

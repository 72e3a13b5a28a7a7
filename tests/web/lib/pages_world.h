/* pages_world.h - a dashboard with something on it: the world of world.h with the real routes, an
 * app, environments, servers, artefacts and jobs, and a stand-in for the worker's ask socket.
 *
 * The stand-in is a child process that answers by a script in shared memory: every verb it knows
 * gets a good answer, unless `refuse` names it. What was asked last is kept there too. Drafts of
 * secrets it compares in earnest (secrets_answers.h). */
#ifndef WL_TESTS_WEB_LIB_PAGES_WORLD_H
#define WL_TESTS_WEB_LIB_PAGES_WORLD_H

#include "tests/web/lib/world.h"

#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "cgi/pages/pages.h"
#include "db/apps.h"
#include "db/artefacts.h"
#include "db/basis.h"
#include "db/environments.h"
#include "db/jobs.h"
#include "db/jobs_web.h"
#include "db/releases.h"
#include "db/secrets.h"
#include "db/servers.h"
#include "db/servers_worker.h"
#include "lib/base/buf.h"
#include "lib/crypto/unseal.h"
#include "lib/domain/joblog.h"
#include "lib/domain/recipe.h"
#include "tests/web/lib/registry_row.h"
#include "tests/web/lib/secrets_answers.h"
#include "tests/web/lib/stage_token.h"

#define PRINT_A "SHA256:mVx2hZ0u9vW4yQpRk7sT1nB8cLdE5fGjHa3KiOoPq6w"
#define PRINT_B "SHA256:Zk9dQ0hYt2LrXc8VbN5mP1sWfE7uA3gJ6oKiTqRyB4x"
#define SHA_A   "9b1e6c0f3a5d47c28e71b0a4d65f92c3187e4ab05c9d6f2e83b7140a5cd9e6f1"
#define SHA_B   "4c27d8ab19e05f63b7a2c18d90e4f5361fb8a7c02d95e3467081bcda2f6e9370"

/* --- the stand-in --- */

struct script {
    char refuse[40];                     /* this verb is refused ... */
    char code[24], field[64], user[256]; /* ... like this */
    char print[64];                      /* the host key a server shows */
    bool matches;
    struct stage_token token;
    int asked;            /* questions so far */
    char verb[40];        /* of the last one */
    char question[70000]; /* its text */
    struct secrets_script secrets;
};

struct stage {
    struct world w; /* first */
    struct script *script;
    pid_t child;
    uint8_t seal_secret[SEAL_KEY_BYTES];
    struct actor actor;
    char app_id[CRYPTO_ID_SIZE], env_id[CRYPTO_ID_SIZE], bare_env_id[CRYPTO_ID_SIZE];
    char server_id[CRYPTO_ID_SIZE], new_server_id[CRYPTO_ID_SIZE];
    char artefact_id[CRYPTO_ID_SIZE];
    char live_job[CRYPTO_ID_SIZE], failed_job[CRYPTO_ID_SIZE], running_job[CRYPTO_ID_SIZE],
        queued_job[CRYPTO_ID_SIZE], check_job[CRYPTO_ID_SIZE];
};

static json_t *stage_answer(struct stage *s, const json_t *in, int *file)
{
    struct script *script = s->script;
    const char *verb = script->verb;
    struct secrets_answerer secrets = {.script = &script->secrets,
                                       .var = s->w.var,
                                       .seal_key = s->w.site.seal_key,
                                       .seal_secret = s->seal_secret};
    if (strcmp(verb, script->refuse) == 0)
        return json_pack("{s:b, s:s, s:s, s:s}", "ok", 0, "code", script->code, "field",
                         script->field, "user", script->user);
    if (strncmp(verb, "token.", 6) == 0)
        return stage_token_answer(&script->token, verb);
    if (strcmp(verb, "server.host_key") == 0)
        return json_pack("{s:b, s:s, s:s, s:b}", "ok", 1, "type", "ssh-ed25519", "print",
                         script->print, "matches", (int)script->matches);
    if (strcmp(verb, "secrets.compare") == 0)
        return answer_compare(&secrets, in);
    if (strcmp(verb, "secrets.reveal") == 0)
        return answer_reveal(&secrets, in, file);
    if (strcmp(verb, "secrets.save") == 0)
        return json_pack("{s:b, s:i, s:i, s:i, s:i, s:i}", "ok", 1, "number", 1000, "added", 1,
                         "changed", 0, "removed", 0, "unchanged", 0);
    if (strcmp(verb, "session.prove") == 0 && strcmp(script->code, "prove") == 0)
        script->refuse[0] = '\0'; /* what asked for a password takes it */
    return json_pack("{s:b, s:s, s:s}", "ok", 1, "token",
                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "version", "test");
}

static void stage_answer_forever(struct stage *s, int listening)
{
    struct script *script = s->script;
    for (;;) {
        int fd = accept(listening, NULL, NULL), file = -1;
        ssize_t n = recv(fd, script->question, sizeof script->question - 1, 0);
        json_t *in, *out;
        char *text;
        script->question[n > 0 ? n : 0] = '\0';
        in = json_loads(script->question, 0, NULL);
        snprintf(script->verb, sizeof script->verb, "%s",
                 json_string_value(json_object_get(in, "verb")));
        out = stage_answer(s, in, &file);
        text = json_dumps(out, JSON_COMPACT);
        script->asked++;
        send_answer(fd, text, file);
        free(text);
        json_decref(in);
        json_decref(out);
        close(fd);
    }
}

static UNUSED void stage_start_worker(struct stage *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listening = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s/run/ask.sock", s->w.var);
    unlink(address.sun_path);
    WORLD_MUST(bind(listening, (struct sockaddr *)&address, sizeof address));
    WORLD_MUST(listen(listening, 16));
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s/run/poke.sock", s->w.var);
    unlink(address.sun_path);
    int poked = socket(AF_UNIX, SOCK_DGRAM, 0); /* the child has it as long as it lives */
    WORLD_MUST(bind(poked, (struct sockaddr *)&address, sizeof address));
    fflush(stdout);
    s->child = fork();
    if (s->child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        stage_answer_forever(s, listening);
    }
    close(poked);
    close(listening);
}

static UNUSED void stage_stop_worker(struct stage *s)
{
    if (s->child > 0) {
        kill(s->child, SIGKILL);
        waitpid(s->child, NULL, 0);
    }
    s->child = 0;
}

static UNUSED void stage_refuse(struct stage *s, const char *verb, const char *code,
                                const char *field, const char *user)
{
    snprintf(s->script->refuse, sizeof s->script->refuse, "%s", verb);
    snprintf(s->script->code, sizeof s->script->code, "%s", code);
    snprintf(s->script->field, sizeof s->script->field, "%s", field);
    snprintf(s->script->user, sizeof s->script->user, "%s", user);
}

/* --- rows --- */

static UNUSED void stage_server(struct stage *s, const char *slug, char id[CRYPTO_ID_SIZE],
                                bool is_pinned)
{
    struct server_new server = {.id = id,
                                .slug = slug,
                                .host = "web-1.example.org",
                                .login = "deploy",
                                .public_key = "ssh-ed25519 AAAAC3Nza windlass",
                                .port = 22};
    struct server_row row;
    crypto_new_id(id);
    WORLD_MUST(server_add(s->w.worker, &s->actor, &server, &world_err));
    if (!is_pinned)
        return;
    WORLD_MUST(server_by_id(s->w.worker, id, &row, &world_err));
    WORLD_MUST(server_set_pin(s->w.worker, &s->actor, &row, "ssh-ed25519", PRINT_A, &world_err));
}

static UNUSED void stage_artefact(struct stage *s, const char *version, const char *sha256,
                                  char id[CRYPTO_ID_SIZE])
{
    char file[80];
    struct artefact_new artefact = {.app_id = s->app_id,
                                    .app_name = "hello",
                                    .version = version,
                                    .file = file,
                                    .size_bytes = 2289664,
                                    .sha256 = sha256,
                                    .origin = "upload",
                                    .source = "hello.tar.gz",
                                    .created_by = s->w.user_id};
    snprintf(file, sizeof file, "hello_%s.tar.gz", version);
    WORLD_MUST(artefact_add(s->w.db, &s->actor, &artefact, id, &world_err));
}

static UNUSED void stage_environment(struct stage *s, const char *slug, const char *server_id,
                                     char id[CRYPTO_ID_SIZE])
{
    struct recipe *recipe = NULL;
    struct environment_new env = {
        .app_id = s->app_id, .slug = slug, .tier = "staging", .recipe = "release"};
    json_t *settings = NULL, *checked = NULL, *ids = json_array();
    WORLD_MUST(recipe_load(s->w.site.recipes_dir, "release", &recipe, &world_err));
    WORLD_MUST(recipe_defaults(recipe, "hello", slug, &settings, &world_err));
    json_object_set_new(settings, "start_command", json_string("./hello"));
    WORLD_MUST(recipe_check_settings(recipe, settings, &checked, &world_err));
    if (server_id != NULL)
        json_array_append_new(ids, json_string(server_id));
    env.settings = checked;
    env.server_ids = ids;
    WORLD_MUST(environment_create(s->w.db, &s->actor, &env, id, &world_err));
    json_decref(settings);
    json_decref(checked);
    json_decref(ids);
    recipe_free(recipe);
}

/* A deploy job as the button makes it. */
static UNUSED void stage_deploy(struct stage *s, char id[CRYPTO_ID_SIZE])
{
    struct recipe *recipe = NULL;
    struct deploy_request request = {.job = {.kind = "deploy",
                                             .lock_class = "exclusive",
                                             .environment_id = s->env_id,
                                             .app_id = s->app_id,
                                             .target_name = "hello / staging",
                                             .verb = "deploy.request",
                                             .auth = "x",
                                             .auth_len = 1,
                                             .requested_by = s->w.user_id,
                                             .why = "because"}};
    struct job_added added;
    json_t *environment = NULL, *artefact = NULL, *basis = NULL, *settings = NULL;
    crypto_new_id(id);
    request.job.id = id;
    request.job.idem = id;
    WORLD_MUST(recipe_load(s->w.site.recipes_dir, "release", &recipe, &world_err));
    WORLD_MUST(environment_by_id(s->w.db, s->env_id, &environment, &world_err));
    WORLD_MUST(artefact_by_id(s->w.db, s->artefact_id, &artefact, &world_err));
    WORLD_MUST(basis_of_deploy(s->w.db, &(struct basis_inputs){recipe, environment, artefact},
                               &basis, &settings, &world_err));
    request.environment = environment;
    request.artefact = artefact;
    request.basis = basis;
    request.settings = settings;
    WORLD_MUST(job_request_deploy(s->w.db, &s->actor, &request, &added, &world_err));
    json_decref(environment);
    json_decref(artefact);
    json_decref(basis);
    json_decref(settings);
    recipe_free(recipe);
}

/* --- what the worker does --- */

static UNUSED void stage_log(struct stage *s, const char *job, int lines)
{
    char path[PATH_MAX];
    struct buf out;
    buf_init(&out, (size_t)32 * 1024 * 1024);
    for (int i = 0; i < lines; i++) {
        char text[80];
        struct joblog_record record = {.time_ms = clock_now_ms(),
                                       .host = 0,
                                       .step = i % 2,
                                       .kind = i + 1 == lines ? 'p' : 'o',
                                       .origin = i,
                                       .text = text};
        record.text_len = (size_t)snprintf(text, sizeof text, "\x1b[31mline\x1b[0m <%d>", i);
        joblog_write(&out, &record);
    }
    snprintf(path, sizeof path, "%s/serve/logs/%s.log", s->w.var, job);
    WORLD_MUST(fs_write_atomic(path, out.data, out.len, 0600, &world_err));
    buf_deinit(&out);
}

/* The oldest queued job begins: a plan with one host (or none) and two steps and one undo step, the
 * first step is done. */
static UNUSED void stage_begin(struct stage *s, const char *server_id, struct job_hold *hold)
{
    bool found = false;
    json_t *plan = json_pack("{s:i}", "x", 1);
    json_t *hosts = server_id == NULL
                        ? json_pack("[{s:n, s:s}]", "server_id", "name", "here")
                        : json_pack("[{s:s, s:s}]", "server_id", server_id, "name", "web-1");
    json_t *steps = json_pack(
        "[{s:i, s:s, s:s, s:s, s:s}, {s:i, s:s, s:s, s:s, s:s}, {s:i, s:s, s:s, s:s, s:s}]", "step",
        0, "name", "connect", "title", "Connect", "phase", "forward", "state", "pending", "step", 1,
        "name", "health", "title", "Ask for its health", "phase", "forward", "state", "pending",
        "step", 2, "name", "switch_back", "title", "Switch back", "phase", "undo", "state",
        "pending");
    struct job_intent intent = {.now = clock_now_ms()};
    struct job_outcome done = {.state = "ok", .cause = "", .now = clock_now_ms() + 5};
    WORLD_MUST(job_claim(s->w.worker, "test", clock_now_ms(), hold, &found, &world_err));
    WORLD_MUST(!found);
    WORLD_MUST(job_set_plan(s->w.worker, hold, plan, hosts, steps, &world_err));
    WORLD_MUST(job_host_begin(s->w.worker, hold, 0, 1, &world_err));
    WORLD_MUST(job_step_intent(s->w.worker, hold, &intent, &world_err));
    WORLD_MUST(job_step_outcome(s->w.worker, hold, &done, &world_err));
    intent.step = 1;
    WORLD_MUST(job_step_intent(s->w.worker, hold, &intent, &world_err));
    json_decref(plan);
    json_decref(hosts);
    json_decref(steps);
}

static UNUSED void stage_end(struct stage *s, const struct job_hold *hold, const char *release_id,
                             const char *verdict)
{
    bool is_good = strcmp(verdict, "live") == 0 || strcmp(verdict, "ok") == 0;
    struct job_outcome outcome = {.step = 1,
                                  .state = is_good ? "ok" : "failed",
                                  .cause = is_good ? "" : "It answered 503. Fix: look at the log.",
                                  .status = is_good ? 0 : 3,
                                  .has_status = true,
                                  .now = clock_now_ms() + 1200};
    struct release_ended ended = {.release_id = release_id,
                                  .environment_id = s->env_id,
                                  .outcome = verdict,
                                  .effect = is_good ? RELEASE_EFFECT_LIVE : RELEASE_EFFECT_NONE,
                                  .now = clock_now_ms()};
    WORLD_MUST(job_step_outcome(s->w.worker, hold, &outcome, &world_err));
    WORLD_MUST(job_host_end(s->w.worker, hold, 0, verdict, "1.1.0 serves.", &world_err));
    WORLD_MUST(db_begin(s->w.worker, &world_err));
    WORLD_MUST(
        job_end(s->w.worker, hold, verdict, "What came of it.", clock_now_ms() + 1300, &world_err));
    if (release_id[0] != '\0')
        WORLD_MUST(release_end(s->w.worker, &ended, &world_err));
    WORLD_MUST(db_commit(s->w.worker, &world_err));
}

static UNUSED void stage_release_of(struct stage *s, const char *job, char id[CRYPTO_ID_SIZE])
{
    json_t *row = NULL;
    WORLD_MUST(job_read(s->w.db, job, &row, &world_err));
    snprintf(id, CRYPTO_ID_SIZE, "%s", json_string_value(json_object_get(row, "release_id")));
    json_decref(row);
}

static UNUSED void stage_run(struct stage *s, char job[CRYPTO_ID_SIZE], const char *verdict)
{
    struct job_hold hold;
    char release[CRYPTO_ID_SIZE];
    stage_deploy(s, job);
    stage_release_of(s, job, release);
    stage_begin(s, s->server_id, &hold);
    stage_log(s, job, 7);
    stage_end(s, &hold, release, verdict);
}

static UNUSED void stage_check_job(struct stage *s)
{
    struct job_hold hold;
    struct job_added added;
    struct job_request request = {.kind = "check",
                                  .lock_class = "none",
                                  .server_id = s->server_id,
                                  .target_name = "web-1",
                                  .verb = "check.request",
                                  .auth = "x",
                                  .auth_len = 1,
                                  .requested_by = s->w.user_id,
                                  .why = ""};
    json_t *facts = json_pack("{s:s, s:s, s:s, s:I, s:s}", "os", "Debian GNU/Linux 12", "arch",
                              "x86_64", "disk_free_kb", "31000000", "disk_total_kb",
                              (json_int_t)40000000, "new_fact", "yes");
    json_t *checks =
        json_pack("[{s:s, s:s, s:s, s:s, s:s}]", "id", "setsid", "label", "setsid", "state",
                  "failed", "cause", "It is missing.", "fix", "apt-get install util-linux");
    struct job_checked checked = {.server_id = s->server_id,
                                  .state = "failing",
                                  .facts = facts,
                                  .checks = checks,
                                  .now = clock_now_ms()};
    crypto_new_id(s->check_job);
    request.id = s->check_job;
    request.idem = s->check_job;
    WORLD_MUST(job_request_add(s->w.db, &s->actor, &request, &added, &world_err));
    stage_begin(s, s->server_id, &hold);
    stage_end(s, &hold, "", "ok");
    WORLD_MUST(db_begin(s->w.worker, &world_err));
    WORLD_MUST(job_server_checked(s->w.worker, &checked, &world_err));
    WORLD_MUST(db_commit(s->w.worker, &world_err));
    json_decref(facts);
    json_decref(checks);
}

/* --- open and close --- */

static UNUSED void stage_open(struct stage *s)
{
    uint8_t public_key[SEAL_KEY_BYTES];
    memset(s, 0, sizeof *s);
    world_open(&s->w, "http://127.0.0.1:8080", ROUTES, ROUTES_COUNT);
    unseal_keypair(public_key, s->seal_secret);
    memcpy(s->w.site.seal_key, public_key, sizeof public_key);
    s->script =
        mmap(NULL, sizeof *s->script, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    WORLD_MUST(s->script == MAP_FAILED);
    snprintf(s->script->print, sizeof s->script->print, "%s", PRINT_A);
    s->script->matches = true;
    snprintf(s->script->secrets.revealed, sizeof s->script->secrets.revealed, "shown-7Qz-value");
    stage_start_worker(s);
}

/* An app with two environments: `staging` with a release live, one failed, one running and one
 * queued deploy, and `bare` with nothing; a checked server and one that is new, a registry; the
 * person is an admin. */
static UNUSED void stage_furnish(struct stage *s)
{
    struct app_new app = {.slug = "hello", .name = "Hello", .note = "The demo."};
    struct job_hold hold;
    world_sign_in(&s->w, ROLE_ADMIN);
    s->actor = (struct actor){"user", s->w.user_id, "Ann Weaver", "192.0.2.7", "test", NULL};
    WORLD_MUST(app_create(s->w.db, &s->actor, &app, s->app_id, &world_err));
    stage_server(s, "web-1", s->server_id, true);
    stage_server(s, "web-2", s->new_server_id, false);
    add_registry(s->w.worker, &s->actor, "team");
    stage_environment(s, "staging", s->server_id, s->env_id);
    stage_environment(s, "bare", NULL, s->bare_env_id);
    stage_artefact(s, "1.0.0", SHA_A, s->artefact_id);
    stage_run(s, s->live_job, "live");
    stage_artefact(s, "1.1.0", SHA_B, s->artefact_id);
    stage_run(s, s->failed_job, "failed");
    stage_check_job(s);
    stage_deploy(s, s->running_job);
    stage_begin(s, s->server_id, &hold);
    stage_log(s, s->running_job, 5001);
    stage_deploy(s, s->queued_job);
}

static UNUSED void stage_close(struct stage *s)
{
    stage_stop_worker(s);
    munmap(s->script, sizeof *s->script);
    world_close(&s->w);
}

#include "tests/web/lib/stage_pages.h"

#endif

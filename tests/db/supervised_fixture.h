/* supervised_fixture.h - a real windlass-worker on a scratch data folder, with a stand-in for the
 * runner (stand_in_runner.h), and what tests of the supervisor ask of it. */
#ifndef WL_TESTS_DB_SUPERVISED_FIXTURE_H
#define WL_TESTS_DB_SUPERVISED_FIXTURE_H

#include <sys/prctl.h>

#include "tests/db/stand_in_runner.h"
#include "tests/program_log.h"

#define ENV_ID  "0000000000000000000000env1"
#define APP_ID  "0000000000000000000000app1"
#define WAIT_MS 20000

struct world {
    struct fixture f;
    pid_t worker;
    struct program_log log; /* of all workers of this world */
    int replaced;           /* runners and masks that the test ends; -1: some */
    char target[300], events[300], home[500], program[500], self[500];
    char sha256[CRYPTO_HASH_HEX];
    int jobs, releases;
    const char *recipe; /* of the environment: release, or one of images */
};

/* --- the world ----------------------------------------------------------------------------------
 */

static void PRINTF(2, 3) sqlf(struct world *w, const char *fmt, ...)
{
    static char sql[64 * 1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(sql, sizeof sql, fmt, args);
    va_end(args);
    MUST(fixture_sql(w->f.shared_path, sql));
}

/* The first column of the first row, through the sqlite3 program. Valid until the next call. */
static const char *PRINTF(2, 3) ask_sql(struct world *w, const char *fmt, ...)
{
    static char answer[2000];
    char sql[1000], command[2400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(sql, sizeof sql, fmt, args);
    va_end(args);
    int ends[2];
    MUST(pipe(ends));
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        snprintf(command, sizeof command, "%s", w->f.shared_path);
        execlp("sqlite3", "sqlite3", "-cmd", ".timeout 5000", command, sql, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    size_t n = 0;
    ssize_t got;
    while ((got = read(ends[0], answer + n, sizeof answer - 1 - n)) > 0)
        n += (size_t)got;
    answer[n] = '\0';
    answer[strcspn(answer, "\n")] = '\0';
    close(ends[0]);
    waitpid(pid, NULL, 0);
    return answer;
}

/* Until the SQL's answer is `want`. */
__attribute__((unused)) static bool wait_sql(struct world *w, const char *want, const char *sql)
{
    int64_t deadline = clock_mono_ms() + WAIT_MS;
    while (strcmp(ask_sql(w, "%s", sql), want) != 0) {
        if (clock_mono_ms() > deadline) {
            printf("# gave up waiting for '%s' of %s: %s\n", want, sql, ask_sql(w, "%s", sql));
            return false;
        }
        clock_sleep_ms(20);
    }
    return true;
}

__attribute__((unused)) static bool wait_line(const char *path, const char *line)
{
    int64_t deadline = clock_mono_ms() + WAIT_MS;
    while (count_lines(path, line) == 0) {
        if (clock_mono_ms() > deadline) {
            printf("# gave up waiting for line '%s'\n", line);
            return false;
        }
        clock_sleep_ms(5);
    }
    return true;
}

static void world_worker(struct world *w, const char *plan)
{
    fflush(stdout);
    w->worker = fork();
    if (w->worker == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that crashes leaves no worker behind */
        setenv("WL_VAR", w->f.var, 1);
        setenv("WL_HOME", w->home, 1);
        setenv("WL_RUNNER", w->self, 1);
        setenv("WL_LOG", getenv("FAKE_DEBUG") != NULL ? "debug" : "warn", 1);
        setenv("FAKE_PLAN", plan, 1);
        setenv("FAKE_TARGET", w->target, 1);
        setenv("FAKE_EVENTS", w->events, 1);
        if (getenv("FAKE_DEBUG") == NULL)
            program_log_is_stderr(&w->log);
        execl(w->program, w->program, (char *)NULL);
        _exit(127);
    }
}

__attribute__((unused)) static void world_kill(struct world *w, int number)
{
    int status;
    kill(w->worker, number);
    MUST(waitpid(w->worker, &status, 0) != w->worker);
    if (number == SIGTERM)
        program_log_check_end(status);
    w->worker = 0;
}

static void world_server(struct world *w, const char *slug, int port)
{
    char id[CRYPTO_ID_SIZE], line[SERVER_PUBLIC_KEY_SIZE];
    struct host_pin pin = {.type = "ssh-ed25519", .len = 8, .print = "SHA256:test"};
    snprintf(id, sizeof id, "0000000000000000000000%.4s", slug);
    memcpy(pin.blob, "hostkey!", 8);
    MUST(vault_make_server_key(w->f.vault, id, slug, line, &fixture_err));
    MUST(vault_set_pin(w->f.vault, &(struct server_at){id, "127.0.0.1", port}, &pin, "u",
                       &fixture_err));
    sqlf(w,
         "INSERT INTO server (id, slug, host, port, login, public_key, pin_type, pin_print, state, "
         "created_at) VALUES ('%s', '%s', '127.0.0.1', %d, 'app', '%s', 'ssh-ed25519', "
         "'SHA256:test', 'ready', 1);"
         "INSERT INTO environment_server VALUES ('" ENV_ID "', '%s', 'app', %d)",
         id, slug, port, line, id, port);
}

static void world_artefact(struct world *w)
{
    char path[400];
    uint8_t hash[CRYPTO_HASH_BYTES];
    snprintf(path, sizeof path, "%s/artefacts", w->f.var);
    MUST(fs_mkdirs(path, 0700, &fixture_err));
    snprintf(path, sizeof path, "%s/artefacts/file1", w->f.var);
    MUST(fs_write_atomic(path, "tarball", 7, 0600, &fixture_err));
    crypto_sha256("tarball", 7, hash);
    crypto_hex(w->sha256, sizeof w->sha256, hash, sizeof hash);
    sqlf(w,
         "INSERT INTO artefact VALUES ('0000000000000000000000art1', '" APP_ID
         "', '1.0.0', 'file1', 7, '%s', 'upload', '', 1, 'u', NULL)",
         w->sha256);
}

/* An app with one environment on `servers` servers and one secret. */
static void world_make(struct world *w, int servers)
{
    uint8_t print[CRYPTO_MAC_BYTES];
    char hex[2 * CRYPTO_MAC_BYTES + 1];
    struct secret_value value = {"TOKEN", SECRET, sizeof SECRET - 1};
    memset(w, 0, sizeof *w);
    w->recipe = "release";
    program_log_open(&w->log);
    fixture_full(&w->f);
    snprintf(w->target, sizeof w->target, "%s/target", w->f.var);
    snprintf(w->events, sizeof w->events, "%s/events", w->f.var);
    MUST(getcwd(w->home, sizeof w->home) == NULL);
    ssize_t n = readlink("/proc/self/exe", w->self, sizeof w->self - 1);
    MUST(n <= 0);
    snprintf(w->program, sizeof w->program, "%.*s/bin/windlass-worker",
             (int)(strstr(w->self, "/tests/db/") - w->self), w->self);
    MUST(access(w->program, X_OK));
    sqlf(w,
         "INSERT INTO user (id, login, name, created_at) VALUES ('u', 'ann', 'Ann', 1);"
         "INSERT INTO app (id, slug, name, created_at) VALUES ('" APP_ID "', 'shop', 'Shop', 1);"
         "INSERT INTO environment (id, app_id, slug, tier, recipe, settings, created_at) VALUES "
         "('" ENV_ID "', '" APP_ID "', 'prod', 'production', 'release', '%s', 1)",
         "{\"deploy_dir\":\"apps/shop\",\"port\":\"8000\",\"start_command\":\"./run\"}");
    MUST(vault_put_secrets(w->f.vault, ENV_ID, 1, &value, 1, &fixture_err));
    vault_fingerprint(w->f.vault, SECRET, sizeof SECRET - 1, print);
    crypto_hex(hex, sizeof hex, print, sizeof print);
    sqlf(w,
         "INSERT INTO secret_set VALUES ('" ENV_ID "', 1, '', 1, 'u', '');"
         "INSERT INTO secret_entry VALUES ('" ENV_ID
         "', 1, 0, 'TOKEN', 'secret', 'env', NULL, NULL, NULL, x'%s', 20, '', 1, 'run', 0)",
         hex);
    for (int i = 0; i < servers; i++) {
        char slug[16];
        snprintf(slug, sizeof slug, "srv%d", i + 1);
        world_server(w, slug, 22 + i);
    }
    world_artefact(w);
}

static void world_end(struct world *w)
{
    if (w->worker > 0)
        world_kill(w, SIGTERM);
    program_log_check(&w->log, w->replaced);
    fixture_end(&w->f);
}

static void world_poke(const struct world *w)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%.80s/run/poke.sock", w->f.var);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof to);
    close(fd);
}

/* The sealed proof of a job that was added on this machine, as SQL hex. */
static void command_line_auth(struct world *w, const char *job, const char *kind, char *hex,
                              size_t size)
{
    char proof[2 * CRYPTO_MAC_BYTES + 1], text[300];
    uint8_t box[400];
    struct instance instance;
    MUST(instance_get(w->f.shared, &instance, &fixture_err));
    vault_command_proof(w->f.vault, job, kind, proof);
    int n = snprintf(text, sizeof text, "{\"command_line\":true,\"proof\":\"%s\"}", proof);
    MUST(seal_to(instance.seal_key, text, (size_t)n, box, &fixture_err));
    crypto_hex(hex, size, box, (size_t)n + SEAL_OVERHEAD);
}

/* What a confirm page would show now, compact. */
static char *basis_text(struct world *w)
{
    json_t *env = NULL, *artefact = NULL, *basis = NULL;
    struct recipe *recipe = NULL;
    char recipes[600];
    snprintf(recipes, sizeof recipes, "%s/recipes", w->home);
    MUST(recipe_load(recipes, w->recipe, &recipe, &fixture_err));
    MUST(environment_by_id(w->f.shared, ENV_ID, &env, &fixture_err));
    if (recipe_takes_artefact(recipe))
        MUST(artefact_by_id(w->f.shared, "0000000000000000000000art1", &artefact, &fixture_err));
    else
        artefact = json_pack("{s:s, s:s}", "version", "1.0.0", "sha256", "");
    MUST(basis_of_deploy(w->f.shared, &(struct basis_inputs){recipe, env, artefact}, &basis, NULL,
                         &fixture_err));
    char *text = json_dumps(basis, JSON_COMPACT);
    recipe_free(recipe);
    json_decref(env);
    json_decref(artefact);
    json_decref(basis);
    return text;
}

/* Press Deploy. The job's id is valid until the sixteenth call after. */
__attribute__((unused)) static const char *world_deploy(struct world *w)
{
    static char ids[16][CRYPTO_ID_SIZE];
    char *id = ids[w->jobs % 16], release[CRYPTO_ID_SIZE], auth[1200];
    bool is_release = strcmp(w->recipe, "release") == 0;
    char *basis = basis_text(w);
    crypto_new_id(id);
    crypto_new_id(release);
    command_line_auth(w, id, "deploy", auth, sizeof auth);
    w->jobs++;
    w->releases++;
    sqlf(
        w,
        "BEGIN; INSERT INTO release (id, environment_id, number, recipe, recipe_sha256, settings, "
        "hosts, version, artefact_id, artefact_sha256, secret_set, created_at, created_by, job_id) "
        "VALUES ('%s', '" ENV_ID "', %d, '%s', 'x', '{}', '[]', '1.0.0', "
        "nullif('%s', ''), '%s', 1, 1, 'u', '%s');"
        "INSERT INTO job (id, serial, environment_id, number, kind, lock_class, params, confirmed, "
        "release_id, idem, auth, requested_by, nonce, created_at) VALUES ('%s', %d, '" ENV_ID
        "', %d, 'deploy', 'exclusive', '{}', '%s', '%s', '%s', x'%s', 'u', 'nonce-%s', %lld); "
        "COMMIT",
        release, w->releases, w->recipe, is_release ? "0000000000000000000000art1" : "",
        is_release ? w->sha256 : "", id, id, w->jobs, w->jobs, basis, release, id, auth, id,
        (long long)clock_now_ms());
    free(basis);
    world_poke(w);
    return id;
}

__attribute__((unused)) static bool wait_verdict(struct world *w, const char *job,
                                                 const char *verdict)
{
    char sql[100];
    snprintf(sql, sizeof sql, "SELECT verdict FROM job WHERE id = '%s'", job);
    return wait_sql(w, verdict, sql);
}

/* The whole log of an ended job, its last record included (that comes after the commit); free() it.
 */
__attribute__((unused)) static char *world_log(struct world *w, const char *job)
{
    char path[400];
    struct buf text;
    int64_t deadline = clock_mono_ms() + WAIT_MS;
    snprintf(path, sizeof path, "%s/serve/logs/%s.log", w->f.var, job);
    buf_init(&text, 1024 * 1024);
    do {
        clock_sleep_ms(10);
        buf_reset(&text);
        MUST(fs_read_all(path, &text, &fixture_err));
    } while (strstr(text.data, " v - {") == NULL && clock_mono_ms() < deadline);
    return buf_detach(&text, NULL);
}

__attribute__((unused)) static int ran(struct world *w, int step)
{
    char line[64];
    snprintf(line, sizeof line, "ran %d", step);
    return count_lines(w->target, line);
}

__attribute__((unused)) static bool no_step_ran_twice(struct world *w)
{
    for (int k = 0; k < 30; k++) {
        if (ran(w, k) > 1) {
            printf("# step %d ran %d times\n", k, ran(w, k));
            return false;
        }
    }
    return true;
}

__attribute__((unused)) static const char *env_state(struct world *w)
{
    return ask_sql(w, "SELECT live_state || ' ' || coalesce((SELECT number FROM release r WHERE "
                      "r.id = live_release_id), 0) FROM environment");
}

/* The pid of the worker's child with this -x name; 0: none. */
__attribute__((unused)) static pid_t child_of(const struct world *w, const char *part)
{
    char path[64], text[1000];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)w->worker, (int)w->worker);
    FILE *file = fopen(path, "re");
    size_t n = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
    if (file != NULL)
        fclose(file);
    text[n] = '\0';
    for (char *at = text, *end;; at = end) {
        char command[200];
        long pid = strtol(at, &end, 10);
        if (end == at)
            return 0;
        snprintf(path, sizeof path, "/proc/%ld/cmdline", pid);
        if ((file = fopen(path, "re")) == NULL)
            continue;
        n = fread(command, 1, sizeof command - 1, file);
        fclose(file);
        command[n] = '\0';
        if (n > 20 && strcmp(command + n - 1 - strlen(part), part) == 0)
            return (pid_t)pid;
    }
}

#endif

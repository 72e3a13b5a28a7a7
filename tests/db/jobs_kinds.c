/* jobs_kinds.c - jobs of the kinds fetch and check through the supervisor. */
#include "tests/db/supervised_fixture.h"

/* A job without environment. column: server_id or app_id; value "": NULL. */
static const char *add_job(struct world *w, const char *kind, const char *column, const char *value,
                           const char *params)
{
    static char ids[8][CRYPTO_ID_SIZE];
    char *id = ids[w->jobs % 8], auth[1200];
    crypto_new_id(id);
    command_line_auth(w, id, kind, auth, sizeof auth);
    w->jobs++;
    sqlf(w,
         "INSERT INTO job (id, serial, %s, kind, lock_class, params, idem, auth, requested_by, "
         "nonce, created_at) VALUES ('%s', %d, nullif('%s', ''), '%s', 'none', '%s', '%s', x'%s', "
         "'u', 'n', 1)",
         column, id, w->jobs, value, kind, params, id, auth);
    world_poke(w);
    return id;
}

static void a_dropped_file_becomes_an_artefact(void)
{
    struct world w;
    char path[400];
    world_make(&w, 1);
    snprintf(path, sizeof path, "%s/artefacts/shop-2.tar.gz", w.f.var);
    MUST(fs_write_atomic(path, "another", 7, 0600, &fixture_err));
    world_worker(&w, "");
    const char *job = add_job(&w, "fetch", "app_id", APP_ID,
                              "{\"version\":\"2.0.0\",\"file\":\"shop-2.tar.gz\"}");
    CHECK(wait_verdict(&w, job, "ok"));
    char want[200], hex[CRYPTO_HASH_HEX];
    uint8_t hash[CRYPTO_HASH_BYTES];
    crypto_sha256("another", 7, hash);
    crypto_hex(hex, sizeof hex, hash, sizeof hash);
    snprintf(want, sizeof want, "%s 7 folder shop-2.tar.gz %s", job, hex);
    CHECK_STR(ask_sql(&w,
                      "SELECT file || ' ' || size_bytes || ' ' || origin || ' ' || source || ' ' "
                      "|| sha256 FROM artefact WHERE version = '2.0.0'"),
              want);
    CHECK(access(path, F_OK) != 0);
    job = add_job(&w, "fetch", "app_id", APP_ID, "{\"version\":\"2.0.0\",\"file\":\"other\"}");
    CHECK(wait_verdict(&w, job, "failed"));
    CHECK(strstr(ask_sql(&w, "SELECT summary FROM job WHERE id = '%s'", job), "exists already")
          != NULL);
    world_end(&w);
}

static void a_fetch_that_must_not_be_is_refused(void)
{
    static const struct {
        const char *params, *says;
    } cases[] = {
        {"{\"version\":\"3\",\"file\":\"file1\"}", "artefact already"},
        {"{\"version\":\"3\",\"file\":\"../vault/vault.db\"}", ""},
        {"{\"version\":\"3\",\"file\":\"gone.tar\"}", ""},
        {"{\"version\":\"3\",\"file\":\"link\"}", ""},
        {"{\"version\":\"3\",\"file\":\"good\",\"sha256\":\"" /* 64 digits */
         "00000000000000000000000000000000000000000000000000000000000000ff\"}",
         "expected 00000000000000000000000000000000000000000000000000000000000000ff, got "},
        {"{\"version\":\"3\",\"url\":\"https://127.0.0.1:1/a.tar\",\"sha256\":\""
         "00000000000000000000000000000000000000000000000000000000000000ff\"}",
         ""},
        {"{\"version\":\"3\",\"url\":\"file:///etc/passwd\",\"sha256\":\""
         "00000000000000000000000000000000000000000000000000000000000000ff\"}",
         ""},
        {"{}", ""}};
    struct world w;
    char path[400];
    world_make(&w, 1);
    snprintf(path, sizeof path, "%s/artefacts/good", w.f.var);
    MUST(fs_write_atomic(path, "another", 7, 0600, &fixture_err));
    snprintf(path, sizeof path, "%s/artefacts/link", w.f.var);
    MUST(symlink("/etc/passwd", path));
    world_worker(&w, "");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *job = add_job(&w, "fetch", "app_id", APP_ID, cases[i].params);
        CHECK(wait_verdict(&w, job, "failed"));
        const char *said = ask_sql(&w, "SELECT summary FROM job WHERE id = '%s'", job);
        printf("# %s\n", said);
        CHECK(said[0] != '\0' && strstr(said, cases[i].says) != NULL);
    }
    CHECK_STR(ask_sql(&w, "SELECT count(*) FROM artefact"), "1");
    world_end(&w);
}

/* The stand-in "ends" a check as the plan says. */
static void a_check_writes_what_the_server_is(void)
{
    static const struct {
        const char *plan, *verdict, *state;
    } cases[] = {{"check-ready", "ok", "ready"},
                 {"check-failing", "failed", "failing"},
                 {"check-unreachable", "unknown", "unreachable"},
                 {"check-key_changed", "failed", "key_changed"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world w;
        world_make(&w, 1);
        world_worker(&w, cases[i].plan);
        const char *job = add_job(&w, "check", "server_id", "0000000000000000000000srv1", "{}");
        CHECK(wait_verdict(&w, job, cases[i].verdict));
        CHECK_STR(ask_sql(&w, "SELECT state FROM server"), cases[i].state);
        CHECK_STR(ask_sql(&w, "SELECT json_extract(checks, '$[0].id') FROM server"), "disk");
        CHECK_STR(ask_sql(&w, "SELECT count(*) FROM audit_event WHERE verb = 'server.key_changed'"),
                  strcmp(cases[i].state, "key_changed") == 0 ? "1" : "0");
        world_end(&w);
    }
}

static void a_check_of_all_servers_says_how_each_is(void)
{
    struct world w;
    world_make(&w, 9);
    world_worker(&w, "check-ready");
    const char *job = add_job(&w, "check", "server_id", "", "{}");
    CHECK(wait_verdict(&w, job, "ok"));
    CHECK_STR(ask_sql(&w, "SELECT count(*) FROM server WHERE state = 'ready'"), "9");
    CHECK_STR(ask_sql(&w, "SELECT summary FROM job"), "9 of 9 servers are as they should be.");
    CHECK_STR(ask_sql(&w, "SELECT target_kind || target_name FROM audit_event WHERE verb = "
                          "'check.ok'"),
              "serverall servers");
    world_end(&w);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "-x") == 0)
        return fake_runner();
    TAP_RUN(a_dropped_file_becomes_an_artefact);
    TAP_RUN(a_fetch_that_must_not_be_is_refused);
    TAP_RUN(a_check_writes_what_the_server_is);
    TAP_RUN(a_check_of_all_servers_says_how_each_is);
    return tap_done();
}

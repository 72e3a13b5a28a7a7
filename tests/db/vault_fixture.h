/* vault_fixture.h - what the tests of the vault share: asking the file with the sqlite3 program,
 * and a vault with one of everything in it. */
#ifndef WL_TESTS_DB_VAULT_FIXTURE_H
#define WL_TESTS_DB_VAULT_FIXTURE_H

#include "tests/db/fixture.h"
#include "db/vault/keys.h"
#include "db/vault/registries.h"
#include "lib/base/str.h"

#define ENV_A "00000000000000000000000enva"
#define ENV_B "00000000000000000000000envb"

/* What the sqlite3 program prints for a query, for free(). Never NULL. */
__attribute__((unused)) static char *ask_file(const char *path, const char *sql)
{
    struct buf out;
    int ends[2], status = 0;
    ssize_t len;
    pid_t pid;

    MUST(pipe(ends));
    pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execlp("sqlite3", "sqlite3", "-bail", "-cmd", ".timeout 5000", path, sql, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    buf_init(&out, (size_t)64 * 1024 * 1024);
    for (char *room; (room = buf_reserve(&out, 65536)) != NULL;) {
        len = read(ends[0], room, 65536);
        if (len <= 0)
            break;
        out.len += (size_t)len;
        out.data[out.len] = '\0';
    }
    close(ends[0]);
    MUST(pid < 0 || waitpid(pid, &status, 0) != pid || status != 0 || out.len == 0);
    return buf_detach(&out, NULL);
}

__attribute__((unused)) static int64_t ask_number(const char *path, const char *sql)
{
    char *text = ask_file(path, sql);
    int64_t number = strtoll(text, NULL, 10);

    free(text);
    return number;
}

struct filled {
    struct fixture f;
    char public_line[SERVER_PUBLIC_KEY_SIZE];
    struct buf server_key;
    struct registry_row registry;
    struct session_row session; /* with its MAC */
    uint8_t print[CRYPTO_MAC_BYTES];
    char big[30000];
};

/* Values of two environments in several sets, among them one over several pages; a server, a
 * registry, a session. */
__attribute__((unused)) static void fill(struct filled *v)
{
    struct secret_value values[] = {{"A", "value of a", 10},
                                    {"B", "value of b", 10},
                                    {"BIG", v->big, sizeof v->big},
                                    {"EMPTY", "", 0}};

    memset(v, 0, sizeof *v);
    fixture_full(&v->f);
    for (size_t i = 0; i < sizeof v->big; i++)
        v->big[i] = (char)(i * 7 + i / 251);
    for (int64_t number = 1; number <= 12; number++) {
        MUST(vault_put_secrets(v->f.vault, ENV_A, number, values, COUNT_OF(values), &fixture_err));
        MUST(vault_put_secrets(v->f.vault, ENV_B, number, values, 2, &fixture_err));
    }
    MUST(vault_make_server_key(v->f.vault, "srv1", "web", v->public_line, &fixture_err));
    buf_init(&v->server_key, 4096);
    MUST(vault_server_key(v->f.vault, "srv1", &v->server_key, &fixture_err));
    str_copy(v->registry.id, sizeof v->registry.id, "reg1");
    str_copy(v->registry.slug, sizeof v->registry.slug, "hub");
    str_copy(v->registry.host, sizeof v->registry.host, "registry.example.org");
    str_copy(v->registry.login, sizeof v->registry.login, "robot");
    v->registry.password_number = 1;
    MUST(vault_put_registry_password(v->f.vault, &v->registry, "pa55word", 8, &fixture_err));
    v->session = (struct session_row){
        .user_id = "user1", .role = ROLE_VIEWER, .created_at = 1000, .expires_at = 2000};
    vault_session_mac(v->f.vault, &v->session, v->session.mac);
    vault_fingerprint(v->f.vault, "value of a", 10, v->print);
}

__attribute__((unused)) static void fill_end(struct filled *v)
{
    buf_deinit(&v->server_key);
    fixture_end(&v->f);
}

__attribute__((unused)) static bool holds(struct vault *vault, const char *environment,
                                          int64_t number, const char *key, const void *bytes,
                                          size_t len)
{
    struct err err = {0};
    struct buf out;
    bool same;

    buf_init(&out, 100000);
    same = vault_get_secret(vault, environment, number, key, &out, &err) == 0 && out.len == len
           && memcmp(out.data, bytes, len) == 0;
    if (!same)
        printf("# %s of s%d: %s [%s]\n", key, (int)number, err.user, err.detail);
    buf_deinit(&out);
    return same;
}

/* Everything that fill() put there comes out of this vault as it was. */
__attribute__((unused)) static bool all_is_there(struct filled *v, struct vault *vault)
{
    struct buf out;
    uint8_t print[CRYPTO_MAC_BYTES];
    bool all = true;

    buf_init(&out, 4096);
    for (int64_t number = 1; number <= 12; number++)
        all = all && holds(vault, ENV_A, number, "A", "value of a", 10)
              && holds(vault, ENV_A, number, "B", "value of b", 10)
              && holds(vault, ENV_A, number, "BIG", v->big, sizeof v->big)
              && holds(vault, ENV_A, number, "EMPTY", "", 0)
              && holds(vault, ENV_B, number, "A", "value of a", 10)
              && holds(vault, ENV_B, number, "B", "value of b", 10);
    all = all && vault_server_key(vault, "srv1", &out, NULL) == 0
          && strcmp(out.data, v->server_key.data) == 0;
    buf_reset(&out);
    all = all && vault_registry_password(vault, &v->registry, &out, NULL) == 0
          && strcmp(out.data, "pa55word") == 0;
    buf_deinit(&out);
    vault_fingerprint(vault, "value of a", 10, print);
    return all && vault_session_is_ours(vault, &v->session)
           && memcmp(print, v->print, sizeof print) == 0;
}

/* The same for a vault opened now, as another process would. */
__attribute__((unused)) static bool all_is_there_anew(struct filled *v)
{
    struct vault *vault = NULL;
    struct err err = {0};
    bool all = vault_open(v->f.var, DB_ROLE_WORKER, &vault, &err) == 0 && all_is_there(v, vault);

    if (vault == NULL)
        printf("# open: %s [%s]\n", err.user, err.detail);
    vault_close(vault);
    return all;
}

__attribute__((unused)) static void key_file(const struct filled *v, const char *name,
                                             char path[400])
{
    snprintf(path, 400, "%s/keys/%s", v->f.var, name);
}

__attribute__((unused)) static bool has_key_file(const struct filled *v, const char *name)
{
    char path[400];

    key_file(v, name, path);
    return access(path, F_OK) == 0;
}

__attribute__((unused)) static void read_key_file(const struct filled *v, const char *name,
                                                  char text[66])
{
    char path[400];
    struct buf bytes;

    key_file(v, name, path);
    buf_init(&bytes, 65);
    MUST(fs_read_all(path, &bytes, &fixture_err));
    snprintf(text, 66, "%s", bytes.data);
    buf_deinit(&bytes);
}

__attribute__((unused)) static void write_key_file(const struct filled *v, const char *name,
                                                   const char *text)
{
    char path[400];

    key_file(v, name, path);
    MUST(fs_write_atomic(path, text, strlen(text), 0400, &fixture_err));
}

__attribute__((unused)) static int64_t key_events(const struct filled *v, const char *verb)
{
    char sql[200];

    snprintf(sql, sizeof sql, "SELECT count(*) FROM audit_event WHERE verb = '%s'", verb);
    return ask_number(v->f.shared_path, sql);
}

#endif

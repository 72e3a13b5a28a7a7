/* vault.c - the vault against somebody who has its file: what is swapped, altered, brought back or
 * opened with another key is refused; and what is not granted is denied. */
#include "tests/db/fixture.h"
#include "db/users.h"
#include "lib/base/str.h"

#define ENV "env1"

static int put(struct fixture *f, int64_t number, const char *key, const char *value,
               struct err *err)
{
    struct secret_value v = {key, value, strlen(value)};

    return vault_put_secrets(f->vault, ENV, number, &v, 1, err);
}

static int get(struct fixture *f, int64_t number, const char *key, char *text, size_t size,
               struct err *err)
{
    struct buf out;
    int rc;

    buf_init(&out, 100000);
    rc = vault_get_secret(f->vault, ENV, number, key, &out, err);
    str_copy(text, size, out.data);
    buf_deinit(&out);
    return rc;
}

static int reopen(struct fixture *f, struct err *err)
{
    vault_close(f->vault);
    f->vault = NULL;
    return vault_open(f->var, DB_ROLE_WORKER, &f->vault, err);
}

/* --- keys --- */

static void preparing_twice_keeps_the_keys(void)
{
    struct fixture f;
    struct stat st;
    char id[CRYPTO_ID_SIZE], path[300], text[100];

    fixture_full(&f);
    snprintf(path, sizeof path, "%s/keys/master.key", f.var);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0400 && st.st_size == 65);
    str_copy(id, sizeof id, vault_instance_id(f.vault));
    CHECK(crypto_is_id(id));
    CHECK(put(&f, 1, "A", "value", NULL) == 0);
    CHECK(vault_prepare(f.var, f.shared, NULL) == 0);
    CHECK(reopen(&f, NULL) == 0);
    CHECK_STR(vault_instance_id(f.vault), id);
    CHECK(get(&f, 1, "A", text, sizeof text, NULL) == 0);
    CHECK_STR(text, "value");
    fixture_end(&f);
}

static void a_missing_master_key_is_never_replaced(void)
{
    struct fixture f;
    struct err err = {0};
    char path[300];

    fixture_full(&f);
    snprintf(path, sizeof path, "%s/keys/master.key", f.var);
    CHECK(unlink(path) == 0);
    CHECK(vault_prepare(f.var, f.shared, &err) == -1);
    CHECK_INT(err.code, ERR_CONFLICT);
    CHECK(strstr(err.user, "backup") != NULL && strstr(err.user, "keys/master.key") != NULL);
    CHECK(access(path, F_OK) != 0);
    CHECK(reopen(&f, &err) == -1);
    fixture_end(&f);
}

static void a_wrong_master_key_is_refused(void)
{
    struct fixture f;
    struct err err = {0};
    char path[300], text[66] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";

    fixture_full(&f);
    snprintf(path, sizeof path, "%s/keys/master.key", f.var);
    MUST(fs_write_atomic(path, text, 65, 0400, &fixture_err));
    CHECK(reopen(&f, &err) == -1);
    CHECK_INT(err.code, ERR_CONFLICT);
    CHECK(strstr(err.user, "not the one") != NULL);
    CHECK(vault_prepare(f.var, f.shared, &err) == -1);
    CHECK_INT(err.code, ERR_CONFLICT);
    fixture_end(&f);
}

static void a_master_key_others_can_read_is_refused(void)
{
    struct fixture f;
    struct err err = {0};
    char path[300];

    fixture_full(&f);
    snprintf(path, sizeof path, "%s/keys/master.key", f.var);
    CHECK(chmod(path, 0440) == 0);
    CHECK(reopen(&f, &err) == -1);
    CHECK(strstr(err.user, "chmod 0400") != NULL);
    fixture_end(&f);
}

static void a_key_file_left_by_a_crash_is_used(void)
{
    struct fixture f;
    char path[300], before[66] = "", after[66] = "";
    struct buf text;

    fixture_shared(&f, DB_ROLE_WORKER);
    snprintf(path, sizeof path, "%s/keys", f.var);
    MUST(fs_mkdirs(path, 0700, &fixture_err));
    snprintf(path, sizeof path, "%s/keys/master.key", f.var);
    snprintf(before, sizeof before, "%064d\n", 7);
    MUST(fs_write_atomic(path, before, 65, 0400, &fixture_err));
    CHECK(vault_prepare(f.var, f.shared, NULL) == 0);
    buf_init(&text, 100);
    CHECK(fs_read_all(path, &text, NULL) == 0);
    str_copy(after, sizeof after, text.data);
    CHECK_STR(after, before);
    buf_deinit(&text);
    fixture_end(&f);
}

static void a_vault_of_another_dashboard_is_refused(void)
{
    struct fixture f, other;
    struct err err = {0};

    fixture_full(&f);
    fixture_full(&other);
    CHECK(vault_prepare(f.var, other.shared, &err) == -1);
    CHECK_INT(err.code, ERR_CONFLICT);
    CHECK(strstr(err.user, "different dashboards") != NULL);
    fixture_end(&other);
    fixture_end(&f);
}

/* --- secret values --- */

static void values_come_back_byte_exact(void)
{
    struct fixture f;
    char *nasty = malloc(70000);
    struct secret_value values[] = {
        {"EMPTY", "", 0}, {"NUL", "a\0b'\"$(id)`\n\xff\xfe", 13}, {"BIG", nasty, 70000}};
    struct buf out;

    fixture_full(&f);
    MUST(nasty == NULL);
    for (int i = 0; i < 70000; i++)
        nasty[i] = (char)(i * 31);
    CHECK(vault_put_secrets(f.vault, ENV, 1, values, COUNT_OF(values), NULL) == 0);
    buf_init(&out, 100000);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        buf_reset(&out);
        CHECK(vault_get_secret(f.vault, ENV, 1, values[i].key, &out, NULL) == 0);
        CHECK(out.len == values[i].len && memcmp(out.data, values[i].bytes, out.len) == 0);
    }
    buf_deinit(&out);
    free(nasty);
    fixture_end(&f);
}

/* What verifies here: after the forgery, `key` of set 1 is refused with a sentence that names it.
 */
static void refused_after(const char *sql, const char *key)
{
    struct fixture f;
    struct err err = {0};
    char text[100];

    fixture_full(&f);
    CHECK(put(&f, 2, "A", "the new value", NULL) == 0);
    {
        struct secret_value both[] = {{"A", "value of a", 10}, {"B", "value of b", 10}};

        CHECK(vault_put_secrets(f.vault, ENV, 1, both, 2, NULL) == 0);
    }
    CHECK_INT(fixture_sql(f.vault_path, sql), 0);
    CHECK(get(&f, 1, key, text, sizeof text, &err) == -1);
    CHECK_INT(err.code, ERR_INTERNAL);
    CHECK(strstr(err.user, key) != NULL);
    CHECK_STR(text, "");
    fixture_end(&f);
}

static void swapped_altered_and_replayed_values_are_refused(void)
{
    refused_after("UPDATE secret_value SET value_ct = (SELECT value_ct FROM secret_value"
                  " WHERE key = 'B') WHERE key = 'A' AND number = 1",
                  "A");
    refused_after("UPDATE secret_value SET value_ct = (SELECT value_ct FROM secret_value"
                  " WHERE key = 'A' AND number = 2) WHERE key = 'A' AND number = 1",
                  "A");
    refused_after("UPDATE secret_value SET value_ct = CAST(substr(value_ct, 1, 29) || x'5a'"
                  " || substr(value_ct, 31) AS BLOB) WHERE key = 'B'",
                  "B");
    refused_after("UPDATE secret_value SET value_ct = substr(value_ct, 1, 39)", "A");
    refused_after("UPDATE secret_value SET value_ct = x''", "A");
}

static void a_data_key_moved_from_another_environment_is_refused(void)
{
    struct fixture f;
    struct secret_value v = {"A", "x", 1};
    char text[100];
    struct err err = {0};

    fixture_full(&f);
    CHECK(put(&f, 1, "A", "value", NULL) == 0);
    CHECK(vault_put_secrets(f.vault, "env2", 1, &v, 1, NULL) == 0);
    CHECK_INT(fixture_sql(f.vault_path,
                          "UPDATE data_key SET secret_ct = (SELECT secret_ct FROM data_key WHERE "
                          "environment_id = 'env2') WHERE environment_id = 'env1'"),
              0);
    CHECK(get(&f, 1, "A", text, sizeof text, &err) == -1);
    CHECK_INT(err.code, ERR_INTERNAL);
    fixture_end(&f);
}

static void values_left_by_a_crash_are_replaced(void)
{
    struct fixture f;
    char text[100];

    fixture_full(&f);
    CHECK(put(&f, 1, "LEFTOVER", "old", NULL) == 0);
    CHECK(put(&f, 1, "A", "new", NULL) == 0);
    CHECK(get(&f, 1, "LEFTOVER", text, sizeof text, NULL) == -1);
    CHECK(get(&f, 1, "A", text, sizeof text, NULL) == 0);
    fixture_end(&f);
}

static void no_value_is_in_the_file_in_the_clear(void)
{
    struct fixture f;
    struct buf bytes;
    char path[320];

    fixture_full(&f);
    CHECK(put(&f, 1, "A", "a-very-visible-secret", NULL) == 0);
    buf_init(&bytes, 10000000);
    CHECK(fs_read_all(f.vault_path, &bytes, NULL) == 0);
    snprintf(path, sizeof path, "%s-wal", f.vault_path);
    CHECK(fs_read_all(path, &bytes, NULL) == 0);
    CHECK(bytes.len > 4096);
    CHECK(memmem(bytes.data, bytes.len, "a-very-visible", 14) == NULL);
    CHECK(memmem(bytes.data, bytes.len, "OPENSSH", 7) == NULL);
    buf_deinit(&bytes);
    fixture_end(&f);
}

/* --- sessions --- */

static void a_session_with_another_role_user_or_time_is_not_ours(void)
{
    struct fixture f, other;
    struct session_row row = {.user_id = "user1",
                              .role = ROLE_VIEWER,
                              .created_at = 1000,
                              .expires_at = 2000},
                       forged;

    fixture_full(&f);
    fixture_full(&other);
    memset(row.id_hash, 7, sizeof row.id_hash);
    vault_session_mac(f.vault, &row, row.mac);
    CHECK(vault_session_is_ours(f.vault, &row));
    CHECK(!vault_session_is_ours(other.vault, &row));
    forged = row;
    forged.role = ROLE_ADMIN;
    CHECK(!vault_session_is_ours(f.vault, &forged));
    forged = row;
    forged.user_id[4] = '2';
    CHECK(!vault_session_is_ours(f.vault, &forged));
    forged = row;
    forged.expires_at++;
    CHECK(!vault_session_is_ours(f.vault, &forged));
    forged = row;
    forged.id_hash[31] ^= 1;
    CHECK(!vault_session_is_ours(f.vault, &forged));
    forged = row;
    forged.role = ROLE_NONE;
    vault_session_mac(f.vault, &forged, forged.mac);
    CHECK(!vault_session_is_ours(f.vault, &forged));
    fixture_end(&other);
    fixture_end(&f);
}

/* --- grants --- */

static enum role role_of(struct fixture *f, const char *user, const char *app, const char *env)
{
    enum role role = ROLE_ADMIN;

    CHECK(vault_role(f->vault, user, app, env, &role, NULL) == 0);
    return role;
}

static void what_is_not_granted_is_denied(void)
{
    struct fixture f;

    fixture_full(&f);
    CHECK_INT(role_of(&f, "ann", "app1", "env1"), ROLE_NONE);
    CHECK_INT(role_of(&f, "", "", ""), ROLE_NONE);
    CHECK(vault_grant(f.vault, &(struct grant){"ann", "app1", "env1", ROLE_DEPLOYER, "root"}, NULL)
          == 0);
    CHECK_INT(role_of(&f, "ann", "app1", "env1"), ROLE_DEPLOYER);
    CHECK_INT(role_of(&f, "ann", "app1", "env2"), ROLE_NONE);
    CHECK_INT(role_of(&f, "ann", "app2", "env1"), ROLE_NONE);
    CHECK_INT(role_of(&f, "ann", "app1", ""), ROLE_NONE);
    CHECK_INT(role_of(&f, "ann", "", ""), ROLE_NONE);
    CHECK_INT(role_of(&f, "bob", "app1", "env1"), ROLE_NONE);
    CHECK(vault_grant(f.vault, &(struct grant){"ann", "app1", "", ROLE_VIEWER, "root"}, NULL) == 0);
    CHECK_INT(role_of(&f, "ann", "app1", "env2"), ROLE_VIEWER);
    CHECK_INT(role_of(&f, "ann", "app1", "env1"), ROLE_DEPLOYER);
    CHECK(vault_grant(f.vault, &(struct grant){"eve", "", "env1", ROLE_ADMIN, "root"}, NULL)
          == 0); /* covers nothing */
    CHECK_INT(role_of(&f, "eve", "app1", "env1"), ROLE_NONE);
    CHECK_INT(role_of(&f, "eve", "", "env1"), ROLE_NONE);
    CHECK(vault_grant(f.vault, &(struct grant){"ann", "app1", "env1", ROLE_NONE, "root"}, NULL)
          == 0);
    CHECK_INT(role_of(&f, "ann", "app1", "env1"), ROLE_VIEWER);
    fixture_end(&f);
}

static void set_up_is_once_and_with_its_token(void)
{
    struct fixture f;
    struct err err = {0};
    char first[CRYPTO_TOKEN_TEXT], second[CRYPTO_TOKEN_TEXT];
    bool has = true;

    fixture_full(&f);
    CHECK(vault_has_admin(f.vault, &has, NULL) == 0 && !has);
    CHECK(vault_new_setup_token(f.vault, first, NULL) == 0);
    CHECK(vault_check_setup_token(f.vault, first, NULL) == 0);
    CHECK(vault_check_setup_token(f.vault, "guess", &err) == -1);
    CHECK_INT(err.code, ERR_DENIED);
    CHECK(vault_new_setup_token(f.vault, second, NULL) == 0);
    CHECK(vault_check_setup_token(f.vault, first, NULL) == -1);
    CHECK_INT(fixture_sql(f.vault_path, "UPDATE setup_token SET expires_at = 1"), 0);
    CHECK(vault_check_setup_token(f.vault, second, NULL) == -1);
    CHECK(vault_set_first_admin(f.vault, "ann", "verifier", NULL) == 0);
    CHECK_INT(role_of(&f, "ann", "any", "where"), ROLE_ADMIN);
    CHECK(vault_set_first_admin(f.vault, "eve", "verifier", &err) == -1);
    CHECK_INT(err.code, ERR_CONFLICT);
    CHECK(vault_new_setup_token(f.vault, first, &err) == -1);
    CHECK_INT(role_of(&f, "eve", "any", "where"), ROLE_NONE);
    fixture_end(&f);
}

/* --- servers --- */

static void ssh_keygen_reads_our_private_key(void)
{
    struct fixture f;
    char line[SERVER_PUBLIC_KEY_SIZE], path[300], command[1000];
    struct buf key;

    if (access("/usr/bin/ssh-keygen", X_OK) != 0)
        SKIP("needs ssh-keygen (package openssh-client)");
    fixture_full(&f);
    CHECK(vault_make_server_key(f.vault, "srv1", "web-1", line, NULL) == 0);
    CHECK(strncmp(line, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI", 37) == 0);
    CHECK(str_ends(line, " windlass-web-1"));
    buf_init(&key, 4096);
    CHECK(vault_server_key(f.vault, "srv1", &key, NULL) == 0);
    snprintf(path, sizeof path, "%s/id", f.var);
    MUST(fs_write_atomic(path, key.data, key.len, 0600, &fixture_err));
    snprintf(command, sizeof command, "test \"$(ssh-keygen -y -f '%s')\" = '%s'", path, line);
    CHECK_INT(system(command), 0);
    snprintf(command, sizeof command,
             "echo data | ssh-keygen -q -Y sign -n test -f '%s' >/dev/null", path);
    CHECK_INT(system(command), 0); /* the secret half as well: it can sign */
    buf_deinit(&key);
    fixture_end(&f);
}

static void a_server_key_moved_to_another_server_is_refused(void)
{
    struct fixture f;
    char line[SERVER_PUBLIC_KEY_SIZE];
    struct err err = {0};
    struct buf key;

    fixture_full(&f);
    buf_init(&key, 4096);
    CHECK(vault_make_server_key(f.vault, "srv1", "a", line, NULL) == 0);
    CHECK(vault_make_server_key(f.vault, "srv2", "b", line, NULL) == 0);
    CHECK_INT(
        fixture_sql(f.vault_path,
                    "UPDATE server_key SET secret_ct = (SELECT secret_ct FROM server_key WHERE "
                    "server_id = 'srv1') WHERE server_id = 'srv2'"),
        0);
    CHECK(vault_server_key(f.vault, "srv1", &key, NULL) == 0);
    CHECK(vault_server_key(f.vault, "srv2", &key, &err) == -1);
    CHECK_INT(err.code, ERR_INTERNAL);
    CHECK(vault_server_key(f.vault, "srv3", &key, &err) == -1);
    CHECK_INT(err.code, ERR_NOT_FOUND);
    buf_deinit(&key);
    fixture_end(&f);
}

static void a_pin_holds_for_its_address_only(void)
{
    struct fixture f;
    struct host_pin pin = {.type = "ssh-ed25519",
                           .blob = {1, 2, 3},
                           .len = 3,
                           .print = "SHA256:abc"},
                    back;
    struct err err = {0};

    fixture_full(&f);
    CHECK(vault_pin(f.vault, "srv1", "host", 22, &back, &err) == -1);
    CHECK_INT(err.code, ERR_NOT_FOUND);
    CHECK(vault_set_pin(f.vault, &(struct server_at){"srv1", "host", 22}, &pin, "ann", NULL) == 0);
    CHECK(vault_pin(f.vault, "srv1", "host", 22, &back, NULL) == 0);
    CHECK(back.len == 3 && memcmp(back.blob, pin.blob, 3) == 0);
    CHECK_STR(back.print, "SHA256:abc");
    CHECK(vault_pin(f.vault, "srv1", "host", 2222, &back, &err) == -1);
    CHECK(strstr(err.user, "address was changed") != NULL);
    CHECK(vault_pin(f.vault, "srv1", "evil", 22, &back, &err) == -1);
    fixture_end(&f);
}

int main(void)
{
    TAP_RUN(preparing_twice_keeps_the_keys);
    TAP_RUN(a_missing_master_key_is_never_replaced);
    TAP_RUN(a_wrong_master_key_is_refused);
    TAP_RUN(a_master_key_others_can_read_is_refused);
    TAP_RUN(a_key_file_left_by_a_crash_is_used);
    TAP_RUN(a_vault_of_another_dashboard_is_refused);
    TAP_RUN(values_come_back_byte_exact);
    TAP_RUN(swapped_altered_and_replayed_values_are_refused);
    TAP_RUN(a_data_key_moved_from_another_environment_is_refused);
    TAP_RUN(values_left_by_a_crash_are_replaced);
    TAP_RUN(no_value_is_in_the_file_in_the_clear);
    TAP_RUN(a_session_with_another_role_user_or_time_is_not_ours);
    TAP_RUN(what_is_not_granted_is_denied);
    TAP_RUN(set_up_is_once_and_with_its_token);
    TAP_RUN(ssh_keygen_reads_our_private_key);
    TAP_RUN(a_server_key_moved_to_another_server_is_refused);
    TAP_RUN(a_pin_holds_for_its_address_only);
    return tap_done();
}

/* vault_key.c - the master key's places: the file, systemd's credential, a recovery sheet. */
#include "tests/db/vault_fixture.h"

static bool opens(struct filled *v, struct err *err)
{
    struct vault *vault = NULL;
    bool is_open = vault_open(v->f.var, DB_ROLE_WORKER, &vault, err) == 0;

    vault_close(vault);
    return is_open;
}

/* A folder like systemd's, with this text as the credential. */
static void give_credential(struct filled *v, const char *text)
{
    char path[400];

    snprintf(path, sizeof path, "%s/credentials", v->f.var);
    MUST(fs_mkdirs(path, 0700, &fixture_err));
    MUST(setenv("CREDENTIALS_DIRECTORY", path, 1));
    snprintf(path, sizeof path, "%s/credentials/windlass-master.key", v->f.var);
    MUST(fs_write_atomic(path, text, strlen(text), 0440, &fixture_err));
}

static void remove_key(struct filled *v)
{
    char path[400];

    key_file(v, "master.key", path);
    MUST(unlink(path));
}

static void a_credential_stands_for_the_file(void)
{
    static struct filled v;
    struct vault_rotation done;
    struct err err = {0};
    char text[66];

    fill(&v);
    read_key_file(&v, "master.key", text);
    give_credential(&v, text);
    remove_key(&v);
    CHECK(all_is_there_anew(&v));
    CHECK(vault_prepare(v.f.var, v.f.shared, NULL) == 0);
    CHECK(!has_key_file(&v, "master.key"));
    CHECK(vault_rotate(v.f.var, v.f.shared, NULL, &done, &err) == -1); /* nobody can write it */
    CHECK_INT(err.code, ERR_CONFLICT);
    CHECK(strstr(err.user, "credential") != NULL && strstr(err.user, "docs/running.md") != NULL);
    CHECK(all_is_there_anew(&v));
    CHECK_INT(key_events(&v, "key.rotate"), 0);
    CHECK(unsetenv("CREDENTIALS_DIRECTORY") == 0);
    CHECK(!opens(&v, &err));
    CHECK_INT(err.code, ERR_NOT_FOUND);
    fill_end(&v);
}

static void a_wrong_credential_is_refused_although_the_file_is_right(void)
{
    static struct filled v;
    struct err err = {0};
    char text[66];

    fill(&v);
    snprintf(text, sizeof text, "%064d\n", 5);
    give_credential(&v, text);
    CHECK(!opens(&v, &err));
    CHECK_INT(err.code, ERR_CONFLICT);
    CHECK(strstr(err.user, "credential") != NULL);
    give_credential(&v, "not a key\n");
    CHECK(!opens(&v, &err));
    CHECK(unsetenv("CREDENTIALS_DIRECTORY") == 0);
    CHECK(all_is_there_anew(&v));
    fill_end(&v);
}

static void a_folder_of_credentials_without_ours_changes_nothing(void)
{
    static struct filled v;

    fill(&v);
    MUST(setenv("CREDENTIALS_DIRECTORY", v.f.var, 1));
    CHECK(all_is_there_anew(&v));
    CHECK(unsetenv("CREDENTIALS_DIRECTORY") == 0);
    fill_end(&v);
}

static void a_new_dashboard_takes_a_credential_and_writes_no_file(void)
{
    struct fixture f;
    struct filled v = {0};
    char text[66], path[400];

    fixture_shared(&f, DB_ROLE_WORKER);
    v.f = f;
    snprintf(text, sizeof text, "%064d\n", 5);
    give_credential(&v, text);
    CHECK(vault_prepare(f.var, f.shared, NULL) == 0);
    key_file(&v, "master.key", path);
    CHECK(access(path, F_OK) != 0);
    CHECK(vault_open(f.var, DB_ROLE_WORKER, &f.vault, NULL) == 0);
    CHECK(unsetenv("CREDENTIALS_DIRECTORY") == 0);
    fixture_end(&f);
}

/* --- restore --- */

static void bytes_of(const char text[66], uint8_t key[CRYPTO_KEY_BYTES])
{
    char digits[65];

    snprintf(digits, sizeof digits, "%.64s", text);
    MUST(!crypto_unhex(digits, key, CRYPTO_KEY_BYTES));
}

static void a_lost_key_comes_back(void)
{
    static struct filled v;
    struct vault_restored done;
    struct stat st;
    uint8_t key[CRYPTO_KEY_BYTES];
    char text[66], again[66], path[400];

    fill(&v);
    read_key_file(&v, "master.key", text);
    bytes_of(text, key);
    remove_key(&v);
    CHECK(vault_restore_key(v.f.var, v.f.shared, key, &done, NULL) == 0);
    CHECK(!done.was_there);
    CHECK_STR(done.kept, "");
    read_key_file(&v, "master.key", again);
    CHECK_STR(again, text);
    key_file(&v, "master.key", path);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0400);
    CHECK(all_is_there_anew(&v));
    CHECK_INT(key_events(&v, "key.restore"), 1);
    CHECK(vault_restore_key(v.f.var, v.f.shared, key, &done, NULL) == 0);
    CHECK(done.was_there);
    CHECK_INT(key_events(&v, "key.restore"), 1); /* nothing was changed */
    fill_end(&v);
}

static void a_key_that_opens_nothing_is_not_written(void)
{
    static struct filled v;
    struct vault_restored done;
    struct err err = {0};
    uint8_t key[CRYPTO_KEY_BYTES] = {7};
    char number[VAULT_KEY_ID_SIZE];

    fill(&v);
    vault_key_id(v.f.vault, number);
    remove_key(&v);
    CHECK(vault_restore_key(v.f.var, v.f.shared, key, &done, &err) == -1);
    CHECK_INT(err.code, ERR_CONFLICT);
    CHECK(strstr(err.user, number) != NULL && strstr(err.user, done.id) != NULL);
    CHECK(strstr(err.user, "Nothing was changed") != NULL);
    CHECK(!has_key_file(&v, "master.key"));
    CHECK_INT(key_events(&v, "key.restore"), 0);
    fill_end(&v);
}

static void the_key_of_another_vault_that_lies_there_is_kept(void)
{
    static struct filled v;
    struct vault_restored done;
    uint8_t key[CRYPTO_KEY_BYTES];
    char text[66], other[66], kept[66];

    fill(&v);
    read_key_file(&v, "master.key", text);
    bytes_of(text, key);
    snprintf(other, sizeof other, "%064d\n", 3);
    write_key_file(&v, "master.key", other);
    CHECK(vault_restore_key(v.f.var, v.f.shared, key, &done, NULL) == 0);
    CHECK(str_starts(done.kept, "keys/master.key.replaced-"));
    read_key_file(&v, done.kept + 5, kept);
    CHECK_STR(kept, other);
    CHECK(all_is_there_anew(&v));
    fill_end(&v);
}

static void without_its_event_nothing_is_restored(void)
{
    static struct filled v;
    struct vault_restored done;
    uint8_t key[CRYPTO_KEY_BYTES];
    char text[66];

    fill(&v);
    read_key_file(&v, "master.key", text);
    bytes_of(text, key);
    remove_key(&v);
    fixture_takes_events(&v.f, false);
    CHECK(vault_restore_key(v.f.var, v.f.shared, key, &done, NULL) == -1);
    CHECK(!has_key_file(&v, "master.key"));
    fixture_takes_events(&v.f, true);
    CHECK(vault_restore_key(v.f.var, v.f.shared, key, &done, NULL) == 0);
    fill_end(&v);
}

/* A vault from before the vault held its key's number. */
static void a_vault_without_a_number_gets_one(void)
{
    static struct filled v;
    char number[VAULT_KEY_ID_SIZE], *stored;

    fill(&v);
    vault_key_id(v.f.vault, number);
    CHECK_INT(fixture_sql(v.f.vault_path, "DELETE FROM master_key"), 0);
    CHECK(all_is_there_anew(&v));
    CHECK(vault_prepare(v.f.var, v.f.shared, NULL) == 0);
    stored = ask_file(v.f.vault_path, "SELECT id FROM master_key");
    stored[strcspn(stored, "\n")] = '\0';
    CHECK_STR(stored, number);
    free(stored);
    CHECK(all_is_there_anew(&v));
    fill_end(&v);
}

int main(void)
{
    unsetenv("CREDENTIALS_DIRECTORY");
    TAP_RUN(a_credential_stands_for_the_file);
    TAP_RUN(a_wrong_credential_is_refused_although_the_file_is_right);
    TAP_RUN(a_folder_of_credentials_without_ours_changes_nothing);
    TAP_RUN(a_new_dashboard_takes_a_credential_and_writes_no_file);
    TAP_RUN(a_lost_key_comes_back);
    TAP_RUN(a_key_that_opens_nothing_is_not_written);
    TAP_RUN(the_key_of_another_vault_that_lies_there_is_kept);
    TAP_RUN(without_its_event_nothing_is_restored);
    TAP_RUN(a_vault_without_a_number_gets_one);
    return tap_done();
}

/* vault_rotate.c - a new master key: everything opens as before, nothing with the old key, nothing
 * of the old bytes is left. (vault_rotate_kills.c: what others and a kill do to it.) */
#include "tests/db/vault_fixture.h"

static int rotate(struct filled *v, struct vault_rotation *done, struct err *err)
{
    return vault_rotate(v->f.var, v->f.shared, NULL, done, err);
}

static void everything_opens_after_it_and_keeps_its_meaning(void)
{
    static struct filled v;
    struct vault_rotation done;
    struct err err = {0};
    char before[66], after[66], number[VAULT_KEY_ID_SIZE];

    fill(&v);
    read_key_file(&v, "master.key", before);
    vault_key_id(v.f.vault, number);
    CHECK(rotate(&v, &done, &err) == 0);
    CHECK_STR(err.user, "");
    CHECK_STR(done.before, number);
    CHECK(strcmp(done.after, done.before) != 0 && strlen(done.after) == VAULT_KEY_ID_SIZE - 1);
    CHECK(!done.only_finished);
    CHECK_INT(done.values, 12 * 6);
    CHECK_INT(done.environments, 2);
    CHECK_INT(done.servers, 1);
    CHECK_INT(done.registries, 1);
    read_key_file(&v, "master.key", after);
    CHECK(strcmp(before, after) != 0);
    CHECK(!has_key_file(&v, "master.key.next"));
    CHECK(all_is_there_anew(&v));
    CHECK(all_is_there(&v, v.f.vault)); /* open since before, like the supervisor's */
    vault_key_id(v.f.vault, number);
    CHECK_STR(number, done.after);
    CHECK_INT(key_events(&v, "key.rotate"), 1);
    CHECK_INT(ask_number(v.f.vault_path, "SELECT settled FROM master_key"), 1);
    CHECK_INT(ask_number(v.f.vault_path, "SELECT count(*) FROM rotation"), 0);
    fill_end(&v);
}

static void the_old_key_opens_nothing_and_both_numbers_are_named(void)
{
    static struct filled v;
    struct vault_rotation done;
    struct vault *vault = NULL;
    struct err err = {0};
    char before[66];

    fill(&v);
    read_key_file(&v, "master.key", before);
    CHECK(rotate(&v, &done, NULL) == 0);
    write_key_file(&v, "master.key", before);
    CHECK(vault_open(v.f.var, DB_ROLE_WORKER, &vault, &err) == -1);
    CHECK_INT(err.code, ERR_CONFLICT);
    CHECK(strstr(err.user, done.before) != NULL && strstr(err.user, done.after) != NULL);
    CHECK(vault_prepare(v.f.var, v.f.shared, &err) == -1);
    fill_end(&v);
}

static void a_row_from_before_is_refused_in_its_old_place(void)
{
    static struct filled v;
    struct vault_rotation done;
    struct err err = {0};
    struct buf out;
    char *hex, sql[400];

    fill(&v);
    hex = ask_file(v.f.vault_path, "SELECT hex(value_ct) FROM secret_value WHERE key = 'A' AND "
                                   "number = 3 AND environment_id = '" ENV_A "'");
    hex[strcspn(hex, "\n")] = '\0';
    CHECK(rotate(&v, &done, NULL) == 0);
    snprintf(sql, sizeof sql,
             "UPDATE secret_value SET value_ct = x'%s' WHERE key = 'A' AND number = 3 AND "
             "environment_id = '" ENV_A "'",
             hex);
    CHECK_INT(fixture_sql(v.f.vault_path, sql), 0);
    buf_init(&out, 1000);
    CHECK(vault_get_secret(v.f.vault, ENV_A, 3, "A", &out, &err) == -1);
    CHECK_INT(err.code, ERR_INTERNAL);
    CHECK(strstr(err.user, "The value of A in s3") != NULL);
    CHECK_INT(out.len, 0);
    buf_deinit(&out);
    free(hex);
    fill_end(&v);
}

/* A value under a data key that only the old file holds: after it, no data key is as it was. */
static void every_environment_gets_a_new_data_key(void)
{
    static struct filled v;
    struct vault_rotation done;
    char copy[400], sql[900], old_key[66], new_key[66];
    struct err err = {0};
    struct buf out;

    fill(&v);
    snprintf(copy, sizeof copy, "%s/old.db", v.f.var);
    snprintf(sql, sizeof sql, "VACUUM INTO '%s'", copy);
    CHECK_INT(fixture_sql(v.f.vault_path, sql), 0);
    read_key_file(&v, "master.key", old_key);
    CHECK(rotate(&v, &done, NULL) == 0);
    read_key_file(&v, "master.key", new_key);
    /* The old vault with its old key, but the new one's rows of values: they must not open. */
    snprintf(sql, sizeof sql,
             "ATTACH '%s' AS new; DELETE FROM secret_value; INSERT INTO secret_value SELECT * FROM "
             "new.secret_value",
             v.f.vault_path);
    CHECK_INT(fixture_sql(copy, sql), 0);
    vault_close(v.f.vault);
    v.f.vault = NULL;
    MUST(rename(copy, v.f.vault_path));
    snprintf(sql, sizeof sql, "rm -f '%s-wal' '%s-shm'", v.f.vault_path, v.f.vault_path);
    MUST(system(sql));
    write_key_file(&v, "master.key", old_key);
    MUST(vault_open(v.f.var, DB_ROLE_WORKER, &v.f.vault, &fixture_err));
    buf_init(&out, 1000);
    CHECK(vault_get_secret(v.f.vault, ENV_A, 3, "A", &out, &err) == -1);
    CHECK_INT(err.code, ERR_INTERNAL);
    buf_deinit(&out);
    fill_end(&v);
}

/* --- what is left in the files --- */

/* By a process of its own: closing the file in ours would drop the locks of our connections. */
static void read_files(struct filled *v, struct buf *bytes)
{
    char command[1200], path[400];

    snprintf(path, sizeof path, "%s/bytes", v->f.var);
    snprintf(command, sizeof command, "cat '%s' '%s-wal' >'%s'", v->f.vault_path, v->f.vault_path,
             path);
    MUST(system(command));
    MUST(fs_read_all(path, bytes, &fixture_err));
}

/* How many of the ciphertexts (lines of hex) have a piece of theirs in the bytes. A long one is
 * looked for piece by piece: it lies in pages. */
static int count_found(const char *lines, const struct buf *bytes)
{
    int found = 0;
    uint8_t piece[16];

    while (*lines != '\0') {
        size_t len = strcspn(lines, "\n");
        bool here = false;

        for (size_t at = 0; at + 32 <= len && !here; at += 32) {
            char hex[33];

            snprintf(hex, sizeof hex, "%.32s", lines + at);
            MUST(!crypto_unhex(hex, piece, sizeof piece));
            here = memmem(bytes->data, bytes->len, piece, sizeof piece) != NULL;
        }
        found += here;
        lines += len + (lines[len] == '\n');
    }
    return found;
}

static void no_old_ciphertext_is_left_in_the_files(void)
{
    static struct filled v;
    struct vault_rotation done;
    struct buf bytes;
    char *lines;
    static const char ALL[] =
        "SELECT hex(secret_ct) FROM keyring UNION ALL SELECT hex(secret_ct) FROM data_key UNION "
        "ALL "
        "SELECT hex(value_ct) FROM secret_value UNION ALL SELECT hex(secret_ct) FROM server_key "
        "UNION ALL SELECT hex(password_ct) FROM registry_password";
    const int all = 5 + 2 + 72 + 1 + 1;

    fill(&v);
    /* Rows that were there and are not: pages with room, moved and given up. */
    for (int64_t number = 30; number < 45; number++) {
        struct secret_value many[] = {{"X", v.big, 3000}, {"Y", v.big, 700}, {"Z", v.big, 40}};

        MUST(vault_put_secrets(v.f.vault, ENV_B, number, many, 3, &fixture_err));
    }
    lines = ask_file(v.f.vault_path, ALL);
    {
        struct secret_value little = {"X", "x", 1};

        for (int64_t number = 30; number < 45; number += 2)
            MUST(vault_put_secrets(v.f.vault, ENV_B, number, &little, 1, &fixture_err));
    }
    buf_init(&bytes, (size_t)256 * 1024 * 1024);
    read_files(&v, &bytes);
    CHECK(count_found(lines, &bytes) >= all); /* the search finds what is there */
    CHECK(rotate(&v, &done, &fixture_err) == 0);
    buf_reset(&bytes);
    read_files(&v, &bytes);
    CHECK(bytes.len > 100000);
    CHECK_INT(count_found(lines, &bytes), 0);
    free(lines);
    lines = ask_file(v.f.vault_path, ALL);
    CHECK(count_found(lines, &bytes) >= all); /* and these are the new ones */
    free(lines);
    buf_deinit(&bytes);
    fill_end(&v);
}

/* Every column of ciphertexts must be known to rotate.c: one that is not would stay under a key
 * that is gone. A new one needs three statements in rotate.sql, a line in SOURCES and a place. */
static void every_column_of_ciphertexts_is_known_to_it(void)
{
    static struct filled v;
    char *columns;

    fill(&v);
    columns = ask_file(v.f.vault_path,
                       "SELECT m.name || '.' || p.name FROM sqlite_master m, "
                       "pragma_table_info(m.name) p WHERE m.type = 'table' AND (p.name LIKE "
                       "'%\\_ct' ESCAPE '\\' OR p.name = 'ct') ORDER BY 1");
    CHECK_STR(columns, "data_key.secret_ct\nkeyring.secret_ct\nregistry_password.password_ct\n"
                       "rotation.ct\nsecret_value.value_ct\nserver_key.secret_ct\n");
    free(columns);
    fill_end(&v);
}

/* --- refused --- */

static void a_value_that_does_not_open_stops_it_and_is_named(void)
{
    static struct filled v;
    struct vault_rotation done;
    struct err err = {0};
    char before[66], after[66];

    fill(&v);
    read_key_file(&v, "master.key", before);
    CHECK_INT(
        fixture_sql(v.f.vault_path,
                    "UPDATE secret_value SET value_ct = CAST(substr(value_ct, 1, 45) || "
                    "x'00' || substr(value_ct, 47) AS BLOB) WHERE key = 'BIG' AND number = 7"),
        0);
    CHECK(rotate(&v, &done, &err) == -1);
    CHECK_INT(err.code, ERR_CONFLICT);
    CHECK(strstr(err.user, "BIG in s7 of environment " ENV_A) != NULL);
    CHECK(strstr(err.user, "Nothing was changed") != NULL);
    CHECK_STR(done.after, "");
    read_key_file(&v, "master.key", after);
    CHECK_STR(after, before);
    CHECK(!has_key_file(&v, "master.key.next"));
    CHECK_INT(key_events(&v, "key.rotate"), 0);
    CHECK(holds(v.f.vault, ENV_A, 7, "A", "value of a", 10));
    CHECK(holds(v.f.vault, ENV_A, 8, "BIG", v.big, sizeof v.big));
    fill_end(&v);
}

static void without_its_event_it_does_not_take_place(void)
{
    static struct filled v;
    struct vault_rotation done;
    char before[66], after[66];

    fill(&v);
    read_key_file(&v, "master.key", before);
    fixture_takes_events(&v.f, false);
    CHECK(rotate(&v, &done, NULL) == -1);
    fixture_takes_events(&v.f, true);
    read_key_file(&v, "master.key", after);
    CHECK_STR(after, before);
    CHECK(!has_key_file(&v, "master.key.next"));
    CHECK(all_is_there_anew(&v));
    CHECK_INT(key_events(&v, "key.rotate"), 0);
    fill_end(&v);
}

/* --- others have it open --- */

static void who_has_it_open_writes_under_the_new_key(void)
{
    static struct filled v;
    struct vault_rotation done;
    struct vault *fresh = NULL;
    struct secret_value value = {"LATER", "written later", 13};
    struct registry_row second;
    char line[SERVER_PUBLIC_KEY_SIZE];
    struct buf out;

    fill(&v);
    second = v.registry;
    second.password_number = 2;
    CHECK(rotate(&v, &done, NULL) == 0);
    CHECK(vault_put_registry_password(v.f.vault, &second, "new one", 7, NULL) == 0);
    CHECK(vault_make_server_key(v.f.vault, "srv2", "db", line, NULL) == 0);
    CHECK(vault_put_secrets(v.f.vault, ENV_A, 13, &value, 1, NULL) == 0);
    CHECK(vault_put_secrets(v.f.vault, "env-of-later", 1, &value, 1, NULL) == 0);
    MUST(vault_open(v.f.var, DB_ROLE_WORKER, &fresh, &fixture_err));
    CHECK(holds(fresh, ENV_A, 13, "LATER", "written later", 13));
    CHECK(holds(fresh, "env-of-later", 1, "LATER", "written later", 13));
    buf_init(&out, 4096);
    CHECK(vault_server_key(fresh, "srv2", &out, NULL) == 0);
    buf_reset(&out);
    CHECK(vault_registry_password(fresh, &second, &out, NULL) == 0);
    CHECK_STR(out.data, "new one");
    buf_deinit(&out);
    vault_close(fresh);
    fill_end(&v);
}

/* Somebody reads for longer than we wait: the old pages must stay in the log for them. */
static void a_reader_that_stays_is_named_and_the_rest_done_later(void)
{
    static struct filled v;
    struct vault_rotation done, again;
    struct err err = {0};
    struct buf bytes;
    char *lines;
    int status;
    pid_t reader;

    fill(&v);
    lines = ask_file(v.f.vault_path, "SELECT hex(value_ct) FROM secret_value");
    reader = fork();
    if (reader == 0) {
        execlp("sqlite3", "sqlite3", "-cmd", ".output /dev/null", v.f.vault_path,
               "BEGIN; SELECT count(*) FROM keyring", ".shell sleep 8", (char *)NULL);
        _exit(127);
    }
    clock_sleep_ms(500);
    CHECK(rotate(&v, &done, &err) == -1);
    CHECK_INT(err.code, ERR_BUSY);
    CHECK(strstr(err.user, "vault.db-wal") != NULL);
    CHECK(done.after[0] != '\0'); /* it has taken place */
    CHECK_INT(ask_number(v.f.vault_path, "SELECT settled FROM master_key"), 0);
    CHECK(all_is_there_anew(&v));
    MUST(reader < 0 || waitpid(reader, &status, 0) != reader);
    CHECK(rotate(&v, &again, NULL) == 0 && again.only_finished);
    CHECK_STR(again.after, done.after);
    buf_init(&bytes, (size_t)64 * 1024 * 1024);
    read_files(&v, &bytes);
    CHECK_INT(count_found(lines, &bytes), 0);
    CHECK_INT(key_events(&v, "key.rotate"), 1);
    buf_deinit(&bytes);
    free(lines);
    fill_end(&v);
}

int main(void)
{
    TAP_RUN(everything_opens_after_it_and_keeps_its_meaning);
    TAP_RUN(the_old_key_opens_nothing_and_both_numbers_are_named);
    TAP_RUN(a_row_from_before_is_refused_in_its_old_place);
    TAP_RUN(every_environment_gets_a_new_data_key);
    TAP_RUN(no_old_ciphertext_is_left_in_the_files);
    TAP_RUN(a_reader_that_stays_is_named_and_the_rest_done_later);
    TAP_RUN(every_column_of_ciphertexts_is_known_to_it);
    TAP_RUN(a_value_that_does_not_open_stops_it_and_is_named);
    TAP_RUN(without_its_event_it_does_not_take_place);
    TAP_RUN(who_has_it_open_writes_under_the_new_key);
    return tap_done();
}

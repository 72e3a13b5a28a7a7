/* ask_secrets.c - from a draft of sealed values to a secret set, and from there to a job's values;
 * and whose jobs the worker believes. */
#include "tests/db/ask_fixture.h"
#include "worker/authorize.h"
#include "worker/secret_values.h"

#define APP   "00000000000000000000000app"
#define OTHER "0000000000000000000000app2"
#define ENV   "00000000000000000000000env"
#define ENV2  "0000000000000000000000env2"
#define ANN   "(SELECT id FROM user WHERE login = 'ann')"

static void sql(struct asking *a, const char *text)
{
    CHECK_INT(fixture_sql(a->f.shared_path, text), 0);
}

static void asking_with_environment(struct asking *a)
{
    asking_start(a);
    sql(a, "INSERT INTO app (id, slug, name, created_at) VALUES ('" APP
           "', 'shop', 'Shop', 1), ('" OTHER "', 'other', 'Other', 1);"
           "INSERT INTO environment (id, app_id, slug, tier, recipe, settings, created_at) VALUES"
           " ('" ENV "', '" APP "', 'production', 'production', 'release', '{}', 1),"
           " ('" ENV2 "', '" OTHER "', 'production', 'production', 'release', '{}', 1)");
}

/* A draft of ann's on ENV, or of another user's. */
static void draft(struct asking *a, const char *id, int base_set, const char *user)
{
    char text[600];

    snprintf(text, sizeof text,
             "INSERT INTO draft VALUES ('%s', '" ENV
             "', coalesce((SELECT id FROM user WHERE login = '%s'), ''), %d, 1)",
             id, user, base_set);
    sql(a, text);
}

/* One entry; value NULL: keep. Values go in as hex, so that any bytes can. */
static void entry(struct asking *a, const char *draft_id, int position, const char *key,
                  const char *kind, const char *value, size_t len)
{
    static char text[400000], hex[300000];
    uint8_t *box = malloc(len + SEAL_OVERHEAD);

    MUST(box == NULL || len > 140000);
    snprintf(hex, sizeof hex, "NULL");
    if (value != NULL) {
        MUST(seal_to(a->instance.seal_key, value, len, box, &fixture_err));
        hex[0] = 'x';
        hex[1] = '\'';
        crypto_hex(hex + 2, sizeof hex - 4, box, len + SEAL_OVERHEAD);
        snprintf(hex + 2 + 2 * (len + SEAL_OVERHEAD), 2, "'");
    }
    snprintf(text, sizeof text,
             "INSERT INTO draft_entry (draft_id, position, key, kind, sealed) VALUES ('%s', %d, "
             "'%s', '%s', %s)",
             draft_id, position, key, kind, hex);
    if (len < 30000)
        sql(a, text);
    else { /* longer than an argument may be */
        char path[300];

        snprintf(path, sizeof path, "%s/big.sql", a->f.var);
        MUST(fs_write_atomic(path, text, strlen(text), 0600, &fixture_err));
        snprintf(text, 400, ".read %s", path);
        sql(a, text);
    }
    free(box);
}

static void text_entry(struct asking *a, const char *draft_id, int position, const char *key,
                       const char *kind, const char *value)
{
    entry(a, draft_id, position, key, kind, value, value == NULL ? 0 : strlen(value));
}

static json_t *save(struct asking *a, const char *draft_id)
{
    return put_question(a, "secrets.save", a->token,
                        json_pack("{s:s, s:s}", "draft_id", draft_id, "message", "because"));
}

static int64_t number_in(const json_t *answer, const char *name)
{
    return json_integer_value(json_object_get(answer, name));
}

static void check_saved(json_t *answer, int number, int added, int changed, int removed,
                        int unchanged)
{
    CHECK(is_ok(answer));
    CHECK_INT(number_in(answer, "number"), number);
    CHECK_INT(number_in(answer, "added"), added);
    CHECK_INT(number_in(answer, "changed"), changed);
    CHECK_INT(number_in(answer, "removed"), removed);
    CHECK_INT(number_in(answer, "unchanged"), unchanged);
    json_decref(answer);
}

static const struct secret_item *item(const struct secret_values *values, const char *key)
{
    for (size_t i = 0; i < values->count; i++)
        if (strcmp(values->items[i].key, key) == 0)
            return &values->items[i];
    return NULL;
}

static void check_value(const struct secret_values *values, const char *key, const char *bytes,
                        size_t len, bool hidden)
{
    const struct secret_item *i = item(values, key);

    CHECK(i != NULL && i->len == len && memcmp(i->bytes, bytes, len) == 0 && i->is_hidden == hidden
          && !i->is_file);
}

static const char NASTY[] =
    "it's \"quoted\" $(reboot) `id` \\ %s\n\ttwo\r\nlines \xe2\x98\x83 \xf0\x9d\x84\x9e =#&";

/* --- a set --- */

static void a_draft_becomes_a_set_byte_exact(void)
{
    struct asking a;
    struct secret_values values;
    char *big = malloc(130000);

    MUST(big == NULL);
    memset(big, 'b', 130000);
    asking_with_environment(&a);
    draft(&a, "d1", 0, "ann");
    text_entry(&a, "d1", 0, "NASTY", "secret", NASTY);
    text_entry(&a, "d1", 1, "EMPTY", "write_only", "");
    text_entry(&a, "d1", 2, "PLAIN", "plain", NASTY);
    entry(&a, "d1", 3, "BIG", "secret", big, 130000);
    check_saved(save(&a, "d1"), 1, 4, 0, 0, 0);
    CHECK(secret_values_of_set(a.f.shared, a.f.vault, ENV, 1, &values, NULL) == 0);
    CHECK_INT(values.count, 4);
    check_value(&values, "NASTY", NASTY, sizeof NASTY - 1, true);
    check_value(&values, "EMPTY", "", 0, true);
    check_value(&values, "PLAIN", NASTY, sizeof NASTY - 1, false);
    check_value(&values, "BIG", big, 130000, true);
    secret_values_free(&values);
    free(big);
    refused(save(&a, "d1"), "not-found"); /* the draft is gone */
    asking_end(&a);
}

static void what_is_not_typed_is_kept_and_counted(void)
{
    struct asking a;
    struct secret_values values;
    json_t *filter = json_pack("{s:s}", "verb", "secret.save"), *list = NULL;
    char *text;

    asking_with_environment(&a);
    draft(&a, "d1", 0, "ann");
    text_entry(&a, "d1", 0, "KEPT", "secret", "kept value");
    text_entry(&a, "d1", 1, "CHANGED", "secret", "old value");
    text_entry(&a, "d1", 2, "GONE", "secret", "gone value");
    text_entry(&a, "d1", 3, "PLAIN", "plain", "plain value");
    check_saved(save(&a, "d1"), 1, 4, 0, 0, 0);
    draft(&a, "d2", 1, "ann");
    text_entry(&a, "d2", 0, "KEPT", "secret", NULL);
    text_entry(&a, "d2", 1, "CHANGED", "secret", "new value");
    text_entry(&a, "d2", 2, "PLAIN", "plain", NULL);
    text_entry(&a, "d2", 3, "ADDED", "write_only", "added value");
    check_saved(save(&a, "d2"), 2, 1, 1, 1, 2);
    CHECK(secret_values_of_set(a.f.shared, a.f.vault, ENV, 2, &values, NULL) == 0);
    CHECK_INT(values.count, 4);
    check_value(&values, "KEPT", "kept value", 10, true);
    check_value(&values, "CHANGED", "new value", 9, true);
    check_value(&values, "PLAIN", "plain value", 11, false);
    secret_values_free(&values);
    CHECK(secret_values_of_set(a.f.shared, a.f.vault, ENV, 1, &values, NULL)
          == 0); /* s1 is as it was */
    check_value(&values, "CHANGED", "old value", 9, true);
    secret_values_free(&values);
    CHECK(audit_list(a.f.shared, filter, 0, 10, &list, NULL) == 0);
    CHECK_INT(json_array_size(list), 2);
    text = json_dumps(list, 0);
    CHECK(strstr(text, "\"added\": [\"ADDED\"]") != NULL
          && strstr(text, "\"removed\": [\"GONE\"]") != NULL);
    CHECK(strstr(text, "value") == NULL);
    free(text);
    json_decref(list);
    json_decref(filter);
    asking_end(&a);
}

static void saving_what_is_there_makes_no_set(void)
{
    struct asking a;

    asking_with_environment(&a);
    draft(&a, "d1", 0, "ann");
    text_entry(&a, "d1", 0, "A", "secret", "value");
    check_saved(save(&a, "d1"), 1, 1, 0, 0, 0);
    draft(&a, "d2", 1, "ann");
    text_entry(&a, "d2", 0, "A", "secret", "value");
    check_saved(save(&a, "d2"), 1, 0, 0, 0, 1);
    CHECK_INT(events(&a, "secret.save", "ok"), 1);
    asking_end(&a);
}

static void a_stale_draft_is_a_conflict_in_words(void)
{
    struct asking a;

    asking_with_environment(&a);
    draft(&a, "d1", 0, "ann");
    text_entry(&a, "d1", 0, "A", "secret", "one");
    draft(&a, "d2", 0, "ann");
    text_entry(&a, "d2", 0, "A", "secret", "two");
    check_saved(save(&a, "d1"), 1, 1, 0, 0, 0);
    CHECK(strstr(refused(save(&a, "d2"), "conflict"), "Ann Example saved s1") != NULL);
    asking_end(&a);
}

static void bad_entries_name_their_key(void)
{
    static const struct {
        const char *key, *kind, *value;
        size_t len;
    } bad[] = {
        {"LD_PRELOAD", "secret", "x", 1}, {"no-dash", "secret", "x", 1},
        {"NUL", "secret", "a\0b", 3},     {"BAD", "secret", "\xff\xfe", 2},
        {"BELL", "plain", "\a", 1},
    };
    struct asking a;

    asking_with_environment(&a);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char id[10];
        json_t *answer;

        snprintf(id, sizeof id, "bad%zu", i);
        draft(&a, id, 0, "ann");
        entry(&a, id, 0, bad[i].key, bad[i].kind, bad[i].value, bad[i].len);
        answer = save(&a, id);
        CHECK_STR(json_string_value(json_object_get(answer, "field")), bad[i].key);
        refused(answer, "input");
    }
    draft(&a, "twice", 0, "ann");
    text_entry(&a, "twice", 0, "A", "secret", "x");
    text_entry(&a, "twice", 1, "A", "secret", "y");
    CHECK(strstr(refused(save(&a, "twice"), "input"), "twice") != NULL);
    draft(&a, "empty", 0, "ann");
    text_entry(&a, "empty", 0, "A", "secret", NULL);
    CHECK(strstr(refused(save(&a, "empty"), "input"), "no value yet") != NULL);
    CHECK_INT(events(&a, "secret.save", "ok"), 0);
    asking_end(&a);
}

static void a_hidden_value_never_becomes_readable_untyped(void)
{
    static const char *const from[] = {"secret", "write_only", "write_only"}, *const to[] = {
                                                                                  "plain", "plain",
                                                                                  "secret"};

    for (size_t i = 0; i < COUNT_OF(from); i++) {
        struct asking a;

        asking_with_environment(&a);
        draft(&a, "d1", 0, "ann");
        text_entry(&a, "d1", 0, "A", from[i], "hidden");
        check_saved(save(&a, "d1"), 1, 1, 0, 0, 0);
        draft(&a, "d2", 1, "ann");
        text_entry(&a, "d2", 0, "A", to[i], NULL);
        CHECK(strstr(refused(save(&a, "d2"), "input"), "type its value again") != NULL);
        draft(&a, "d3", 1, "ann");
        text_entry(&a, "d3", 0, "A", to[i], "typed");
        check_saved(save(&a, "d3"), 2, 0, 1, 0, 0);
        asking_end(&a);
    }
}

static void who_is_not_granted_cannot_save(void)
{
    struct asking a;

    asking_with_environment(&a);
    add_user(&a, "u2", "bob", APP, "", ROLE_DEPLOYER);
    add_user(&a, "u3", "eve", OTHER, "", ROLE_MAINTAINER);
    draft(&a, "of-ann", 0, "ann");
    draft(&a, "of-bob", 0, "bob");
    draft(&a, "of-eve", 0, "eve");
    take_token(a.token, login(&a, "bob", PASSWORD));
    refused(save(&a, "of-bob"), "denied");
    refused(save(&a, "of-ann"), "denied");
    take_token(a.token, login(&a, "eve", PASSWORD));
    refused(save(&a, "of-eve"), "denied"); /* maintainer, but of another app */
    CHECK(vault_grant(a.f.vault, "u3", APP, ENV, ROLE_MAINTAINER, "test", NULL) == 0);
    text_entry(&a, "of-eve", 0, "A", "secret", "x");
    check_saved(save(&a, "of-eve"), 1, 1, 0, 0, 0);
    asking_end(&a);
}

static void masking_gets_the_hidden_values_of_three_sets(void)
{
    struct asking a;
    struct secret_values values;

    asking_with_environment(&a);
    for (int i = 0; i < 5; i++) {
        char id[10], value[20];

        snprintf(id, sizeof id, "d%d", i);
        snprintf(value, sizeof value, "value %d", i + 1);
        draft(&a, id, i, "ann");
        text_entry(&a, id, 0, "MOVING", "secret", value);
        text_entry(&a, id, 1, "STILL", "write_only", i == 0 ? "still" : NULL);
        text_entry(&a, id, 2, "PLAIN", "plain", "visible");
        text_entry(&a, id, 3, "EMPTY", "secret", "");
        json_decref(save(&a, id));
    }
    CHECK(secret_values_to_mask(a.f.shared, a.f.vault, ENV, 5, &values, NULL) == 0);
    CHECK_INT(values.count, 4); /* values 5, 4, 3 and the one that stood still */
    for (size_t i = 0; i < values.count; i++)
        CHECK(strcmp(values.items[i].bytes, "visible") != 0 && values.items[i].is_hidden);
    secret_values_free(&values);
    CHECK(secret_values_to_mask(a.f.shared, a.f.vault, ENV, 0, &values, NULL) == 0
          && values.count == 0);
    asking_end(&a);
}

static void a_crash_before_the_set_was_written_is_repaired_by_the_next_save(void)
{
    struct asking a;
    struct secret_value left = {"LEFT", "over", 4};
    struct secret_values values;

    asking_with_environment(&a);
    CHECK(vault_put_secrets(a.f.vault, ENV, 1, &left, 1, NULL) == 0);
    draft(&a, "d1", 0, "ann");
    text_entry(&a, "d1", 0, "A", "secret", "value");
    check_saved(save(&a, "d1"), 1, 1, 0, 0, 0);
    CHECK(secret_values_of_set(a.f.shared, a.f.vault, ENV, 1, &values, NULL) == 0);
    CHECK_INT(values.count, 1);
    secret_values_free(&values);
    asking_end(&a);
}

/* --- jobs --- */

/* A queued job row whose proof is this JSON text, sealed. */
static void job(struct asking *a, const char *id, const char *kind, const char *environment,
                const char *proof)
{
    uint8_t box[2000];
    char hex[4200], text[6000];
    size_t len = strlen(proof);

    MUST(seal_to(a->instance.seal_key, proof, len, box, &fixture_err));
    crypto_hex(hex, sizeof hex, box, len + SEAL_OVERHEAD);
    snprintf(text, sizeof text,
             "INSERT INTO job (id, serial, environment_id, kind, lock_class, params, idem, auth, "
             "requested_by, nonce, created_at) "
             "VALUES ('%s', (SELECT count(*) FROM job) + 1, nullif('%s', ''), '%s', 'none', '{}', "
             "'%s', x'%s', " ANN ", 'n', 1)",
             id, environment, kind, id, hex);
    sql(a, text);
}

static const char *proof_of(const char *token, const char *job_id, const char *kind,
                            const char *environment)
{
    static char text[500];

    snprintf(text, sizeof text,
             "{\"token\":\"%s\",\"job\":\"%s\",\"kind\":\"%s\",\"environment\":\"%s\"}", token,
             job_id, kind, environment);
    return text;
}

static enum err_code judged(struct asking *a, const char *id, struct requester *who)
{
    struct err err = {0};

    if (authorize_job(a->f.shared, a->f.vault, id, who, &err) == 0)
        return ERR_NONE;
    CHECK_INT(who->role, ROLE_NONE);
    CHECK(err.user[0] != '\0');
    return err.code;
}

static void a_job_with_its_own_proof_is_believed(void)
{
    struct asking a;
    struct requester who;

    asking_with_environment(&a);
    job(&a, "j1", "deploy", ENV, proof_of(a.token, "j1", "deploy", ENV));
    CHECK_INT(judged(&a, "j1", &who), ERR_NONE);
    CHECK_STR(who.actor.kind, "user");
    CHECK_STR(who.actor.name, "ann");
    CHECK_INT(who.role, ROLE_ADMIN);
    CHECK(!who.is_command_line);
    job(&a, "j2", "check", "", proof_of(a.token, "j2", "check", ""));
    CHECK_INT(judged(&a, "j2", &who), ERR_NONE);
    asking_end(&a);
}

static void a_proof_of_another_job_kind_or_environment_is_refused(void)
{
    struct asking a;
    struct requester who;

    asking_with_environment(&a);
    job(&a, "j1", "deploy", ENV, proof_of(a.token, "other", "deploy", ENV));
    job(&a, "j2", "command", ENV, proof_of(a.token, "j2", "deploy", ENV));
    job(&a, "j3", "deploy", ENV, proof_of(a.token, "j3", "deploy", ENV2));
    job(&a, "j4", "deploy", ENV, proof_of(a.token, "j4", "deploy", ""));
    job(&a, "j5", "deploy", ENV, "{}");
    job(&a, "j6", "deploy", ENV, "not json");
    job(&a, "j7", "deploy", ENV, "[1]");
    for (char id[] = "j1"; id[1] <= '7'; id[1]++)
        CHECK_INT(judged(&a, id, &who), ERR_DENIED);
    job(&a, "j8", "deploy", ENV, proof_of(a.token, "j8", "deploy", ENV));
    sql(&a, "UPDATE job SET auth = x'00' WHERE id = 'j8'");
    CHECK_INT(judged(&a, "j8", &who), ERR_DENIED);
    sql(&a, "UPDATE job SET auth = (SELECT auth FROM job WHERE id = 'j1') WHERE id = 'j8'");
    CHECK_INT(judged(&a, "j8", &who), ERR_DENIED);
    asking_end(&a);
}

static void a_job_of_an_ended_or_forged_session_is_refused(void)
{
    struct asking a;
    struct requester who;
    char token[CRYPTO_TOKEN_TEXT];

    asking_with_environment(&a);
    job(&a, "j1", "deploy", ENV, proof_of("no-such-token", "j1", "deploy", ENV));
    CHECK_INT(judged(&a, "j1", &who), ERR_SIGNED_OUT);
    take_token(token, login(&a, "ann", PASSWORD));
    job(&a, "j2", "deploy", ENV, proof_of(token, "j2", "deploy", ENV));
    CHECK_INT(judged(&a, "j2", &who), ERR_NONE);
    json_decref(put_question(&a, "logout", token, json_object()));
    CHECK_INT(judged(&a, "j2", &who), ERR_SIGNED_OUT);
    add_user(&a, "u2", "bob", APP, "", ROLE_VIEWER);
    take_token(token, login(&a, "bob", PASSWORD));
    job(&a, "j3", "deploy", ENV, proof_of(token, "j3", "deploy", ENV));
    CHECK_INT(judged(&a, "j3", &who), ERR_DENIED); /* a viewer does not deploy */
    sql(&a, "UPDATE session SET role = 'admin' WHERE user_id = 'u2'");
    CHECK_INT(judged(&a, "j3", &who), ERR_DENIED); /* nor with a role the web side wrote */
    sql(&a, "UPDATE session SET expires_at = expires_at + 1000000, role = 'viewer' WHERE user_id = "
            "'u2'");
    CHECK_INT(judged(&a, "j3", &who), ERR_DENIED);
    asking_end(&a);
}

static void the_grant_counts_at_the_moment_the_job_starts(void)
{
    struct asking a;
    struct requester who;

    asking_with_environment(&a);
    add_user(&a, "u2", "bob", APP, "", ROLE_DEPLOYER);
    take_token(a.token, login(&a, "bob", PASSWORD));
    job(&a, "j1", "deploy", ENV, proof_of(a.token, "j1", "deploy", ENV));
    job(&a, "j2", "deploy", ENV2, proof_of(a.token, "j2", "deploy", ENV2));
    job(&a, "j3", "restore", ENV, proof_of(a.token, "j3", "restore", ENV));
    job(&a, "j4", "check", "", proof_of(a.token, "j4", "check", ""));
    CHECK_INT(judged(&a, "j1", &who), ERR_NONE);
    CHECK_INT(judged(&a, "j2", &who), ERR_DENIED); /* another app */
    CHECK_INT(judged(&a, "j3", &who), ERR_DENIED); /* more than a deployer may */
    CHECK_INT(judged(&a, "j4", &who), ERR_DENIED); /* servers are nobody's app */
    CHECK(vault_grant(a.f.vault, "u2", APP, "", ROLE_NONE, "test", NULL) == 0);
    CHECK_INT(judged(&a, "j1", &who), ERR_DENIED);
    asking_end(&a);
}

static void the_command_line_proves_itself_with_the_vault(void)
{
    struct asking a;
    struct requester who;
    char proof[2 * CRYPTO_MAC_BYTES + 1], text[200];

    asking_with_environment(&a);
    vault_command_proof(a.f.vault, "j1", "deploy", proof);
    snprintf(text, sizeof text, "{\"command_line\":true,\"proof\":\"%s\"}", proof);
    job(&a, "j1", "deploy", ENV, text);
    CHECK_INT(judged(&a, "j1", &who), ERR_NONE);
    CHECK(who.is_command_line);
    CHECK_STR(who.actor.kind, "command_line");
    job(&a, "j2", "deploy", ENV, text);
    CHECK_INT(judged(&a, "j2", &who), ERR_DENIED);
    job(&a, "j3", "deploy", ENV, "{\"command_line\":true}");
    CHECK_INT(judged(&a, "j3", &who), ERR_DENIED);
    asking_end(&a);
}

int main(void)
{
    TAP_RUN(a_draft_becomes_a_set_byte_exact);
    TAP_RUN(what_is_not_typed_is_kept_and_counted);
    TAP_RUN(saving_what_is_there_makes_no_set);
    TAP_RUN(a_stale_draft_is_a_conflict_in_words);
    TAP_RUN(bad_entries_name_their_key);
    TAP_RUN(a_hidden_value_never_becomes_readable_untyped);
    TAP_RUN(who_is_not_granted_cannot_save);
    TAP_RUN(masking_gets_the_hidden_values_of_three_sets);
    TAP_RUN(a_crash_before_the_set_was_written_is_repaired_by_the_next_save);
    TAP_RUN(a_job_with_its_own_proof_is_believed);
    TAP_RUN(a_proof_of_another_job_kind_or_environment_is_refused);
    TAP_RUN(a_job_of_an_ended_or_forged_session_is_refused);
    TAP_RUN(the_grant_counts_at_the_moment_the_job_starts);
    TAP_RUN(the_command_line_proves_itself_with_the_vault);
    return tap_done();
}

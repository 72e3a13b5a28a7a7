/* ask_secrets.c - from a draft of sealed values to a secret set, and from there to a job's values.
 */
#include "tests/db/draft_fixture.h"

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
    entry(&a, "d1", 3,
          &(struct typed){.key = "BIG", .kind = "secret", .value = big, .len = 130000});
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

static void a_set_without_its_event_is_not_saved(void)
{
    struct asking a;

    asking_with_environment(&a);
    draft(&a, "d1", 0, "ann");
    text_entry(&a, "d1", 0, "GREETING", "secret", "hello");
    fixture_takes_events(&a.f, false);
    fails(save(&a, "d1"));
    fixture_takes_events(&a.f, true);
    CHECK_INT(fixture_sql(a.f.shared_path, "SELECT 1 / (count(*) = 0) FROM secret_set"), 0);
    check_saved(save(&a, "d1"), 1, 1, 0, 0, 0);
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
    static const struct typed bad[] = {
        {.key = "LD_PRELOAD", .kind = "secret", .value = "x"},
        {.key = "no-dash", .kind = "secret", .value = "x"},
        {.key = "NUL", .kind = "secret", .value = "a\0b", .len = 3},
        {.key = "BAD", .kind = "secret", .value = "\xff\xfe"},
        {.key = "BELL", .kind = "plain", .value = "\a"},
        {.key = "COMMENT", .kind = "plain", .value = "x", .comment = "not a comment"},
    };
    struct asking a;

    asking_with_environment(&a);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char id[10];
        json_t *answer;

        snprintf(id, sizeof id, "bad%zu", i);
        draft(&a, id, 0, "ann");
        entry(&a, id, 0, &bad[i]);
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
    CHECK(vault_grant(a.f.vault, &(struct grant){"u3", APP, ENV, ROLE_MAINTAINER, "test"}, NULL)
          == 0);
    text_entry(&a, "of-eve", 0, "A", "secret", "x");
    check_saved(save(&a, "of-eve"), 1, 1, 0, 0, 0);
    asking_end(&a);
}

/* --- files, stages, comments --- */

static void a_file_keeps_any_bytes_its_path_and_its_mode(void)
{
    static const char BYTES[] = "\x00\x01\xff\xfe\r\n\0 end";
    struct asking a;
    struct secret_values values;
    const struct secret_item *file;

    asking_with_environment(&a);
    draft(&a, "d1", 0, "ann");
    entry(&a, "d1", 0,
          &(struct typed){.key = "KEY",
                          .kind = "secret",
                          .value = BYTES,
                          .len = sizeof BYTES - 1,
                          .path = "keys/jwt.pem",
                          .mode = 0640});
    entry(&a, "d1", 1,
          &(struct typed){
              .key = "PUB", .kind = "plain", .value = "text", .path = "keys/p", .mode = 0644});
    check_saved(save(&a, "d1"), 1, 2, 0, 0, 0);
    CHECK(secret_values_of_set(a.f.shared, a.f.vault, ENV, 1, &values, NULL) == 0);
    file = item(&values, "KEY");
    CHECK(file != NULL && file->is_file && file->len == sizeof BYTES - 1
          && memcmp(file->bytes, BYTES, file->len) == 0);
    secret_values_free(&values);
    CHECK_INT(
        fixture_sql(a.f.shared_path,
                    "SELECT 1 / (count(*) = 1) FROM secret_entry WHERE key = 'KEY' AND form = "
                    "'file' AND path = 'keys/jwt.pem' AND mode = 416 AND size_bytes = 11"),
        0);
    draft(&a, "d2", 1, "ann"); /* another mode is a change, the value is the same */
    entry(&a, "d2", 0,
          &(struct typed){.key = "KEY", .kind = "secret", .path = "keys/jwt.pem", .mode = 0600});
    entry(&a, "d2", 1,
          &(struct typed){.key = "PUB", .kind = "plain", .path = "keys/p", .mode = 0644});
    check_saved(save(&a, "d2"), 2, 0, 1, 0, 1);
    CHECK_INT(
        fixture_sql(a.f.shared_path,
                    "SELECT 1 / (count(*) = 1) FROM secret_entry WHERE key = 'KEY' AND number "
                    "= 2 AND changed_in = 1 AND mode = 384"),
        0);
    asking_end(&a);
}

static void a_file_goes_nowhere_else(void)
{
    static const struct {
        const char *path, *says;
        int mode;
    } BAD[] = {
        {"", "Say where", 0600},
        {"/etc/passwd", "first slash", 0600},
        {"../x", "not . or ..", 0600},
        {"a/../x", "not . or ..", 0600},
        {"a//x", "Each part", 0600},
        {"a/", "Each part", 0600},
        {"-rf", "begin with a dash", 0600},
        {"a b", "Each part", 0600},
        {".env", "Windlass itself", 0600},
        {".windlass/x", "Windlass itself", 0600},
        {"compose.yaml", "Windlass itself", 0600},
        {"k", "mode", 04755},
        {"k", "mode", 0777},
        {"k", "mode", 0},
    };
    struct asking a;

    asking_with_environment(&a);
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        char id[10];
        json_t *answer;

        snprintf(id, sizeof id, "bad%zu", i);
        draft(&a, id, 0, "ann");
        entry(&a, id, 0,
              &(struct typed){.key = "KEY",
                              .kind = "secret",
                              .value = "x",
                              .path = BAD[i].path,
                              .mode = BAD[i].mode});
        answer = save(&a, id);
        CHECK_STR(json_string_value(json_object_get(answer, "field")), "KEY");
        CHECK(strstr(refused(answer, "input"), BAD[i].says) != NULL);
    }
    draft(&a, "two", 0, "ann");
    entry(&a, "two", 0,
          &(struct typed){.key = "K1", .kind = "secret", .value = "x", .path = "k", .mode = 0600});
    entry(&a, "two", 1,
          &(struct typed){.key = "K2", .kind = "secret", .value = "y", .path = "k", .mode = 0600});
    CHECK(strstr(refused(save(&a, "two"), "input"), "K1 and K2 are both") != NULL);
    draft(&a, "bytes", 0, "ann");
    entry(&a, "bytes", 0,
          &(struct typed){
              .key = "K", .kind = "plain", .value = "a\0b", .len = 3, .path = "k", .mode = 0600});
    CHECK(strstr(refused(save(&a, "bytes"), "input"), "not text") != NULL);
    CHECK_INT(events(&a, "secret.save", "ok"), 0);
    asking_end(&a);
}

/* Stage, comment and the lines after the last key are part of a set: each alone is a change. */
static void stage_comment_and_tail_are_kept(void)
{
    struct asking a;

    asking_with_environment(&a);
    draft(&a, "d1", 0, "ann");
    entry(&a, "d1", 0,
          &(struct typed){
              .key = "A", .kind = "secret", .value = "x", .comment = "# for the mailer\n"});
    entry(&a, "d1", 1,
          &(struct typed){.key = "VITE_B", .kind = "plain", .value = "y", .stage = "build"});
    sql(&a, "UPDATE draft SET tail = '# the end'");
    check_saved(save(&a, "d1"), 1, 2, 0, 0, 0);
    CHECK_INT(
        fixture_sql(a.f.shared_path,
                    "SELECT 1 / (count(*) = 2) FROM secret_entry WHERE (key = 'A' AND stage = "
                    "'run' AND comment LIKE '# for the mailer_') OR (key = 'VITE_B' AND stage "
                    "= 'build' AND plain = 'y')"),
        0);
    CHECK_INT(fixture_sql(a.f.shared_path,
                          "SELECT 1 / (count(*) = 1) FROM secret_set WHERE tail = '# the end'"),
              0);
    draft(&a, "d2", 1, "ann");
    text_entry(&a, "d2", 0, "A", "secret", NULL);
    text_entry(&a, "d2", 1, "VITE_B", "plain", NULL);
    sql(&a, "UPDATE draft SET tail = '# the end' WHERE id = 'd2'");
    check_saved(save(&a, "d2"), 2, 0, 2, 0, 0); /* no comment, another stage */
    draft(&a, "d3", 2, "ann");
    text_entry(&a, "d3", 0, "A", "secret", NULL);
    text_entry(&a, "d3", 1, "VITE_B", "plain", NULL);
    check_saved(save(&a, "d3"), 3, 0, 0, 0, 2); /* the tail alone */
    asking_end(&a);
}

/* --- masking, crashes --- */

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

int main(void)
{
    TAP_RUN(a_draft_becomes_a_set_byte_exact);
    TAP_RUN(a_set_without_its_event_is_not_saved);
    TAP_RUN(what_is_not_typed_is_kept_and_counted);
    TAP_RUN(saving_what_is_there_makes_no_set);
    TAP_RUN(a_stale_draft_is_a_conflict_in_words);
    TAP_RUN(bad_entries_name_their_key);
    TAP_RUN(a_hidden_value_never_becomes_readable_untyped);
    TAP_RUN(who_is_not_granted_cannot_save);
    TAP_RUN(a_file_keeps_any_bytes_its_path_and_its_mode);
    TAP_RUN(a_file_goes_nowhere_else);
    TAP_RUN(stage_comment_and_tail_are_kept);
    TAP_RUN(masking_gets_the_hidden_values_of_three_sets);
    TAP_RUN(a_crash_before_the_set_was_written_is_repaired_by_the_next_save);
    return tap_done();
}

/* ask_compare.c - verb secrets.compare: how a draft stands to what is stored, without a value in
 * the answer. */
#include "tests/db/draft_fixture.h"
#include "lib/domain/secret_lint.h"

static json_t *compare(struct asking *a, const char *draft_id)
{
    return put_question(a, "secrets.compare", a->token, json_pack("{s:s}", "draft_id", draft_id));
}

static const char *text_in(const json_t *answer, const char *name)
{
    const char *text = json_string_value(json_object_get(answer, name));

    return text == NULL ? "(none)" : text;
}

static void holds_no_value(const json_t *answer)
{
    char *text = json_dumps(answer, 0);

    CHECK(text != NULL && strstr(text, "canary") == NULL);
    free(text);
}

/* s1: SAME, VALUE, KIND, STAGE, COMMENT, GONE secret; PLAIN plain. */
static void first_set(struct asking *a)
{
    static const char *const KEYS[] = {"SAME", "VALUE", "KIND", "STAGE", "COMMENT", "GONE"};

    asking_with_environment(a);
    draft(a, "d1", 0, "ann");
    for (int i = 0; i < (int)COUNT_OF(KEYS); i++)
        text_entry(a, "d1", i, KEYS[i], "secret", "canary one");
    text_entry(a, "d1", 6, "PLAIN", "plain", "canary plain");
    check_saved(save(a, "d1"), 1, 7, 0, 0, 0);
}

static void each_entry_has_its_difference(void)
{
    struct asking a;
    json_t *answer;

    first_set(&a);
    draft(&a, "d2", 1, "ann");
    text_entry(&a, "d2", 0, "SAME", "secret",
               "canary one"); /* typed again: the same all the same */
    text_entry(&a, "d2", 1, "VALUE", "secret", "canary two");
    text_entry(&a, "d2", 2, "KIND", "write_only", NULL);
    entry(&a, "d2", 3, &(struct typed){.key = "STAGE", .kind = "secret", .stage = "build"});
    entry(&a, "d2", 4, &(struct typed){.key = "COMMENT", .kind = "secret", .comment = "# why"});
    text_entry(&a, "d2", 5, "PLAIN", "plain", NULL);
    text_entry(&a, "d2", 6, "NEW", "secret", "canary new");
    answer = compare(&a, "d2");
    CHECK(is_ok(answer));
    CHECK_STR(text_in(answer, "against_base"), "=~mmm=+");
    CHECK_STR(text_in(answer, "against_newest"), "");
    CHECK_INT(number_in(answer, "base"), 1);
    CHECK_INT(number_in(answer, "newest"), 1);
    CHECK_INT(json_array_size(json_object_get(answer, "faults")), 0);
    CHECK_INT(json_integer_value(json_array_get(json_object_get(answer, "size"), 6)), 10);
    holds_no_value(answer);
    json_decref(answer);
    CHECK_INT(events(&a, "secret.save", "ok"), 1); /* it changed nothing, and the draft is there */
    check_saved(save(&a, "d2"), 2, 1, 4, 1, 2);
    asking_end(&a);
}

static void a_stale_draft_is_compared_with_both_sets(void)
{
    struct asking a;
    json_t *answer;

    first_set(&a);
    draft(&a, "mine", 1, "ann");
    text_entry(&a, "mine", 0, "SAME", "secret", NULL);
    text_entry(&a, "mine", 1, "VALUE", "secret", "canary both"); /* both do the same */
    text_entry(&a, "mine", 2, "KIND", "secret", "canary mine");
    text_entry(&a, "mine", 3, "GONE", "secret", NULL); /* they remove it */
    draft(&a, "theirs", 1, "ann");
    text_entry(&a, "theirs", 0, "SAME", "secret", NULL);
    text_entry(&a, "theirs", 1, "VALUE", "secret", "canary both");
    text_entry(&a, "theirs", 2, "KIND", "secret", "canary theirs");
    check_saved(save(&a, "theirs"), 2, 0, 2, 4, 1);
    answer = compare(&a, "mine");
    CHECK(is_ok(answer));
    CHECK_STR(text_in(answer, "against_base"), "=~~=");
    CHECK_STR(text_in(answer, "against_newest"), "==~+");
    CHECK_INT(number_in(answer, "base"), 1);
    CHECK_INT(number_in(answer, "newest"), 2);
    CHECK_STR(text_in(answer, "newest_by"), "Ann Example");
    holds_no_value(answer);
    json_decref(answer);
    refused(save(&a, "mine"), "conflict");
    asking_end(&a);
}

/* Everything that is wrong is told at once, each by its key; the rest is compared all the same. */
static void several_wrong_rows_are_told_at_once(void)
{
    static const char *const WRONG[] = {"NUL", "KIND", "LD_PRELOAD", "NEVER"};
    struct asking a;
    json_t *answer;
    const json_t *faults;

    first_set(&a);
    draft(&a, "d2", 1, "ann");
    entry(&a, "d2", 0,
          &(struct typed){.key = "NUL", .kind = "secret", .value = "canary\0x", .len = 8});
    text_entry(&a, "d2", 1, "SAME", "secret", NULL);
    text_entry(&a, "d2", 2, "KIND", "plain", NULL);
    text_entry(&a, "d2", 3, "LD_PRELOAD", "secret", "canary");
    text_entry(&a, "d2", 4, "NEVER", "secret", NULL);
    text_entry(&a, "d2", 5, "NEW", "secret", "canary");
    answer = compare(&a, "d2");
    CHECK(is_ok(answer));
    CHECK_STR(text_in(answer, "against_base"), "?=???+");
    faults = json_object_get(answer, "faults");
    CHECK_INT(json_array_size(faults), COUNT_OF(WRONG));
    for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
        const json_t *fault = json_array_get(faults, i);

        CHECK_STR(text_in(fault, "key"), WRONG[i]);
        CHECK(strlen(text_in(fault, "text")) > 10);
    }
    holds_no_value(answer);
    json_decref(answer);
    refused(save(&a, "d2"), "input");
    asking_end(&a);
}

static unsigned lint_at(const json_t *answer, size_t at)
{
    return (unsigned)json_integer_value(json_array_get(json_object_get(answer, "lint"), at));
}

static void hints_come_with_it(void)
{
    struct asking a;
    json_t *answer;

    asking_with_environment(&a);
    draft(&a, "d1", 0, "ann");
    text_entry(&a, "d1", 0, "API_TOKEN", "secret", "changeme");
    text_entry(&a, "d1", 1, "SPACE", "secret", "canary ");
    text_entry(&a, "d1", 2, "GREETING", "plain", "hello there");
    entry(&a, "d1", 3,
          &(struct typed){
              .key = "FILE", .kind = "secret", .value = "changeme", .path = "k", .mode = 0600});
    answer = compare(&a, "d1");
    CHECK(is_ok(answer));
    CHECK((lint_at(answer, 0) & SECRET_LINT_PLACEHOLDER) != 0);
    CHECK((lint_at(answer, 1) & SECRET_LINT_SPACE) != 0);
    CHECK_INT(lint_at(answer, 2), 0);
    CHECK_INT(lint_at(answer, 3), 0); /* a file is no variable */
    holds_no_value(answer);
    json_decref(answer);
    check_saved(save(&a, "d1"), 1, 4, 0, 0, 0); /* a hint is no reason to refuse, and is kept */
    CHECK_INT(fixture_sql(a.f.shared_path,
                          "SELECT 1 / (count(*) = 1) FROM secret_entry WHERE key = 'API_TOKEN' AND "
                          "lint & 1"),
              0);
    asking_end(&a);
}

static void a_restore_shows_what_differs_from_the_newest(void)
{
    struct asking a;
    json_t *answer;

    first_set(&a);
    draft(&a, "d2", 1, "ann");
    text_entry(&a, "d2", 0, "SAME", "secret", NULL);
    text_entry(&a, "d2", 1, "VALUE", "secret", "canary two");
    check_saved(save(&a, "d2"), 2, 0, 1, 5, 1);
    draft(&a, "restore", 2, "ann");
    entry(&a, "restore", 0, &(struct typed){.key = "SAME", .kind = "secret", .keep_set = 1});
    entry(&a, "restore", 1, &(struct typed){.key = "VALUE", .kind = "secret", .keep_set = 1});
    entry(&a, "restore", 2, &(struct typed){.key = "PLAIN", .kind = "plain", .keep_set = 1});
    answer = compare(&a, "restore");
    CHECK_STR(text_in(answer, "against_base"), "=~+");
    json_decref(answer);
    asking_end(&a);
}

static void somebody_elses_draft_is_not_compared(void)
{
    struct asking a;

    asking_with_environment(&a);
    add_user(&a, "u2", "bob", APP, "", ROLE_DEPLOYER);
    add_user(&a, "u3", "eve", OTHER, "", ROLE_MAINTAINER);
    add_user(&a, "u4", "max", APP, ENV, ROLE_MAINTAINER);
    draft(&a, "of-ann", 0, "ann");
    draft(&a, "of-bob", 0, "bob");
    draft(&a, "of-eve", 0, "eve");
    draft(&a, "of-max", 0, "max");
    sql(&a, "INSERT INTO draft (id, environment_id, user_id, base_set, created_at) VALUES "
            "('max-elsewhere', '" ENV2 "', 'u4', 0, 1)");
    refused(put_question(&a, "secrets.compare", NULL, json_pack("{s:s}", "draft_id", "of-ann")),
            "signed-out");
    take_token(a.token, login(&a, "bob", PASSWORD));
    refused(compare(&a, "of-bob"), "denied"); /* may deploy, but not change secrets */
    take_token(a.token, login(&a, "eve", PASSWORD));
    refused(compare(&a, "of-eve"), "denied"); /* maintainer, but of another app */
    take_token(a.token, login(&a, "max", PASSWORD));
    refused(compare(&a, "of-ann"), "denied"); /* may, but did not type this */
    refused(compare(&a, "max-elsewhere"), "denied");
    refused(compare(&a, "nothing"), "not-found");
    json_t *answer = compare(&a, "of-max");
    CHECK(is_ok(answer));
    json_decref(answer);
    asking_end(&a);
}

int main(void)
{
    TAP_RUN(each_entry_has_its_difference);
    TAP_RUN(a_stale_draft_is_compared_with_both_sets);
    TAP_RUN(several_wrong_rows_are_told_at_once);
    TAP_RUN(hints_come_with_it);
    TAP_RUN(a_restore_shows_what_differs_from_the_newest);
    TAP_RUN(somebody_elses_draft_is_not_compared);
    return tap_done();
}

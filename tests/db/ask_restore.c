/* ask_restore.c - what a draft keeps of an older set: restoring it, and that nothing becomes more
 * readable by being kept. */
#include "tests/db/draft_fixture.h"

/* s1: A "one" and W "wo-one"; s2: A "two" and W "wo-two". */
static void two_sets(struct asking *a)
{
    asking_with_environment(a);
    draft(a, "d1", 0, "ann");
    text_entry(a, "d1", 0, "A", "secret", "one");
    text_entry(a, "d1", 1, "W", "write_only", "wo-one");
    check_saved(save(a, "d1"), 1, 2, 0, 0, 0);
    draft(a, "d2", 1, "ann");
    text_entry(a, "d2", 0, "A", "secret", "two");
    text_entry(a, "d2", 1, "W", "write_only", "wo-two");
    check_saved(save(a, "d2"), 2, 0, 2, 0, 0);
}

static void an_old_set_is_restored_on_top(void)
{
    struct asking a;
    struct secret_values values;

    two_sets(&a);
    draft(&a, "d3", 2, "ann");
    entry(&a, "d3", 0, &(struct typed){.key = "A", .kind = "secret", .keep_set = 1});
    entry(&a, "d3", 1, &(struct typed){.key = "W", .kind = "write_only", .keep_set = 1});
    check_saved(save(&a, "d3"), 3, 0, 2, 0, 0);
    CHECK(secret_values_of_set(a.f.shared, a.f.vault, ENV, 3, &values, NULL) == 0);
    check_value(&values, "A", "one", 3, true);
    check_value(&values, "W", "wo-one", 6, true);
    secret_values_free(&values);
    CHECK(secret_values_of_set(a.f.shared, a.f.vault, ENV, 2, &values, NULL) == 0);
    check_value(&values, "A", "two", 3, true); /* history is not rewritten */
    secret_values_free(&values);
    asking_end(&a);
}

static void what_is_kept_of_an_old_set_is_no_more_readable_than_it_was(void)
{
    static const struct typed bad[] = {
        {.key = "A", .kind = "plain", .keep_set = 1},
        {.key = "W", .kind = "plain", .keep_set = 1},
        {.key = "W", .kind = "secret", .keep_set = 1},
    };
    struct asking a;

    two_sets(&a);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char id[10];

        snprintf(id, sizeof id, "bad%zu", i);
        draft(&a, id, 2, "ann");
        entry(&a, id, 0, &bad[i]);
        CHECK(strstr(refused(save(&a, id), "input"), "type its value again") != NULL);
    }
    draft(&a, "good", 2, "ann");
    entry(&a, "good", 0, &(struct typed){.key = "A", .kind = "write_only", .keep_set = 1});
    check_saved(save(&a, "good"), 3, 0, 1, 1, 0);
    asking_end(&a);
}

static void what_was_never_stored_cannot_be_kept(void)
{
    static const struct typed bad[] = {
        {.key = "B", .kind = "secret", .keep_set = 1},
        {.key = "A", .kind = "secret", .keep_set = 99},
    };
    struct asking a;

    two_sets(&a);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char id[10];

        snprintf(id, sizeof id, "bad%zu", i);
        draft(&a, id, 2, "ann");
        entry(&a, id, 0, &bad[i]);
        CHECK(strstr(refused(save(&a, id), "input"), "no value yet") != NULL);
    }
    /* Nor a value of another environment: sets are those of the draft's own. */
    sql(&a, "INSERT INTO draft (id, environment_id, user_id, base_set, created_at) SELECT 'other', "
            "'" ENV2 "', id, 0, 1 FROM user");
    entry(&a, "other", 0, &(struct typed){.key = "A", .kind = "secret", .keep_set = 1});
    CHECK(strstr(refused(save(&a, "other"), "input"), "no value yet") != NULL);
    asking_end(&a);
}

int main(void)
{
    TAP_RUN(an_old_set_is_restored_on_top);
    TAP_RUN(what_is_kept_of_an_old_set_is_no_more_readable_than_it_was);
    TAP_RUN(what_was_never_stored_cannot_be_kept);
    return tap_done();
}

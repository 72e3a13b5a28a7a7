/* pages_secrets_review.c - the review before every save: what it shows, its buttons, and bringing
 * together what two people changed at once. */
#include "tests/web/lib/secrets_world.h"

#define TYPED_SECRET "base_set=1&key.0=PASSWORD&kind.0=secret&value.0=" CANARY

#define MASK "••••••••"

static struct stage s;
static char id[CRYPTO_ID_SIZE]; /* of the draft in hand */

static const struct stored FIRST[] = {
    {.key = "PASSWORD", .kind = "secret", .value = "old-one"},
    {.key = "TOKEN", .kind = "write_only", .value = "old-two"},
    {.key = "GREETING", .kind = "plain", .value = "Good morning"},
    {.key = "GONE", .kind = "plain", .value = "so long"},
};

static void make_draft(const char *fields)
{
    CHECK_INT(world_post(&s.w, SECRETS, fields), 303);
    snprintf(id, sizeof id, "%s", new_draft(&s));
}

/* --- what it shows --- */

static void added_changed_removed_and_unchanged_are_shown(void)
{
    const json_t *row, *changes;
    json_t *data;
    make_draft(TYPED_SECRET "&key.1=TOKEN&kind.1=write_only&value.1=&key.2=GREETING&kind.2=secret"
                            "&value.2=Good+morning&key.3=NEW&kind.3=plain&value.3=Fresh");
    data = review_data(&s, id, 200);
    changes = json_object_get(data, "changes");
    CHECK_STR(stage_text(data, "summary"), "1 added, 2 changed, 1 removed, 1 unchanged");
    CHECK_STR(stage_text(listed(changes, "PASSWORD"), "verb"), "changed");
    CHECK_STR(stage_text(listed(changes, "PASSWORD"), "old.text"), "••••••••");
    CHECK_STR(stage_text(listed(changes, "PASSWORD"), "new.text"), "•••••••• new");
    row = listed(changes, "GREETING");
    CHECK_STR(stage_text(row, "verb"), "about");
    CHECK_STR(stage_text(row, "about.0"), "Plain → Secret");
    CHECK_STR(stage_text(row, "new.is_shown"), "false");
    CHECK_STR(stage_text(listed(changes, "GONE"), "verb"), "removed");
    CHECK_STR(stage_text(listed(changes, "GONE"), "old.text"), "so long");
    CHECK_STR(stage_text(listed(changes, "NEW"), "verb"), "added");
    CHECK_STR(stage_text(listed(changes, "NEW"), "new.text"), "Fresh");
    CHECK(listed(changes, "TOKEN") == NULL);
    CHECK_STR(stage_text(data, "same.0"), "TOKEN");
    CHECK_STR(stage_text(data, "can_save"), "true");
    CHECK_STR(stage_text(data, "is_stale"), "false");
    json_decref(data);
    CHECK_INT(get_review(&s, id), 200);
    CHECK(!stage_shows(&s, CANARY));
    CHECK(stage_shows(&s, "Save and deploy"));
    CHECK(stage_shows(&s, "Save only"));
}

static void what_changes_nothing_is_said_to(void)
{
    json_t *data;
    make_draft("base_set=1&key.0=PASSWORD&kind.0=secret&value.0=&key.1=TOKEN&kind.1=write_only"
               "&value.1=&key.2=GREETING&kind.2=plain&value.2=Good+morning&key.3=GONE&kind.3=plain"
               "&value.3=so+long");
    data = review_data(&s, id, 200);
    CHECK_STR(stage_text(data, "is_nothing"), "true");
    json_decref(data);
    CHECK_INT(get_review(&s, id), 200);
    CHECK(stage_shows(&s, "Nothing would change"));
}

static void what_is_wrong_in_itself_is_not_saved(void)
{
    json_t *data;
    make_draft(TYPED_SECRET);
    snprintf(s.script->secrets.fault_key, sizeof s.script->secrets.fault_key, "PASSWORD");
    snprintf(s.script->secrets.fault, sizeof s.script->secrets.fault, "It does not open.");
    data = review_data(&s, id, 200);
    CHECK_STR(stage_text(listed(json_object_get(data, "changes"), "PASSWORD"), "fault"),
              "It does not open.");
    CHECK_STR(stage_text(data, "can_save"), "false");
    json_decref(data);
    CHECK_INT(get_review(&s, id), 200);
    CHECK(!stage_shows(&s, "Save only"));
    s.script->secrets.fault_key[0] = '\0';
}

/* --- its buttons --- */

static const char *asked_text(const char *name)
{
    static char text[600];
    json_t *question = json_loads(s.script->question, 0, NULL);
    snprintf(text, sizeof text, "%s", stage_text(question, name));
    json_decref(question);
    return text;
}

static void save_asks_the_worker_and_leads_on(void)
{
    make_draft(TYPED_SECRET);
    CHECK_INT(post_review(&s, id, "action=save&message=First+of+all"), 303);
    CHECK_STR(s.script->verb, "secrets.save");
    CHECK_STR(asked_text("draft_id"), id);
    CHECK_STR(asked_text("message"), "First of all");
    CHECK(strstr(led_to(&s), SECRETS) != NULL && strstr(led_to(&s), "/review/") == NULL);
    CHECK_INT(post_review(&s, id, "action=deploy&message="), 303);
    CHECK(strstr(led_to(&s), "/apps/hello/staging/deploy?version=1.0.0") != NULL);
}

static void a_refused_save_loses_neither_message_nor_draft(void)
{
    make_draft(TYPED_SECRET);
    stage_refuse(&s, "secrets.save", "input", "PASSWORD", "The worker does not like it.");
    CHECK_INT(post_review(&s, id, "action=save&message=My+message"), 422);
    CHECK(stage_shows(&s, "The worker does not like it."));
    CHECK(stage_shows(&s, "value=\"My message\""));
    CHECK(!stage_shows(&s, CANARY));
    stage_refuse(&s, "", "", "", "");
    CHECK_INT(post_review(&s, id, "action=save&message=a%01b"), 422);
    CHECK_STR(s.script->verb, "secrets.compare"); /* not asked to save */
    CHECK_INT(post_review(&s, id, "action=dance&message="), 422);
    CHECK_INT(post_review(&s, id, "action=save&message=Now"), 303);
}

static void discard_forgets_the_draft(void)
{
    int asked;
    make_draft(TYPED_SECRET);
    CHECK_INT(post_review(&s, id, "action=discard"), 303);
    asked = s.script->asked;
    CHECK_INT(get_review(&s, id), 404);
    CHECK_INT(post_review(&s, id, "action=save&message="), 404);
    CHECK_INT(s.script->asked, asked);
}

static void a_draft_is_of_its_environment(void)
{
    char uri[200];
    make_draft(TYPED_SECRET);
    snprintf(uri, sizeof uri, "/apps/hello/bare/secrets/review/%s", id);
    CHECK_INT(world_get(&s.w, uri), 404);
    CHECK_INT(stage_post(&s, uri, "action=save&message="), 404);
}

/* --- two people at once --- */

/* Mine, over s1: MINE_ONLY changed, BOTH_SAME and BOTH_OTHER changed, I_REMOVE removed, I_ADD
 * added, THEY_REMOVE kept, REMOVED_CHANGED changed; theirs is THEIRS below. */
static const struct stored BASE[] = {
    {.key = "MINE_ONLY", .kind = "secret", .value = "base"},
    {.key = "THEIRS_ONLY", .kind = "plain", .value = "base"},
    {.key = "BOTH_SAME", .kind = "secret", .value = "base"},
    {.key = "BOTH_OTHER", .kind = "secret", .value = "base"},
    {.key = "I_REMOVE", .kind = "plain", .value = "base"},
    {.key = "THEY_REMOVE", .kind = "plain", .value = "base"},
    {.key = "REMOVED_CHANGED", .kind = "plain", .value = "base"},
};
static const struct stored THEIRS[] = {
    {.key = "MINE_ONLY", .kind = "secret", .value = "base"},
    {.key = "THEIRS_ONLY", .kind = "plain", .value = "their words"},
    {.key = "BOTH_SAME", .kind = "secret", .value = "both"},
    {.key = "BOTH_OTHER", .kind = "secret", .value = "their value"},
    {.key = "I_REMOVE", .kind = "plain", .value = "base"},
    {.key = "THEY_ADD", .kind = "plain", .value = "their new one"},
};
static int64_t base_set, newest_set;

static void type_mine(void)
{
    char fields[900];
    snprintf(fields, sizeof fields,
             "base_set=%lld&key.0=MINE_ONLY&kind.0=secret&value.0=" CANARY
             "&key.1=THEIRS_ONLY&kind.1=plain&value.1=base&key.2=BOTH_SAME&kind.2=secret"
             "&value.2=both&key.3=BOTH_OTHER&kind.3=secret&value.3=" CANARY "-2"
             "&key.4=THEY_REMOVE&kind.4=plain&value.4=base"
             "&key.5=REMOVED_CHANGED&kind.5=plain&value.5=my+words"
             "&key.6=I_ADD&kind.6=plain&value.6=my+new+one",
             (long long)base_set);
    make_draft(fields);
}

/* One row of the page: what it was, what they and I made of it, and whether there is a choice. */
struct side {
    const char *key, *was, *theirs_text, *theirs, *mine_text, *mine;
    bool is_conflict;
};

static void check_side(const struct side *side)
{
    char row[900], choice[100];
    bool found;
    snprintf(row, sizeof row,
             "<code>%s</code></th><td data-label=\"It was\" class=\"wrap\"><code>%s</code></td>"
             "<td data-label=\"They\" class=\"wrap\"><span class=\"whole\"><span class=\"sub\">%s"
             "</span><code class=\"value\">%s</code></span></td><td data-label=\"You\" "
             "class=\"wrap\"><span class=\"whole\"><span class=\"sub\">%s</span>"
             "<code class=\"value\">%s</code></span></td>",
             side->key, side->was, side->theirs_text, side->theirs, side->mine_text, side->mine);
    found = stage_shows(&s, row);
    CHECK(found);
    if (!found)
        printf("#   %s\n", row);
    snprintf(choice, sizeof choice, "name=\"choice.%s\"", side->key);
    CHECK(stage_shows(&s, choice) == side->is_conflict);
}

static void a_stale_draft_is_a_409_with_all_three_sides(void)
{
    static const struct side SIDES[] = {
        {"MINE_ONLY", MASK, "As it was", MASK, "Changed", MASK, false},
        {"THEIRS_ONLY", "base", "Changed", "their words", "As it was", "base", false},
        {"BOTH_SAME", MASK, "Changed", MASK, "Changed", MASK, false},
        {"BOTH_OTHER", MASK, "Changed", MASK, "Changed", MASK, true},
        {"I_REMOVE", "base", "As it was", "base", "Removed", "not there", false},
        {"THEY_REMOVE", "base", "Removed", "not there", "As it was", "base", false},
        {"REMOVED_CHANGED", "base", "Removed", "not there", "Changed", "my words", true},
        {"I_ADD", "not there", "As it was", "not there", "Added", "my new one", false},
        {"THEY_ADD", "not there", "Added", "their new one", "As it was", "not there", false},
    };
    int asked;
    base_set = store_secrets(&s.w, s.env_id, BASE, COUNT_OF(BASE));
    type_mine();
    newest_set = store_secrets(&s.w, s.env_id, THEIRS, COUNT_OF(THEIRS));
    CHECK_INT(get_review(&s, id), 409);
    CHECK(stage_shows(&s, "Ann Weaver saved s3 while you were editing s2"));
    for (size_t i = 0; i < COUNT_OF(SIDES); i++)
        check_side(&SIDES[i]);
    CHECK(stage_shows(&s, "Bring both together"));
    CHECK(!stage_shows(&s, "Save only"));
    CHECK(!stage_shows(&s, CANARY));
    asked = s.script->asked;
    CHECK_INT(post_review(&s, id, "action=save&message="), 409); /* not even tried */
    CHECK_INT(s.script->asked, asked + 1);
    CHECK_STR(s.script->verb, "secrets.compare");
    CHECK(!stage_shows(&s, CANARY));
    CHECK(stage_shows(&s, "my words"));
    CHECK(stage_shows(&s, "their words"));
}

static const struct draft *merge(const char *choices)
{
    char fields[400];
    snprintf(fields, sizeof fields, "action=merge%s", choices);
    CHECK_INT(post_review(&s, id, fields), 303);
    return draft_of(&s, new_draft(&s));
}

/* What has no conflict is the same whatever is chosen. */
static void check_merged(const struct draft *draft)
{
    CHECK_INT(draft->base_set, newest_set);
    opens_to(&s, entry_in(draft, "MINE_ONLY"), CANARY);
    keeps(entry_in(draft, "THEIRS_ONLY"), newest_set);
    CHECK(entry_in(draft, "BOTH_SAME") != NULL);
    CHECK(entry_in(draft, "I_REMOVE") == NULL);
    CHECK(entry_in(draft, "THEY_REMOVE") == NULL);
    opens_to(&s, entry_in(draft, "I_ADD"), "my new one");
    keeps(entry_in(draft, "THEY_ADD"), newest_set);
}

static void theirs_is_kept_where_nothing_is_chosen(void)
{
    const struct draft *draft = merge("");
    check_merged(draft);
    keeps(entry_in(draft, "BOTH_OTHER"), newest_set);
    CHECK(entry_in(draft, "REMOVED_CHANGED") == NULL);
    draft = merge("&choice.BOTH_OTHER=theirs&choice.REMOVED_CHANGED=theirs&choice.THEY_ADD=mine");
    check_merged(draft); /* a choice where there is no conflict is none */
    keeps(entry_in(draft, "BOTH_OTHER"), newest_set);
    CHECK_INT(draft->entries.count, 6);
}

static void mine_is_taken_where_it_is_chosen(void)
{
    const struct draft *draft = merge("&choice.BOTH_OTHER=mine&choice.REMOVED_CHANGED=mine");
    json_t *data;
    char merged[CRYPTO_ID_SIZE];
    check_merged(draft);
    opens_to(&s, entry_in(draft, "BOTH_OTHER"), CANARY "-2");
    opens_to(&s, entry_in(draft, "REMOVED_CHANGED"), "my words");
    CHECK_INT(draft->entries.count, 7);
    snprintf(merged, sizeof merged, "%s", new_draft(&s));
    data = review_data(&s, merged, 200); /* reviewed again, against what they saved */
    CHECK_STR(stage_text(data, "summary"), "2 added, 2 changed, 1 removed, 3 unchanged");
    json_decref(data);
    CHECK_INT(get_review(&s, merged), 200);
    CHECK(!stage_shows(&s, CANARY));
}

/* Somebody saves between the page and the button: the worker says so, and nothing is lost. */
static void a_save_that_comes_too_late_is_a_409(void)
{
    char fields[200];
    snprintf(fields, sizeof fields, "base_set=%lld&key.0=MINE_ONLY&kind.0=secret&value.0=" CANARY,
             (long long)newest_set);
    make_draft(fields);
    stage_refuse(&s, "secrets.save", "conflict", "", "Somebody saved.");
    CHECK_INT(post_review(&s, id, "action=save&message=Mine"), 409);
    CHECK(!stage_shows(&s, CANARY));
    stage_refuse(&s, "", "", "", "");
    CHECK_INT(post_review(&s, id, "action=save&message=Mine"), 303);
}

static void no_value_is_in_the_data_folder(void)
{
    CHECK(data_folder_has(&s, "my words"));
    CHECK(!data_folder_has(&s, CANARY));
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    store_secrets(&s.w, s.env_id, FIRST, COUNT_OF(FIRST));
    TAP_RUN(added_changed_removed_and_unchanged_are_shown);
    TAP_RUN(what_changes_nothing_is_said_to);
    TAP_RUN(what_is_wrong_in_itself_is_not_saved);
    TAP_RUN(save_asks_the_worker_and_leads_on);
    TAP_RUN(a_refused_save_loses_neither_message_nor_draft);
    TAP_RUN(discard_forgets_the_draft);
    TAP_RUN(a_draft_is_of_its_environment);
    TAP_RUN(a_stale_draft_is_a_409_with_all_three_sides);
    TAP_RUN(theirs_is_kept_where_nothing_is_chosen);
    TAP_RUN(mine_is_taken_where_it_is_chosen);
    TAP_RUN(a_save_that_comes_too_late_is_a_409);
    TAP_RUN(no_value_is_in_the_data_folder);
    stage_close(&s);
    return tap_done();
}

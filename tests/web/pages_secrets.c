/* pages_secrets.c - the table: a typed secret is sealed and gone, never in an answer, a log line or
 * the database in the clear; what was stored hidden never comes back; and whatever is wrong,
 * nothing has to be typed twice. */
#include "tests/web/lib/secrets_world.h"

static struct stage s;

static const struct stored FIRST[] = {
    {.key = "PASSWORD", .kind = "secret", .value = "old-one"},
    {.key = "TOKEN", .kind = "write_only", .value = "old-two", .comment = "# for CI\n"},
    {.key = "GREETING", .kind = "plain", .value = "Good <morning>"},
};

static void typed_values_are_sealed_byte_exact(void)
{
    const struct draft *draft;
    CHECK_INT(stage_post(&s, SECRETS,
                         "base_set=0&key.0=PASSWORD&kind.0=secret&value.0=" CANARY
                         "&key.1=GREETING&kind.1=plain&value.1=%%22a%%22+%%27b%%27+%%24%%28c%%29+"
                         "%%60d%%60&key.2=LINES&kind.2=plain&value.2=one%%0D%%0Atwo%%0D%%0A"
                         "&key.3=EMPTY&kind.3=plain&value.3=&key.4=&kind.4=secret&value.4="),
              303);
    CHECK_STR(s.script->verb, "secrets.compare");
    CHECK(strstr(s.script->question, CANARY) == NULL);
    draft = draft_of(&s, new_draft(&s));
    CHECK_INT(draft->entries.count, 4);
    opens_to(&s, entry_in(draft, "PASSWORD"), CANARY);
    opens_to(&s, entry_in(draft, "GREETING"), "\"a\" 'b' $(c) `d`");
    opens_to(&s, entry_in(draft, "LINES"), "one\ntwo\n");
    opens_to(&s, entry_in(draft, "EMPTY"), "");
}

static void a_long_value_fits(void)
{
    size_t len = 130000;
    char *body = malloc(len + 200), *value = malloc(len + 1);
    memset(value, 'v', len);
    value[len] = '\0';
    snprintf(body, len + 200, "base_set=0&key.0=LONG&kind.0=secret&value.0=%s", value);
    CHECK_INT(world_post(&s.w, SECRETS, body), 303);
    opens_to(&s, entry_in(draft_of(&s, new_draft(&s)), "LONG"), value);
    free(body);
    free(value);
}

/* The page names what is wrong, and carries what was typed hidden as a place in the draft. */
static void wrong_rows_are_named_and_nothing_hidden_is_typed_twice(void)
{
    static const char *const BAD[] = {
        "key.0=MY-KEY&kind.0=plain&value.0=x",
        "key.0=1KEY&kind.0=plain&value.0=x",
        "key.0=LD_PRELOAD&kind.0=plain&value.0=x",
        "key.0=%24%28id%29&kind.0=plain&value.0=x",
        "key.0=A%0AB&kind.0=plain&value.0=x",
        "key.0=&kind.0=plain&value.0=x",
        "key.0=A&kind.0=moon&value.0=x",
        "key.0=A&kind.0=secret&value.0=",
        "key.0=A&kind.0=plain&value.0=a%01b",
        "key.0=A&kind.0=plain&value.0=x&key.1=A&kind.1=plain&value.1=y",
    };
    int asked = s.script->asked;
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        char body[600], draft[80];
        int status;
        snprintf(body, sizeof body, "base_set=0&%s&key.7=SECRET_ONE&kind.7=secret&value.7=" CANARY,
                 BAD[i]);
        status = world_post(&s.w, SECRETS, body);
        CHECK_INT(status, 422);
        CHECK(!stage_shows(&s, CANARY));
        CHECK(stage_shows(&s, "SECRET_ONE"));
        CHECK(stage_shows(&s, "typed, not saved"));
        CHECK(stage_shows(&s, "class=\"error\""));
        if (status != 422)
            printf("#   %s\n", BAD[i]);
        snprintf(draft, sizeof draft, "%s", stage_hidden(&s, "draft"));
        CHECK(draft[0] != '\0');
    }
    CHECK_INT(s.script->asked, asked); /* nothing went to the worker */
}

/* As a browser sends that page, with the wrong row mended and the hidden boxes empty. */
static void what_was_typed_before_goes_along(void)
{
    char draft[80], from[20], again[80];
    const struct draft *made;
    CHECK_INT(stage_post(&s, SECRETS,
                         "base_set=0&key.0=BAD-KEY&kind.0=plain&value.0=x&key.1=SECRET_ONE&kind.1="
                         "secret&value.1=" CANARY),
              422);
    snprintf(draft, sizeof draft, "%s", stage_hidden(&s, "draft"));
    snprintf(from, sizeof from, "%s", stage_hidden(&s, "from.1"));
    CHECK_STR(from, "2");
    CHECK_INT(stage_post(&s, SECRETS,
                         "base_set=0&draft=%s&key.0=1BAD&kind.0=plain&value.0=x&key.1=SECRET_ONE"
                         "&kind.1=secret&value.1=&from.1=%s",
                         draft, from),
              422); /* wrong once more */
    CHECK(!stage_shows(&s, CANARY));
    snprintf(again, sizeof again, "%s", stage_hidden(&s, "draft"));
    CHECK(strcmp(draft, again) != 0);
    CHECK_INT(stage_post(&s, SECRETS,
                         "base_set=0&draft=%s&key.0=GOOD&kind.0=plain&value.0=x&key.1=SECRET_ONE"
                         "&kind.1=secret&value.1=&from.1=%s",
                         again, stage_hidden(&s, "from.1")),
              303);
    made = draft_of(&s, new_draft(&s));
    opens_to(&s, entry_in(made, "SECRET_ONE"), CANARY);
    opens_to(&s, entry_in(made, "GOOD"), "x");
}

/* A sealed value is taken only from a draft of the same person and environment; and made plain it
 * does not come back readable. */
static void what_somebody_else_typed_is_not_taken(void)
{
    char draft[80], own_token[sizeof s.w.token], own_id[sizeof s.w.user_id];
    CHECK_INT(stage_post(&s, SECRETS,
                         "base_set=0&key.0=BAD-KEY&kind.0=plain&value.0=x&key.1=A&kind.1=secret"
                         "&value.1=" CANARY),
              422);
    snprintf(draft, sizeof draft, "%s", stage_hidden(&s, "draft"));
    CHECK_INT(stage_post(&s, "/apps/hello/bare/secrets",
                         "base_set=0&draft=%s&key.0=A&kind.0=secret&value.0=&from.0=2", draft),
              404);
    CHECK_INT(stage_post(&s, SECRETS,
                         "base_set=0&draft=%s&key.0=BAD-KEY&kind.0=plain&value.0=x&key.1=A"
                         "&kind.1=plain&value.1=&from.1=2",
                         draft),
              422);
    CHECK(!stage_shows(&s, CANARY));
    memcpy(own_token, s.w.token, sizeof own_token);
    memcpy(own_id, s.w.user_id, sizeof own_id);
    world_sign_in(&s.w, ROLE_ADMIN);
    CHECK_INT(stage_post(&s, SECRETS, "base_set=0&draft=%s&key.0=A&kind.0=secret&value.0=&from.0=2",
                         draft),
              404);
    CHECK_INT(get_review(&s, draft), 404);
    memcpy(s.w.token, own_token, sizeof own_token);
    memcpy(s.w.user_id, own_id, sizeof own_id);
}

static void a_stored_set_is_shown_without_hidden_values(void)
{
    json_t *data;
    store_secrets(&s.w, s.env_id, FIRST, COUNT_OF(FIRST));
    data = stage_json(&s, SECRETS, 200);
    CHECK_STR(stage_text(data, "set.label"), "s1");
    CHECK_STR(stage_text(data, "set.next_label"), "s2");
    CHECK_INT(json_array_size(json_object_get(data, "entries")), 3);
    CHECK_STR(stage_text(data, "entries.0.value"), "");
    CHECK_STR(stage_text(data, "entries.1.value"), "");
    CHECK_STR(stage_text(data, "entries.2.value"), "Good <morning>");
    json_decref(data);
    CHECK_INT(world_get(&s.w, SECRETS), 200);
    CHECK(!stage_shows(&s, "<morning>"));
    CHECK(stage_shows(&s, "Good &lt;morning&gt;"));
    CHECK(stage_shows(&s, "3 changes of secrets not deployed"));
    data = stage_json(&s, "/apps/hello/staging", 200);
    CHECK_STR(stage_text(data, "secrets.is_newer"), "true");
    json_decref(data);
}

static void an_empty_box_keeps_a_hidden_value(void)
{
    const struct draft *draft;
    CHECK_INT(stage_post(&s, SECRETS,
                         "base_set=1&key.0=PASSWORD&kind.0=secret&value.0="
                         "&key.1=TOKEN&kind.1=write_only&value.1=new&key.2=GREETING&kind.2=plain"
                         "&value.2=Hi&remove.2=1"),
              303);
    draft = draft_of(&s, new_draft(&s));
    CHECK_INT(draft->entries.count, 2);
    CHECK_INT(draft->base_set, 1);
    keeps(entry_in(draft, "PASSWORD"), 1);
    opens_to(&s, entry_in(draft, "TOKEN"), "new");
    CHECK_STR(entry_in(draft, "TOKEN")->comment, "# for CI\n"); /* what the table does not show */
}

static void a_hidden_value_never_becomes_readable_untyped(void)
{
    int asked = s.script->asked;
    CHECK_INT(stage_post(&s, SECRETS, "base_set=1&key.0=PASSWORD&kind.0=plain&value.0="), 422);
    CHECK_INT(stage_post(&s, SECRETS, "base_set=1&key.0=TOKEN&kind.0=secret&value.0="), 422);
    CHECK_INT(s.script->asked, asked);
    CHECK_INT(stage_post(&s, SECRETS, "base_set=1&key.0=PASSWORD&kind.0=plain&value.0=known"), 303);
}

static void what_the_worker_finds_wrong_stands_at_its_row(void)
{
    snprintf(s.script->secrets.fault_key, sizeof s.script->secrets.fault_key, "GREETING");
    snprintf(s.script->secrets.fault, sizeof s.script->secrets.fault,
             "The worker does not like it.");
    CHECK_INT(stage_post(&s, SECRETS,
                         "base_set=1&key.0=GREETING&kind.0=plain&value.0=Kept+words&key.1=PASSWORD"
                         "&kind.1=secret&value.1=" CANARY),
              422);
    CHECK(stage_shows(&s, "The worker does not like it."));
    CHECK(stage_shows(&s, "Kept words"));
    CHECK(stage_shows(&s, "new, not saved"));
    CHECK(!stage_shows(&s, CANARY));
    s.script->secrets.fault_key[0] = '\0';
}

/* "Back to editing": the table again, with the draft in it. */
static void a_draft_can_be_edited_further(void)
{
    char id[CRYPTO_ID_SIZE], uri[200];
    CHECK_INT(stage_post(&s, SECRETS,
                         "base_set=1&key.0=PASSWORD&kind.0=secret&value.0=" CANARY
                         "&key.1=GREETING&kind.1=plain&value.1=Other+words&key.2=FRESH&kind.2=plain"
                         "&value.2=Fresh+words"),
              303);
    snprintf(id, sizeof id, "%s", new_draft(&s));
    snprintf(uri, sizeof uri, SECRETS "?draft=%s", id);
    CHECK_INT(world_get(&s.w, uri), 200);
    CHECK(!stage_shows(&s, CANARY));
    CHECK(stage_shows(&s, "Other words"));
    CHECK(stage_shows(&s, "Fresh words"));
    CHECK(stage_shows(&s, "new, not saved"));
    CHECK(stage_shows(&s, "name=\"remove.1\" value=\"1\" checked")); /* TOKEN was left out */
    CHECK_STR(stage_hidden(&s, "draft"), id);
    CHECK_STR(stage_hidden(&s, "base_set"), "1");
}

static void without_a_worker_it_is_a_503(void)
{
    stage_stop_worker(&s);
    CHECK_INT(stage_post(&s, SECRETS, "base_set=1&key.0=GREETING&kind.0=plain&value.0=x"), 503);
    CHECK(stage_shows(&s, "worker is not running"));
    CHECK_INT(world_get(&s.w, "/"), 200);
    CHECK(stage_shows(&s, "windlass-worker"));
    CHECK_INT(world_get(&s.w, "/healthz"), 503);
    stage_start_worker(&s);
    CHECK_INT(world_get(&s.w, "/healthz"), 200);
}

static void no_value_is_in_the_data_folder(void)
{
    CHECK(data_folder_has(&s, "Fresh words")); /* plain ones are: the search finds what is there */
    CHECK(!data_folder_has(&s, CANARY));
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    TAP_RUN(typed_values_are_sealed_byte_exact);
    TAP_RUN(a_long_value_fits);
    TAP_RUN(wrong_rows_are_named_and_nothing_hidden_is_typed_twice);
    TAP_RUN(what_was_typed_before_goes_along);
    TAP_RUN(what_somebody_else_typed_is_not_taken);
    TAP_RUN(a_stored_set_is_shown_without_hidden_values);
    TAP_RUN(an_empty_box_keeps_a_hidden_value);
    TAP_RUN(a_hidden_value_never_becomes_readable_untyped);
    TAP_RUN(what_the_worker_finds_wrong_stands_at_its_row);
    TAP_RUN(a_draft_can_be_edited_further);
    TAP_RUN(without_a_worker_it_is_a_503);
    TAP_RUN(no_value_is_in_the_data_folder);
    stage_close(&s);
    return tap_done();
}

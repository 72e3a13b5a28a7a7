/* pages_secrets_key.c - one secret: changing it, files, generated values, showing it for a moment;
 * and the sets before: their history, restoring one, environments side by side. */
#include "tests/web/lib/secrets_world.h"

#define KEY SECRETS "/key/"
#define ADD SECRETS "/add"

static struct stage s;

static const struct stored FIRST[] = {
    {.key = "PASSWORD", .kind = "secret", .value = "old-one", .comment = "# of the mailer\n"},
    {.key = "TOKEN", .kind = "write_only", .value = "old-two"},
    {.key = "GREETING", .kind = "plain", .value = "Good morning"},
    {.key = "PEM", .kind = "secret", .value = "pem", .path = "keys/jwt.pem"},
};
static const struct stored SECOND[] = {
    {.key = "PASSWORD", .kind = "secret", .value = "another", .comment = "# of the mailer\n"},
    {.key = "GREETING", .kind = "plain", .value = "Good evening"},
    {.key = "PEM", .kind = "secret", .value = "pem", .path = "keys/jwt.pem"},
};

static const struct draft *drafted(int status)
{
    CHECK_INT(status, 303);
    return draft_of(&s, new_draft(&s));
}

/* --- changing --- */

static void one_key_is_changed_and_the_rest_is_kept(void)
{
    const struct draft *draft =
        drafted(stage_post(&s, KEY "PASSWORD",
                           "action=save&kind=write_only&stage=run&value=" CANARY
                           "&comment=for+the+mailer%%0D%%0Aof+Ann"));
    CHECK_INT(draft->base_set, 1);
    CHECK_INT(draft->entries.count, 4);
    opens_to(&s, entry_in(draft, "PASSWORD"), CANARY);
    CHECK_STR(entry_in(draft, "PASSWORD")->kind, "write_only");
    CHECK_STR(entry_in(draft, "PASSWORD")->comment, "# for the mailer\n# of Ann\n");
    keeps(entry_in(draft, "TOKEN"), 1);
    keeps(entry_in(draft, "GREETING"), 1);
    keeps(entry_in(draft, "PEM"), 1);
    CHECK_STR(entry_in(draft, "PEM")->path, "keys/jwt.pem");
    draft = drafted(stage_post(&s, KEY "PASSWORD", "action=save&kind=secret&stage=build&value="));
    keeps(entry_in(draft, "PASSWORD"), 1);
    CHECK_STR(entry_in(draft, "PASSWORD")->stage, "build");
    draft = drafted(stage_post(&s, KEY "GREETING", "action=remove"));
    CHECK_INT(draft->entries.count, 3);
    CHECK(entry_in(draft, "GREETING") == NULL);
}

/* A new value that equals the old one, with nothing else changed, changes nothing. */
static void nothing_changed_is_nothing_to_save(void)
{
    json_t *data;
    CHECK_INT(stage_post(&s, KEY "GREETING", "action=save&kind=plain&stage=run&value=Good+morning"),
              303);
    data = review_data(&s, new_draft(&s), 200);
    CHECK_STR(stage_text(data, "is_nothing"), "true");
    json_decref(data);
}

static void what_is_wrong_stands_at_its_field(void)
{
    static const struct {
        const char *uri, *fields, *says;
    } BAD[] = {
        {KEY "PASSWORD", "action=save&kind=plain&value=", "type the value again"},
        {KEY "TOKEN", "action=save&kind=secret&value=", "type the value again"},
        {KEY "PASSWORD", "action=save&kind=moon&value=" CANARY, "Choose a kind"},
        {KEY "PASSWORD", "action=save&kind=secret&value=" CANARY "%01", "control"},
        {KEY "PEM", "action=save&kind=secret&value=&path=../x&mode=0600", "Each part"},
        {KEY "PEM", "action=save&kind=secret&value=&path=/etc/x&mode=0600", "first slash"},
        {KEY "PEM", "action=save&kind=secret&value=&path=x&mode=0777", "mode"},
        {KEY "PEM", "action=save&kind=secret&value=!&path=x&mode=0600&is_base64=1", "not base64"},
        {ADD, "action=save&key=LD_PRELOAD&kind=secret&value=" CANARY, "LD_PRELOAD"},
        {ADD, "action=save&key=A-B&kind=secret&value=" CANARY, "A-B"},
        {ADD, "action=save&key=GREETING&kind=secret&value=" CANARY, "is there already"},
        {ADD, "action=save&key=EMPTY&kind=secret&value=", "Type a value"},
        {ADD, "action=generate&key=A&kind=secret&generator=dice", "Choose what to generate"},
        {KEY "PEM", "action=generate&kind=secret&path=x&mode=0600&generator=ed25519",
         "A key pair is two new files"},
    };
    int asked = s.script->asked;
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        int status = world_post(&s.w, BAD[i].uri, BAD[i].fields);
        bool says = stage_shows(&s, BAD[i].says);
        CHECK_INT(status, 422);
        CHECK(says);
        CHECK(!stage_shows(&s, CANARY));
        if (status != 422 || !says)
            printf("#   %s %s\n", BAD[i].uri, BAD[i].fields);
    }
    CHECK_INT(s.script->asked, asked);
}

static void a_file_is_text_or_base64_of_any_bytes(void)
{
    const struct secret_row *row;
    const struct draft *draft =
        drafted(stage_post(&s, ADD "?form=file",
                           "action=save&key=JSON_KEY&kind=secret&path=keys/a.json&mode=0640"
                           "&value=%%7B%%7D%%0D%%0A"));
    row = entry_in(draft, "JSON_KEY");
    opens_to(&s, row, "{}\n");
    CHECK_STR(row->form, "file");
    CHECK_STR(row->path, "keys/a.json");
    CHECK_INT(row->mode, 0640);
    draft = drafted(stage_post(&s, ADD "?form=file",
                               "action=save&key=BYTES&kind=secret&path=keys/b&mode=0600&is_base64=1"
                               "&value=YWIA"));
    row = entry_in(draft, "BYTES");
    CHECK_INT(row->sealed_len - SEAL_OVERHEAD, 3); /* "ab" and a NUL byte */
}

/* --- generating --- */

static void a_generated_value_is_sealed_at_once(void)
{
    const struct draft *draft =
        drafted(stage_post(&s, KEY "PASSWORD", "action=generate&kind=secret&generator=hex-32"));
    size_t first = entry_in(draft, "PASSWORD")->sealed_len - SEAL_OVERHEAD;
    CHECK_INT(first, 64);
    CHECK_INT(draft->entries.count, 4);
    draft = drafted(stage_post(
        &s, ADD, "action=generate&key=SIGNING&kind=secret&generator=ed25519&path=keys/s.pem"));
    CHECK_INT(draft->entries.count, 6);
    CHECK_STR(entry_in(draft, "SIGNING")->form, "file");
    CHECK_STR(entry_in(draft, "SIGNING")->kind, "secret");
    CHECK_STR(entry_in(draft, "SIGNING_PUBLIC")->kind, "plain");
    CHECK(entry_in(draft, "SIGNING")->sealed_len > SEAL_OVERHEAD + 100);
}

/* --- showing --- */

static json_t *question(void)
{
    return json_loads(s.script->question, 0, NULL);
}

static void a_value_is_shown_for_a_moment(void)
{
    json_t *asked;
    CHECK_INT(stage_post(&s, KEY "PASSWORD/reveal", "number=1&purpose=show"), 200);
    CHECK(stage_shows(&s, "shown-7Qz-value"));
    CHECK(strncmp(fake_header(&s.w.f, "Refresh"), "30; url=" KEY "PASSWORD",
                  strlen("30; url=" KEY "PASSWORD"))
          == 0);
    CHECK(strstr(fake_header(&s.w.f, "Cache-Control"), "no-store") != NULL);
    asked = question();
    CHECK_STR(stage_text(asked, "verb"), "secrets.reveal");
    CHECK_STR(stage_text(asked, "key"), "PASSWORD");
    CHECK_STR(stage_text(asked, "number"), "1");
    CHECK_STR(stage_text(asked, "purpose"), "show");
    json_decref(asked);
    s.w.wants_json = true;
    CHECK_INT(stage_post(&s, KEY "PASSWORD/reveal", "number=1&purpose=copy"), 200);
    s.w.wants_json = false;
    CHECK(stage_shows(&s, "shown-7Qz-value"));
    asked = question();
    CHECK_STR(stage_text(asked, "purpose"), "copy");
    json_decref(asked);
}

static void what_is_no_text_is_shown_as_base64(void)
{
    snprintf(s.script->secrets.revealed, sizeof s.script->secrets.revealed, "\x01\xff");
    CHECK_INT(stage_post(&s, KEY "PEM/reveal", "number=1&purpose=show"), 200);
    CHECK(stage_shows(&s, "Af8="));
    snprintf(s.script->secrets.revealed, sizeof s.script->secrets.revealed, "shown-7Qz-value");
}

/* The page that asks for it repeats the question; as JSON it is a problem with its status. */
static void the_password_is_asked_for_first(void)
{
    stage_refuse(&s, "secrets.reveal", "prove", "", "Enter your password again: it is more.");
    CHECK_INT(stage_post(&s, KEY "PASSWORD/reveal", "number=1&purpose=copy"), 403);
    CHECK(!stage_shows(&s, "shown-7Qz-value"));
    CHECK(stage_shows(&s, "Enter your password again"));
    CHECK(stage_shows(&s, "name=\"number\" value=\"1\"")); /* beside the amber bar's own */
    CHECK_STR(stage_hidden(&s, "purpose"), "copy");
    s.w.wants_json = true;
    CHECK_INT(stage_post(&s, KEY "PASSWORD/reveal", "number=1&purpose=show"), 403);
    s.w.wants_json = false;
    CHECK(!stage_shows(&s, "shown-7Qz-value"));
    CHECK_INT(stage_post(&s, KEY "PASSWORD/reveal",
                         "number=1&purpose=show&password=four+unrelated+words"),
              200);
    CHECK(stage_shows(&s, "shown-7Qz-value"));
    CHECK(strstr(s.script->question, "four unrelated words") == NULL);
    stage_refuse(&s, "session.prove", "input", "password", "This is not your password.");
    CHECK_INT(stage_post(&s, KEY "PASSWORD/reveal", "number=1&purpose=show&password=guess"), 403);
    CHECK(stage_shows(&s, "This is not your password."));
    CHECK(!stage_shows(&s, "guess"));
    CHECK(!stage_shows(&s, "shown-7Qz-value"));
    stage_refuse(&s, "", "", "", "");
}

static void what_the_worker_does_not_show_is_not_shown(void)
{
    stage_refuse(&s, "secrets.reveal", "input", "key", "TOKEN is write-only: it is never shown.");
    CHECK_INT(stage_post(&s, KEY "TOKEN/reveal", "number=1&purpose=show"), 422);
    CHECK(stage_shows(&s, "it is never shown"));
    stage_refuse(&s, "secrets.reveal", "denied", "", "You may not.");
    CHECK_INT(stage_post(&s, KEY "PASSWORD/reveal", "number=1&purpose=show"), 403);
    CHECK(!stage_shows(&s, "shown-7Qz-value"));
    stage_refuse(&s, "", "", "", "");
}

/* --- the sets before --- */

static void the_page_of_a_key_has_its_history(void)
{
    json_t *data;
    store_secrets(&s.w, s.env_id, SECOND, COUNT_OF(SECOND));
    data = stage_json(&s, KEY "PASSWORD", 200);
    CHECK_INT(json_array_size(json_object_get(data, "history")), 2);
    CHECK_STR(stage_text(data, "history.0.label"), "s2");
    CHECK_STR(stage_text(data, "history.1.label"), "s1");
    CHECK_STR(stage_text(data, "history.0.can_reveal"), "true");
    CHECK_STR(stage_text(data, "history.0.value"), "");
    CHECK_STR(stage_text(data, "key.comment"), "of the mailer");
    json_decref(data);
    data = stage_json(&s, KEY "GREETING", 200);
    CHECK_STR(stage_text(data, "history.1.value"), "Good morning");
    CHECK_STR(stage_text(data, "history.1.can_reveal"), "false");
    json_decref(data);
}

static void any_two_sets_can_be_compared(void)
{
    const json_t *changes;
    json_t *data = stage_json(&s, SECRETS "/history?from=1&to=2", 200);
    CHECK_STR(stage_text(data, "sets.0.label"), "s2");
    CHECK_STR(stage_text(data, "sets.0.is_newest"), "true");
    CHECK_STR(stage_text(data, "sets.0.counts"), "+0  ~2  −1");
    changes = json_object_get(json_object_get(data, "compare"), "changes");
    CHECK_INT(json_array_size(changes), 3);
    CHECK_STR(stage_text(listed(changes, "PASSWORD"), "verb"), "changed");
    CHECK_STR(stage_text(listed(changes, "PASSWORD"), "new"), "••••••••");
    CHECK_STR(stage_text(listed(changes, "TOKEN"), "verb"), "removed");
    CHECK_STR(stage_text(listed(changes, "GREETING"), "old"), "Good morning");
    CHECK_STR(stage_text(listed(changes, "GREETING"), "new"), "Good evening");
    json_decref(data);
    data = stage_json(&s, SECRETS "/history?from=2&to=2", 200);
    CHECK_STR(stage_text(data, "compare.has_changes"), "false");
    json_decref(data);
}

static void a_set_is_restored_by_keeping_its_values(void)
{
    const struct draft *draft = drafted(stage_post(&s, SECRETS "/restore", "number=1"));
    json_t *data;
    char id[CRYPTO_ID_SIZE];
    snprintf(id, sizeof id, "%s", new_draft(&s));
    CHECK_INT(draft->base_set, 2);
    CHECK_INT(draft->entries.count, 4);
    for (size_t i = 0; i < draft->entries.count; i++)
        keeps(&draft->entries.rows[i], 1);
    CHECK_STR(entry_in(draft, "TOKEN")->kind, "write_only");
    data = review_data(&s, id, 200);
    CHECK_STR(stage_text(data, "summary"), "1 added, 2 changed, 0 removed, 1 unchanged");
    CHECK_STR(stage_text(data, "can_save"), "true");
    json_decref(data);
}

static void only_a_set_that_is_there_is_restored(void)
{
    CHECK_INT(stage_post(&s, SECRETS "/restore", "number=9"), 422);
    CHECK_INT(stage_post(&s, SECRETS "/restore", "number=-1"), 422);
    CHECK_INT(stage_post(&s, SECRETS "/restore", "number=x"), 422);
    CHECK_INT(stage_post(&s, SECRETS "/restore", "x=1"), 422);
}

/* What was live before there were any secrets. */
static void before_the_first_set_there_was_none(void)
{
    const struct draft *draft = drafted(stage_post(&s, SECRETS "/restore", "number=0"));
    CHECK_INT(draft->base_set, 2);
    CHECK_INT(draft->entries.count, 0);
}

static void environments_stand_side_by_side(void)
{
    static const struct stored OTHER[] = {
        {.key = "PASSWORD", .kind = "secret", .value = "another"},
        {.key = "GREETING", .kind = "plain", .value = "Moin"},
    };
    const json_t *rows;
    json_t *data;
    store_secrets(&s.w, s.bare_env_id, OTHER, COUNT_OF(OTHER));
    data = stage_json(&s, "/apps/hello/secrets", 200);
    rows = json_object_get(data, "rows");
    CHECK_STR(stage_text(listed(rows, "PASSWORD"), "is_same"), "true");
    CHECK_STR(stage_text(listed(rows, "PASSWORD"), "cells.0.text"), "••••••••");
    CHECK_STR(stage_text(listed(rows, "GREETING"), "is_same"), "false");
    CHECK_STR(stage_text(listed(rows, "PEM"), "is_same"), "false");
    json_decref(data);
    CHECK_INT(world_get(&s.w, "/apps/hello/secrets"), 200);
    CHECK(stage_shows(&s, "Moin") && stage_shows(&s, "differs") && stage_shows(&s, "missing"));
    data = stage_json(&s, SECRETS, 200); /* and a hint that production shares its password */
    CHECK(json_array_size(
              json_object_get(listed(json_object_get(data, "entries"), "PASSWORD"), "lint"))
          > 0);
    CHECK_INT(
        json_array_size(json_object_get(listed(json_object_get(data, "entries"), "PEM"), "lint")),
        0);
    json_decref(data);
}

static void no_value_is_in_the_data_folder(void)
{
    CHECK(!data_folder_has(&s, CANARY));
    CHECK(!data_folder_has(&s, "shown-7Qz-value"));
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    store_secrets(&s.w, s.env_id, FIRST, COUNT_OF(FIRST));
    TAP_RUN(one_key_is_changed_and_the_rest_is_kept);
    TAP_RUN(nothing_changed_is_nothing_to_save);
    TAP_RUN(what_is_wrong_stands_at_its_field);
    TAP_RUN(a_file_is_text_or_base64_of_any_bytes);
    TAP_RUN(a_generated_value_is_sealed_at_once);
    TAP_RUN(a_value_is_shown_for_a_moment);
    TAP_RUN(what_is_no_text_is_shown_as_base64);
    TAP_RUN(the_password_is_asked_for_first);
    TAP_RUN(what_the_worker_does_not_show_is_not_shown);
    TAP_RUN(the_page_of_a_key_has_its_history);
    TAP_RUN(any_two_sets_can_be_compared);
    TAP_RUN(a_set_is_restored_by_keeping_its_values);
    TAP_RUN(only_a_set_that_is_there_is_restored);
    TAP_RUN(before_the_first_set_there_was_none);
    TAP_RUN(environments_stand_side_by_side);
    TAP_RUN(no_value_is_in_the_data_folder);
    stage_close(&s);
    return tap_done();
}

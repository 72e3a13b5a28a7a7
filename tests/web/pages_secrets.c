/* pages_secrets.c - a typed secret is sealed and gone: never in an answer, a log line or the
 * database in the clear; what was stored hidden never comes back. */
#include "tests/web/lib/pages_world.h"

#include "db/secret_sets.h"
#include "lib/crypto/unseal.h"

#define SECRETS "/apps/hello/staging/secrets"
#define CANARY  "canary-7Qz-hidden"

static struct stage s;

/* The draft that the last question named; its entries in the arena. */
static struct arena *arena;

static void read_draft(struct draft *draft)
{
    json_t *question = json_loads(s.script->question, 0, NULL);
    WORLD_MUST(draft_read(s.w.worker, stage_text(question, "draft_id"), arena, draft, &world_err));
    json_decref(question);
}

static void opens_to(const struct secret_row *row, const char *want)
{
    uint8_t plain[200000];
    size_t len = row->sealed_len - SEAL_OVERHEAD;
    CHECK(row->sealed != NULL);
    if (row->sealed == NULL)
        return;
    CHECK(unseal_open(s.w.site.seal_key, s.seal_secret, row->sealed, row->sealed_len, plain,
                      &world_err)
          == 0);
    CHECK(len == strlen(want) && memcmp(plain, want, len) == 0);
}

static void typed_values_are_sealed_byte_exact(void)
{
    struct draft draft;
    CHECK_INT(stage_post(&s, SECRETS,
                         "base_set=0&message=First&key.0=PASSWORD&kind.0=secret&value.0=" CANARY
                         "&key.1=GREETING&kind.1=plain&value.1=%%22a%%22+%%27b%%27+%%24%%28c%%29+"
                         "%%60d%%60&key.2=LINES&kind.2=plain&value.2=one%%0D%%0Atwo%%0D%%0A"
                         "&key.3=EMPTY&kind.3=plain&value.3=&key.4=&kind.4=secret&value.4="),
              303);
    CHECK_STR(s.script->verb, "secrets.save");
    CHECK(strstr(s.script->question, CANARY) == NULL);
    read_draft(&draft);
    CHECK_INT(draft.entries.count, 4);
    CHECK_STR(draft.entries.rows[0].key, "PASSWORD");
    opens_to(&draft.entries.rows[0], CANARY);
    opens_to(&draft.entries.rows[1], "\"a\" 'b' $(c) `d`");
    opens_to(&draft.entries.rows[2], "one\ntwo\n");
    opens_to(&draft.entries.rows[3], "");
}

static void a_long_value_fits(void)
{
    size_t len = 130000;
    char *body = malloc(len + 200), *value = malloc(len + 1);
    struct draft draft;
    memset(value, 'v', len);
    value[len] = '\0';
    snprintf(body, len + 200, "base_set=0&message=&key.0=LONG&kind.0=secret&value.0=%s", value);
    CHECK_INT(world_post(&s.w, SECRETS, body), 303);
    read_draft(&draft);
    opens_to(&draft.entries.rows[0], value);
    free(body);
    free(value);
}

static void wrong_rows_are_named_and_hidden_values_not_kept(void)
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
        char body[400];
        int status;
        snprintf(body, sizeof body,
                 "base_set=0&message=Why&%s&key.7=SECRET_ONE&kind.7=secret&value.7=" CANARY,
                 BAD[i]);
        status = world_post(&s.w, SECRETS, body);
        CHECK_INT(status, 422);
        CHECK(!stage_shows(&s, CANARY));
        CHECK(stage_shows(&s, "SECRET_ONE"));
        CHECK(stage_shows(&s, "Type the new value again"));
        CHECK(stage_shows(&s, "value=\"Why\""));
        if (status != 422)
            printf("#   %s\n", BAD[i]);
    }
    CHECK_INT(s.script->asked, asked); /* nothing went to the worker */
}

/* A stored set as the worker writes it. */
static void store_set(int64_t number, const char *plain)
{
    struct secret_set_new set = {.environment_id = s.env_id,
                                 .number = number,
                                 .message = "A set",
                                 .created_by = s.w.user_id};
    static struct secret_row rows[3];
    int64_t taken;
    rows[0] = (struct secret_row){.key = "PASSWORD",
                                  .kind = "secret",
                                  .form = "env",
                                  .comment = "",
                                  .changed_in = 1,
                                  .size_bytes = 5};
    rows[1] = (struct secret_row){.key = "TOKEN",
                                  .kind = "write_only",
                                  .form = "env",
                                  .comment = "",
                                  .changed_in = 1,
                                  .size_bytes = 5};
    rows[2] = (struct secret_row){.key = "GREETING",
                                  .kind = "plain",
                                  .form = "env",
                                  .comment = "",
                                  .plain = plain,
                                  .changed_in = number,
                                  .size_bytes = 5};
    rows[2].fingerprint[0] = (uint8_t)number;
    set.entries.rows = rows;
    set.entries.count = 3;
    WORLD_MUST(db_begin(s.w.worker, &world_err));
    WORLD_MUST(secret_set_next_number(s.w.worker, s.env_id, &taken, &world_err));
    WORLD_MUST(secret_set_add(s.w.worker, &set, &world_err));
    WORLD_MUST(db_commit(s.w.worker, &world_err));
}

static void a_stored_set_is_shown_without_hidden_values(void)
{
    json_t *data;
    store_set(1, "Good <morning>");
    data = stage_json(&s, SECRETS, 200);
    CHECK_STR(stage_text(data, "set.label"), "s1");
    CHECK_STR(stage_text(data, "set.next_label"), "s2");
    CHECK_INT(json_array_size(json_object_get(data, "entries")), 3);
    CHECK_STR(stage_text(data, "entries.0.value"), "");
    CHECK_STR(stage_text(data, "entries.1.value"), "");
    CHECK_STR(stage_text(data, "entries.2.value"), "Good <morning>");
    CHECK(strstr(stage_text(data, "undeployed_text"), "3 keys changed since v1") != NULL);
    json_decref(data);
    CHECK_INT(world_get(&s.w, SECRETS), 200);
    CHECK(!stage_shows(&s, "<morning>"));
    data = stage_json(&s, "/apps/hello/staging", 200);
    CHECK_STR(stage_text(data, "secrets.is_newer"), "true");
    json_decref(data);
}

static void an_empty_box_keeps_a_hidden_value(void)
{
    struct draft draft;
    CHECK_INT(stage_post(&s, SECRETS,
                         "base_set=1&message=&key.0=PASSWORD&kind.0=secret&value.0="
                         "&key.1=TOKEN&kind.1=write_only&value.1=new&key.2=GREETING&kind.2=plain"
                         "&value.2=Hi&remove.2=1"),
              303);
    read_draft(&draft);
    CHECK_INT(draft.entries.count, 2);
    CHECK_INT(draft.base_set, 1);
    CHECK(draft.entries.rows[0].sealed == NULL);
    opens_to(&draft.entries.rows[1], "new");
}

static void a_hidden_value_never_becomes_readable_untyped(void)
{
    int asked = s.script->asked;
    CHECK_INT(stage_post(&s, SECRETS, "base_set=1&message=&key.0=PASSWORD&kind.0=plain&value.0="),
              422);
    CHECK_INT(stage_post(&s, SECRETS, "base_set=1&message=&key.0=TOKEN&kind.0=secret&value.0="),
              422);
    CHECK_INT(s.script->asked, asked);
    CHECK_INT(
        stage_post(&s, SECRETS, "base_set=1&message=&key.0=PASSWORD&kind.0=plain&value.0=known"),
        303);
}

static void a_stale_form_is_a_409_with_what_was_typed(void)
{
    int asked = s.script->asked;
    store_set(2, "Good evening");
    CHECK_INT(stage_post(&s, SECRETS,
                         "base_set=1&message=Mine&key.0=GREETING&kind.0=plain&value.0=My+words"
                         "&key.1=NEW_ONE&kind.1=plain&value.1=Fresh"),
              409);
    CHECK_INT(s.script->asked, asked);
    CHECK(stage_shows(&s, "saved as s2"));
    CHECK(stage_shows(&s, "My words"));
    CHECK(stage_shows(&s, "NEW_ONE"));
    CHECK(stage_shows(&s, "Fresh"));
    CHECK_STR(stage_hidden(&s, "base_set"), "2");
}

static void what_the_worker_refuses_stands_at_its_row(void)
{
    stage_refuse(&s, "secrets.save", "input", "GREETING", "The worker does not like it.");
    CHECK_INT(stage_post(&s, SECRETS,
                         "base_set=2&message=&key.0=GREETING&kind.0=plain&value.0=Kept+words"),
              422);
    CHECK(stage_shows(&s, "The worker does not like it."));
    CHECK(stage_shows(&s, "Kept words"));
    stage_refuse(&s, "", "", "", "");
}

static void without_a_worker_it_is_a_503(void)
{
    stage_stop_worker(&s);
    CHECK_INT(stage_post(&s, SECRETS, "base_set=2&message=&key.0=GREETING&kind.0=plain&value.0=x"),
              503);
    CHECK(stage_shows(&s, "worker is not running"));
    CHECK_INT(world_get(&s.w, "/"), 200);
    CHECK(stage_shows(&s, "windlass-worker"));
    CHECK_INT(world_get(&s.w, "/healthz"), 503);
    stage_start_worker(&s);
    CHECK_INT(world_get(&s.w, "/healthz"), 200);
}

static void no_value_is_in_the_data_folder(void)
{
    char command[300];
    snprintf(command, sizeof command, "grep -rqaF -e '" CANARY "' %s", s.w.var);
    CHECK(system(command) != 0);
}

int main(void)
{
    stage_open(&s);
    stage_furnish(&s);
    arena = arena_new((size_t)64 * 1024 * 1024);
    TAP_RUN(typed_values_are_sealed_byte_exact);
    TAP_RUN(a_long_value_fits);
    TAP_RUN(wrong_rows_are_named_and_hidden_values_not_kept);
    TAP_RUN(a_stored_set_is_shown_without_hidden_values);
    TAP_RUN(an_empty_box_keeps_a_hidden_value);
    TAP_RUN(a_hidden_value_never_becomes_readable_untyped);
    TAP_RUN(a_stale_form_is_a_409_with_what_was_typed);
    TAP_RUN(what_the_worker_refuses_stands_at_its_row);
    TAP_RUN(without_a_worker_it_is_a_503);
    TAP_RUN(no_value_is_in_the_data_folder);
    arena_free(arena);
    stage_close(&s);
    return tap_done();
}

/* ask_reveal.c - verbs secrets.reveal and session.prove: who may see a stored value, when, and that
 * nobody does without an event. */
#include "tests/db/draft_fixture.h"
#include "lib/base/io.h"
#include "lib/crypto/reply.h"

#define TOO_OLD_MS ((int64_t)10 * 60 * 1000 + 5000)

static uint8_t reply_key[REPLY_KEY_BYTES];

static const char *sealed_bytes(struct asking *a, const uint8_t *bytes, size_t len)
{
    static char out[400];
    uint8_t box[200];

    MUST(len + SEAL_OVERHEAD > sizeof box);
    MUST(seal_to(a->instance.seal_key, bytes, len, box, &fixture_err));
    crypto_b64url(out, sizeof out, box, len + SEAL_OVERHEAD);
    return out;
}

static json_t *reveal_for(struct asking *a, int number, const char *key, const char *purpose)
{
    crypto_random(reply_key, sizeof reply_key);
    return put_question(a, "secrets.reveal", a->token,
                        json_pack("{s:s, s:i, s:s, s:s, s:s}", "environment_id", ENV, "number",
                                  number, "key", key, "purpose", purpose, "reply_key",
                                  sealed_bytes(a, reply_key, sizeof reply_key)));
}

static json_t *reveal(struct asking *a, int number, const char *key)
{
    return reveal_for(a, number, key, "show");
}

/* The values of an answer (stolen): {key: base64}; NULL when it does not open under `key`. */
static json_t *values_of(struct asking *a, json_t *answer, const uint8_t *key)
{
    static uint8_t sealed[100000], plain[100000];
    size_t size = (size_t)number_in(answer, "size");
    struct err err = {0};
    json_t *object = NULL, *values;
    bool eof = false;

    CHECK(is_ok(answer) && a->out_fd > 0);
    json_decref(answer);
    if (a->out_fd <= 0 || size < REPLY_OVERHEAD || size > sizeof sealed)
        return NULL;
    MUST(lseek(a->out_fd, 0, SEEK_SET) != 0);
    MUST(io_read_exact(a->out_fd, sealed, size, clock_mono_ms() + 2000, &eof, &fixture_err));
    CHECK(memmem(sealed, size, "values", 6) == NULL); /* nothing of it is in the clear */
    if (reply_open(key, sealed, size, plain, &err) == 0)
        object = json_loadb((const char *)plain, size - REPLY_OVERHEAD, 0, NULL);
    values = json_incref(json_object_get(object, "values"));
    json_decref(object);
    return values;
}

static void shows(struct asking *a, json_t *answer, const char *key, const char *want, size_t len)
{
    json_t *values = values_of(a, answer, reply_key);
    const char *base64 = json_string_value(json_object_get(values, key));
    char bytes[50000];
    int n = base64 == NULL ? -1 : crypto_unb64(base64, bytes, strlen(base64));

    CHECK_INT(json_object_size(values), 1);
    CHECK(n == (int)len && memcmp(bytes, want, len) == 0);
    json_decref(values);
}

static void nothing_comes(struct asking *a, json_t *answer, const char *code)
{
    refused(answer, code);
    CHECK_INT(a->out_fd, 0);
}

static const char BYTES[] = "\x00\x01\xff canary";

/* s1: SECRET, WRITE, PLAIN, FILE; s2: SECRET has another value. */
static void some_secrets(struct asking *a)
{
    asking_with_environment(a);
    draft(a, "d1", 0, "ann");
    text_entry(a, "d1", 0, "SECRET", "secret", "canary one");
    text_entry(a, "d1", 1, "WRITE", "write_only", "canary write");
    text_entry(a, "d1", 2, "PLAIN", "plain", "canary plain");
    entry(a, "d1", 3,
          &(struct typed){.key = "FILE",
                          .kind = "secret",
                          .value = BYTES,
                          .len = sizeof BYTES - 1,
                          .path = "k",
                          .mode = 0600});
    check_saved(save(a, "d1"), 1, 4, 0, 0, 0);
    draft(a, "d2", 1, "ann");
    text_entry(a, "d2", 0, "SECRET", "secret", "canary two");
    text_entry(a, "d2", 1, "WRITE", "write_only", NULL);
    text_entry(a, "d2", 2, "EMPTY", "secret", "");
    check_saved(save(a, "d2"), 2, 1, 1, 2, 1);
}

/* --- what is shown --- */

static void a_value_is_shown_byte_exact_and_has_its_event(void)
{
    struct asking a;

    some_secrets(&a);
    shows(&a, reveal(&a, 2, "SECRET"), "SECRET", "canary two", 10);
    shows(&a, reveal_for(&a, 1, "SECRET", "copy"), "SECRET", "canary one", 10);
    shows(&a, reveal(&a, 1, "PLAIN"), "PLAIN", "canary plain", 12);
    shows(&a, reveal(&a, 1, "FILE"), "FILE", BYTES, sizeof BYTES - 1);
    shows(&a, reveal(&a, 2, "EMPTY"), "EMPTY", "", 0);
    CHECK_INT(events(&a, "secret.reveal", "ok"), 5);
    CHECK_INT(fixture_sql(a.f.shared_path,
                          "SELECT 1 / (count(*) = 1) FROM audit_event WHERE verb = 'secret.reveal' "
                          "AND detail LIKE '%copy%' AND detail LIKE '%SECRET%' AND target_name = "
                          "'shop/production'"),
              0);
    CHECK_INT(
        fixture_sql(a.f.shared_path,
                    "SELECT 1 / (count(*) = 0) FROM audit_event WHERE detail LIKE '%canary%'"),
        0);
    asking_end(&a);
}

static void all_means_the_variables_of_kind_secret(void)
{
    struct asking a;
    json_t *values;

    some_secrets(&a);
    values = values_of(&a, reveal(&a, 1, ""), reply_key);
    CHECK_INT(json_object_size(values), 1);
    CHECK(json_object_get(values, "SECRET") != NULL);
    json_decref(values);
    values = values_of(&a, reveal(&a, 2, ""), reply_key);
    CHECK_INT(json_object_size(values), 2); /* SECRET and EMPTY, never WRITE */
    CHECK(json_object_get(values, "WRITE") == NULL);
    json_decref(values);
    asking_end(&a);
}

static void the_answer_opens_under_the_reply_key_alone(void)
{
    struct asking a;
    uint8_t another[REPLY_KEY_BYTES] = {1};
    json_t *answer;

    some_secrets(&a);
    answer = reveal(&a, 2, "SECRET");
    CHECK(values_of(&a, json_incref(answer), another) == NULL);
    shows(&a, answer, "SECRET", "canary two", 10); /* it was a good answer */
    nothing_comes(&a,
                  put_question(&a, "secrets.reveal", a.token,
                               json_pack("{s:s, s:i, s:s, s:s, s:s}", "environment_id", ENV,
                                         "number", 2, "key", "SECRET", "purpose", "show",
                                         "reply_key", sealed_bytes(&a, another, 31))),
                  "input");
    fails(put_question(&a, "secrets.reveal", a.token,
                       json_pack("{s:s, s:i, s:s, s:s, s:s}", "environment_id", ENV, "number", 2,
                                 "key", "SECRET", "purpose", "show", "reply_key", "AAAA")));
    CHECK_INT(a.out_fd, 0);
    asking_end(&a);
}

static void what_is_write_only_or_not_there_is_never_shown(void)
{
    struct asking a;

    some_secrets(&a);
    nothing_comes(&a, reveal(&a, 1, "WRITE"), "input");
    nothing_comes(&a, reveal(&a, 2, "WRITE"), "input");
    nothing_comes(&a, reveal(&a, 2, "PLAIN"), "not-found");
    nothing_comes(&a, reveal(&a, 99, "SECRET"), "not-found");
    nothing_comes(&a, reveal_for(&a, 2, "SECRET", "curiosity"), "input");
    nothing_comes(&a, reveal_for(&a, 2, "SECRET", ""), "input");
    CHECK_INT(events(&a, "secret.reveal", "ok"), 0);
    asking_end(&a);
}

static void no_event_no_value(void)
{
    struct asking a;

    some_secrets(&a);
    fixture_takes_events(&a.f, false);
    fails(reveal(&a, 2, "SECRET"));
    CHECK_INT(a.out_fd, 0);
    fails(reveal(&a, 2, ""));
    CHECK_INT(a.out_fd, 0);
    fixture_takes_events(&a.f, true);
    shows(&a, reveal(&a, 2, "SECRET"), "SECRET", "canary two", 10);
    asking_end(&a);
}

static void only_who_may_change_secrets_may_see_them(void)
{
    struct asking a;

    some_secrets(&a);
    add_user(&a, "u2", "bob", APP, "", ROLE_DEPLOYER);
    add_user(&a, "u3", "eve", OTHER, "", ROLE_MAINTAINER);
    add_user(&a, "u4", "max", APP, ENV, ROLE_MAINTAINER);
    take_token(a.token, login(&a, "bob", PASSWORD));
    nothing_comes(&a, reveal(&a, 2, "SECRET"), "denied");
    take_token(a.token, login(&a, "eve", PASSWORD));
    nothing_comes(&a, reveal(&a, 2, "SECRET"), "denied");
    a.token[0] = a.token[0] == 'A' ? 'B' : 'A';
    nothing_comes(&a, reveal(&a, 2, "SECRET"), "signed-out");
    CHECK_INT(events(&a, "secret.reveal", "ok"), 0);
    take_token(a.token, login(&a, "max", PASSWORD));
    shows(&a, reveal(&a, 2, "SECRET"), "SECRET", "canary two", 10);
    asking_end(&a);
}

/* --- the password again --- */

static json_t *prove(struct asking *a, const char *password)
{
    return put_question(a, "session.prove", a->token,
                        json_pack("{s:s}", "password", sealed(a, password)));
}

static void after_ten_minutes_the_password_is_needed_again(void)
{
    struct asking a;
    json_t *answer;

    some_secrets(&a);
    let_time_pass(&a, TOO_OLD_MS - 60000);
    shows(&a, reveal(&a, 2, "SECRET"), "SECRET", "canary two", 10);
    let_time_pass(&a, 60000);
    CHECK(strstr(refused(reveal(&a, 2, "SECRET"), "prove"), "password again") != NULL);
    CHECK_INT(a.out_fd, 0);
    CHECK_INT(events(&a, "secret.reveal", "ok"), 1);
    answer = prove(&a, "not the password at all");
    CHECK_STR(json_string_value(json_object_get(answer, "field")), "password");
    refused(answer, "input");
    nothing_comes(&a, reveal(&a, 2, "SECRET"), "prove");
    answer = prove(&a, PASSWORD);
    CHECK(is_ok(answer));
    json_decref(answer);
    shows(&a, reveal(&a, 2, "SECRET"), "SECRET", "canary two", 10);
    asking_end(&a);
}

/* What the web side can write is not believed. */
static void a_proof_that_is_not_ours_is_none(void)
{
    struct asking a;
    char text[300];
    json_t *answer;

    some_secrets(&a);
    let_time_pass(&a, TOO_OLD_MS);
    snprintf(text, sizeof text, "UPDATE session SET proved_at = %lld", (long long)clock_now_ms());
    sql(&a, text); /* without a MAC */
    nothing_comes(&a, reveal(&a, 2, "SECRET"), "prove");
    sql(&a, "UPDATE session SET proved_mac = zeroblob(32)");
    nothing_comes(&a, reveal(&a, 2, "SECRET"), "prove");
    answer = prove(&a, PASSWORD);
    CHECK(is_ok(answer));
    json_decref(answer);
    shows(&a, reveal(&a, 2, "SECRET"), "SECRET", "canary two", 10);
    sql(&a, "UPDATE session SET proved_at = proved_at + 1"); /* a right MAC, of another time */
    nothing_comes(&a, reveal(&a, 2, "SECRET"), "prove");
    asking_end(&a);
}

static void a_proof_of_one_session_is_none_for_another(void)
{
    struct asking a;
    json_t *answer;

    some_secrets(&a);
    let_time_pass(&a, TOO_OLD_MS);
    answer = prove(&a, PASSWORD);
    CHECK(is_ok(answer));
    json_decref(answer);
    take_token(a.token, login(&a, "ann", PASSWORD));
    let_time_pass(&a, TOO_OLD_MS);
    sql(&a,
        "UPDATE session SET (proved_at, proved_mac) = (SELECT proved_at, proved_mac FROM session "
        "WHERE proved_mac IS NOT NULL)");
    nothing_comes(&a, reveal(&a, 2, "SECRET"), "prove");
    asking_end(&a);
}

static void wrong_passwords_are_throttled(void)
{
    struct asking a;
    int tries = 0;

    some_secrets(&a);
    let_time_pass(&a, TOO_OLD_MS);
    for (; tries < 20; tries++) {
        json_t *answer = prove(&a, "a wrong password");
        bool is_over = strcmp(json_string_value(json_object_get(answer, "code")), "throttled") == 0;

        json_decref(answer);
        if (is_over)
            break;
    }
    CHECK(tries >= 3 && tries < 20);
    refused(prove(&a, PASSWORD), "throttled"); /* also with the right one */
    nothing_comes(&a, reveal(&a, 2, "SECRET"), "prove");
    CHECK(events(&a, "session.login", "denied") >= 1);
    asking_end(&a);
}

int main(void)
{
    TAP_RUN(a_value_is_shown_byte_exact_and_has_its_event);
    TAP_RUN(all_means_the_variables_of_kind_secret);
    TAP_RUN(the_answer_opens_under_the_reply_key_alone);
    TAP_RUN(what_is_write_only_or_not_there_is_never_shown);
    TAP_RUN(no_event_no_value);
    TAP_RUN(only_who_may_change_secrets_may_see_them);
    TAP_RUN(after_ten_minutes_the_password_is_needed_again);
    TAP_RUN(a_proof_that_is_not_ours_is_none);
    TAP_RUN(a_proof_of_one_session_is_none_for_another);
    TAP_RUN(wrong_passwords_are_throttled);
    return tap_done();
}

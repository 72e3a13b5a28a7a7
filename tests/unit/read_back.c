/* read_back.c - what a target's own reader makes of the variables, compared by a real runner over a
 * real sshd: equal in all three formats, and every way in which it is not. */
#include <stdlib.h>
#include "tests/tap.h"
#include "tests/integration/runner_faults.h"

static struct lab lab;

#define KEY_HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

/* What was sent: NAME, value, NAME, value, ..., NULL. */
static const char *const SENT[] = {
    "GREETING", "it's a \"day\"\n$HOME $$ \\ #x ", "TOKEN", "\xe6\xbc\xa2-0123456789", "LAST", "x",
    NULL};

static json_t *expected(const char *const *sent)
{
    uint8_t key[CRYPTO_KEY_BYTES], mac[CRYPTO_MAC_BYTES];
    char hex[2 * CRYPTO_MAC_BYTES + 1];
    json_t *expect = json_object();
    CHECK(crypto_unhex(KEY_HEX, key, sizeof key));
    for (; *sent != NULL; sent += 2) {
        crypto_mac(key, "read_back", sent[1], strlen(sent[1]), mac);
        crypto_hex(hex, sizeof hex, mac, sizeof mac);
        json_object_set_new(expect, sent[0], json_string(hex));
    }
    return expect;
}

/* One job that connects and reads back by this script; the state of that step. */
static const char *read_back_by(struct play *play, const char *script, const char *const *sent)
{
    memset(play, 0, sizeof *play);
    play->lab = &lab;
    play->kind = "deploy";
    play->version = "1.0.0";
    play->watch_ms = 60000;
    play->running = -1;
    crypto_new_id(play->job);
    crypto_new_id(play->env);
    crypto_new_id(play->release);
    crypto_new_id(play->instance);
    crypto_new_id(play->nonce);
    play->plan = json_array();
    play->settings = json_object();
    buf_init(&play->pending, 1 << 20);
    play_add(play, play_step_json(0, "connect", "connect", "forward"));
    json_t *step = play_step_json(1, "read_back", "read_back", "forward");
    json_object_set_new(step, "script", json_string(script));
    json_object_set_new(step, "expect", expected(sent));
    json_object_set_new(step, "mac_key", json_string(KEY_HEX));
    play_add(play, step);
    (void)play_run(play);
    if (getenv("WL_TEST_TALK") != NULL)
        play_print(play);
    return play->steps[1].state;
}

/* The script that prints these bytes. */
static const char *printing(const char *bytes, size_t len)
{
    static char script[20000];
    char text[15000];
    crypto_b64(text, sizeof text, bytes, len);
    (void)snprintf(script, sizeof script, "printf %%s '%s' | base64 -d\n", text);
    return script;
}

static const char *read_back(struct play *play, const char *answer)
{
    return read_back_by(play, printing(answer, strlen(answer)), SENT);
}

/* It failed, before anything was switched, and the sentence has these words. No value is in it. */
static void check_refused(const struct play *play, const char *state, const char *words)
{
    const char *cause = play->steps[1].cause;
    CHECK_STR(state, "failed");
    CHECK(strstr(cause, words) != NULL);
    CHECK(strstr(cause, "0123456789") == NULL);
    if (strstr(cause, words) == NULL)
        printf("# %s: %s\n", state, cause);
    CHECK_STR(play->verdict, "failed");
}

/* Neither the job's log nor what is noted holds any of it. */
static void check_silent(const struct play *play)
{
    CHECK_INT(play->steps[1].output.len, 0);
    CHECK(strstr(play->notes, "0123456789") == NULL);
}

/* --- equal --- */

static void an_environment_block_that_is_equal_passes(void)
{
    static const char answer[] = "wl-format environ\nPATH=/bin\0GREETING=it's a \"day\"\n$HOME $$ "
                                 "\\ #x \0TOKEN=\xe6\xbc\xa2-0123456789\0LAST=x";
    struct play play;
    CHECK_STR(read_back_by(&play, printing(answer, sizeof answer - 1), SENT), "ok");
    CHECK(strstr(play.notes, "All 3 variables come back byte for byte.") != NULL);
    CHECK_STR(play_text(play.steps[1].results, "values"), "3");
    check_silent(&play);
    play_free(&play);
}

#define JSON_BEGIN                                                                                 \
    "wl-format "                                                                                   \
    "compose-json\n{\"name\":\"x\",\"services\":{\"read_back\":{\"image\":\"read-back\","          \
    "\"environment\":{"
#define JSON_END      "}}}}\n"
#define JSON_GREETING "\"GREETING\":\"it's a \\\"day\\\"\\n$$HOME $$$$ \\\\ #x \""
#define JSON_TOKEN    "\"TOKEN\":\"\\u6f22-0123456789\""

static void compose_json_that_is_equal_passes(void)
{
    struct play play;
    CHECK_STR(read_back(&play, JSON_BEGIN JSON_GREETING "," JSON_TOKEN ",\"LAST\":\"x\"" JSON_END),
              "ok");
    check_silent(&play);
    play_free(&play);
}

#define YAML_BEGIN    "wl-format compose-yaml\nservices:\n  read_back:\n    environment:\n"
#define YAML_END      "    image: read-back\nversion: '2.4'\n"
#define YAML_GREETING "      GREETING: \"it's a \\\"day\\\"\\n$$HOME $$$$ \\\\ #x \"\n"

static void compose_yaml_that_is_equal_passes(void)
{
    struct play play;
    CHECK_STR(read_back(&play, YAML_BEGIN YAML_GREETING "      LAST: x\n      TOKEN: "
                                                        "\xe6\xbc\xa2-0123456789\n" YAML_END),
              "ok");
    check_silent(&play);
    play_free(&play);
}

static void nothing_that_was_sent_is_nothing_to_miss(void)
{
    static const char *const none[] = {NULL};
    static const char text[] = "wl-format environ\n";
    struct play play;
    CHECK_STR(read_back_by(&play, printing(text, strlen(text)), none), "ok");
    play_free(&play);
}

/* --- not equal --- */

static void a_changed_value_fails_and_names_its_key(void)
{
    static const char block[] = "wl-format environ\nGREETING=it's a \"day\"\n$HOME $$ \\ "
                                "#x\0TOKEN=\xe6\xbc\xa2-0123456789\0LAST=x";
    struct play play;
    const char *state = read_back_by(&play, printing(block, sizeof block - 1), SENT);
    check_refused(&play, state, "GREETING did not arrive as it was saved"); /* its last space */
    check_silent(&play);
    play_free(&play);
    state = read_back(&play, JSON_BEGIN JSON_GREETING
                      ",\"TOKEN\":\"\\u6f22-012345678\",\"LAST\":\"x\"" JSON_END);
    check_refused(&play, state, "TOKEN did not arrive as it was saved");
    play_free(&play);
    state = read_back(&play, YAML_BEGIN YAML_GREETING
                      "      LAST: X\n      TOKEN: \xe6\xbc\xa2-0123456789\n" YAML_END);
    check_refused(&play, state, "LAST did not arrive as it was saved");
    play_free(&play);
}

static void a_missing_key_fails_and_is_named(void)
{
    static const char block[] = "wl-format environ\nGREETING=it's a \"day\"\n$HOME $$ \\ #x "
                                "\0TOKENS=\xe6\xbc\xa2-0123456789\0LAST=x";
    struct play play;
    const char *state = read_back_by(&play, printing(block, sizeof block - 1), SENT);
    check_refused(&play, state, "TOKEN did not arrive: ");
    play_free(&play);
    state = read_back(&play, JSON_BEGIN JSON_GREETING "," JSON_TOKEN JSON_END);
    check_refused(&play, state, "LAST did not arrive: ");
    play_free(&play);
    /* null is what Compose prints of a variable that has no value at all */
    state = read_back(&play, JSON_BEGIN JSON_GREETING "," JSON_TOKEN ",\"LAST\":null" JSON_END);
    check_refused(&play, state, "LAST did not arrive: ");
    play_free(&play);
}

static void a_number_of_yaml_is_not_the_text(void)
{
    static const char *const sent[] = {"CODE", "0x10", NULL};
    static const char text[] = YAML_BEGIN "      CODE: 16\n" YAML_END;
    struct play play;
    const char *state = read_back_by(&play, printing(text, strlen(text)), sent);
    CHECK_STR(state, "failed");
    CHECK(strstr(play.steps[1].cause, "CODE did not arrive") != NULL);
    play_free(&play);
}

static void a_dollar_that_stands_alone_is_equal_to_nothing(void)
{
    static const char *const sent[] = {"PRICE", "5$ and $x", NULL};
    static const char *const answers[] = {"\"PRICE\":\"5$ and $x\"", "\"PRICE\":\"5$$ and $x\"",
                                          "\"PRICE\":\"5$$ and $$x$\""};
    char text[500];
    struct play play;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        (void)snprintf(text, sizeof text, "%s%s%s", JSON_BEGIN, answers[i], JSON_END);
        check_refused(&play, read_back_by(&play, printing(text, strlen(text)), sent),
                      "PRICE did not arrive as it was saved");
        play_free(&play);
    }
    (void)snprintf(text, sizeof text, "%s\"PRICE\":\"5$$ and $$x\"%s", JSON_BEGIN, JSON_END);
    CHECK_STR(read_back_by(&play, printing(text, strlen(text)), sent), "ok");
    play_free(&play);
}

/* --- no answer that can be read --- */

static void an_answer_that_is_none_fails(void)
{
    static const char *const answers[] = {
        "",
        "\n",
        "wl-format environ",
        "wl-format something\nLAST=x",
        "GREETING=x\nwl-format something\n",
        "wl-format compose-json\n",
        "wl-format compose-json\n{\"services\":{\"read_back\":{\"environment\":",
        "wl-format compose-json\n[1]\n",
        "wl-format compose-json\n{\"services\":{\"other\":{\"environment\":{\"LAST\":\"x\"}}}}\n",
        "wl-format compose-json\n{\"services\":{\"read_back\":{\"environment\":[\"LAST=x\"]}}}\n",
        JSON_BEGIN "\"LAST\":\"x\",\"LAST\":\"y\"" JSON_END,
        "wl-format compose-yaml\n\t- [",
        "wl-format compose-yaml\nservices: &a [*a]\n",
        "wl-result cause",
    };
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct play play;
        check_refused(&play, read_back(&play, answers[i]), "could not be read back");
        CHECK(strstr(play.steps[1].cause, "Nothing was switched. Fix: ") != NULL);
        play_free(&play);
    }
}

static void more_than_an_answer_may_have_fails(void)
{
    struct play play;
    const char *state = read_back_by(
        &play, "printf 'wl-format environ\\nFILL='; head -c 17000000 /dev/zero | tr '\\0' x\n",
        SENT);
    check_refused(&play, state, "");
    CHECK(play.steps[1].cause[0] != '\0');
    check_silent(&play);
    play_free(&play);
}

static void the_script_s_own_sentence_is_what_people_read(void)
{
    struct play play;
    const char *state = read_back_by(&play,
                                     "echo something; printf 'wl-result cause=%s\\n' 'Compose does "
                                     "not read it. Fix: see why.'; exit 1\n",
                                     SENT);
    check_refused(&play, state, "Compose does not read it. Fix: see why.");
    CHECK_STR(play.steps[1].cause, "Compose does not read it. Fix: see why.");
    play_free(&play);
}

static void a_value_that_looks_like_a_sentence_is_none(void)
{
    static const char *const sent[] = {"A", "x\nwl-result cause=all is well\nB=y", "B", "z", NULL};
    static const char block[] = "wl-format environ\nA=x\nwl-result cause=all is well\nB=y\0B=y";
    struct play play;
    check_refused(&play, read_back_by(&play, printing(block, sizeof block - 1), sent),
                  "B did not arrive as it was saved");
    play_free(&play);
}

int main(void)
{
    if (crypto_start(NULL) != 0)
        return 1;
    if (!lab_start(&lab, NULL))
        printf("# the private sshd did not start\n");
    TAP_RUN(an_environment_block_that_is_equal_passes);
    TAP_RUN(compose_json_that_is_equal_passes);
    TAP_RUN(compose_yaml_that_is_equal_passes);
    TAP_RUN(nothing_that_was_sent_is_nothing_to_miss);
    TAP_RUN(a_changed_value_fails_and_names_its_key);
    TAP_RUN(a_missing_key_fails_and_is_named);
    TAP_RUN(a_number_of_yaml_is_not_the_text);
    TAP_RUN(a_dollar_that_stands_alone_is_equal_to_nothing);
    TAP_RUN(an_answer_that_is_none_fails);
    TAP_RUN(more_than_an_answer_may_have_fails);
    TAP_RUN(the_script_s_own_sentence_is_what_people_read);
    TAP_RUN(a_value_that_looks_like_a_sentence_is_none);
    lab_stop(&lab);
    return tap_done();
}

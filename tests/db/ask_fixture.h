/* ask_fixture.h - asking the worker's verbs in this process, with a signed-in admin to ask for. */
#ifndef WL_TESTS_DB_ASK_FIXTURE_H
#define WL_TESTS_DB_ASK_FIXTURE_H

#include "tests/db/fixture.h"
#include "db/instance.h"
#include "db/users.h"
#include "lib/base/str.h"
#include "worker/ask/ask.h"
#include "worker/ask/question.h"

#define PASSWORD "four unrelated words here"

struct asking {
    struct fixture f;
    struct instance instance;
    char token[CRYPTO_TOKEN_TEXT]; /* of the admin "ann" */
    const char *ip;
    int out_fd; /* what came with the last answer; 0: nothing */
};

/* base64url of a box sealed to the worker, as the web side makes it. */
__attribute__((unused)) static const char *sealed(struct asking *a, const char *text)
{
    static char out[8][12000];
    static int next;
    uint8_t box[8192];
    size_t len = strlen(text);
    char *to = out[next++ % 8];

    MUST(len + SEAL_OVERHEAD > sizeof box);
    MUST(seal_to(a->instance.seal_key, text, len, box, &fixture_err));
    crypto_b64url(to, sizeof out[0], box, len + SEAL_OVERHEAD);
    return to;
}

/* Put one question (stolen); the answer is a new object. token NULL: none. */
__attribute__((unused)) static json_t *put_question(struct asking *a, const char *verb,
                                                    const char *token, json_t *in)
{
    struct question q = {.var_dir = a->f.var, .shared = a->f.shared, .vault = a->f.vault};

    MUST(in == NULL);
    json_object_set_new(in, "verb", json_string(verb));
    json_object_set_new(in, "ip", json_string(a->ip));
    json_object_set_new(in, "request_id", json_string("test"));
    if (token != NULL)
        json_object_set_new(in, "token", json_string(token));
    q.in = in;
    q.out = json_object();
    ask_answer(&q);
    json_decref(in);
    if (a->out_fd > 0)
        close(a->out_fd);
    a->out_fd = q.out_fd;
    return q.out;
}

__attribute__((unused)) static bool is_ok(const json_t *answer)
{
    bool ok = json_is_true(json_object_get(answer, "ok"));

    if (!ok)
        printf("# answer: %s %s: %s\n", json_string_value(json_object_get(answer, "code")),
               json_string_value(json_object_get(answer, "field")),
               json_string_value(json_object_get(answer, "user")));
    return ok;
}

/* Ask, check that it is refused with this code, and give the sentence (valid until the next call).
 */
__attribute__((unused)) static const char *refused(json_t *answer, const char *code)
{
    static char sentence[600];

    CHECK(json_is_false(json_object_get(answer, "ok")));
    CHECK_STR(json_string_value(json_object_get(answer, "code")), code);
    snprintf(sentence, sizeof sentence, "%s",
             json_is_string(json_object_get(answer, "user"))
                 ? json_string_value(json_object_get(answer, "user"))
                 : "");
    json_decref(answer);
    return sentence;
}

/* Ask; any answer but ok. */
__attribute__((unused)) static void fails(json_t *answer)
{
    CHECK(json_is_false(json_object_get(answer, "ok")));
    CHECK(json_string_length(json_object_get(answer, "user")) > 0);
    json_decref(answer);
}

__attribute__((unused)) static json_t *login(struct asking *a, const char *who,
                                             const char *password)
{
    return put_question(a, "login", NULL,
                        json_pack("{s:s, s:s, s:s}", "login", who, "password", sealed(a, password),
                                  "agent", "test browser"));
}

__attribute__((unused)) static void take_token(char token[CRYPTO_TOKEN_TEXT], json_t *answer)
{
    const char *text;

    CHECK(is_ok(answer));
    text = json_string_value(json_object_get(answer, "token"));
    CHECK(text != NULL && strlen(text) == CRYPTO_TOKEN_TEXT - 1);
    snprintf(token, CRYPTO_TOKEN_TEXT, "%s", text == NULL ? "" : text);
    json_decref(answer);
}

/* A dashboard without an admin. */
__attribute__((unused)) static void asking_fresh(struct asking *a)
{
    char run[300];

    memset(a, 0, sizeof *a);
    a->ip = "192.0.2.7";
    fixture_full(&a->f);
    snprintf(run, sizeof run, "%s/run", a->f.var);
    MUST(fs_mkdirs(run, 0700, &fixture_err));
    MUST(instance_get(a->f.shared, &a->instance, &fixture_err));
}

__attribute__((unused)) static json_t *set_up(struct asking *a, const char *setup_token)
{
    return put_question(a, "setup", NULL,
                        json_pack("{s:s, s:s, s:s, s:s}", "setup_token", setup_token, "login",
                                  "ann", "name", "Ann Example", "password", sealed(a, PASSWORD)));
}

__attribute__((unused)) static void asking_start(struct asking *a)
{
    char setup_token[CRYPTO_TOKEN_TEXT];

    asking_fresh(a);
    MUST(vault_new_setup_token(a->f.vault, setup_token, &fixture_err));
    take_token(a->token, set_up(a, setup_token));
}

/* A second user who signs in with PASSWORD, with one grant (role "": none). */
__attribute__((unused)) static void add_user(struct asking *a, const char *id,
                                             const char *login_name, const char *app,
                                             const char *env, enum role role)
{
    char verifier[PASSWORD_VERIFIER_SIZE];

    MUST(user_add(a->f.shared, id, login_name, login_name, &fixture_err));
    MUST(password_hash(PASSWORD, strlen(PASSWORD), verifier, &fixture_err));
    MUST(vault_set_credential(a->f.vault, id, verifier, &fixture_err));
    if (role != ROLE_NONE)
        MUST(vault_grant(a->f.vault, &(struct grant){id, app, env, role, "test"}, &fixture_err));
}

/* How many events have this verb and result. */
__attribute__((unused)) static size_t events(struct asking *a, const char *verb, const char *result)
{
    json_t *filter = json_pack("{s:s, s:s}", "verb", verb, "result", result), *list = NULL;
    size_t count;

    MUST(audit_list(a->f.shared, filter, 0, 1000, &list, &fixture_err));
    count = json_array_size(list);
    json_decref(list);
    json_decref(filter);
    return count;
}

__attribute__((unused)) static void asking_end(struct asking *a)
{
    struct audit_report report;

    CHECK(audit_verify(a->f.shared, &report, NULL) == 0 && report.ok);
    if (a->out_fd > 0)
        close(a->out_fd);
    fixture_end(&a->f);
}

#define APP   "00000000000000000000000app"
#define OTHER "0000000000000000000000app2"
#define ENV   "00000000000000000000000env"
#define ENV2  "0000000000000000000000env2"
#define ANN   "(SELECT id FROM user WHERE login = 'ann')"

__attribute__((unused)) static void sql(struct asking *a, const char *text)
{
    CHECK_INT(fixture_sql(a->f.shared_path, text), 0);
}

/* The session began earlier, under a right MAC: as if time had passed. */
__attribute__((unused)) static void let_time_pass(struct asking *a, int64_t ms)
{
    struct session_row row;
    char text[600], mac[2 * CRYPTO_MAC_BYTES + 1], id[2 * CRYPTO_HASH_BYTES + 1];

    MUST(session_by_token(a->f.shared, a->token, clock_now_ms(), &row, &fixture_err));
    row.created_at -= ms;
    vault_session_mac(a->f.vault, &row, row.mac);
    crypto_hex(mac, sizeof mac, row.mac, sizeof row.mac);
    crypto_hex(id, sizeof id, row.id_hash, sizeof row.id_hash);
    snprintf(text, sizeof text,
             "UPDATE session SET created_at = %lld, proved_at = %lld, mac = x'%s' WHERE id_hash = "
             "x'%s'",
             (long long)row.created_at, (long long)row.created_at, mac, id);
    sql(a, text);
}

__attribute__((unused)) static void asking_with_environment(struct asking *a)
{
    asking_start(a);
    sql(a, "INSERT INTO app (id, slug, name, created_at) VALUES ('" APP
           "', 'shop', 'Shop', 1), ('" OTHER "', 'other', 'Other', 1);"
           "INSERT INTO environment (id, app_id, slug, tier, recipe, settings, created_at) VALUES"
           " ('" ENV "', '" APP "', 'production', 'production', 'release', '{}', 1),"
           " ('" ENV2 "', '" OTHER "', 'production', 'production', 'release', '{}', 1)");
}

#endif

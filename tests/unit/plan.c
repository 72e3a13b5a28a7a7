/* The plan's hash and what is said when the plan changed. */
#include "tests/tap.h"

#include <jansson.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/plan.h"

static const char BASIS[] =
    "{\"recipe\":\"release\",\"recipe_sha256\":\"aa\",\"version\":\"1.0\",\"artefact_sha256\":"
    "\"bb\",\"secret_set\":3,\"live_release\":41,\"settings_sha256\":\"cc\",\"hosts\":[{\"server_"
    "id\":\"s1\",\"slug\":\"web1\",\"address\":\"10.0.0.1:22\",\"pin_print\":\"SHA256:x\"},"
    "{\"server_id\":\"s2\",\"slug\":\"web2\",\"address\":\"10.0.0.2:22\",\"pin_print\":\"SHA256:"
    "y\"}]}";

static json_t *basis(void)
{
    return json_loads(BASIS, 0, NULL);
}

static void equal_plans_have_equal_hashes_in_any_order(void)
{
    json_t *a = json_loads("{\"a\":1,\"b\":[1,\"\\u20ac\"]}", 0, NULL);
    json_t *b = json_loads("{ \"b\": [1, \"\xE2\x82\xAC\"], \"a\": 1 }", 0, NULL);
    json_t *c = json_loads("{\"a\":1,\"b\":[\"\\u20ac\",1]}", 0, NULL);
    char x[65] = "", y[65] = "";

    CHECK(plan_hash(a, x, NULL) == 0);
    CHECK_INT(strlen(x), 64);
    CHECK(plan_hash(b, y, NULL) == 0);
    CHECK_STR(x, y);
    CHECK(plan_hash(c, y, NULL) == 0);
    CHECK(strcmp(x, y) != 0);
    CHECK_INT(plan_compare(a, b, NULL), 0);
    json_decref(a);
    json_decref(b);
    json_decref(c);
}

static void the_hash_is_sha256_of_the_canonical_text(void)
{
    json_t *a = json_loads("{\"b\":2,\"a\":1}", 0, NULL);
    uint8_t hash[CRYPTO_HASH_BYTES];
    char want[65], got[65] = "";

    crypto_sha256("{\"a\":1,\"b\":2}", 13, hash);
    crypto_hex(want, sizeof want, hash, sizeof hash);
    CHECK(plan_hash(a, got, NULL) == 0);
    CHECK_STR(got, want);
    json_decref(a);
}

/* What is said when `path` of the second plan is set to the JSON `value` (NULL: removed). */
static const char *said(const char *key, const char *value)
{
    static char text[600];
    struct err err = {0};
    json_t *a = basis(), *b = basis();

    if (value != NULL)
        (void)json_object_set_new(b, key, json_loads(value, JSON_DECODE_ANY, NULL));
    else
        (void)json_object_del(b, key);
    if (plan_compare(a, b, &err) == 0) {
        (void)str_copy(text, sizeof text, "(equal)");
    } else {
        CHECK_INT(err.code, ERR_CONFLICT);
        (void)str_copy(text, sizeof text, err.user);
    }
    json_decref(a);
    json_decref(b);
    return text;
}

#define SAYS(key, value, words) CHECK(strstr(said(key, value), words) != NULL)

static void changes_are_named_in_words(void)
{
    SAYS("secret_set", "4", "the secret set is now s4, not s3");
    SAYS("secret_set", "0", "the secret set is now none, not s3");
    SAYS("live_release", "42", "the live release is now v42, not v41");
    SAYS("live_release", "null", "the live release is now none, not v41");
    SAYS("version", "\"1.1\"", "the version is now 1.1, not 1.0");
    SAYS("recipe_sha256", "\"zz\"", "the recipe's files changed");
    SAYS("settings_sha256", "\"zz\"", "the environment's settings changed");
    SAYS("artefact_sha256", NULL, "the artefact's bytes changed");
    SAYS("something_new", "true", "something_new changed");
    CHECK_STR(said("absent", "null"), "(equal)");
    CHECK_STR(said("version", "\"1.0\""), "(equal)");
}

static void changed_servers_are_named(void)
{
    SAYS("hosts",
         "[{\"server_id\":\"s1\",\"slug\":\"web1\",\"address\":\"10.0.0.1:22\",\"pin_print\":"
         "\"SHA256:x\"}]",
         "server web2 was taken away");
    SAYS("hosts", "[]", "server web1 was taken away; server web2 was taken away");
    SAYS("hosts",
         "[{\"server_id\":\"s1\",\"slug\":\"web1\",\"address\":\"10.0.0.1:22\",\"pin_print\":"
         "\"SHA256:z\"},"
         "{\"server_id\":\"s2\",\"slug\":\"web2\",\"address\":\"10.0.0.9:22\",\"pin_print\":"
         "\"SHA256:y\"},"
         "{\"server_id\":\"s3\",\"slug\":\"web3\",\"address\":\"10.0.0.3:22\",\"pin_print\":"
         "\"SHA256:q\"}]",
         "the pinned host key of web1 changed; the address of web2 changed; server web3 was added");
    SAYS("hosts",
         "[{\"server_id\":\"s2\",\"slug\":\"web2\",\"address\":\"10.0.0.2:22\",\"pin_print\":"
         "\"SHA256:y\"},"
         "{\"server_id\":\"s1\",\"slug\":\"web1\",\"address\":\"10.0.0.1:22\",\"pin_print\":"
         "\"SHA256:x\"}]",
         "the order of the servers changed");
    SAYS("hosts", "\"nonsense\"", "server web1 was taken away");
}

static void nothing_confirmed_is_never_equal(void)
{
    json_t *now = basis(), *list = json_array();
    struct err err = {0};

    CHECK_INT(plan_compare(NULL, now, &err), -1);
    CHECK_INT(err.code, ERR_CONFLICT);
    CHECK_INT(plan_compare(list, list, &err), -1);
    CHECK_INT(plan_compare(now, NULL, NULL), -1);
    json_decref(now);
    json_decref(list);
}

static void very_many_changes_stay_one_sentence(void)
{
    json_t *a = basis(), *b = basis();
    struct err err = {0};
    char key[80];

    for (int i = 0; i < 5000; i++) {
        (void)snprintf(key, sizeof key, "key_with_a_rather_long_name_\xE2\x82\xAC_%d", i);
        (void)json_object_set_new(b, key, json_integer(i));
    }
    CHECK_INT(plan_compare(a, b, &err), -1);
    CHECK_INT(err.code, ERR_CONFLICT);
    CHECK(str_is_utf8(err.user, strlen(err.user)));
    json_decref(a);
    json_decref(b);
}

int main(void)
{
    if (crypto_start(NULL) != 0)
        return 1;
    TAP_RUN(equal_plans_have_equal_hashes_in_any_order);
    TAP_RUN(the_hash_is_sha256_of_the_canonical_text);
    TAP_RUN(changes_are_named_in_words);
    TAP_RUN(changed_servers_are_named);
    TAP_RUN(nothing_confirmed_is_never_equal);
    TAP_RUN(very_many_changes_stay_one_sentence);
    return tap_done();
}

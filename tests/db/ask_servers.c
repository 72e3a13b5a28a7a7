/* ask_servers.c - adding a server and confirming its host key, against a real sshd. */
#include "tests/db/ask_fixture.h"
#include "db/servers_worker.h"
#include "tests/integration/ssh_lab.h"

static json_t *add(struct asking *a, const char *slug, const char *host, int port)
{
    return put_question(a, "server.add", a->token,
                        json_pack("{s:s, s:s, s:s, s:i}", "slug", slug, "login", "deploy", "host",
                                  host, "port", port));
}

static void adding_a_server_makes_its_key_pair(void)
{
    struct asking a;
    struct server_row server;
    struct buf key;
    json_t *answer;
    const char *id;

    asking_start(&a);
    answer = add(&a, "web-1", "192.0.2.10", 2222);
    CHECK(is_ok(answer));
    id = json_string_value(json_object_get(answer, "server_id"));
    CHECK(id != NULL && crypto_is_id(id));
    CHECK(str_ends(json_string_value(json_object_get(answer, "public_key")), " windlass-web-1"));
    CHECK(id != NULL && server_by_id(a.f.shared, id, &server, NULL) == 0);
    CHECK_STR(server.host, "192.0.2.10");
    CHECK_INT(server.port, 2222);
    buf_init(&key, 4096);
    CHECK(id != NULL && vault_server_key(a.f.vault, id, &key, NULL) == 0);
    CHECK(str_starts(key.data, "-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    buf_deinit(&key);
    json_decref(answer);
    answer = add(&a, "web-1", "192.0.2.11", 22);
    CHECK_STR(json_string_value(json_object_get(answer, "field")), "slug");
    refused(answer, "conflict");
    CHECK_INT(events(&a, "server.add", "ok"), 1);
    asking_end(&a);
}

static void a_server_without_its_event_is_not_added(void)
{
    struct asking a;

    asking_start(&a);
    fixture_takes_events(&a.f, false);
    fails(add(&a, "web-1", "192.0.2.10", 2222));
    fixture_takes_events(&a.f, true);
    CHECK_INT(fixture_sql(a.f.shared_path, "SELECT 1 / (count(*) = 0) FROM server"), 0);
    json_t *answer = add(&a, "web-1", "192.0.2.10", 2222);
    CHECK(is_ok(answer));
    json_decref(answer);
    asking_end(&a);
}

static void bad_addresses_are_refused(void)
{
    static const struct {
        const char *slug, *host;
        int port;
    } bad[] = {{"web", "-oProxyCommand=id", 22},
               {"web", "a b", 22},
               {"web", "$(id)", 22},
               {"web", "h", 0},
               {"web", "h", 65536},
               {"Web One", "h", 22},
               {"web", "", 22},
               {"web", "h\n", 22}};
    struct asking a;

    asking_start(&a);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        refused(add(&a, bad[i].slug, bad[i].host, bad[i].port), "input");
    CHECK_INT(events(&a, "server.add", "ok"), 0);
    asking_end(&a);
}

static void only_who_may_servers_may(void)
{
    struct asking a;

    asking_start(&a);
    add_user(&a, "u2", "bob", "", "", ROLE_MAINTAINER);
    take_token(a.token, login(&a, "bob", PASSWORD));
    refused(add(&a, "web", "192.0.2.1", 22), "denied");
    refused(put_question(&a, "server.pin", a.token, json_pack("{s:s}", "server_id", "x")),
            "denied");
    refused(put_question(&a, "server.host_key", a.token, json_pack("{s:s}", "server_id", "x")),
            "denied");
    asking_end(&a);
}

static json_t *look(struct asking *a, const char *id)
{
    return put_question(a, "server.host_key", a->token, json_pack("{s:s}", "server_id", id));
}

static json_t *confirm(struct asking *a, const char *id, const char *type, const char *print)
{
    return put_question(
        a, "server.pin", a->token,
        json_pack("{s:s, s:s, s:s}", "server_id", id, "type", type, "print", print));
}

static void a_host_key_is_pinned_when_it_is_the_confirmed_one(void)
{
    struct asking a;
    struct lab lab;
    struct host_pin pin;
    char id[CRYPTO_ID_SIZE], type[32], print[64];
    json_t *answer;

    asking_start(&a);
    CHECK(lab_start(&lab, NULL));
    answer = add(&a, "web-1", "127.0.0.1", lab.port);
    str_copy(id, sizeof id, json_string_value(json_object_get(answer, "server_id")));
    json_decref(answer);
    answer = look(&a, id);
    CHECK(is_ok(answer));
    CHECK(json_is_false(json_object_get(answer, "matches")));
    CHECK_STR(json_string_value(json_object_get(answer, "pinned_print")), "");
    str_copy(type, sizeof type, json_string_value(json_object_get(answer, "type")));
    str_copy(print, sizeof print, json_string_value(json_object_get(answer, "print")));
    json_decref(answer);
    CHECK(strstr(refused(confirm(&a, id, type, "SHA256:another"), "conflict"), print) != NULL);
    CHECK(vault_pin(a.f.vault, id, "127.0.0.1", lab.port, &pin, NULL) == -1);
    answer = confirm(&a, id, type, print);
    CHECK(is_ok(answer));
    json_decref(answer);
    CHECK(vault_pin(a.f.vault, id, "127.0.0.1", lab.port, &pin, NULL) == 0);
    CHECK(pin.len == lab.blob_len && memcmp(pin.blob, lab.blob, pin.len) == 0);
    answer = look(&a, id);
    CHECK(json_is_true(json_object_get(answer, "matches")));
    CHECK_STR(json_string_value(json_object_get(answer, "pinned_print")), print);
    json_decref(answer);
    CHECK_INT(events(&a, "server.pin", "ok"), 1);
    lab_stop(&lab);
    asking_end(&a);
}

static void an_unreachable_server_is_told_in_words(void)
{
    struct asking a;
    json_t *answer;
    char id[CRYPTO_ID_SIZE];

    asking_start(&a);
    answer = add(&a, "web-1", "127.0.0.1", lab_free_port());
    str_copy(id, sizeof id, json_string_value(json_object_get(answer, "server_id")));
    json_decref(answer);
    const char *words = refused(look(&a, id), "remote");
    CHECK(strstr(words, "Connection refused") != NULL && strstr(words, "Fix: ") != NULL);
    refused(confirm(&a, id, "ssh-ed25519", "SHA256:x"), "remote");
    asking_end(&a);
}

int main(void)
{
    TAP_RUN(adding_a_server_makes_its_key_pair);
    TAP_RUN(a_server_without_its_event_is_not_added);
    TAP_RUN(bad_addresses_are_refused);
    TAP_RUN(only_who_may_servers_may);
    TAP_RUN(a_host_key_is_pinned_when_it_is_the_confirmed_one);
    TAP_RUN(an_unreachable_server_is_told_in_words);
    return tap_done();
}

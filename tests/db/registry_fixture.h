/* registry_fixture.h - asking for changes of registries, and looking at what a deploy would get. */
#ifndef WL_TESTS_DB_REGISTRY_FIXTURE_H
#define WL_TESTS_DB_REGISTRY_FIXTURE_H

#include "tests/db/ask_fixture.h"
#include "db/registries.h"
#include "db/vault/registries.h"
#include "worker/registry_logins.h"

__attribute__((unused)) static json_t *save(struct asking *a, const char *slug, const char *host,
                                            const char *login_name, const char *password)
{
    return put_question(a, "registry.save", a->token,
                        json_pack("{s:s, s:s, s:s, s:s}", "slug", slug, "host", host, "login",
                                  login_name, "password", sealed(a, password)));
}

/* Add one that must be right; its id. */
__attribute__((unused)) static const char *added(struct asking *a, const char *slug,
                                                 const char *host, const char *password)
{
    static char id[4][CRYPTO_ID_SIZE];
    static int next;
    char *to = id[next++ % 4];
    json_t *answer = save(a, slug, host, "robot", password);

    CHECK(is_ok(answer));
    CHECK(str_copy(to, CRYPTO_ID_SIZE, json_string_value(json_object_get(answer, "registry_id"))));
    CHECK(crypto_is_id(to));
    json_decref(answer);
    return to;
}

__attribute__((unused)) static json_t *change(struct asking *a, const char *id,
                                              const char *login_name, const char *password)
{
    return put_question(a, "registry.password", a->token,
                        json_pack("{s:s, s:s, s:s}", "registry_id", id, "login", login_name,
                                  "password", sealed(a, password)));
}

__attribute__((unused)) static json_t *removal(struct asking *a, const char *id)
{
    return put_question(a, "registry.remove", a->token, json_pack("{s:s}", "registry_id", id));
}

__attribute__((unused)) static void must_be_ok(json_t *answer)
{
    CHECK(is_ok(answer));
    json_decref(answer);
}

/* What a deploy gets for these names must be one account with this password. */
__attribute__((unused)) static void check_login(struct asking *a, const char *name,
                                                const char *login_name, const char *password)
{
    struct registry_logins logins;
    struct err err = {0};

    CHECK_INT(registry_logins_load(a->f.shared, a->f.vault, name, &logins, &err), 0);
    CHECK_STR(err.user, "");
    CHECK_INT(logins.count, 1);
    if (logins.count == 1) {
        CHECK_STR(logins.items[0].slug, name);
        CHECK_STR(logins.items[0].login, login_name);
        CHECK_STR(logins.items[0].password, password);
        CHECK_INT(logins.items[0].password_len, strlen(password));
    }
    registry_logins_free(&logins);
    CHECK(logins.items == NULL && logins.count == 0);
}

/* The sentence with which these names are refused (valid until the next call). */
__attribute__((unused)) static const char *load_refused(struct asking *a, const char *names,
                                                        enum err_code code)
{
    static struct err err;
    struct registry_logins logins;

    err = (struct err){0};
    CHECK_INT(registry_logins_load(a->f.shared, a->f.vault, names, &logins, &err), -1);
    CHECK_INT(err.code, code);
    CHECK_STR(err.field, "registries");
    CHECK(logins.items == NULL && logins.count == 0);
    return err.user;
}

__attribute__((unused)) static size_t stored(struct asking *a)
{
    json_t *list = NULL;
    size_t count;

    MUST(vault_registry_passwords(a->f.vault, &list, &fixture_err));
    count = json_array_size(list);
    json_decref(list);
    return count;
}

#endif

/* registries.c - verbs registry.save, registry.password and registry.remove.
 *
 * Row and event are one transaction of windlass.db; the vault is another file. So the order is, all
 * under windlass.db's write lock: row and event, then the password under a number that nothing
 * refers to yet, then the commit, which makes the number count. A crash before the commit leaves
 * what was there, and one row in the vault that nothing refers to; the password that is replaced or
 * removed is erased after the commit. What such a crash leaves is erased by the next verb here. */
#include "worker/ask/question.h"

#include "db/vault/registries.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

static int append_event(struct question *q, const char *verb, const struct registry_row *registry,
                        json_t *detail, struct err *err)
{
    struct audit_entry entry = {.actor = &q->actor,
                                .verb = verb,
                                .target_kind = "registry",
                                .target_id = registry->id,
                                .target_name = registry->slug,
                                .detail = detail};

    return audit_append(q->shared, &entry, err);
}

/* The typed password, opened and checked. Wipe and deinit the buffer. */
static int read_password(struct question *q, struct buf *password, struct err *err)
{
    buf_init(password, REGISTRY_PASSWORD_MAX);
    if (vault_unseal_text(q->vault, "password", ask_text(q, "password"), password, err) != 0)
        return -1;
    return validate_registry_password("password", password->data, password->len, err);
}

static void forget(struct buf *password)
{
    buf_wipe(password);
    buf_deinit(password);
}

/* --- what a crash left --- */

static int erase_if_unused(struct question *q, const char *id, int64_t number, struct err *err)
{
    struct registry_row row;
    struct err cause = {0};

    if (registry_row_by_id(q->shared, id, &row, &cause) == 0) {
        if (row.password_number == number)
            return 0;
    } else if (cause.code != ERR_NOT_FOUND)
        return ask_fail(err, &cause);
    LOG_INFO("registry_password_left_over", "registry=%s number=%lld", id, (long long)number);
    return vault_remove_registry_password(q->vault, id, number, err);
}

/* In an open transaction: nobody else is between the two databases then. */
static int erase_unused(struct question *q, struct err *err)
{
    json_t *stored = NULL;
    const json_t *row;
    size_t i;
    int rc = 0;

    if (vault_registry_passwords(q->vault, &stored, err) != 0)
        return -1;
    json_array_foreach(stored, i, row)
    {
        if (rc == 0)
            rc = erase_if_unused(q, json_string_value(json_object_get(row, "registry_id")),
                                 json_integer_value(json_object_get(row, "number")), err);
    }
    json_decref(stored);
    return rc;
}

/* --- registry.save --- */

static int add(struct question *q, const struct registry_row *registry, const struct buf *password,
               struct err *err)
{
    if (db_begin(q->shared, err) != 0)
        return -1;
    if (erase_unused(q, err) == 0 && registry_add(q->shared, registry, err) == 0
        && append_event(q, "registry.save", registry,
                        json_pack("{s:s, s:s}", "host", registry->host, "login", registry->login),
                        err)
               == 0
        && vault_put_registry_password(q->vault, registry, password->data, password->len, err) == 0
        && db_commit(q->shared, err) == 0)
        return 0;
    db_rollback(q->shared);
    return -1;
}

int ask_registry_save(struct question *q, struct err *err)
{
    struct registry_row registry = {.password_number = 1};
    struct buf password;
    int rc = -1;

    if (ask_require(q, CAP_SERVERS, "", "", err) != 0
        || validate_slug("slug", ask_text(q, "slug"), err) != 0
        || validate_registry_host("host", ask_text(q, "host"), registry.host, err) != 0
        || validate_registry_login("login", ask_text(q, "login"), err) != 0)
        return -1;
    crypto_new_id(registry.id);
    str_copy(registry.slug, sizeof registry.slug, ask_text(q, "slug"));
    str_copy(registry.login, sizeof registry.login, ask_text(q, "login"));
    if (read_password(q, &password, err) == 0 && add(q, &registry, &password, err) == 0)
        rc = ask_put_text(q, "registry_id", registry.id, err);
    forget(&password);
    return rc;
}

/* --- registry.password --- */

/* *before: as it was. */
static int change(struct question *q, struct registry_row *before, const struct buf *password,
                  struct err *err)
{
    struct registry_row after;

    if (db_begin(q->shared, err) != 0)
        return -1;
    if (erase_unused(q, err) != 0
        || registry_row_by_id(q->shared, ask_text(q, "registry_id"), before, err) != 0)
        goto out;
    after = *before;
    after.password_number++;
    str_copy(after.login, sizeof after.login, ask_text(q, "login"));
    if (registry_set_login(q->shared, &after, err) == 0
        && append_event(q, "registry.password", &after,
                        json_pack("{s:s, s:s, s:s}", "host", after.host, "login", after.login,
                                  "before", before->login),
                        err)
               == 0
        && vault_put_registry_password(q->vault, &after, password->data, password->len, err) == 0
        && db_commit(q->shared, err) == 0)
        return 0;
out:
    db_rollback(q->shared);
    return -1;
}

int ask_registry_password(struct question *q, struct err *err)
{
    struct registry_row before;
    struct buf password;
    struct err left = {0};
    int rc = -1;

    if (ask_require(q, CAP_SERVERS, "", "", err) != 0
        || validate_registry_login("login", ask_text(q, "login"), err) != 0)
        return -1;
    if (read_password(q, &password, err) == 0)
        rc = change(q, &before, &password, err);
    forget(&password);
    /* The change is made; a replaced password that stays is erased by the next verb. */
    if (rc == 0
        && vault_remove_registry_password(q->vault, before.id, before.password_number, &left) != 0)
        log_err("registry_password_not_erased", &left);
    return rc;
}

/* --- registry.remove --- */

static int archive(struct question *q, struct registry_row *registry, struct err *err)
{
    if (db_begin(q->shared, err) != 0)
        return -1;
    if (erase_unused(q, err) == 0
        && registry_row_by_id(q->shared, ask_text(q, "registry_id"), registry, err) == 0
        && registry_archive(q->shared, registry, err) == 0
        && append_event(q, "registry.remove", registry,
                        json_pack("{s:s, s:s}", "host", registry->host, "login", registry->login),
                        err)
               == 0
        && db_commit(q->shared, err) == 0)
        return 0;
    db_rollback(q->shared);
    return -1;
}

int ask_registry_remove(struct question *q, struct err *err)
{
    struct registry_row registry;

    if (ask_require(q, CAP_SERVERS, "", "", err) != 0 || archive(q, &registry, err) != 0)
        return -1;
    if (vault_remove_registry_password(q->vault, registry.id, registry.password_number, err) != 0)
        return err_wrap(err, "The registry is removed, but its password is still in the vault; the "
                             "next change of a registry erases it");
    return 0;
}

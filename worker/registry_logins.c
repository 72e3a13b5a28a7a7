/* registry_logins.c - bringing accounts and passwords of registries together (registry_logins.h).
 *
 * What windlass.db says is checked again: the web side can write it. */
#include "worker/registry_logins.h"

#include <stdlib.h>
#include <string.h>
#include "db/vault/registries.h"
#include "lib/base/str.h"

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is not enough memory for the registries' passwords.");
}

void registry_logins_free(struct registry_logins *logins)
{
    for (size_t i = 0; i < logins->count; i++) {
        if (logins->items[i].password != NULL)
            crypto_wipe(logins->items[i].password, logins->items[i].password_len);
        free(logins->items[i].password);
    }
    free(logins->items);
    *logins = (struct registry_logins){0};
}

static int find(struct db *db, const char *slug, struct registry_row *row, struct err *err)
{
    struct err cause = {0};
    char host[REGISTRY_HOST_SIZE];

    if (validate_slug("registries", slug, NULL) != 0)
        return err_set(err, ERR_NOT_FOUND,
                       "The environment's settings name a registry with a name that none can have. "
                       "Choose its registries again.");
    if (registry_row_by_slug(db, slug, row, &cause) != 0) {
        if (cause.code == ERR_NOT_FOUND)
            err_set(&cause, ERR_NOT_FOUND,
                    "The environment uses the registry %s, which does not exist (any more). Add "
                    "it, or take it out of the environment's settings.",
                    slug);
        if (err != NULL)
            *err = cause;
        return -1;
    }
    if (validate_registry_host("registries", row->host, host, NULL) != 0
        || !str_equal(host, row->host)
        || validate_registry_login("registries", row->login, NULL) != 0)
        return err_set(err, ERR_CONFLICT,
                       "The address or user name of the registry %s was altered. Remove the "
                       "registry and add it again.",
                       slug);
    return 0;
}

static int check_host(const struct registry_logins *logins, const struct registry_login *item,
                      struct err *err)
{
    for (size_t i = 0; i < logins->count; i++)
        if (&logins->items[i] != item && str_equal(logins->items[i].host, item->host))
            return err_set(err, ERR_INPUT,
                           "The environment uses %s and %s, which are both for %s; docker keeps "
                           "one account for a host. Take one of them out of the settings.",
                           logins->items[i].slug, item->slug, item->host);
    return 0;
}

static int read_password(struct vault *vault, const struct registry_row *row,
                         struct registry_login *item, struct err *err)
{
    struct buf password;
    int rc;

    buf_init(&password, REGISTRY_PASSWORD_MAX);
    rc = vault_registry_password(vault, row, &password, err);
    if (rc == 0) {
        item->password = malloc(password.len + 1);
        if (item->password == NULL)
            rc = no_memory(err);
        else {
            memcpy(item->password, password.data, password.len + 1);
            item->password_len = password.len;
        }
    }
    buf_wipe(&password);
    buf_deinit(&password);
    return rc;
}

/* Append one; `logins` has room. */
static int take(struct db *db, struct vault *vault, const char *slug,
                struct registry_logins *logins, struct err *err)
{
    struct registry_login *item = &logins->items[logins->count];
    struct registry_row row;

    if (find(db, slug, &row, err) != 0)
        return -1;
    *item = (struct registry_login){0};
    logins->count++; /* from here on registry_logins_free sees it */
    if (!str_copy(item->slug, sizeof item->slug, row.slug)
        || !str_copy(item->host, sizeof item->host, row.host)
        || !str_copy(item->login, sizeof item->login, row.login))
        return err_set(err, ERR_INTERNAL, "The database holds a damaged registry.");
    if (check_host(logins, item, err) != 0)
        return -1;
    return read_password(vault, &row, item, err);
}

static size_t count_names(const char *names)
{
    size_t count = 1;

    for (; *names != '\0'; names++)
        count += *names == ' ' ? 1 : 0;
    return count;
}

static int take_all(struct db *db, struct vault *vault, char *names, struct registry_logins *logins,
                    struct err *err)
{
    size_t count = count_names(names);
    char *name;

    if (count > REGISTRIES_MAX)
        return err_set(err, ERR_INPUT,
                       "The environment's settings name %zu registries. Use at "
                       "most %d.",
                       count, REGISTRIES_MAX);
    logins->items = calloc(count, sizeof *logins->items);
    if (logins->items == NULL)
        return no_memory(err);
    while ((name = strsep(&names, " ")) != NULL)
        if (take(db, vault, name, logins, err) != 0)
            return -1;
    return 0;
}

int registry_logins_load(struct db *db, struct vault *vault, const char *names,
                         struct registry_logins *logins, struct err *err)
{
    char *copy;
    int rc;

    *logins = (struct registry_logins){0};
    if (names[0] == '\0')
        return 0;
    copy = strdup(names);
    if (copy == NULL)
        return no_memory(err);
    rc = take_all(db, vault, copy, logins, err);
    free(copy);
    if (rc == 0)
        return 0;
    if (err != NULL)
        str_copy(err->field, sizeof err->field, "registries");
    registry_logins_free(logins);
    return -1;
}

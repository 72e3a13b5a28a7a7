/* registries.c - the store of registry passwords (db/vault/registries.h). */
#include "db/vault/registries.h"

#include <inttypes.h>
#include "db/vault/inside.h"
#include "lib/base/str.h"
#include "statements.h"

#define PLACE_MAX (BELONGS_MAX + REGISTRY_HOST_SIZE + REGISTRY_LOGIN_SIZE)

/* Which place a password belongs to. A host holds no "|", so no two places read the same; -1 when
 * this one does, or when it does not fit. */
static int place_of(char text[PLACE_MAX], const struct registry_row *r, struct err *err)
{
    int len = snprintf(text, PLACE_MAX, "registry_password|%s|%" PRId64 "|%s|%s", r->id,
                       r->password_number, r->host, r->login);

    if (len < 0 || len >= PLACE_MAX || strchr(r->host, '|') != NULL)
        return err_set(err, ERR_INTERNAL, "The database holds a damaged registry.");
    return 0;
}

static struct stmt *use(struct vault *vault, int statement, const char *registry_id, int64_t number)
{
    struct stmt *s = db_use(vault->db, statement);

    db_bind_text(s, ":registry_id", registry_id);
    db_bind_int(s, ":number", number);
    return s;
}

int vault_put_registry_password(struct vault *vault, const struct registry_row *registry,
                                const void *password, size_t len, struct err *err)
{
    char place[PLACE_MAX];
    struct stmt *s;

    if (place_of(place, registry, err) != 0)
        return -1;
    s = use(vault, SQL_REGISTRY_PASSWORD_PUT, registry->id, registry->password_number);
    db_bind_text(s, ":host", registry->host);
    db_bind_text(s, ":login", registry->login);
    return vault_run_encrypted(s, ":password_ct", &(struct lock){vault->master, place}, password,
                               len, err);
}

/* Told apart from "does not open", because the way out is another one. */
static int check_place(struct vault *vault, const struct registry_row *registry, struct err *err)
{
    struct stmt *s =
        use(vault, SQL_REGISTRY_PASSWORD_PLACE, registry->id, registry->password_number);
    bool same;

    if (db_one(s, err) != 0)
        return err_wrap(err, "The password of the registry %s is not in the vault", registry->slug);
    same = str_equal(db_col_text(s, "host"), registry->host)
           && str_equal(db_col_text(s, "login"), registry->login);
    db_done(s);
    if (!same)
        return err_set(err, ERR_CONFLICT,
                       "The address or user name of the registry %s is not the one its password "
                       "was stored for. Look at both on the registry's page; when they are right, "
                       "enter the password there again.",
                       registry->slug);
    return 0;
}

int vault_registry_password(struct vault *vault, const struct registry_row *registry,
                            struct buf *password, struct err *err)
{
    char place[PLACE_MAX], what[100];
    struct stmt *s;

    if (place_of(place, registry, err) != 0 || check_place(vault, registry, err) != 0)
        return -1;
    snprintf(what, sizeof what, "The password of the registry %s", registry->slug);
    s = use(vault, SQL_REGISTRY_PASSWORD_GET, registry->id, registry->password_number);
    return vault_one_decrypted(s, "password_ct", &(struct lock){vault->master, place}, what,
                               password, err);
}

int vault_registry_passwords(struct vault *vault, json_t **list, struct err *err)
{
    return db_rows_json(db_use(vault->db, SQL_REGISTRY_PASSWORD_ALL), list, err);
}

int vault_remove_registry_password(struct vault *vault, const char *registry_id, int64_t number,
                                   struct err *err)
{
    return db_run(use(vault, SQL_REGISTRY_PASSWORD_REMOVE, registry_id, number), NULL, err);
}

/* registries.c - the store of registry passwords (db/vault/registries.h). */
#include "db/vault/registries.h"

#include "db/vault/inside.h"
#include "lib/base/str.h"
#include "statements.h"

static int place_of(char text[BELONGS_MAX], const struct registry_row *r, struct err *err)
{
    if (place_of_registry_password(text, r->id, r->password_number, r->host, r->login) != 0)
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
    char place[BELONGS_MAX];
    struct stmt *s;

    if (place_of(place, registry, err) != 0 || vault_begin(vault, err) != 0)
        return -1;
    s = use(vault, SQL_REGISTRY_PASSWORD_PUT, registry->id, registry->password_number);
    db_bind_text(s, ":host", registry->host);
    db_bind_text(s, ":login", registry->login);
    if (vault_run_encrypted(s, ":password_ct", &(struct lock){vault->master, place}, password, len,
                            err)
        == 0)
        return db_commit(vault->db, err);
    db_rollback(vault->db);
    return -1;
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

static int password_once(struct vault *vault, const struct registry_row *registry,
                         struct buf *password, struct err *err)
{
    char place[BELONGS_MAX], what[100];
    struct stmt *s;

    if (place_of(place, registry, err) != 0 || check_place(vault, registry, err) != 0)
        return -1;
    snprintf(what, sizeof what, "The password of the registry %s", registry->slug);
    s = use(vault, SQL_REGISTRY_PASSWORD_GET, registry->id, registry->password_number);
    return vault_one_decrypted(s, "password_ct", &(struct lock){vault->master, place}, what,
                               password, err);
}

int vault_registry_password(struct vault *vault, const struct registry_row *registry,
                            struct buf *password, struct err *err)
{
    int rc;

    do
        rc = password_once(vault, registry, password, err);
    while (rc != 0 && vault_key_changed(vault));
    return rc;
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

/* secrets.c - the store of secret values: one data key per environment, so that an environment that
 * goes takes the means to read its old backups with it. */
#include "db/vault/secrets.h"

#include <inttypes.h>
#include "db/vault/inside.h"
#include "lib/base/clock.h"
#include "statements.h"

static int read_data_key(struct vault *vault, const char *environment_id,
                         uint8_t key[CRYPTO_KEY_BYTES], struct err *err)
{
    char belongs_to[BELONGS_MAX];
    struct stmt *s;
    struct buf out;
    int rc;

    if (place_of_data_key(belongs_to, environment_id) != 0)
        return err_set(err, ERR_NOT_FOUND, "There is no such environment.");
    buf_init(&out, 64);
    s = db_use(vault->db, SQL_DATA_KEY_GET);
    db_bind_text(s, ":environment_id", environment_id);
    rc = vault_one_decrypted(s, "secret_ct", &(struct lock){vault->master, belongs_to},
                             "The key of this environment's secrets", &out, err);
    if (rc == 0 && out.len == CRYPTO_KEY_BYTES)
        memcpy(key, out.data, CRYPTO_KEY_BYTES);
    else if (rc == 0)
        rc = err_set(err, ERR_INTERNAL, "The key of this environment's secrets is damaged.");
    buf_wipe(&out);
    buf_deinit(&out);
    return rc;
}

/* In a transaction: the environment's key, made at the first use. */
static int data_key(struct vault *vault, const char *environment_id, uint8_t key[CRYPTO_KEY_BYTES],
                    struct err *err)
{
    char belongs_to[BELONGS_MAX];
    struct err cause = {0};
    struct stmt *s;

    if (read_data_key(vault, environment_id, key, &cause) == 0)
        return 0;
    if (cause.code != ERR_NOT_FOUND) {
        if (err != NULL)
            *err = cause;
        return -1;
    }
    if (place_of_data_key(belongs_to, environment_id) != 0)
        return err_set(err, ERR_INTERNAL, "The database holds a damaged environment.");
    crypto_random(key, CRYPTO_KEY_BYTES);
    s = db_use(vault->db, SQL_DATA_KEY_ADD);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_int(s, ":created_at", clock_now_ms());
    return vault_run_encrypted(s, ":secret_ct", &(struct lock){vault->master, belongs_to}, key,
                               CRYPTO_KEY_BYTES, err);
}

static int put_one(struct vault *vault, const char *environment_id, int64_t number,
                   const struct secret_value *value, const uint8_t *key, struct err *err)
{
    char belongs_to[BELONGS_MAX];
    struct stmt *s;

    if (place_of_secret(belongs_to, environment_id, number, value->key) != 0)
        return err_set(err, ERR_INPUT, "A secret's name is too long.");
    s = db_use(vault->db, SQL_SECRET_VALUE_ADD);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_int(s, ":number", number);
    db_bind_text(s, ":key", value->key);
    return vault_run_encrypted(s, ":value_ct", &(struct lock){key, belongs_to}, value->bytes,
                               value->len, err);
}

int vault_put_secrets(struct vault *vault, const char *environment_id, int64_t number,
                      const struct secret_value *values, size_t count, struct err *err)
{
    uint8_t key[CRYPTO_KEY_BYTES];
    struct stmt *s;
    int rc = -1;

    if (vault_begin(vault, err) != 0)
        return -1;
    s = db_use(vault->db, SQL_SECRET_VALUE_REMOVE_SET);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_int(s, ":number", number);
    if (db_run(s, NULL, err) != 0 || data_key(vault, environment_id, key, err) != 0)
        goto out;
    for (size_t i = 0; i < count; i++)
        if (put_one(vault, environment_id, number, &values[i], key, err) != 0)
            goto out;
    rc = db_commit(vault->db, err);
out:
    db_rollback(vault->db);
    crypto_wipe(key, sizeof key);
    return rc;
}

static int get_once(struct vault *vault, const char *environment_id, int64_t number,
                    const char *name, struct buf *value, struct err *err)
{
    uint8_t key[CRYPTO_KEY_BYTES];
    char belongs_to[BELONGS_MAX], what[200];
    struct stmt *s;
    int rc;

    if (place_of_secret(belongs_to, environment_id, number, name) != 0)
        return err_set(err, ERR_NOT_FOUND, "There is no such secret.");
    snprintf(what, sizeof what, "The value of %s in s%" PRId64, name, number);
    if (read_data_key(vault, environment_id, key, err) != 0)
        return err_wrap(err, "%s cannot be read", what);
    s = db_use(vault->db, SQL_SECRET_VALUE_GET);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_int(s, ":number", number);
    db_bind_text(s, ":key", name);
    rc = vault_one_decrypted(s, "value_ct", &(struct lock){key, belongs_to}, what, value, err);
    crypto_wipe(key, sizeof key);
    return rc;
}

int vault_get_secret(struct vault *vault, const char *environment_id, int64_t number,
                     const char *name, struct buf *value, struct err *err)
{
    int rc;

    do
        rc = get_once(vault, environment_id, number, name, value, err);
    while (rc != 0 && vault_key_changed(vault));
    return rc;
}

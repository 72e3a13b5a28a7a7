/* keyring.c - the keys that the master key wraps: making and reading them, and keeping up with a
 * master key that another process replaces.
 *
 * The order when a vault is made: lock the vault (BEGIN IMMEDIATE), make sure of the key file, add
 * the keyring, commit, then add the instance row to windlass.db. Whatever step a crash hits, the
 * next start finds a state it can go on from, and none in which a new key is made over data that
 * only the old one opens. */
#include "db/vault/inside.h"

#include "db/instance.h"
#include "lib/base/clock.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "statements.h"

#define BUSY_MS  5000 /* as db.h has it */
#define OPEN_MAX 5    /* a key that is replaced while the vault is opened: look again */

#define SAY_WRONG                                                                                  \
    "The master key is not the one this vault was made with. Put the right one back from your "    \
    "recovery sheet or your backup, or restore the vault that belongs to this key."

/* --- the keyring --- */

static int read_key(struct vault *vault, const char *name, void *bytes, size_t len, struct err *err)
{
    char belongs_to[BELONGS_MAX];
    struct stmt *s;
    struct err cause = {0};
    struct buf out;
    int rc;

    if (place_of_keyring(belongs_to, name) != 0)
        return err_set(err, ERR_INTERNAL, "A key's name is too long.");
    buf_init(&out, 256);
    s = db_use(vault->db, SQL_KEYRING_GET);
    db_bind_text(s, ":name", name);
    rc = vault_one_decrypted(s, "secret_ct", &(struct lock){vault->master, belongs_to},
                             "The dashboard's own key", &out, &cause);
    if (rc == 0 && out.len == len)
        memcpy(bytes, out.data, len);
    else if (cause.code == ERR_INTERNAL || rc == 0)
        rc = err_set(err, ERR_CONFLICT, SAY_WRONG);
    else if (err != NULL)
        *err = cause;
    buf_wipe(&out);
    buf_deinit(&out);
    return rc;
}

int keyring_read(struct vault *vault, struct err *err)
{
    uint8_t pair[2 * SEAL_KEY_BYTES];
    int rc = -1;

    if (read_key(vault, KEYRING_INSTANCE, vault->instance_id, CRYPTO_ID_SIZE - 1, err) == 0
        && read_key(vault, KEYRING_SEAL, pair, sizeof pair, err) == 0
        && read_key(vault, KEYRING_AUDIT, vault->audit_secret, sizeof vault->audit_secret, err) == 0
        && read_key(vault, KEYRING_SESSION, vault->session_key, sizeof vault->session_key, err) == 0
        && read_key(vault, KEYRING_FINGERPRINT, vault->fingerprint_key,
                    sizeof vault->fingerprint_key, err)
               == 0) {
        memcpy(vault->seal_public, pair, SEAL_KEY_BYTES);
        memcpy(vault->seal_secret, pair + SEAL_KEY_BYTES, SEAL_KEY_BYTES);
        rc = 0;
    }
    crypto_wipe(pair, sizeof pair);
    return rc;
}

/* --- the master key --- */

int master_row_get(struct vault *vault, struct master_row *row, struct err *err)
{
    struct stmt *s = db_use(vault->db, SQL_MASTER_KEY_GET);
    int r = db_step(s, err);

    *row = (struct master_row){.settled = true};
    if (r == 1) {
        bool fits = str_copy(row->id, sizeof row->id, db_col_text(s, "id"));

        row->settled = db_col_int(s, "settled") != 0;
        db_done(s);
        return fits ? 0 : err_set(err, ERR_INTERNAL, "The vault holds a damaged key number.");
    }
    return r;
}

int master_row_set(struct vault *vault, const char *id, bool settled, struct err *err)
{
    struct stmt *s = db_use(vault->db, SQL_MASTER_KEY_SET);

    db_bind_text(s, ":id", id);
    db_bind_int(s, ":since", clock_now_ms());
    db_bind_int(s, ":settled", settled ? 1 : 0);
    return db_run(s, NULL, err);
}

static void take_master(struct vault *vault, struct master_key *key)
{
    memcpy(vault->master, key->bytes, sizeof vault->master);
    memcpy(vault->key_id, key->id, sizeof vault->key_id);
    vault->key_from = key->from;
    crypto_wipe(key, sizeof *key);
}

static int load_master(struct vault *vault, const char *id, struct err *err)
{
    struct master_key key;

    if (master_key_load(vault->var_dir, id, &key, err) != 0)
        return -1;
    take_master(vault, &key);
    return 0;
}

/* A rotation was cut off before its rename: do it, when nobody has the vault locked. */
static void finish_rename(struct vault *vault)
{
    bool is_ours = !db_in_transaction(vault->db);
    struct master_row row;
    struct err err = {0};

    if (is_ours) {
        int rc;

        db_set_busy_ms(vault->db, 0);
        rc = db_begin(vault->db, &err);
        db_set_busy_ms(vault->db, BUSY_MS);
        if (rc != 0)
            return;
    }
    if (master_row_get(vault, &row, &err) != 0 || strcmp(row.id, vault->key_id) != 0
        || master_key_promote(vault->var_dir, row.id, &err) != 0) {
        if (err.code != ERR_NONE) /* otherwise the key was replaced once more meanwhile */
            log_err("vault_key_rename", &err);
    } else
        vault->key_from = KEY_FROM_FILE;
    if (is_ours)
        db_rollback(vault->db);
}

/* The master key with the number that the vault has now. */
static int follow(struct vault *vault, struct err *err)
{
    struct master_row row;

    if (master_row_get(vault, &row, err) != 0)
        return -1;
    if (vault->key_id[0] != '\0' && strcmp(row.id, vault->key_id) == 0)
        return 0;
    if (load_master(vault, row.id, err) != 0)
        return -1;
    if (vault->key_from == KEY_FROM_NEXT)
        finish_rename(vault);
    return 0;
}

bool vault_key_changed(struct vault *vault)
{
    char before[VAULT_KEY_ID_SIZE];
    struct err err = {0};

    memcpy(before, vault->key_id, sizeof before);
    if (follow(vault, &err) != 0) {
        log_err("vault_key_follow", &err);
        return false;
    }
    if (strcmp(before, vault->key_id) == 0)
        return false;
    LOG_INFO("vault_key_replaced", "number=%s", vault->key_id);
    return true;
}

int vault_begin(struct vault *vault, struct err *err)
{
    if (db_begin(vault->db, err) != 0)
        return -1;
    if (follow(vault, err) == 0)
        return 0;
    db_rollback(vault->db);
    return -1;
}

int keyring_open(struct vault *vault, struct err *err)
{
    struct err cause = {0};

    for (int i = 0; i < OPEN_MAX; i++) {
        struct master_row before, after;

        if (master_row_get(vault, &before, err) != 0)
            return -1;
        cause = (struct err){0};
        if (follow(vault, &cause) == 0 && keyring_read(vault, &cause) == 0)
            return 0;
        if (master_row_get(vault, &after, err) != 0)
            return -1;
        if (strcmp(before.id, after.id) == 0)
            break;
    }
    if (err != NULL)
        *err = cause;
    return -1;
}

/* --- making them --- */

static int make_master(struct vault *vault, struct err *err)
{
    struct master_key key;
    int rc;

    master_key_make(&key);
    key.from = KEY_FROM_FILE;
    rc = master_key_write(vault->var_dir, &key, false, err);
    if (rc == 0)
        take_master(vault, &key);
    crypto_wipe(&key, sizeof key);
    return rc;
}

static int add_key(struct vault *vault, const char *name, const void *bytes, size_t len,
                   struct err *err)
{
    char belongs_to[BELONGS_MAX];
    struct stmt *s;

    if (place_of_keyring(belongs_to, name) != 0)
        return err_set(err, ERR_INTERNAL, "A key's name is too long.");
    s = db_use(vault->db, SQL_KEYRING_ADD);
    db_bind_text(s, ":name", name);
    db_bind_int(s, ":created_at", clock_now_ms());
    return vault_run_encrypted(s, ":secret_ct", &(struct lock){vault->master, belongs_to}, bytes,
                               len, err);
}

static int make_keyring(struct vault *vault, struct err *err)
{
    uint8_t pair[2 * SEAL_KEY_BYTES], sign_public[SIGN_PUBLIC_BYTES];
    int rc = -1;

    crypto_new_id(vault->instance_id);
    unseal_keypair(pair, pair + SEAL_KEY_BYTES);
    sign_keypair(sign_public, vault->audit_secret);
    crypto_random(vault->session_key, sizeof vault->session_key);
    crypto_random(vault->fingerprint_key, sizeof vault->fingerprint_key);
    if (add_key(vault, KEYRING_INSTANCE, vault->instance_id, CRYPTO_ID_SIZE - 1, err) == 0
        && add_key(vault, KEYRING_SEAL, pair, sizeof pair, err) == 0
        && add_key(vault, KEYRING_AUDIT, vault->audit_secret, sizeof vault->audit_secret, err) == 0
        && add_key(vault, KEYRING_SESSION, vault->session_key, sizeof vault->session_key, err) == 0
        && add_key(vault, KEYRING_FINGERPRINT, vault->fingerprint_key,
                   sizeof vault->fingerprint_key, err)
               == 0)
        rc = 0;
    crypto_wipe(pair, sizeof pair);
    return rc;
}

static int is_empty(struct vault *vault, bool *empty, struct err *err)
{
    struct stmt *s = db_use(vault->db, SQL_KEYRING_COUNT);

    if (db_one(s, err) != 0)
        return -1;
    *empty = db_col_int(s, "count") == 0;
    db_done(s);
    return 0;
}

/* Under the vault's write lock: a key and a keyring, made only when there is nothing yet, and the
 * key's number. */
static int make_keys_locked(struct vault *vault, struct err *err)
{
    struct master_row row;
    struct err cause = {0};
    bool empty = false;

    if (is_empty(vault, &empty, err) != 0 || master_row_get(vault, &row, err) != 0)
        return -1;
    if (load_master(vault, row.id, &cause) != 0) {
        if (cause.code != ERR_NOT_FOUND || !empty) {
            cause.code = ERR_CONFLICT;
            if (err != NULL)
                *err = cause;
            return -1;
        }
        if (make_master(vault, err) != 0)
            return -1;
    }
    if ((empty && make_keyring(vault, err) != 0) || keyring_read(vault, err) != 0)
        return -1;
    return row.id[0] != '\0' ? 0 : master_row_set(vault, vault->key_id, true, err);
}

static int make_keys(struct vault *vault, struct err *err)
{
    if (db_begin(vault->db, err) != 0)
        return -1;
    if (make_keys_locked(vault, err) == 0)
        return db_commit(vault->db, err);
    db_rollback(vault->db);
    return -1;
}

/* windlass.db shows the public halves. When it shows others, the two databases are not of one
 * dashboard. */
static int match_instance(const struct vault *vault, struct db *shared, struct err *err)
{
    struct instance instance = {.created_at = clock_now_ms()}, stored;
    struct err cause = {0};

    memcpy(instance.id, vault->instance_id, sizeof instance.id);
    memcpy(instance.seal_key, vault->seal_public, sizeof instance.seal_key);
    memcpy(instance.audit_key, vault->audit_secret + SIGN_SECRET_BYTES - SIGN_PUBLIC_BYTES,
           sizeof instance.audit_key);
    if (instance_get(shared, &stored, &cause) != 0) {
        if (cause.code == ERR_NOT_FOUND)
            return instance_add(shared, &instance, err);
        if (err != NULL)
            *err = cause;
        return -1;
    }
    if (strcmp(stored.id, instance.id) != 0
        || !crypto_equal(stored.seal_key, instance.seal_key, sizeof stored.seal_key)
        || !crypto_equal(stored.audit_key, instance.audit_key, sizeof stored.audit_key))
        return err_set(err, ERR_CONFLICT,
                       "The database (db/windlass.db) and the vault (vault/vault.db) belong to two "
                       "different dashboards. Restore both from the same backup.");
    return 0;
}

/* What an interrupted rotation has left to do. The dashboard starts without it as well. */
static void settle_quietly(struct vault *vault, struct db *shared)
{
    struct master_row row;
    struct err err = {0};

    if (master_row_get(vault, &row, &err) == 0
        && (row.settled || vault_settle(vault, shared, NULL, &err) == 0))
        return;
    log_err("vault_settle", &err);
}

int vault_prepare(const char *var_dir, struct db *shared, struct err *err)
{
    char path[4096];
    struct vault vault = {0};
    int rc = -1;

    if (!fs_join(path, sizeof path, var_dir, "vault")
        || !str_copy(vault.var_dir, sizeof vault.var_dir, var_dir))
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    if (fs_mkdirs(path, 0700, err) != 0 || vault_path(var_dir, path, sizeof path, err) != 0
        || db_migrate(path, DB_VAULT, -1, err) != 0
        || db_open(path, DB_VAULT, DB_ROLE_WORKER, &vault.db, err) != 0)
        return -1;
    if (make_keys(&vault, err) == 0 && match_instance(&vault, shared, err) == 0) {
        settle_quietly(&vault, shared);
        rc = 0;
    }
    db_close(vault.db);
    crypto_wipe(&vault, sizeof vault);
    return rc;
}

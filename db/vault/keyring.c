/* keyring.c - the master key's file, and making or reading the keys it wraps.
 *
 * The order when a vault is made: lock the vault (BEGIN IMMEDIATE), make sure of the key file, add
 * the keyring, commit, then add the instance row to windlass.db. Whatever step a crash hits, the
 * next start finds a state it can go on from, and none in which a new key is made over data that
 * only the old one opens. */
#include "db/vault/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "db/instance.h"
#include "lib/base/clock.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "statements.h"

#define KEY_FILE "keys/master.key"

#define SAY_MISSING                                                                                \
    "The master key (" KEY_FILE " in the data folder) is missing, and the vault holds data that "  \
    "only it opens. Put the key back from your backup: owned by the worker's user, mode 0400."
#define SAY_WRONG                                                                                  \
    "The master key (" KEY_FILE " in the data folder) is not the one this vault was made with. "   \
    "Put the right one back from your backup, or restore the vault that belongs to this key."

/* --- the file --- */

static int check_file(int fd, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_errno(err, "stat " KEY_FILE);
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
        return err_set(err, ERR_CONFLICT,
                       "The master key (" KEY_FILE
                       " in the data folder) can be read by other users. "
                       "Make it private: chmod 0400 " KEY_FILE);
    if (st.st_uid != geteuid() && geteuid() != 0)
        return err_set(err, ERR_CONFLICT,
                       "The master key (" KEY_FILE " in the data folder) belongs to another user. "
                       "Give it to the worker's user with chown.");
    return 0;
}

int master_key_read(const char *var_dir, uint8_t key[CRYPTO_KEY_BYTES], struct err *err)
{
    char path[4096], text[2 * CRYPTO_KEY_BYTES + 2] = "";
    ssize_t len;
    int fd, rc = -1;

    if (!fs_join(path, sizeof path, var_dir, KEY_FILE))
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd == -1 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, SAY_MISSING);
    if (fd == -1) {
        err_set(err, ERR_CONFLICT,
                "The master key (" KEY_FILE
                " in the data folder) cannot be read. It must belong to "
                "the worker's user and have mode 0400.");
        return err_detail(err, "open " KEY_FILE ": errno %d", errno);
    }
    len = read(fd, text, sizeof text - 1);
    if (check_file(fd, err) == 0) {
        if (len == 2 * CRYPTO_KEY_BYTES + 1 && text[2 * CRYPTO_KEY_BYTES] == '\n')
            text[2 * CRYPTO_KEY_BYTES] = '\0';
        rc = crypto_unhex(text, key, CRYPTO_KEY_BYTES)
                 ? 0
                 : err_set(err, ERR_CONFLICT,
                           "The master key (" KEY_FILE
                           " in the data folder) is not a key: it must be "
                           "64 hex digits. Put it back from your backup.");
    }
    crypto_wipe(text, sizeof text);
    close(fd);
    return rc;
}

int master_key_create(const char *var_dir, uint8_t key[CRYPTO_KEY_BYTES], struct err *err)
{
    char path[4096], text[2 * CRYPTO_KEY_BYTES + 2];
    int rc;

    if (!fs_join(path, sizeof path, var_dir, "keys"))
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    if (fs_mkdirs(path, 0700, err) != 0)
        return -1;
    if (!fs_join(path, sizeof path, var_dir, KEY_FILE))
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    crypto_random(key, CRYPTO_KEY_BYTES);
    crypto_hex(text, sizeof text, key, CRYPTO_KEY_BYTES);
    text[2 * CRYPTO_KEY_BYTES] = '\n';
    rc = fs_write_atomic(path, text, 2 * CRYPTO_KEY_BYTES + 1, 0400, err);
    crypto_wipe(text, sizeof text);
    if (rc == 0)
        LOG_INFO("vault_master_key_made", "file=" KEY_FILE);
    return rc;
}

/* --- the keyring --- */

static int read_key(struct vault *vault, const char *name, void *bytes, size_t len, struct err *err)
{
    char belongs_to[BELONGS_MAX];
    struct stmt *s = db_use(vault->db, SQL_KEYRING_GET);
    struct err cause = {0};
    struct buf out;
    int rc;

    buf_init(&out, 256);
    snprintf(belongs_to, sizeof belongs_to, "keyring|%s", name);
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

static int add_key(struct vault *vault, const char *name, const void *bytes, size_t len,
                   struct err *err)
{
    char belongs_to[BELONGS_MAX];
    struct stmt *s = db_use(vault->db, SQL_KEYRING_ADD);

    snprintf(belongs_to, sizeof belongs_to, "keyring|%s", name);
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

/* Under the vault's write lock: a key and a keyring, made only when there is nothing yet. */
static int make_keys(struct vault *vault, const char *var_dir, struct err *err)
{
    struct err cause = {0};
    bool empty = false;

    if (db_begin(vault->db, err) != 0)
        return -1;
    if (is_empty(vault, &empty, err) != 0)
        goto out;
    if (master_key_read(var_dir, vault->master, &cause) != 0) {
        if (cause.code != ERR_NOT_FOUND || !empty) {
            cause.code = ERR_CONFLICT;
            if (err != NULL)
                *err = cause;
            goto out;
        }
        if (master_key_create(var_dir, vault->master, err) != 0)
            goto out;
    }
    if (empty && make_keyring(vault, err) != 0)
        goto out;
    return db_commit(vault->db, err);
out:
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

int vault_prepare(const char *var_dir, struct db *shared, struct err *err)
{
    char path[4096];
    struct vault vault = {0};
    int rc = -1;

    if (!fs_join(path, sizeof path, var_dir, "vault"))
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    if (fs_mkdirs(path, 0700, err) != 0 || vault_path(var_dir, path, sizeof path, err) != 0
        || db_migrate(path, DB_VAULT, -1, err) != 0
        || db_open(path, DB_VAULT, DB_ROLE_WORKER, &vault.db, err) != 0)
        return -1;
    if (make_keys(&vault, var_dir, err) == 0 && keyring_read(&vault, err) == 0
        && match_instance(&vault, shared, err) == 0)
        rc = 0;
    db_close(vault.db);
    crypto_wipe(&vault, sizeof vault);
    return rc;
}

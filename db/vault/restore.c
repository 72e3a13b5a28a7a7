/* restore.c - putting a master key back that was written down (keys.h). */
#include "db/vault/inside.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "db/audit.h"
#include "lib/base/clock.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"

/* The vault's database without a key. */
static int open_without_key(const char *var_dir, struct vault *vault, struct err *err)
{
    char path[4096];

    if (!str_copy(vault->var_dir, sizeof vault->var_dir, var_dir))
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    if (vault_path(var_dir, path, sizeof path, err) != 0)
        return -1;
    return db_open(path, DB_VAULT, DB_ROLE_CLI, &vault->db, err);
}

/* Under the vault's lock: does it open with this key? */
static int check_key(struct vault *vault, struct err *err)
{
    struct master_row row;

    if (master_row_get(vault, &row, err) != 0)
        return -1;
    if (row.id[0] != '\0' && strcmp(row.id, vault->key_id) != 0)
        return err_set(err, ERR_CONFLICT,
                       "This key has the number %s, and the vault is under the key %s. Nothing was "
                       "changed. Take the sheet with that number, or restore the vault that "
                       "belongs to this key.",
                       vault->key_id, row.id);
    if (keyring_read(vault, err) != 0)
        return err_wrap(err, "Nothing was changed");
    return 0;
}

/* A key file that is in the way gets another name: it may open a backup. */
static int move_aside(const char *var_dir, struct vault_restored *result, struct err *err)
{
    char from[4096], to[4096];

    if (!fs_join(from, sizeof from, var_dir, "keys/master.key"))
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    if (access(from, F_OK) != 0)
        return 0;
    (void)snprintf(result->kept, sizeof result->kept, "keys/master.key.replaced-%lld",
                   (long long)clock_now_ms());
    if (!fs_join(to, sizeof to, var_dir, result->kept))
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    return rename(from, to) == 0 ? 0 : err_errno(err, "rename the master key");
}

/* No event, no change. */
static void undo(const char *var_dir, const struct vault_restored *result)
{
    char path[4096], kept[4096];

    if (!fs_join(path, sizeof path, var_dir, "keys/master.key")
        || !fs_join(kept, sizeof kept, var_dir, result->kept))
        return;
    if (result->kept[0] != '\0')
        (void)rename(kept, path);
    else
        (void)unlink(path);
}

static int write_key(struct vault *vault, struct db *shared, struct vault_restored *result,
                     struct err *err)
{
    const struct audit_entry entry = {.actor = &ACTOR_COMMAND_LINE,
                                      .verb = "key.restore",
                                      .target_kind = "key",
                                      .target_id = vault->key_id,
                                      .target_name = vault->key_id};
    struct master_key key = {.from = KEY_FROM_FILE};
    int rc = -1;

    memcpy(key.bytes, vault->master, sizeof key.bytes);
    memcpy(key.id, vault->key_id, sizeof key.id);
    if (audit_append(shared, &entry, err) == 0 && move_aside(vault->var_dir, result, err) == 0
        && master_key_write(vault->var_dir, &key, false, err) == 0) {
        rc = db_commit(shared, err);
        if (rc != 0)
            undo(vault->var_dir, result);
    }
    crypto_wipe(&key, sizeof key);
    return rc;
}

static bool is_in_place(const struct vault *vault)
{
    struct master_key found;
    bool is_same = master_key_load(vault->var_dir, vault->key_id, &found, NULL) == 0
                   && found.from == KEY_FROM_FILE;

    crypto_wipe(&found, sizeof found);
    return is_same;
}

int vault_restore_key(const char *var_dir, struct db *shared, const uint8_t key[CRYPTO_KEY_BYTES],
                      struct vault_restored *result, struct err *err)
{
    struct vault vault = {0};
    int rc = -1;

    *result = (struct vault_restored){0};
    memcpy(vault.master, key, sizeof vault.master);
    master_key_id(key, vault.key_id);
    memcpy(result->id, vault.key_id, sizeof result->id);
    if (open_without_key(var_dir, &vault, err) != 0)
        goto out;
    if (db_begin(shared, err) != 0 || db_begin(vault.db, err) != 0 || check_key(&vault, err) != 0)
        goto out;
    result->was_there = is_in_place(&vault);
    rc = result->was_there ? 0 : write_key(&vault, shared, result, err);
out:
    if (vault.db != NULL)
        db_rollback(vault.db);
    db_rollback(shared);
    db_close(vault.db);
    crypto_wipe(&vault, sizeof vault);
    return rc;
}

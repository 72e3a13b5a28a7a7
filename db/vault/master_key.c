/* master_key.c - where the master key lies: a file of the data folder, the one beside it that a
 * rotation has written, or a credential of systemd (systemd.exec(5), LoadCredential=). */
#include "db/vault/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

#define KEY_FILE        "keys/master.key"
#define NEXT_FILE       "keys/master.key.next"
#define CREDENTIAL      "windlass-master.key"
#define UNIT_CREDENTIAL "/run/credentials/windlass-worker.service/" CREDENTIAL
#define KEY_DIGITS      (2 * CRYPTO_KEY_BYTES)

#define SAY_MISSING                                                                                \
    "The master key (" KEY_FILE " in the data folder) is missing, and the vault holds data that "  \
    "only it opens. Put the key back from your recovery sheet (windlass key restore) or from "     \
    "your backup: owned by the worker's user, mode 0400."

/* --- its number --- */

void master_key_id(const uint8_t key[CRYPTO_KEY_BYTES], char id[VAULT_KEY_ID_SIZE])
{
    uint8_t mac[CRYPTO_MAC_BYTES];
    char hex[17];

    crypto_mac(key, "master_key_number", "", 0, mac);
    crypto_hex(hex, sizeof hex, mac, 8);
    snprintf(id, VAULT_KEY_ID_SIZE, "%.4s-%.4s-%.4s-%.4s", hex, hex + 4, hex + 8, hex + 12);
}

void master_key_make(struct master_key *key)
{
    crypto_random(key->bytes, sizeof key->bytes);
    master_key_id(key->bytes, key->id);
    key->from = KEY_FROM_NOWHERE;
}

/* --- reading --- */

/* What is read, and what to call it in a sentence. */
struct place {
    char path[4096];
    const char *shown;
    enum key_source from;
};

static int check_rights(int fd, const struct place *place, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_errno(err, "stat %s", place->shown);
    if (place->from == KEY_FROM_CREDENTIAL) /* systemd lets the service's user read it by an ACL */
        return 0;
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
        return err_set(err, ERR_CONFLICT,
                       "The master key (%s in the data folder) can be read by other users. Make it "
                       "private: chmod 0400 %s",
                       place->shown, place->shown);
    if (st.st_uid != geteuid() && geteuid() != 0)
        return err_set(err, ERR_CONFLICT,
                       "The master key (%s in the data folder) belongs to another user. Give it to "
                       "the worker's user with chown.",
                       place->shown);
    return 0;
}

/* ERR_NOT_FOUND: there is no such file. */
static int read_place(const struct place *place, struct master_key *key, struct err *err)
{
    char text[KEY_DIGITS + 2] = "";
    ssize_t len;
    int rc = -1, fd = open(place->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd == -1 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, SAY_MISSING);
    if (fd == -1) {
        err_set(err, ERR_CONFLICT,
                "The master key (%s) cannot be read. It must belong to the worker's user and have "
                "mode 0400.",
                place->shown);
        return err_detail(err, "open %s: errno %d", place->shown, errno);
    }
    len = read(fd, text, sizeof text - 1);
    if (check_rights(fd, place, err) == 0) {
        if (len == KEY_DIGITS + 1 && text[KEY_DIGITS] == '\n')
            text[KEY_DIGITS] = '\0';
        rc = crypto_unhex(text, key->bytes, CRYPTO_KEY_BYTES)
                 ? 0
                 : err_set(err, ERR_CONFLICT,
                           "The master key (%s) is not a key: it must be %d hex digits. Put it "
                           "back from your recovery sheet or your backup.",
                           place->shown, KEY_DIGITS);
    }
    if (rc == 0) {
        master_key_id(key->bytes, key->id);
        key->from = place->from;
    }
    crypto_wipe(text, sizeof text);
    close(fd);
    return rc;
}

static int in_data_folder(struct place *place, const char *var_dir, enum key_source from,
                          struct err *err)
{
    place->from = from;
    place->shown = from == KEY_FROM_NEXT ? NEXT_FILE : KEY_FILE;
    if (!fs_join(place->path, sizeof place->path, var_dir, place->shown))
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    return 0;
}

/* The credential of the service we are part of, if there is one. */
static bool find_own_credential(struct place *place)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");

    *place = (struct place){.from = KEY_FROM_CREDENTIAL, .shown = "the credential " CREDENTIAL};
    return folder != NULL && fs_join(place->path, sizeof place->path, folder, CREDENTIAL)
           && fs_exists(place->path);
}

static int check_number(const struct master_key *key, const char *id, const char *shown,
                        struct err *err)
{
    if (id[0] == '\0' || strcmp(key->id, id) == 0)
        return 0;
    return err_set(err, ERR_CONFLICT,
                   "The master key (%s) is not the one this vault was made with: it has the number "
                   "%s, the vault is under %s. Put the right one back from the recovery sheet with "
                   "that number or from your backup, or restore the vault that belongs to this "
                   "key.",
                   shown, key->id, id);
}

/* For `windlass` on a machine whose service has the key as a credential, which root can read. */
static int load_unit_credential(const char *id, struct master_key *key)
{
    struct place place = {.from = KEY_FROM_CREDENTIAL, .shown = "the credential " CREDENTIAL};

    (void)snprintf(place.path, sizeof place.path, "%s", UNIT_CREDENTIAL);
    if (id[0] != '\0' && read_place(&place, key, NULL) == 0 && strcmp(key->id, id) == 0)
        return 0;
    crypto_wipe(key, sizeof *key);
    return -1;
}

bool master_key_is_credential_of_unit(const char *id)
{
    struct master_key key;
    bool is_ours = load_unit_credential(id, &key) == 0;

    crypto_wipe(&key, sizeof key);
    return is_ours;
}

/* In the data folder: the file, or what a rotation has left beside it. */
static int load_file(const char *var_dir, const char *id, struct master_key *key, struct err *err)
{
    struct place file, next;
    struct err cause = {0};
    int found;

    if (in_data_folder(&file, var_dir, KEY_FROM_FILE, err) != 0
        || in_data_folder(&next, var_dir, KEY_FROM_NEXT, err) != 0)
        return -1;
    found = read_place(&file, key, &cause);
    if (found == 0 && check_number(key, id, KEY_FILE, &cause) == 0)
        return 0;
    if (id[0] != '\0' && read_place(&next, key, NULL) == 0 && strcmp(key->id, id) == 0)
        return 0;
    /* Somebody who opened the vault at the same time may have renamed it in between. */
    if (id[0] != '\0' && read_place(&file, key, NULL) == 0 && strcmp(key->id, id) == 0)
        return 0;
    crypto_wipe(key, sizeof *key);
    if (err != NULL)
        *err = cause;
    return -1;
}

int master_key_load(const char *var_dir, const char *id, struct master_key *key, struct err *err)
{
    struct place place;
    struct err cause = {0};

    if (find_own_credential(&place)) {
        if (read_place(&place, key, err) == 0 && check_number(key, id, place.shown, err) == 0)
            return 0;
        crypto_wipe(key, sizeof *key);
        return -1;
    }
    if (load_file(var_dir, id, key, &cause) == 0)
        return 0;
    if (cause.code == ERR_NOT_FOUND && load_unit_credential(id, key) == 0)
        return 0;
    crypto_wipe(key, sizeof *key);
    if (err != NULL)
        *err = cause;
    return -1;
}

/* --- writing --- */

static int sync_folder(const char *var_dir, struct err *err)
{
    char path[4096];
    int fd, rc;

    if (!fs_join(path, sizeof path, var_dir, "keys"))
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1)
        return err_errno(err, "open folder keys");
    rc = fsync(fd);
    if (rc != 0 && errno != EINVAL) /* some file systems have nothing to sync in a folder */
        err_errno(err, "fsync folder keys");
    else
        rc = 0;
    close(fd);
    return rc;
}

/* root writes for the worker, whose user owns the vault. */
static int give_away(const char *var_dir, const char *path, struct err *err)
{
    char vault[4096];
    struct stat st;

    if (geteuid() != 0 || vault_path(var_dir, vault, sizeof vault, NULL) != 0
        || stat(vault, &st) != 0)
        return 0;
    return lchown(path, st.st_uid, st.st_gid) == 0 ? 0 : err_errno(err, "chown the master key");
}

int master_key_write(const char *var_dir, const struct master_key *key, bool next, struct err *err)
{
    char folder[4096], text[KEY_DIGITS + 2];
    struct place place;
    bool is_new;
    int rc;

    if (in_data_folder(&place, var_dir, next ? KEY_FROM_NEXT : KEY_FROM_FILE, err) != 0)
        return -1;
    if (!fs_join(folder, sizeof folder, var_dir, "keys"))
        return err_set(err, ERR_INTERNAL, "The data folder's path is too long.");
    is_new = !fs_exists(folder);
    if (fs_mkdirs(folder, 0700, err) != 0 || (is_new && give_away(var_dir, folder, err) != 0))
        return -1;
    crypto_hex(text, sizeof text, key->bytes, CRYPTO_KEY_BYTES);
    text[KEY_DIGITS] = '\n';
    rc = fs_write_atomic(place.path, text, KEY_DIGITS + 1, 0400, err);
    crypto_wipe(text, sizeof text);
    if (rc == 0)
        rc = give_away(var_dir, place.path, err);
    if (rc == 0)
        LOG_INFO("vault_master_key_written", "file=%s number=%s", place.shown, key->id);
    return rc;
}

int master_key_promote(const char *var_dir, const char *id, struct err *err)
{
    struct place file, next;
    struct master_key key;
    int rc = -1;

    if (in_data_folder(&file, var_dir, KEY_FROM_FILE, err) != 0
        || in_data_folder(&next, var_dir, KEY_FROM_NEXT, err) != 0)
        return -1;
    if (read_place(&file, &key, NULL) == 0 && strcmp(key.id, id) == 0)
        rc = 0; /* somebody was faster */
    else if (read_place(&next, &key, err) == 0 && check_number(&key, id, NEXT_FILE, err) == 0)
        rc = rename(next.path, file.path) == 0 ? sync_folder(var_dir, err)
                                               : err_errno(err, "rename " NEXT_FILE);
    crypto_wipe(&key, sizeof key);
    return rc;
}

void master_key_drop_next(const char *var_dir)
{
    struct place next;

    if (in_data_folder(&next, var_dir, KEY_FROM_NEXT, NULL) == 0)
        (void)unlink(next.path);
}

/* assets.c - hashes static/. Small by its own budget (under 60 KB on the wire), so files are read
 * whole. */
#include "cgi/http/assets.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "lib/base/buf.h"
#include "lib/base/fs.h"
#include "lib/crypto/crypto.h"

#define ASSET_MAX    ((size_t)4 * 1024 * 1024)
#define ASSET_LEVELS 2

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int hash_file(const char *path, const char *name, struct crypto_sha256_state *state,
                     struct err *err)
{
    uint8_t hash[CRYPTO_HASH_BYTES];
    struct buf bytes;
    int rc;

    buf_init(&bytes, ASSET_MAX);
    rc = fs_read_all(path, &bytes, err);
    if (rc == 0) {
        crypto_sha256(bytes.data, bytes.len, hash);
        crypto_sha256_add(state, name, strlen(name) + 1);
        crypto_sha256_add(state, hash, sizeof hash);
    }
    buf_deinit(&bytes);
    return rc;
}

static int hash_folder(const char *folder, int levels, struct crypto_sha256_state *state,
                       struct err *err)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_shown, alphasort);
    int rc = count < 0 ? err_errno(err, "read the folder %s", folder) : 0;

    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        struct stat st;

        if (rc == 0 && fs_join(path, sizeof path, folder, entries[i]->d_name)
            && stat(path, &st) == 0) {
            if (S_ISREG(st.st_mode))
                rc = hash_file(path, entries[i]->d_name, state, err);
            else if (S_ISDIR(st.st_mode) && levels > 1)
                rc = hash_folder(path, levels - 1, state, err);
        }
        free(entries[i]);
    }
    free(entries);
    return rc;
}

int assets_version(const char *folder, char version[ASSETS_VERSION_SIZE], struct err *err)
{
    struct crypto_sha256_state state;
    uint8_t hash[CRYPTO_HASH_BYTES];

    crypto_sha256_init(&state);
    if (hash_folder(folder, ASSET_LEVELS, &state, err) != 0)
        return -1;
    crypto_sha256_end(&state, hash);
    crypto_hex(version, ASSETS_VERSION_SIZE, hash, (ASSETS_VERSION_SIZE - 1) / 2);
    return 0;
}

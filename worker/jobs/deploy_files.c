/* Secret files, written down for recipes/lib.sh. */
#include "worker/jobs/deploy_files.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/str.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/shell.h"
#include "lib/domain/validate.h"

#define OTHER_FIELDS ((size_t)600) /* path, mode, hash, and four names of variables */

static int assign_field(struct buf *out, size_t number, const char *field, const char *text,
                        size_t len, struct err *err)
{
    char name[64];
    (void)snprintf(name, sizeof name, "WL_FILE_%zu_%s", number, field);
    return shell_assign(out, name, text, len, err);
}

static int assign_bytes(struct buf *out, size_t number, const struct secret_item *item,
                        struct err *err)
{
    size_t size = CRYPTO_B64_SIZE(item->len);
    char *text = malloc(size);
    int rc;
    if (text == NULL)
        return err_set(err, ERR_NO_MEMORY, "No memory is left.");
    crypto_b64(text, size, item->bytes, item->len);
    rc = assign_field(out, number, "BASE64", text, strlen(text), err);
    crypto_wipe(text, size);
    free(text);
    return rc;
}

static int assign_file(struct buf *out, size_t number, const struct secret_item *item,
                       struct err *err)
{
    uint8_t hash[CRYPTO_HASH_BYTES];
    char hex[2 * CRYPTO_HASH_BYTES + 1], mode[8];
    crypto_sha256(item->bytes, item->len, hash);
    crypto_hex(hex, sizeof hex, hash, sizeof hash);
    (void)snprintf(mode, sizeof mode, "%04o", (unsigned)item->mode & 07777U);
    if (assign_field(out, number, "PATH", item->path, strlen(item->path), err) != 0
        || assign_field(out, number, "MODE", mode, strlen(mode), err) != 0
        || assign_field(out, number, "SHA256", hex, strlen(hex), err) != 0)
        return -1;
    return assign_bytes(out, number, item, err);
}

/* Checked when it was saved as well; but what is written on a server by this path is worth a second
 * look. */
static int check_place(const struct secret_item *item, struct err *err)
{
    if (item->path == NULL)
        return err_field(err, item->key, "%.128s is a file without a path. Say where it goes.",
                         item->key);
    if (validate_secret_path(item->key, item->path, err) != 0)
        return -1;
    return validate_file_mode(item->key, item->mode, err);
}

/* Two files cannot have one path, nor can one lie below the other. */
static bool is_in_way(const struct secret_item *file, const struct secret_item *of)
{
    size_t len = strlen(file->path);
    return strncmp(file->path, of->path, len) == 0
           && (of->path[len] == '\0' || of->path[len] == '/');
}

static int check_ways(const struct secret_values *values, const struct secret_item *item,
                      struct err *err)
{
    for (size_t i = 0; i < values->count; i++) {
        const struct secret_item *other = &values->items[i];
        if (other != item && other->is_file && other->path != NULL && is_in_way(other, item))
            return err_field(err, item->key,
                             "The file %.128s (%.200s) is in the way of %.128s (%.200s). Give one "
                             "of them another path.",
                             other->key, other->path, item->key, item->path);
    }
    return 0;
}

static int check_room(const struct buf *out, const struct secret_item *item, struct err *err)
{
    if (out->len + CRYPTO_B64_SIZE(item->len) + OTHER_FIELDS <= out->max)
        return 0;
    return err_field(err, item->key,
                     "The file %.128s does not fit in: an environment's variables and files may "
                     "take %zu KiB together on the way to a server, where a file takes a third "
                     "more than its size. Make it smaller, or put large files into the release.",
                     item->key, out->max / 1024);
}

int deploy_files_assign(struct buf *out, const struct secret_values *values, struct err *err)
{
    char count[24];
    size_t number = 0;
    for (size_t i = 0; i < values->count; i++) {
        const struct secret_item *item = &values->items[i];
        if (!item->is_file)
            continue;
        if (check_place(item, err) != 0 || check_ways(values, item, err) != 0
            || check_room(out, item, err) != 0 || assign_file(out, ++number, item, err) != 0)
            return -1;
    }
    (void)snprintf(count, sizeof count, "%zu", number);
    return shell_assign(out, "WL_FILES", count, strlen(count), err);
}

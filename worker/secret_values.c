/* secret_values.c - bringing the two halves of a secret set together (secret_values.h). */
#include "worker/secret_values.h"

#include <stdlib.h>
#include <string.h>
#include "db/secret_sets.h"
#include "db/vault/secrets.h"
#include "lib/base/str.h"

#define ARENA_MAX    ((size_t)64 * 1024 * 1024)
#define VALUE_MAX    ((size_t)1024 * 1024)
#define SETS_TO_MASK 3

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is not enough memory for the secrets.");
}

void secret_values_free(struct secret_values *values)
{
    for (size_t i = 0; i < values->count; i++) {
        if (values->items[i].bytes != NULL)
            crypto_wipe(values->items[i].bytes, values->items[i].len);
        free(values->items[i].bytes);
        free(values->items[i].path);
    }
    free(values->items);
    *values = (struct secret_values){0};
}

/* Which set is read. */
struct source {
    struct db *shared;
    struct vault *vault;
    const char *environment_id;
    int64_t number;
};

static int read_bytes(const struct source *from, const struct secret_row *row,
                      struct secret_item *item, struct err *err)
{
    struct buf bytes;
    int rc = 0;

    buf_init(&bytes, VALUE_MAX);
    if (item->is_hidden)
        rc = vault_get_secret(from->vault, from->environment_id, from->number, row->key, &bytes,
                              err);
    else
        buf_add_str(&bytes, row->plain == NULL ? "" : row->plain);
    if (rc == 0 && buf_ok(&bytes)) {
        item->bytes = malloc(bytes.len + 1);
        if (item->bytes != NULL) {
            memcpy(item->bytes, bytes.data, bytes.len);
            item->bytes[bytes.len] = '\0';
            item->len = bytes.len;
        }
    }
    buf_wipe(&bytes);
    buf_deinit(&bytes);
    if (rc != 0)
        return -1;
    return item->bytes == NULL ? no_memory(err) : 0;
}

/* Append one entry of a set to the list, which has room. */
static int take(const struct source *from, const struct secret_row *row,
                struct secret_values *values, struct err *err)
{
    struct secret_item *item = &values->items[values->count];

    *item = (struct secret_item){.is_file = strcmp(row->form, "file") == 0,
                                 .is_hidden = strcmp(row->kind, "plain") != 0,
                                 .mode = row->mode};
    values->count++; /* from here on secret_values_free sees it */
    if (!str_copy(item->key, sizeof item->key, row->key))
        return err_set(err, ERR_INTERNAL, "The database holds a secret whose name is too long.");
    if (row->path != NULL && (item->path = strdup(row->path)) == NULL)
        return no_memory(err);
    return read_bytes(from, row, item, err);
}

static bool has_bytes(const struct secret_values *values, size_t count,
                      const struct secret_item *item)
{
    for (size_t i = 0; i < count; i++)
        if (values->items[i].len == item->len
            && memcmp(values->items[i].bytes, item->bytes, item->len) == 0)
            return true;
    return false;
}

/* Forget the item just taken when its value is empty or there already: masking needs it once. */
static void drop_repeated(struct secret_values *values)
{
    struct secret_item *item = &values->items[values->count - 1];

    if (item->len > 0 && !has_bytes(values, values->count - 1, item))
        return;
    crypto_wipe(item->bytes, item->len);
    free(item->bytes);
    free(item->path);
    values->count--;
}

/* Which entries of a set: what the app sees, what is to be masked (each once), or one key. */
struct wanted {
    bool to_mask;
    const char *key;
};

static bool is_wanted(const struct wanted *wanted, const struct secret_row *row)
{
    if (wanted->key != NULL)
        return strcmp(row->key, wanted->key) == 0;
    return wanted->to_mask ? strcmp(row->kind, "plain") != 0 : strcmp(row->stage, "build") != 0;
}

static int take_set(const struct source *from, const struct wanted *wanted,
                    struct secret_values *values, struct err *err)
{
    struct arena *arena = arena_new(ARENA_MAX);
    struct secret_rows rows = {0};
    struct secret_item *grown;
    int rc = -1;

    if (arena == NULL)
        return no_memory(err);
    if (secret_set_read(from->shared, from->environment_id, from->number, arena, &rows, err) != 0)
        goto out;
    grown = realloc(values->items, (values->count + rows.count + 1) * sizeof *grown);
    if (grown == NULL) {
        no_memory(err);
        goto out;
    }
    values->items = grown;
    for (size_t i = 0; i < rows.count; i++) {
        if (!is_wanted(wanted, &rows.rows[i]))
            continue;
        if (take(from, &rows.rows[i], values, err) != 0)
            goto out;
        if (wanted->to_mask)
            drop_repeated(values);
    }
    rc = 0;
out:
    arena_free(arena);
    return rc;
}

int secret_values_of_set(struct db *shared, struct vault *vault, const char *environment_id,
                         int64_t number, struct secret_values *values, struct err *err)
{
    struct source from = {shared, vault, environment_id, number};

    *values = (struct secret_values){0};
    if (number <= 0)
        return 0;
    if (take_set(&from, &(struct wanted){0}, values, err) == 0)
        return 0;
    secret_values_free(values);
    return -1;
}

int secret_values_one(struct db *shared, struct vault *vault, const struct secret_key *key,
                      struct secret_values *values, struct err *err)
{
    struct source from = {shared, vault, key->environment_id, key->number};

    *values = (struct secret_values){0};
    if (key->number <= 0 || take_set(&from, &(struct wanted){.key = key->key}, values, err) == 0)
        return 0;
    secret_values_free(values);
    return -1;
}

void secret_values_drop(struct secret_values *values, const char *key)
{
    size_t kept = 0;

    for (size_t i = 0; i < values->count; i++) {
        struct secret_item *item = &values->items[i];
        if (strcmp(item->key, key) != 0) {
            values->items[kept++] = *item;
            continue;
        }
        crypto_wipe(item->bytes, item->len);
        free(item->bytes);
        free(item->path);
    }
    values->count = kept;
}

int secret_values_to_mask(struct db *shared, struct vault *vault, const char *environment_id,
                          int64_t number, struct secret_values *values, struct err *err)
{
    struct source from = {shared, vault, environment_id, number};

    *values = (struct secret_values){0};
    for (; from.number > 0 && from.number > number - SETS_TO_MASK; from.number--)
        if (take_set(&from, &(struct wanted){.to_mask = true}, values, err) != 0) {
            secret_values_free(values);
            return -1;
        }
    return 0;
}

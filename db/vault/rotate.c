/* rotate.c - a new master key for everything (keys.h).
 *
 * Two stores, one of which is a file: no transaction covers both, so the order is what makes it
 * safe. The new key is on the disk, beside the old one, before the vault's commit can refer to it
 * (by its number); after the commit the new one takes the old one's name. Whoever opens the vault
 * takes the file with the vault's number. All of it under the vault's write lock.
 *
 * windlass.db is locked first, as everywhere, and for the whole time: the event is written before
 * anything else, and committed right after the vault. A crash between the two commits leaves a
 * vault that is not settled; the event is added then by whoever finishes.
 *
 * The tables are emptied and filled again rather than changed in place, with secure_delete on: a
 * page that is freed as a whole is overwritten as a whole, also where a row once lay that SQLite
 * has moved to another page. Then the write-ahead log, which holds the pages as they were, is
 * emptied. */
#include "db/vault/inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include "db/audit.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "statements.h"

#define VALUE_MAX        ((size_t)16 * 1024 * 1024) /* as much as a row may hold */
#define ENVIRONMENTS_MAX 100000

const char *vault_rotate_point_name(enum vault_rotate_point point)
{
    static const char *const NAMES[ROTATE_POINTS] = {
        "begun", "key_written", "value", "encrypted", "committed", "noted", "renamed", "scrubbed"};

    return (unsigned)point < ROTATE_POINTS ? NAMES[point] : "?";
}

static void tell(const struct vault_watch *watch, enum vault_rotate_point point)
{
    if (watch != NULL && watch->at != NULL)
        watch->at(point, watch->context);
}

/* --- the event --- */

static int append_event(struct db *shared, const char *verb, const char *id, json_t *detail,
                        struct err *err)
{
    const struct audit_entry entry = {.actor = &ACTOR_COMMAND_LINE,
                                      .verb = verb,
                                      .target_kind = "key",
                                      .target_id = id,
                                      .target_name = id,
                                      .detail = detail};

    return audit_append(shared, &entry, err);
}

/* After a crash between the two commits: the event that is missing. */
static int make_sure_of_event(struct db *shared, const char *id, struct err *err)
{
    struct stmt *s;
    int64_t count;

    if (db_begin(shared, err) != 0)
        return -1;
    s = db_use(shared, SQL_KEY_EVENT_COUNT);
    db_bind_text(s, ":id", id);
    if (db_one(s, err) != 0)
        goto out;
    count = db_col_int(s, "count");
    db_done(s);
    if (count == 0
        && append_event(shared, "key.rotate", id, json_pack("{s:b}", "finished_later", 1), err)
               != 0)
        goto out;
    return db_commit(shared, err);
out:
    db_rollback(shared);
    return -1;
}

/* --- rows --- */

/* The tables whose rows are encrypted, in the order of their names, in which the rows come: data
 * keys before what is under them. */
enum kind { KIND_DATA_KEY = 0, KIND_KEYRING, KIND_REGISTRY, KIND_SECRET, KIND_SERVER, KIND_COUNT };

/* How each is emptied and filled. */
static const struct {
    const char *name;
    int take, clear, put;
} SOURCES[KIND_COUNT] = {
    {"data_key", SQL_ROTATE_TAKE_DATA_KEY, SQL_ROTATE_CLEAR_DATA_KEY, SQL_ROTATE_PUT_DATA_KEY},
    {"keyring", SQL_ROTATE_TAKE_KEYRING, SQL_ROTATE_CLEAR_KEYRING, SQL_ROTATE_PUT_KEYRING},
    {"registry_password", SQL_ROTATE_TAKE_REGISTRY_PASSWORD, SQL_ROTATE_CLEAR_REGISTRY_PASSWORD,
     SQL_ROTATE_PUT_REGISTRY_PASSWORD},
    {"secret_value", SQL_ROTATE_TAKE_SECRET_VALUE, SQL_ROTATE_CLEAR_SECRET_VALUE,
     SQL_ROTATE_PUT_SECRET_VALUE},
    {"server_key", SQL_ROTATE_TAKE_SERVER_KEY, SQL_ROTATE_CLEAR_SERVER_KEY,
     SQL_ROTATE_PUT_SERVER_KEY},
};

struct data_key_pair {
    char environment_id[64];
    uint8_t before[CRYPTO_KEY_BYTES], after[CRYPTO_KEY_BYTES];
};

struct work {
    struct vault *vault;
    const struct vault_watch *watch;
    struct master_key next;
    struct data_key_pair *pairs; /* by environment_id */
    size_t pair_count, pair_room;
    struct buf plain;
    struct vault_rotation *result;
};

static int run(struct vault *vault, int statement, struct err *err)
{
    return db_run(db_use(vault->db, statement), NULL, err);
}

/* A row of `rotation` as its columns. Borrowed. */
struct row {
    enum kind kind;
    const char *a, *c, *d;
    int64_t b;
};

static int read_row(struct stmt *s, struct row *row, struct err *err)
{
    const char *source = db_col_text(s, "source");
    int kind = 0;

    while (kind < KIND_COUNT && strcmp(SOURCES[kind].name, source) != 0)
        kind++;
    row->kind = (enum kind)kind;
    row->a = db_col_text(s, "a");
    row->b = db_col_int(s, "b");
    row->c = db_col_text(s, "c");
    row->d = db_col_text(s, "d");
    return kind < KIND_COUNT
               ? 0
               : err_set(err, ERR_INTERNAL, "The vault holds a row of an unknown kind.");
}

static int place_of_row(const struct row *row, char place[BELONGS_MAX])
{
    switch (row->kind) {
    case KIND_DATA_KEY:
        return place_of_data_key(place, row->a);
    case KIND_KEYRING:
        return place_of_keyring(place, row->a);
    case KIND_REGISTRY:
        return place_of_registry_password(place, row->a, row->b, row->c, row->d);
    case KIND_SECRET:
        return place_of_secret(place, row->a, row->b, row->c);
    case KIND_SERVER:
        return place_of_server_key(place, row->a);
    case KIND_COUNT:
        break;
    }
    return -1;
}

/* How a person would call it. */
static void name_row(const struct row *row, char *what, size_t size)
{
    switch (row->kind) {
    case KIND_DATA_KEY:
        (void)snprintf(what, size, "The key of the secrets of environment %s", row->a);
        break;
    case KIND_KEYRING:
        (void)snprintf(what, size, "The dashboard's own key \"%s\"", row->a);
        break;
    case KIND_REGISTRY:
        (void)snprintf(what, size, "The password of the registry at %.200s", row->c);
        break;
    case KIND_SECRET:
        (void)snprintf(what, size, "The value of %s in s%" PRId64 " of environment %s", row->c,
                       row->b, row->a);
        break;
    case KIND_SERVER:
    case KIND_COUNT:
        (void)snprintf(what, size, "Our key for the server %s", row->a);
        break;
    }
}

static int by_environment(const void *key, const void *pair)
{
    return strcmp(key, ((const struct data_key_pair *)pair)->environment_id);
}

/* Keep the data key just decrypted, and put a new one in its place. */
static int renew_data_key(struct work *w, const struct row *row, struct err *err)
{
    struct data_key_pair *pair;

    if (w->plain.len != CRYPTO_KEY_BYTES || strlen(row->a) >= sizeof pair->environment_id
        || w->pair_count >= ENVIRONMENTS_MAX)
        return err_set(err, ERR_INTERNAL, "The key of the secrets of environment %.60s is damaged.",
                       row->a);
    if (w->pair_count == w->pair_room) {
        size_t room = w->pair_room == 0 ? 64 : 2 * w->pair_room;
        struct data_key_pair *grown = calloc(room, sizeof *grown);

        if (grown == NULL)
            return err_set(err, ERR_NO_MEMORY, "There is not enough memory for all keys.");
        if (w->pairs != NULL) {
            memcpy(grown, w->pairs, w->pair_count * sizeof *grown);
            crypto_wipe(w->pairs, w->pair_count * sizeof *grown);
            free(w->pairs);
        }
        w->pairs = grown;
        w->pair_room = room;
    }
    pair = &w->pairs[w->pair_count++];
    (void)str_copy(pair->environment_id, sizeof pair->environment_id, row->a);
    memcpy(pair->before, w->plain.data, CRYPTO_KEY_BYTES);
    crypto_random(pair->after, CRYPTO_KEY_BYTES);
    memcpy(w->plain.data, pair->after, CRYPTO_KEY_BYTES);
    return 0;
}

/* The keys a row is under before and after. */
static int keys_of_row(const struct work *w, const struct row *row, const uint8_t **before,
                       const uint8_t **after)
{
    const struct data_key_pair *pair;

    if (row->kind != KIND_SECRET) {
        *before = w->vault->master;
        *after = w->next.bytes;
        return 0;
    }
    pair = w->pairs == NULL
               ? NULL
               : bsearch(row->a, w->pairs, w->pair_count, sizeof *pair, by_environment);
    if (pair == NULL)
        return -1;
    *before = pair->before;
    *after = pair->after;
    return 0;
}

static void count_row(struct vault_rotation *result, enum kind kind)
{
    result->environments += kind == KIND_DATA_KEY;
    result->registries += kind == KIND_REGISTRY;
    result->values += kind == KIND_SECRET;
    result->servers += kind == KIND_SERVER;
}

static int put_row(struct work *w, const struct row *row, const struct lock *lock, struct err *err)
{
    struct stmt *s = db_use(w->vault->db, SOURCES[row->kind].put);

    db_bind_text(s, ":a", row->a);
    db_bind_int(s, ":b", row->b);
    db_bind_text(s, ":c", row->c);
    db_bind_text(s, ":d", row->d);
    return vault_run_encrypted(s, ":ct", lock, w->plain.data, w->plain.len, err);
}

static int encrypt_row(struct work *w, struct stmt *s, struct err *err)
{
    const uint8_t *before, *after;
    char place[BELONGS_MAX], what[400];
    struct row row;

    if (read_row(s, &row, err) != 0)
        return -1;
    name_row(&row, what, sizeof what);
    if (place_of_row(&row, place) != 0 || keys_of_row(w, &row, &before, &after) != 0)
        return err_set(err, ERR_CONFLICT,
                       "%s cannot be read: the key of its environment is not in the vault. Nothing "
                       "was changed. Restore the vault from a backup.",
                       what);
    buf_wipe(&w->plain);
    buf_reset(&w->plain);
    if (vault_decrypt_column(s, "ct", &(struct lock){before, place}, what, &w->plain, err) != 0) {
        if (err != NULL && err->code == ERR_INTERNAL)
            err->code = ERR_CONFLICT;
        return err_wrap(err, "Nothing was changed");
    }
    if (row.kind == KIND_DATA_KEY && renew_data_key(w, &row, err) != 0)
        return -1;
    if (put_row(w, &row, &(struct lock){after, place}, err) != 0)
        return -1;
    count_row(w->result, row.kind);
    tell(w->watch, ROTATE_VALUE);
    return 0;
}

/* In the vault's transaction. */
static int encrypt_all(struct work *w, struct err *err)
{
    struct stmt *rows;
    int r;

    for (size_t i = 0; i < KIND_COUNT; i++)
        if (run(w->vault, SOURCES[i].take, err) != 0 || run(w->vault, SOURCES[i].clear, err) != 0)
            return -1;
    rows = db_use(w->vault->db, SQL_ROTATION_ROWS);
    while ((r = db_step(rows, err)) == 1)
        if (encrypt_row(w, rows, err) != 0) {
            db_done(rows);
            return -1;
        }
    return r == 0 ? run(w->vault, SQL_ROTATION_CLEAR, err) : -1;
}

/* --- the rotation --- */

/* Everything up to the commit of the vault, which is the rotation; both databases are locked. */
static int change_keys(struct work *w, struct db *shared, struct err *err)
{
    struct vault *vault = w->vault;
    int rc = -1;

    master_key_make(&w->next);
    (void)str_copy(w->result->before, sizeof w->result->before, vault->key_id);
    tell(w->watch, ROTATE_BEGUN);
    if (append_event(shared, "key.rotate", w->next.id, json_pack("{s:s}", "before", vault->key_id),
                     err)
        != 0)
        return -1;
    /* What the vault is under now must have its final name before the other one is overwritten. */
    if (vault->key_from == KEY_FROM_NEXT
        && master_key_promote(vault->var_dir, vault->key_id, err) != 0)
        return -1;
    if (master_key_write(vault->var_dir, &w->next, true, err) != 0)
        return -1;
    tell(w->watch, ROTATE_KEY_WRITTEN);
    if (encrypt_all(w, err) == 0 && master_row_set(vault, w->next.id, false, err) == 0) {
        tell(w->watch, ROTATE_ENCRYPTED);
        rc = db_commit(vault->db, err);
    }
    if (rc != 0) {
        struct master_row row;

        db_rollback(vault->db); /* no other rotation begins: windlass.db is locked still */
        if (master_row_get(vault, &row, NULL) == 0 && strcmp(row.id, vault->key_id) == 0)
            master_key_drop_next(vault->var_dir);
        return -1;
    }
    (void)str_copy(w->result->after, sizeof w->result->after, w->next.id);
    tell(w->watch, ROTATE_COMMITTED);
    return 0;
}

/* Both databases locked, windlass.db first as everywhere. */
static int rotate_locked(struct work *w, struct db *shared, struct err *err)
{
    struct master_row row;
    struct err ignored = {0};
    int rc = -1;

    if (db_begin(shared, err) != 0)
        return -1;
    if (vault_begin(w->vault, err) != 0)
        goto out;
    if (master_row_get(w->vault, &row, err) != 0)
        goto out;
    if (!row.settled) {
        err_set(err, ERR_BUSY, "Another rotation is being finished. Try again in a moment.");
        goto out;
    }
    rc = change_keys(w, shared, err);
    if (rc == 0 && db_commit(shared, &ignored) != 0)
        log_err("vault_rotate_event", &ignored); /* vault_settle adds it */
    if (rc == 0)
        tell(w->watch, ROTATE_NOTED);
out:
    db_rollback(w->vault->db);
    db_rollback(shared);
    return rc;
}

/* Under the vault's lock: the key it is under gets its final name. */
static int settle_file(struct vault *vault, struct err *err)
{
    int rc = 0;

    if (vault_begin(vault, err) != 0) /* where the key was found is known after it */
        return -1;
    if (vault->key_from == KEY_FROM_NEXT) {
        rc = master_key_promote(vault->var_dir, vault->key_id, err);
        if (rc == 0)
            vault->key_from = KEY_FROM_FILE;
    }
    db_rollback(vault->db);
    return rc;
}

static int settle_row(struct vault *vault, struct err *err)
{
    struct stmt *s = db_use(vault->db, SQL_MASTER_KEY_SETTLE);

    db_bind_text(s, ":id", vault->key_id);
    return db_run(s, NULL, err);
}

int vault_settle(struct vault *vault, struct db *shared, const struct vault_watch *watch,
                 struct err *err)
{
    if (settle_file(vault, err) != 0)
        return -1;
    tell(watch, ROTATE_RENAMED);
    if (make_sure_of_event(shared, vault->key_id, err) != 0)
        return -1;
    if (db_empty_log(vault->db, err) != 0)
        return err_wrap(err, "The old bytes are still in vault/vault.db-wal");
    tell(watch, ROTATE_SCRUBBED);
    return settle_row(vault, err);
}

static int rotate(struct work *w, struct db *shared, struct err *err)
{
    struct master_row row;

    if (vault_key_is_credential(w->vault) || master_key_is_credential_of_unit(w->vault->key_id))
        return err_set(err, ERR_CONFLICT,
                       "The master key is a credential of systemd, which cannot be replaced from "
                       "here. docs/running.md (\"The master key\") has the steps: put the key into "
                       "keys/master.key, rotate, and make a credential of the new one.");
    if (master_row_get(w->vault, &row, err) != 0)
        return -1;
    if (!row.settled) {
        (void)str_copy(w->result->after, sizeof w->result->after, row.id);
        w->result->only_finished = true;
        return vault_settle(w->vault, shared, w->watch, err);
    }
    return rotate_locked(w, shared, err) == 0 ? vault_settle(w->vault, shared, w->watch, err) : -1;
}

int vault_rotate(const char *var_dir, struct db *shared, const struct vault_watch *watch,
                 struct vault_rotation *result, struct err *err)
{
    struct work w = {.watch = watch, .result = result};
    int rc = -1;

    *result = (struct vault_rotation){0};
    buf_init(&w.plain, VALUE_MAX);
    if (vault_open(var_dir, DB_ROLE_CLI, &w.vault, err) == 0)
        rc = rotate(&w, shared, err);
    vault_close(w.vault);
    if (w.pairs != NULL)
        crypto_wipe(w.pairs, w.pair_room * sizeof *w.pairs);
    free(w.pairs);
    crypto_wipe(&w.next, sizeof w.next);
    buf_wipe(&w.plain);
    buf_deinit(&w.plain);
    return rc;
}

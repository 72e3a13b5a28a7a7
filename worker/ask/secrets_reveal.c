/* secrets_reveal.c - verb secrets.reveal: stored values of kind secret, for one person's eyes.
 *
 * In: environment_id, number (of the set), key ("" for all of kind secret of that set), purpose
 * (why: "show", "copy", "export"), reply_key (a fresh secretbox key, sealed to the worker). Only
 * who entered their password in the last ten minutes. The event is written before a value leaves:
 * no event, no value. Kind write_only never leaves.
 *
 * Out: a file descriptor beside the answer (unix(7), SCM_RIGHTS): crypto_secretbox under reply_key
 * of the JSON object {"values": {key: base64}}. A value can be longer than a message of the ask
 * socket. */
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>
#include "db/secret_sets.h"
#include "db/vault/secrets.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/str.h"
#include "lib/crypto/reply.h"
#include "lib/domain/validate.h"
#include "worker/ask/pause.h"
#include "worker/ask/question.h"

#define ARENA_MAX ((size_t)32 * 1024 * 1024)
#define VALUE_MAX ((size_t)1024 * 1024)
#define WRITE_MS  2000
#define WHOLE_MAX ((size_t)16 * 1024 * 1024)

struct reveal {
    struct question *q;
    const char *environment_id, *key, *purpose;
    int64_t number;
    struct environment_place place;
    struct secret_rows rows;
    json_t *keys; /* what is shown, for the event */
    struct buf text;
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is not enough memory to show this.");
}

static bool is_wanted(const struct reveal *r, const struct secret_row *row)
{
    if (r->key[0] != '\0')
        return strcmp(row->key, r->key) == 0;
    return strcmp(row->kind, "secret") == 0 && strcmp(row->form, "env") == 0;
}

/* Which rows are shown; a single one must be there, and be of a kind that may be shown. */
static int choose(struct reveal *r, struct err *err)
{
    for (size_t i = 0; i < r->rows.count; i++) {
        const struct secret_row *row = &r->rows.rows[i];

        if (!is_wanted(r, row))
            continue;
        if (strcmp(row->kind, "write_only") == 0)
            return err_field(err, "key", "%s is write-only: it is never shown. Set a new value.",
                             row->key);
        if (json_array_append_new(r->keys, json_string(row->key)) != 0)
            return no_memory(err);
    }
    if (r->key[0] != '\0' && json_array_size(r->keys) == 0)
        return err_set(err, ERR_NOT_FOUND, "There is no secret of this name in s%" PRId64 ".",
                       r->number);
    return 0;
}

static int add_value(struct reveal *r, const struct secret_row *row, bool is_first, struct err *err)
{
    struct buf value;
    char *base64 = NULL;
    size_t size;
    int rc = 0;

    buf_init(&value, VALUE_MAX);
    if (strcmp(row->kind, "plain") == 0)
        buf_add_str(&value, row->plain == NULL ? "" : row->plain);
    else
        rc = vault_get_secret(r->q->vault, r->environment_id, r->number, row->key, &value, err);
    size = CRYPTO_B64_SIZE(value.len);
    if (rc == 0 && (base64 = malloc(size)) == NULL)
        rc = no_memory(err);
    if (rc == 0) {
        crypto_b64(base64, size, value.len == 0 ? "" : value.data, value.len);
        /* Keys are [A-Za-z0-9_]: nothing to escape. */
        buf_printf(&r->text, "%s\"%s\":\"", is_first ? "" : ",", row->key);
        buf_add(&r->text, base64, size - 1);
        buf_add_str(&r->text, "\"");
        crypto_wipe(base64, size);
    }
    free(base64);
    buf_wipe(&value);
    buf_deinit(&value);
    return rc;
}

static int collect(struct reveal *r, struct err *err)
{
    size_t count = 0;

    buf_add_str(&r->text, "{\"values\":{");
    for (size_t i = 0; i < r->rows.count; i++)
        if (is_wanted(r, &r->rows.rows[i])
            && add_value(r, &r->rows.rows[i], count++ == 0, err) != 0)
            return -1;
    buf_add_str(&r->text, "}}");
    return buf_ok(&r->text) ? 0
                            : err_set(err, ERR_TOO_LARGE,
                                      "These values are too large together. Show single ones.");
}

static int append_event(struct reveal *r, struct err *err)
{
    char name[128];
    struct audit_entry entry = {.actor = &r->q->actor,
                                .verb = "secret.reveal",
                                .target_kind = "environment",
                                .target_id = r->environment_id,
                                .target_name = name,
                                .app_id = r->place.app_id,
                                .environment_id = r->environment_id};

    snprintf(name, sizeof name, "%s/%s", r->place.app_slug, r->place.slug);
    entry.detail = json_pack("{s:I, s:O, s:s}", "number", (json_int_t)r->number, "keys", r->keys,
                             "purpose", r->purpose);
    if (db_begin(r->q->shared, err) != 0)
        return -1;
    if (audit_append(r->q->shared, &entry, err) == 0 && db_commit(r->q->shared, err) == 0)
        return 0;
    db_rollback(r->q->shared);
    return -1;
}

/* The encrypted text, in a file without a name that goes with the answer. */
static int put_reply(struct reveal *r, const uint8_t key[REPLY_KEY_BYTES], struct err *err)
{
    size_t len = r->text.len + REPLY_OVERHEAD;
    uint8_t *bytes = malloc(len);
    int fd = -1, rc = -1;

    if (bytes == NULL)
        return no_memory(err);
    reply_seal(key, r->text.data, r->text.len, bytes);
    fd = memfd_create("reply", MFD_CLOEXEC);
    if (fd < 0)
        err_errno(err, "memfd_create");
    else if (io_write_all(fd, bytes, len, clock_mono_ms() + WRITE_MS, err) == 0
             && lseek(fd, 0, SEEK_SET) == 0) { /* the reader shares the position */
        r->q->out_fd = fd;
        fd = -1;
        rc = ask_put_int(r->q, "size", (int64_t)len, err);
    }
    free(bytes);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int read_key(struct question *q, uint8_t key[REPLY_KEY_BYTES], struct err *err)
{
    struct buf out;
    int rc;

    buf_init(&out, REPLY_KEY_BYTES);
    rc = vault_unseal_text(q->vault, "reply_key", ask_text(q, "reply_key"), &out, err);
    if (rc == 0 && out.len != REPLY_KEY_BYTES)
        rc = err_field(err, "reply_key", "This is no key to answer under.");
    if (rc == 0)
        memcpy(key, out.data, REPLY_KEY_BYTES);
    buf_wipe(&out);
    buf_deinit(&out);
    return rc;
}

static bool is_purpose(const char *text)
{
    return str_equal(text, "show") || str_equal(text, "copy") || str_equal(text, "export");
}

static int run(struct reveal *r, struct arena *arena, struct err *err)
{
    struct question *q = r->q;
    uint8_t key[REPLY_KEY_BYTES];
    int rc = -1;

    if (!is_purpose(r->purpose))
        return err_field(err, "purpose", "It must be said why: show, copy or export.");
    if (environment_place(q->shared, r->environment_id, &r->place, err) != 0
        || ask_require(q, CAP_SECRETS, r->place.app_id, r->environment_id, err) != 0
        || ask_require_proof(q, err) != 0 || read_key(q, key, err) != 0)
        return -1;
    if (secret_set_read(q->shared, r->environment_id, r->number, arena, &r->rows, err) == 0
        && choose(r, err) == 0 && collect(r, err) == 0) {
        ask_pause("secrets.reveal.collected");
        if (append_event(r, err) == 0) {
            ask_pause("secrets.reveal.noted");
            rc = put_reply(r, key, err);
        }
    }
    crypto_wipe(key, sizeof key);
    return rc;
}

int ask_secrets_reveal(struct question *q, struct err *err)
{
    struct reveal r = {.q = q,
                       .environment_id = ask_text(q, "environment_id"),
                       .key = ask_text(q, "key"),
                       .purpose = ask_text(q, "purpose"),
                       .number = json_integer_value(json_object_get(q->in, "number")),
                       .keys = json_array()};
    struct arena *arena = arena_new(ARENA_MAX);
    int rc = -1;

    buf_init(&r.text, WHOLE_MAX);
    if (arena == NULL || r.keys == NULL)
        no_memory(err);
    else
        rc = run(&r, arena, err);
    buf_wipe(&r.text);
    buf_deinit(&r.text);
    json_decref(r.keys);
    arena_free(arena);
    return rc;
}

/* audit.c - appending to the history and reading pages of it.
 *
 * The append runs in the caller's write transaction: the change and its event stand or fall
 * together. Because every writer holds the write lock, "the last event" cannot move between reading
 * it and chaining to it. Verification is in audit_verify.c, which needs more cryptography than the
 * web programs are linked with. */
#include "db/audit.h"

#include "db/audit_row.h"
#include "db/json_text.h"
#include "lib/base/clock.h"
#include "statements.h"

#define DETAIL_MAX 65536
#define PAGE_MAX   1000

const struct actor ACTOR_SYSTEM = {"system", "", "Windlass", "", "", NULL};
const struct actor ACTOR_COMMAND_LINE = {"command_line", "", "command line", "", "", NULL};

int audit_row_hash(const struct audit_row *row, const uint8_t prev[CRYPTO_HASH_BYTES],
                   uint8_t hash[CRYPTO_HASH_BYTES], struct err *err)
{
    struct crypto_sha256_state state;
    json_t *object = json_pack(
        "{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:s?, s:s, s:s, s:s, s:s}", "seq",
        (json_int_t)row->seq, "at", (json_int_t)row->at, "actor_kind", row->actor_kind, "actor_id",
        row->actor_id, "actor_name", row->actor_name, "verb", row->verb, "target_kind",
        row->target_kind, "target_id", row->target_id, "target_name", row->target_name, "app_id",
        row->app_id, "environment_id", row->environment_id, "ip", row->ip, "request_id",
        row->request_id, "result", row->result, "detail", row->detail);
    char *text = NULL;
    int rc = object == NULL ? err_set(err, ERR_INTERNAL, "The history entry could not be written.")
                            : json_text(object, &text, err);

    json_decref(object);
    if (rc != 0)
        return err_detail(err, "audit %s: not UTF-8, or out of memory", row->verb);
    crypto_sha256_init(&state);
    crypto_sha256_add(&state, prev, CRYPTO_HASH_BYTES);
    crypto_sha256_add(&state, text, strlen(text));
    crypto_sha256_end(&state, hash);
    free(text);
    return 0;
}

/* The end of the chain: seq 0 and 32 zero bytes while it is empty. */
static int last_event(struct db *db, int64_t *seq, uint8_t hash[CRYPTO_HASH_BYTES], struct err *err)
{
    struct stmt *s = db_use(db, SQL_AUDIT_LAST);
    int r = db_step(s, err);

    *seq = 0;
    memset(hash, 0, CRYPTO_HASH_BYTES);
    if (r == 1) {
        size_t len = 0;
        const void *bytes = db_col_blob(s, "hash", &len);

        *seq = db_col_int(s, "seq");
        if (len == CRYPTO_HASH_BYTES)
            memcpy(hash, bytes, len);
        db_done(s);
        if (len != CRYPTO_HASH_BYTES)
            return err_set(err, ERR_INTERNAL,
                           "The history is damaged: the last event has no hash.");
    }
    return r < 0 ? -1 : 0;
}

static void fill_row(struct audit_row *row, const struct audit_entry *entry, const char *detail)
{
    *row = (struct audit_row){
        .at = clock_now_ms(),
        .actor_kind = entry->actor->kind,
        .actor_id = entry->actor->id,
        .actor_name = entry->actor->name,
        .verb = entry->verb,
        .target_kind = entry->target_kind == NULL ? "" : entry->target_kind,
        .target_id = entry->target_id == NULL ? "" : entry->target_id,
        .target_name = entry->target_name == NULL ? "" : entry->target_name,
        .app_id = entry->app_id,
        .environment_id = entry->environment_id,
        .ip = entry->actor->ip,
        .request_id = entry->actor->request_id,
        .result = entry->result == NULL ? "ok" : entry->result,
        .detail = detail,
    };
}

static int insert(struct db *db, const struct audit_row *row, const uint8_t *prev,
                  const uint8_t *hash, struct err *err)
{
    struct stmt *s = db_use(db, SQL_AUDIT_ADD);

    db_bind_int(s, ":seq", row->seq);
    db_bind_int(s, ":at", row->at);
    db_bind_text(s, ":actor_kind", row->actor_kind);
    db_bind_text(s, ":actor_id", row->actor_id);
    db_bind_text(s, ":actor_name", row->actor_name);
    db_bind_text(s, ":verb", row->verb);
    db_bind_text(s, ":target_kind", row->target_kind);
    db_bind_text(s, ":target_id", row->target_id);
    db_bind_text(s, ":target_name", row->target_name);
    db_bind_text(s, ":app_id", row->app_id);
    db_bind_text(s, ":environment_id", row->environment_id);
    db_bind_text(s, ":ip", row->ip);
    db_bind_text(s, ":request_id", row->request_id);
    db_bind_text(s, ":result", row->result);
    db_bind_text(s, ":detail", row->detail);
    db_bind_blob(s, ":prev_hash", prev, CRYPTO_HASH_BYTES);
    db_bind_blob(s, ":hash", hash, CRYPTO_HASH_BYTES);
    return db_run(s, NULL, err);
}

/* The entry's detail as text; releases it. Says which API token it was asked with. */
static int detail_text(const struct audit_entry *entry, char **text, struct err *err)
{
    json_t *detail = entry->detail;
    int rc = 0;

    if (entry->actor->token != NULL) {
        if (detail == NULL)
            detail = json_object();
        rc = json_object_set_new(detail, "with_token", json_string(entry->actor->token));
    }
    rc = rc == 0 ? json_text(detail, text, err)
                 : err_set(err, ERR_NO_MEMORY, "The history entry could not be written.");
    json_decref(detail);
    return rc;
}

int audit_append(struct db *db, const struct audit_entry *entry, struct err *err)
{
    uint8_t prev[CRYPTO_HASH_BYTES], hash[CRYPTO_HASH_BYTES];
    struct audit_row row;
    char *detail = NULL;
    int64_t last = 0;
    int rc = detail_text(entry, &detail, err);

    if (rc != 0)
        return -1;
    rc = -1;
    if (strlen(detail) > DETAIL_MAX)
        err_set(err, ERR_INTERNAL, "The history entry could not be written: it is too long.");
    else if (!db_in_transaction(db))
        err_set(err, ERR_INTERNAL, "The history entry could not be written outside a transaction.");
    else if (last_event(db, &last, prev, err) == 0) {
        fill_row(&row, entry, detail);
        row.seq = last + 1;
        if (audit_row_hash(&row, prev, hash, err) == 0)
            rc = insert(db, &row, prev, hash, err);
    }
    free(detail);
    return rc;
}

/* --- reading --- */

static const char *filter_text(const json_t *filter, const char *key)
{
    const char *text = json_string_value(json_object_get(filter, key));

    return text == NULL || *text == '\0' ? NULL : text;
}

static int64_t filter_time(const json_t *filter, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(filter, key);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

int audit_list(struct db *db, const json_t *filter, int64_t before, int limit, json_t **events,
               struct err *err)
{
    struct stmt *s = db_use(db, SQL_AUDIT_PAGE);
    const char *verb = filter_text(filter, "verb");
    size_t verb_len = verb == NULL ? 0 : strlen(verb);
    char prefix[128] = "";

    if (verb_len > 0 && verb[verb_len - 1] == '*' && verb_len <= sizeof prefix)
        memcpy(prefix, verb, verb_len - 1);
    db_bind_int(s, ":before", before > 0 ? before : INT64_MAX);
    db_bind_int(s, ":limit", limit < 1 || limit > PAGE_MAX ? PAGE_MAX : limit);
    db_bind_text(s, ":actor", filter_text(filter, "actor"));
    db_bind_text(s, ":verb", prefix[0] != '\0' ? NULL : verb);
    db_bind_text(s, ":verb_prefix", prefix[0] != '\0' ? prefix : NULL);
    db_bind_text(s, ":environment_id", filter_text(filter, "environment_id"));
    db_bind_text(s, ":app_id", filter_text(filter, "app_id"));
    db_bind_text(s, ":target_id", filter_text(filter, "target_id"));
    db_bind_text(s, ":result", filter_text(filter, "result"));
    db_bind_int(s, ":since", filter_time(filter, "since", 0));
    db_bind_int(s, ":till", filter_time(filter, "till", INT64_MAX));
    return db_rows_json(s, events, err);
}

int audit_get(struct db *db, int64_t seq, json_t **event, struct err *err)
{
    struct stmt *s = db_use(db, SQL_AUDIT_BY_SEQ);

    db_bind_int(s, ":seq", seq);
    return db_row_json(s, event, err);
}

/* --- heads --- */

int audit_unsigned_head(struct db *db, int64_t *seq, uint8_t hash[CRYPTO_HASH_BYTES],
                        struct err *err)
{
    struct stmt *s = db_use(db, SQL_AUDIT_HEAD_MISSING);
    int r = db_step(s, err);

    *seq = 0;
    if (r == 1) {
        size_t len = 0;
        const void *bytes = db_col_blob(s, "hash", &len);

        if (len == CRYPTO_HASH_BYTES) {
            memcpy(hash, bytes, len);
            *seq = db_col_int(s, "seq");
        }
        db_done(s);
    }
    return r < 0 ? -1 : 0;
}

int audit_store_head(struct db *db, int64_t seq, const uint8_t hash[CRYPTO_HASH_BYTES],
                     const uint8_t signature[64], struct err *err)
{
    struct stmt *s = db_use(db, SQL_AUDIT_HEAD_ADD);

    db_bind_int(s, ":seq", seq);
    db_bind_blob(s, ":hash", hash, CRYPTO_HASH_BYTES);
    db_bind_int(s, ":signed_at", clock_now_ms());
    db_bind_blob(s, ":signature", signature, 64);
    return db_run(s, NULL, err);
}

/* audit_verify.c - is the history whole? Walks every event and every signed head in one snapshot.
 *
 * The chain alone finds an event that was changed, removed or moved; it cannot find a tail that was
 * cut off, nor a chain that was computed afresh from some event on. The heads, signed with a key
 * only the worker holds, find both. What neither finds is the loss of events after the last head
 * together with that head: the copies on the targets are for that. */
#include "db/audit.h"

#include <inttypes.h>
#include "db/audit_row.h"
#include "db/instance.h"
#include "lib/crypto/unseal.h"
#include "statements.h"

/* "windlass-audit-head-v1\n<instance>\n<seq>\n<hex hash>\n" */
size_t audit_head_message(char *out, size_t size, const char *instance, int64_t seq,
                          const uint8_t hash[CRYPTO_HASH_BYTES])
{
    char hex[CRYPTO_HASH_HEX];
    int len;

    crypto_hex(hex, sizeof hex, hash, CRYPTO_HASH_BYTES);
    len = snprintf(out, size, "windlass-audit-head-v1\n%s\n%" PRId64 "\n%s\n", instance, seq, hex);
    return len < 0 || (size_t)len >= size ? 0 : (size_t)len;
}

struct walk {
    struct audit_report *report;
    struct instance instance;
    int64_t last_seq;
    uint8_t last_hash[CRYPTO_HASH_BYTES];
    int64_t head_seq; /* the next head to compare; 0: no more */
    uint8_t head_hash[CRYPTO_HASH_BYTES];
    bool stopped;
};

static void bad(struct walk *walk, int64_t seq, const char *fmt, ...) PRINTF(3, 4);
static void bad(struct walk *walk, int64_t seq, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(walk->report->why, sizeof walk->report->why, fmt, args);
    va_end(args);
    walk->report->ok = false;
    walk->report->first_bad = seq;
    walk->stopped = true;
}

static bool copy_hash(uint8_t hash[CRYPTO_HASH_BYTES], struct stmt *s, const char *column)
{
    size_t len = 0;
    const void *bytes = db_col_blob(s, column, &len);

    if (len != CRYPTO_HASH_BYTES)
        return false;
    memcpy(hash, bytes, len);
    return true;
}

static void check_head(struct walk *walk, struct stmt *heads)
{
    char message[256];
    size_t message_len, len = 0;
    const void *signature = db_col_blob(heads, "signature", &len);

    if (len != SIGN_BYTES || !copy_hash(walk->head_hash, heads, "hash")) {
        bad(walk, walk->head_seq, "the signed head of event %" PRId64 " is damaged",
            walk->head_seq);
        return;
    }
    message_len = audit_head_message(message, sizeof message, walk->instance.id, walk->head_seq,
                                     walk->head_hash);
    if (message_len == 0 || !sign_verify(walk->instance.audit_key, message, message_len, signature))
        bad(walk, walk->head_seq,
            "the signature of the head at event %" PRId64 " is not this dashboard's",
            walk->head_seq);
}

/* Step to the next head and check its signature. */
static int next_head(struct walk *walk, struct stmt *heads, struct err *err)
{
    int r = db_step(heads, err);

    walk->head_seq = 0;
    if (r == 1) {
        walk->head_seq = db_col_int(heads, "seq");
        walk->report->heads++;
        check_head(walk, heads);
    }
    return r < 0 ? -1 : 0;
}

static void read_row(struct stmt *s, struct audit_row *row)
{
    *row = (struct audit_row){
        .seq = db_col_int(s, "seq"),
        .at = db_col_int(s, "at"),
        .actor_kind = db_col_text(s, "actor_kind"),
        .actor_id = db_col_text(s, "actor_id"),
        .actor_name = db_col_text(s, "actor_name"),
        .verb = db_col_text(s, "verb"),
        .target_kind = db_col_text(s, "target_kind"),
        .target_id = db_col_text(s, "target_id"),
        .target_name = db_col_text(s, "target_name"),
        .app_id = db_col_is_null(s, "app_id") ? NULL : db_col_text(s, "app_id"),
        .environment_id =
            db_col_is_null(s, "environment_id") ? NULL : db_col_text(s, "environment_id"),
        .ip = db_col_text(s, "ip"),
        .request_id = db_col_text(s, "request_id"),
        .result = db_col_text(s, "result"),
        .detail = db_col_text(s, "detail"),
    };
}

static void check_event(struct walk *walk, struct stmt *events)
{
    uint8_t prev[CRYPTO_HASH_BYTES], stored[CRYPTO_HASH_BYTES], computed[CRYPTO_HASH_BYTES];
    struct audit_row row;
    struct err unreadable;

    read_row(events, &row);
    walk->report->events++;
    if (row.seq != walk->last_seq + 1)
        bad(walk, walk->last_seq + 1, "event %" PRId64 " is missing", walk->last_seq + 1);
    else if (!copy_hash(prev, events, "prev_hash") || !copy_hash(stored, events, "hash")
             || audit_row_hash(&row, prev, computed, &unreadable) != 0
             || !crypto_equal(stored, computed, sizeof stored))
        bad(walk, row.seq, "event %" PRId64 " was changed after it was written", row.seq);
    else if (!crypto_equal(prev, walk->last_hash, sizeof prev))
        bad(walk, row.seq,
            "event %" PRId64
            " does not follow the one before it: events were replaced or reordered",
            row.seq);
    else if (walk->head_seq == row.seq && !crypto_equal(walk->head_hash, stored, sizeof stored))
        bad(walk, row.seq,
            "event %" PRId64 " is not the one that was signed: the history was rewritten", row.seq);
    if (walk->stopped)
        return;
    walk->last_seq = row.seq;
    memcpy(walk->last_hash, stored, sizeof stored);
}

static int walk_all(struct walk *walk, struct stmt *heads, struct stmt *events, struct err *err)
{
    int r = 0;

    if (next_head(walk, heads, err) != 0)
        return -1;
    while (!walk->stopped && (r = db_step(events, err)) == 1) {
        check_event(walk, events);
        if (!walk->stopped && walk->head_seq == walk->last_seq && next_head(walk, heads, err) != 0)
            return -1;
    }
    if (r >= 0 && !walk->stopped && walk->head_seq > walk->last_seq)
        bad(walk, walk->last_seq + 1,
            "the end is missing: event %" PRId64 " was signed, and the last one here is %" PRId64,
            walk->head_seq, walk->last_seq);
    return r < 0 ? -1 : 0;
}

int audit_verify(struct db *db, struct audit_report *report, struct err *err)
{
    struct walk walk = {.report = report};
    struct stmt *heads, *events;
    int rc;

    *report = (struct audit_report){.ok = true};
    if (instance_get(db, &walk.instance, err) != 0)
        return -1;
    heads = db_use(db, SQL_AUDIT_HEADS);
    events = db_use(db, SQL_AUDIT_CHAIN);
    rc = walk_all(&walk, heads, events, err);
    db_done(heads);
    db_done(events);
    if (rc != 0)
        report->ok = false;
    return rc;
}

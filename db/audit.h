/* audit.h - the history: appended in the transaction of the change it describes, each event chained
 * to the one before.
 *
 * hash(n) = SHA-256(prev_hash || canonical JSON of all other columns of the row: keys sorted,
 * compact, UTF-8). No event, no change: audit_append requires an open write transaction and its
 * failure must roll back. Heads are signed by the worker (Ed25519 over
 * "windlass-audit-head-v1\n<instance>\n<seq>\n<hex hash>\n"). */
#ifndef WL_DB_AUDIT_H
#define WL_DB_AUDIT_H

#include <jansson.h>
#include "db/db.h"

/* Who does something. Borrowed strings; never NULL (use ""). */
struct actor {
    const char *kind; /* user, system, command_line, nobody */
    const char *id;
    const char *name;
    const char *ip;
    const char *request_id;
    const char *token; /* name of the API token it was asked with, which the event then tells; NULL:
                          none */
};
extern const struct actor ACTOR_SYSTEM;
extern const struct actor ACTOR_COMMAND_LINE;

struct audit_entry {
    const struct actor *actor;
    const char *verb; /* category.verb, docs/audit-verbs.md lists them */
    const char *target_kind, *target_id, *target_name;
    const char *app_id, *environment_id; /* NULL: none */
    const char *result;                  /* NULL: "ok" */
    json_t *detail;                      /* stolen; NULL: {} */
};

int audit_append(struct db *db, const struct audit_entry *entry, struct err *err) MUST_USE;

/* A page of events, newest first: those with seq < before (0: from the newest). `filter` keys (all
 * optional, strings): actor (name or id), verb (a trailing * matches a prefix), environment_id,
 * app_id, target_id, result; since and till (integers, ms). */
int audit_list(struct db *db, const json_t *filter, int64_t before, int limit, json_t **events,
               struct err *err) MUST_USE;
int audit_get(struct db *db, int64_t seq, json_t **event, struct err *err) MUST_USE;

/* Walk the whole chain. `ok` false names the first bad event and why: changed, missing, reordered,
 * tail missing (a signed head is newer than the last event), bad signature. */
struct audit_report {
    bool ok;
    int64_t events, heads, first_bad;
    char why[256];
};
int audit_verify(struct db *db, struct audit_report *report, struct err *err) MUST_USE;
/* The newest event without a signed head yet; seq 0 when there is none. Worker only. */
int audit_unsigned_head(struct db *db, int64_t *seq, uint8_t hash[32], struct err *err) MUST_USE;
/* What a head's signature covers; 0 when it does not fit (192 bytes always do). */
size_t audit_head_message(char *out, size_t size, const char *instance, int64_t seq,
                          const uint8_t hash[32]);
int audit_store_head(struct db *db, int64_t seq, const uint8_t hash[32],
                     const uint8_t signature[64], struct err *err) MUST_USE;

#endif

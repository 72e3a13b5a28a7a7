/* throttle.c - slowing down who guesses passwords, by account and by address.
 *
 * After a few failures each further one doubles the wait. An account is never blocked for longer
 * than a minute, so that nobody can keep its owner out; an address, for up to a quarter of an hour.
 * An IPv6 address counts by its /64, which is what one person gets. Failures are forgotten after an
 * hour of quiet. Unknown logins are counted like known ones, or the difference would tell which
 * exist. */
#include "worker/ask/question.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include "db/secret_sets.h"
#include "db/users.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "worker/ask/ask.h"

#define QUIET_MS        ((int64_t)60 * 60 * 1000)
#define KEEP_MS         ((int64_t)24 * 60 * 60 * 1000)
#define REPORT_EVERY_MS ((int64_t)60 * 1000)
#define DRAFT_LIFE_MS   ((int64_t)24 * 60 * 60 * 1000)

static const struct limit {
    int64_t free_failures, max_wait_ms;
} ACCOUNT = {5, 60 * 1000}, ADDRESS = {20, 15 * 60 * 1000};

static void account_key(char *key, size_t size, const char *login)
{
    int len = snprintf(key, size, "account:%s", login);

    if (len < 0 || (size_t)len >= size) /* no login is that long */
        snprintf(key, size, "account:?");
    for (char *c = key; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
}

/* what: "address" for sign-ins, "token" for API tokens, so that a forgotten job with an old token
 * does not keep the people behind the same address out. */
static void address_key(char *key, size_t size, const char *what, const char *ip)
{
    struct in6_addr v6;
    struct in_addr v4;
    char text[INET6_ADDRSTRLEN];

    if (inet_pton(AF_INET6, ip, &v6) == 1 && IN6_IS_ADDR_V4MAPPED(&v6)
        && inet_ntop(AF_INET, &v6.s6_addr[12], text, sizeof text) != NULL)
        snprintf(key, size, "%s:%s", what, text);
    else if (inet_pton(AF_INET6, ip, &v6) == 1) {
        memset(&v6.s6_addr[8], 0, 8);
        inet_ntop(AF_INET6, &v6, text, sizeof text);
        snprintf(key, size, "%s:%s/64", what, text);
    } else
        snprintf(key, size, "%s:%s", what, inet_pton(AF_INET, ip, &v4) == 1 ? ip : "?");
}

/* The wait after `failures`: nothing, then 1 s, 2 s, 4 s, ... */
static int64_t wait_ms(const struct limit *limit, int64_t failures)
{
    int64_t over = failures - limit->free_failures, wait;

    if (over < 0)
        return 0;
    wait = over > 20 ? limit->max_wait_ms : (int64_t)1000 << over;
    return wait > limit->max_wait_ms ? limit->max_wait_ms : wait;
}

static int read_key(struct question *q, const char *key, int64_t now, struct login_failure *f,
                    struct err *err)
{
    if (login_failure_get(q->shared, key, f, err) != 0)
        return -1;
    if (f->last_at != 0 && now - f->last_at > QUIET_MS) {
        f->failures = 0;
        f->first_at = 0;
        f->blocked_till = 0;
    }
    return 0;
}

static int count_one(struct question *q, const char *key, const struct limit *limit, int64_t now,
                     struct login_failure *f, struct err *err)
{
    f->failures++;
    if (f->first_at == 0)
        f->first_at = now;
    f->last_at = now;
    f->unreported++;
    f->blocked_till = now + wait_ms(limit, f->failures);
    return login_failure_put(q->shared, key, f, err);
}

int throttle_begin(struct throttle *t, struct question *q, const char *login, struct err *err)
{
    struct login_failure account, address;
    int64_t till;

    t->now = clock_now_ms();
    account_key(t->account, sizeof t->account, login);
    address_key(t->address, sizeof t->address, "address", q->ip);
    if (db_begin(q->shared, err) != 0)
        return -1;
    if (read_key(q, t->account, t->now, &account, err) != 0
        || read_key(q, t->address, t->now, &address, err) != 0)
        goto out;
    till =
        account.blocked_till > address.blocked_till ? account.blocked_till : address.blocked_till;
    if (till > t->now) {
        err_set(err, ERR_THROTTLED,
                "Too many failed sign-ins. Wait %" PRId64 " seconds and try again.",
                (till - t->now + 999) / 1000);
        goto out;
    }
    if (count_one(q, t->account, &ACCOUNT, t->now, &account, err) == 0
        && count_one(q, t->address, &ADDRESS, t->now, &address, err) == 0
        && db_commit(q->shared, err) == 0)
        return 0;
out:
    db_rollback(q->shared);
    return -1;
}

/* The account is forgiven; the address only gets this attempt back, or one right password of one's
 * own would wash off any number of guesses at others'. */
int throttle_succeeded(const struct throttle *t, struct question *q, struct err *err)
{
    struct login_failure address;

    if (login_failure_clear(q->shared, t->account, err) != 0
        || login_failure_get(q->shared, t->address, &address, err) != 0)
        return -1;
    if (address.failures > 0)
        address.failures--;
    if (address.unreported > 0)
        address.unreported--;
    address.blocked_till = 0;
    if (address.failures == 0 && address.unreported == 0)
        return login_failure_clear(q->shared, t->address, err);
    return login_failure_put(q->shared, t->address, &address, err);
}

/* One event for all failures of an address since the last one. */
static int report(struct db *shared, const struct actor *actor, const char *key, int64_t failures,
                  const json_t *user, struct err *err)
{
    struct audit_entry entry = {.actor = actor,
                                .verb = str_starts(key, "token:") ? "token.use" : "session.login",
                                .target_kind = user == NULL ? "" : "user",
                                .result = "denied"};

    if (user != NULL) {
        entry.target_id = json_string_value(json_object_get(user, "id"));
        entry.target_name = json_string_value(json_object_get(user, "login"));
    }
    entry.detail =
        json_pack("{s:I, s:s}", "failures", (json_int_t)failures, "address", strchr(key, ':') + 1);
    if (audit_append(shared, &entry, err) != 0)
        return -1;
    return login_failure_reported(shared, key, clock_now_ms(), err);
}

int throttle_failed(const struct throttle *t, struct question *q, const json_t *user,
                    struct err *err)
{
    struct login_failure address;

    if (db_begin(q->shared, err) != 0)
        return -1;
    if (login_failure_get(q->shared, t->address, &address, err) == 0
        && (address.unreported == 0 || t->now - address.reported_at < REPORT_EVERY_MS
            || report(q->shared, &q->actor, t->address, address.unreported, user, err) == 0)
        && db_commit(q->shared, err) == 0)
        return 0;
    db_rollback(q->shared);
    return -1;
}

/* --- API tokens --- */

int throttle_token_begin(struct throttle *t, struct question *q, struct err *err)
{
    struct login_failure address;

    t->now = clock_now_ms();
    address_key(t->address, sizeof t->address, "token", q->ip);
    if (read_key(q, t->address, t->now, &address, err) != 0)
        return -1;
    if (address.blocked_till > t->now)
        return err_set(err, ERR_THROTTLED,
                       "Too many API tokens that are not good came from this address. Wait %" PRId64
                       " seconds and try again.",
                       (address.blocked_till - t->now + 999) / 1000);
    return 0;
}

int throttle_token_failed(const struct throttle *t, struct question *q, struct err *err)
{
    struct login_failure address;

    if (db_begin(q->shared, err) != 0)
        return -1;
    if (read_key(q, t->address, t->now, &address, err) == 0
        && count_one(q, t->address, &ADDRESS, t->now, &address, err) == 0
        && (t->now - address.reported_at < REPORT_EVERY_MS
            || report(q->shared, &q->actor, t->address, address.unreported, NULL, err) == 0)
        && db_commit(q->shared, err) == 0)
        return 0;
    db_rollback(q->shared);
    return -1;
}

/* --- the supervisor's tick --- */

static int report_rest(struct db *shared, int64_t now, struct err *err)
{
    json_t *rows = NULL, *row;
    size_t i;
    int rc = -1;

    if (login_failure_unreported(shared, now - REPORT_EVERY_MS, &rows, err) != 0)
        return -1;
    if (json_array_size(rows) == 0) {
        json_decref(rows);
        return 0;
    }
    if (db_begin(shared, err) != 0)
        goto out;
    json_array_foreach(
        rows, i,
        row) if (report(shared, &ACTOR_SYSTEM, json_string_value(json_object_get(row, "key")),
                        json_integer_value(json_object_get(row, "unreported")), NULL, err)
                 != 0) goto out;
    rc = db_commit(shared, err);
out:
    db_rollback(shared);
    json_decref(rows);
    return rc;
}

void ask_tick(struct db *shared)
{
    static int64_t pruned_at; /* monotonic; one supervisor per process */
    int64_t now = clock_now_ms(), mono = clock_mono_ms();
    struct err err = {0};

    if (report_rest(shared, now, &err) != 0)
        log_err("ask_report_failures", &err);
    if (pruned_at != 0 && mono - pruned_at < QUIET_MS)
        return;
    pruned_at = mono;
    if (login_failure_prune(shared, now - KEEP_MS, &err) != 0
        || session_prune(shared, now, &err) != 0 || token_prune(shared, now, &err) != 0
        || draft_prune(shared, now - DRAFT_LIFE_MS, &err) != 0)
        log_err("ask_prune", &err);
}

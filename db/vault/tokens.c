/* tokens.c - making and believing API tokens (db/vault/tokens.h). */
#include "db/vault/tokens.h"

#include <inttypes.h>
#include <stdlib.h>
#include "db/environments.h"
#include "db/json_text.h"
#include "db/vault/access.h"
#include "db/vault/inside.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"
#include "statements.h"

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

/* Lines of text that hold no line end of their own: ids, names of scopes, a list of ids. */
static void make_mac(const struct vault *vault, const struct token_row *row,
                     uint8_t mac[CRYPTO_MAC_BYTES])
{
    char hex[CRYPTO_HASH_HEX], scopes[SCOPE_TEXT_SIZE], message[TOKEN_ENVIRONMENTS_SIZE + 400];
    int len;

    crypto_hex(hex, sizeof hex, row->hash, sizeof row->hash);
    len = snprintf(message, sizeof message, "%s\n%s\n%s\n%s\n%s\n%" PRId64 "\n%" PRId64, hex,
                   row->id, row->user_id, scope_text(scopes, row->scopes), row->environments,
                   row->created_at, row->expires_at);
    crypto_mac(vault->session_key, "token", message, (size_t)len, mac);
}

static int put(struct vault *vault, const struct token_row *row, struct err *err)
{
    struct stmt *s = db_use(vault->db, SQL_VAULT_TOKEN_PRUNE);

    db_bind_int(s, ":before", row->created_at);
    if (db_run(s, NULL, err) != 0)
        return -1;
    s = db_use(vault->db, SQL_VAULT_TOKEN_PUT);
    db_bind_blob(s, ":hash", row->hash, sizeof row->hash);
    db_bind_text(s, ":user_id", row->user_id);
    db_bind_int(s, ":expires_at", row->expires_at);
    return db_run(s, NULL, err);
}

int token_check(struct vault *vault, const struct token_row *row, struct err *err)
{
    struct stmt *s = db_use(vault->db, SQL_VAULT_TOKEN_HAS);
    uint8_t mac[CRYPTO_MAC_BYTES];
    bool is_there;

    db_bind_blob(s, ":hash", row->hash, sizeof row->hash);
    db_bind_text(s, ":user_id", row->user_id);
    if (db_one(s, err) != 0)
        return -1;
    is_there = db_col_int(s, "count") == 1;
    db_done(s);
    make_mac(vault, row, mac);
    if (is_there && crypto_equal(mac, row->mac, sizeof mac))
        return 0;
    LOG_WARN("token_not_ours", "token=%s user=%s", row->id, row->user_id);
    return err_set(err, ERR_SIGNED_OUT, "This API token was removed. Make another one.");
}

/* --- making one --- */

static int check_new(struct vault *vault, const struct token_new *t, struct err *err)
{
    enum role role = ROLE_NONE;

    if (validate_name("name", t->name, err) != 0)
        return -1;
    if (t->days < 1 || t->days > TOKEN_DAYS_MAX)
        return err_field(err, "days", "A token is valid for 1 to %d days.", TOKEN_DAYS_MAX);
    if (vault_role_anywhere(vault, t->user_id, &role, err) != 0)
        return -1;
    if (!scope_role_may(role, t->scopes))
        return err_field(err, "scopes",
                         "%s is %s, which has not all the rights of these scopes. Leave out what "
                         "is too much.",
                         t->login, role_name(role));
    return 0;
}

static int fill_row(const struct token_new *t, struct token_row *row, struct err *err)
{
    char *list = NULL;
    bool fits;

    *row = (struct token_row){.scopes = t->scopes, .created_at = clock_now_ms()};
    row->expires_at = row->created_at + t->days * DAY_MS;
    crypto_new_id(row->id);
    if (json_text(t->environments, &list, err) != 0)
        return -1;
    fits = str_copy(row->environments, sizeof row->environments, list)
           && str_copy(row->user_id, sizeof row->user_id, t->user_id)
           && str_copy(row->login, sizeof row->login, t->login)
           && str_copy(row->name, sizeof row->name, t->name);
    free(list);
    return fits ? 0
                : err_field(err, "environments", "A token can name at most %d environments.",
                            TOKEN_ENVIRONMENTS_MAX);
}

/* "shop/production" for each of the token's environments that is still there. */
static int name_environments(struct db *shared, const struct token_row *row, json_t *names,
                             struct err *err)
{
    json_t *ids = json_loads(row->environments, 0, NULL), *id;
    size_t i;
    int rc = 0;

    json_array_foreach(ids, i, id)
    {
        json_t *environment = NULL;
        struct err cause = {0};
        char name[100];

        if (environment_by_id(shared, json_string_value(id), &environment, &cause) == 0) {
            snprintf(name, sizeof name, "%s/%s",
                     json_string_value(json_object_get(environment, "app_slug")),
                     json_string_value(json_object_get(environment, "slug")));
            json_array_append_new(names, json_string(name));
        } else if (cause.code != ERR_NOT_FOUND && rc == 0) {
            rc = -1;
            if (err != NULL)
                *err = cause;
        }
        json_decref(environment);
    }
    json_decref(ids);
    return rc;
}

static int append_event(struct db *shared, const struct actor *actor, const char *verb,
                        const struct token_row *row, struct err *err)
{
    char scopes[SCOPE_TEXT_SIZE], until[CLOCK_TEXT_SIZE];
    json_t *environments = json_array();
    struct audit_entry entry = {.actor = actor,
                                .verb = verb,
                                .target_kind = "user",
                                .target_id = row->user_id,
                                .target_name = row->login};

    if (name_environments(shared, row, environments, err) != 0) {
        json_decref(environments);
        return -1;
    }
    entry.detail = json_pack("{s:s, s:s, s:o, s:s}", "token", row->name, "scopes",
                             scope_text(scopes, row->scopes), "environments", environments,
                             "expires", clock_rfc3339(until, row->expires_at));
    return audit_append(shared, &entry, err);
}

int token_issue(struct db *shared, struct vault *vault, const struct actor *actor,
                const struct token_new *new_token, struct token_made *made, struct err *err)
{
    char random[CRYPTO_TOKEN_TEXT];
    struct token_made t;
    int rc = -1;

    if (check_new(vault, new_token, err) != 0 || fill_row(new_token, &t.row, err) != 0)
        return -1;
    crypto_new_token(random);
    snprintf(t.text, sizeof t.text, TOKEN_PREFIX "%s", random);
    token_hash(t.text, t.row.hash);
    make_mac(vault, &t.row, t.row.mac);
    if (db_begin(shared, err) == 0) {
        /* A hash in the vault is of no use to anybody when the row then does not come. */
        if (token_add(shared, &t.row, err) == 0
            && append_event(shared, actor, "token.add", &t.row, err) == 0
            && put(vault, &t.row, err) == 0)
            rc = db_commit(shared, err);
        db_rollback(shared);
    }
    if (rc == 0)
        *made = t;
    crypto_wipe(random, sizeof random);
    crypto_wipe(&t, sizeof t);
    return rc;
}

int token_remove(struct db *shared, struct vault *vault, const struct actor *actor,
                 const struct token_row *row, struct err *err)
{
    struct stmt *s;
    int rc = -1;

    if (db_begin(shared, err) != 0)
        return -1;
    if (token_end(shared, row, clock_now_ms(), err) == 0
        && append_event(shared, actor, "token.remove", row, err) == 0) {
        s = db_use(vault->db, SQL_VAULT_TOKEN_REMOVE);
        db_bind_blob(s, ":hash", row->hash, sizeof row->hash);
        if (db_run(s, NULL, err) == 0)
            rc = db_commit(shared, err);
    }
    db_rollback(shared);
    return rc;
}

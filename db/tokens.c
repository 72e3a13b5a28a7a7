/* tokens.c - the store of API tokens (tokens.h). */
#include "db/tokens.h"

#include "db/environments.h"
#include "lib/base/str.h"
#include "statements.h"

#define TOUCH_EVERY_MS 60000
#define KEEP_ENDED_MS  ((int64_t)30 * 24 * 60 * 60 * 1000)

bool token_is_one(const char *text)
{
    uint8_t bytes[CRYPTO_TOKEN_BYTES];
    bool is_one = text != NULL && str_starts(text, TOKEN_PREFIX)
                  && strlen(text) == TOKEN_TEXT_SIZE - 1
                  && crypto_unb64url(text + sizeof TOKEN_PREFIX - 1, bytes, sizeof bytes)
                         == (int)sizeof bytes;

    crypto_wipe(bytes, sizeof bytes);
    return is_one;
}

void token_hash(const char *text, uint8_t hash[CRYPTO_HASH_BYTES])
{
    crypto_sha256(text, strlen(text), hash);
}

bool token_reaches(const struct token_row *row, const char *environment_id)
{
    char quoted[CRYPTO_ID_SIZE + 2];

    if (str_equal(row->environments, "[]"))
        return true;
    return environment_id[0] != '\0'
           && snprintf(quoted, sizeof quoted, "\"%s\"", environment_id) < (int)sizeof quoted
           && strstr(row->environments, quoted) != NULL;
}

/* --- reading --- */

static bool read_bytes(struct stmt *s, const char *column, uint8_t *bytes, size_t size)
{
    size_t len = 0;
    const void *stored = db_col_blob(s, column, &len);

    if (len != size)
        return false;
    memcpy(bytes, stored, len);
    return true;
}

static bool read_row(struct stmt *s, struct token_row *row)
{
    struct err ignored;

    row->created_at = db_col_int(s, "created_at");
    row->expires_at = db_col_int(s, "expires_at");
    row->used_at = db_col_int(s, "used_at");
    return read_bytes(s, "hash", row->hash, sizeof row->hash)
           && read_bytes(s, "mac", row->mac, sizeof row->mac)
           && scope_parse("", db_col_text(s, "scopes"), &row->scopes, &ignored) == 0
           && str_copy(row->id, sizeof row->id, db_col_text(s, "id"))
           && str_copy(row->user_id, sizeof row->user_id, db_col_text(s, "user_id"))
           && str_copy(row->name, sizeof row->name, db_col_text(s, "name"))
           && str_copy(row->login, sizeof row->login, db_col_text(s, "login"))
           && str_copy(row->person, sizeof row->person, db_col_text(s, "person"))
           && str_copy(row->theme, sizeof row->theme, db_col_text(s, "theme"))
           && str_copy(row->environments, sizeof row->environments, db_col_text(s, "environments"));
}

int token_by_text(struct db *db, const char *text, int64_t now, struct token_row *out,
                  struct err *err)
{
    struct stmt *s = db_use(db, SQL_TOKEN_BY_HASH);
    struct token_row row = {0};
    uint8_t hash[CRYPTO_HASH_BYTES];
    bool removed, disabled, whole;
    int r;

    token_hash(text, hash);
    db_bind_blob(s, ":hash", hash, sizeof hash);
    r = db_step(s, err);
    if (r < 0)
        return -1;
    if (r == 0)
        return err_set(err, ERR_SIGNED_OUT, "This API token is not one of this dashboard's.");
    whole = read_row(s, &row);
    removed = !db_col_is_null(s, "removed_at");
    disabled = !db_col_is_null(s, "disabled_at");
    db_done(s);
    if (!whole || removed)
        return err_set(err, ERR_SIGNED_OUT, "This API token was removed. Make another one.");
    if (disabled)
        return err_set(err, ERR_SIGNED_OUT, "The account of this API token is disabled.");
    if (now >= row.expires_at)
        return err_set(err, ERR_SIGNED_OUT, "This API token has expired. Make another one.");
    *out = row;
    return 0;
}

int token_find(struct db *db, const char *user_id, const char *word, struct token_row *row,
               struct err *err)
{
    struct stmt *s = db_use(db, SQL_TOKEN_FIND);
    bool whole;
    int r;

    db_bind_text(s, ":user_id", user_id);
    db_bind_text(s, ":word", word);
    r = db_step(s, err);
    if (r < 0)
        return -1;
    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "There is no such token. It may be removed already.");
    *row = (struct token_row){0};
    whole = read_row(s, row);
    db_done(s);
    return whole ? 0 : err_set(err, ERR_INTERNAL, "The database holds a damaged token.");
}

int token_list(struct db *db, const char *user_id, json_t **tokens, struct err *err)
{
    struct stmt *s = db_use(db, SQL_TOKEN_LIST);

    db_bind_text(s, ":user_id", user_id);
    return db_rows_json(s, tokens, err);
}

/* --- writing --- */

static int check_count(struct db *db, const char *user_id, struct err *err)
{
    struct stmt *s = db_use(db, SQL_TOKEN_COUNT);
    int64_t count;

    db_bind_text(s, ":user_id", user_id);
    if (db_one(s, err) != 0)
        return -1;
    count = db_col_int(s, "count");
    db_done(s);
    if (count >= TOKENS_OF_USER_MAX)
        return err_field(err, "name", "There are %d tokens of this person already. Remove one.",
                         TOKENS_OF_USER_MAX);
    return 0;
}

int token_add(struct db *db, const struct token_row *row, struct err *err)
{
    char scopes[SCOPE_TEXT_SIZE];
    struct err cause = {0};
    struct stmt *s;

    if (check_count(db, row->user_id, err) != 0)
        return -1;
    s = db_use(db, SQL_TOKEN_ADD);
    db_bind_text(s, ":id", row->id);
    db_bind_text(s, ":user_id", row->user_id);
    db_bind_text(s, ":name", row->name);
    db_bind_blob(s, ":hash", row->hash, sizeof row->hash);
    db_bind_text(s, ":scopes", scope_text(scopes, row->scopes));
    db_bind_text(s, ":environments", row->environments);
    db_bind_int(s, ":created_at", row->created_at);
    db_bind_int(s, ":expires_at", row->expires_at);
    db_bind_blob(s, ":mac", row->mac, sizeof row->mac);
    if (db_run(s, NULL, &cause) == 0)
        return 0;
    if (cause.code == ERR_CONFLICT) {
        err_field(err, "name",
                  "There is a token of this name already. Choose another name, or "
                  "remove that one.");
        if (err != NULL)
            err->code = ERR_CONFLICT;
    } else if (err != NULL)
        *err = cause;
    return -1;
}

int token_end(struct db *db, const struct token_row *row, int64_t now, struct err *err)
{
    struct stmt *s = db_use(db, SQL_TOKEN_END);
    int64_t changes = 0;

    db_bind_text(s, ":id", row->id);
    db_bind_int(s, ":now", now);
    if (db_run(s, &changes, err) != 0)
        return -1;
    return changes == 1 ? 0 : err_set(err, ERR_NOT_FOUND, "This token is removed already.");
}

int token_touch(struct db *db, const struct token_row *row, int64_t now, struct err *err)
{
    struct stmt *s;

    /* Asked here as well: an UPDATE that changes nothing still takes the write lock. */
    if (now - row->used_at < TOUCH_EVERY_MS)
        return 0;
    s = db_use(db, SQL_TOKEN_TOUCH);
    db_bind_text(s, ":id", row->id);
    db_bind_int(s, ":now", now);
    return db_run(s, NULL, err);
}

int token_prune(struct db *db, int64_t now, struct err *err)
{
    struct stmt *s = db_use(db, SQL_TOKEN_PRUNE);

    db_bind_int(s, ":before", now - KEEP_ENDED_MS);
    return db_run(s, NULL, err);
}

/* --- which environments --- */

/* "shop/production" to its id, appended to the list. */
static int add_environment(struct db *db, const char *field, const char *word, json_t *ids,
                           struct err *err)
{
    char place[100], *slash;
    struct err cause = {0};
    json_t *environment = NULL;
    int rc;

    if (json_array_size(ids) >= TOKEN_ENVIRONMENTS_MAX)
        return err_field(err, field, "A token can name at most %d environments.",
                         TOKEN_ENVIRONMENTS_MAX);
    slash = str_copy(place, sizeof place, word) ? strchr(place, '/') : NULL;
    if (slash == NULL)
        return err_field(err, field, "Write an environment as app/environment: shop/production.");
    *slash = '\0';
    if (environment_by_slugs(db, place, slash + 1, &environment, &cause) != 0) {
        if (cause.code == ERR_NOT_FOUND)
            return err_field(err, field,
                             "There is no environment of that name. Write it as "
                             "app/environment: shop/production.");
        if (err != NULL)
            *err = cause;
        return -1;
    }
    rc = json_array_append(ids, json_object_get(environment, "id"));
    json_decref(environment);
    return rc == 0 ? 0 : err_set(err, ERR_NO_MEMORY, "There is not enough memory for this list.");
}

int token_environments(struct db *db, const char *field, const char *text, json_t **ids,
                       struct err *err)
{
    static const char BETWEEN[] = ", \t\r\n";
    char word[100];

    *ids = json_array();
    for (text += strspn(text, BETWEEN); *text != '\0'; text += strspn(text, BETWEEN)) {
        size_t len = strcspn(text, BETWEEN);

        snprintf(word, sizeof word, "%.*s", len < sizeof word ? (int)len : 0, text);
        if (add_environment(db, field, word, *ids, err) != 0) {
            json_decref(*ids);
            *ids = NULL;
            return -1;
        }
        text += len;
    }
    return 0;
}

/* secrets.c - the web's half of the secret store (secrets.h). Sealed bytes go in and never come
 * back out through this file. */
#include "db/secrets.h"

#include "lib/base/clock.h"
#include "statements.h"

int secret_set_current(struct db *db, const char *environment_id, json_t **set, struct err *err)
{
    struct err why = {0};
    struct stmt *s = db_use(db, SQL_SECRET_WEB_CURRENT);
    db_bind_text(s, ":environment_id", environment_id);
    if (db_row_json(s, set, &why) == 0)
        return 0;
    if (why.code == ERR_NOT_FOUND) {
        *set =
            json_pack("{s:i, s:s, s:n, s:n}", "number", 0, "message", "", "created_at", "by_name");
        if (*set != NULL)
            return 0;
        err_set(&why, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    }
    if (err != NULL)
        *err = why;
    return -1;
}

int secret_set_entries(struct db *db, const char *environment_id, int64_t number, json_t **entries,
                       struct err *err)
{
    struct stmt *s = db_use(db, SQL_SECRET_WEB_ENTRIES);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_int(s, ":number", number);
    return db_rows_json(s, entries, err);
}

int secret_set_history(struct db *db, const char *environment_id, int limit, json_t **sets,
                       struct err *err)
{
    struct stmt *s = db_use(db, SQL_SECRET_WEB_HISTORY);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_int(s, ":limit", limit);
    return db_rows_json(s, sets, err);
}

int secret_set_difference(struct db *db, const char *environment_id, int64_t from, int64_t to,
                          json_t **changes, struct err *err)
{
    struct stmt *s = db_use(db, SQL_SECRET_WEB_DIFFERENCE);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_int(s, ":old", from);
    db_bind_int(s, ":new", to);
    return db_rows_json(s, changes, err);
}

static int insert_draft(struct db *db, const struct secret_draft *draft, const char *id,
                        struct err *err)
{
    struct stmt *s = db_use(db, SQL_DRAFT_WEB_INSERT);
    db_bind_text(s, ":id", id);
    db_bind_text(s, ":environment_id", draft->environment_id);
    db_bind_text(s, ":user_id", draft->user_id);
    db_bind_int(s, ":base_set", draft->base_set);
    db_bind_int(s, ":now", clock_now_ms());
    return db_run(s, NULL, err);
}

static int insert_draft_entry(struct db *db, const char *id, size_t position,
                              const struct secret_draft_entry *entry, struct err *err)
{
    struct stmt *s = db_use(db, SQL_DRAFT_WEB_ENTRY_INSERT);
    db_bind_text(s, ":draft_id", id);
    db_bind_int(s, ":position", (int64_t)position);
    db_bind_text(s, ":key", entry->key);
    db_bind_text(s, ":kind", entry->kind);
    db_bind_text(s, ":comment", entry->comment);
    if (entry->sealed != NULL)
        db_bind_blob(s, ":sealed", entry->sealed, entry->sealed_len);
    else
        db_bind_null(s, ":sealed");
    return db_run(s, NULL, err);
}

int secret_draft_add(struct db *db, const struct secret_draft *draft, char id[CRYPTO_ID_SIZE],
                     struct err *err)
{
    int rc = -1;
    crypto_new_id(id);
    if (db_begin(db, err) != 0)
        return -1;
    if (insert_draft(db, draft, id, err) != 0)
        goto out;
    for (size_t i = 0; i < draft->count; i++)
        if (insert_draft_entry(db, id, i, &draft->entries[i], err) != 0)
            goto out;
    if (db_commit(db, err) != 0)
        goto out;
    rc = 0;
out:
    db_rollback(db);
    return rc;
}

int secret_draft_remove(struct db *db, const char *id, struct err *err)
{
    int rc = -1;
    if (db_begin(db, err) != 0)
        return -1;
    struct stmt *s = db_use(db, SQL_DRAFT_WEB_DELETE);
    db_bind_text(s, ":id", id);
    if (db_run(s, NULL, err) == 0 && db_commit(db, err) == 0)
        rc = 0;
    db_rollback(db);
    return rc;
}

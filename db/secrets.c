/* secrets.c - the web's half of the secret store (secrets.h). */
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
        *set = json_pack("{s:i, s:s, s:n, s:s, s:n}", "number", 0, "message", "", "created_at",
                         "tail", "", "by_name");
        if (*set != NULL)
            return 0;
        err_set(&why, ERR_NO_MEMORY, "There was not enough memory. Try again.");
    }
    if (err != NULL)
        *err = why;
    return -1;
}

int secret_set_by_number(struct db *db, const char *environment_id, int64_t number, json_t **set,
                         struct err *err)
{
    struct stmt *s = db_use(db, SQL_SECRET_WEB_SET);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_int(s, ":number", number);
    return db_row_json(s, set, err);
}

int secret_set_entries(struct db *db, const char *environment_id, int64_t number, json_t **entries,
                       struct err *err)
{
    struct stmt *s = db_use(db, SQL_SECRET_WEB_ENTRIES);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_int(s, ":number", number);
    return db_rows_json(s, entries, err);
}

int secret_set_history(struct db *db, const char *environment_id, int64_t before, int limit,
                       json_t **sets, struct err *err)
{
    struct stmt *s = db_use(db, SQL_SECRET_WEB_HISTORY);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_int(s, ":before", before);
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

int secret_key_history(struct db *db, const char *environment_id, const char *key, int limit,
                       json_t **rows, struct err *err)
{
    struct stmt *s = db_use(db, SQL_SECRET_WEB_KEY_HISTORY);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_text(s, ":key", key);
    db_bind_int(s, ":limit", limit);
    return db_rows_json(s, rows, err);
}

int secret_matrix(struct db *db, const char *app_id, json_t **rows, struct err *err)
{
    struct stmt *s = db_use(db, SQL_SECRET_WEB_MATRIX);
    db_bind_text(s, ":app_id", app_id);
    return db_rows_json(s, rows, err);
}

int secret_shared(struct db *db, const char *environment_id, json_t **rows, struct err *err)
{
    struct stmt *s = db_use(db, SQL_SECRET_WEB_SHARED);
    db_bind_text(s, ":environment_id", environment_id);
    return db_rows_json(s, rows, err);
}

/* --- drafts --- */

static int insert_draft(struct db *db, const struct secret_draft *draft, const char *id,
                        struct err *err)
{
    struct stmt *s = db_use(db, SQL_DRAFT_WEB_INSERT);
    db_bind_text(s, ":id", id);
    db_bind_text(s, ":environment_id", draft->environment_id);
    db_bind_text(s, ":user_id", draft->user_id);
    db_bind_int(s, ":base_set", draft->base_set);
    db_bind_text(s, ":tail", draft->tail == NULL ? "" : draft->tail);
    db_bind_text(s, ":notes", draft->notes == NULL ? "[]" : draft->notes);
    db_bind_int(s, ":now", clock_now_ms());
    return db_run(s, NULL, err);
}

static void bind_about(struct stmt *s, const char *id, size_t position,
                       const struct secret_draft_entry *entry)
{
    db_bind_text(s, ":draft_id", id);
    db_bind_int(s, ":position", (int64_t)position);
    db_bind_text(s, ":key", entry->key);
    db_bind_text(s, ":kind", entry->kind);
    db_bind_text(s, ":form", entry->form == NULL ? "env" : entry->form);
    db_bind_text(s, ":path", entry->path);
    if (entry->path == NULL)
        db_bind_null(s, ":mode");
    else
        db_bind_int(s, ":mode", entry->mode);
    db_bind_text(s, ":stage", entry->stage == NULL ? "run" : entry->stage);
    db_bind_text(s, ":comment", entry->comment);
}

static int insert_entry(struct db *db, const char *id, size_t position,
                        const struct secret_draft_entry *entry, struct err *err)
{
    struct stmt *s = db_use(db, SQL_DRAFT_WEB_ENTRY_INSERT);
    bind_about(s, id, position, entry);
    db_bind_int(s, ":keep_set", entry->keep_set);
    db_bind_text(s, ":plain", entry->plain);
    if (entry->sealed != NULL)
        db_bind_blob(s, ":sealed", entry->sealed, entry->sealed_len);
    else
        db_bind_null(s, ":sealed");
    return db_run(s, NULL, err);
}

static int copy_entry(struct db *db, const struct secret_draft *draft, const char *id,
                      size_t position, struct err *err)
{
    const struct secret_draft_entry *entry = &draft->entries[position];
    struct stmt *s = db_use(db, SQL_DRAFT_WEB_ENTRY_COPY);
    int64_t changes = 0;
    bind_about(s, id, position, entry);
    db_bind_text(s, ":from_draft", draft->from_draft == NULL ? "" : draft->from_draft);
    db_bind_int(s, ":from_position", entry->from - 1);
    db_bind_text(s, ":user_id", draft->user_id);
    db_bind_text(s, ":environment_id", draft->environment_id);
    if (db_run(s, &changes, err) != 0)
        return -1;
    return changes == 1 ? 0
                        : err_set(err, ERR_NOT_FOUND,
                                  "What you typed before is no longer here: it is kept for a day. "
                                  "Type it once more.");
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
        if ((draft->entries[i].from > 0 ? copy_entry(db, draft, id, i, err)
                                        : insert_entry(db, id, i, &draft->entries[i], err))
            != 0)
            goto out;
    if (db_commit(db, err) != 0)
        goto out;
    rc = 0;
out:
    db_rollback(db);
    return rc;
}

int secret_draft_get(struct db *db, const char *id, const char *user_id, json_t **draft,
                     json_t **entries, struct err *err)
{
    struct err why = {0};
    struct stmt *s = db_use(db, SQL_DRAFT_WEB_HEAD);
    db_bind_text(s, ":id", id);
    db_bind_text(s, ":user_id", user_id);
    if (db_row_json(s, draft, &why) != 0) {
        if (why.code == ERR_NOT_FOUND)
            err_set(&why, ERR_NOT_FOUND,
                    "These changes are no longer here: they were saved, discarded, or are older "
                    "than a day.");
        if (err != NULL)
            *err = why;
        return -1;
    }
    s = db_use(db, SQL_DRAFT_WEB_ENTRIES);
    db_bind_text(s, ":draft_id", id);
    return db_rows_json(s, entries, err);
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

int secret_set_across(struct db *db, const struct secret_place *from, const struct secret_place *to,
                      json_t **differences, struct err *err)
{
    struct stmt *s = db_use(db, SQL_SECRET_ACROSS);
    db_bind_text(s, ":from_id", from->environment_id);
    db_bind_int(s, ":from_number", from->number);
    db_bind_text(s, ":to_id", to->environment_id);
    db_bind_int(s, ":to_number", to->number);
    return db_rows_json(s, differences, err);
}

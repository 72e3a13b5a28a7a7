/* secret_sets.c - the worker's half of the secret store. */
#include "db/secret_sets.h"

#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "statements.h"

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is not enough memory for this secret set.");
}

static const char *text_of(struct stmt *s, const char *column, struct arena *arena)
{
    return arena_strdup(arena, db_col_text(s, column));
}

/* --- drafts --- */

static int read_draft_head(struct db *db, const char *id, struct arena *arena, struct draft *draft,
                           struct err *err)
{
    struct stmt *s = db_use(db, SQL_ASK_DRAFT);
    bool whole;
    int r;

    db_bind_text(s, ":id", id);
    r = db_step(s, err);
    if (r < 0)
        return -1;
    if (r == 0)
        return err_set(
            err, ERR_NOT_FOUND,
            "What you typed is no longer here. Load the page again and type it once more.");
    whole = str_copy(draft->environment_id, sizeof draft->environment_id,
                     db_col_text(s, "environment_id"))
            && str_copy(draft->user_id, sizeof draft->user_id, db_col_text(s, "user_id"));
    draft->base_set = db_col_int(s, "base_set");
    draft->tail = text_of(s, "tail", arena);
    db_done(s);
    if (arena_overflowed(arena))
        return no_memory(err);
    return whole ? 0 : err_set(err, ERR_INTERNAL, "The database holds a damaged draft.");
}

static bool copy_draft_row(struct stmt *s, struct arena *arena, struct secret_row *row)
{
    const void *sealed = db_col_blob(s, "sealed", &row->sealed_len);

    row->key = text_of(s, "key", arena);
    row->kind = text_of(s, "kind", arena);
    row->form = text_of(s, "form", arena);
    row->comment = text_of(s, "comment", arena);
    row->stage = text_of(s, "stage", arena);
    row->path = db_col_is_null(s, "path") ? NULL : text_of(s, "path", arena);
    row->mode = (int)db_col_int(s, "mode");
    row->keep_set = db_col_int(s, "keep_set");
    if (!db_col_is_null(s, "sealed"))
        row->sealed =
            (const uint8_t *)arena_memdup(arena, sealed == NULL ? "" : sealed, row->sealed_len);
    return !arena_overflowed(arena);
}

int draft_read(struct db *db, const char *id, struct arena *arena, struct draft *draft,
               struct err *err)
{
    struct secret_rows *entries = &draft->entries;
    struct stmt *s;
    int r;

    if (read_draft_head(db, id, arena, draft, err) != 0)
        return -1;
    entries->count = 0;
    entries->rows = arena_array(arena, SECRET_SET_MAX_ENTRIES, sizeof *entries->rows);
    if (entries->rows == NULL)
        return no_memory(err);
    s = db_use(db, SQL_ASK_DRAFT_ENTRIES);
    db_bind_text(s, ":draft_id", id);
    while ((r = db_step(s, err)) == 1) {
        if (entries->count == SECRET_SET_MAX_ENTRIES)
            r = err_set(err, ERR_TOO_LARGE, "An environment can have at most %d secrets.",
                        SECRET_SET_MAX_ENTRIES);
        else if (!copy_draft_row(s, arena, &entries->rows[entries->count++]))
            r = no_memory(err);
        if (r < 0)
            break;
    }
    db_done(s);
    return r;
}

int draft_remove(struct db *db, const char *id, struct err *err)
{
    struct stmt *s = db_use(db, SQL_ASK_DRAFT_REMOVE);

    db_bind_text(s, ":id", id);
    return db_run(s, NULL, err);
}

int draft_prune(struct db *db, int64_t before, struct err *err)
{
    struct stmt *s = db_use(db, SQL_ASK_DRAFT_PRUNE);

    db_bind_int(s, ":before", before);
    return db_run(s, NULL, err);
}

/* --- sets --- */

int secret_set_newest(struct db *db, const char *environment_id, struct arena *arena,
                      struct secret_set_head *head, struct err *err)
{
    struct stmt *s = db_use(db, SQL_SECRET_SET_NEWEST);
    int r;

    *head = (struct secret_set_head){.tail = ""};
    db_bind_text(s, ":environment_id", environment_id);
    r = db_step(s, err);
    if (r == 1) {
        head->number = db_col_int(s, "number");
        head->created_at = db_col_int(s, "created_at");
        str_copy(head->by_name, sizeof head->by_name, db_col_text(s, "by_name"));
        if (arena != NULL)
            head->tail = text_of(s, "tail", arena);
        db_done(s);
    }
    if (r == 1 && head->tail == NULL)
        return no_memory(err);
    return r < 0 ? -1 : 0;
}

static bool copy_set_row(struct stmt *s, struct arena *arena, struct secret_row *row)
{
    size_t len = 0;
    const void *print = db_col_blob(s, "fingerprint", &len);

    if (len == sizeof row->fingerprint)
        memcpy(row->fingerprint, print, len);
    row->key = text_of(s, "key", arena);
    row->kind = text_of(s, "kind", arena);
    row->form = text_of(s, "form", arena);
    row->comment = text_of(s, "comment", arena);
    row->path = db_col_is_null(s, "path") ? NULL : text_of(s, "path", arena);
    row->mode = (int)db_col_int(s, "mode");
    row->stage = text_of(s, "stage", arena);
    row->lint = (unsigned)db_col_int(s, "lint");
    row->plain = db_col_is_null(s, "plain") ? NULL : text_of(s, "plain", arena);
    row->size_bytes = db_col_int(s, "size_bytes");
    row->changed_in = db_col_int(s, "changed_in");
    return !arena_overflowed(arena);
}

int secret_set_read(struct db *db, const char *environment_id, int64_t number, struct arena *arena,
                    struct secret_rows *rows, struct err *err)
{
    struct stmt *s = db_use(db, SQL_SECRET_SET_ENTRIES);
    int r;

    rows->count = 0;
    rows->rows = arena_array(arena, SECRET_SET_MAX_ENTRIES, sizeof *rows->rows);
    if (rows->rows == NULL)
        return no_memory(err);
    db_bind_text(s, ":environment_id", environment_id);
    db_bind_int(s, ":number", number);
    while ((r = db_step(s, err)) == 1) {
        if (rows->count == SECRET_SET_MAX_ENTRIES)
            r = err_set(err, ERR_TOO_LARGE, "This secret set has more than %d entries.",
                        SECRET_SET_MAX_ENTRIES);
        else if (!copy_set_row(s, arena, &rows->rows[rows->count++]))
            r = no_memory(err);
        if (r < 0)
            break;
    }
    db_done(s);
    return r;
}

int secret_set_next_number(struct db *db, const char *environment_id, int64_t *number,
                           struct err *err)
{
    struct stmt *s = db_use(db, SQL_SECRET_SET_NEXT_NUMBER);

    db_bind_text(s, ":environment_id", environment_id);
    if (db_one(s, err) != 0)
        return -1;
    *number = db_col_int(s, "number");
    db_done(s);
    return 0;
}

static int add_entry(struct db *db, const struct secret_set_new *set, size_t position,
                     struct err *err)
{
    const struct secret_row *row = &set->entries.rows[position];
    struct stmt *s = db_use(db, SQL_SECRET_ENTRY_ADD);

    db_bind_text(s, ":environment_id", set->environment_id);
    db_bind_int(s, ":number", set->number);
    db_bind_int(s, ":position", (int64_t)position);
    db_bind_text(s, ":key", row->key);
    db_bind_text(s, ":kind", row->kind);
    db_bind_text(s, ":form", row->form);
    db_bind_text(s, ":path", row->path);
    if (row->path == NULL)
        db_bind_null(s, ":mode");
    else
        db_bind_int(s, ":mode", row->mode);
    db_bind_text(s, ":stage", row->stage == NULL ? "run" : row->stage);
    db_bind_text(s, ":plain", row->plain);
    db_bind_int(s, ":lint", (int64_t)row->lint);
    db_bind_blob(s, ":fingerprint", row->fingerprint, sizeof row->fingerprint);
    db_bind_int(s, ":size_bytes", row->size_bytes);
    db_bind_text(s, ":comment", row->comment);
    db_bind_int(s, ":changed_in", row->changed_in);
    return db_run(s, NULL, err);
}

int secret_set_add(struct db *db, const struct secret_set_new *set, struct err *err)
{
    struct stmt *s = db_use(db, SQL_SECRET_SET_ADD);

    db_bind_text(s, ":environment_id", set->environment_id);
    db_bind_int(s, ":number", set->number);
    db_bind_text(s, ":message", set->message);
    db_bind_int(s, ":created_at", clock_now_ms());
    db_bind_text(s, ":created_by", set->created_by);
    db_bind_text(s, ":tail", set->tail == NULL ? "" : set->tail);
    if (db_run(s, NULL, err) != 0)
        return -1;
    for (size_t i = 0; i < set->entries.count; i++)
        if (add_entry(db, set, i, err) != 0)
            return -1;
    return 0;
}

int environment_place(struct db *db, const char *environment_id, struct environment_place *place,
                      struct err *err)
{
    struct stmt *s = db_use(db, SQL_ASK_ENVIRONMENT);
    bool whole;

    db_bind_text(s, ":id", environment_id);
    if (db_one(s, err) != 0)
        return -1;
    whole = str_copy(place->app_id, sizeof place->app_id, db_col_text(s, "app_id"))
            && str_copy(place->app_slug, sizeof place->app_slug, db_col_text(s, "app_slug"))
            && str_copy(place->slug, sizeof place->slug, db_col_text(s, "slug"));
    db_done(s);
    return whole ? 0 : err_set(err, ERR_INTERNAL, "The database holds a damaged environment.");
}

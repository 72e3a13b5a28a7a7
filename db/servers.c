/* servers.c - reads of the server table for pages (servers.h). There is no write here on purpose:
 * a web tier that could change an address or a pin could send a job to another machine. */
#include "db/servers.h"

#include "statements.h"

int server_by_slug(struct db *db, const char *slug, json_t **server, struct err *err)
{
    struct stmt *s = db_use(db, SQL_SERVER_WEB_BY_SLUG);
    db_bind_text(s, ":slug", slug);
    return db_row_json(s, server, err);
}

int server_page(struct db *db, const char *after, int limit, json_t **servers, struct err *err)
{
    struct stmt *s = db_use(db, SQL_SERVER_WEB_PAGE);
    db_bind_text(s, ":after", after);
    db_bind_int(s, ":limit", limit);
    return db_rows_json(s, servers, err);
}

int server_attention(struct db *db, int limit, json_t **servers, struct err *err)
{
    struct stmt *s = db_use(db, SQL_SERVER_WEB_ATTENTION);
    db_bind_int(s, ":limit", limit);
    return db_rows_json(s, servers, err);
}

int server_environments(struct db *db, const char *server_id, json_t **environments,
                        struct err *err)
{
    struct stmt *s = db_use(db, SQL_SERVER_WEB_ENVIRONMENTS);
    db_bind_text(s, ":server_id", server_id);
    return db_rows_json(s, environments, err);
}

int server_pinned_by(struct db *db, const char *server_id, json_t **pinned, struct err *err)
{
    struct stmt *s = db_use(db, SQL_SERVER_WEB_PINNED_BY);
    db_bind_text(s, ":server_id", server_id);
    return db_row_or_null_json(s, pinned, err);
}

int server_seen_key(struct db *db, const char *server_id, json_t **detail, struct err *err)
{
    json_t *row = NULL;
    struct stmt *s = db_use(db, SQL_SERVER_WEB_SEEN_KEY);
    db_bind_text(s, ":server_id", server_id);
    if (db_row_or_null_json(s, &row, err) != 0)
        return -1;
    *detail = json_is_null(row) ? json_null() : json_incref(json_object_get(row, "detail"));
    json_decref(row);
    return 0;
}

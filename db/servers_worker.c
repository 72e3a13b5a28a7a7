/* servers_worker.c - adding servers and showing their pins (servers_worker.h). */
#include "db/servers_worker.h"

#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "statements.h"

int server_by_id(struct db *db, const char *id, struct server_row *server, struct err *err)
{
    struct stmt *s = db_use(db, SQL_ASK_SERVER_BY_ID);
    bool whole;

    db_bind_text(s, ":id", id);
    if (db_one(s, err) != 0)
        return -1;
    whole = str_copy(server->id, sizeof server->id, db_col_text(s, "id"))
            && str_copy(server->slug, sizeof server->slug, db_col_text(s, "slug"))
            && str_copy(server->host, sizeof server->host, db_col_text(s, "host"))
            && str_copy(server->login, sizeof server->login, db_col_text(s, "login"))
            && str_copy(server->pin_print, sizeof server->pin_print, db_col_text(s, "pin_print"));
    server->port = (int)db_col_int(s, "port");
    db_done(s);
    return whole ? 0 : err_set(err, ERR_INTERNAL, "The database holds a damaged server.");
}

static int insert(struct db *db, const struct server_new *server, struct err *err)
{
    struct err cause = {0};
    struct stmt *s = db_use(db, SQL_ASK_SERVER_ADD);

    db_bind_text(s, ":id", server->id);
    db_bind_text(s, ":slug", server->slug);
    db_bind_text(s, ":host", server->host);
    db_bind_int(s, ":port", server->port);
    db_bind_text(s, ":login", server->login);
    db_bind_text(s, ":public_key", server->public_key);
    db_bind_int(s, ":created_at", clock_now_ms());
    if (db_run(s, NULL, &cause) == 0)
        return 0;
    if (cause.code == ERR_CONFLICT) {
        err_field(&cause, "slug", "There is already a server with this name. Choose another one.");
        cause.code = ERR_CONFLICT;
    }
    if (err != NULL)
        *err = cause;
    return -1;
}

int server_add(struct db *db, const struct actor *actor, const struct server_new *server,
               struct err *err)
{
    struct audit_entry entry = {.actor = actor,
                                .verb = "server.add",
                                .target_kind = "server",
                                .target_id = server->id,
                                .target_name = server->slug};

    if (db_begin(db, err) != 0)
        return -1;
    if (insert(db, server, err) == 0) {
        entry.detail = json_pack("{s:s, s:s, s:i}", "login", server->login, "host", server->host,
                                 "port", server->port);
        if (audit_append(db, &entry, err) == 0 && db_commit(db, err) == 0)
            return 0;
    }
    db_rollback(db);
    return -1;
}

int server_looked_at(struct db *db, const struct actor *actor, const struct server_row *server,
                     const char *print, struct err *err)
{
    struct audit_entry entry = {.actor = actor,
                                .verb = "server.host_key",
                                .target_kind = "server",
                                .target_id = server->id,
                                .target_name = server->slug};

    if (db_begin(db, err) != 0)
        return -1;
    entry.detail = json_pack("{s:s}", "shown", print);
    if (audit_append(db, &entry, err) == 0 && db_commit(db, err) == 0)
        return 0;
    db_rollback(db);
    return -1;
}

static int write_pin(struct db *db, const struct server_row *server, const char *type,
                     const char *print, struct err *err)
{
    struct stmt *s = db_use(db, SQL_ASK_SERVER_SET_PIN);
    int64_t changes = 0;

    db_bind_text(s, ":id", server->id);
    db_bind_text(s, ":host", server->host);
    db_bind_int(s, ":port", server->port);
    db_bind_text(s, ":pin_type", type);
    db_bind_text(s, ":pin_print", print);
    if (db_run(s, &changes, err) != 0)
        return -1;
    if (changes != 1)
        return err_set(err, ERR_CONFLICT,
                       "The server's address was changed meanwhile. Load its page again.");
    return 0;
}

int server_set_pin(struct db *db, const struct actor *actor, const struct server_row *server,
                   const char *type, const char *print, struct err *err)
{
    struct audit_entry entry = {.actor = actor,
                                .verb = "server.pin",
                                .target_kind = "server",
                                .target_id = server->id,
                                .target_name = server->slug};

    if (db_begin(db, err) != 0)
        return -1;
    if (write_pin(db, server, type, print, err) == 0) {
        entry.detail =
            json_pack("{s:s, s:s, s:s}", "type", type, "print", print, "before", server->pin_print);
        if (audit_append(db, &entry, err) == 0 && db_commit(db, err) == 0)
            return 0;
    }
    db_rollback(db);
    return -1;
}

/* servers.c - the store of server keys and host pins. */
#include "db/vault/servers.h"

#include "db/vault/inside.h"
#include "db/vault/openssh_key.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "statements.h"

#define KEY_FILE_MAX 2048

static int store_key(struct vault *vault, const char *server_id, const char *public_line,
                     const struct buf *file, struct err *err)
{
    char belongs_to[BELONGS_MAX];
    struct stmt *s;

    if (place_of_server_key(belongs_to, server_id) != 0)
        return err_set(err, ERR_INTERNAL, "The database holds a damaged server.");
    if (vault_begin(vault, err) != 0)
        return -1;
    s = db_use(vault->db, SQL_SERVER_KEY_ADD);
    db_bind_text(s, ":server_id", server_id);
    db_bind_text(s, ":public_key", public_line);
    db_bind_int(s, ":created_at", clock_now_ms());
    if (vault_run_encrypted(s, ":secret_ct", &(struct lock){vault->master, belongs_to}, file->data,
                            file->len, err)
        == 0)
        return db_commit(vault->db, err);
    db_rollback(vault->db);
    return -1;
}

int vault_make_server_key(struct vault *vault, const char *server_id, const char *slug,
                          char public_line[SERVER_PUBLIC_KEY_SIZE], struct err *err)
{
    uint8_t public_key[SIGN_PUBLIC_BYTES], secret_key[SIGN_SECRET_BYTES];
    char comment[80];
    struct buf file, line;
    int rc = -1;

    buf_init(&file, KEY_FILE_MAX);
    buf_init(&line, SERVER_PUBLIC_KEY_SIZE - 1);
    snprintf(comment, sizeof comment, "windlass-%s", slug);
    sign_keypair(public_key, secret_key);
    openssh_private_key(&file, secret_key, comment);
    openssh_public_key(&line, secret_key, comment);
    if (!buf_ok(&file) || !buf_ok(&line)
        || !str_copy(public_line, SERVER_PUBLIC_KEY_SIZE, line.data))
        err_set(err, ERR_INTERNAL, "The key pair for this server could not be made.");
    else
        rc = store_key(vault, server_id, public_line, &file, err);
    crypto_wipe(secret_key, sizeof secret_key);
    buf_wipe(&file);
    buf_deinit(&file);
    buf_deinit(&line);
    return rc;
}

static int server_key_once(struct vault *vault, const char *server_id, struct buf *private_key,
                           struct err *err)
{
    char belongs_to[BELONGS_MAX];
    struct stmt *s;

    if (place_of_server_key(belongs_to, server_id) != 0)
        return err_set(err, ERR_NOT_FOUND, "There is no such server.");
    s = db_use(vault->db, SQL_SERVER_KEY_GET);
    db_bind_text(s, ":server_id", server_id);
    return vault_one_decrypted(s, "secret_ct", &(struct lock){vault->master, belongs_to},
                               "Our key for this server", private_key, err);
}

int vault_server_key(struct vault *vault, const char *server_id, struct buf *private_key,
                     struct err *err)
{
    int rc;

    do
        rc = server_key_once(vault, server_id, private_key, err);
    while (rc != 0 && vault_key_changed(vault));
    return rc;
}

/* --- pins --- */

static bool read_pin(struct stmt *s, struct host_pin *pin)
{
    size_t len = 0;
    const void *blob = db_col_blob(s, "blob", &len);

    if (len == 0 || len > sizeof pin->blob)
        return false;
    memcpy(pin->blob, blob, len);
    pin->len = len;
    return str_copy(pin->type, sizeof pin->type, db_col_text(s, "type"))
           && str_copy(pin->print, sizeof pin->print, db_col_text(s, "print"));
}

int vault_pin(struct vault *vault, const char *server_id, const char *host, int port,
              struct host_pin *pin, struct err *err)
{
    struct stmt *s = db_use(vault->db, SQL_HOST_PIN_GET);
    bool same_address, whole;
    int r;

    db_bind_text(s, ":server_id", server_id);
    r = db_step(s, err);
    if (r < 0)
        return -1;
    if (r == 0)
        return err_set(
            err, ERR_NOT_FOUND,
            "Nobody has confirmed this server's host key yet. Open the server's page and "
            "confirm the fingerprint.");
    same_address = strcmp(db_col_text(s, "host"), host) == 0 && db_col_int(s, "port") == port;
    whole = read_pin(s, pin);
    db_done(s);
    if (!whole)
        return err_set(err, ERR_INTERNAL, "The stored host key of this server is damaged.");
    if (!same_address)
        return err_set(
            err, ERR_NOT_FOUND,
            "The server's address was changed after its host key was confirmed. Open the "
            "server's page and confirm the fingerprint again.");
    return 0;
}

int vault_set_pin(struct vault *vault, const struct server_at *server, const struct host_pin *pin,
                  const char *approved_by, struct err *err)
{
    struct stmt *s = db_use(vault->db, SQL_HOST_PIN_PUT);

    db_bind_text(s, ":server_id", server->id);
    db_bind_text(s, ":host", server->host);
    db_bind_int(s, ":port", server->port);
    db_bind_text(s, ":type", pin->type);
    db_bind_blob(s, ":blob", pin->blob, pin->len);
    db_bind_text(s, ":print", pin->print);
    db_bind_text(s, ":approved_by", approved_by);
    db_bind_int(s, ":approved_at", clock_now_ms());
    return db_run(s, NULL, err);
}

/* servers.c - verbs server.add, server.host_key and server.pin.
 *
 * The key pair is made here, and only its public half ever leaves. A host key is pinned only after
 * it was fetched again and is still the one the person confirmed: what stands in the form is their
 * word, not the key. */
#include "worker/ask/question.h"

#include "db/vault/servers.h"
#include "db/servers_worker.h"
#include "lib/base/str.h"
#include "lib/domain/validate.h"
#include "worker/ssh/ssh.h"

/* The three fields as the one text that validate_address knows. */
static int check_address(struct question *q, struct address *address, struct err *err)
{
    const char *host = ask_text(q, "host");
    int64_t port = json_integer_value(json_object_get(q->in, "port"));
    char text[400];

    if (port < 1 || port > 65535)
        return err_field(err, "address", "The port is a number from 1 to 65535.");
    snprintf(text, sizeof text, strchr(host, ':') == NULL ? "%s@%s:%d" : "%s@[%s]:%d",
             ask_text(q, "login"), host, (int)port);
    return validate_address("address", text, address, err);
}

int ask_server_add(struct question *q, struct err *err)
{
    char id[CRYPTO_ID_SIZE], public_line[SERVER_PUBLIC_KEY_SIZE];
    const char *slug = ask_text(q, "slug");
    struct address address;
    struct server_new server;

    if (ask_require(q, CAP_SERVERS, "", "", err) != 0 || validate_slug("slug", slug, err) != 0
        || check_address(q, &address, err) != 0)
        return -1;
    crypto_new_id(id);
    /* First the key: without its server row it is nothing; a row without its key would be a trap.
     */
    if (vault_make_server_key(q->vault, id, slug, public_line, err) != 0)
        return -1;
    server = (struct server_new){.id = id,
                                 .slug = slug,
                                 .host = address.host,
                                 .port = address.port,
                                 .login = address.login,
                                 .public_key = public_line};
    if (server_add(q->shared, &q->actor, &server, err) != 0
        || ask_put_text(q, "server_id", id, err) != 0)
        return -1;
    return ask_put_text(q, "public_key", public_line, err);
}

/* The server asked for, and the key it shows now. */
static int fetch(struct question *q, struct server_row *server, struct ssh_host_key *key,
                 struct err *err)
{
    if (ask_require(q, CAP_SERVERS, "", "", err) != 0
        || server_by_id(q->shared, ask_text(q, "server_id"), server, err) != 0)
        return -1;
    return ssh_fetch_host_key(server->host, server->port, key, err);
}

static int put_pin(struct question *q, const struct server_row *server,
                   const struct ssh_host_key *key, struct err *err)
{
    struct host_pin pin = {0};
    struct err cause = {0};
    bool matches = false;

    if (vault_pin(q->vault, server->id, server->host, server->port, &pin, &cause) == 0)
        matches = pin.len == key->len && memcmp(pin.blob, key->blob, pin.len) == 0;
    else if (cause.code != ERR_NOT_FOUND)
        return ask_fail(err, &cause);
    else
        pin = (struct host_pin){0};
    if (ask_put_text(q, "pinned_type", pin.type, err) != 0
        || ask_put_text(q, "pinned_print", pin.print, err) != 0)
        return -1;
    json_object_set_new(q->out, "matches", json_boolean(matches));
    return 0;
}

int ask_server_host_key(struct question *q, struct err *err)
{
    struct server_row server;
    struct ssh_host_key key = {0};

    if (fetch(q, &server, &key, err) != 0
        || server_looked_at(q->shared, &q->actor, &server, key.print, err) != 0
        || ask_put_text(q, "type", key.type, err) != 0
        || ask_put_text(q, "print", key.print, err) != 0)
        return -1;
    return put_pin(q, &server, &key, err);
}

int ask_server_pin(struct question *q, struct err *err)
{
    const char *print = ask_text(q, "print");
    struct server_row server;
    struct ssh_host_key key = {0};
    struct host_pin pin = {0};

    if (fetch(q, &server, &key, err) != 0)
        return -1;
    if (strcmp(key.print, print) != 0 || strcmp(key.type, ask_text(q, "type")) != 0)
        return err_set(err, ERR_CONFLICT,
                       "The server shows another host key now: %s. You confirmed %s. Nothing was "
                       "pinned. Find out why before you go on.",
                       key.print, print[0] == '\0' ? "nothing" : print);
    str_copy(pin.type, sizeof pin.type, key.type);
    str_copy(pin.print, sizeof pin.print, key.print);
    memcpy(pin.blob, key.blob, key.len);
    pin.len = key.len;
    /* The event first, then the vault. In between a job finds no pin and is refused: the safe side.
     */
    if (server_set_pin(q->shared, &q->actor, &server, pin.type, pin.print, err) != 0)
        return -1;
    return vault_set_pin(q->vault, &(struct server_at){server.id, server.host, server.port}, &pin,
                         q->session.user_id, err);
}

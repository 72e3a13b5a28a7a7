/* The target of a begin frame: address, pinned host key, our private key. The only place where a
 * private key leaves the vault for a runner. */
#include <string.h>
#include "db/vault/servers.h"
#include "lib/crypto/crypto.h"
#include "worker/jobs/kind.h"

#define KEY_TEXT_MAX ((size_t)16 * 1024)

static int pack(const json_t *server, const struct host_pin *pin, const struct buf *key,
                json_t **target, struct err *err)
{
    char blob[CRYPTO_B64_SIZE(sizeof pin->blob)];
    crypto_b64(blob, sizeof blob, pin->blob, pin->len);
    *target = json_pack("{s:O, s:O, s:O, s:O, s:s, s:s, s:s, s:s%}", "name",
                        json_object_get(server, "slug"), "host", json_object_get(server, "host"),
                        "port", json_object_get(server, "port"), "login",
                        json_object_get(server, "login"), "pin_type", pin->type, "pin_blob", blob,
                        "pin_print", pin->print, "key", key->data, key->len);
    return *target != NULL
               ? 0
               : err_set(err, ERR_INTERNAL, "The server's key could not be handed over.");
}

int target_for_begin(struct worker *w, const char *server_id, json_t **target, struct err *err)
{
    json_t *server = NULL;
    struct host_pin pin = {0};
    struct buf key;
    int rc = -1;

    buf_init(&key, KEY_TEXT_MAX);
    if (server_id == NULL || job_server(w->db, server_id, &server, err) != 0)
        goto out;
    if (!json_is_null(json_object_get(server, "archived_at"))) {
        err_set(err, ERR_CONFLICT, "Server %.60s is archived. Take it out of the environment.",
                json_string_value(json_object_get(server, "slug")));
        goto out;
    }
    if (vault_pin(w->vault, server_id, json_string_value(json_object_get(server, "host")),
                  (int)json_integer_value(json_object_get(server, "port")), &pin, err)
            != 0
        || vault_server_key(w->vault, server_id, &key, err) != 0)
        goto out;
    rc = pack(server, &pin, &key, target, err);
out:
    buf_wipe(&key);
    buf_deinit(&key);
    json_decref(server);
    return rc;
}

static int store_event(struct worker *w, const char *server_id, const json_t *server,
                       const char *seen, struct err *err)
{
    const char *pinned = json_string_value(json_object_get(server, "pin_print"));
    struct audit_entry entry = {
        .actor = &ACTOR_SYSTEM,
        .verb = "server.key_changed",
        .target_kind = "server",
        .target_id = server_id,
        .target_name = json_string_value(json_object_get(server, "slug")),
        .result = "failed",
        .detail = json_pack("{s:s, s:s}", "pinned", pinned == NULL ? "" : pinned, "seen", seen)};
    return audit_append(w->db, &entry, err);
}

static int store_key_changed(struct worker *w, const struct turn *turn, json_t *detail,
                             struct err *err)
{
    const char *state = json_string_value(json_object_get(turn->server, "state"));
    const char *seen = json_string_value(json_object_get(turn->server, "print"));
    const json_t *host =
        json_array_get(json_object_get(turn->run->plan, "hosts"), (size_t)turn->host);
    const char *server_id = json_string_value(json_object_get(host, "server_id"));
    json_t *server = NULL;
    bool changed = false;
    int rc = -1;

    if (state == NULL || strcmp(state, "key_changed") != 0 || server_id == NULL)
        return 0;
    if (seen == NULL || strlen(seen) > 100)
        seen = "";
    json_object_set_new(detail, "host_key_seen", json_string(seen));
    if (job_server(w->db, server_id, &server, err) == 0
        && job_server_state(w->db, server_id, "key_changed", &changed, err) == 0)
        rc = changed ? store_event(w, server_id, server, seen, err) : 0;
    json_decref(server);
    return rc;
}

int target_store_key_changed(struct worker *w, struct run *run, json_t *detail, struct err *err)
{
    for (int h = 0; h < run->host_count; h++) {
        if (store_key_changed(w, &run->turns[h], detail, err) != 0)
            return -1;
    }
    return 0;
}

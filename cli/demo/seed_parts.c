/* seed_parts.c - the single things of `windlass demo seed` (seed_parts.h). */
#include "cli/demo/seed_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "cli/worker_ask.h"
#include "db/artefacts.h"
#include "db/instance.h"
#include "db/jobs_web.h"
#include "db/secrets.h"
#include "lib/base/fs.h"
#include "lib/base/io.h"
#include "lib/base/str.h"
#include "lib/crypto/seal.h"

#define KEY_MAX   4096
#define VALUE_MAX 256

/* "ssh-ed25519 <base64> comment": SHA-256 of the decoded middle, base64 without padding. */
int seed_key_print(const char *path, char print[64], struct err *err)
{
    uint8_t blob[KEY_MAX], hash[CRYPTO_HASH_BYTES];
    char text[CRYPTO_B64_SIZE(CRYPTO_HASH_BYTES)];
    char *from, *to;
    struct buf file;
    int len = -1;

    buf_init(&file, KEY_MAX);
    if (fs_read_all(path, &file, err) != 0)
        goto out;
    from = strchr(file.data, ' ');
    to = from != NULL ? strpbrk(from + 1, " \n") : NULL;
    if (to != NULL) {
        *to = '\0';
        len = crypto_unb64(from + 1, blob, sizeof(blob));
    }
    if (len <= 0) {
        (void)err_set(err, ERR_INPUT, "The host key file is not a public key of OpenSSH.");
        goto out;
    }
    crypto_sha256(blob, (size_t)len, hash);
    crypto_b64(text, sizeof(text), hash, sizeof(hash));
    text[strcspn(text, "=")] = '\0';
    (void)snprintf(print, 64, "SHA256:%s", text);
out:
    buf_deinit(&file);
    return len > 0 ? 0 : -1;
}

/* Copy all of `from`; its size and SHA-256 are what arrived. */
static int copy_hashed(int from, int to, int64_t *size, char hex[CRYPTO_HASH_HEX], struct err *err)
{
    struct crypto_sha256_state state;
    uint8_t hash[CRYPTO_HASH_BYTES];
    char bytes[65536];
    ssize_t n;

    *size = 0;
    crypto_sha256_init(&state);
    while ((n = read(from, bytes, sizeof(bytes))) > 0) {
        if (write(to, bytes, (size_t)n) != n)
            return err_errno(err, "write an artefact");
        crypto_sha256_add(&state, bytes, (size_t)n);
        *size += n;
    }
    if (n < 0 || fsync(to) != 0)
        return err_errno(err, "copy an artefact");
    crypto_sha256_end(&state, hash);
    crypto_hex(hex, CRYPTO_HASH_HEX, hash, sizeof(hash));
    return 0;
}

int seed_artefact(const struct dashboard *dashboard, const struct seed_artefact *artefact,
                  struct err *err)
{
    char name[64], source[PLACE_SIZE], target[PLACE_SIZE], part[128];
    char hex[CRYPTO_HASH_HEX], id[CRYPTO_ID_SIZE];
    struct artefact_new row = {.app_id = artefact->app_id,
                               .app_name = "Hello",
                               .version = artefact->version,
                               .file = name,
                               .sha256 = hex,
                               .origin = "folder",
                               .source = name,
                               .created_by = artefact->user_id};
    int from = -1, to = -1, rc = -1;

    (void)snprintf(name, sizeof(name), "hello-%s.tar.gz", artefact->version);
    (void)snprintf(part, sizeof(part), "artefacts/%s", name);
    if (!fs_join(source, sizeof(source), artefact->folder, name)
        || place_path(&dashboard->place, part, target, err) != 0)
        return err_set(err, ERR_INPUT, "A path of the demo is too long.");
    from = open(source, O_RDONLY | O_CLOEXEC);
    to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (from == -1 || to == -1)
        (void)err_errno(err, "open %s", from == -1 ? source : target);
    else if (copy_hashed(from, to, &row.size_bytes, hex, err) == 0)
        rc = artefact_add(dashboard->db, &ACTOR_COMMAND_LINE, &row, id, err);
    io_close(&from);
    io_close(&to);
    return rc;
}

/* One entry, sealed as the web side seals it. */
static int seal_entry(const struct instance *instance, const char *value, uint8_t *sealed,
                      struct secret_draft_entry *entry, struct err *err)
{
    size_t len = strlen(value);

    if (len > VALUE_MAX || seal_to(instance->seal_key, value, len, sealed, err) != 0)
        return -1;
    entry->sealed = sealed;
    entry->sealed_len = len + SEAL_OVERHEAD;
    return 0;
}

int seed_secrets(const struct dashboard *dashboard, const struct seed_person *person,
                 const char *environment_id, const char *slug, struct err *err)
{
    uint8_t sealed[2][VALUE_MAX + SEAL_OVERHEAD];
    char greeting[64], api_token[CRYPTO_TOKEN_TEXT], draft_id[CRYPTO_ID_SIZE];
    struct secret_draft_entry entries[2] = {
        {.key = "GREETING", .kind = "plain", .comment = "# Said on the app's first page\n"},
        {.key = "API_TOKEN", .kind = "secret", .comment = "# Random, to see how logs hide it\n"}};
    const struct secret_draft draft = {.environment_id = environment_id,
                                       .user_id = person->user_id,
                                       .entries = entries,
                                       .count = COUNT_OF(entries)};
    struct instance instance;
    json_t *answer = NULL;
    int rc = -1;

    (void)snprintf(greeting, sizeof(greeting), "Hello from %s", slug);
    crypto_new_token(api_token);
    if (instance_get(dashboard->db, &instance, err) == 0
        && seal_entry(&instance, greeting, sealed[0], &entries[0], err) == 0
        && seal_entry(&instance, api_token, sealed[1], &entries[1], err) == 0
        && secret_draft_add(dashboard->db, &draft, draft_id, err) == 0)
        rc = worker_ask(&dashboard->place, "secrets.save", person->token,
                        json_pack("{s:s, s:s}", "draft_id", draft_id, "message", "First values"),
                        &answer, err);
    crypto_wipe(api_token, sizeof(api_token));
    json_decref(answer);
    return rc;
}

/* A lost datagram costs a second: the worker looks by itself. */
static void poke(const struct place *place)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd == -1)
        return;
    if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/run/poke.sock", place->var)
        < (int)sizeof(address.sun_path))
        (void)sendto(fd, "j", 1, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&address,
                     sizeof(address));
    io_close(&fd);
}

/* {"command_line": true, "proof": ...} sealed to the worker (docs/architecture.md, "Who asked"). */
static int seal_proof(const struct dashboard *dashboard, const char *job_id, uint8_t *sealed,
                      size_t *len, struct err *err)
{
    char proof[2 * CRYPTO_MAC_BYTES + 1];
    struct instance instance;
    char *text;
    json_t *auth;
    int rc = -1;

    vault_command_proof(dashboard->vault, job_id, "check", proof);
    auth = json_pack("{s:b, s:s, s:s, s:s, s:s}", "command_line", 1, "proof", proof, "job", job_id,
                     "kind", "check", "environment", "");
    text = auth != NULL ? json_dumps(auth, JSON_COMPACT) : NULL;
    if (text != NULL && strlen(text) <= VALUE_MAX
        && instance_get(dashboard->db, &instance, err) == 0
        && seal_to(instance.seal_key, text, strlen(text), sealed, err) == 0) {
        *len = strlen(text) + SEAL_OVERHEAD;
        rc = 0;
    }
    free(text);
    json_decref(auth);
    return rc;
}

int seed_check_server(const struct dashboard *dashboard, const char *user_id, const char *server_id,
                      struct err *err)
{
    uint8_t sealed[VALUE_MAX + SEAL_OVERHEAD];
    char id[CRYPTO_ID_SIZE], idem[64];
    struct job_request request = {.id = id,
                                  .kind = "check",
                                  .lock_class = "none",
                                  .server_id = server_id,
                                  .target_name = "demo-target",
                                  .verb = "check.request",
                                  .idem = idem,
                                  .auth = sealed,
                                  .requested_by = user_id,
                                  .why = ""};
    struct job_added added;

    crypto_new_id(id);
    (void)snprintf(idem, sizeof(idem), "demo-check-%s", id);
    if (seal_proof(dashboard, id, sealed, &request.auth_len, err) != 0
        || job_request_add(dashboard->db, &ACTOR_COMMAND_LINE, &request, &added, err) != 0)
        return -1;
    poke(&dashboard->place);
    return 0;
}

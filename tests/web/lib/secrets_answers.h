/* secrets_answers.h - the stand-in worker's answers to secrets.compare and secrets.reveal, and
 * stored secret sets for it to compare with.
 *
 * It compares as the worker does, with its own connection and the stage's secret key: only the
 * fingerprint of a value is another one here (SHA-256). Hidden values of sets are nowhere: a reveal
 * shows what the script says. */
#ifndef WL_TESTS_WEB_LIB_SECRETS_ANSWERS_H
#define WL_TESTS_WEB_LIB_SECRETS_ANSWERS_H

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "db/secret_sets.h"
#include "lib/crypto/crypto.h"
#include "lib/crypto/reply.h"
#include "lib/crypto/seal.h"
#include "lib/crypto/unseal.h"
#include "tests/web/lib/world.h"

/* What a reveal shows, and what the worker finds wrong with a key. */
struct secrets_script {
    char revealed[200];             /* the value of every key that is revealed */
    char fault_key[40], fault[120]; /* "": none */
};

struct secrets_answerer {
    const struct secrets_script *script;
    const char *var;
    const uint8_t *seal_key, *seal_secret;
};

/* --- stored sets --- */

struct stored {
    const char *key, *kind, *value;
    const char *path;            /* NULL: a variable */
    const char *comment, *stage; /* NULL: "", "run" */
};

static UNUSED void print_of(const char *value, size_t len, uint8_t print[CRYPTO_MAC_BYTES])
{
    uint8_t hash[CRYPTO_HASH_BYTES];
    crypto_sha256(value, len, hash);
    memcpy(print, hash, CRYPTO_MAC_BYTES);
}

/* The next set of this environment, by this person; its number. */
static UNUSED int64_t store_secrets(struct world *w, const char *environment_id,
                                    const struct stored *stored, size_t count)
{
    struct secret_row rows[20];
    struct secret_set_new set = {
        .environment_id = environment_id, .message = "A set", .created_by = w->user_id};
    WORLD_MUST(count > COUNT_OF(rows));
    WORLD_MUST(db_begin(w->worker, &world_err));
    WORLD_MUST(secret_set_next_number(w->worker, environment_id, &set.number, &world_err));
    for (size_t i = 0; i < count; i++) {
        const struct stored *from = &stored[i];
        bool is_plain = strcmp(from->kind, "plain") == 0;
        rows[i] = (struct secret_row){.key = from->key,
                                      .kind = from->kind,
                                      .form = from->path != NULL ? "file" : "env",
                                      .path = from->path,
                                      .mode = from->path != NULL ? 0600 : 0,
                                      .stage = from->stage != NULL ? from->stage : "run",
                                      .comment = from->comment != NULL ? from->comment : "",
                                      .plain = is_plain ? from->value : NULL,
                                      .changed_in = set.number,
                                      .size_bytes = (int64_t)strlen(from->value)};
        print_of(from->value, strlen(from->value), rows[i].fingerprint);
    }
    set.entries.rows = rows;
    set.entries.count = count;
    WORLD_MUST(secret_set_add(w->worker, &set, &world_err));
    WORLD_MUST(db_commit(w->worker, &world_err));
    return set.number;
}

/* --- secrets.compare --- */

static UNUSED const struct secret_row *row_of(const struct secret_rows *rows, const char *key)
{
    for (size_t i = 0; i < rows->count; i++)
        if (strcmp(rows->rows[i].key, key) == 0)
            return &rows->rows[i];
    return NULL;
}

struct answering {
    const struct secrets_answerer *answerer;
    struct db *db;
    struct arena *arena;
    struct draft draft;
};

/* false: there is nothing to keep. */
static UNUSED bool find_print(struct answering *a, struct secret_row *row)
{
    static uint8_t plain[200000];
    struct secret_rows kept;
    const struct secret_row *from;
    if (row->sealed != NULL) {
        if (unseal_open(a->answerer->seal_key, a->answerer->seal_secret, row->sealed,
                        row->sealed_len, plain, NULL)
            != 0)
            return false;
        print_of((const char *)plain, row->sealed_len - SEAL_OVERHEAD, row->fingerprint);
        return true;
    }
    if (secret_set_read(a->db, a->draft.environment_id, row->keep_set, a->arena, &kept, NULL) != 0)
        return false;
    from = row_of(&kept, row->key);
    if (from != NULL)
        memcpy(row->fingerprint, from->fingerprint, sizeof row->fingerprint);
    return from != NULL;
}

static UNUSED char difference_of(const struct secret_row *row, const struct secret_row *other)
{
    if (other == NULL)
        return '+';
    if (memcmp(row->fingerprint, other->fingerprint, sizeof row->fingerprint) != 0)
        return '~';
    return strcmp(row->kind, other->kind) != 0 || strcmp(row->comment, other->comment) != 0
                   || strcmp(row->stage, other->stage) != 0
               ? 'm'
               : '=';
}

static UNUSED json_t *compare_with(struct answering *a, int64_t number, const bool *is_wrong)
{
    char text[SECRET_SET_MAX_ENTRIES + 1] = "";
    struct secret_rows rows;
    size_t i;
    if (secret_set_read(a->db, a->draft.environment_id, number, a->arena, &rows, NULL) != 0)
        return json_string("");
    for (i = 0; i < a->draft.entries.count; i++)
        text[i] = is_wrong[i] ? '?'
                              : difference_of(&a->draft.entries.rows[i],
                                              row_of(&rows, a->draft.entries.rows[i].key));
    text[i] = '\0';
    return json_string(text);
}

static UNUSED json_t *compare_answer(struct answering *a, const char *draft_id)
{
    const struct secrets_script *script = a->answerer->script;
    bool is_wrong[SECRET_SET_MAX_ENTRIES] = {false};
    json_t *lint = json_array(), *size = json_array(), *faults = json_array();
    struct secret_set_head newest;
    if (draft_read(a->db, draft_id, a->arena, &a->draft, NULL) != 0
        || secret_set_newest(a->db, a->draft.environment_id, a->arena, &newest, NULL) != 0)
        return json_pack("{s:b, s:s, s:s, s:s}", "ok", 0, "code", "not-found", "field", "", "user",
                         "There is no such draft.");
    for (size_t i = 0; i < a->draft.entries.count; i++) {
        const char *key = a->draft.entries.rows[i].key;
        const char *fault = strcmp(key, script->fault_key) == 0         ? script->fault
                            : !find_print(a, &a->draft.entries.rows[i]) ? "It has no value yet."
                                                                        : NULL;
        is_wrong[i] = fault != NULL;
        if (fault != NULL)
            json_array_append_new(faults, json_pack("{s:s, s:s}", "key", key, "text", fault));
        json_array_append_new(lint, json_integer(0));
        json_array_append_new(size, json_integer(1));
    }
    return json_pack("{s:b, s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o}", "ok", 1, "base",
                     (json_int_t)a->draft.base_set, "newest", (json_int_t)newest.number,
                     "newest_by", newest.by_name, "against_base",
                     compare_with(a, a->draft.base_set, is_wrong), "against_newest",
                     newest.number == a->draft.base_set ? json_string("")
                                                        : compare_with(a, newest.number, is_wrong),
                     "lint", lint, "size", size, "faults", faults);
}

/* In the stand-in's process: a connection for each question. */
static UNUSED json_t *answer_compare(const struct secrets_answerer *answerer, const json_t *in)
{
    static struct answering a;
    char path[PATH_MAX];
    json_t *answer;
    memset(&a, 0, sizeof a);
    a.answerer = answerer;
    a.arena = arena_new((size_t)32 * 1024 * 1024);
    snprintf(path, sizeof path, "%s/db/windlass.db", answerer->var);
    WORLD_MUST(db_open(path, DB_SHARED, DB_ROLE_WORKER, &a.db, &world_err));
    answer = compare_answer(&a, json_string_value(json_object_get(in, "draft_id")));
    db_close(a.db);
    arena_free(a.arena);
    return answer;
}

/* --- secrets.reveal --- */

static UNUSED json_t *answer_reveal(const struct secrets_answerer *answerer, const json_t *in,
                                    int *fd)
{
    const char *text = json_string_value(json_object_get(in, "reply_key"));
    const char *key = json_string_value(json_object_get(in, "key"));
    uint8_t box[200], reply_key[REPLY_KEY_BYTES], sealed[2000];
    char base64[400], values[1000];
    int n = crypto_unb64url(text, box, strlen(text)), len;
    WORLD_MUST(n != (int)(REPLY_KEY_BYTES + SEAL_OVERHEAD));
    WORLD_MUST(unseal_open(answerer->seal_key, answerer->seal_secret, box, (size_t)n, reply_key,
                           &world_err));
    crypto_b64(base64, sizeof base64, answerer->script->revealed,
               strlen(answerer->script->revealed));
    len = snprintf(values, sizeof values, "{\"values\":{\"%s\":\"%s\"}}",
                   key[0] == '\0' ? "PASSWORD" : key, base64);
    reply_seal(reply_key, values, (size_t)len, sealed);
    *fd = memfd_create("reply", MFD_CLOEXEC);
    WORLD_MUST(write(*fd, sealed, (size_t)len + REPLY_OVERHEAD) < 0);
    WORLD_MUST(lseek(*fd, 0, SEEK_SET) != 0);
    return json_pack("{s:b, s:i}", "ok", 1, "size", len + REPLY_OVERHEAD);
}

/* One message; fd >= 0 goes with it (unix(7), SCM_RIGHTS), and is closed. */
static UNUSED void send_answer(int to, const char *text, int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)(uintptr_t)text, strlen(text)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    }
    (void)sendmsg(to, &message, MSG_NOSIGNAL);
    if (fd >= 0)
        close(fd);
}

#endif

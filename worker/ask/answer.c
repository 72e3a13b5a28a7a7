/* answer.c - from a message to a verb and back: the table of verbs, and what all of them need. */
#include "worker/ask/question.h"

#include "db/vault/access.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

#define SEALED_TEXT_MAX 2048

static const struct verb {
    const char *name;
    ask_verb_fn *answer;
    bool is_open;   /* without a session; false, and so anything forgotten: needs one */
    unsigned scope; /* an API token with one of these may ask it; 0: none may */
} VERBS[] = {
    {"ping", ask_ping, true, SCOPE_NONE},
    {"setup", ask_setup, true, SCOPE_NONE},
    {"login", ask_login, true, SCOPE_NONE},
    {"logout", ask_logout, false, SCOPE_NONE},
    {"password.change", ask_password_change, false, SCOPE_NONE},
    {"session.prove", ask_session_prove, false, SCOPE_NONE},
    {"server.add", ask_server_add, false, SCOPE_NONE},
    {"server.host_key", ask_server_host_key, false, SCOPE_NONE},
    {"server.pin", ask_server_pin, false, SCOPE_NONE},
    {"secrets.save", ask_secrets_save, false, SCOPE_SECRETS_WRITE},
    {"secrets.compare", ask_secrets_compare, false, SCOPE_SECRETS_READ | SCOPE_SECRETS_WRITE},
    {"secrets.reveal", ask_secrets_reveal, false, SCOPE_SECRETS_READ},
    {"registry.save", ask_registry_save, false, SCOPE_NONE},
    {"registry.password", ask_registry_password, false, SCOPE_NONE},
    {"registry.remove", ask_registry_remove, false, SCOPE_NONE},
    {"token.add", ask_token_add, false, SCOPE_NONE},
    {"token.remove", ask_token_remove, false, SCOPE_NONE},
    {"token.check", ask_token_check, true, SCOPE_NONE},
};

int ask_ping(struct question *q, struct err *err)
{
    return ask_put_text(q, "version", WL_VERSION, err);
}

/* --- reading and writing members --- */

const char *ask_text(const struct question *q, const char *name)
{
    const char *text = json_string_value(json_object_get(q->in, name));

    return text == NULL ? "" : text;
}

int ask_sealed_text(const struct question *q, const char *name, struct buf *out, struct err *err)
{
    buf_init(out, SEALED_TEXT_MAX);
    if (vault_unseal_text(q->vault, name, ask_text(q, name), out, err) != 0)
        return -1;
    if (memchr(out->data, '\0', out->len) != NULL || !str_is_utf8(out->data, out->len))
        return err_field(err, name, "Only valid text (UTF-8) is possible here.");
    return 0;
}

static int put(struct question *q, const char *name, json_t *value, struct err *err)
{
    if (value == NULL || json_object_set_new(q->out, name, value) != 0)
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory for the answer.");
    return 0;
}

int ask_put_text(struct question *q, const char *name, const char *value, struct err *err)
{
    return put(q, name, json_string(value), err);
}

int ask_put_int(struct question *q, const char *name, int64_t value, struct err *err)
{
    return put(q, name, json_integer(value), err);
}

int ask_fail(struct err *err, const struct err *cause)
{
    if (err != NULL)
        *err = *cause;
    return -1;
}

/* --- who asks --- */

static int find_session(struct question *q, unsigned scope, struct err *err)
{
    struct session_row row;

    if (token_is_one(ask_text(q, "token"))) {
        if (scope == SCOPE_NONE)
            return err_set(err, ERR_DENIED, "This cannot be done with an API token. Sign in.");
        return ask_open_token(q, ask_text(q, "token"), scope, err);
    }
    if (session_by_token(q->shared, ask_text(q, "token"), clock_now_ms(), &row, err) != 0)
        return -1;
    if (!vault_session_is_ours(q->vault, &row)) {
        LOG_WARN("ask_session_not_ours", "user=%s", row.user_id);
        return err_set(err, ERR_SIGNED_OUT, "This session is not valid. Sign in again.");
    }
    q->session = row;
    q->actor.kind = "user";
    q->actor.id = q->session.user_id;
    q->actor.name = q->session.login;
    return 0;
}

int ask_require(struct question *q, enum capability capability, const char *app_id,
                const char *environment_id, struct err *err)
{
    enum role role = ROLE_NONE;

    if (q->has_token && !token_reaches(&q->token, environment_id))
        return err_set(err, ERR_DENIED, "This API token is for other environments.");
    if (vault_role(q->vault, q->session.user_id, app_id, environment_id, &role, err) != 0)
        return -1;
    if (!role_may(role, capability))
        return err_set(err, ERR_DENIED, "You may not do this. Ask an admin for the right to it.");
    return 0;
}

/* --- one message --- */

static int answer(struct question *q, const char **name, struct err *err)
{
    const char *verb = ask_text(q, "verb");

    *name = "?";
    for (size_t i = 0; i < COUNT_OF(VERBS); i++) {
        if (strcmp(VERBS[i].name, verb) != 0)
            continue;
        *name = VERBS[i].name;
        if (!VERBS[i].is_open && find_session(q, VERBS[i].scope, err) != 0)
            return -1;
        return VERBS[i].answer(q, err);
    }
    return err_set(err, ERR_INPUT, "The worker does not know this question.");
}

void ask_answer(struct question *q)
{
    struct err err = {0};
    const char *name;
    int64_t start = clock_mono_ms();

    q->ip = ask_text(q, "ip");
    q->actor = (struct actor){"nobody", "", "", q->ip, ask_text(q, "request_id"), NULL};
    if (answer(q, &name, &err) == 0)
        json_object_set_new(q->out, "ok", json_true());
    else {
        json_object_clear(q->out);
        json_object_set_new(q->out, "ok", json_false());
        json_object_set_new(q->out, "code", json_string(err_code_name(err.code)));
        json_object_set_new(q->out, "field", json_string(err.field));
        json_object_set_new(q->out, "user", json_string(err.user));
        if (err.code == ERR_INTERNAL || err.detail[0] != '\0')
            log_err("ask_failed", &err);
    }
    LOG_INFO("ask", "verb=%s ok=%d ms=%lld request=%s", name, err.code == ERR_NONE,
             (long long)(clock_mono_ms() - start), q->actor.request_id);
}

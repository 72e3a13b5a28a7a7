/* tokens.c - API tokens: verbs token.add, token.remove and token.check, and who asks when any other
 * verb comes with one.
 *
 * The web side asks token.check at the beginning of every request that brings a token, so that what
 * its owner may is read from the grants each time: a lowered role counts at once. */
#include "worker/ask/question.h"

#include "db/environments.h"
#include "db/vault/access.h"
#include "db/vault/tokens.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

/* --- who asks --- */

static void become_owner(struct question *q, const struct token_row *row)
{
    q->has_token = true;
    q->token = *row;
    str_copy(q->session.user_id, sizeof q->session.user_id, row->user_id);
    str_copy(q->session.login, sizeof q->session.login, row->login);
    str_copy(q->session.name, sizeof q->session.name, row->person);
    str_copy(q->session.theme, sizeof q->session.theme, row->theme);
    q->actor.kind = "user";
    q->actor.id = q->session.user_id;
    q->actor.name = q->session.login;
    q->actor.token = q->token.name;
}

static int believe(struct question *q, const char *text, struct token_row *row, struct err *err)
{
    if (!token_is_one(text))
        return err_set(err, ERR_SIGNED_OUT, "This API token is not one of this dashboard's.");
    if (token_by_text(q->shared, text, clock_now_ms(), row, err) != 0)
        return -1;
    return token_check(q->vault, row, err);
}

int ask_open_token(struct question *q, const char *text, unsigned any_of, struct err *err)
{
    char names[SCOPE_TEXT_SIZE];
    struct throttle t;
    struct token_row row;
    struct err cause = {0}, uncounted = {0};

    if (throttle_token_begin(&t, q, err) != 0)
        return -1;
    if (believe(q, text, &row, &cause) != 0) {
        if (cause.code == ERR_SIGNED_OUT && throttle_token_failed(&t, q, &uncounted) != 0)
            log_err("token_failure_not_counted", &uncounted);
        return ask_fail(err, &cause);
    }
    become_owner(q, &row);
    if (vault_role_anywhere(q->vault, row.user_id, &q->session.role, err) != 0)
        return -1;
    if (token_touch(q->shared, &row, t.now, &uncounted) != 0)
        log_err("token_use_not_noted", &uncounted);
    if (any_of != SCOPE_NONE && (row.scopes & any_of) == 0)
        return err_set(err, ERR_DENIED, "This API token lacks the scope %s.",
                       scope_text(names, any_of));
    return 0;
}

/* --- token.check --- */

/* What the owner is in the place that is asked about: nothing where the token does not reach. */
static int role_at(struct question *q, enum role *role, struct err *err)
{
    json_t *environment = NULL;
    struct err cause = {0};
    const char *id = "", *app_id = "";
    int rc = 0;

    *role = ROLE_NONE;
    if (ask_text(q, "env")[0] != '\0') {
        if (environment_by_slugs(q->shared, ask_text(q, "app"), ask_text(q, "env"), &environment,
                                 &cause)
            != 0) {
            if (cause.code != ERR_NOT_FOUND)
                return ask_fail(err, &cause);
        } else {
            id = json_string_value(json_object_get(environment, "id"));
            app_id = json_string_value(json_object_get(environment, "app_id"));
        }
    }
    if (token_reaches(&q->token, id))
        rc = id[0] != '\0' ? vault_role(q->vault, q->session.user_id, app_id, id, role, err)
                           : vault_role_anywhere(q->vault, q->session.user_id, role, err);
    json_decref(environment);
    return rc;
}

int ask_token_check(struct question *q, struct err *err)
{
    enum role role;

    if (ask_open_token(q, ask_text(q, "token"), SCOPE_NONE, err) != 0 || role_at(q, &role, err) != 0
        || ask_put_text(q, "user_id", q->session.user_id, err) != 0
        || ask_put_text(q, "login", q->session.login, err) != 0
        || ask_put_text(q, "name", q->session.name, err) != 0
        || ask_put_text(q, "theme", q->session.theme, err) != 0
        || ask_put_text(q, "role", role_name(role), err) != 0
        || ask_put_text(q, "token_name", q->token.name, err) != 0
        || ask_put_int(q, "expires_at", q->token.expires_at, err) != 0)
        return -1;
    return ask_put_int(q, "scopes", (int64_t)q->token.scopes, err);
}

/* --- token.add --- */

int ask_token_add(struct question *q, struct err *err)
{
    json_int_t days = json_integer_value(json_object_get(q->in, "days"));
    struct token_new token = {.user_id = q->session.user_id,
                              .login = q->session.login,
                              .name = ask_text(q, "name"),
                              .days = days > 0 && days <= TOKEN_DAYS_MAX ? (int)days : 0};
    json_t *environments = NULL;
    struct token_made made;
    int rc = -1;

    if (scope_parse("scopes", ask_text(q, "scopes"), &token.scopes, err) != 0
        || token_environments(q->shared, "environments", ask_text(q, "environments"), &environments,
                              err)
               != 0)
        return -1;
    token.environments = environments;
    if (ask_prove_password(q, err) == 0
        && token_issue(q->shared, q->vault, &q->actor, &token, &made, err) == 0) {
        if (ask_put_text(q, "api_token", made.text, err) == 0
            && ask_put_int(q, "expires_at", made.row.expires_at, err) == 0)
            rc = ask_put_text(q, "id", made.row.id, err);
        crypto_wipe(&made, sizeof made);
    }
    json_decref(environments);
    return rc;
}

/* --- token.remove --- */

int ask_token_remove(struct question *q, struct err *err)
{
    struct token_row row;

    if (token_find(q->shared, q->session.user_id, ask_text(q, "id"), &row, err) != 0)
        return -1;
    return token_remove(q->shared, q->vault, &q->actor, &row, err);
}

/* bearer.c - who sends a request with an API token (bearer.h; RFC 6750). */
#include "cgi/http/bearer.h"

#include <string.h>
#include <strings.h>
#include "cgi/http/ask.h"
#include "cgi/http/cookie.h"
#include "cgi/http/site.h"
#include "lib/base/str.h"

#define SCHEME    "Bearer "
#define PLACE     "/apps/{app}/{env}"
#define TOKEN_MAX 200

bool bearer_is_sent(const struct request *req)
{
    return strncasecmp(request_header(req, "HTTP_AUTHORIZATION"), SCHEME, sizeof SCHEME - 1) == 0;
}

static int check_alone(const struct request *req, struct err *err)
{
    if (!req->is_api)
        return err_set(err, ERR_INPUT,
                       "API tokens are for addresses below /api/v1. Send it there, or sign in.");
    if (cookie_read(req->arena, req->site, COOKIE_SESSION, request_header(req, "HTTP_COOKIE"))
        != NULL)
        return err_set(err, ERR_INPUT,
                       "This request brings a session's cookie and an API token. Send one of the "
                       "two.");
    if (!req->site->may_log_in)
        return err_set(err, ERR_INPUT,
                       "Over plain http to %s a token could be read on the way. Use https.",
                       req->site->host);
    return 0;
}

static const char *text_at(const json_t *answer, const char *key)
{
    const char *text = json_string_value(json_object_get(answer, key));

    return text != NULL ? text : "";
}

static void take_owner(struct request *req, const json_t *answer)
{
    struct session *who = &req->session;

    str_copy(who->user_id, sizeof who->user_id, text_at(answer, "user_id"));
    str_copy(who->login, sizeof who->login, text_at(answer, "login"));
    str_copy(who->name, sizeof who->name, text_at(answer, "name"));
    str_copy(who->theme, sizeof who->theme, text_at(answer, "theme"));
    who->role = role_from_name(text_at(answer, "role"));
    who->expires_at = json_integer_value(json_object_get(answer, "expires_at"));
    req->scopes = (unsigned)json_integer_value(json_object_get(answer, "scopes")) & SCOPE_ALL;
    req->actor = (struct actor){"user",  who->user_id, who->login,
                                req->ip, req->id,      text_at(answer, "token_name")};
}

int bearer_read(struct request *req, const struct route *route, struct err *err)
{
    const char *text = request_header(req, "HTTP_AUTHORIZATION") + sizeof SCHEME - 1;
    const char *pattern = route != NULL ? route->pattern : "";
    json_t *question, *answer = NULL;
    const char *token;

    req->has_bearer = true;
    if (check_alone(req, err) != 0)
        return -1;
    text += strspn(text, " ");
    token = strlen(text) > TOKEN_MAX || !str_is_utf8(text, strlen(text))
                ? NULL
                : arena_strdup(req->arena, text);
    if (token == NULL)
        return err_set(err, ERR_SIGNED_OUT, "This API token is not one of this dashboard's.");
    if (str_starts(pattern, "/api/v1/"))
        pattern += strlen("/api/v1");
    question = str_starts(pattern, PLACE)
                   ? json_pack("{s:s, s:s}", "app", req->params[0], "env", req->params[1])
                   : json_object();
    req->session.token = token; /* ask() sends it along */
    if (ask(req, "token.check", question, &answer, err) != 0) {
        req->session.token = "";
        return -1;
    }
    take_owner(req, answer);
    return 0;
}

int bearer_check_scope(const struct request *req, const struct route *route, struct err *err)
{
    unsigned wanted = route_scopes(route);
    char names[SCOPE_TEXT_SIZE];

    if (wanted == SCOPE_NONE)
        return err_set(err, ERR_DENIED,
                       "API tokens do not reach this address. Sign in to go there.");
    if ((wanted & req->scopes) == 0)
        return err_set(err, ERR_DENIED, "This API token lacks the scope %s. Make one that has it.",
                       scope_text(names, wanted));
    return 0;
}

const char *bearer_challenge(const struct request *req, const struct route *route, int status)
{
    unsigned wanted = route != NULL ? route_scopes(route) : SCOPE_NONE;
    char names[SCOPE_TEXT_SIZE];

    if (req->is_api && status == 403 && req->has_bearer && wanted != SCOPE_NONE)
        return arena_printf(req->arena,
                            "Bearer realm=\"windlass\", error=\"insufficient_scope\", scope=\"%s\"",
                            scope_text(names, wanted));
    if (!req->is_api || status != 401)
        return NULL;
    return req->has_bearer ? "Bearer realm=\"windlass\", error=\"invalid_token\""
                           : "Bearer realm=\"windlass\"";
}

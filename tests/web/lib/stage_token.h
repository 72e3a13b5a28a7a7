/* stage_token.h - what the stand-in for the worker (pages_world.h) answers about API tokens. */
#ifndef WL_TESTS_WEB_LIB_STAGE_TOKEN_H
#define WL_TESTS_WEB_LIB_STAGE_TOKEN_H

#include <jansson.h>
#include <string.h>
#include "lib/crypto/crypto.h"

struct stage_token {
    char user_id[CRYPTO_ID_SIZE]; /* whose every token is */
    char role[16];                /* theirs; "": no token is good */
    unsigned scopes;              /* of every token */
};

static inline json_t *stage_token_answer(const struct stage_token *token, const char *verb)
{
    if (strcmp(verb, "token.remove") == 0)
        return json_pack("{s:b}", "ok", 1);
    if (strcmp(verb, "token.add") == 0)
        return json_pack("{s:b, s:s, s:s, s:I}", "ok", 1, "id", "to1", "api_token",
                         "wl_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "expires_at",
                         (json_int_t)1900000000000);
    if (token->role[0] == '\0')
        return json_pack("{s:b, s:s, s:s}", "ok", 0, "code", "signed-out", "user",
                         "This API token was removed. Make another one.");
    return json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "ok", 1, "user_id",
                     token->user_id, "login", "ann", "name", "Ann Weaver", "theme", "system",
                     "role", token->role, "token_name", "ci", "scopes", (json_int_t)token->scopes,
                     "expires_at", (json_int_t)1900000000000);
}

#endif

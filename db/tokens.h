/* tokens.h - API tokens: the row in windlass.db. Making one, and whether a row is to be believed,
 * is in db/vault/tokens.h; only the worker and the command line can.
 *
 * A token is "wl_" and 43 characters (32 random bytes, base64url). Its text is shown once and kept
 * nowhere; the row has its hash. It ends when it expires, is removed, or its user is disabled; what
 * it may do is never more than what its user may at that moment. */
#ifndef WL_DB_TOKENS_H
#define WL_DB_TOKENS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "db/db.h"
#include "lib/crypto/crypto.h"
#include "lib/domain/scope.h"

#define TOKEN_PREFIX            "wl_"
#define TOKEN_TEXT_SIZE         (sizeof TOKEN_PREFIX - 1 + CRYPTO_TOKEN_TEXT)
#define TOKEN_ENVIRONMENTS_MAX  20
#define TOKEN_ENVIRONMENTS_SIZE (TOKEN_ENVIRONMENTS_MAX * (CRYPTO_ID_SIZE + 2) + 3)
#define TOKEN_DAYS_MAX          366
#define TOKEN_DAYS_USUAL        90
#define TOKENS_OF_USER_MAX      50

struct token_row {
    char id[CRYPTO_ID_SIZE];
    char user_id[CRYPTO_ID_SIZE];
    char name[336];                  /* of the token */
    char login[72];                  /* of its user, */
    char person[336];                /* their name */
    char theme[8];                   /* and colours */
    uint8_t hash[CRYPTO_HASH_BYTES]; /* SHA-256 of the token's text */
    unsigned scopes;
    char environments[TOKEN_ENVIRONMENTS_SIZE]; /* as stored: a JSON list of ids */
    int64_t created_at, expires_at;
    int64_t used_at; /* 0: never */
    uint8_t mac[CRYPTO_MAC_BYTES];
};

/* Whether a text looks like one of ours; says nothing about whether it is good. */
bool token_is_one(const char *text);
void token_hash(const char *text, uint8_t hash[CRYPTO_HASH_BYTES]);
/* Whether the token is for this environment; "" (none in particular): only one that is for all. */
bool token_reaches(const struct token_row *row, const char *environment_id);

/* The token with this text, alive at `now`. ERR_SIGNED_OUT with a sentence that says why it is not.
 * The MAC is not checked here. Worker only, as all that follows but token_list. */
int token_by_text(struct db *db, const char *text, int64_t now, struct token_row *row,
                  struct err *err) MUST_USE;
/* A user's living token by name or id; ERR_NOT_FOUND. */
int token_find(struct db *db, const char *user_id, const char *word, struct token_row *row,
               struct err *err) MUST_USE;
/* {id, name, login, scopes, environments: [ids], places: "app/env ...", created_at, expires_at,
 * used_at}, expired ones too; of all users when user_id is NULL. */
int token_list(struct db *db, const char *user_id, json_t **tokens, struct err *err) MUST_USE;

/* Insert, in the caller's transaction. ERR_CONFLICT with field "name" when the user has one of that
 * name; ERR_INPUT when they have TOKENS_OF_USER_MAX. */
int token_add(struct db *db, const struct token_row *row, struct err *err) MUST_USE;
/* In the caller's transaction: it is removed. ERR_NOT_FOUND when it was already. */
int token_end(struct db *db, const struct token_row *row, int64_t now, struct err *err) MUST_USE;
/* Note that it was used; writes at most once a minute. */
int token_touch(struct db *db, const struct token_row *row, int64_t now, struct err *err) MUST_USE;
/* Remove rows that expired more than 30 days ago. */
int token_prune(struct db *db, int64_t now, struct err *err) MUST_USE;

/* "shop/production shop/staging" (spaces or commas) as a new list of environment ids; empty text:
 * the empty list. ERR_INPUT naming `field` when one is unknown, or there are too many. */
int token_environments(struct db *db, const char *field, const char *text, json_t **ids,
                       struct err *err) MUST_USE;

#endif

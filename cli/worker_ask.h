/* worker_ask.h - the command line's side of the ask socket (docs/architecture.md): for what only
 * the worker does. */
#ifndef WL_CLI_WORKER_ASK_H
#define WL_CLI_WORKER_ASK_H

#include <jansson.h>
#include "cli/dashboard.h"
#include "lib/base/attr.h"

/* question: stolen, without verb and ip. token: of a sign-in, or NULL. *answer: a new object. A
 * refusal comes back as its code and sentence; a worker that is not there is ERR_BUSY. At most 15
 * s.
 */
int worker_ask(const struct place *place, const char *verb, const char *token, json_t *question,
               json_t **answer, struct err *err) MUST_USE;
/* A password as the ask socket wants it: base64url of a sealed box; a new string, or NULL. */
json_t *worker_ask_sealed(const struct dashboard *dashboard, const char *secret,
                          struct err *err) MUST_USE;
/* Sign in with a password; token has room for CRYPTO_TOKEN_TEXT. */
int worker_ask_login(const struct dashboard *dashboard, const char *login, const char *password,
                     char token[CRYPTO_TOKEN_TEXT], struct err *err) MUST_USE;

#endif

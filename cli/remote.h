/* remote.h - a dashboard that is asked through its JSON API, from any machine, with an API token.
 *
 * The token comes from a file or from standard input, never from the command line, which everybody
 * on a machine can read. */
#ifndef WL_CLI_REMOTE_H
#define WL_CLI_REMOTE_H

#include <jansson.h>
#include <stdbool.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/net/api.h"

struct remote {
    const char *url, *token_file; /* as the options say; NULL: from the environment */
    char base[512];
    char token[256];
};

/* Find address and token. stdin_is_taken: what standard input is read for besides, or NULL; the
 * token cannot come from there too then. ERR_INPUT says what is missing and how to give it. */
int remote_open(struct remote *remote, const char *stdin_is_taken, struct err *err) MUST_USE;
/* Overwrite the token. */
void remote_close(struct remote *remote);
/* ERR_INPUT when a word of the command line is a token. */
int remote_refuse_tokens(int argc, char **argv, struct err *err) MUST_USE;

struct remote_call {
    const char *method, *path; /* below /api/v1 */
    const char *if_match;      /* NULL: none */
    const json_t *body;        /* NULL: none */
};
/* A 2xx answer, or its refusal as our error: 401 and 403 are ERR_SIGNED_OUT and ERR_DENIED, 409 and
 * 412 ERR_CONFLICT, 429 ERR_THROTTLED, 503 ERR_BUSY, others ERR_REMOTE. What is said of single
 * fields goes to standard error. */
int remote_call(const struct remote *remote, const struct remote_call *call,
                struct api_answer *answer, struct err *err) MUST_USE;
/* The answer's body as an object, a new reference. ERR_REMOTE when it is none. */
int remote_json(const struct api_answer *answer, json_t **object, struct err *err) MUST_USE;

#endif

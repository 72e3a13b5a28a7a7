/* scope.h - what an API token may be used for. A scope only narrows: whoever made the token must
 * have the right too, at the moment of each use (access.h). Zero allows nothing. */
#ifndef WL_DOMAIN_SCOPE_H
#define WL_DOMAIN_SCOPE_H

#include <stdbool.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/domain/access.h"

/* Bits: a token holds any number of them. */
enum scope {
    SCOPE_NONE = 0,
    SCOPE_READ = 1,         /* apps, environments, jobs, servers, as pages show them */
    SCOPE_SECRETS_READ = 2, /* keys, and the values of kind plain and secret */
    SCOPE_SECRETS_WRITE = 4 /* keys, and a new secret set; shows no value */
};
#define SCOPE_ALL       ((unsigned)(SCOPE_READ | SCOPE_SECRETS_READ | SCOPE_SECRETS_WRITE))
#define SCOPE_TEXT_SIZE 64

/* "read,secrets:write" (commas or spaces between, any order). ERR_INPUT naming the field when a
 * word is no scope, or there is none. */
int scope_parse(const char *field, const char *text, unsigned *scopes, struct err *err) MUST_USE;
/* The same set as text, always in the same order; "" for none. Returns dst. */
const char *scope_text(char dst[SCOPE_TEXT_SIZE], unsigned scopes);
/* All of them, for forms and help: NULL ends the list. */
struct scope_words {
    enum scope scope;
    const char *name, *help;
};
extern const struct scope_words SCOPES[];
/* Whether this role has every right that these scopes stand for. */
bool scope_role_may(enum role role, unsigned scopes);

#endif

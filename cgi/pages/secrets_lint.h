/* secrets_lint.h - what looks wrong with a value, as pages say it. */
#ifndef WL_CGI_PAGES_SECRETS_LINT_H
#define WL_CGI_PAGES_SECRETS_LINT_H

#include <jansson.h>

/* A list of {code, text}: the bits (lib/domain/secret_lint.h), and that another environment has the
 * same value (shared: of secret_shared; NULL: not looked at). */
json_t *secrets_lint_model(unsigned bits, const char *key, const json_t *shared);

#endif

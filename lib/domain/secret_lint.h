/* secret_lint.h - what looks wrong about the value of one variable: hints for the person who typed
 * it, never a reason to refuse. The sentences do not quote the value. Pure; nothing is kept. */
#ifndef WL_DOMAIN_SECRET_LINT_H
#define WL_DOMAIN_SECRET_LINT_H

#include <stdbool.h>
#include <stddef.h>

enum secret_lint_bit {
    SECRET_LINT_PLACEHOLDER = 1U << 0,
    SECRET_LINT_SPACE = 1U << 1,
    SECRET_LINT_LOOKALIKE = 1U << 2,
    SECRET_LINT_WEAK = 1U << 3,
    SECRET_LINT_URL = 1U << 4,
    SECRET_LINT_PEM = 1U << 5,
    SECRET_LINT_QUOTED = 1U << 6
};

enum secret_lint_severity { SECRET_LINT_NOTE = 0, SECRET_LINT_WARN };

struct secret_lint_rule {
    unsigned bit;
    enum secret_lint_severity severity;
    const char *code; /* for JSON: "placeholder", "weak", ... */
    const char *sentence;
};

/* The bits of all rules that the value meets; 0: nothing to say. `bytes` may hold any bytes. */
unsigned secret_lint(const char *key, const char *bytes, size_t len);

/* All rules, in the order in which they are to be shown. */
const struct secret_lint_rule *secret_lint_rules(size_t *count);
/* "note" or "warn". */
const char *secret_lint_severity_name(enum secret_lint_severity severity);

/* Whether a variable of that name holds a secret, by its words: API_TOKEN does, TOKEN_URL does not.
 */
bool secret_lint_is_secret_name(const char *key);
/* Whether the value only stands for one: changeme, <password>, your-key-here, xxxx. */
bool secret_lint_is_placeholder(const char *bytes, size_t len);

#endif

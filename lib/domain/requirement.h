/* requirement.h - what an app says it needs, read from an `.env.example`: each key with what its
 * author wrote above it. The values in such a file are examples and never become secrets here. What
 * a Compose file needs is compose_variables() (compose.h). */
#ifndef WL_DOMAIN_REQUIREMENT_H
#define WL_DOMAIN_REQUIREMENT_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/base/arena.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/domain/dotenv.h"

struct requirement {
    const char *key;
    const char
        *description;    /* the lines of comment directly above and behind it, without "#"; "" */
    const char *example; /* the value as it stands there; "" when it is a placeholder */
    int line;
    bool is_required; /* its value is a placeholder or missing, and no comment says "optional" */
    bool is_secret;   /* by its name (secret_lint.h) */
};

struct requirement_list {
    struct requirement *items; /* in the order of the file; a key once */
    size_t count;
    const struct dotenv_problem *errors; /* lines that were left out */
    size_t error_count;
};

/* All of *list lies in the arena. -1 as dotenv_read; lines with errors are left out and told. */
int requirement_read(struct arena *arena, const char *bytes, size_t len,
                     struct requirement_list *list, struct err *err) MUST_USE;

#endif

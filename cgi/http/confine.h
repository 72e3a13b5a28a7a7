/* confine.h - a web program gives up what it does not need, for good: it keeps a few folders and no
 * network. What an attacker inside it could reach is then little more than what its pages show.
 *
 * Landlock (kernel 5.13 and later) holds even when all programs share one user, as under `make
 * run`; there it is what keeps the web side out of vault.db and keys/. */
#ifndef WL_CGI_HTTP_CONFINE_H
#define WL_CGI_HTTP_CONFINE_H

#include <stddef.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

enum confine_access { CONFINE_READ = 1, CONFINE_WRITE = 2 };

struct confine_path {
    const char *path; /* a folder or file and all below it; one that is missing is skipped */
    enum confine_access access;
};

/* proc_harden, then Landlock with these paths and nothing else. Returns the Landlock version in
 * force, 0 when the kernel has none (which is logged, not an error), -1 when it could not be put in
 * force although it is there. */
int confine(const struct confine_path *paths, size_t count, struct err *err) MUST_USE;

#endif

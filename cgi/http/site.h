/* site.h - what one web process knows from its start on: folders, public origin, templates,
 * recipes. Read-only after start. */
#ifndef WL_CGI_HTTP_SITE_H
#define WL_CGI_HTTP_SITE_H

#include <stdbool.h>
#include <stdint.h>
#include "cgi/http/template.h"
#include "lib/base/err.h"
#include "lib/crypto/seal.h"
#include "lib/domain/recipe.h"

struct site {
    const char *var_dir;  /* WL_VAR */
    const char *home_dir; /* WL_HOME: where templates/, static/ and recipes/ are */
    const char *origin; /* WL_ORIGIN: https://deploy.example.org or http://127.0.0.1:8080, no slash
                           at the end */
    const char *host;   /* its host[:port] part, compared with the Host header */
    bool is_https;
    bool strict_templates; /* WL_STRICT=1 */
    struct templates *templates;
    const char *static_version; /* hash over static/, in asset URLs: /static/<version>/app.css */
    char instance_id[32];
    uint8_t seal_key[SEAL_KEY_BYTES];
    int64_t upload_max; /* bytes */
};

/* From the environment (WL_*); a missing or wrong one is an error that names it. */
int site_load(struct site *site, struct err *err) MUST_USE;

#endif

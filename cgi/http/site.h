/* site.h - what one web process knows from its start on: folders, public origin, templates. Read
 * before the first fork and not changed after, but for the two keys that site_load_instance takes
 * from the database. */
#ifndef WL_CGI_HTTP_SITE_H
#define WL_CGI_HTTP_SITE_H

#include <stdbool.h>
#include <stdint.h>
#include "cgi/http/template.h"
#include "db/db.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/crypto/seal.h"

#define SITE_VAR_MAX 80 /* bytes of WL_VAR: a socket's path below it must fit 108 (unix(7)) */

struct site {
    const char *var_dir;     /* WL_VAR, absolute */
    const char *home_dir;    /* WL_HOME: where templates/, static/ and recipes/ are, absolute */
    const char *recipes_dir; /* home_dir/recipes */
    const char *origin; /* WL_ORIGIN: https://deploy.example.org or http://127.0.0.1:8080, no slash
                           at the end */
    const char *host;   /* its host[:port] part, compared with the Host header */
    int port;           /* its port, the scheme's own when none is written */
    bool is_https;
    bool may_log_in;             /* false on plain http to anything but this machine */
    bool strict_templates;       /* WL_STRICT=1 */
    struct templates *templates; /* NULL in windlass-stream */
    const char *static_version;  /* hash over static/, in asset URLs: /static/<version>/app.css */
    bool has_instance;           /* the two below are known */
    char instance_id[32];
    uint8_t seal_key[SEAL_KEY_BYTES];
    int64_t upload_max; /* bytes; WL_UPLOAD_MAX, at most what nginx lets through */
};

/* WL_LOG; info when it is unset or unknown. */
enum log_level site_log_level(void);
/* From the environment (WL_*); a missing or wrong one is an error that names it. */
int site_load(struct site *site, struct err *err) MUST_USE;
/* Load and check the templates below home_dir, and hash static/. */
int site_load_templates(struct site *site, struct err *err) MUST_USE;
/* The instance's id and public key, once the database is open. */
int site_load_instance(struct site *site, struct db *db, struct err *err) MUST_USE;
void site_free(struct site *site);

#endif

/* validate.h - one typed check per kind of text from outside: reject, never clean. Used by the web
 * side for forms and again by the worker on what it reads from the shared database. Each returns 0,
 * or -1 with err->field = field and a sentence that says the cause and the fix. The value itself is
 * never echoed whole. */
#ifndef WL_DOMAIN_VALIDATE_H
#define WL_DOMAIN_VALIDATE_H

#include <stddef.h>
#include <stdint.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

/* Linux passes at most 131,071 bytes of KEY=value in one string (MAX_ARG_STRLEN); the longest key
 * and the "=" are taken off, so that a value that fits once always fits. */
#define VALIDATE_ENV_VALUE_MAX (131071 - 128 - 1)

int validate_slug(const char *field, const char *text,
                  struct err *err) MUST_USE; /* [a-z0-9][a-z0-9-]{0,39} */
int validate_name(const char *field, const char *text,
                  struct err *err) MUST_USE; /* 1..80 characters, one line, UTF-8 */
int validate_note(const char *field, const char *text, size_t max,
                  struct err *err) MUST_USE; /* UTF-8, LF and TAB allowed */
int validate_login(const char *field, const char *text,
                   struct err *err) MUST_USE; /* [a-z0-9][a-z0-9._@-]{1,63} */
int validate_password(const char *field, const char *text, const char *login, struct err *err)
    MUST_USE; /* 12..1024 bytes, not the login, not a common one */
int validate_version(const char *field, const char *text,
                     struct err *err) MUST_USE; /* [A-Za-z0-9][A-Za-z0-9._+-]{0,63} */
int validate_sha256(const char *field, const char *text,
                    struct err *err) MUST_USE; /* 64 hex digits */
int validate_env_key(const char *field, const char *text,
                     struct err *err) MUST_USE; /* [A-Za-z_][A-Za-z0-9_]{0,127}; loader names
                                                   (LD_PRELOAD, BASH_ENV, ...) and WL_* refused */
int validate_env_value(const char *field, const char *bytes, size_t len,
                       struct err *err) MUST_USE; /* UTF-8, no control but LF, CR, TAB */
int validate_comment(const char *field, const char *text, size_t max,
                     struct err *err) MUST_USE; /* of a .env text: lines that are blank or begin
                                                   with # */
int validate_secret_path(const char *field, const char *text,
                         struct err *err) MUST_USE; /* keys/jwt.pem, below the app's folder */
int validate_file_mode(const char *field, int mode,
                       struct err *err) MUST_USE; /* 0400 0440 0444 0600 0640 0644 */
int validate_command(const char *field, const char *text, struct err *err)
    MUST_USE; /* one shell line, <= 2000 bytes, no control character */
int validate_target_path(const char *field, const char *text, struct err *err)
    MUST_USE; /* absolute, or relative to the home folder; no "..", no control */
int validate_unit(const char *field, const char *text,
                  struct err *err) MUST_USE; /* a systemd unit name, systemd.unit(5) */
int validate_project(const char *field, const char *text, struct err *err)
    MUST_USE; /* a Compose project: [a-z0-9][a-z0-9_-]{0,62}; {app} and {env} stand for slugs */
int validate_names(const char *field, const char *text,
                   struct err *err) MUST_USE; /* up to 20 short names, one space between two */
int validate_tag(const char *field, const char *text,
                 struct err *err) MUST_USE; /* an image's tag: [A-Za-z0-9_][A-Za-z0-9_.-]{0,63} */
int validate_url_path(const char *field, const char *text,
                      struct err *err) MUST_USE; /* /health?x=1 */
int validate_https_url(const char *field, const char *text, struct err *err) MUST_USE;
int validate_addresses(const char *field, const char *text,
                       struct err *err) MUST_USE; /* name=address, a space between two */
int validate_site_url(const char *field, const char *text,
                      struct err *err) MUST_USE; /* http:// or https://, a name, [:port], a path */
int validate_file_name(const char *field, const char *text,
                       struct err *err) MUST_USE; /* one path part, no leading dot or dash */

/* Where the source is (validate_git.c). */
int validate_git_ref(const char *field, const char *text,
                     struct err *err) MUST_USE; /* a branch, tag or commit */
int validate_repository(const char *field, const char *text, struct err *err)
    MUST_USE; /* git@host:path, ssh://..., https://... without a token in it */
int validate_known_hosts(const char *field, const char *text,
                         struct err *err) MUST_USE; /* lines as ssh-keyscan prints them */

/* What a container is made of (validate_container.c). */
int validate_image(const char *field, const char *text,
                   struct err *err) MUST_USE; /* ghcr.example/team/shop, without a tag */
int validate_ports(const char *field, const char *text,
                   struct err *err) MUST_USE; /* 8100-8119, or single ones: 8101 8102 */
int validate_volumes(const char *field, const char *text,
                     struct err *err) MUST_USE; /* name:/inside /outside:/inside:ro ./x:/inside */
int validate_size(const char *field, const char *text, struct err *err) MUST_USE; /* 512m, 2g */
int validate_word(const char *field, const char *text,
                  struct err *err) MUST_USE; /* [A-Za-z0-9][A-Za-z0-9_.:-]{0,63} */
int validate_arguments(const char *field, const char *text,
                       struct err *err) MUST_USE; /* a command that no shell reads: quotes whole */
int validate_processes(const char *field, const char *text,
                       struct err *err) MUST_USE; /* lines "worker: command", up to eight */
int validate_hooks(const char *field, const char *text, struct err *err)
    MUST_USE; /* lines "service: command", up to eight; a service may be there again */

/* user@host[:port], user@[v6]:port; the parts are written only on success. */
struct address {
    char login[64];
    char host[256];
    int port;
};
int validate_address(const char *field, const char *text, struct address *address,
                     struct err *err) MUST_USE;

/* A private registry as it stands in front of an image's name: host[:port] in lower case. All names
 * of Docker Hub's registry become docker.io. Written only on success. */
#define REGISTRY_HOST_SIZE  300
#define REGISTRY_LOGIN_SIZE 256
int validate_registry_host(const char *field, const char *text, char host[REGISTRY_HOST_SIZE],
                           struct err *err) MUST_USE;
int validate_registry_login(const char *field, const char *text,
                            struct err *err) MUST_USE; /* 1..255 bytes, one line, no colon */
#define REGISTRY_PASSWORD_MAX ((size_t)4096)
int validate_registry_password(const char *field, const char *bytes, size_t len,
                               struct err *err) MUST_USE; /* 1..4096 bytes, one line */

#endif

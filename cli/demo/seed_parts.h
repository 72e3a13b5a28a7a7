/* seed_parts.h - the single things `windlass demo seed` makes. */
#ifndef WL_CLI_DEMO_SEED_PARTS_H
#define WL_CLI_DEMO_SEED_PARTS_H

#include "cli/dashboard.h"
#include "lib/base/attr.h"

/* The fingerprint of an OpenSSH public key file, as ssh-keygen -lf shows it. */
int seed_key_print(const char *path, char print[64], struct err *err) MUST_USE;

struct seed_artefact {
    const char *app_id, *user_id, *version;
    const char *folder; /* holds hello-<version>.tar.gz */
};
/* Copy the tarball into var/artefacts, hashing on the way, and add its row. */
int seed_artefact(const struct dashboard *dashboard, const struct seed_artefact *artefact,
                  struct err *err) MUST_USE;

struct seed_person {
    const char *user_id, *token; /* of a sign-in of theirs */
};
/* GREETING (plain) and API_TOKEN (secret), sealed like a form's, saved by the worker. */
int seed_secrets(const struct dashboard *dashboard, const struct seed_person *person,
                 const char *environment_id, const char *slug, struct err *err) MUST_USE;

/* Queue a Check of the server, as the command line, and wake the worker. Does not wait for it. */
int seed_check_server(const struct dashboard *dashboard, const char *user_id, const char *server_id,
                      struct err *err) MUST_USE;

#endif

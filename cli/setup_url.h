/* setup_url.h - the one-time address that makes the first admin. */
#ifndef WL_CLI_SETUP_URL_H
#define WL_CLI_SETUP_URL_H

#include "cli/place.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"

#define SETUP_URL_SIZE 512

/* While there is no admin: a new token (the one before ends), its address written to
 * var/run/setup-url (0600) and returned. With an admin: url is "" and the file is removed. */
int setup_url_renew(const struct place *place, const char *origin, char url[SETUP_URL_SIZE],
                    struct err *err) MUST_USE;
/* Remove the file: the dashboard stops. */
void setup_url_forget(const struct place *place, struct err *err);

#endif

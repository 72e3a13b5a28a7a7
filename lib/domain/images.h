/* images.h - which images a release of these settings runs, by name, and what may stand for one by
 * content. */
#ifndef WL_DOMAIN_IMAGES_H
#define WL_DOMAIN_IMAGES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "lib/base/attr.h"
#include "lib/base/err.h"

/* The services of the settings' Compose file with this version filled in (lib/domain/compose.h);
 * for a recipe of one image, that one, as the service `web`; an empty list for other recipes. A new
 * reference. */
int images_of_settings(const json_t *settings, const char *version, json_t **services,
                       struct err *err) MUST_USE;

/* The repository of a reference as an engine notes it beside a digest: no tag, no digest, no
 * `docker.io/` and no `library/`. False when it does not fit. */
bool images_repository(const char *reference, char *dst, size_t size);

/* Whether `digest` is "<repository of the reference>@sha256:<64 hex digits>": the only form in
 * which a digest that a server told is run elsewhere. */
bool images_is_digest_of(const char *digest, const char *reference);

#endif

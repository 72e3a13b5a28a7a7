/* deploy_images.h - a deploy whose version is a tag: which images the Compose file names with it,
 * what that changes, and what is worth a warning. Nothing here asks a registry: digests are known
 * when the worker has pulled. */
#ifndef WL_CGI_PAGES_DEPLOY_IMAGES_H
#define WL_CGI_PAGES_DEPLOY_IMAGES_H

#include "cgi/pages/deploy_plan.h"

/* The tag to show first: what is live here, else `latest`, or the release's number where the file
 * does not use the version at all; with a repository the branch of the settings. */
json_t *deploy_images_tag(const struct deploy_view *view);
/* The services of the settings' Compose file with this version filled in (lib/domain/compose.h);
 * for a recipe of one image, that one; an empty list for other recipes. */
int deploy_images_services(const struct deploy_view *view, json_t **services,
                           struct err *err) MUST_USE;
/* One row each for the plan's "What changes". live: object of environment_release, or null. */
void deploy_images_changes(const json_t *services, const json_t *live, json_t *changes);
/* Remedies {text, href, action} to be added to the page's warnings. */
void deploy_images_warn(const struct deploy_view *view, const json_t *services, json_t *warnings);

#endif

/* deploy_images.h - which images a deploy runs, by content: what the recipe's step "pull" saw.
 *
 * The step reports image_<n> = service, image as the file names it, image@digest (or a local id),
 * with tabs between. The first host settles the digests; the hosts after it pull those, and the
 * release row keeps them. */
#ifndef WL_WORKER_JOBS_DEPLOY_IMAGES_H
#define WL_WORKER_JOBS_DEPLOY_IMAGES_H

#include "worker/run.h"

/* New object: service -> {image, digest}; empty for recipes without images, and before the step. */
int deploy_images(struct worker *w, const struct run *run, json_t **images,
                  struct err *err) MUST_USE;
/* The same as lines `service<TAB>digest` for the hosts after the first; appended to `pins`. */
void deploy_images_pins(const json_t *images, struct buf *pins);

#endif

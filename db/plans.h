/* plans.h - what was seen on an environment's servers before a deploy: jobs of kind plan.
 *
 * A look belongs to what would be deployed: its job's plan has the basis (db/basis.h) of that
 * moment, and one whose basis is another now is not shown. What a look found out about images can
 * become part of what is confirmed: then the digests that a person saw are what runs, whatever the
 * tags are by then. */
#ifndef WL_DB_PLANS_H
#define WL_DB_PLANS_H

#include <jansson.h>
#include "db/db.h"
#include "lib/base/attr.h"

/* {id, state, verdict, summary, params, basis (null before its plan was made), created_at,
 * ended_at}: the newest looks of an environment, newest first, at most ten. */
int plan_newest(struct db *db, const char *environment_id, json_t **looks,
                struct err *err) MUST_USE;
/* Its servers in order: {host, server_id, name, host_state, verdict, state, results: {} or null,
 * ended_at, cause}. */
int plan_hosts(struct db *db, const char *job_id, json_t **hosts, struct err *err) MUST_USE;

/* One field (0: the service) of a result planned_<n> (docs/add-a-recipe.md, "Plans"), in dst; ""
 * where it is missing or does not fit. */
enum plan_field {
    PLAN_SERVICE = 0,
    PLAN_REFERENCE,
    PLAN_DIGEST,
    PLAN_BYTES,
    PLAN_HERE,
    PLAN_RUNS,
    PLAN_RUNNING,
    PLAN_THERE,
    PLAN_REASON
};
void plan_field(const char *line, int field, char *dst, size_t size);

/* service -> digest, a new object: those on which all servers that answered agree, and which belong
 * to the image that the service names. services: of images_of_settings; hosts: of plan_hosts. */
json_t *plan_images(const json_t *hosts, const json_t *services);

/* Makes a look part of a basis: `planned` (its id) and `images`. Nothing is added when the look is
 * of another environment, version or settings, or knows no digest; the
 * comparison with what was confirmed says so then. settings: checked. */
struct plan_choice {
    const char *environment_id, *job_id;
    const json_t *settings;
};
int plan_add_images(struct db *db, const struct plan_choice *choice, json_t *basis,
                    struct err *err) MUST_USE;

#endif

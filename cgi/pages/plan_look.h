/* plan_look.h - what was seen on the servers before a deploy (db/plans.h), for the pages that ask a
 * person to confirm one: which look is shown, and what of it becomes part of the basis.
 *
 * A look is shown while it is of this very basis and no older than PLAN_LOOK_FRESH_MS. The page
 * waits for none: without one it says that the servers were not asked. */
#ifndef WL_CGI_PAGES_PLAN_LOOK_H
#define WL_CGI_PAGES_PLAN_LOOK_H

#include <jansson.h>
#include <stdbool.h>
#include "cgi/http/request.h"
#include "cgi/http/response.h"
#include "lib/base/attr.h"
#include "lib/domain/recipe.h"

#define PLAN_LOOK_FRESH_MS ((int64_t)30 * 60 * 1000)

struct plan_look {
    json_t *params;      /* what a look for this page is asked with */
    json_t *row, *hosts; /* the look that is shown, under way or ended, and its servers; or NULL */
    json_t *refused;     /* one that could not begin, a moment ago; or NULL */
    bool was_tried;      /* somebody asked for one a moment ago: none begins by itself */
};

/* basis: as made now; where the look tells digests, they are added, of a form that was sent those
 * of the look that it names. settings: checked. params: {version}, or {release, parts}; stolen. */
struct plan_subject {
    const char *environment_id;
    const json_t *settings;
    json_t *basis;
    json_t *params;
    bool is_pinned; /* a rollback has its digests already: none are added */
};
int plan_look_find(struct request *req, const struct plan_subject *subject, struct plan_look *look,
                   struct err *err) MUST_USE;

/* The `look` of the model (tests/web/fixtures/README.md). */
struct plan_view {
    const struct plan_look *look;
    const json_t *card, *live; /* live: row of environment_release, or null */
    const json_t *settings, *basis;
    const json_t *servers; /* rows */
    const struct recipe *recipe;
};
int plan_view_model(struct request *req, const struct plan_view *view, json_t **model,
                    struct err *err) MUST_USE;
/* What happens to each service on one server: a list of {service, text, why}. */
struct plan_containers {
    const json_t *host;    /* of plan_hosts */
    const json_t *changes; /* of compose_changes; NULL: a recipe of one image */
    const json_t *keys;    /* secret_set_difference from the live set to the one of the plan */
    bool has_live;
};
json_t *plan_containers_model(const struct plan_containers *seen, bool *replaces);

#endif

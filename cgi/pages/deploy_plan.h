/* deploy_plan.h - the plan that the confirm page shows: steps, servers, what differs from what is
 * live, and how long it will take. */
#ifndef WL_CGI_PAGES_DEPLOY_PLAN_H
#define WL_CGI_PAGES_DEPLOY_PLAN_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "cgi/pages/plan_look.h"
#include "lib/base/attr.h"
#include "lib/domain/recipe.h"

/* What the page was made from. All borrowed from the request's arena but recipe (recipe_free). */
struct deploy_view {
    const char *version; /* asked for; "": none */
    json_t *environment; /* row */
    json_t *card;
    json_t *servers;   /* rows */
    json_t *artefacts; /* rows, newest first; empty where the version is a tag */
    json_t *artefact;  /* the chosen one's row, or the tag as one; NULL: none */
    json_t *missing;   /* at most one problem: required secrets that are not set */
    json_t *services;  /* of the Compose file, with the tag filled in; empty where there is none */
    bool is_tag;       /* the version is typed: a tag of images, or a ref of a repository */
    json_t *basis;     /* NULL when there is no artefact */
    json_t *settings;  /* checked */
    struct plan_look look; /* at its servers */
    struct recipe *recipe;
};

/* The `plan` of the model; hash is that of view->basis. */
int deploy_plan_model(struct request *req, const struct deploy_view *view, const char *hash,
                      json_t **plan, struct err *err) MUST_USE;

/* Its steps alone: {number, name, title, mode_text, deadline_text, is_skipped, skipped_text,
 * is_switch, note}. Of the view recipe, settings and card are read. */
json_t *deploy_plan_steps(const struct deploy_view *view);
/* The same for an operation's steps (recipe_operation), which go back to nothing. */
json_t *deploy_plan_operation(const struct deploy_view *view, const json_t *list);

#endif

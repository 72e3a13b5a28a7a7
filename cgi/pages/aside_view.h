/* aside_view.h - what the pages for a command and for the app's log have in common: the live
 * release, and the servers and services to choose from. */
#ifndef WL_CGI_PAGES_ASIDE_VIEW_H
#define WL_CGI_PAGES_ASIDE_VIEW_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "db/operations.h"
#include "lib/base/attr.h"
#include "lib/domain/recipe.h"

struct aside_view {
    json_t *card, *environment, *servers; /* rows */
    json_t *services;                     /* texts: as last seen, and those of the release */
    struct recipe *recipe;
    struct operation_plan plan; /* without a basis: refused */
    struct err refused;
};
/* By the route's {app} and {env}; kind: "command" or "logs". Call aside_view_end whatever it says.
 */
int aside_view_read(struct request *req, const char *kind, struct aside_view *v,
                    struct err *err) MUST_USE;
void aside_view_end(struct aside_view *v);

/* Lists of part_choice. chosen: as typed; "" chooses the first. The services begin with "all" where
 * that is possible. */
json_t *aside_servers(const struct aside_view *v, const char *chosen);
json_t *aside_services(const struct aside_view *v, const char *chosen, bool with_all);
/* The row of the server with this slug, or NULL. */
const json_t *aside_server(const struct aside_view *v, const char *slug);

/* The page with its crumbs (Operate, then `title`), and its data with {environment, live, servers,
 * services, has_services, problems, can}. */
json_t *aside_page_new(struct request *req, const struct aside_view *v, const char *title);
int aside_data_new(struct request *req, const struct aside_view *v, json_t **data,
                   struct err *err) MUST_USE;

#endif

/* release_view.h - what the pages below /apps/{app}/{env}/releases have in common: the environment,
 * what was seen of its earlier releases, and in words whether one can be gone back to. */
#ifndef WL_CGI_PAGES_RELEASE_VIEW_H
#define WL_CGI_PAGES_RELEASE_VIEW_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "cgi/pages/parts.h"
#include "lib/domain/recipe.h"

struct release_view {
    struct places places;
    json_t *card;          /* of environment_card */
    json_t *kept;          /* rows of environment_kept_looks */
    json_t *sets;          /* rows of environment_secret_looks */
    struct recipe *recipe; /* NULL: it is gone; to be freed by release_view_end */
};
/* By the route's {app} and {env}. ERR_NOT_FOUND. Call release_view_end whatever it says. */
int release_view_read(struct request *req, struct release_view *v, struct err *err) MUST_USE;
void release_view_end(struct release_view *v);

/* One release (environment_release_by_number) by a number as text; ERR_NOT_FOUND. */
int release_view_one(struct request *req, const struct release_view *v, const char *number,
                     json_t **row, struct err *err) MUST_USE;

/* {can, can_partly, status, text, checks: [{name, status, text}]}: whether it can be gone back to,
 * wholly or in some of its parts, and what is known of each thing that takes. What nobody has
 * looked at is `unknown`, never a guess. */
json_t *release_ready(const struct release_view *v, const json_t *row);

/* part_release, and {href, rollback_href ("" where it cannot be), compare_href (with live; "" for
 * the live one), replays_label, replays_href, parts}. */
json_t *release_model(const struct release_view *v, const json_t *row);

/* What a release changed against the one before it in a few words; before: NULL for the first. */
int release_changes_text(struct request *req, const json_t *before, const json_t *row,
                         json_t **text, struct err *err) MUST_USE;
/* How many keys of secrets were {added, changed, removed} between two sets. */
int release_count_secrets(struct request *req, const char *environment_id, int64_t from, int64_t to,
                          int counts[3], struct err *err) MUST_USE;
/* Settings whose values differ, but the Compose file: how many. */
size_t release_count_settings(const json_t *before, const json_t *after);
bool release_same_compose(const json_t *before, const json_t *after);

/* The page with its crumbs (Releases, and `crumb` below it where it is not NULL), and its data with
 * {environment, releases_href}. */
json_t *release_page_new(struct request *req, const struct release_view *v, const char *title,
                         const char *crumb);
json_t *release_data_new(const struct release_view *v);
/* "/apps/{app}/{env}/releases" and what follows. */
json_t *release_href(const struct release_view *v, const char *fmt, ...) PRINTF(2, 3);

#endif

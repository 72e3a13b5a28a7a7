/* secrets_view.h - what all pages below /apps/{app}/{env}/secrets have in common: the environment,
 * its newest set, and the head with its tabs. */
#ifndef WL_CGI_PAGES_SECRETS_VIEW_H
#define WL_CGI_PAGES_SECRETS_VIEW_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "cgi/pages/parts.h"

#define SECRET_MESSAGE_MAX 200

struct secrets_view {
    struct places places;
    json_t *card;    /* of environment_card */
    json_t *set;     /* the newest; number 0: none yet */
    json_t *entries; /* of the newest */
};

/* By the route's {app} and {env}. ERR_NOT_FOUND. */
int secrets_view_read(struct request *req, struct secrets_view *v, struct err *err) MUST_USE;

/* Put the entries of an older set in place of the newest one's: a form that was typed over that set
 * is read and shown against it. Numbers that no set has are left alone. */
int secrets_view_rebase(struct request *req, struct secrets_view *v, int64_t number,
                        struct err *err) MUST_USE;

/* tab: "table", "raw", "history", "compare" or "". The crumb of a page below is added by the
 * caller; the amber bar is there when something is not deployed. */
json_t *secrets_page_new(struct request *req, const struct secrets_view *v, const char *title,
                         const char *tab);
/* {environment, set, has_set, base_set, tabs: [{text, href, is_here}], raw_href,
 * add_href, add_file_href} */
json_t *secrets_data_new(const struct secrets_view *v, const char *tab);

/* {number, label, next_label, count, created, by, message}; null for number 0. */
json_t *secrets_set_model(const json_t *set);
/* {value, text, is_selected} of the three kinds. */
json_t *secrets_kinds_model(const char *chosen);
const char *secrets_kind_text(const char *kind); /* "Write-only"; "" when there is no such kind */
const char *secrets_kind(const char *text);      /* the kind itself, or NULL */
bool secrets_is_plain(const char *kind);
/* The entry of this key, or NULL. Borrowed. */
const json_t *secrets_find(const json_t *entries, const char *key);
/* "/apps/{app}/{env}/secrets" and what follows. */
json_t *secrets_href(const struct secrets_view *v, const char *rest);

#endif

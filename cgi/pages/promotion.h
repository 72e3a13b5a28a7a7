/* promotion.h - a release of one environment that goes live in another one of the same app: which
 * it is, and what is new in it. Its confirm page is operation.c's. */
#ifndef WL_CGI_PAGES_PROMOTION_H
#define WL_CGI_PAGES_PROMOTION_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "lib/base/attr.h"

struct promotion {
    json_t *card;    /* of the environment it comes from */
    json_t *release; /* row with all that was put live */
};
/* A field of the form, or of the address. */
const char *promotion_field(struct request *req, const char *name);
/* By the fields `from` (the other environment's slug) and `release` (its number; the live one when
 * there is none). card: of the environment it goes to. ERR_CONFLICT, ERR_NOT_FOUND. */
int promotion_read(struct request *req, const json_t *card, struct promotion *promotion,
                   struct err *err) MUST_USE;

/* {label, href, environment}: for the head of the page. */
json_t *promotion_source(const struct promotion *promotion, const json_t *card);
/* {name, before, after, is_changed}: the live release against what is confirmed. */
struct promotion_new {
    const json_t *basis, *settings;
    const json_t *of; /* the release whose code is taken */
};
int promotion_changes(struct request *req, const json_t *card, const struct promotion_new *next,
                      json_t **changes, struct err *err) MUST_USE;
/* {key, verb}: secrets of the release there against those it would have here. */
int promotion_secrets(struct request *req, const struct promotion *promotion, const json_t *card,
                      const json_t *basis, json_t **differences, struct err *err) MUST_USE;

/* {text, version, label, href}: what other environments of the app have live that could come here.
 */
int promotion_list(struct request *req, const json_t *card, json_t **list,
                   struct err *err) MUST_USE;

#endif

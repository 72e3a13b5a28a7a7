/* secrets_review.h - a draft under review, and bringing it together with what somebody else saved
 * meanwhile (secrets_merge.c). */
#ifndef WL_CGI_PAGES_SECRETS_REVIEW_H
#define WL_CGI_PAGES_SECRETS_REVIEW_H

#include "cgi/pages/secrets_draft.h"

struct secrets_review {
    struct secrets_view v;
    json_t *draft, *entries;               /* of secret_draft_get */
    json_t *base_entries, *newest_entries; /* the same when nobody saved meanwhile */
    json_t *answer;                        /* of secrets.compare */
    bool is_stale;
};

/* By the route's {app}, {env} and {draft}; asks the worker. */
int secrets_review_read(struct request *req, struct secrets_review *r, struct err *err) MUST_USE;
/* How an entry of the draft stands to "against_base" or "against_newest": '=', '+', '~', 'm', or
 * '?' when it is wrong in itself. */
char secrets_review_how(const struct secrets_review *r, const char *against, size_t at);

/* Put merge {by, newest_label, base_label, rows: [{key, mine_text, theirs_text, is_conflict}]} into
 * data; null when nobody saved meanwhile. */
void secrets_merge_model(struct request *req, const struct secrets_review *r, json_t *data);
/* Make a new draft on the newest set, with the choices of the form (choice.KEY: mine or theirs). */
int secrets_merge_save(struct request *req, struct response *res, const struct secrets_review *r,
                       struct err *err) MUST_USE;

#endif

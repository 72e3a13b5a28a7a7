/* operation_view.h - what can be done with what is live: the deeds that the page Operate lists and
 * that have a confirm page each. */
#ifndef WL_CGI_PAGES_OPERATION_VIEW_H
#define WL_CGI_PAGES_OPERATION_VIEW_H

#include <jansson.h>
#include "cgi/http/request.h"
#include "lib/base/attr.h"

struct operation_words {
    const char *name;   /* the job's kind, and the last part of the address */
    const char *title;  /* "Restart" */
    const char *text;   /* what comes of it, one sentence */
    const char *button; /* "Restart now" */
    bool is_danger;     /* nothing serves after it */
};
/* NULL for a word that is none of them. */
const struct operation_words *operation_words_find(const char *name);

/* {name, title, text, href, can, why_not}: each of them, and why it cannot be now. */
int operation_view_list(struct request *req, const json_t *card, json_t **list,
                        struct err *err) MUST_USE;

#endif

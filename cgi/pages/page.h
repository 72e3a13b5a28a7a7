/* page.h - what only HTML needs, besides the data: title, tab, crumbs, form values and errors
 * (tests/web/fixtures/README.md). The dispatcher fills in what is left out. */
#ifndef WL_CGI_PAGES_PAGE_H
#define WL_CGI_PAGES_PAGE_H

#include <jansson.h>
#include <stdbool.h>
#include "cgi/http/request.h"
#include "lib/base/err.h"

/* tab: home, apps, jobs, servers, registries, audit or "". */
json_t *page_new(const char *title, const char *tab);
/* href "": the page itself. */
void page_crumb(json_t *page, const char *text, const char *href);
/* Crumbs Apps / app / env, and the tier of the environment. */
void page_crumbs_of(json_t *page, const char *app_slug, const char *env_slug, const char *tier);
/* The last crumb is this page: no link. */
void page_here(json_t *page);
/* Reload by itself, for readers without JavaScript. */
void page_refresh(json_t *page, int seconds);

/* A text area's value with its lines ended by LF. Browsers end every line with CR LF; a text that
 * has any other line end is left as it came. In the request's arena. */
const char *page_lines(struct request *req, const char *text);

/* Declare a field of the page's forms: no error, and what is in it (NULL: never shown, a password).
 */
void page_field(json_t *page, const char *field, const char *value);
void page_error(json_t *page, const char *field, const char *text);
bool page_has_errors(const json_t *page);
/* Take a refusal as the error of its field, or of `otherwise` when it names none. Only refusals a
 * person can mend here (input, conflict, too large): else returns -1 and the caller passes it on.
 */
int page_take_err(json_t *page, const struct err *refused, const char *otherwise);

#endif

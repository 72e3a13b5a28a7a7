/* audit_words.h - the detail of an event (a JSON object) as text. */
#ifndef WL_CGI_PAGES_AUDIT_WORDS_H
#define WL_CGI_PAGES_AUDIT_WORDS_H

#include <jansson.h>

/* One line for the list: "version 1.1.0, release 42". New reference. */
json_t *audit_summary(const json_t *detail);
/* New list of {key, text}, nested objects with dotted keys. */
json_t *audit_details(const json_t *detail);

#endif

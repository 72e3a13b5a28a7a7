/* rollback_words.h - lists on the page of a rollback, as sentences: new strings. */
#ifndef WL_CGI_PAGES_ROLLBACK_WORDS_H
#define WL_CGI_PAGES_ROLLBACK_WORDS_H

#include <jansson.h>

/* "1.2.0, artefact 9b1e6c0f3a5d; web sha256:4c27d8ab19e0" of a release. */
json_t *rollback_code_text(const json_t *release);
/* "DATABASE_URL changed, API_KEY removed and 3 more", of secret_set_difference. */
json_t *rollback_keys_text(const json_t *changes);
/* "web-1, web-2", or "none"; rows of servers. */
json_t *rollback_names_text(const json_t *servers);

#endif

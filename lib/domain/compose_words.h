/* compose_words.h - the words of the Compose Specification, and which of them a mistyped one was
 * meant to be. Source: the attribute lists of the specification's chapters 03 to 09,
 * https://github.com/compose-spec/compose-spec. */
#ifndef WL_DOMAIN_COMPOSE_WORDS_H
#define WL_DOMAIN_COMPOSE_WORDS_H

#include <stdbool.h>

bool compose_is_top_word(const char *word);
bool compose_is_service_word(const char *word);
/* The known word that is one or two typing mistakes away (one, for words of up to four letters), or
 * NULL. */
const char *compose_close_top_word(const char *word);
const char *compose_close_service_word(const char *word);

#endif

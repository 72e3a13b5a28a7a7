/* server_facts.h - what the last Check found on a server, in the words of a page. */
#ifndef WL_CGI_PAGES_SERVER_FACTS_H
#define WL_CGI_PAGES_SERVER_FACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* New list of {label, text} in reading order; facts that this program does not know come last under
 * their own names. facts may be null. */
json_t *server_facts_list(const json_t *facts);
/* "Debian GNU/Linux 12 (bookworm), x86_64", or "". */
json_t *server_facts_system(const json_t *facts);
/* Free bytes of the home folder's disk, and its size (0: not known); false when neither is known.
 */
bool server_facts_disk(const json_t *facts, int64_t *free_bytes, int64_t *total_bytes);
/* New list of {id, label, status, cause, fix}; *failing counts those that fail. */
json_t *server_checks_list(const json_t *checks, int *failing);

#endif

/* address.h - which network addresses outbound HTTP may reach. Pure rules, no I/O but
 * address_is_own.
 *
 * Everything that is not a public unicast address is refused unless an admin listed it: a URL typed
 * into a form must not become a way into the dashboard's own network (SSRF). The rules work on the
 * address that is about to be connected, after name resolution, so a name that changes its mind
 * between two lookups gains nothing. Source: the IANA IPv4 and IPv6 special-purpose address
 * registries (RFC 6890). */
#ifndef WL_NET_ADDRESS_H
#define WL_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include "lib/base/attr.h"

#define ADDRESS_TEXT_SIZE 64

/* Globally reachable unicast. Unknown families, v4-mapped v6, NAT64, 6to4 and Teredo are not. */
bool address_is_public(const struct sockaddr *address);
/* In one of the listed addresses or networks ("10.0.0.0/8", "127.0.0.1", "fd00::/8"). A v4-mapped
 * address is looked up as the IPv4 address it stands for. A list entry that cannot be read matches
 * nothing. `list` ends with NULL; NULL is the empty list. */
bool address_in_list(const struct sockaddr *address, const char *const *list);
/* An address of one of this machine's interfaces: as good as loopback. True when that cannot be
 * found out. */
bool address_is_own(const struct sockaddr *address);
/* Whether the text is a valid entry for address_in_list: for checking an admin's input. */
bool address_is_entry(const char *text);
/* The address without port, for a sentence. Returns dst; "an unknown address" for other families.
 */
const char *address_text(char dst[ADDRESS_TEXT_SIZE], const struct sockaddr *address);

#endif
